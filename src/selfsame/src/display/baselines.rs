//! The scores of several representations.

use super::{Content, Show};
use crate::plot::{percent, Table};
use crate::train::{Baselines, Scores};

impl Show for Baselines {
    fn content(&self) -> Content {
        side_by_side(&named(self)).content()
    }
}

/// The baselines by short names.
pub(super) fn named(baselines: &Baselines) -> [(&str, &Scores); 4] {
    [
        ("random init", &baselines.random_init),
        ("pixels", &baselines.pixels),
        ("PCA", &baselines.pca),
        ("supervised", &baselines.supervised),
    ]
}

/// A row a probe, a column a representation: narrow enough for a terminal.
pub(super) fn side_by_side(of: &[(&str, &Scores)]) -> Table {
    let columns: Vec<_> = of.iter().map(|(_, scores)| rows(scores)).collect();
    let mut table = Table::new(["probe"].into_iter().chain(of.iter().map(|(name, _)| *name)));
    for (i, (probe, _)) in columns.first().into_iter().flatten().enumerate() {
        let cell = |rows: &Vec<(String, String)>| rows.get(i).map_or(String::new(), |r| r.1.clone());
        table.row(std::iter::once(probe.clone()).chain(columns.iter().map(cell)));
    }
    table
}

/// Every probe with its accuracy, fewest labels first.
pub(super) fn rows(scores: &Scores) -> Vec<(String, String)> {
    let share = |label: &str| label.trim_end_matches('%').trim().parse::<f64>().unwrap_or(f64::INFINITY);
    let mut linear: Vec<(&String, &f64)> = scores.linear.by_labels.iter().collect();
    linear.sort_by(|a, b| share(a.0).total_cmp(&share(b.0)));
    let linear = linear
        .into_iter()
        .map(|(label, v)| (format!("linear, {} labels", label.replace('%', " %")), percent(*v)));
    let knn = [("kNN, k = 20", scores.knn.k20), ("kNN, k = 200", scores.knn.k200)];
    linear.chain(knn.map(|(name, v)| (name.to_string(), percent(v)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{KnnScores, LinearScores};

    #[test]
    fn probes_stand_in_the_order_of_their_labels() {
        let by_labels = [("10%", 0.5), ("1%", 0.25), ("100%", 0.75)].map(|(k, v)| (k.to_string(), v));
        let scores = Scores {
            knn: KnnScores { k20: 0.9, k200: f64::NAN },
            linear: LinearScores { accuracy: 0.75, by_labels: by_labels.into() },
        };
        let text = scores.content().text().to_string();
        let names: Vec<&str> = text.lines().skip(2).filter_map(|line| line.split("  ").next()).collect();
        assert_eq!(
            names,
            [
                "linear, 1 % labels",
                "linear, 10 % labels",
                "linear, 100 % labels",
                "kNN, k = 20",
                "kNN, k = 200"
            ]
        );
        assert!(text.contains("25.0 %") && text.contains('–'), "{text}");
        let baselines = Baselines { pixels: scores.clone(), random_init: scores, ..Baselines::default() };
        assert!(baselines.content().text().contains("pixels"));
    }
}
