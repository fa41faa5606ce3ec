//! The table of scores: a trained encoder over what it is held against.

use selfsame::plot::Table;
use selfsame::train::{Baselines, Scores};

use crate::numbers::percent;

/// Accuracies in per cent, a row for each representation; `baselines` below the trained encoder where they are known.
pub fn table(trained: &Scores, baselines: Option<&Baselines>) -> String {
    let mut table =
        Table::new(["test accuracy, %", "kNN 20", "kNN 200", "1% labels", "10% labels", "all labels"]);
    row(&mut table, "this run", trained);
    if let Some(baselines) = baselines {
        row(&mut table, "random init", &baselines.random_init);
        row(&mut table, "raw pixels", &baselines.pixels);
        row(&mut table, "PCA", &baselines.pca);
        row(&mut table, "supervised", &baselines.supervised);
    }
    table.text()
}

fn row(table: &mut Table, name: &str, scores: &Scores) {
    let by_labels = |share: &str| percent(scores.linear.by_labels.get(share).copied());
    table.row([
        name.to_string(),
        percent(Some(scores.knn.k20)),
        percent(Some(scores.knn.k200)),
        by_labels("1%"),
        by_labels("10%"),
        percent(Some(scores.linear.accuracy)),
    ]);
}
