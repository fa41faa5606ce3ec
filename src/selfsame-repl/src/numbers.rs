//! Numbers as tables and lines show them.

/// An accuracy in 0..1 as a percentage: `97.3`; a dash where there is none.
pub fn percent(accuracy: Option<f64>) -> String {
    number(accuracy.map(|a| 100.0 * a), 1)
}

/// A number with `digits` after the point; a dash where there is none or it is none.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.filter(|v| v.is_finite()).map_or("-".to_string(), |v| format!("{v:.digits$}"))
}

/// A count with its thousands apart: `12,345`.
pub fn thousands(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

/// A size as people read it: `12.3 MB`.
pub fn bytes(size: u64) -> String {
    indicatif::DecimalBytes(size).to_string()
}

/// A count with its noun: `1 epoch`, `2,000 steps`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_a_dash() {
        assert_eq!(percent(Some(0.97349)), "97.3");
        assert_eq!(percent(None), "-");
        assert_eq!(number(Some(2.0), 3), "2.000");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(12_345_678), "12,345,678");
        assert_eq!((counted(1, "epoch"), counted(2000, "step")), ("1 epoch".into(), "2,000 steps".into()));
    }
}
