//! Initial weights, drawn on the host so that every device starts from the same numbers.

use dfdx::prelude::*;
use rand_distr::{Distribution, Normal, Uniform};

use crate::error::{device, Error, Result};
use crate::random::Stream;

/// A tensor of `shape` filled with one value: the scale (1) and shift (0) of a norm.
///
/// # Errors
/// The device is out of memory.
pub fn constant<S: Shape, D: Device<f32>>(dev: &D, shape: S, value: f32) -> Result<Tensor<S, f32, D>> {
    dev.try_tensor_from_vec(vec![value; shape.num_elements()], shape).map_err(device)
}

/// Uniform in `+-1/sqrt(fan_in)`, PyTorch's default for linear and convolutional layers and their biases.
///
/// PyTorch equivalent: `torch.nn.init.kaiming_uniform_(w, a=math.sqrt(5))`.
///
/// # Errors
/// The device is out of memory.
pub fn uniform<S: Shape, D: Device<f32>>(
    dev: &D,
    shape: S,
    fan_in: usize,
    rng: &mut Stream,
) -> Result<Tensor<S, f32, D>> {
    let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
    let range = Uniform::new_inclusive(-bound, bound);
    dev.try_tensor_from_vec((0..shape.num_elements()).map(|_| range.sample(rng)).collect(), shape)
        .map_err(device)
}

/// Normal with mean 0 and the given standard deviation: position tables (0.02).
///
/// PyTorch equivalent: `torch.nn.init.normal_(w, std=std)`.
///
/// # Errors
/// [`Error::Setting`] for a deviation that is negative or not finite; a device out of memory.
pub fn normal<S: Shape, D: Device<f32>>(
    dev: &D,
    shape: S,
    std: f32,
    rng: &mut Stream,
) -> Result<Tensor<S, f32, D>> {
    let normal = Normal::new(0.0, std)
        .map_err(|_| Error::setting("standard deviation", std, "a non-negative number", "0.02 is usual."))?;
    dev.try_tensor_from_vec((0..shape.num_elements()).map(|_| normal.sample(rng)).collect(), shape)
        .map_err(device)
}
