//! Cutting images into square patches.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`patchify`].
pub trait PatchifyOp<E: Real>: Device<E> {
    /// See [`patchify`]; sizes are already checked.
    fn patchify<B: Dim, C: Dim, H: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        patch: usize,
    ) -> Result<Tensor<(B, usize, usize), E, Self, T>> {
        composed(x, patch).map_err(device)
    }
}

/// Images (batch, channels, height, width) as patches (batch, tokens, channels * patch * patch), tokens row by row, a
/// patch's values channel by channel.
///
/// PyTorch equivalent: `x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * p * p)`.
///
/// # Errors
/// [`Error::Shape`] when `patch` does not divide both sides; a device out of memory.
pub fn patchify<B: Dim, C: Dim, H: Dim, W: Dim, E: Real, D: PatchifyOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, H, W), E, D, T>,
    patch: usize,
) -> Result<Tensor<(B, usize, usize), E, D, T>> {
    let (_, _, h, w) = *x.shape();
    if patch == 0 || h.size() % patch != 0 || w.size() % patch != 0 {
        let found = format!("{}x{}", h.size(), w.size());
        return Err(Error::shape("patchify", format!("sides that patch {patch} divides"), found));
    }
    let _timed = op("patchify");
    D::patchify(x, patch)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, C: Dim, H: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, H, W), E, D, T>,
    patch: usize,
) -> std::result::Result<Tensor<(B, usize, usize), E, D, T>, D::Err> {
    let (batch, c, h, w) = *x.shape();
    let (gh, gw) = (h.size() / patch, w.size() / patch);
    let x = x.try_reshape_like(&(batch.size(), c.size(), gh, patch, gw, patch))?;
    let x = x.try_permute::<(usize, usize, usize, usize, usize, usize), Axes6<0, 2, 4, 1, 3, 5>>()?;
    x.try_reshape_like(&(batch, gh * gw, c.size() * patch * patch))
}

impl<E: Real> PatchifyOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn patchify<B: Dim, C: Dim, H: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        patch: usize,
    ) -> Result<Tensor<(B, usize, usize), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, c, h, w) = *x.shape();
        let (c, h, w) = (c.size(), h.size(), w.size());
        let (y, backward) = E::patchify(values(&x), (c, h, w), patch);
        let shape = (batch, (h / patch) * (w / patch), c * patch * patch);
        let y = x.device().try_tensor_from_vec(y, shape).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`patchify`].
    PatchifyKernel {
        fn patchify(x: Vec<Self>, image: (usize, usize, usize), patch: usize) -> Made<Self> = run;
    }
}

/// `image` is (channels, height, width).
fn run<E: Real>(xs: Vec<E>, image: (usize, usize, usize), patch: usize) -> Made<E> {
    let n = (image.0 * image.1 * image.2).max(1);
    let mut y = vec![E::zero(); xs.len()];
    y.par_chunks_mut(n).zip(xs.par_chunks(n)).for_each(|(y, x)| {
        runs(image, patch, |from, to| y[to..to + patch].copy_from_slice(&x[from..from + patch]));
    });
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        g[0].par_chunks_mut(n).zip(gy.par_chunks(n)).for_each(|(gx, gy)| {
            runs(image, patch, |from, to| {
                let pairs = gx[from..from + patch].iter_mut().zip(&gy[to..to + patch]);
                pairs.for_each(|(gx, gy)| *gx += *gy);
            });
        });
    };
    (y, Box::new(backward))
}

/// Calls `f` with the start of every horizontal run of `patch` pixels in the image and in the patches.
pub(super) fn runs((c, h, w): (usize, usize, usize), patch: usize, mut f: impl FnMut(usize, usize)) {
    let (across, len) = (w / patch, c * patch * patch);
    for channel in 0..c {
        for y in 0..h {
            for column in 0..across {
                let token = (y / patch) * across + column;
                let within = (channel * patch + y % patch) * patch;
                f((channel * h + y) * w + column * patch, token * len + within);
            }
        }
    }
}
