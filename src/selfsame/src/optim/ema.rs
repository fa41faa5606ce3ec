//! A module whose parameters follow another's as a moving average: the teacher of BYOL, MoCo and DINO.

use dfdx::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ops::vectorized;
use crate::tape::{Parameters, Role, Scratch};

/// Numbers a task averages.
const CHUNK: usize = 1 << 14;

/// What becomes of running statistics, which are no parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Buffers {
    /// The teacher takes the student's: they are averages already, and of the student's latest batches.
    #[default]
    Copied,
    /// They are averaged as the parameters are.
    Averaged,
    /// The teacher keeps its own, moved by its own forward passes in training mode.
    Kept,
}

/// Moves every parameter of `teacher` towards the student's: `teacher = momentum * teacher + (1 - momentum) * student`
/// (Tarvainen and Valpola 2017, arXiv 1703.01780). Momentum 1 leaves it as it is, 0 makes it a copy; BYOL begins at 0.996.
///
/// The teacher must be a module of its own ([`copy_parameters`](crate::tape::copy_parameters) makes it equal at the start),
/// not a `clone()`, whose gradients would mix with the student's.
///
/// PyTorch equivalent: `lightly.models.utils.update_momentum(student, teacher, momentum)`; with [`Buffers::Copied`],
/// followed by copies of the buffers.
///
/// # Errors
/// [`Error::Setting`] for a momentum that is not between 0 and 1; [`Error::Shape`] where the two differ in structure, before
/// anything moves.
pub fn ema<D: Device<f32>>(
    teacher: &mut dyn Parameters<D>,
    student: &dyn Parameters<D>,
    momentum: f64,
    buffers: Buffers,
) -> Result<()> {
    if !(0.0..=1.0).contains(&momentum) {
        return Err(Error::Setting {
            name: "momentum".into(),
            value: momentum.to_string(),
            expected: "a number between 0 and 1".into(),
            remedy: "0.99 to 0.999 are usual.".into(),
        });
    }
    let (mut theirs, tensors) = read(student)?;
    let (own, shapes) = read(&*teacher)?;
    if tensors != shapes {
        let at =
            tensors.iter().zip(&shapes).position(|(a, b)| a != b).unwrap_or(tensors.len().min(shapes.len()));
        let name = |list: &[Described]| {
            list.get(at).map_or("nothing".into(), |t| format!("{} {:?}", t.name, t.sizes))
        };
        return Err(Error::shape("teacher of a moving average", name(&tensors), name(&shapes)));
    }
    let (keep, share) = (momentum as f32, (1.0 - momentum) as f32);
    theirs.par_chunks_mut(CHUNK).zip(own.par_chunks(CHUNK)).for_each(|(theirs, own)| {
        vectorized(
            #[inline(always)]
            || theirs.iter_mut().zip(own).for_each(|(s, t)| *s = keep * *t + share * *s),
        );
    });
    write(teacher, student, &theirs, buffers)
}

/// One tensor of a module, without its values.
#[derive(Debug, PartialEq)]
struct Described {
    name: String,
    role: Role,
    sizes: Vec<usize>,
}

/// All values of a module, one tensor after the other, and what they belong to.
fn read<D: Device<f32>>(module: &dyn Parameters<D>) -> Result<(Scratch<f32>, Vec<Described>)> {
    let (mut tensors, mut count) = (Vec::new(), 0);
    module.visit("", &mut |name, role, t| {
        count += t.numel();
        tensors.push(Described { name: name.to_string(), role, sizes: t.sizes() });
    });
    let mut values = Scratch::any(count);
    let (mut rest, mut problem) = (&mut *values, None);
    module.visit("", &mut |_, _, t| {
        let (own, after) = std::mem::take(&mut rest).split_at_mut(t.numel());
        rest = after;
        problem = problem.take().or(t.read_into(own).err());
    });
    problem.map_or(Ok((values, tensors)), Err)
}

/// Writes the averages to `teacher`, and what is chosen to its buffers.
fn write<D: Device<f32>>(
    teacher: &mut dyn Parameters<D>,
    student: &dyn Parameters<D>,
    averages: &[f32],
    buffers: Buffers,
) -> Result<()> {
    let mut copies = Vec::new();
    student.visit("", &mut |_, role, t| {
        if role == Role::Buffer && buffers == Buffers::Copied {
            copies.push(t.read());
        }
    });
    let (mut rest, mut copies, mut problem) = (averages, copies.into_iter(), None);
    teacher.visit_mut("", &mut |_, role, t| {
        let (own, after) = rest.split_at(t.numel());
        rest = after;
        let written = match (role, buffers) {
            (Role::Buffer, Buffers::Kept) => Ok(()),
            (Role::Buffer, Buffers::Copied) => copies.next().map_or(Ok(()), |values| t.write(&values)),
            _ => t.write(own),
        };
        problem = problem.take().or(written.err());
    });
    problem.map_or(Ok(()), Err)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::BatchNorm;

    /// A norm whose tensors are all `value`.
    fn norm(value: f32, channels: usize) -> BatchNorm<usize, Cpu> {
        let mut norm = BatchNorm::new(&Cpu::default(), channels).unwrap();
        norm.visit_mut("", &mut |_, _, t| t.write(&vec![value; t.numel()]).unwrap());
        norm
    }

    fn values(module: &dyn Parameters<Cpu>, buffers: bool) -> Vec<f32> {
        let mut values = Vec::new();
        module.visit("", &mut |_, role, t| {
            if (role == Role::Buffer) == buffers {
                values.extend(t.read());
            }
        });
        values
    }

    #[test]
    fn parameters_are_averaged_and_buffers_are_what_was_chosen() {
        for (buffers, expected) in [(Buffers::Copied, 5.0), (Buffers::Averaged, 2.0), (Buffers::Kept, 1.0)] {
            let mut teacher = norm(1.0, 3);
            ema(&mut teacher, &norm(5.0, 3), 0.75, buffers).unwrap();
            assert_eq!(values(&teacher, false), [2.0; 6]);
            assert_eq!(values(&teacher, true), [expected; 6]);
        }
    }

    #[test]
    fn the_ends_of_the_momentum_and_what_lies_beyond() {
        let mut teacher = norm(1.0, 3);
        ema(&mut teacher, &norm(5.0, 3), 1.0, Buffers::Kept).unwrap();
        assert_eq!(values(&teacher, false), [1.0; 6]);
        for momentum in [-0.1, 1.1, f64::NAN] {
            let e = ema(&mut teacher, &norm(5.0, 3), momentum, Buffers::Copied).unwrap_err();
            assert!(e.to_string().contains("between 0 and 1"), "{e}");
        }
        ema(&mut teacher, &norm(5.0, 3), 0.0, Buffers::Kept).unwrap();
        assert_eq!(values(&teacher, false), [5.0; 6]);
    }

    #[test]
    fn another_structure_is_refused_before_anything_moves() {
        let mut teacher = norm(1.0, 2);
        let e = ema(&mut teacher, &norm(5.0, 3), 0.5, Buffers::Copied).unwrap_err();
        assert!(e.to_string().contains("scale [3]") && e.to_string().contains("scale [2]"), "{e}");
        assert_eq!(values(&teacher, false), [1.0; 4]);
    }
}
