//! The latest embeddings of earlier batches.

use dfdx::prelude::*;
use rand::Rng;
use rand_distr::StandardNormal;

use crate::error::{device, Error, Result};
use crate::ops::Engine;
use crate::random::Stream;
use crate::tape::{parameters, values, AnyTensor};

/// Positions are kept as float32 in checkpoints, which counts exactly up to here.
const LARGEST: usize = 1 << 24;

/// A first-in first-out queue of `K` embeddings of width `Z`, each of length 1: the negatives of MoCo (He et al. 2020,
/// arXiv 1911.05722), the support set of NNCLR (Dwibedi et al. 2021, arXiv 2104.14548).
///
/// It starts full of random directions, so that a loss over it is defined from the first step on. New rows overwrite the
/// oldest, in order, and wrap around; no row count has to divide `K`. Rows are normalised as they come in: a queue of
/// vectors that are not makes a loss that cannot fall.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::nn::Queue;
/// let dev = Cpu::default();
/// let mut queue = Queue::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// queue.push(&[3.0, 4.0, 0.0, 2.0])?; // (3, 4) and (0, 2)
/// assert_eq!(queue.entries().array()[..2], [[0.6, 0.8], [0.0, 1.0]]);
/// assert_eq!(queue.position(), 2);
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Queue<K: Dim, Z: Dim, D: Engine> {
    entries: Tensor<(K, Z), f32, D>,
    /// One number, so that a checkpoint has it: where the next row goes.
    position: Tensor<(usize,), f32, D>,
}

parameters!(
    [K: Dim, Z: Dim, D: Engine] Queue<K, Z, D>, D, tensors { entries: Buffer, position: Buffer }, modules {}
);

impl<K: Dim, Z: Dim, D: Engine> Queue<K, Z, D> {
    /// A queue of random directions.
    ///
    /// # Errors
    /// [`Error::Setting`] for a length of 0 or above 16,777,216; a device out of memory.
    pub fn new(dev: &D, length: K, width: Z, rng: &mut Stream) -> Result<Self> {
        let (k, z) = (length.size(), width.size());
        if k == 0 || k > LARGEST {
            let expected = format!("1 to {LARGEST} entries");
            return Err(Error::setting("queue", k, expected, "4096 is usual for a small data set."));
        }
        let mut rows: Vec<f32> = (0..k * z).map(|_| rng.sample(StandardNormal)).collect();
        normalise(&mut rows, z);
        Ok(Queue {
            entries: dev.try_tensor_from_vec(rows, (length, width)).map_err(device)?,
            position: dev.try_tensor_from_vec(vec![0.0], (1,)).map_err(device)?,
        })
    }

    /// The rows, in the order they are stored in; [`Queue::position`] is the oldest.
    pub fn entries(&self) -> &Tensor<(K, Z), f32, D> {
        &self.entries
    }

    /// Where the next row goes.
    pub fn position(&self) -> usize {
        self.position.as_vec().first().map_or(0, |p| *p as usize)
    }

    /// How many rows there are.
    pub fn length(&self) -> usize {
        self.entries.shape().0.size()
    }

    /// Writes `rows` (any number of rows, one after the other) over the oldest; of more rows than the queue has, the last
    /// ones stay. A row of zeros stays zero.
    ///
    /// # Errors
    /// [`Error::Shape`] for numbers that are no whole number of rows.
    pub fn push(&mut self, rows: &[f32]) -> Result<()> {
        let (k, z) = (self.length(), self.entries.shape().1.size());
        if !rows.len().is_multiple_of(z.max(1)) {
            let found = format!("{} numbers", rows.len());
            return Err(Error::shape("rows for a queue", format!("a multiple of {z} numbers"), found));
        }
        let count = rows.len() / z.max(1);
        let start = (self.position() + count.saturating_sub(k)) % k;
        let mut rows = rows[count.saturating_sub(k) * z..].to_vec();
        normalise(&mut rows, z);
        let mut all = values(&self.entries);
        for (i, row) in rows.chunks_exact(z.max(1)).enumerate() {
            let at = (start + i) % k;
            all[at * z..(at + 1) * z].copy_from_slice(row);
        }
        self.entries.write(&all)?;
        self.position.write(&[((self.position() + count) % k) as f32])
    }
}

/// Rows to length 1; a row of zeros stays.
pub(super) fn normalise(rows: &mut [f32], width: usize) {
    for row in rows.chunks_exact_mut(width.max(1)) {
        let norm = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;
    use crate::tape::Parameters;

    fn queue(k: usize) -> Queue<usize, Const<1>, Cpu> {
        Queue::new(&Cpu::default(), k, Const, &mut stream(&[1])).unwrap()
    }

    /// Rows of width 1 keep only their sign; two columns keep a direction, here an angle in degrees.
    fn angles(queue: &Queue<usize, Const<2>, Cpu>) -> Vec<f32> {
        queue.entries().as_vec().chunks(2).map(|r| r[1].atan2(r[0]).to_degrees().round()).collect()
    }

    fn row(angle: f32) -> [f32; 2] {
        [7.0 * angle.to_radians().cos(), 7.0 * angle.to_radians().sin()]
    }

    #[test]
    fn it_starts_full_of_unit_vectors_that_the_seed_decides() {
        let new = |seed| Queue::new(&Cpu::default(), 50, Const::<8>, &mut stream(&[seed])).unwrap();
        let rows = new(1).entries().as_vec();
        for row in rows.chunks(8) {
            assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert_eq!(rows, new(1).entries().as_vec());
        assert_ne!(rows, new(2).entries().as_vec());
    }

    #[test]
    fn rows_overwrite_the_oldest_and_wrap_around() {
        let dev = Cpu::default();
        let mut queue = Queue::new(&dev, 5, Const::<2>, &mut stream(&[1])).unwrap();
        let push = |queue: &mut Queue<usize, Const<2>, Cpu>, which: std::ops::Range<u8>| {
            let rows: Vec<f32> = which.flat_map(|i| row(f32::from(i) * 10.0)).collect();
            queue.push(&rows).unwrap();
        };
        push(&mut queue, 0..3);
        assert_eq!((angles(&queue)[..3].to_vec(), queue.position()), (vec![0.0, 10.0, 20.0], 3));
        push(&mut queue, 3..6);
        assert_eq!((angles(&queue), queue.position()), (vec![50.0, 10.0, 20.0, 30.0, 40.0], 1));
        // More than it holds: the last five, as if they had come one by one.
        push(&mut queue, 6..13);
        assert_eq!((angles(&queue), queue.position()), (vec![100.0, 110.0, 120.0, 80.0, 90.0], 3));
        queue.push(&[]).unwrap();
        assert_eq!(queue.position(), 3);
    }

    #[test]
    fn nothing_of_it_is_trained_and_odd_numbers_are_refused() {
        let mut roles = Vec::new();
        queue(3).visit("", &mut |name, role, _| roles.push((name.to_string(), role)));
        use crate::tape::Role::Buffer;
        assert_eq!(roles, [("entries".to_string(), Buffer), ("position".to_string(), Buffer)]);
        let mut two = Queue::new(&Cpu::default(), 5, Const::<2>, &mut stream(&[1])).unwrap();
        assert!(two.push(&[1.0; 3]).unwrap_err().to_string().contains("a multiple of 2"));
        assert!(Queue::new(&Cpu::default(), 0, Const::<2>, &mut stream(&[1])).is_err());
    }
}
