//! How fast the spectrum of an embedding decays.

/// Eigenvalues below this share of the largest are rounding.
const ZERO: f64 = 1e-13;

/// Which eigenvalues [`alpha_req`] fits, and how they weigh.
///
/// Publications differ in both, and the number depends on both, so a comparison states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlphaFit {
    /// Rank of the first eigenvalue fitted, from 1.
    pub first: usize,
    /// Rank of the last, included.
    pub last: usize,
    /// Weights `1 / rank`, as in the published fitting code (Stringer et al. 2019); equal weights where false.
    pub weighted: bool,
}

impl AlphaFit {
    /// The range reports use for embeddings of width `d`: without the leading twentieth, which the classes make, and
    /// without the last half, which noise makes; weighted.
    pub fn of_width(d: usize) -> AlphaFit {
        let first = 1 + d / 20;
        AlphaFit { first, last: (d / 2).max(first + 2).min(d), weighted: true }
    }
}

/// alpha-ReQ: the exponent of the power law `l_i ~ i^-alpha` fitted to the covariance's eigenvalues, largest first
/// (Agrawal et al., NeurIPS 2022, arXiv:2202.05808; fit as in Stringer et al. 2019).
///
/// Minus the slope of `ln l_i` on `ln i` over the ranks of `fit`, by (weighted) least squares. From 0, a flat spectrum,
/// upwards.
///
/// Good: about 1. Bad: well above 1, the spectrum falls too fast and few directions are left (towards dimensional
/// collapse); well below 1, it is nearly flat and noise counts as much as signal.
///
/// NaN when the range is empty, has fewer than two ranks or leaves the list, or when an eigenvalue in it is zero (below
/// 1e-13 of the largest) or not finite.
pub fn alpha_req(eigenvalues: &[f64], fit: AlphaFit) -> f64 {
    let largest = eigenvalues.iter().fold(0.0_f64, |m, v| m.max(*v));
    if fit.first < 1 || fit.last <= fit.first || fit.last > eigenvalues.len() {
        return f64::NAN;
    }
    let fitted = &eigenvalues[fit.first - 1..fit.last];
    if !fitted.iter().all(|v| v.is_finite() && *v > ZERO * largest) {
        return f64::NAN;
    }
    let points: Vec<(f64, f64, f64)> = fitted
        .iter()
        .zip(fit.first..)
        .map(|(v, rank)| {
            let rank = rank as f64;
            (rank.ln(), v.ln(), if fit.weighted { 1.0 / rank } else { 1.0 })
        })
        .collect();
    let weights: f64 = points.iter().map(|(_, _, w)| w).sum();
    let mean = |of: fn(&(f64, f64, f64)) -> f64| points.iter().map(|p| p.2 * of(p)).sum::<f64>() / weights;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let (mut product, mut square) = (0.0, 0.0);
    for (x, y, w) in &points {
        product += w * (x - mx) * (y - my);
        square += w * (x - mx).powi(2);
    }
    -product / square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_gives_its_exponent_for_any_range_and_weights() {
        let law: Vec<f64> = (1..=40).map(|i| 7.0 * f64::from(i).powf(-1.3)).collect();
        for weighted in [false, true] {
            for (first, last) in [(1, 40), (3, 30), (39, 40)] {
                let alpha = alpha_req(&law, AlphaFit { first, last, weighted });
                assert!((alpha - 1.3).abs() < 1e-10, "{first}..{last}: {alpha}");
            }
        }
        assert!(alpha_req(&[2.0; 30], AlphaFit::of_width(30)).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_fitted_is_nan() {
        let fit = |first, last| AlphaFit { first, last, weighted: true };
        for (values, fit) in [
            (&[][..], fit(1, 2)),
            (&[2.0, 1.0], fit(0, 2)),
            (&[2.0, 1.0], fit(1, 3)),
            (&[2.0, 1.0], fit(2, 2)),
            (&[2.0, 1e-15], fit(1, 2)),
            (&[f64::NAN, 1.0], fit(1, 2)),
        ] {
            assert!(alpha_req(values, fit).is_nan(), "{values:?}");
        }
    }

    #[test]
    fn default_ranges_lie_inside_the_width() {
        for d in 3..2000 {
            let fit = AlphaFit::of_width(d);
            assert!(fit.first >= 1 && fit.last > fit.first && fit.last <= d, "{d}: {fit:?}");
        }
    }
}
