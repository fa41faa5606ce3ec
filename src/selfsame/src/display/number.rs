//! Numbers as people read them.

/// How the numbers of one table are written: all alike, so that they can be compared down a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Format {
    /// Whole numbers.
    Whole,
    /// So many decimals.
    Decimals(usize),
    /// With a power of ten.
    Scientific,
}

impl Format {
    /// The format for `values`: about four digits of the largest.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Format {
        let (mut largest, mut whole) = (0f64, true);
        for v in values.into_iter().filter(|v| v.is_finite()) {
            largest = largest.max(v.abs());
            whole &= v.fract() == 0.0;
        }
        match largest {
            l if whole && l < 1e9 => Format::Whole,
            l if !(1e-3..1e5).contains(&l) => Format::Scientific,
            l if l >= 1e3 => Format::Decimals(1),
            l if l >= 100.0 => Format::Decimals(2),
            l if l >= 10.0 => Format::Decimals(3),
            _ => Format::Decimals(4),
        }
    }

    /// `value` in this format, with a true minus sign for none: terminals line up either way.
    pub(super) fn write(self, value: f64) -> String {
        if !value.is_finite() {
            return value.to_string();
        }
        match self {
            Format::Whole => format!("{value:.0}"),
            Format::Decimals(n) => format!("{value:.n$}"),
            Format::Scientific => format!("{value:.3e}"),
        }
    }
}

/// A number by itself, with about four digits.
pub(super) fn number(value: f64) -> String {
    Format::of([value]).write(value)
}

/// A number that may not exist.
pub(super) fn or_dash(value: f64, decimals: usize) -> String {
    if value.is_finite() {
        format!("{value:.decimals$}")
    } else {
        "–".into()
    }
}

/// `1,234,567`.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `12.3 MB`.
pub(super) fn bytes(n: usize) -> String {
    match n as f64 {
        b if b < 1e3 => format!("{n} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// `1 epoch`, `3 epochs`.
pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", thousands(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_they_need() {
        assert_eq!(
            [0.0, -3.0, 0.5, 12.34567, -123.456, 12345.6, 1e7, 1.5e7 + 0.5, 2.5e-5, f64::NAN].map(number),
            ["0", "-3", "0.5000", "12.346", "-123.46", "12345.6", "10000000", "1.500e7", "2.500e-5", "NaN"]
        );
        assert_eq!(Format::of([1.0, 2.5]), Format::Decimals(4));
        assert_eq!(Format::of([1.0, f64::INFINITY]), Format::Whole);
        assert_eq!(Format::of([]), Format::Whole);
    }

    #[test]
    fn counts_and_sizes_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([12, 1500, 2_500_000, 3_000_000_000].map(bytes), ["12 B", "1.5 kB", "2.5 MB", "3.0 GB"]);
        assert_eq!((counted(1, "epoch"), counted(1200, "step")), ("1 epoch".into(), "1,200 steps".into()));
        assert_eq!((or_dash(f64::NAN, 2), or_dash(0.125, 2)), ("–".into(), "0.12".into()));
    }
}
