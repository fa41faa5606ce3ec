//! Figures and comparisons of runs.

use super::{html, Content, Show};
use crate::plot::{Comparison, Figure};

impl Show for Figure {
    fn content(&self) -> Content {
        Content::new(self.alt()).with_figure(self.clone())
    }
}

impl Show for Comparison {
    fn content(&self) -> Content {
        let figures: Vec<&Figure> =
            [Some(&self.accuracy), Some(&self.loss), self.knn.as_ref()].into_iter().flatten().collect();
        Content::new(self.table.text())
            .with_html(html::table(&self.table) + &html::figures(figures))
            .with_figure(self.accuracy.clone())
    }
}
