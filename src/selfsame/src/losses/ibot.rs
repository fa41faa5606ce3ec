//! Self-distillation of masked patches: the patch loss of iBOT (Zhou et al. 2022, arXiv 2111.07832).

use dfdx::prelude::*;

use super::check;
use super::dino::{teacher_targets, DistillationTemperatures};
use crate::error::{device, Error, Result};
use crate::ops::{soft_cross_entropy, CrossEntropyOp, Real};
use crate::tape::profile::op;

/// What [`ibot`] is the mean of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IbotConvention {
    /// The masked patches of each image, then all images, those without masked patches counting as 0: the authors'
    /// code, DINOv2, lightly.
    #[default]
    Reference,
    /// All masked patches alike: stable-pretraining.
    Flat,
}

/// Which of the teacher's patches move the centre of [`ibot`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IbotCentre {
    /// All patches of the image: iBOT.
    #[default]
    AllPatches,
    /// The masked ones: DINOv2, lightly.
    Masked,
}

/// The student's distribution for a masked patch is to be the teacher's, who saw it.
///
/// Zhou et al. 2022, arXiv 2111.07832.
///
/// `student` and `teacher` are (M, K): the M masked patches of a batch, `image_of[i]` the image (below `images`)
/// that patch i is from; views of one image count as images of their own. The teacher's distributions are made as in
/// [`dino`](super::dino), with a centre of their own. The loss is the mean over an image's masked patches, then over
/// images. No gradient goes to teacher or centre.
///
/// PyTorch equivalent: `lightly.loss.IBOTPatchLoss()(teacher.detach(), student, mask)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{ibot, DistillationTemperatures, IbotConvention};
/// let dev = Cpu::default();
/// let (student, teacher): (Tensor<Rank2<3, 4>, f32, _>, Tensor<Rank2<3, 4>, f32, _>) = (dev.zeros(), dev.zeros());
/// let centre: Tensor<Rank1<4>, f32, _> = dev.zeros();
/// // Two of three images have masked patches; each patch costs ln 4.
/// let temperatures = DistillationTemperatures::default();
/// let loss = ibot(student, &teacher, &centre, &[0, 0, 2], 3, temperatures, IbotConvention::Reference)?.array();
/// assert!((loss - 2.0 / 3.0 * 4f32.ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] without masked patches, where there is not one image for each, an image is not below `images`,
/// or sizes known only at run time differ; [`Error::Setting`] for a temperature that is not a positive number; a
/// device out of memory.
pub fn ibot<B: Dim, K: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    student: Tensor<(B, K), E, D, T>,
    teacher: &Tensor<(B, K), E, D>,
    centre: &Tensor<(K,), E, D>,
    image_of: &[usize],
    images: usize,
    temperatures: DistillationTemperatures,
    convention: IbotConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    temperatures.check()?;
    check::same("teacher of iBOT", student.shape(), teacher.shape())?;
    let masked = check::stacked("iBOT", student.shape(), 1, 1)?;
    if image_of.len() != masked {
        return Err(Error::shape(
            "images of iBOT's patches",
            format!("one for each of {masked}"),
            image_of.len(),
        ));
    }
    if let Some(bad) = image_of.iter().find(|image| **image >= images) {
        return Err(Error::shape("images of iBOT's patches", format!("numbers below {images}"), bad));
    }
    let mut targets = teacher_targets(teacher, centre, temperatures.teacher)?;
    if convention == IbotConvention::Reference {
        let mut count = vec![0.0; images];
        image_of.iter().for_each(|image| count[*image] += 1.0);
        for (row, image) in targets.chunks_exact_mut(student.shape().1.size()).zip(image_of) {
            // The cross-entropy is the mean over patches.
            let weight = masked as f64 / (images as f64 * count[*image]);
            row.iter_mut().for_each(|t| *t *= weight);
        }
    }
    let _timed = op("ibot");
    soft_cross_entropy(student.try_mul(E::of(1.0 / temperatures.student)).map_err(device)?, &targets)
}
