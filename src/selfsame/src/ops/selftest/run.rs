//! The self-test itself.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};

use dfdx::prelude::Cpu;
use serde::Serialize;

use super::table::every;
use super::{evaluate, Case, COMPOSED, FUSED};
use crate::error::Result;
use crate::ops::Engine;

/// The error of a float32 operation that passes, relative to its largest value, at least 0.001.
pub const SELF_TEST_TOLERANCE: f64 = 5e-5;

/// What the self-test found about one operation at one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelfCheck {
    /// The operation.
    pub op: String,
    /// Its sizes and settings.
    pub sizes: String,
    /// Worst error of the value, relative to the largest value of the reference, at least 0.001.
    pub value: f64,
    /// The same for the gradient of each input.
    pub gradients: Vec<f64>,
    /// Whether none of these is above [`SELF_TEST_TOLERANCE`].
    pub ok: bool,
    /// What went wrong where there are no numbers to compare.
    pub problem: Option<String>,
}

/// Runs every operation on `dev` in float32 and compares values and gradients with a float64 reference on the CPU.
///
/// ```
/// use dfdx::prelude::Cpu;
/// let found = selfsame::ops::self_test(&Cpu::default());
/// assert!(found.len() > 20 && found.iter().all(|check| check.ok));
/// ```
pub fn self_test<D: Engine<f32>>(dev: &D) -> Vec<SelfCheck> {
    let mut bench = Bench { dev, found: Vec::new() };
    every(&mut bench);
    bench.found
}

/// Who is shown every case in turn.
pub(crate) trait Visitor {
    fn case(&mut self, case: &impl Case);
}

struct Bench<'d, D> {
    dev: &'d D,
    found: Vec<SelfCheck>,
}

impl<D: Engine<f32>> Visitor for Bench<'_, D> {
    fn case(&mut self, case: &impl Case) {
        let name = format!("{case:?}");
        let (op, sizes) = name.split_once(' ').unwrap_or((&name, ""));
        let sizes = sizes.strip_prefix("{ ").and_then(|s| s.strip_suffix(" }")).unwrap_or(sizes);
        // A device's driver may refuse in ways dfdx takes for impossible; the operations after this one are still of interest.
        let errors = catch_unwind(AssertUnwindSafe(|| errors(self.dev, case).map_err(|e| e.to_string())))
            .unwrap_or_else(|panic| Err(format!("panicked: {}", words(&*panic))));
        let worst = worst(errors.iter().flatten().copied());
        let (problem, errors) = match errors {
            Ok(errors) => (None, errors),
            Err(problem) => (Some(problem), Vec::new()),
        };
        self.found.push(SelfCheck {
            op: op.to_string(),
            sizes: sizes.to_string(),
            ok: problem.is_none() && worst <= SELF_TEST_TOLERANCE,
            value: errors.first().copied().unwrap_or(f64::NAN),
            gradients: errors.get(1..).unwrap_or_default().to_vec(),
            problem,
        });
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

/// Worst error of the value and of each gradient.
fn errors<D: Engine<f32>>(dev: &D, case: &impl Case) -> Result<Vec<f64>> {
    let (value, gradients) = evaluate::<f32, D>(dev, case, FUSED)?;
    let (reference, reference_gradients) = evaluate::<f64, Cpu>(&Cpu::default(), case, COMPOSED)?;
    let found = std::iter::once(&value).chain(&gradients);
    Ok(found.zip(std::iter::once(&reference).chain(&reference_gradients)).map(|(a, b)| error(a, b)).collect())
}

fn error(found: &[f32], reference: &[f64]) -> f64 {
    if found.len() != reference.len() {
        return f64::INFINITY;
    }
    // A mean over many rows has small gradients, which must be right too; below this they may be rounding errors alone.
    let largest = reference.iter().fold(1e-3, |m: f64, v| m.max(v.abs()));
    worst(found.iter().zip(reference).map(|(a, b)| (f64::from(*a) - b).abs() / largest))
}

/// The largest, where a NaN is larger than any number.
fn worst(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, |worst, e| if worst.is_nan() || e <= worst { worst } else { e })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_it_said() {
        let said = |f: fn()| catch_unwind(f).map_err(|panic| words(&*panic).to_string()).unwrap_err();
        assert_eq!(said(|| panic!("a text")), "a text");
        assert_eq!(said(|| panic!("{} of {}", 2, 3)), "2 of 3");
        assert_eq!(said(|| std::panic::panic_any(7)), "without a word");
    }

    #[test]
    fn a_nan_or_a_wrong_length_is_never_good() {
        assert_eq!(error(&[1.0, 2.0], &[1.0, 2.5]), 0.2);
        assert!(error(&[f32::NAN, 1.0], &[1.0, 1.0]).is_nan());
        assert_eq!(error(&[1.0], &[]), f64::INFINITY);
        assert_eq!(error(&[0.0625], &[0.125]), 0.5);
    }
}
