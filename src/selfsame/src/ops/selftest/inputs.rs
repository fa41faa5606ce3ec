//! An operation at given sizes, its inputs, and what it makes of them: values and gradients.

use dfdx::prelude::*;
use rand_distr::{Distribution, StandardNormal};

use crate::error::{device, Error, Result};
use crate::ops::{Engine, Real};
use crate::random::stream;
use crate::tape::values;

/// Values in a row, as leaves of the graph.
pub(crate) type Flat<E, D, T = NoneTape> = Tensor<(usize,), E, D, T>;
/// The same on its tape.
pub(crate) type Taped<E, D> = Flat<E, D, OwnedTape<E, D>>;
/// The values an operation gives, and the gradient of their sum with fixed weights with respect to each input.
pub(crate) type Found<E> = (Vec<E>, Vec<Vec<E>>);

/// How a tensor lies in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Layout {
    /// Row-major.
    Plain,
    /// Axes in another order.
    #[cfg_attr(not(test), allow(dead_code))]
    Permuted,
    /// The same values for every index of the first axis.
    #[cfg_attr(not(test), allow(dead_code))]
    Broadcast,
}

/// An operation at given sizes.
pub(crate) trait Case: std::fmt::Debug + Sync {
    /// The sizes of each differentiable input.
    fn shapes(&self) -> Vec<Vec<usize>>;
    /// The operation (`fused`) or its composition from dfdx's, flattened.
    fn run<E: Real, D: Engine<E>>(&self, inputs: Inputs<'_, E, D>, fused: bool) -> Result<Taped<E, D>>;
}

/// Hands a case its inputs in order, shaped, all on one tape.
pub(crate) struct Inputs<'a, E: Real, D: Engine<E>> {
    pub(crate) flat: std::slice::Iter<'a, Flat<E, D>>,
    pub(crate) shapes: std::vec::IntoIter<Vec<usize>>,
    pub(crate) tape: OwnedTape<E, D>,
    pub(crate) layout: Layout,
    pub(crate) copied: bool,
}

macro_rules! shaped {
    ($name:ident, $shape:ty, $rest:ty, $axes:ty, [$($size:ident),*], $permuted:expr, $inner:expr) => {
        pub(crate) fn $name(&mut self) -> Result<Tensor<$shape, E, D>> {
            let (t, sizes) = self.next()?;
            let &[$($size),*] = sizes.as_slice() else { return Err(miscounted()) };
            let t = match self.layout {
                Layout::Plain => t.try_reshape_like(&($($size,)*)),
                Layout::Permuted => {
                    t.try_reshape_like(&$permuted).and_then(|t| t.try_permute::<$shape, $axes>())
                }
                Layout::Broadcast => t.try_reshape_like(&$inner).and_then(|t: Tensor<$rest, E, D, _>| {
                    t.try_broadcast_like::<_, Axis<0>>(&($($size,)*))
                }),
            };
            self.keep_tape(t.map_err(device)?)
        }
    };
}

impl<E: Real, D: Engine<E>> Inputs<'_, E, D> {
    shaped!(two, (usize, usize), (usize,), Axes2<1, 0>, [a, b], (b, a), (b,));
    shaped!(three, (usize, usize, usize), (usize, usize), Axes3<1, 2, 0>, [a, b, c], (c, a, b), (b, c));
    shaped!(
        four,
        (usize, usize, usize, usize),
        (usize, usize, usize),
        Axes4<3, 1, 0, 2>,
        [a, b, c, d],
        (c, b, d, a),
        (b, c, d)
    );

    /// One axis has no other order.
    pub(crate) fn one(&mut self) -> Result<Flat<E, D>> {
        let (t, sizes) = self.next()?;
        let &[size] = sizes.as_slice() else { return Err(miscounted()) };
        let t = match self.layout {
            Layout::Broadcast => {
                t.try_reshape_like(&()).and_then(|t| t.try_broadcast_like::<_, Axis<0>>(&(size,)))
            }
            _ => Ok(t),
        };
        self.keep_tape(t.map_err(device)?)
    }

    /// The tape, for the input that carries it; after all inputs are taken.
    pub(crate) fn tape(self) -> OwnedTape<E, D> {
        self.tape
    }

    fn next(&mut self) -> Result<(Taped<E, D>, Vec<usize>)> {
        let (t, sizes) = self.flat.next().zip(self.shapes.next()).ok_or_else(miscounted)?;
        Ok((t.clone().put_tape(std::mem::take(&mut self.tape)), sizes))
    }

    fn keep_tape<S: Shape>(&mut self, t: Tensor<S, E, D, OwnedTape<E, D>>) -> Result<Tensor<S, E, D>> {
        let t = if self.copied { t.try_contiguous().map_err(device)? } else { t };
        let (t, tape) = t.split_tape();
        self.tape = tape;
        Ok(t)
    }
}

/// For a case that takes other inputs than it names.
fn miscounted() -> Error {
    Error::shape("inputs of a case", "as many as it names, of the rank it names", "others")
}

/// All values of any tensor in a row.
pub(crate) fn flat<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    y: Tensor<S, E, D, T>,
) -> Result<Flat<E, D, T>> {
    let n = y.shape().num_elements();
    y.try_reshape_like(&(n,)).map_err(device)
}

/// `n` normal numbers that float32 holds exactly.
pub(crate) fn normal(n: usize, key: u64) -> Vec<f64> {
    let mut random = stream(&[key]);
    (0..n)
        .map(|_| f64::from(<StandardNormal as Distribution<f32>>::sample(&StandardNormal, &mut random)))
        .collect()
}

/// Numbers on a device.
pub(crate) fn tensor<E: Real, D: Device<E>>(dev: &D, v: &[f64]) -> Result<Flat<E, D>> {
    dev.try_tensor_from_vec(v.iter().map(|v| E::of(*v)).collect(), (v.len(),)).map_err(device)
}

/// Which of an operation's two forms is evaluated, on inputs that lie how.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) fused: bool,
    pub(crate) layout: Layout,
    pub(crate) copied: bool,
}

/// The operation as the library calls it.
pub(crate) const FUSED: How = How { fused: true, layout: Layout::Plain, copied: false };
/// Its composition from dfdx's.
pub(crate) const COMPOSED: How = How { fused: false, ..FUSED };

/// The numbers in each of a case's inputs.
pub(crate) fn data(case: &impl Case, layout: Layout) -> Vec<Vec<f64>> {
    let from = usize::from(layout == Layout::Broadcast);
    case.shapes().iter().zip(1..).map(|(s, key)| normal(s[from..].iter().product(), key)).collect()
}

/// Values and gradients of a case on a device.
pub(crate) fn evaluate<E: Real, D: Engine<E>>(dev: &D, case: &impl Case, how: How) -> Result<Found<E>> {
    let leaves =
        data(case, how.layout).iter().map(|v| tensor(dev, v)).collect::<Result<Vec<Flat<E, D>>>>()?;
    let inputs = Inputs {
        flat: leaves.iter(),
        shapes: case.shapes().into_iter(),
        tape: tensor::<E, D>(dev, &[0.0])?.leaky_trace().split_tape().1,
        layout: how.layout,
        copied: how.copied,
    };
    let y = case.run(inputs, how.fused)?;
    let out = values(&y.retaped::<NoneTape>());
    let weights = tensor(dev, &normal(out.len(), 99))?;
    let total = y.try_mul(weights).and_then(|y| y.try_sum::<Rank0, _>()).map_err(device)?;
    let mut grads = total.try_backward().map_err(device)?;
    let gradient = |leaf: &Flat<E, D>| {
        grads.try_alloc_for(leaf).map_err(device)?;
        Ok(values(&grads.get(leaf)))
    };
    Ok((out, leaves.iter().map(gradient).collect::<Result<_>>()?))
}
