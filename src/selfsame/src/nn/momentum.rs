//! A second copy of a module that follows it slowly.

use dfdx::prelude::*;

use crate::error::Result;
use crate::ops::Engine;
use crate::optim::{ema, Buffers};
use crate::tape::{copy_parameters, AnyTensor, Parameters, Role};

/// A momentum copy of a module (the teacher, the key encoder): equal to it at first, then a moving average of it. No
/// gradient reaches it and no optimiser moves it, but it is saved: all its tensors are buffers.
///
/// Forward passes of the copy have no tape. In training mode its batch norms use the statistics of its own batch, as the
/// papers' do; what its *running* statistics become is chosen with [`Buffers`]:
///
/// | | running statistics of the copy |
/// |---|---|
/// | [`Buffers::Kept`] | its own, moved by its own passes in training mode (MoCo, BYOL, DINO; what most libraries do) |
/// | [`Buffers::Copied`] | those of the module it follows |
/// | [`Buffers::Averaged`] | an average of those, as for parameters |
///
/// They matter only where the copy is evaluated: in training mode none of them is read.
#[derive(Debug)]
pub struct Momentum<M> {
    module: M,
}

impl<M> Momentum<M> {
    /// A copy of `of`. `module` is another of the same structure, whose values are overwritten; not a `clone()`, whose
    /// gradients would mix with the original's.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) where the two differ in structure.
    pub fn copy<D: Engine>(of: &M, mut module: M) -> Result<Self>
    where
        M: Parameters<D>,
    {
        copy_parameters(of, &mut module)?;
        Ok(Momentum { module })
    }

    /// The copy, for forward passes without a tape.
    pub fn module(&self) -> &M {
        &self.module
    }

    /// Moves the copy: `momentum * copy + (1 - momentum) * of`.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a momentum that is not between 0 and 1.
    pub fn follow<D: Engine>(&mut self, of: &M, momentum: f64, buffers: Buffers) -> Result<()>
    where
        M: Parameters<D>,
    {
        ema(&mut self.module, of, momentum, buffers)
    }
}

impl<D: Device<f32>, M: Parameters<D>> Parameters<D> for Momentum<M> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        self.module.visit(prefix, &mut |name, _, t| f(name, Role::Buffer, t));
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        self.module.visit_mut(prefix, &mut |name, _, t| f(name, Role::Buffer, t));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::{BatchNorm, Mode};
    use crate::tape::count_parameters;

    fn norm() -> BatchNorm<usize, Cpu> {
        BatchNorm::new(&Cpu::default(), 2).unwrap()
    }

    fn read(module: &dyn Parameters<Cpu>) -> Vec<f32> {
        let mut all = Vec::new();
        module.visit("", &mut |_, _, t| all.extend(t.read()));
        all
    }

    #[test]
    fn nothing_of_it_is_trained_and_all_of_it_is_saved() {
        let copy = Momentum::copy::<Cpu>(&norm(), norm()).unwrap();
        assert_eq!(count_parameters::<Cpu>(&copy), 0);
        assert_eq!(read(&copy), read(&norm()));
    }

    #[test]
    fn a_pass_in_training_mode_moves_its_own_statistics_without_a_tape() {
        let dev = Cpu::default();
        let online = norm();
        let mut copy = Momentum::copy::<Cpu>(&online, norm()).unwrap();
        let x = dev.tensor_from_vec(vec![1.0, 5.0, 3.0, 9.0], (2, 2));
        copy.module().forward(x, Mode::Train).unwrap();
        // mean 2 and 7, a tenth of the way
        assert_eq!(read(&copy)[4..6], [0.2, 0.7]);
        copy.follow::<Cpu>(&online, 0.5, Buffers::Kept).unwrap();
        assert_eq!(read(&copy)[4..6], [0.2, 0.7]);
        copy.follow::<Cpu>(&online, 0.5, Buffers::Averaged).unwrap();
        assert_eq!(read(&copy)[4..6], [0.1, 0.35]);
        copy.follow::<Cpu>(&online, 0.5, Buffers::Copied).unwrap();
        assert_eq!(read(&copy)[4..6], [0.0, 0.0]);
    }
}
