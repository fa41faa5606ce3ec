//! Cross-entropy with class ids or with class probabilities.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::softmax::log_softmax_row;
use super::{sum, sum_zip, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, Scratch};

/// Numbers a task works on at least.
const CHUNK: usize = 1 << 12;

/// What [`cross_entropy_with`] does beyond the plain mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CrossEntropySettings<'s> {
    /// Share of a row's target that is spread evenly over all classes (0).
    pub smoothing: f64,
    /// Rows with this label count neither in the sum nor in the mean (none).
    pub ignore: Option<u32>,
    /// A weight for every class; the mean is then over weights (all 1).
    pub weights: Option<&'s [f64]>,
}

/// What the logits of each row should say.
#[derive(Debug, Clone)]
pub enum Targets<'t> {
    /// A class for each row.
    Classes(&'t [u32], CrossEntropySettings<'t>),
    /// A number for each row and class, row-major.
    Soft(&'t [f64]),
}

impl Targets<'_> {
    /// What the sum over rows is divided by.
    fn total(&self, rows: usize) -> f64 {
        match self {
            Targets::Soft(_) => rows as f64,
            Targets::Classes(labels, settings) => {
                let counted = labels.iter().filter(|label| settings.ignore != Some(**label));
                counted.map(|label| settings.weights.map_or(1.0, |w| w[*label as usize])).sum()
            }
        }
    }

    /// The weights of `-log softmax` in row `row`, divided by `total`.
    fn fill<E: Real>(&self, row: usize, total: f64, target: &mut [E]) {
        let classes = target.len();
        match self {
            Targets::Soft(soft) => {
                let soft = &soft[row * classes..][..classes];
                target.iter_mut().zip(soft).for_each(|(t, s)| *t = E::of(s / total));
            }
            Targets::Classes(labels, settings) => {
                target.fill(E::zero());
                if settings.ignore == Some(labels[row]) {
                    return;
                }
                let weight = |class: usize| settings.weights.map_or(1.0, |w| w[class]);
                if settings.smoothing > 0.0 {
                    let each = settings.smoothing / (classes as f64 * total);
                    target.iter_mut().enumerate().for_each(|(class, t)| *t = E::of(each * weight(class)));
                }
                let label = labels[row] as usize;
                target[label] += E::of((1.0 - settings.smoothing) * weight(label) / total);
            }
        }
    }

    fn check(&self, rows: usize, classes: usize) -> Result<()> {
        const WHAT: &str = "cross-entropy";
        let (labels, settings) = match self {
            Targets::Soft(soft) if soft.len() == rows * classes && rows > 0 => return Ok(()),
            Targets::Soft(soft) => {
                return Err(Error::shape(
                    WHAT,
                    format!("{rows} x {classes} targets, at least one"),
                    soft.len(),
                ))
            }
            Targets::Classes(labels, settings) => (labels, settings),
        };
        if labels.len() != rows || rows == 0 {
            return Err(Error::shape(WHAT, format!("one label for each of {rows} rows"), labels.len()));
        }
        let ignored = |label: u32| settings.ignore == Some(label);
        if let Some(bad) = labels.iter().find(|l| **l as usize >= classes && !ignored(**l)) {
            return Err(Error::shape(WHAT, format!("labels below {classes}"), bad));
        }
        if let Some(weights) = settings.weights.filter(|w| w.len() != classes) {
            return Err(Error::shape(WHAT, format!("a weight for each of {classes} classes"), weights.len()));
        }
        if !(0.0..=1.0).contains(&settings.smoothing) {
            return Err(Error::shape(WHAT, "smoothing between 0 and 1", settings.smoothing));
        }
        let total = self.total(rows);
        if total.is_nan() || total <= 0.0 {
            return Err(Error::shape(
                WHAT,
                "a label that counts",
                "labels that are ignored or weigh nothing",
            ));
        }
        Ok(())
    }
}

/// Devices with [`cross_entropy`].
pub trait CrossEntropyOp<E: Real>: Device<E> {
    /// See [`cross_entropy_with`] and [`soft_cross_entropy`]; targets are already checked.
    fn cross_entropy<B: Dim, C: Dim, T: Tape<E, Self>>(
        logits: Tensor<(B, C), E, Self, T>,
        targets: Targets<'_>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(logits, targets).map_err(device)
    }
}

/// Mean over the batch of `-log softmax(logits)[label]`; `logits` is (batch, classes).
///
/// PyTorch equivalent: `torch.nn.functional.cross_entropy(logits, labels)`.
///
/// # Errors
/// [`Error::Shape`] when there are not as many labels as rows, none at all, or a label is no class; a device out of
/// memory.
pub fn cross_entropy<B: Dim, C: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    labels: &[u32],
) -> Result<Tensor<Rank0, E, D, T>> {
    cross_entropy_with(logits, labels, CrossEntropySettings::default())
}

/// [`cross_entropy`] with label smoothing, rows that do not count and weights of classes: the sum over rows of
/// `-(1 - s) w[label] log p[label] - s / classes * sum(w * log p)`, over the sum of `w[label]`.
///
/// PyTorch equivalent: `torch.nn.functional.cross_entropy(logits, labels, weight, ignore_index=..., label_smoothing=...)`.
///
/// # Errors
/// As [`cross_entropy`]; [`Error::Shape`] also when there are not as many weights as classes, the smoothing is not between 0
/// and 1, or no row counts.
pub fn cross_entropy_with<B: Dim, C: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    labels: &[u32],
    settings: CrossEntropySettings<'_>,
) -> Result<Tensor<Rank0, E, D, T>> {
    checked(logits, Targets::Classes(labels, settings))
}

/// Mean over the batch of `-sum(target * log softmax(logits))`; `logits` is (batch, classes), `targets` holds as many
/// numbers, row-major: probabilities, as a teacher or mixup gives them. Targets are constants and taken as they are.
///
/// PyTorch equivalent: `torch.nn.functional.cross_entropy(logits, targets)` with floating-point targets.
///
/// # Errors
/// [`Error::Shape`] when there are not as many targets as logits, or none; a device out of memory.
pub fn soft_cross_entropy<B: Dim, C: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    targets: &[f64],
) -> Result<Tensor<Rank0, E, D, T>> {
    checked(logits, Targets::Soft(targets))
}

fn checked<B: Dim, C: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    targets: Targets<'_>,
) -> Result<Tensor<Rank0, E, D, T>> {
    targets.check(logits.shape().0.size(), logits.shape().1.size())?;
    let _timed = op("cross entropy");
    D::cross_entropy(logits, targets)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, C: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    targets: Targets<'_>,
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let shape = *logits.shape();
    let (rows, classes) = (shape.0.size(), shape.1.size());
    let mut target = vec![E::zero(); rows * classes];
    let total = targets.total(rows);
    target.chunks_mut(classes.max(1)).enumerate().for_each(|(row, t)| targets.fill(row, total, t));
    let target = logits.device().try_tensor_from_vec(target, shape)?;
    // Row-major first: dfdx's gradient of what follows is wrong for a permuted tensor.
    let logits = logits.try_reshape_like(&shape)?;
    let picked = logits.try_log_softmax::<Axis<1>>()?.try_mul(target)?;
    picked.try_sum::<Rank0, _>()?.try_negate()
}

impl<E: Real> CrossEntropyOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn cross_entropy<B: Dim, C: Dim, T: Tape<E, Self>>(
        logits: Tensor<(B, C), E, Self, T>,
        targets: Targets<'_>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (logits, mut tape) = logits.split_tape();
        let (rows, classes) = (logits.shape().0.size(), logits.shape().1.size().max(1));
        let (y, backward) = E::cross_entropy(kept(&logits), targets, (rows, classes));
        let y = logits.device().try_tensor_from_vec(y, ()).map_err(device)?;
        record(&mut tape, vec![slot(&logits)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`cross_entropy`].
    CrossEntropyKernel {
        fn cross_entropy(logits: Scratch<Self>, targets: Targets<'_>, sizes: (usize, usize)) -> Made<Self> = run;
    }
}

/// `sizes` are rows and classes. The logits become the loss's gradient with respect to them.
fn run<E: Real>(mut slope: Scratch<E>, targets: Targets<'_>, (rows, classes): (usize, usize)) -> Made<E> {
    let total = targets.total(rows);
    let mut losses = vec![E::zero(); rows];
    let each = CHUNK.div_ceil(classes);
    losses.par_chunks_mut(each).zip(slope.par_chunks_mut(each * classes)).enumerate().for_each_init(
        || vec![E::zero(); classes],
        |target, (chunk, (losses, rows))| {
            for (i, (loss, row)) in losses.iter_mut().zip(rows.chunks_exact_mut(classes)).enumerate() {
                targets.fill(chunk * each + i, total, target);
                *loss = loss_and_slope(row, target);
            }
        },
    );
    let loss = losses.into_iter().sum::<E>();
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let gy = gy[0];
        g[0].par_chunks_mut(CHUNK).zip(slope.par_chunks(CHUNK)).for_each(|(gx, slope)| {
            vectorized(
                #[inline(always)]
                || gx.iter_mut().zip(slope).for_each(|(gx, s)| *gx += gy * *s),
            );
        });
    };
    (vec![loss], Box::new(backward))
}

/// `-sum(target * log softmax(row))`; the row becomes its derivative, `sum(target) * softmax(row) - target`.
fn loss_and_slope<E: Real>(row: &mut [E], target: &[E]) -> E {
    vectorized(
        #[inline(always)]
        || {
            log_softmax_row(row);
            // A class that is impossible and not asked for costs nothing: without the choice it would be infinity times 0.
            let cost = |t: E, log: E| if t == E::zero() { E::zero() } else { t * log };
            let loss = -sum_zip(target, row, cost);
            let whole = sum(target);
            row.iter_mut().zip(target).for_each(|(r, t)| *r = whole * r.exp_fast() - *t);
            loss
        },
    )
}
