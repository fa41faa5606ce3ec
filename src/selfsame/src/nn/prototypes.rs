//! Directions that embeddings are assigned to.

use dfdx::prelude::*;
use rand::Rng;
use rand_distr::StandardNormal;

use super::queue::normalise;
use crate::error::{device, Error, Result};
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::tape::{parameters, stop_gradient, values, AnyTensor};

/// `K` prototypes of width `Z`, each of length 1: the last layer of SwAV and DINO.
///
/// Their weights are trained. After every optimiser step [`Prototypes::normalise`] puts them back to length 1, as SwAV
/// does (Caron et al. 2020, arXiv 2006.09882); [`Prototypes::cosines`] normalises on the tape instead, as the
/// weight-normalised last layer of DINO does (Caron et al. 2021, arXiv 2104.14294).
///
/// PyTorch equivalent: `torch.nn.Linear(Z, K, bias=False)`.
///
/// # Shapes
/// (batch, Z) to scores (batch, K). Embeddings of another width do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::nn::Prototypes;
/// # let dev = Cpu::default();
/// let rng = &mut selfsame::random::stream(&[0]);
/// let prototypes = Prototypes::<Const<64>, Const<300>, Cpu>::new(&dev, Const, Const, rng)?;
/// let z: Tensor<(usize, Const<32>), f32, _> = dev.zeros_like(&(4, Const));
/// prototypes.scores(z)?; // 32 is not 64
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Prototypes<Z: Dim, K: Dim, D: Engine> {
    weight: Tensor<(K, Z), f32, D>,
}

parameters!([Z: Dim, K: Dim, D: Engine] Prototypes<Z, K, D>, D, tensors { weight: NoDecay }, modules {});

impl<Z: Dim, K: Dim, D: Engine> Prototypes<Z, K, D> {
    /// Random directions.
    ///
    /// # Errors
    /// [`Error::Setting`] for no prototypes; a device out of memory.
    pub fn new(dev: &D, width: Z, count: K, rng: &mut Stream) -> Result<Self> {
        if count.size() == 0 {
            return Err(Error::setting("prototypes", 0, "at least 1", "300 are enough for ten classes."));
        }
        let mut rows: Vec<f32> =
            (0..count.size() * width.size()).map(|_| rng.sample(StandardNormal)).collect();
        normalise(&mut rows, width.size());
        Ok(Prototypes { weight: dev.try_tensor_from_vec(rows, (count, width)).map_err(device)? })
    }

    /// (batch, Z) to inner products with the prototypes as they are, (batch, K).
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn scores<B: Dim, T: Tape<f32, D>>(
        &self,
        z: Tensor<(B, Z), f32, D, T>,
    ) -> Result<Tensor<(B, K), f32, D, T>> {
        ops::linear(z, &self.weight, None)
    }

    /// [`Prototypes::scores`] of prototypes normalised on the way, so that their length gets no gradient.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn cosines<B: Dim, T: Tape<f32, D>>(
        &self,
        z: Tensor<(B, Z), f32, D, T>,
    ) -> Result<Tensor<(B, K), f32, D, T>> {
        let (z, tape) = z.split_tape();
        let (unit, tape) = ops::l2_normalize(self.weight.clone().put_tape(tape))?.split_tape();
        ops::linear(z.put_tape(tape), &unit, None)
    }

    /// [`Prototypes::scores`] with prototypes that are constants: no gradient reaches them.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn fixed_scores<B: Dim, T: Tape<f32, D>>(
        &self,
        z: Tensor<(B, Z), f32, D, T>,
    ) -> Result<Tensor<(B, K), f32, D, T>> {
        ops::linear(z, &stop_gradient(&self.weight)?, None)
    }

    /// [`Prototypes::cosines`] with prototypes that are constants: no gradient reaches them.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn fixed_cosines<B: Dim, T: Tape<f32, D>>(
        &self,
        z: Tensor<(B, Z), f32, D, T>,
    ) -> Result<Tensor<(B, K), f32, D, T>> {
        // Normalising makes a new tensor, but with a way back to the weight only on a tape, and there is none.
        ops::linear(z, &ops::l2_normalize(stop_gradient(&self.weight)?)?, None)
    }

    /// The prototypes, one a row.
    pub fn weight(&self) -> &Tensor<(K, Z), f32, D> {
        &self.weight
    }

    /// How many prototypes there are, as a dimension.
    pub fn dim(&self) -> K {
        self.weight.shape().0
    }

    /// How many prototypes there are.
    pub fn count(&self) -> usize {
        self.weight.shape().0.size()
    }

    /// Puts every prototype back to length 1; a row of zeros stays.
    ///
    /// # Errors
    /// Never for weights of this shape.
    pub fn normalise(&mut self) -> Result<()> {
        let width = self.weight.shape().1.size();
        let mut rows = values(&self.weight);
        normalise(&mut rows, width);
        self.weight.write(&rows)
    }

    /// Replaces all prototypes, row by row: what DeepCluster v2 does with its centroids.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of values.
    pub fn write(&mut self, rows: &[f32]) -> Result<()> {
        self.weight.write(rows)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn they_have_length_one_at_first_and_again_when_asked() {
        let dev = Cpu::default();
        let mut prototypes = Prototypes::new(&dev, Const::<4>, 6, &mut stream(&[1])).unwrap();
        let lengths = |p: &Prototypes<Const<4>, usize, Cpu>| -> Vec<f32> {
            p.weight.as_vec().chunks(4).map(|r| r.iter().map(|v| v * v).sum::<f32>().sqrt()).collect()
        };
        assert!(lengths(&prototypes).iter().all(|l| (l - 1.0).abs() < 1e-6));
        let longer: Vec<f32> = prototypes.weight.as_vec().iter().map(|v| v * 3.0).collect();
        prototypes.write(&longer).unwrap();
        assert!((lengths(&prototypes)[2] - 3.0).abs() < 1e-5);
        prototypes.normalise().unwrap();
        assert!(lengths(&prototypes).iter().all(|l| (l - 1.0).abs() < 1e-6));
    }

    #[test]
    fn cosines_give_their_length_no_gradient() {
        let dev = Cpu::seed_from_u64(3);
        let mut prototypes = Prototypes::new(&dev, Const::<4>, 6, &mut stream(&[1])).unwrap();
        let longer: Vec<f32> = prototypes.weight.as_vec().iter().map(|v| v * 2.0).collect();
        let z: Tensor<(usize, Const<4>), f32, _> = dev.sample_normal_like(&(5, Const));
        let before = prototypes.cosines(z.clone()).unwrap().as_vec();
        prototypes.write(&longer).unwrap();
        let after = prototypes.cosines(z.clone()).unwrap().as_vec();
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-5));
        let g = prototypes.cosines(z.leaky_trace()).unwrap().square().sum::<Rank0, _>().backward();
        let (w, g) = (prototypes.weight.as_vec(), g.get(&prototypes.weight).as_vec());
        for (w, g) in w.chunks(4).zip(g.chunks(4)) {
            assert!(g.iter().any(|g| g.abs() > 1e-4));
            assert!(w.iter().zip(g).map(|(w, g)| w * g).sum::<f32>().abs() < 1e-4);
        }
    }
}
