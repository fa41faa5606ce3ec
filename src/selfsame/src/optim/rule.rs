//! How one tensor moves in one step: AdamW, SGD, LARS, as loops over slices.

use serde::{Deserialize, Serialize};

/// An update rule with its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

    /// How many numbers of state a parameter needs.
    pub(crate) fn slots(&self) -> usize {
        match self {
            Rule::AdamW { .. } => 2,
            Rule::Sgd { .. } | Rule::Lars { .. } => 1,
        }
    }

    /// Moves `p` against its gradient `g`. `state` holds `slots()` runs of `p.len()` numbers, zero before the first step;
    /// `step` counts from 1. `adapt` says whether the tensor is a weight (for LARS).
    #[allow(clippy::too_many_arguments)] // one tensor's whole situation, called from one place
    pub(crate) fn apply(
        &self,
        p: &mut [f32],
        g: &[f32],
        state: &mut [f32],
        step: u64,
        lr: f64,
        decay: f64,
        adapt: bool,
    ) {
        match *self {
            Rule::AdamW { beta1, beta2, eps } => {
                let (m, v) = state.split_at_mut(p.len());
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
                let (m, lr, decay) = (momentum as f32, lr as f32, decay as f32);
                for ((p, g), v) in p.iter_mut().zip(g).zip(state) {
                    let u = g + decay * *p;
                    *v = m * *v + u;
                    *p -= lr * if nesterov { u + m * *v } else { *v };
                }
            }
            Rule::Lars { momentum, trust } => {
                let (m, lr, decay) = (momentum as f32, lr as f32, decay as f32);
                let scale = if adapt { trust_ratio(p, g, decay, trust) } else { 1.0 };
                for ((p, g), v) in p.iter_mut().zip(g).zip(state) {
                    *v = m * *v + scale * (g + decay * *p);
                    *p -= lr * *v;
                }
            }
        }
    }
}

/// `trust |p| / |g + decay p|`, or 1 where either norm is zero.
fn trust_ratio(p: &[f32], g: &[f32], decay: f32, trust: f64) -> f32 {
    let weights: f64 = p.iter().map(|p| f64::from(*p).powi(2)).sum();
    let updates: f64 = p.iter().zip(g).map(|(p, g)| f64::from(g + decay * p).powi(2)).sum();
    if weights > 0.0 && updates > 0.0 {
        (trust * (weights / updates).sqrt()) as f32
    } else {
        1.0
    }
}
