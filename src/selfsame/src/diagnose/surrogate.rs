//! Many views of few images: what LiDAR measures on.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::Rows;
use crate::augment::Views;
use crate::data::Part;
use crate::error::{device, Error, Result};
use crate::nn::{Encoder, Mode};
use crate::ops::Engine;
use crate::shape::ImageShape;

/// Views rendered and embedded at once.
const BATCH: usize = 256;

/// Surrogate classes: `samples` images spread evenly over a part, each in `views` random views of the run's own recipe, so
/// that an image is a class and its views are the class's members (Thilak et al. 2024, arXiv:2312.04000).
///
/// Views are functions of seed, image and number, and not those of any training epoch. Of a multi-crop recipe only the
/// crops of the encoder's size are made.
///
/// ```
/// use selfsame::diagnose::{lidar, Lidar, SurrogateClasses, LIDAR_DELTA};
/// use selfsame::prelude::*;
/// type P = Image<1, 8, 8>;
/// let (dev, data) = (Cpu::default(), Digits::load()?);
/// let encoder = Mlp::<P, 32, 16, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// let classes = SurrogateClasses { samples: 40, views: 5, seed: 0 };
/// let rows = classes.embed(&dev, &encoder, &data.train(), &views::glyphs(Size::of::<P>()))?;
/// assert_eq!((rows.len(), rows.dim()), (200, 16));
/// assert!(lidar(&rows, 5, LIDAR_DELTA, Lidar::Paper)?.rank > 1.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SurrogateClasses {
    /// Images (the paper takes 1000; at most as many as the part has).
    pub samples: usize,
    /// Views of each (the paper takes 50).
    pub views: usize,
    /// Seed of the views.
    pub seed: u64,
}

/// Views stand in epochs that no run trains.
const EPOCH: u64 = u64::MAX / 2;

impl SurrogateClasses {
    /// The images' views in order, `views` after each other of each image, in batches of whole images; `f` gets the pixels,
    /// normalised as the recipe says.
    ///
    /// # Errors
    /// No view of the picture's size in the recipe, an image that cannot be read, whatever `f` returns.
    pub fn for_each<P: ImageShape>(
        &self,
        part: &Part<P>,
        views: &Views,
        mut f: impl FnMut(Vec<f32>) -> Result<()>,
    ) -> Result<()> {
        let size = part.shape().size();
        let usable: Vec<usize> = (0..views.count()).filter(|&v| views.view_size(v) == size).collect();
        if usable.is_empty() || self.views == 0 {
            let expected = format!("at least one view of {size}");
            return Err(Error::shape("surrogate classes", expected, "none"));
        }
        let count = self.samples.min(part.len());
        let chosen: Vec<usize> = (0..count).map(|i| i * part.len() / count).collect();
        for some in chosen.chunks((BATCH / self.views).max(1)) {
            let mut images = vec![0u8; some.len() * size.len()];
            for (&i, image) in some.iter().zip(images.chunks_exact_mut(size.len())) {
                part.read(i, image)?;
            }
            let mut out = vec![0f32; some.len() * self.views * size.len()];
            out.par_chunks_exact_mut(size.len()).enumerate().try_for_each(|(row, out)| {
                let (i, v) = (row / self.views, row % self.views);
                let (image, index) =
                    (&images[i * size.len()..(i + 1) * size.len()], u64::from(part.index(some[i])));
                let (epoch, view) = (EPOCH + (v / usable.len()) as u64, usable[v % usable.len()]);
                views.render(image, size, self.seed, epoch, index, view, out)
            })?;
            f(out)?;
        }
        Ok(())
    }

    /// The features of every view, in evaluation mode: `samples * views` rows, an image's views one after the other, as
    /// [`lidar`](super::lidar()) takes them.
    ///
    /// # Errors
    /// As [`for_each`](SurrogateClasses::for_each); a device out of memory.
    pub fn embed<P: ImageShape, E: Encoder<D, Input = P>, D: Engine>(
        &self,
        dev: &D,
        encoder: &E,
        part: &Part<P>,
        views: &Views,
    ) -> Result<Rows> {
        let mut values: Vec<f32> = Vec::new();
        self.for_each(part, views, |pixels| {
            let rows = pixels.len() / part.shape().size().len();
            let x = dev.try_tensor_from_vec(pixels, part.shape().images(rows)).map_err(device)?;
            values.extend(encoder.forward(x, Mode::Eval)?.as_vec());
            Ok(())
        })?;
        let width = encoder.features().size();
        Rows::from_f32(&values, values.len() / width.max(1), width)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::augment::presets;
    use crate::data::Digits;
    use crate::shape::{Image, Input, Size};

    type P = Image<1, 8, 8>;

    fn pixels(classes: SurrogateClasses, views: &Views) -> Vec<f32> {
        let data = Digits::load().unwrap();
        let mut all = Vec::new();
        classes
            .for_each::<P>(&data.train(), views, |batch| {
                assert!(
                    batch.len().is_multiple_of(classes.views * P::LEN),
                    "images are not split over batches"
                );
                all.extend(batch);
                Ok(())
            })
            .unwrap();
        all
    }

    #[test]
    fn views_of_an_image_stand_together_and_differ() {
        let size = Size::of::<P>();
        let classes = SurrogateClasses { samples: 30, views: 20, seed: 3 };
        let all = pixels(classes, &presets::glyphs(size));
        assert_eq!(all.len(), 600 * P::LEN);
        assert_eq!(all, pixels(classes, &presets::glyphs(size)), "the same seed, the same views");
        let views: Vec<&[f32]> = all.chunks_exact(P::LEN).collect();
        let distance = |a: usize, b: usize| {
            views[a].iter().zip(views[b]).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt()
        };
        let (mut within, mut between) = (0.0, 0.0);
        for i in 0..29 {
            assert!(distance(20 * i, 20 * i + 1) > 0.0, "two views of image {i} are one");
            within += distance(20 * i, 20 * i + 2);
            between += distance(20 * i, 20 * i + 22);
        }
        assert!(within < between, "{within} {between}");
        // Without augmentation all views of an image are the image.
        let plain = pixels(classes, &presets::identity(size));
        let plain: Vec<&[f32]> = plain.chunks_exact(P::LEN).collect();
        assert!(plain[..20].iter().all(|v| *v == plain[0]) && plain[20] != plain[0]);
    }

    #[test]
    fn a_recipe_without_a_view_of_the_right_size_is_an_error() {
        let data = Digits::load().unwrap();
        let small = presets::glyphs(Size { channels: 1, height: 4, width: 4 });
        let classes = SurrogateClasses { samples: 3, views: 2, seed: 0 };
        assert!(classes.for_each::<P>(&data.train(), &small, |_| Ok(())).is_err());
    }
}
