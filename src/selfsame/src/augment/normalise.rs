use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What an encoder sees of a picture: each channel less its mean, over its standard deviation.
///
/// Mean and deviation are those of the training images in 0..1, so that inputs have mean 0 and deviation 1.
///
/// PyTorch equivalent: `torchvision.transforms.Normalize(mean, std)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normalise {
    /// One for each channel.
    pub mean: Vec<f32>,
    /// One for each channel, above 0.
    pub std: Vec<f32>,
}

impl Normalise {
    /// Leaves every value as it is.
    pub fn identity(channels: usize) -> Normalise {
        Normalise { mean: vec![0.0; channels], std: vec![1.0; channels] }
    }

    /// Whether there is a finite mean and a deviation above 0 for each of `channels`.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the channel; [`Error::Shape`] for another number of channels.
    pub fn validate(&self, channels: usize) -> Result<()> {
        for (what, found) in [("Normalise.mean", self.mean.len()), ("Normalise.std", self.std.len())] {
            if found != channels {
                return Err(Error::shape(what, format!("{channels} channels"), format!("{found} channels")));
            }
        }
        let remedy = "Take it from the training images; a channel that never changes has std 1.";
        for (channel, (mean, std)) in self.mean.iter().zip(&self.std).enumerate() {
            if !mean.is_finite() {
                return Err(Error::setting(
                    format!("Normalise.mean[{channel}]"),
                    mean,
                    "a finite number",
                    remedy,
                ));
            }
            if !(std.is_finite() && *std > 0.0) {
                return Err(Error::setting(
                    format!("Normalise.std[{channel}]"),
                    std,
                    "a number above 0",
                    remedy,
                ));
            }
        }
        Ok(())
    }

    /// Writes the normalised `picture` (channel by channel) to `out`, which is as long.
    pub fn apply(&self, picture: &[f32], out: &mut [f32]) {
        let plane = (picture.len() / self.mean.len().max(1)).max(1);
        let planes = picture.chunks_exact(plane).zip(out.chunks_exact_mut(plane));
        for ((from, to), (mean, std)) in planes.zip(self.mean.iter().zip(&self.std)) {
            let scale = 1.0 / std;
            for (to, from) in to.iter_mut().zip(from) {
                *to = (from - mean) * scale;
            }
        }
    }

    /// Writes `(byte / 255 - mean) / std` for a picture of bytes stored channel by channel; `out` is as long as `image`.
    pub fn apply_bytes(&self, image: &[u8], out: &mut [f32]) {
        let plane = (image.len() / self.mean.len().max(1)).max(1);
        let channels = image.chunks_exact(plane).zip(out.chunks_exact_mut(plane));
        for ((image, out), (mean, std)) in channels.zip(self.mean.iter().zip(&self.std)) {
            let (scale, shift) = (1.0 / (255.0 * std), -mean / std);
            for (out, byte) in out.iter_mut().zip(image) {
                *out = f32::from(*byte) * scale + shift;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_by_its_own_numbers() {
        let normalise = Normalise { mean: vec![0.5, 0.25], std: vec![0.5, 0.125] };
        let mut out = [0.0; 4];
        normalise.apply(&[0.0, 1.0, 0.25, 0.5], &mut out);
        assert_eq!(out, [-1.0, 1.0, 0.0, 2.0]);
        Normalise::identity(2).apply(&[0.1, 0.2, 0.3, 0.4], &mut out);
        assert_eq!(out, [0.1, 0.2, 0.3, 0.4]);
    }

    #[test]
    fn what_cannot_divide_is_refused() {
        let message = |mean: &[f32], std: &[f32]| {
            let normalise = Normalise { mean: mean.to_vec(), std: std.to_vec() };
            normalise.validate(2).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(message(&[0.0, 0.0], &[1.0, 1.0]), "");
        assert!(message(&[0.0, 0.0], &[1.0, 0.0])
            .starts_with("Normalise.std[1] is 0. Expected a number above 0."));
        assert!(message(&[f32::NAN, 0.0], &[1.0, 1.0]).starts_with("Normalise.mean[0] is NaN."));
        assert_eq!(message(&[0.0], &[1.0, 1.0]), "Normalise.mean: expected 2 channels, found 1 channels");
    }
}
