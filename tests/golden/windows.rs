//! Convolutions, pools, changes of size, patches.

use dfdx::prelude::*;
use selfsame::ops::{self, ConvWindow, Divisor, Engine, PoolWindow, Real, Resize};
use serde_json::Value;

use crate::ops::{flat, Operation, Taped};

type Result<T> = std::result::Result<T, String>;

/// A setting given once, or for both axes; along a line the height's is `default`.
fn pair<E: Real>(op: &Operation<'_, E>, name: &str, default: usize) -> Result<(usize, usize)>
where
    Cpu: Engine<E>,
{
    let number = |v: &Value| v.as_u64().map(|v| v as usize).ok_or_else(|| format!("{name} is {v}"));
    Ok(match op.entry.params.get(name) {
        None => (default, default),
        Some(Value::Array(v)) if v.len() == 2 => (number(&v[0])?, number(&v[1])?),
        Some(v) if op.sizes("x")?.len() == 3 => (default, number(v)?),
        Some(v) => (number(v)?, number(v)?),
    })
}

fn conv_window<E: Real>(op: &Operation<'_, E>) -> Result<ConvWindow>
where
    Cpu: Engine<E>,
{
    let weight = op.plane("weight")?;
    let &(_, _, kh, kw) = weight.shape();
    let (stride, padding, dilation) =
        (pair(op, "stride", 1)?, pair(op, "padding", 0)?, pair(op, "dilation", 1)?);
    let window = ConvWindow::new(kh, kw).stride(stride.0, stride.1).padding(padding.0, padding.1);
    Ok(window.dilation(dilation.0, dilation.1).groups(op.entry.count("groups").unwrap_or(1)))
}

pub fn convolution<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let (x, window) = (op.plane("x")?, conv_window(op)?);
    let &(_, _, height, width) = x.shape();
    let out = window.output((height, width)).ok_or("the window is larger than the image")?;
    let bias = op.one("bias").ok();
    if op.sizes("x")?.len() == 3 {
        let x = op.channels("x")?.put_tape(op.tape());
        return flat(ops::conv1d(x, &op.channels("weight")?, bias.as_ref(), window, out.1));
    }
    flat(ops::conv2d(x.put_tape(op.tape()), &op.plane("weight")?, bias.as_ref(), window, out))
}

pub fn transposed<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let (x, weight, window) = (op.plane("x")?, op.plane("weight")?, conv_window(op)?);
    let &(_, _, height, width) = x.shape();
    let extra = pair(op, "output_padding", 0)?;
    let out = window.transposed_output((height, width), extra).ok_or("no output of that size")?;
    let outs = weight.shape().1 * op.entry.count("groups").unwrap_or(1);
    let bias = op.one("bias").ok();
    if op.sizes("x")?.len() == 3 {
        let x = op.channels("x")?.put_tape(op.tape());
        return flat(ops::conv_transpose1d(x, &op.channels("weight")?, bias.as_ref(), window, (outs, out.1)));
    }
    flat(ops::conv_transpose2d(x.put_tape(op.tape()), &weight, bias.as_ref(), window, (outs, out.0, out.1)))
}

fn pool_window<E: Real>(op: &Operation<'_, E>, of: fn(usize) -> PoolWindow) -> Result<PoolWindow> {
    let kernel = op.entry.count("kernel_size")?;
    let (stride, padding) =
        (op.entry.count("stride").unwrap_or(kernel), op.entry.count("padding").unwrap_or(0));
    Ok(of(kernel).stride(stride).padding(padding))
}

/// Height and width of the entry's output.
fn asked<E: Real>(op: &Operation<'_, E>) -> Result<(usize, usize)> {
    let y = op.entry.outputs.get("y").ok_or("the entry has no output")?;
    Ok((y.shape[2], y.shape[3]))
}

pub fn max_pool1d<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let window = pool_window(op, PoolWindow::along)?;
    let out = window.output((1, op.sizes("x")?[2]));
    flat(ops::max_pool1d(op.channels("x")?.put_tape(op.tape()), window, out.1))
}

pub fn max_pool2d<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let window = pool_window(op, PoolWindow::square)?;
    let s = op.sizes("x")?;
    flat(ops::max_pool2d(op.plane("x")?.put_tape(op.tape()), window, window.output((s[2], s[3]))))
}

pub fn avg_pool2d<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let window = pool_window(op, PoolWindow::square)?;
    let s = op.sizes("x")?;
    let outside = op.entry.count("count_include_pad") != Ok(0);
    let divisor = if outside { Divisor::Window } else { Divisor::Inside };
    flat(ops::avg_pool2d(op.plane("x")?.put_tape(op.tape()), window, divisor, window.output((s[2], s[3]))))
}

pub fn global_avg_pool2d<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    flat(ops::mean_last(op.channels("x")?.put_tape(op.tape())))
}

pub fn adaptive_avg_pool2d<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    flat(ops::adaptive_avg_pool2d(op.plane("x")?.put_tape(op.tape()), asked(op)?))
}

macro_rules! resized {
    ($($name:ident $how:ident),*) => {$(
        pub fn $name<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>> where Cpu: Engine<E> {
            flat(ops::resize(op.plane("x")?.put_tape(op.tape()), Resize::$how, asked(op)?))
        }
    )*};
}
resized!(resize_bilinear Bilinear, resize_nearest Nearest, resize_bicubic Bicubic);

/// The goldens' patches have their channels last, ours first: the golden's place of each of our values.
fn patch_order(image: &[usize], patch: usize) -> Vec<usize> {
    let (channels, area) = (image[1], patch * patch);
    let len = channels * area;
    (0..image.iter().product()).map(|i| (i / len) * len + (i % area) * channels + (i % len) / area).collect()
}

pub fn patchify<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let patch = op.entry.count("patch")?;
    op.order = Some(patch_order(op.sizes("x")?, patch));
    flat(ops::patchify(op.plane("x")?.put_tape(op.tape()), patch))
}

pub fn unpatchify<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let (p, y) = (op.entry.count("patch")?, op.entry.outputs.get("y").ok_or("the entry has no output")?);
    let s = &y.shape;
    let order = patch_order(s, p);
    let n = order.len();
    let index: Tensor<(usize,), usize, Cpu> = Cpu::default().tensor_from_vec(order, (n,));
    // Rows of one value, so that the reordering is on the tape.
    let x: Tensor<(usize, usize), E, Cpu, _> =
        op.one("x")?.put_tape(op.tape()).reshape_like(&(n, 1)).gather(index);
    let x = x.reshape_like(&(s[0], s[2] / p * (s[3] / p), s[1] * p * p));
    flat(ops::unpatchify(x, p, (s[1], s[2], s[3])))
}
