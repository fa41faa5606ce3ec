//! A report in one line.

use super::bars::percent;
use crate::train::{LinearScores, Report};

/// Differences below this (one point) are called none: five draws of a hundredth of the labels scatter by about as much.
const NOTABLE: f64 = 0.01;

/// The share of labels a report is judged at, and each representation's linear-probe accuracy there: the smallest
/// share that was probed, as there the representation counts for most.
pub(super) fn judged(report: &Report) -> Option<(&str, f64)> {
    let share =
        |label: &str| label.trim_end_matches('%').trim().parse::<f64>().ok().filter(|s| s.is_finite());
    report
        .scores
        .linear
        .by_labels
        .iter()
        .filter_map(|(label, &accuracy)| Some((share(label)?, label.as_str(), accuracy)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, label, accuracy)| (label, accuracy))
}

/// Whether the trained encoder is worth more than what costs nothing, in one line.
///
/// Judged by the linear probe at the smallest share of labels (1 % where it was probed, else kNN) against the
/// random-init encoder and raw pixels; a lead of less than one point over the better of them counts as none. Alarms
/// are named at the end.
pub fn verdict(report: &Report) -> String {
    let b = &report.baselines;
    let (measure, ours, random, pixels) = match judged(report) {
        Some((label, ours)) => {
            let at = |scores: &LinearScores| scores.by_labels.get(label).copied().unwrap_or(f64::NAN);
            let words = format!("with {} of the labels", label.replace('%', " %"));
            (words, ours, at(&b.random_init.linear), at(&b.pixels.linear))
        }
        None => ("by kNN".into(), report.scores.knn.k20, b.random_init.knn.k20, b.pixels.knn.k20),
    };
    if let (false, Some(why)) = (ours.is_finite(), report.all_unjudged().next()) {
        return format!("Not judged: {why}");
    }
    let lead = |other: f64| {
        let points = 100.0 * (ours - other);
        match points {
            p if p.is_nan() => "not compared with".to_string(),
            p if p.abs() < 0.05 => "level with".into(),
            p if p > 0.0 => format!("{p:.1} points above"),
            p => format!("{:.1} points below", -p),
        }
    };
    let word = if !ours.is_finite() {
        "Not judged"
    } else if ours - random.max(pixels) >= NOTABLE {
        "Better than nothing"
    } else if ours - random >= NOTABLE {
        "Better than a random encoder, not better than raw pixels"
    } else {
        "Not better than nothing"
    };
    let mut line = format!(
        "{word}: {} {measure}, {} the random-init encoder and {} raw pixels.",
        percent(ours),
        lead(random),
        lead(pixels)
    );
    if !report.alarms.is_empty() {
        let kinds: Vec<&str> = report.alarms.iter().map(|a| a.kind.as_str()).collect();
        line.push_str(&format!(
            " {} alarm{}: {}.",
            kinds.len(),
            if kinds.len() == 1 { "" } else { "s" },
            kinds.join(", ")
        ));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::report_sample::report;
    use super::*;

    #[test]
    fn a_good_run_says_by_how_much() {
        assert_eq!(
            verdict(&report()),
            "Better than nothing: 75.7 % with 1 % of the labels, 16.8 points above the random-init encoder and 12.3 \
             points above raw pixels."
        );
    }

    #[test]
    fn a_run_that_beats_only_one_or_none_is_told_so() {
        let with = |accuracy: f64| {
            let mut report = report();
            report.scores.linear.by_labels.insert("1%".into(), accuracy);
            verdict(&report)
        };
        assert!(with(0.62).starts_with("Better than a random encoder, not better than raw pixels: 62.0 %"));
        assert!(with(0.595).starts_with("Not better than nothing: 59.5 %"));
        assert!(with(0.5).contains("8.9 points below the random-init encoder"));
        assert!(with(f64::NAN).starts_with("Not judged: –"));
    }

    #[test]
    fn without_label_fractions_knn_is_used_and_alarms_are_named() {
        let mut report = report();
        report.scores.linear.by_labels.clear();
        report.alarms = vec![crate::diagnose::Alarm {
            kind: "total-collapse".into(),
            epoch: 1,
            seen: String::new(),
            means: String::new(),
            try_this: String::new(),
        }];
        assert!(verdict(&report).starts_with("Better than nothing: 97.0 % by kNN, 4.0 points above"));
        assert!(verdict(&report).ends_with(" 1 alarm: total-collapse."));
    }
}
