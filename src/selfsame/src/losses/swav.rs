//! Swapped assignments: predict the other view's code (Caron et al. 2020, arXiv 2006.09882).

use dfdx::prelude::*;

use super::attach::wide;
use super::check;
use super::cross_view::cross_view;
use super::sinkhorn::{sinkhorn, SinkhornSettings};
use crate::error::{device, Error, Result};
use crate::ops::{soft_cross_entropy, CrossEntropyOp, Real};
use crate::tape::profile::op;

/// Over what the codes of [`swav`] are balanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SwavConvention {
    /// Each assigned view by itself: the authors' code, lightly, solo-learn.
    #[default]
    Reference,
    /// All assigned views together: stable-pretraining.
    Joint,
}

/// Settings of [`swav`].
///
/// Caron et al. 2020, arXiv 2006.09882.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SwavSettings {
    /// Divides the scores in the prediction (0.1).
    pub temperature: f64,
    /// Of the codes.
    pub sinkhorn: SinkhornSettings,
    /// How many of the views, the first ones, give codes (2).
    pub assigned: usize,
    /// See [`SwavConvention`] ([`SwavConvention::Reference`]).
    pub convention: SwavConvention,
}

impl Default for SwavSettings {
    fn default() -> Self {
        SwavSettings {
            temperature: 0.1,
            sinkhorn: SinkhornSettings::default(),
            assigned: 2,
            convention: SwavConvention::Reference,
        }
    }
}

/// Each view is to predict the codes of the others: which prototypes they were assigned to when all prototypes had
/// to be used alike.
///
/// Caron et al. 2020, arXiv 2006.09882.
///
/// `scores` is (V N, K), view after view: cosines of V views of N samples with K prototypes of length 1. `queue`,
/// (assigned Q, K), holds scores of Q earlier samples for each assigned view, which take part in the balancing and
/// nothing else. The codes are [`sinkhorn`]'s, without gradient, and the loss is the mean over assigned views i,
/// other views v and samples of `-sum_k code_k(i) log softmax(scores(v) / temperature)_k`. Gradients go to the
/// scores, and through them to embeddings and prototypes. Uniform codes have a loss of `ln K`.
///
/// PyTorch equivalent: `lightly.loss.SwaVLoss(temperature, sinkhorn_epsilon=epsilon)(high, low, queue)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{swav, SwavSettings};
/// let dev = Cpu::default();
/// // Two views of two samples, which agree on their prototype.
/// let scores: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[1., -1.], [-1., 1.], [1., -1.], [-1., 1.]]);
/// assert!(swav(scores, None::<&Tensor<(usize, Const<2>), f32, Cpu>>, 2, SwavSettings::default())?.array() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for rows that are no multiple of the views, or a queue of another number of prototypes or rows
/// that are no multiple of the assigned views; [`Error::Setting`] for temperatures that are not positive or fewer
/// than two views; a device out of memory.
pub fn swav<B: Dim, Q: Dim, K: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    scores: Tensor<(B, K), E, D, T>,
    queue: Option<&Tensor<(Q, K), E, D>>,
    views: usize,
    settings: SwavSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let codes = swav_codes(&scores, queue, views, settings)?;
    check::temperature(settings.temperature)?;
    let targets = cross_view(&codes, settings.assigned, views);
    let _timed = op("swav");
    soft_cross_entropy(scores.try_mul(E::of(1.0 / settings.temperature)).map_err(device)?, &targets)
}

/// The codes [`swav`] asks for: (assigned, N, K), row-major, rows summing to 1.
///
/// Caron et al. 2020, arXiv 2006.09882.
///
/// # Errors
/// As [`swav`].
pub fn swav_codes<B: Dim, Q: Dim, K: Dim, E: Real, D: Device<E>, T>(
    scores: &Tensor<(B, K), E, D, T>,
    queue: Option<&Tensor<(Q, K), E, D>>,
    views: usize,
    settings: SwavSettings,
) -> Result<Vec<f64>> {
    let SwavSettings { assigned, sinkhorn: balance, convention, .. } = settings;
    if assigned == 0 || views < 2 || assigned > views {
        let expected = "at least 1 of at least 2 views";
        return Err(Error::setting(
            "assigned views",
            format!("{assigned} of {views}"),
            expected,
            "2 are usual.",
        ));
    }
    let samples = check::stacked("SwAV", scores.shape(), views, 1)?;
    let prototypes = scores.shape().1.size();
    let mut earlier = Vec::new();
    if let Some(queue) = queue {
        check::as_wide("queue of SwAV", scores.shape().1, queue.shape())?;
        check::stacked("queue of SwAV", queue.shape(), assigned, 1)?;
        earlier = wide(queue);
    }
    let all = wide(scores);
    let own = samples * prototypes;
    let queued = earlier.len() / assigned;
    let view = |i: usize| (&all[i * own..][..own], &earlier[i * queued..][..queued]);
    let mut codes = Vec::with_capacity(assigned * own);
    match convention {
        SwavConvention::Reference => {
            for i in 0..assigned {
                let (own_scores, earlier) = view(i);
                codes.extend_from_slice(
                    &sinkhorn(&[own_scores, earlier].concat(), prototypes, balance)?[..own],
                );
            }
        }
        SwavConvention::Joint => {
            let together = sinkhorn(&[&all[..assigned * own], &earlier].concat(), prototypes, balance)?;
            codes.extend_from_slice(&together[..assigned * own]);
        }
    }
    Ok(codes)
}
