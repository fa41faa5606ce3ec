//! # Judging honestly
//!
//! Numbers for a report. Fill in the bodies, then run `selfsame check 07` in this folder.

/// Mean and standard deviation (divided by n - 1) of the accuracies of several seeds, two or more.
fn over_seeds(accuracies: &[f64]) -> (f64, f64) {
    todo!()
}

/// The position of the setting to report: the one with the best *validation* accuracy; of equals the first.
///
/// Each entry is (validation accuracy, test accuracy).
fn chosen(settings: &[(f64, f64)]) -> usize {
    todo!()
}

/// How much is gained by looking at the test: the best test accuracy minus the test accuracy of the setting that validation
/// chooses.
fn peeking(settings: &[(f64, f64)]) -> f64 {
    todo!()
}
