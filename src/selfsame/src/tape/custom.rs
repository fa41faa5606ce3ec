//! Operations of our own on dfdx's CPU tape: values out, values in, one backward function.

use std::mem::take;
use std::panic::Location;

use dfdx::prelude::*;
use dfdx::tensor::{CpuError, Gradients};

use super::{profile, Scratch};

/// The values of `x` in row-major order.
///
/// One copy; `x` is made contiguous first where it is not.
pub fn values<S: Shape, E: Dtype, D: Device<E>>(x: &Tensor<S, E, D>) -> Vec<E> {
    // A broadcast or permuted tensor's physical order is not its logical one, and dfdx does not say which it is:
    // reshaping to its own shape copies exactly where it must.
    let shape = *x.shape();
    let x = x.clone().reshape_like(&shape);
    let mut out = vec![E::default(); shape.num_elements()];
    x.copy_into(&mut out);
    out
}

/// [`values`] in memory that is reused from step to step.
pub(crate) fn kept<S: Shape, E: Dtype, D: Device<E>>(x: &Tensor<S, E, D>) -> Scratch<E> {
    let shape = *x.shape();
    let x = x.clone().reshape_like(&shape);
    let mut out = Scratch::any(shape.num_elements());
    x.copy_into(&mut out);
    out
}

/// How gradients go back through an operation: called with the gradient of the output and the gradients of the inputs, it
/// adds its contribution to each.
pub type BackwardFn<E> = Box<dyn FnOnce(&[E], &mut [Vec<E>])>;

type Buffer<E> = dyn for<'g> Fn(&'g mut Gradients<E, Cpu>) -> Result<&'g mut Vec<E>, CpuError>;

/// Where one tensor's gradient lives, with the tensor's type forgotten.
pub struct Slot<E: Dtype> {
    len: usize,
    /// For a permuted or broadcast tensor, the place of each value in the buffer it shares with the original.
    places: Option<Vec<usize>>,
    buffer: Box<Buffer<E>>,
}

/// The gradient slot of `t`, which may be permuted or broadcast.
pub fn slot<S: Shape, E: Dtype>(t: &Tensor<S, E, Cpu>) -> Slot<E> {
    let ghost = t.ghost();
    Slot {
        len: t.shape().num_elements(),
        places: places(t),
        buffer: Box::new(move |grads| Ok(&mut **grads.get_or_alloc_mut(&ghost)?)),
    }
}

/// Where each value of `t`, in row-major order, lies in memory; `None` where that is just its number.
///
/// A permuted or broadcast tensor shares its id, and so its gradient buffer, with the tensor it was made from.
fn places<S: Shape, E: Dtype>(t: &Tensor<S, E, Cpu>) -> Option<Vec<usize>> {
    let sizes: Vec<usize> = t.shape().concrete().into();
    let len = t.shape().num_elements();
    // dfdx keeps strides to itself, but neighbours along an axis are a stride apart in memory.
    let address = |index: S::Concrete| std::ptr::from_ref(&t[index]) as usize;
    let mut strides = vec![0; sizes.len()];
    for axis in (0..sizes.len()).filter(|axis| len > 0 && sizes[*axis] > 1) {
        let mut next = S::Concrete::default();
        next[axis] = 1;
        strides[axis] = (address(next) - address(S::Concrete::default())) / std::mem::size_of::<E>();
    }
    strided(&sizes, &strides)
}

/// Where each value lies given the strides, in row-major order; `None` where that is just its number.
fn strided(sizes: &[usize], strides: &[usize]) -> Option<Vec<usize>> {
    let len = sizes.iter().product();
    let place = |mut i: usize| {
        sizes.iter().zip(strides).rev().fold(0, |at, (size, stride)| {
            let along = i % size;
            i /= size;
            at + along * stride
        })
    };
    let mut dense = 1;
    let contiguous = sizes.iter().zip(strides).rev().all(|(size, stride)| {
        let fits = *size <= 1 || *stride == dense;
        dense *= size;
        fits
    });
    (len > 0 && !contiguous).then(|| (0..len).map(place).collect())
}

/// Records `backward` on `tape`: called with the gradient of the output and the gradients of the inputs, in the order
/// of `inputs`, it must *add* its contribution to each. All slices are row-major and have their tensor's length.
///
/// The same tensor may appear twice among the inputs, which may be permuted or broadcast; the output is a tensor just
/// made from values. On a [`NoneTape`] this does nothing.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::tape::{record, slot, values};
/// // y = x^3
/// let dev = Cpu::default();
/// let x: Tensor<Rank1<2>, f32, _> = dev.tensor([1.0, 2.0]);
/// let (x, mut tape) = x.leaky_trace().split_tape();
/// let v = values(&x);
/// let y: Tensor<Rank1<2>, f32, _> = dev.tensor_from_vec(v.iter().map(|v| v.powi(3)).collect(), (Const::<2>,));
/// record(&mut tape, vec![slot(&x)], slot(&y), move |gy, gx| {
///     for ((gx, gy), v) in gx[0].iter_mut().zip(gy).zip(&v) {
///         *gx += gy * 3.0 * v * v;
///     }
/// });
/// let grads = y.put_tape(tape).sum::<Rank0, _>().backward();
/// assert_eq!(grads.get(&x).array(), [3.0, 12.0]);
/// ```
#[track_caller]
pub fn record<E: Dtype, T: Tape<E, Cpu>>(
    tape: &mut T,
    inputs: Vec<Slot<E>>,
    output: Slot<E>,
    backward: impl FnOnce(&[E], &mut [Vec<E>]) + 'static,
) {
    let name = profile::current(Location::caller());
    let backward: BackwardFn<E> = Box::new(backward);
    tape.add_backward_op(move |grads| profile::backward(name, || go_back(&inputs, &output, backward, grads)));
}

/// Calls `backward` with the gradients themselves where it can and with zeros of their length where it cannot, and puts
/// everything in its place.
fn go_back<E: Dtype>(
    inputs: &[Slot<E>],
    output: &Slot<E>,
    backward: BackwardFn<E>,
    grads: &mut Gradients<E, Cpu>,
) -> Result<(), CpuError> {
    let upstream = take((output.buffer)(grads)?);
    let mut sums = Vec::with_capacity(inputs.len());
    for input in inputs {
        let mut buffer = if input.places.is_some() { Vec::new() } else { take((input.buffer)(grads)?) };
        // Empty for a view of another tensor, and where the same tensor comes a second time.
        buffer.resize(input.len, E::default());
        sums.push(buffer);
    }
    backward(&upstream, &mut sums);
    // Views last: by then the buffers they share with other inputs are back in their places.
    let (views, whole): (Vec<_>, Vec<_>) =
        inputs.iter().zip(sums).partition(|(input, _)| input.places.is_some());
    for (input, sum) in whole.into_iter().chain(views) {
        let buffer = (input.buffer)(grads)?;
        match &input.places {
            None if buffer.is_empty() => *buffer = sum,
            None => buffer.iter_mut().zip(sum).for_each(|(b, s)| *b += s),
            Some(places) => places.iter().zip(sum).for_each(|(at, s)| buffer[*at] += s),
        }
    }
    *(output.buffer)(grads)? = upstream;
    Ok(())
}
