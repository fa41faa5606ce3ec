//! Timing a workload.

use std::collections::BTreeMap;
use std::time::Instant;

use super::peak::sgemm_peak;
use super::report::{OpShare, Report};
use super::Workload;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::methods::ranges;
use crate::tape::profile;
use crate::train::peak_memory_bytes;

/// Steps that are made before the clock starts: memory is mapped and caches are warm by then.
pub const WARM_UP: usize = 3;

/// How a workload is timed. The number of threads is that of rayon's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Steps that count (10).
    pub steps: usize,
    /// Whether operations are timed one by one as well (no); it costs little, but it costs.
    pub profile: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { steps: 10, profile: false }
    }
}

/// A workload that is ready to run.
pub(super) trait Work {
    /// What one step counts for.
    fn samples(&self) -> usize;
    /// Operations one step needs, where that follows from its shapes.
    fn flops(&self) -> Option<f64> {
        None
    }
    /// Makes `steps` steps and calls `done` after each.
    fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()>;
    /// Results worth reporting besides the time.
    fn found(&self) -> BTreeMap<&'static str, f64> {
        BTreeMap::new()
    }
}

/// Prepares `workload`, makes [`WARM_UP`] steps and then times `settings.steps`.
///
/// # Errors
/// [`Error::Setting`] for no steps, [`Error::Interrupted`] when a stop was asked for; what the work itself says.
pub fn run(workload: Workload, settings: &Settings) -> Result<Report> {
    if settings.steps == 0 {
        return Err(Error::setting("steps", 0, "1 or more", "10 is usual."));
    }
    ranges::count("steps", "steps", settings.steps, "10 is usual.")?;
    let mut work = workload.prepare()?;
    let (seconds, ops) = time(work.as_mut(), settings)?;
    // Before the peak is measured, whose matrices are not the workload's.
    let memory = Some(peak_memory_bytes()).filter(|bytes| *bytes > 0);
    let peak = sgemm_peak();
    let (best, median) = (seconds[0], seconds[seconds.len() / 2]);
    let counted = |seconds: f64| match workload.unit() {
        "seconds" => seconds,
        _ => work.samples() as f64 / seconds,
    };
    let rate = work.flops().map(|flops| flops / median);
    Ok(Report {
        workload: workload.name(),
        unit: workload.unit(),
        device: "cpu",
        threads: rayon::current_num_threads(),
        steps: settings.steps,
        median: counted(median),
        best: counted(best),
        step_ms: median * 1e3,
        flop_per_step: work.flops(),
        flop_per_second: rate,
        sgemm_peak_flop_per_second: peak,
        share_of_peak: rate.map(|rate| rate / peak),
        peak_memory_bytes: memory,
        found: work.found(),
        ops: settings.profile.then(|| shares(&ops, seconds.iter().sum(), settings.steps)),
    })
}

/// The seconds of each step that counts, the shortest first, and what its operations took where that was asked for.
fn time(work: &mut dyn Work, settings: &Settings) -> Result<(Vec<f64>, Vec<profile::OpTime>)> {
    let mut stamps = Vec::with_capacity(WARM_UP + settings.steps);
    let outcome = work.run(WARM_UP + settings.steps, &mut || {
        stamps.push(Instant::now());
        if stamps.len() == WARM_UP && settings.profile {
            profile::start();
        }
        if interrupted() {
            return Err(Error::Interrupted);
        }
        Ok(())
    });
    let ops = profile::finish();
    outcome?;
    let between = |pair: &[Instant]| (pair[1] - pair[0]).as_secs_f64();
    let mut seconds: Vec<f64> = stamps[WARM_UP - 1..].windows(2).map(between).collect();
    seconds.sort_by(f64::total_cmp);
    Ok((seconds, ops))
}

/// Operations as milliseconds a step and shares of the whole, with what no operation accounts for at the end.
fn shares(ops: &[profile::OpTime], total: f64, steps: usize) -> Vec<OpShare> {
    let a_step = |seconds: f64| seconds * 1e3 / steps as f64;
    let row = |name, calls: f64, forward: f64, backward: f64| OpShare {
        name,
        calls: calls / steps as f64,
        forward_ms: a_step(forward),
        backward_ms: a_step(backward),
        share: (forward + backward) / total,
    };
    let mut rows: Vec<OpShare> = ops
        .iter()
        .map(|op| row(op.name, op.calls as f64, op.forward.as_secs_f64(), op.backward.as_secs_f64()))
        .collect();
    let known: f64 = ops.iter().map(|op| (op.forward + op.backward).as_secs_f64()).sum();
    rows.push(row("the rest", steps as f64, (total - known).max(0.0), 0.0));
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Sleeps longer in its first steps, as real work does.
    struct Sleeper(Vec<u64>);

    impl Work for Sleeper {
        fn samples(&self) -> usize {
            1
        }
        fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()> {
            for _ in 0..steps {
                self.0.push(1);
                let _timed = profile::op("sleep");
                std::thread::sleep(Duration::from_millis(if self.0.len() <= WARM_UP { 40 } else { 4 }));
                drop(_timed);
                done()?;
            }
            Ok(())
        }
    }

    #[test]
    fn the_warm_up_does_not_count_and_the_rest_is_what_no_operation_took() {
        let mut work = Sleeper(Vec::new());
        let (seconds, ops) = time(&mut work, &Settings { steps: 5, profile: true }).unwrap();
        assert_eq!((work.0.len(), seconds.len()), (WARM_UP + 5, 5));
        assert!(seconds.is_sorted() && seconds[0] >= 0.004);
        assert_eq!((ops.len(), ops[0].calls), (1, 5));
        let rows = shares(&ops, seconds.iter().sum(), 5);
        assert_eq!((rows[0].name, rows[0].calls, rows[1].name), ("sleep", 1.0, "the rest"));
        assert!((rows.iter().map(|r| r.share).sum::<f64>() - 1.0).abs() < 1e-6, "{rows:?}");
    }

    #[test]
    fn no_steps_are_refused() {
        let e = run(Workload::Augment, &Settings { steps: 0, profile: false }).unwrap_err();
        assert!(e.to_string().starts_with("steps is 0."), "{e}");
    }
}
