//! Singular spectra on a logarithmic axis.

use super::curves::{Curves, Series};
use super::figure::{Figure, Recipe};
use crate::error::Result;

/// Values below this share of the largest are drawn on it: they are zeros, give or take rounding.
const FLOOR: f64 = 1e-8;

/// Singular values of one or several embeddings, each as a share of its largest, by rank, on a logarithmic axis.
///
/// A cliff shows dimensional collapse (Jing et al. 2022, arXiv:2110.09348): the directions behind it are unused.
/// Values below 1e-8 of the largest, zeros included, are drawn at 1e-8; spectra without a positive value not at all.
///
/// # Errors
/// When the figure cannot be drawn.
pub fn spectrum(title: &str, spectra: &[(&str, &[f64])]) -> Result<Figure> {
    let series = spectra.iter().map(|(name, values)| {
        let largest = values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
        let share = |v: f64| if largest > 0.0 { (v / largest).max(FLOOR).log10() } else { f64::NAN };
        let points = values.iter().enumerate().map(|(i, &v)| ((i + 1) as f64, share(v))).collect();
        Series::new(*name, points)
    });
    Figure::new(Recipe::Curves(Curves {
        title: title.into(),
        x_label: "rank of the direction".into(),
        y_label: "singular value (share of the largest, log scale)".into(),
        series: series.collect(),
        log_y: true,
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_cliff_is_drawn_at_the_floor_and_nothing_is_not_drawn() {
        let figure =
            spectrum("Spectrum", &[("run", &[4.0, 2.0, 0.0]), ("zero", &[0.0, 0.0]), ("none", &[])]).unwrap();
        assert!(
            figure.alt().contains("run goes from 1.0e0 to 1.0e-8; zero has no points; none has no points"),
            "{}",
            figure.alt()
        );
        assert!(figure.svg().contains("10⁻⁸"));
    }
}
