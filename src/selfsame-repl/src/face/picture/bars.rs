//! Shares as bars of characters.

use unicode_width::UnicodeWidthStr;

use super::colour::{series as colour_of, Colours};
use super::wrapped;

/// A bar is not made longer than this.
const LONGEST: usize = 50;

/// A group of bars for each row, one bar a series, each with its value in per cent.
pub fn text(
    title: &str,
    label: &str,
    series: &[String],
    rows: &[(String, Vec<Option<f64>>)],
    columns: usize,
    colours: Colours,
) -> String {
    let mut lines = wrapped(title, columns);
    lines.extend(wrapped(label, columns));
    let names = series.iter().map(|s| s.width()).max().unwrap_or(0).min(columns / 3);
    let room = columns.saturating_sub(names + 2 + 8).clamp(1, LONGEST);
    for (name, values) in rows {
        lines.extend(wrapped(name, columns));
        for (i, (series, value)) in series.iter().zip(values).enumerate() {
            let share = value.unwrap_or(0.0).clamp(0.0, 1.0);
            let bar = "█".repeat((share * room as f64).round() as usize);
            let number = value.map_or("-".to_string(), |v| format!("{:.1} %", 100.0 * v));
            let series = crate::face::block::cut(series, names);
            let padding = " ".repeat(names - series.width());
            lines.push(format!("  {series}{padding} {} {number}", colours.paint(colour_of(i), &bar)));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_shares() {
        let rows = [("run".to_string(), vec![Some(0.5), None])];
        let series = ["1 %".to_string(), "10 %".to_string()];
        let drawn = text("Probe", "accuracy (%)", &series, &rows, 34, Colours::None);
        let expected = format!("Probe\naccuracy (%)\nrun\n  1 %  {} 50.0 %\n  10 %  -", "█".repeat(10));
        assert_eq!(drawn, expected);
        assert_eq!(text("P", "", &series, &rows, 12, Colours::True).lines().count(), 4);
    }
}
