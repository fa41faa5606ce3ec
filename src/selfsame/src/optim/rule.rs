//! How one tensor moves in one step: AdamW, SGD, LARS, as loops over slices.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ops::{sum_map, sum_zip, vectorized};

/// An update rule with its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Rule {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101): decay `p *= 1 - lr wd` first, then
    /// the Adam step with bias-corrected moments.
    ///
    /// PyTorch equivalent: `torch.optim.AdamW`.
    AdamW {
        /// Decay of the first moment (0.9).
        beta1: f64,
        /// Decay of the second moment (0.999).
        beta2: f64,
        /// Added to the root of the second moment (1e-8).
        eps: f64,
    },
    /// Gradient descent with momentum; decay is added to the gradient.
    ///
    /// PyTorch equivalent: `torch.optim.SGD`.
    Sgd {
        /// Share of the previous velocity that stays (0.9).
        momentum: f64,
        /// Look ahead along the velocity (off).
        nesterov: bool,
    },
    /// SGD with a layer-wise rate (You et al. 2017, arXiv 1708.03888): a weight tensor's decayed gradient `u` is scaled by
    /// `trust |p| / |u|` where both norms are positive. Biases and norms are neither scaled nor decayed. The
    /// convention of MoCo v3, MAE, Barlow Twins and VICReg.
    Lars {
        /// Share of the previous velocity that stays (0.9).
        momentum: f64,
        /// The trust coefficient (0.001).
        trust: f64,
    },
}

impl Rule {
    /// AdamW with PyTorch's defaults.
    pub const ADAMW: Rule = Rule::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    /// SGD with momentum 0.9.
    pub const SGD: Rule = Rule::Sgd { momentum: 0.9, nesterov: false };
    /// LARS with momentum 0.9 and trust coefficient 0.001.
    pub const LARS: Rule = Rule::Lars { momentum: 0.9, trust: 0.001 };

    /// Its name, as commands spell it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Rule::AdamW { .. } => "adamw",
            Rule::Sgd { .. } => "sgd",
            Rule::Lars { .. } => "lars",
        }
    }

    /// How many numbers of state a parameter needs.
    pub(crate) fn slots(&self) -> usize {
        match self {
            Rule::AdamW { .. } => 2,
            Rule::Sgd { .. } | Rule::Lars { .. } => 1,
        }
    }

    /// Moves the values `p` of all `tensors` against their gradients `g`, in parallel. `state` holds `slots()` runs of a
    /// tensor's length for each, zero before the first step; `step` counts from 1.
    #[allow(clippy::too_many_arguments)] // a step's whole situation, called from one place
    pub(crate) fn apply(
        &self,
        tensors: &[Trained],
        p: &mut [f32],
        g: &[f32],
        state: &mut [f32],
        step: u64,
        lr: f64,
        decay: f64,
    ) {
        let mut work = Vec::new();
        let (mut p, mut g, mut state) = (p, g, state);
        for tensor in tensors {
            let (own_p, own_g, m, v);
            (own_p, p) = std::mem::take(&mut p).split_at_mut(tensor.len);
            (own_g, g) = g.split_at(tensor.len);
            (m, state) = std::mem::take(&mut state).split_at_mut(tensor.len);
            (v, state) = std::mem::take(&mut state).split_at_mut(tensor.len * (self.slots() - 1));
            let decay = if tensor.weight { decay } else { 0.0 };
            let scale = match self {
                Rule::Lars { trust, .. } if tensor.weight => trust_ratio(own_p, own_g, decay as f32, *trust),
                _ => 1.0,
            };
            let mut v = v.chunks_mut(CHUNK);
            let chunks = own_p.chunks_mut(CHUNK).zip(own_g.chunks(CHUNK)).zip(m.chunks_mut(CHUNK));
            work.extend(chunks.map(|((p, g), m)| (p, g, m, v.next().unwrap_or_default(), decay, scale)));
        }
        work.into_par_iter().for_each(|(p, g, m, v, decay, scale)| {
            vectorized(
                #[inline(always)]
                || self.move_chunk(p, g, m, v, (step, lr, decay, scale)),
            );
        });
    }

    /// One chunk of a tensor; `v` is empty where the rule has one slot.
    #[inline(always)]
    fn move_chunk(
        &self,
        p: &mut [f32],
        g: &[f32],
        m: &mut [f32],
        v: &mut [f32],
        (step, lr, decay, scale): (u64, f64, f64, f32),
    ) {
        match *self {
            Rule::AdamW { beta1, beta2, eps } => {
                let steps = step.min(i32::MAX as u64) as i32;
                let (c1, c2) = (1.0 - beta1.powi(steps), 1.0 - beta2.powi(steps));
                let (keep, rate, root) = ((1.0 - lr * decay) as f32, (lr / c1) as f32, c2.sqrt() as f32);
                // 1 - beta2 in float64: in float32 0.999 is off by 1e-5 of what is left.
                let (b2, eps) = (beta2 as f32, eps as f32);
                let (n1, n2) = ((1.0 - beta1) as f32, (1.0 - beta2) as f32);
                for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                    *m += n1 * (g - *m);
                    *v = b2 * *v + n2 * g * g;
                    *p = *p * keep - rate * *m / (v.sqrt() / root + eps);
                }
            }
            Rule::Sgd { momentum, nesterov } => {
                let (share, lr, decay) = (momentum as f32, lr as f32, decay as f32);
                for ((p, g), m) in p.iter_mut().zip(g).zip(m) {
                    let u = g + decay * *p;
                    *m = share * *m + u;
                    *p -= lr * if nesterov { u + share * *m } else { *m };
                }
            }
            Rule::Lars { momentum, .. } => {
                let (share, lr, decay) = (momentum as f32, lr as f32, decay as f32);
                for ((p, g), m) in p.iter_mut().zip(g).zip(m) {
                    *m = share * *m + scale * (g + decay * *p);
                    *p -= lr * *m;
                }
            }
        }
    }
}

/// A tensor among the parameters of a module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trained {
    pub(crate) len: usize,
    /// A weight, which is decayed and, by LARS, adapted.
    pub(crate) weight: bool,
}

/// Numbers a task moves: fixed, so that sums over chunks do not depend on the number of threads.
const CHUNK: usize = 1 << 14;

/// `trust |p| / |g + decay p|`, or 1 where either norm is zero.
fn trust_ratio(p: &[f32], g: &[f32], decay: f32, trust: f64) -> f32 {
    let squares = |p: &[f32], g: &[f32]| {
        vectorized(
            #[inline(always)]
            || {
                let square = |v: f32| f64::from(v) * f64::from(v);
                (sum_map(p, square), sum_zip(p, g, |p, g| square(g + decay * p)))
            },
        )
    };
    let chunks: Vec<(f64, f64)> =
        p.par_chunks(CHUNK).zip(g.par_chunks(CHUNK)).map(|(p, g)| squares(p, g)).collect();
    let (weights, updates) = chunks.into_iter().fold((0.0, 0.0), |(w, u), (cw, cu)| (w + cw, u + cu));
    if weights > 0.0 && updates > 0.0 {
        (trust * (weights / updates).sqrt()) as f32
    } else {
        1.0
    }
}
