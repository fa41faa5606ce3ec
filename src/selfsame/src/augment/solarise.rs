use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Inverts what is bright: values at or above the threshold become one minus themselves.
///
/// PyTorch equivalent: `torchvision.transforms.RandomSolarize(threshold * 255, p)`.
/// Source: BYOL's second view, <https://arxiv.org/abs/2006.07733>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solarise {
    /// From which value on, in 0..1. Default 0.5.
    pub threshold: f64,
    /// Probability of solarising. Default 0.2 (BYOL's second view; its first has none).
    pub p: f64,
}

impl Default for Solarise {
    fn default() -> Self {
        Solarise { threshold: 0.5, p: 0.2 }
    }
}

impl Transform for Solarise {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        if draw::chance(rng, self.p) {
            let threshold = self.threshold as f32;
            for v in canvas.pixels_mut() {
                *v = if *v >= threshold { 1.0 - *v } else { *v };
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::within("Solarise.threshold", self.threshold, 0.0, 1.0, "0.5 is usual.")?;
        checks::probability("Solarise.p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;

    #[test]
    fn bright_values_turn_over() {
        let before = grey([[0.0, 0.25, 0.5, 0.75, 1.0]]);
        let after = applied(&Solarise { threshold: 0.5, p: 1.0 }, &before, 0);
        assert_eq!(after.pixels(), [0.0, 0.25, 0.5, 0.25, 0.0]);
        let all = applied(&Solarise { threshold: 0.0, p: 1.0 }, &before, 0);
        assert_eq!(all.pixels(), [1.0, 0.75, 0.5, 0.25, 0.0]);
    }

    #[test]
    fn is_well_behaved() {
        assert_well_behaved(
            &Solarise { p: 1.0, ..Default::default() },
            &Solarise { p: 0.0, ..Default::default() },
        );
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let bytes = Solarise { threshold: 128.0, p: 0.2 };
        assert!(bytes.validate().is_err_and(|e| e.to_string().contains("Solarise.threshold is 128")));
        assert!(Solarise { p: 1.1, ..Default::default() }.validate().is_err());
    }
}
