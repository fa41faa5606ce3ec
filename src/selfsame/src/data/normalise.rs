//! Bytes to centred numbers, and plain batches for evaluation.

use std::ops::Range;

use rayon::prelude::*;

use super::dataset::Part;
use crate::augment::Normalise;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::shape::ImageShape;

impl Normalise {
    /// Measures up to `max_images` of `part`, evenly spaced; pass the training part, never the one that is scored.
    ///
    /// # Errors
    /// An empty part, a `max_images` of zero, an image that cannot be read; [`Error::Interrupted`] when a stop was asked for.
    pub fn of<P: ImageShape>(part: &Part<P>, max_images: usize) -> Result<Normalise> {
        let (count, size) = (part.len().min(max_images), part.shape().size());
        if count == 0 {
            return Err(Error::shape("images to take mean and deviation of", "at least one", count));
        }
        // Whole numbers, so the sums do not depend on how threads divide the work.
        let sums = (0..count)
            .into_par_iter()
            .map_init(
                || vec![0; size.len()],
                |image, i| {
                    if interrupted() {
                        return Err(Error::Interrupted);
                    }
                    part.read(i * part.len() / count, image)?;
                    Ok::<_, Error>(sums_of(image, size.channels))
                },
            )
            .try_reduce(
                || vec![[0; 2]; size.channels],
                |a, b| Ok(a.iter().zip(&b).map(|(a, b)| [a[0] + b[0], a[1] + b[1]]).collect()),
            )?;
        let n = (count * size.height * size.width) as f64;
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for [sum, squares] in sums {
            let m = sum as f64 / n;
            let deviation = (squares as f64 / n - m * m).max(0.0).sqrt();
            mean.push((m / 255.0) as f32);
            std.push(if deviation > 0.0 { (deviation / 255.0) as f32 } else { 1.0 });
        }
        Ok(Normalise { mean, std })
    }
}

/// Sum and sum of squares of each channel's bytes.
fn sums_of(image: &[u8], channels: usize) -> Vec<[u64; 2]> {
    let sum = |plane: &[u8]| {
        plane.iter().fold([0, 0], |[sum, squares], &byte| {
            let byte = u64::from(byte);
            [sum + byte, squares + byte * byte]
        })
    };
    image.chunks_exact((image.len() / channels.max(1)).max(1)).map(sum).collect()
}

/// Goes through `part` in order, in batches of `batch` samples (the last one may be smaller), without augmentation:
/// `work` gets the positions in the part and one buffer with their images' numbers.
///
/// # Errors
/// A `batch` of zero, channels other than the images' in `normalise`, an image that cannot be read, and what `work` returns.
pub fn for_each_plain_batch<P: ImageShape>(
    part: &Part<P>,
    batch: usize,
    normalise: &Normalise,
    mut work: impl FnMut(Range<usize>, Vec<f32>) -> Result<()>,
) -> Result<()> {
    if batch == 0 {
        return Err(Error::setting("batch size", batch, "1 or more", "Pass a larger one."));
    }
    let size = part.shape().size();
    normalise.validate(size.channels)?;
    for start in (0..part.len()).step_by(batch) {
        let positions = start..part.len().min(start + batch);
        let mut pixels = vec![0.0; positions.len() * size.len()];
        pixels.par_chunks_mut(size.len()).enumerate().try_for_each_init(
            || vec![0; size.len()],
            |image, (i, out)| {
                part.read(start + i, image)?;
                normalise.apply_bytes(image, out);
                Ok::<(), Error>(())
            },
        )?;
        work(positions, pixels)?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::data::{Dataset, InMemory, Split};
    use crate::shape::{Image, Size};

    /// Image `i` has `10 i` and `10 i + 10` in its first channel and 7 in its second.
    fn data(count: u8) -> Dataset<Image<2, 1, 2>> {
        let bytes = (0..count).flat_map(|i| [10 * i, 10 * i + 10, 7, 7]).collect();
        let source = InMemory::new(Size { channels: 2, height: 1, width: 2 }, bytes).unwrap();
        let split = Split { train: (0..u32::from(count)).collect(), validation: vec![], test: vec![] };
        Dataset::new("toy", vec!["a".into()], vec![0; count.into()], source, split).unwrap()
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_channels() {
        let part = data(2).train();
        // 0, 10, 10, 20: mean 10, variance 50.
        let found = Normalise::of(&part, 100).unwrap();
        assert_eq!(found.mean, [10.0 / 255.0, 7.0 / 255.0]);
        assert_eq!(found.std, [(50f64.sqrt() / 255.0) as f32, 1.0]);
        let first = Normalise::of(&part, 1).unwrap();
        assert_eq!(first.mean[0], 5.0 / 255.0);
        assert!(Normalise::of(&part, 0).is_err());
        assert!(Normalise::of(&part.subset(&[]), 5).is_err());
    }

    #[test]
    fn plain_batches_come_in_order_and_are_normalised() {
        let part = data(5).train();
        let normalise = Normalise { mean: vec![0.5, 0.0], std: vec![0.25, 1.0 / 255.0] };
        let (mut seen, mut sizes) = (Vec::new(), Vec::new());
        for_each_plain_batch(&part, 2, &normalise, |positions, pixels| {
            assert_eq!(pixels.len(), positions.len() * 4);
            sizes.push(positions.len());
            seen.extend(pixels);
            Ok(())
        })
        .unwrap();
        assert_eq!(sizes, [2, 2, 1]);
        assert!((seen[4] - (10.0 / 255.0 - 0.5) / 0.25).abs() < 1e-6);
        assert!((seen[18] - 7.0).abs() < 1e-5);
    }

    #[test]
    fn bad_arguments_and_errors_from_the_work_are_handed_back() {
        let part = data(3).train();
        let fits = Normalise { mean: vec![0.0; 2], std: vec![1.0; 2] };
        let narrow = Normalise { mean: vec![0.0], std: vec![1.0] };
        assert!(for_each_plain_batch(&part, 0, &fits, |_, _| Ok(())).is_err());
        assert!(for_each_plain_batch(&part, 2, &narrow, |_, _| Ok(())).is_err());
        let mut calls = 0;
        let stopped = for_each_plain_batch(&part, 1, &fits, |_, _| {
            calls += 1;
            Err(Error::Interrupted)
        });
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(calls, 1);
    }
}
