//! Images put together from their patches.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::patchify::runs;
use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`unpatchify`].
pub trait UnpatchifyOp<E: Real>: Device<E> {
    /// See [`unpatchify`]; sizes are already checked.
    fn unpatchify<B: Dim, N: Dim, P: Dim, C: Dim, H: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, P), E, Self, T>,
        patch: usize,
        image: (C, H, W),
    ) -> Result<Tensor<(B, C, H, W), E, Self, T>> {
        composed(x, patch, image).map_err(device)
    }
}

/// The images whose patches these are, the inverse of [`patchify`](super::patchify()): (batch, tokens,
/// channels * patch * patch) to (batch, channels, height, width); `image` is (channels, height, width).
///
/// PyTorch equivalent: `x.reshape(b, h // p, w // p, c, p, p).permute(0, 3, 1, 4, 2, 5).reshape(b, c, h, w)`.
///
/// # Errors
/// [`Error::Shape`] when `patch` does not divide both sides or the patches are others in number or size; a device out of
/// memory.
pub fn unpatchify<
    B: Dim,
    N: Dim,
    P: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    E: Real,
    D: UnpatchifyOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, N, P), E, D, T>,
    patch: usize,
    image: (C, H, W),
) -> Result<Tensor<(B, C, H, W), E, D, T>> {
    let (c, h, w) = (image.0.size(), image.1.size(), image.2.size());
    if patch == 0 || !h.is_multiple_of(patch) || !w.is_multiple_of(patch) {
        return Err(Error::shape(
            "unpatchify",
            format!("sides that patch {patch} divides"),
            format!("{h}x{w}"),
        ));
    }
    let (want, found) =
        (((h / patch) * (w / patch), c * patch * patch), (x.shape().1.size(), x.shape().2.size()));
    if want != found {
        let expected = format!("{} patches of {} values", want.0, want.1);
        return Err(Error::shape("unpatchify", expected, format!("{} of {}", found.0, found.1)));
    }
    let _timed = op("unpatchify");
    D::unpatchify(x, patch, image)
}

/// The same from dfdx's operations.
pub(crate) fn composed<
    B: Dim,
    N: Dim,
    P: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, N, P), E, D, T>,
    patch: usize,
    image: (C, H, W),
) -> std::result::Result<Tensor<(B, C, H, W), E, D, T>, D::Err> {
    let batch = x.shape().0;
    let (gh, gw) = (image.1.size() / patch, image.2.size() / patch);
    let x = x.try_reshape_like(&(batch.size(), gh, gw, image.0.size(), patch, patch))?;
    let x = x.try_permute::<(usize, usize, usize, usize, usize, usize), Axes6<0, 3, 1, 4, 2, 5>>()?;
    x.try_reshape_like(&(batch, image.0, image.1, image.2))
}

impl<E: Real> UnpatchifyOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn unpatchify<B: Dim, N: Dim, P: Dim, C: Dim, H: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, P), E, Self, T>,
        patch: usize,
        image: (C, H, W),
    ) -> Result<Tensor<(B, C, H, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let sizes = (image.0.size(), image.1.size(), image.2.size());
        let (y, backward) = E::unpatchify(values(&x), sizes, patch);
        let shape = (x.shape().0, image.0, image.1, image.2);
        let y = x.device().try_tensor_from_vec(y, shape).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`unpatchify`].
    UnpatchifyKernel {
        fn unpatchify(x: Vec<Self>, image: (usize, usize, usize), patch: usize) -> Made<Self> = run;
    }
}

/// `image` is (channels, height, width).
fn run<E: Real>(xs: Vec<E>, image: (usize, usize, usize), patch: usize) -> Made<E> {
    let n = (image.0 * image.1 * image.2).max(1);
    let mut y = vec![E::zero(); xs.len()];
    y.par_chunks_mut(n).zip(xs.par_chunks(n)).for_each(|(y, x)| {
        runs(image, patch, |to, from| y[to..to + patch].copy_from_slice(&x[from..from + patch]));
    });
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        g[0].par_chunks_mut(n).zip(gy.par_chunks(n)).for_each(|(gx, gy)| {
            runs(image, patch, |from, to| {
                let pairs = gx[to..to + patch].iter_mut().zip(&gy[from..from + patch]);
                pairs.for_each(|(gx, gy)| *gx += *gy);
            });
        });
    };
    (y, Box::new(backward))
}
