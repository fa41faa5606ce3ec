//! How a training went.

use super::number::{counted, or_dash};
use super::{html, Content, Show};
use crate::plot::{training_figures, History, Table};
use crate::train::{EpochMetrics, Progress};

/// Epochs listed at the beginning and at the end; those between are in the curves.
const ENDS: usize = 5;

impl Show for Progress {
    fn content(&self) -> Content {
        let history = History::from(self.history.as_slice());
        let title = format!(
            "{}, {}, {:.0} images/s",
            counted(self.epochs_done, "epoch"),
            counted(self.steps_done as usize, "step"),
            self.images_per_second()
        );
        shown(&title, &history, &self.alarms.content(), self.alarms.is_empty())
    }
}

impl Show for [EpochMetrics] {
    fn content(&self) -> Content {
        History::from(self).content()
    }
}

impl Show for Vec<EpochMetrics> {
    fn content(&self) -> Content {
        self.as_slice().content()
    }
}

impl Show for History {
    fn content(&self) -> Content {
        shown(&counted(self.epochs.len(), "epoch"), self, &Content::default(), true)
    }
}

fn shown(title: &str, history: &History, alarms: &Content, quiet: bool) -> Content {
    let table = table(history);
    let mut text = format!("{title}\n\n{}", table.text());
    let mut page = html::heading(title);
    let figures = training_figures(history).unwrap_or_default();
    page += &html::figures(&figures);
    page += &format!("<details><summary>Epoch by epoch</summary>\n{}</details>\n", html::table(&table));
    if !quiet {
        text = format!("{text}\n\n{}", alarms.text());
        page += alarms.html().unwrap_or_default();
    }
    let content = Content::new(text).with_html(page);
    match figures.into_iter().next() {
        Some(loss) => content.with_figure(loss),
        None => content,
    }
}

fn table(history: &History) -> Table {
    let mut table = Table::new(["epoch", "loss", "kNN %", "std", "RankMe"]);
    let n = history.epochs.len();
    for (i, row) in history.epochs.iter().enumerate() {
        if n > 2 * ENDS + 1 && i == ENDS {
            table.row(["…"]);
        }
        if n <= 2 * ENDS + 1 || i < ENDS || i >= n - ENDS {
            let probed = |v: Option<f64>, decimals| or_dash(v.unwrap_or(f64::NAN), decimals);
            table.row([
                row.epoch.to_string(),
                or_dash(row.loss, 4),
                probed(row.knn.map(|v| 100.0 * v), 1),
                probed(row.std, 4),
                probed(row.rankme, 1),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::EpochRow;

    #[test]
    fn long_trainings_are_listed_by_their_ends() {
        let row = |epoch| EpochRow { epoch, loss: 1.0 / epoch as f64, knn: Some(0.5), ..EpochRow::default() };
        let content = History { epochs: (1..=30).map(row).collect() }.content();
        let first: Vec<&str> =
            content.text().lines().skip(4).filter_map(|l| l.split_whitespace().next()).collect();
        assert_eq!(first, ["1", "2", "3", "4", "5", "…", "26", "27", "28", "29", "30"]);
        assert!(content.html().is_some_and(|h| h.matches("<img").count() == 2 && !h.contains("<svg")));
        let short = History { epochs: (1..=11).map(row).collect() }.content();
        assert!(!short.text().contains('…'));
        assert!(History::default().content().text().starts_with("0 epochs"));
    }
}
