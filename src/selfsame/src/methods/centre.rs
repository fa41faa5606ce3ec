//! The moving mean of a teacher's logits.

use dfdx::prelude::*;

use super::checks;
use crate::error::{device, Result};
use crate::losses::moved_centre;
use crate::ops::Engine;
use crate::tape::parameters;

/// A centre of `K` values, with the teacher's rows of the step under way.
#[derive(Debug)]
pub(super) struct Centre<K: Dim, D: Engine> {
    value: Tensor<(K,), f32, D>,
    /// Sums over the rows of the step's micro-batches, and how many rows those were.
    sums: Vec<f64>,
    rows: usize,
    momentum: f64,
}

parameters!(
    [K: Dim, D: Engine] Centre<K, D>, D,
    tensors { value: Buffer }, modules {}, plain { sums, rows, momentum }
);

impl<K: Dim, D: Engine> Centre<K, D> {
    /// A centre of zeros.
    pub(super) fn new(dev: &D, count: K, momentum: f64) -> Result<Self> {
        checks::share("centre-momentum", momentum, "0.9 is the papers'.")?;
        let value = dev.try_tensor_from_vec(vec![0.0; count.size()], (count,)).map_err(device)?;
        Ok(Centre { value, sums: vec![0.0; count.size()], rows: 0, momentum })
    }

    /// The centre as the step under way sees it.
    pub(super) fn value(&self) -> &Tensor<(K,), f32, D> {
        &self.value
    }

    /// Remembers a micro-batch's rows.
    pub(super) fn collect(&mut self, teacher: &Tensor<(usize, K), f32, D>) {
        for row in teacher.as_vec().chunks_exact(self.sums.len().max(1)) {
            self.sums.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v));
            self.rows += 1;
        }
    }

    /// Moves towards the mean of what was collected, once a step; stays where nothing was.
    pub(super) fn follow(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mean = self.sums.iter().map(|s| (s / self.rows as f64) as f32).collect();
        let shape = (1usize, self.value.shape().0);
        let mean = self.value.device().try_tensor_from_vec(mean, shape).map_err(device)?;
        let moved = moved_centre(&self.value, &mean, self.momentum)?;
        // Its id stays: it is the same tensor to whoever counts them.
        self.value.copy_from(&moved.as_vec());
        self.sums.fill(0.0);
        self.rows = 0;
        Ok(())
    }

    /// Its length.
    pub(super) fn norm(&self) -> f64 {
        self.value.as_vec().iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_once_for_all_that_was_collected() {
        let dev = Cpu::default();
        let rows = |v: Vec<f32>| dev.tensor_from_vec(v.clone(), (v.len() / 2, Const::<2>));
        let mut parts = Centre::new(&dev, Const::<2>, 0.9).unwrap();
        parts.collect(&rows(vec![1.0, 2.0]));
        parts.collect(&rows(vec![3.0, 4.0, 5.0, 9.0]));
        assert_eq!(parts.value().array(), [0.0, 0.0], "moved before the step's end");
        parts.follow().unwrap();
        let mut whole = Centre::new(&dev, Const::<2>, 0.9).unwrap();
        whole.collect(&rows(vec![1.0, 2.0, 3.0, 4.0, 5.0, 9.0]));
        whole.follow().unwrap();
        assert_eq!(parts.value().array(), whole.value().array());
        assert!(
            (parts.value().array()[0] - 0.3).abs() < 1e-6 && (parts.value().array()[1] - 0.5).abs() < 1e-6
        );
        parts.follow().unwrap();
        assert_eq!(parts.value().array(), whole.value().array(), "nothing was collected");
        assert!(Centre::<Const<2>, Cpu>::new(&dev, Const, 1.5).is_err());
    }
}
