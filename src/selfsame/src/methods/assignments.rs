//! Which cluster every training image was put in.

use dfdx::prelude::*;

use crate::error::{device, Error, Result};
use crate::ops::Engine;
use crate::tape::{parameters, values, AnyTensor};

/// Images at most.
const LARGEST: usize = 1 << 24;

/// A cluster, or none, for each of a fixed number of images. A tensor, so that a checkpoint has it: a run resumed
/// inside an epoch goes on with the clusters the epoch began with.
#[derive(Debug)]
pub(super) struct Assignments<D: Engine> {
    /// -1 where there is none.
    clusters: Tensor<(usize,), f32, D>,
}

parameters!([D: Engine] Assignments<D>, D, tensors { clusters: Buffer }, modules {});

impl<D: Engine> Assignments<D> {
    /// Room for `images`, none of them in a cluster.
    ///
    /// # Errors
    /// [`Error::Setting`] for more than 16,777,216, above which float32 does not count; a device out of memory.
    pub(super) fn new(dev: &D, images: usize) -> Result<Self> {
        if images > LARGEST {
            let expected = format!("at most {LARGEST}");
            let remedy = "As many as there are training images are enough.";
            return Err(Error::setting("images", images, expected, remedy));
        }
        let clusters = dev.try_tensor_from_vec(vec![-1.0; images], (images,)).map_err(device)?;
        Ok(Assignments { clusters })
    }

    /// Replaces those of the first images, one for each in `clusters`.
    pub(super) fn write(&mut self, clusters: &[u32]) -> Result<()> {
        let mut all = values(&self.clusters);
        if clusters.len() > all.len() {
            let expected = format!("at least {}, the number of training images", clusters.len());
            return Err(Error::setting(
                "images",
                all.len(),
                expected,
                "It is room in the checkpoint, four bytes each.",
            ));
        }
        all.iter_mut().zip(clusters).for_each(|(a, c)| *a = *c as f32);
        self.clusters.write(&all)
    }

    /// Those of the images in `indices`.
    pub(super) fn of(&self, indices: &[u32]) -> Vec<Option<u32>> {
        let all = values(&self.clusters);
        let one = |i: &u32| all.get(*i as usize).filter(|c| **c >= 0.0).map(|c| *c as u32);
        indices.iter().map(one).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn images_are_looked_up_and_too_many_are_refused() {
        let mut assignments = Assignments::new(&Cpu::default(), 4).unwrap();
        assert_eq!(assignments.of(&[0, 3]), [None, None]);
        assignments.write(&[7, 0, 2]).unwrap();
        assert_eq!(assignments.of(&[2, 0, 3, 9]), [Some(2), Some(7), None, None]);
        let e = assignments.write(&[0; 5]).unwrap_err().to_string();
        assert!(e.starts_with("images is 4. Expected at least 5"), "{e}");
    }
}
