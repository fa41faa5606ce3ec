//! Several runs side by side.

use super::bars::{bars, percent, BarRow};
use super::curves::{curves, Series};
use super::verdict::judged;
use super::{Figure, History, Table};
use crate::error::Result;
use crate::train::Report;

/// A run to be compared.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// What it is called in the table and the legends.
    pub name: &'a str,
    /// What it found.
    pub report: &'a Report,
    /// How it went.
    pub history: &'a History,
}

/// What [`compare`] makes of the runs.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// A row for each run, best first by linear-probe accuracy at the smallest share of labels.
    pub table: Table,
    /// Training loss over epochs. Losses of different methods, temperatures or batch sizes are not comparable.
    pub loss: Figure,
    /// Online kNN over epochs, where any run was probed.
    pub knn: Option<Figure>,
    /// Linear-probe accuracy by share of labels.
    pub accuracy: Figure,
}

/// Puts runs into one table and one set of axes.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn compare(runs: &[Compared<'_>]) -> Result<Comparison> {
    let mut order: Vec<&Compared<'_>> = runs.iter().collect();
    let score = |run: &Compared<'_>| judged(run.report).map_or(f64::NEG_INFINITY, |(_, accuracy)| accuracy);
    order.sort_by(|a, b| score(b).total_cmp(&score(a)));

    let mut labels: Vec<(f64, &str)> = Vec::new();
    for label in runs.iter().flat_map(|r| r.report.scores.linear.by_labels.keys()) {
        if !labels.iter().any(|(_, known)| known == label) {
            labels.push((label.trim_end_matches('%').trim().parse().unwrap_or(f64::INFINITY), label));
        }
    }
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));

    let overlay = |title: &str, unit: &str, points: &dyn Fn(&History) -> Vec<(f64, f64)>| {
        let series: Vec<Series> = runs.iter().map(|r| Series::new(r.name, points(r.history))).collect();
        curves(title, "epoch", unit, &series)
    };
    let knn = |h: &History| h.probed(|row| row.knn.map(|v| 100.0 * v));
    let shares: Vec<String> =
        labels.iter().map(|(_, l)| format!("{} labels", l.replace('%', " %"))).collect();
    let rows: Vec<BarRow> = order
        .iter()
        .map(|r| BarRow {
            name: r.name.into(),
            values: labels.iter().map(|(_, l)| accuracy(r.report, l)).collect(),
        })
        .collect();
    Ok(Comparison {
        table: table(&order, &labels),
        loss: overlay("Training loss", "loss", &History::loss)?,
        knn: if runs.iter().any(|r| !knn(r.history).is_empty()) {
            Some(overlay("Online kNN (k = 20)", "accuracy (%)", &knn)?)
        } else {
            None
        },
        accuracy: bars(
            "Linear probe",
            "accuracy (%)",
            &shares.iter().map(String::as_str).collect::<Vec<_>>(),
            &rows,
        )?,
    })
}

fn accuracy(report: &Report, label: &str) -> f64 {
    report.scores.linear.by_labels.get(label).copied().unwrap_or(f64::NAN)
}

fn table(order: &[&Compared<'_>], labels: &[(f64, &str)]) -> Table {
    let mut headers: Vec<String> =
        ["run", "method", "data", "encoder", "seed", "epochs"].map(String::from).into();
    headers.extend(labels.iter().map(|(_, l)| format!("linear {}", l.replace('%', " %"))));
    headers.extend(["kNN 20", "random-init", "RankMe", "alarms", "seconds"].map(String::from));
    let mut table = Table::new(headers);
    for run in order {
        let r = run.report;
        let mut cells = vec![
            run.name.to_string(),
            r.method.clone(),
            r.data.clone(),
            r.encoder.clone(),
            r.seed.to_string(),
            r.epochs.to_string(),
        ];
        cells.extend(labels.iter().map(|(_, l)| percent(accuracy(r, l))));
        let random = &r.baselines.random_init;
        let random = judged(r).and_then(|(label, _)| random.linear.by_labels.get(label)).copied();
        cells.extend([
            percent(r.scores.knn.k20),
            percent(random.unwrap_or(f64::NAN)),
            format!("{:.1}", r.diagnostics.rankme),
            r.alarms.len().to_string(),
            format!("{:.0}", r.seconds),
        ]);
        table.row(cells);
    }
    table
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::report_sample::{history, report};
    use super::*;

    #[test]
    fn the_best_run_comes_first_and_every_run_has_its_curve() {
        let (good, history) = (report(), history());
        let mut worse = report();
        worse.scores.linear.by_labels.insert("1%".into(), 0.4);
        worse.scores.linear.by_labels.insert("5%".into(), 0.6);
        let runs = [
            Compared { name: "low-lr", report: &worse, history: &history },
            Compared { name: "default", report: &good, history: &history },
        ];
        let comparison = compare(&runs).unwrap();
        assert_eq!(comparison.table.rows()[0][0], "default");
        assert_eq!(
            comparison.table.headers()[6..10],
            ["linear 1 %", "linear 5 %", "linear 10 %", "linear 100 %"]
        );
        assert_eq!(comparison.table.rows()[0][7], "–");
        assert!(comparison.loss.svg().contains("low-lr") && comparison.loss.svg().contains("default"));
        assert!(comparison.knn.is_some());
        assert!(comparison.accuracy.alt().contains("low-lr: 1 % labels 40.0 %"));
    }

    #[test]
    fn runs_without_probes_and_no_runs_at_all() {
        let (report, empty) = (report(), History::default());
        let comparison = compare(&[Compared { name: "a", report: &report, history: &empty }]).unwrap();
        assert!(comparison.knn.is_none());
        assert!(compare(&[]).is_ok());
    }
}
