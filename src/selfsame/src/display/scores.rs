//! Scores of an embedding: clustering, retrieval, learnability.

use super::number::number;
use super::{Content, Show};
use crate::diagnose::{Clid, LidarScore};
use crate::eval::{ClusterScores, PairedRetrieval, PartnerRanks, Retrieval};
use crate::plot::{percent, Table};

/// Names and values, a line each.
fn listed(facts: impl IntoIterator<Item = (String, String)>) -> Content {
    let mut table = Table::new(["quantity", "value"]);
    for (name, value) in facts {
        table.row([name, value]);
    }
    table.content()
}

impl Show for ClusterScores {
    fn content(&self) -> Content {
        let facts = [
            ("normalised mutual information", number(self.nmi)),
            ("adjusted Rand index", number(self.ari)),
            ("purity", percent(self.purity)),
            ("accuracy of the best matching", percent(self.accuracy)),
        ];
        listed(facts.map(|(name, value)| (name.to_string(), value)))
    }
}

impl Show for Retrieval {
    fn content(&self) -> Content {
        let at = |what: &'static str, of: &[f64]| {
            of.iter()
                .enumerate()
                .map(|(i, v)| (format!("{what}, depth {}", i + 1), percent(*v)))
                .collect::<Vec<_>>()
        };
        let means = [
            ("mean average precision", self.map),
            ("R-precision", self.r_precision),
            ("MAP@R", self.map_at_r),
        ];
        let means = means.map(|(name, v)| (name.to_string(), percent(v)));
        listed(at("recall", &self.recall).into_iter().chain(at("precision", &self.precision)).chain(means))
    }
}

impl Show for PairedRetrieval {
    fn content(&self) -> Content {
        let of = |way: &'static str, ranks: &PartnerRanks| {
            let recall = ranks.recall.iter().enumerate();
            let mut facts: Vec<_> =
                recall.map(|(i, v)| (format!("{way}: recall, depth {}", i + 1), percent(*v))).collect();
            facts.push((format!("{way}: median rank"), number(ranks.median)));
            facts
        };
        listed(of("forward", &self.forward).into_iter().chain(of("backward", &self.backward)))
    }
}

impl Show for Clid {
    fn content(&self) -> Content {
        let facts = [("learnability", self.learnability), ("intrinsic dimension", self.intrinsic_dimension)];
        listed(facts.map(|(name, v)| (name.to_string(), number(v))))
    }
}

impl Show for LidarScore {
    fn content(&self) -> Content {
        listed([("LiDAR".to_string(), number(self.rank))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name() {
        let scores = ClusterScores { nmi: 0.5, ari: -0.1, purity: 0.75, accuracy: f64::NAN };
        let text = scores.content().text().to_string();
        assert!(text.contains("-0.1000") && text.contains("75.0 %") && text.contains('–'), "{text}");
        let ranks = PartnerRanks { ranks: vec![0, 2], recall: vec![0.5], median: 1.0 };
        let paired = PairedRetrieval { forward: ranks.clone(), backward: ranks }.content();
        assert_eq!(paired.text().lines().count(), 2 + 4);
    }
}
