//! Self-distillation with no labels: the loss of DINO (Caron et al. 2021, arXiv 2104.14294).

use dfdx::prelude::*;
use rayon::prelude::*;

use super::attach::wide;
use super::check;
use super::contrast::logsumexp;
use super::cross_view::cross_view;
use crate::error::{device, Error, Result};
use crate::ops::{soft_cross_entropy, CrossEntropyOp, Real};
use crate::tape::profile::op;

/// Temperatures of [`dino`] and [`ibot`](super::ibot).
///
/// Caron et al. 2021, arXiv 2104.14294.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DistillationTemperatures {
    /// Of the teacher (0.04; recipes warm it up to 0.07). Below the student's, it sharpens the targets.
    pub teacher: f64,
    /// Of the student (0.1).
    pub student: f64,
}

impl Default for DistillationTemperatures {
    fn default() -> Self {
        DistillationTemperatures { teacher: 0.04, student: 0.1 }
    }
}

impl DistillationTemperatures {
    pub(super) fn check(self) -> Result<()> {
        check::positive("teacher temperature", self.teacher, "0.04 to 0.07 are usual.")?;
        check::positive("student temperature", self.student, "0.1 is usual.")
    }
}

/// The student's distribution over prototypes for each view is to be the teacher's for every other view.
///
/// Caron et al. 2021, arXiv 2104.14294.
///
/// `student` is (V N, K), view after view; `teacher` is (G N, K) for the first `teacher_views` = G of them, the
/// global crops; `centre` has K values. The teacher's distributions are
/// `softmax((teacher - centre) / teacher temperature)`, constants; the loss is the mean over samples and over all
/// pairs of a teacher's and a student's view that differ of
/// `-sum_k teacher_k log softmax(student / student temperature)_k`. No gradient goes to teacher or centre. A uniform
/// teacher has a loss of `ln K`.
///
/// PyTorch equivalent: `dino:main_dino.py`, `DINOLoss.forward`; `lightly.loss.DINOLoss`, with detached teachers.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{dino, DistillationTemperatures};
/// let dev = Cpu::default();
/// let student: Tensor<Rank2<2, 3>, f32, _> = dev.zeros();
/// let (teacher, centre): (Tensor<Rank2<2, 3>, f32, _>, Tensor<Rank1<3>, f32, _>) = (dev.ones(), dev.zeros());
/// // One sample; everything is uniform.
/// let loss = dino(student, &teacher, &centre, 2, DistillationTemperatures::default())?.array();
/// assert!((loss - 3f32.ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Shapes
/// A teacher with another number of prototypes does not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::losses::{dino, DistillationTemperatures};
/// let dev = Cpu::default();
/// let (student, teacher): (Tensor<Rank2<2, 3>, f32, _>, Tensor<Rank2<2, 4>, f32, _>) = (dev.zeros(), dev.zeros());
/// let centre: Tensor<Rank1<3>, f32, _> = dev.zeros();
/// dino(student, &teacher, &centre, 2, DistillationTemperatures::default());
/// ```
///
/// # Errors
/// [`Error::Shape`] where rows are no multiple of the views, the student has fewer views than the teacher or no
/// other one, or sizes known only at run time differ; [`Error::Setting`] for a temperature that is not a positive
/// number; a device out of memory.
pub fn dino<B: Dim, G: Dim, K: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    student: Tensor<(B, K), E, D, T>,
    teacher: &Tensor<(G, K), E, D>,
    centre: &Tensor<(K,), E, D>,
    teacher_views: usize,
    temperatures: DistillationTemperatures,
) -> Result<Tensor<Rank0, E, D, T>> {
    temperatures.check()?;
    check::as_wide("teacher of DINO", student.shape().1, teacher.shape())?;
    let samples = check::stacked("teacher of DINO", teacher.shape(), teacher_views, 1)?;
    let rows = student.shape().0.size();
    let views = rows / samples;
    if !rows.is_multiple_of(samples) || views < teacher_views.max(2) {
        let expected = format!("at least {} views of {samples} samples", teacher_views.max(2));
        return Err(Error::shape("student of DINO", expected, format!("{rows} rows")));
    }
    let targets = teacher_targets(teacher, centre, temperatures.teacher)?;
    let _timed = op("dino");
    let logits = student.try_mul(E::of(1.0 / temperatures.student)).map_err(device)?;
    soft_cross_entropy(logits, &cross_view(&targets, teacher_views, views))
}

/// A teacher's distributions, `softmax((teacher - centre) / temperature)` along the rows of (rows, K), row-major.
///
/// Caron et al. 2021, arXiv 2104.14294.
///
/// PyTorch equivalent: `torch.softmax((teacher - centre) / temperature, dim=1)`.
///
/// # Errors
/// [`Error::Shape`] where sizes known only at run time differ, [`Error::Setting`] for a temperature that is not a
/// positive number.
pub fn teacher_targets<B: Dim, K: Dim, E: Real, D: Device<E>>(
    teacher: &Tensor<(B, K), E, D>,
    centre: &Tensor<(K,), E, D>,
    temperature: f64,
) -> Result<Vec<f64>> {
    check::positive("teacher temperature", temperature, "0.04 to 0.07 are usual.")?;
    let (prototypes, centre) = (teacher.shape().1.size(), wide(centre));
    if centre.len() != prototypes {
        return Err(Error::shape("centre", format!("{prototypes} values"), centre.len()));
    }
    let mut targets = wide(teacher);
    targets.par_chunks_mut(prototypes.max(1)).for_each(|row| {
        row.iter_mut().zip(&centre).for_each(|(v, c)| *v = (*v - c) / temperature);
        let lse = logsumexp(row, |_| true);
        row.iter_mut().for_each(|v| *v = (*v - lse).exp());
    });
    Ok(targets)
}

/// A centre after a step: `momentum * centre + (1 - momentum) * mean of the teacher's rows`; the usual momentum is
/// 0.9.
///
/// Caron et al. 2021, arXiv 2104.14294.
///
/// `teacher` is (rows, K): for DINO both global crops, for iBOT see [`IbotCentre`](super::IbotCentre). Call it once
/// an optimiser step, after the loss, with the rows of all micro-batches.
///
/// PyTorch equivalent: `center * 0.9 + teacher.mean(0) * 0.1`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::moved_centre;
/// let dev = Cpu::default();
/// let centre: Tensor<Rank1<2>, f32, _> = dev.tensor([1.0, 0.0]);
/// let teacher: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 3.], [3., 5.]]);
/// assert_eq!(moved_centre(&centre, &teacher, 0.5)?.array(), [1.5, 2.0]);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] without rows or where sizes known only at run time differ, [`Error::Setting`] for a momentum
/// outside 0 to 1; a device out of memory.
pub fn moved_centre<B: Dim, K: Dim, E: Real, D: Device<E>>(
    centre: &Tensor<(K,), E, D>,
    teacher: &Tensor<(B, K), E, D>,
    momentum: f64,
) -> Result<Tensor<(K,), E, D>> {
    let (rows, prototypes) = (teacher.shape().0.size(), teacher.shape().1.size());
    if !(0.0..=1.0).contains(&momentum) {
        return Err(Error::setting("centre momentum", momentum, "between 0 and 1", "0.9 is usual."));
    }
    let mut moved = wide(centre);
    if moved.len() != prototypes || rows == 0 {
        return Err(Error::shape(
            "centre",
            format!("{} values and at least one row", moved.len()),
            format!("{rows}x{prototypes}"),
        ));
    }
    moved.iter_mut().for_each(|c| *c *= momentum);
    for row in wide(teacher).chunks_exact(prototypes) {
        moved.iter_mut().zip(row).for_each(|(c, v)| *c += (1.0 - momentum) * v / rows as f64);
    }
    let moved = moved.into_iter().map(E::of).collect();
    centre.device().try_tensor_from_vec(moved, *centre.shape()).map_err(device)
}
