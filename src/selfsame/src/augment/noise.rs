use rand::Rng;
use rand_distr::StandardNormal;

use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Adds Gaussian noise, independent in every pixel and channel, and cuts the result to 0..1.
///
/// PyTorch equivalent: `torchvision.transforms.v2.GaussianNoise(0, std, clip=True)`, applied at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Standard deviation, where white is 1. Default 0.1.
    pub std: f64,
    /// Probability of adding it. Default 0.5.
    pub p: f64,
}

impl Default for Noise {
    fn default() -> Self {
        Noise { std: 0.1, p: 0.5 }
    }
}

impl Transform for Noise {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let acts = draw::chance(rng, self.p);
        let mut own = draw::branch(rng);
        if acts {
            let std = self.std as f32;
            for v in canvas.pixels_mut() {
                let noise: f32 = own.sample(StandardNormal);
                *v = (*v + std * noise).clamp(0.0, 1.0);
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::within("Noise.std", self.std, 0.0, 10.0, "White is 1; 0.1 is usual.")?;
        checks::probability("Noise.p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::shape::Size;

    #[test]
    fn noise_has_the_mean_and_deviation_asked_for() {
        let size = Size { channels: 1, height: 100, width: 100 };
        let after = applied(&Noise { std: 0.1, p: 1.0 }, &picture(size, vec![0.5; 10_000]), 3);
        let mean = after.pixels().iter().sum::<f32>() / 1e4;
        let variance = after.pixels().iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1e4;
        // Five standard errors: 0.1 / 100 for the mean, 0.1 / 141 for the deviation.
        assert!((mean - 0.5).abs() < 0.005, "mean {mean}");
        assert!((variance.sqrt() - 0.1).abs() < 0.0036, "deviation {}", variance.sqrt());
    }

    #[test]
    fn is_well_behaved() {
        assert_well_behaved(&Noise { std: 0.8, p: 1.0 }, &Noise { std: 0.8, p: 0.0 });
        assert_well_behaved(&Noise { std: 0.0, p: 1.0 }, &Noise { std: 0.0, p: 1.0 });
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        assert!(Noise { std: -0.1, p: 0.5 }
            .validate()
            .is_err_and(|e| e.to_string().contains("Noise.std is -0.1")));
        assert!(Noise { std: 0.1, p: 1.5 }
            .validate()
            .is_err_and(|e| e.to_string().contains("Noise.p is 1.5")));
    }
}
