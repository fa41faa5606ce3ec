//! How many labels a probe may see, in words.

use super::{Content, Show};
use crate::data::Labels;
use crate::eval::ProbeFit;
use crate::plot::percent;

impl Show for Labels {
    fn content(&self) -> Content {
        Content::new(match self {
            Labels::Fraction(share) => {
                format!("{} of the labels, balanced over the classes", percent(*share))
            }
            Labels::PerClass(n) => format!("{n} labels of every class"),
        })
    }
}

impl Show for ProbeFit {
    fn content(&self) -> Content {
        Content::new(format!(
            "linear probe, L2 strength {} chosen on the validation part: {} right there",
            self.strength,
            percent(self.validation_accuracy)
        ))
    }
}
