//! The tensors of a module by name, with their shapes forgotten: what optimisers, checkpoints and momentum copies need.

use dfdx::prelude::*;
use dfdx::tensor::Gradients;

use super::custom::values;
use super::MaySend;
use crate::error::{device, Error, Result};

/// What a tensor is to an optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A weight matrix or kernel: trained, decayed, adapted by LARS.
    Weight,
    /// A bias, a norm's scale and shift, a position table: trained, neither decayed nor adapted.
    NoDecay,
    /// Running statistics: saved with the module but not trained.
    Buffer,
}

/// A float32 tensor whose shape is known only at run time.
pub trait AnyTensor<D: Device<f32>> {
    /// Sizes, outermost first.
    fn sizes(&self) -> Vec<usize>;
    /// How many numbers.
    fn numel(&self) -> usize;
    /// A copy of the values, row-major.
    fn read(&self) -> Vec<f32>;
    /// Copies the values, row-major, into `out`, which has [`AnyTensor::numel`] places.
    ///
    /// # Errors
    /// [`Error::Shape`] when `out` has another length.
    fn read_into(&self, out: &mut [f32]) -> Result<()>;
    /// Replaces the values; the id stays.
    ///
    /// # Errors
    /// [`Error::Shape`] when `values` has another length.
    fn write(&mut self, values: &[f32]) -> Result<()>;
    /// Adds this tensor's gradient to `sum`; zero where it received none.
    ///
    /// # Errors
    /// The device is out of memory.
    fn add_gradient(&self, grads: &mut Gradients<f32, D>, sum: &mut [f32]) -> Result<()>;
}

impl<S: Shape, D: Device<f32>> AnyTensor<D> for Tensor<S, f32, D> {
    fn sizes(&self) -> Vec<usize> {
        self.shape().concrete().into()
    }
    fn numel(&self) -> usize {
        self.shape().num_elements()
    }
    fn read(&self) -> Vec<f32> {
        values(self)
    }
    fn read_into(&self, out: &mut [f32]) -> Result<()> {
        if out.len() != self.numel() {
            return Err(Error::shape("room for a parameter", self.numel(), out.len()));
        }
        // Row-major, where it is not; see `values`.
        let shape = *self.shape();
        self.clone().try_reshape_like(&shape).map_err(device)?.copy_into(out);
        Ok(())
    }
    fn write(&mut self, values: &[f32]) -> Result<()> {
        if values.len() != self.numel() {
            return Err(Error::shape("values of a parameter", self.numel(), values.len()));
        }
        self.copy_from(values);
        Ok(())
    }
    fn add_gradient(&self, grads: &mut Gradients<f32, D>, sum: &mut [f32]) -> Result<()> {
        grads.try_alloc_for(self).map_err(device)?;
        sum.iter_mut().zip(values(&grads.get(self))).for_each(|(s, g)| *s += g);
        Ok(())
    }
}

/// A module whose tensors can be walked by name, always in the same order.
///
/// Names join the fields on the way with dots: `blocks.0.qkv.weight`. [`parameters!`](crate::parameters) writes it for a
/// struct. What has parameters may go to another thread, so that a program with windows, or a server, trains in one; with the `cuda` feature it may not, see [`MaySend`].
pub trait Parameters<D: Device<f32>>: MaySend {
    /// Calls `f` with every tensor.
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>));
    /// Calls `f` with every tensor, to change it.
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>));
}

impl<D: Device<f32>, M: Parameters<D>> Parameters<D> for Vec<M> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        self.iter().enumerate().for_each(|(i, m)| m.visit(&format!("{prefix}{i}."), f));
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        self.iter_mut().enumerate().for_each(|(i, m)| m.visit_mut(&format!("{prefix}{i}."), f));
    }
}

impl<D: Device<f32>, M: Parameters<D> + ?Sized> Parameters<D> for Box<M> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        (**self).visit(prefix, f);
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        (**self).visit_mut(prefix, f);
    }
}

impl<D: Device<f32>, M: Parameters<D>> Parameters<D> for Option<M> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        self.iter().for_each(|m| m.visit(prefix, f));
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        self.iter_mut().for_each(|m| m.visit_mut(prefix, f));
    }
}

/// Implements [`Parameters`](crate::tape::Parameters) for a struct: its generics in brackets, its type, its device, its own
/// tensors with their [`Role`](crate::tape::Role)s, its modules, and whatever else it has (`plain`). Names are those of the fields: `hidden.weight`.
///
/// Every field is in one of the lists: one that is forgotten would neither be trained nor saved, and so does not compile. A
/// struct that only adds types to a single module is `transparent`: the module's names are its own.
///
/// ```
/// use selfsame::nn::{init, Linear};
/// use selfsame::prelude::*;
/// use selfsame::tape::count_parameters;
///
/// struct Scaled<D: Engine> {
///     scale: Tensor<Rank1<4>, f32, D>,
///     layer: Linear<Const<3>, Const<4>, D>,
///     name: String,
/// }
/// selfsame::parameters!(
///     [D: Engine] Scaled<D>, D,
///     tensors { scale: NoDecay },
///     modules { layer },
///     plain { name },
/// );
///
/// let (dev, rng) = (Cpu::default(), &mut selfsame::random::stream(&[0]));
/// let layer = Linear::new(&dev, Const, Const, rng)?;
/// let scaled = Scaled { scale: init::normal(&dev, (Const,), 1.0, rng)?, layer, name: "a".into() };
/// let mut names = Vec::new();
/// scaled.visit("", &mut |name, _, _| names.push(name.to_string()));
/// assert_eq!(names, ["scale", "layer.weight", "layer.bias"]);
/// assert_eq!(count_parameters(&scaled), 4 + 12 + 4);
/// # let _ = scaled.name;
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// Without `layer` in it, the list is refused with 'pattern does not mention field `layer`':
///
/// ```compile_fail,E0027
/// use selfsame::nn::Linear;
/// use selfsame::prelude::*;
///
/// struct Scaled<D: Engine> {
///     scale: Tensor<Rank1<4>, f32, D>,
///     layer: Linear<Const<3>, Const<4>, D>,
/// }
/// selfsame::parameters!([D: Engine] Scaled<D>, D, tensors { scale: NoDecay }, modules {});
/// ```
#[macro_export]
macro_rules! parameters {
    ([$($generics:tt)*] $type:ty, $device:ty, transparent $module:ident $(, plain { $($plain:ident),* $(,)? })? $(,)?) => {
        impl<$($generics)*> $crate::tape::Parameters<$device> for $type {
            fn visit(
                &self,
                prefix: &str,
                f: &mut dyn FnMut(&str, $crate::tape::Role, &dyn $crate::tape::AnyTensor<$device>),
            ) {
                let Self { $module: _, $($($plain: _,)*)? } = self;
                $crate::tape::Parameters::visit(&self.$module, prefix, f);
            }
            fn visit_mut(
                &mut self,
                prefix: &str,
                f: &mut dyn FnMut(&str, $crate::tape::Role, &mut dyn $crate::tape::AnyTensor<$device>),
            ) {
                $crate::tape::Parameters::visit_mut(&mut self.$module, prefix, f);
            }
        }
    };
    ([$($generics:tt)*] $type:ty, $device:ty, tensors { $($tensor:ident: $role:ident),* $(,)? }, modules { $($module:ident),* $(,)? } $(, plain { $($plain:ident),* $(,)? })? $(,)?) => {
        impl<$($generics)*> $crate::tape::Parameters<$device> for $type {
            fn visit(
                &self,
                prefix: &str,
                f: &mut dyn FnMut(&str, $crate::tape::Role, &dyn $crate::tape::AnyTensor<$device>),
            ) {
                // Every field: one that is in no list does not compile here.
                let Self { $($tensor: _,)* $($module: _,)* $($($plain: _,)*)? } = self;
                let _ = (&prefix, &f);
                $(f(&format!("{prefix}{}", stringify!($tensor)), $crate::tape::Role::$role, &self.$tensor);)*
                $($crate::tape::Parameters::<$device>::visit(
                    &self.$module,
                    &format!("{prefix}{}.", stringify!($module)),
                    f,
                );)*
            }
            fn visit_mut(
                &mut self,
                prefix: &str,
                f: &mut dyn FnMut(&str, $crate::tape::Role, &mut dyn $crate::tape::AnyTensor<$device>),
            ) {
                let _ = (&prefix, &f);
                $(f(&format!("{prefix}{}", stringify!($tensor)), $crate::tape::Role::$role, &mut self.$tensor);)*
                $($crate::tape::Parameters::<$device>::visit_mut(
                    &mut self.$module,
                    &format!("{prefix}{}.", stringify!($module)),
                    f,
                );)*
            }
        }
    };
}
pub(crate) use parameters;

/// How many trainable numbers a module has.
pub fn count_parameters<D: Device<f32>>(module: &dyn Parameters<D>) -> usize {
    let mut n = 0;
    module.visit("", &mut |_, role, t| n += if role == Role::Buffer { 0 } else { t.numel() });
    n
}

/// Copies every tensor of `from`, buffers included, into `into`, which keeps its own ids: a fresh copy, unlike
/// `clone()`, whose gradients would mix with the original's.
///
/// # Errors
/// [`Error::Shape`] where the two differ in structure.
pub fn copy_parameters<D: Device<f32>>(from: &dyn Parameters<D>, into: &mut dyn Parameters<D>) -> Result<()> {
    let mut values = Vec::new();
    from.visit("", &mut |_, _, t| values.push(t.read()));
    let (mut next, mut problem) = (values.iter(), None);
    into.visit_mut("", &mut |name, _, t| {
        let written = match next.next() {
            Some(v) => t.write(v),
            None => Err(Error::shape(
                format!("copy of {name}"),
                "a module of the same structure",
                "one with more tensors",
            )),
        };
        problem = problem.take().or(written.err());
    });
    if next.next().is_some() {
        let found = "one with fewer tensors";
        problem = problem.or(Some(Error::shape("copy", "a module of the same structure", found)));
    }
    problem.map_or(Ok(()), Err)
}
