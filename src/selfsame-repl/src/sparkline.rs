//! A curve in one line of text, for terminals.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `values` as blocks between `low` and `high`, thinned to at most `width` characters; the last value always shows.
/// A blank where there is no value.
pub fn sparkline(values: &[Option<f64>], low: f64, high: f64, width: usize) -> String {
    let shown = values.len().min(width);
    (0..shown)
        .map(|column| {
            let at = if shown < 2 { values.len() - 1 } else { column * (values.len() - 1) / (shown - 1) };
            values[at].map_or(' ', |value| block(value, low, high))
        })
        .collect()
}

fn block(value: f64, low: f64, high: f64) -> char {
    let height = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
    LEVELS[(height * (LEVELS.len() - 1) as f64).round() as usize]
}

/// The smallest and largest of `values`; `None` where there are none.
pub fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_runs_from_its_first_to_its_last_value() {
        let values: Vec<_> = (0..8).map(|i| Some(f64::from(i))).collect();
        assert_eq!(sparkline(&values, 0.0, 7.0, 20), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&values, 0.0, 7.0, 2), "▁█");
        assert_eq!(sparkline(&values, 0.0, 7.0, 1), "█");
        assert_eq!(sparkline(&[None, Some(f64::NAN), Some(3.0)], 3.0, 3.0, 9), " ▁▁");
        assert_eq!(sparkline(&[], 0.0, 1.0, 9), "");
    }

    #[test]
    fn a_range_leaves_out_what_is_not_a_number() {
        assert_eq!(range([2.0, f64::NAN, -1.0].into_iter()), Some((-1.0, 2.0)));
        assert_eq!(range([f64::INFINITY].into_iter()), None);
    }
}
