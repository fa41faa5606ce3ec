//! Cases of operations on rows and tokens.

use dfdx::prelude::*;

use super::cases::case;
use super::inputs::{flat, normal, Case, Inputs, Taped};
use crate::error::{device, Result};
use crate::ops::*;
use crate::ops::{activation, bce_with_logits};
use crate::ops::{cross_entropy, embedding, kl_div, linear_act, log_softmax, mean_error, softmax, tokens};

case!(Softmax(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } softmax(x.put_tape(t)), softmax::composed_softmax(x.put_tape(t)));
case!(Softmax4(x: [usize; 4]), vec![x.to_vec()],
    |i, t| { let x = i.four()?; } softmax(x.put_tape(t)), softmax::composed_softmax(x.put_tape(t)));
case!(LogSoftmax(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } log_softmax(x.put_tape(t)), softmax::composed_log_softmax(x.put_tape(t)));
case!(LogSumExp(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } logsumexp(x.put_tape(t)), softmax::composed_logsumexp(x.put_tape(t)));
case!(LinearAct(b: usize, ins: usize, outs: usize, activation: Activation),
    vec![vec![b, ins], vec![outs, ins], vec![outs]],
    |i, t| { let x = i.two()?; let w = i.two()?; let bias = i.one()?; }
    linear_act(x.put_tape(t), &w, &bias, activation),
    linear_act::composed(x.put_tape(t), &w, &bias, activation));
case!(SmoothedCrossEntropy(rows: usize, classes: usize), vec![vec![rows, classes]],
    |i, t| {
        let x = i.two()?;
        // Every fifth row does not count; its label is no class.
        let label = |r: usize| if r % 5 == 1 { 999 } else { (r * 7 % classes) as u32 };
        let labels = (0..rows).map(label).collect::<Vec<_>>();
        let weights = normal(classes, 8).iter().map(|v| 0.3 + v * v).collect::<Vec<_>>();
        let settings = CrossEntropySettings { smoothing: 0.1, ignore: Some(999), weights: Some(&weights) };
    }
    cross_entropy_with(x.put_tape(t), &labels, settings),
    cross_entropy::composed(x.put_tape(t), cross_entropy::Targets::Classes(&labels, settings)));
case!(SoftCrossEntropy(rows: usize, classes: usize), vec![vec![rows, classes]],
    |i, t| { let x = i.two()?; let target = normal(rows * classes, 9).iter().map(|v| v * v).collect::<Vec<_>>(); }
    soft_cross_entropy(x.put_tape(t), &target),
    cross_entropy::composed(x.put_tape(t), cross_entropy::Targets::Soft(&target)));
case!(Embedding(rows: usize, width: usize, ids: usize), vec![vec![rows, width]],
    |i, t| { let table = i.two()?; let ids = (0..ids).map(|k| (k * k % rows) as u32).collect::<Vec<_>>(); }
    embedding(table.put_tape(t), &ids), embedding::composed(table.put_tape(t), &ids));
case!(GatherTokens(b: usize, n: usize, w: usize, kept: usize), vec![vec![b, n, w]],
    |i, t| { let x = i.three()?; let index = (0..b * kept).map(|k| (k * k % n) as u32).collect::<Vec<_>>(); }
    gather_tokens(x.put_tape(t), &index, kept), tokens::composed_gather(x.put_tape(t), &index, kept));
case!(ScatterTokens(b: usize, kept: usize, w: usize, n: usize), vec![vec![b, kept, w], vec![w]],
    |i, t| {
        let x = i.three()?;
        let fill = i.one()?;
        let restore = RandomMasking::of_noise(&normal(b * n, 3), n, kept)?.restore;
    }
    scatter_tokens(x.put_tape(t), &fill, &restore, n),
    tokens::composed_scatter(x.put_tape(t), &fill, &restore, n));
case!(Silu(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } silu(x.put_tape(t)), activation::composed_silu(x.put_tape(t)));
case!(Softplus(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } softplus(x.put_tape(t)), activation::composed_softplus(x.put_tape(t)));
case!(LogSigmoid(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } log_sigmoid(x.put_tape(t)), activation::composed_log_sigmoid(x.put_tape(t)));
case!(MeanError(rows: usize, width: usize, penalty: Penalty), vec![vec![rows, width]; 2],
    |i, t| { let x = i.two()?; let y = i.two()?; }
    mean_error(x.put_tape(t), &y, penalty), mean_error::composed(x.put_tape(t), &y, penalty));
case!(BceWithLogits(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| {
        let x = i.two()?;
        let target = normal(rows * width, 4).iter().map(|v| E::of(0.5 + 0.5 * v.tanh())).collect();
        let target = x.device().try_tensor_from_vec(target, (rows, width)).map_err(device)?;
    }
    bce_with_logits(x.put_tape(t), &target), mean_error::composed_bce(x.put_tape(t), &target));
case!(KlDiv(rows: usize, width: usize), vec![vec![rows, width]; 2],
    |i, t| { let x = i.two()?; let y = i.two()?; }
    kl_div(x.put_tape(t), &y), kl_div::composed(x.put_tape(t), &y));
