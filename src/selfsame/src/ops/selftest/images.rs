//! Cases of operations on images and sequences.

use dfdx::prelude::*;

use super::cases::case;
use super::inputs::{flat, Case, Inputs, Taped};
use crate::error::{device, Result};
use crate::ops::*;
use crate::ops::{avg_pool, axis_map, max_pool, resize, unpatchify};

case!(MaxPool(x: [usize; 4], window: PoolWindow), vec![x.to_vec()],
    |i, t| { let image = i.four()?; let out = window.output((x[2], x[3])); }
    max_pool2d(image.put_tape(t), window, out), max_pool::composed(image.put_tape(t), window, out));
case!(AvgPool(x: [usize; 4], window: PoolWindow, divisor: Divisor), vec![x.to_vec()],
    |i, t| {
        let image = i.four()?;
        let out = window.output((x[2], x[3]));
        let (rows, columns) = avg_pool::maps((x[2], x[3]), window, divisor, out)?;
    }
    avg_pool2d(image.put_tape(t), window, divisor, out),
    axis_map::composed(image.put_tape(t), &rows, &columns, out));
case!(MaxPool1(x: [usize; 3], window: PoolWindow), vec![x.to_vec()],
    |i, t| { let sequence = i.three()?; let out = window.output((1, x[2])).1; let shape = (x[0], x[1], 1, x[2]); }
    max_pool1d(sequence.put_tape(t), window, out),
    sequence.put_tape(t).try_reshape_like(&shape).and_then(|x| max_pool::composed(x, window, (1, out))));
case!(AvgPool1(x: [usize; 3], window: PoolWindow), vec![x.to_vec()],
    |i, t| {
        let sequence = i.three()?;
        let out = window.output((1, x[2])).1;
        let shape = (x[0], x[1], 1, x[2]);
        let (rows, columns) = avg_pool::maps((1, x[2]), window, Divisor::Inside, (1, out))?;
    }
    avg_pool1d(sequence.put_tape(t), window, Divisor::Inside, out),
    sequence.put_tape(t).try_reshape_like(&shape).and_then(|x| axis_map::composed(x, &rows, &columns, (1, out))));
case!(AdaptiveAvgPool(x: [usize; 4], out: (usize, usize)), vec![x.to_vec()],
    |i, t| { let image = i.four()?; let (rows, columns) = avg_pool::adaptive_maps((x[2], x[3]), out)?; }
    adaptive_avg_pool2d(image.put_tape(t), out), axis_map::composed(image.put_tape(t), &rows, &columns, out));
case!(Resized(x: [usize; 4], how: Resize, out: (usize, usize)), vec![x.to_vec()],
    |i, t| { let image = i.four()?; let (rows, columns) = resize::maps((x[2], x[3]), how, out)?; }
    resize(image.put_tape(t), how, out), axis_map::composed(image.put_tape(t), &rows, &columns, out));
case!(Unpatchify(b: usize, image: (usize, usize, usize), patch: usize),
    vec![vec![b, (image.1 / patch) * (image.2 / patch), image.0 * patch * patch]],
    |i, t| { let x = i.three()?; }
    unpatchify(x.put_tape(t), patch, image), unpatchify::composed(x.put_tape(t), patch, image));
