//! What a loss is computed from.

use std::ops::Range;

use crate::error::{device, Error, Result};
use crate::nn::Images;
use crate::ops::Engine;
use crate::random::{stream, Purpose, Stream};
use crate::shape::ImageShape;

/// The views of one micro-batch, made into tensors on request, with their labels.
///
/// An optimiser step has one or more of them ([`TrainConfig::accumulate`](crate::train::TrainConfig::accumulate)).
#[derive(Debug)]
pub struct MicroBatch<'b, I, D> {
    dev: &'b D,
    shape: I,
    views: &'b [Vec<f32>],
    labels: &'b [u32],
    indices: &'b [u32],
    key: [u64; 3],
}

impl<'b, I: ImageShape, D: Engine> MicroBatch<'b, I, D> {
    /// `views` holds one buffer a view, the images' views one after the other, each of `shape`; `labels` and `indices` are
    /// the images' labels and positions in the
    /// training part; `key` (seed, epoch, number of the micro-batch in the epoch)
    /// is what its random numbers depend on.
    ///
    /// # Errors
    /// [`Error::Shape`] without views, for views of another size or number, and for indices of another number than labels.
    pub fn new(
        dev: &'b D,
        shape: I,
        views: &'b [Vec<f32>],
        labels: &'b [u32],
        indices: &'b [u32],
        key: [u64; 3],
    ) -> Result<Self> {
        let expected = labels.len() * shape.size().len();
        if views.is_empty() {
            return Err(Error::shape("a micro-batch", "at least one view", 0));
        }
        if let Some(view) = views.iter().find(|view| view.len() != expected) {
            let what = format!("views of {} images of {}", labels.len(), shape.size());
            return Err(Error::shape(what, format!("{expected} numbers"), format!("{} numbers", view.len())));
        }
        if indices.len() != labels.len() {
            return Err(Error::shape("indices of a micro-batch", labels.len(), indices.len()));
        }
        Ok(MicroBatch { dev, shape, views, labels, indices, key })
    }

    /// The device that tensors are made on.
    pub fn device(&self) -> &D {
        self.dev
    }

    /// The shape of every view.
    pub fn shape(&self) -> I {
        self.shape
    }

    /// How many images there are, each in every view.
    pub fn images(&self) -> usize {
        self.labels.len()
    }

    /// How many views each image has.
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// A label an image, for objectives that are supervised.
    pub fn labels(&self) -> &[u32] {
        self.labels
    }

    /// Each image's position in the training part, for objectives that remember images.
    pub fn indices(&self) -> &[u32] {
        self.indices
    }

    /// The epoch under way, from 1.
    pub fn epoch(&self) -> u64 {
        self.key[1]
    }

    /// The views in `which`, one after the other: (views * images, channels, height, width), on no tape.
    ///
    /// # Errors
    /// [`Error::Shape`] for a view that is not there; a device out of memory.
    pub fn pixels(&self, which: Range<usize>) -> Result<Images<I, D>> {
        let Some(views) = self.views.get(which.clone()) else {
            return Err(Error::shape("views of a micro-batch", format!("up to {}", self.views()), which.end));
        };
        let shape = self.shape.images(views.len() * self.images());
        self.dev.try_tensor_from_vec(views.concat(), shape).map_err(device)
    }

    /// Random numbers of an objective's own, the same whenever this micro-batch comes round; `what` tells several apart.
    pub fn random(&self, what: u64) -> Stream {
        let [seed, epoch, number] = self.key;
        stream(&[seed, epoch, number, what, Purpose::Objective as u64])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::shape::Image;
    use dfdx::prelude::Cpu;
    use rand::Rng;

    #[test]
    fn views_come_as_asked_for_and_random_numbers_are_keyed() {
        let dev = Cpu::default();
        let views = [vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]];
        let batch = |key| MicroBatch::new(&dev, Image::<1, 1, 1>, &views, &[7, 8], &[0, 1], key).unwrap();
        let one = batch([0, 1, 2]);
        assert_eq!((one.images(), one.views(), one.labels()), (2, 3, [7, 8].as_slice()));
        assert_eq!(one.pixels(1..3).unwrap().as_vec(), [3.0, 4.0, 5.0, 6.0]);
        assert!(one.pixels(2..4).unwrap_err().to_string().contains("up to 3"));
        let draw = |key, what| batch(key).random(what).gen::<u64>();
        assert_eq!(draw([0, 1, 2], 0), draw([0, 1, 2], 0));
        assert_ne!(draw([0, 1, 2], 0), draw([0, 1, 3], 0));
        assert_ne!(draw([0, 1, 2], 0), draw([0, 1, 2], 1));
    }
}
