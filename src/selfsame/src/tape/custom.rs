//! Operations of our own on dfdx's CPU tape: values out, values in, one backward function.

use std::mem::take;

use dfdx::prelude::*;
use dfdx::tensor::{CpuError, Gradients};

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

type Buffer<E> = dyn for<'g> Fn(&'g mut Gradients<E, Cpu>) -> Result<&'g mut Vec<E>, CpuError>;

/// Where one tensor's gradient lives, with the tensor's type forgotten.
pub struct Slot<E: Dtype> {
    len: usize,
    buffer: Box<Buffer<E>>,
}

/// The gradient slot of `t`.
pub fn slot<S: Shape, E: Dtype>(t: &Tensor<S, E, Cpu>) -> Slot<E> {
    let ghost = t.ghost();
    Slot {
        len: t.shape().num_elements(),
        buffer: Box::new(move |grads| Ok(&mut **grads.get_or_alloc_mut(&ghost)?)),
    }
}

/// Records `backward` on `tape`: called with the gradient of the output and the gradients of the inputs, in the order
/// of `inputs`, it must *add* its contribution to each. All slices are row-major and have their tensor's length.
///
/// The same tensor may appear twice among the inputs. On a [`NoneTape`] this does nothing.
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
pub fn record<E: Dtype, T: Tape<E, Cpu>>(
    tape: &mut T,
    inputs: Vec<Slot<E>>,
    output: Slot<E>,
    backward: impl FnOnce(&[E], &mut [Vec<E>]) + 'static,
) {
    tape.add_backward_op(move |grads| {
        let upstream = take((output.buffer)(grads)?);
        let mut sums = Vec::with_capacity(inputs.len());
        for input in &inputs {
            let mut buffer = take((input.buffer)(grads)?);
            // Taken a second time: the same tensor twice among the inputs.
            buffer.resize(input.len, E::default());
            sums.push(buffer);
        }
        backward(&upstream, &mut sums);
        for (input, sum) in inputs.iter().zip(sums) {
            let place = (input.buffer)(grads)?;
            if place.is_empty() {
                *place = sum;
            } else {
                place.iter_mut().zip(sum).for_each(|(p, s)| *p += s);
            }
        }
        *(output.buffer)(grads)? = upstream;
        Ok(())
    });
}
