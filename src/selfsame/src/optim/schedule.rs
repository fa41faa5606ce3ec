//! Learning rates over the steps of a run: linear warm-up, then a half cosine; or any function.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// A number for every step of a run: a learning rate.
///
/// Functions of the step and of the steps in all are schedules:
/// ```
/// use selfsame::optim::{Cosine, Schedule};
/// fn rate(schedule: &dyn Schedule) -> f64 {
///     schedule.at(50, 100)
/// }
/// assert_eq!(rate(&|step, total| 0.1 * (1.0 - step as f64 / total as f64)), 0.05);
/// assert_eq!(rate(&Cosine::new(0.1, 0, 100)), Cosine::new(0.1, 0, 100).at(50));
/// ```
pub trait Schedule: Send + Sync {
    /// The value at `step`, counted from 0, of `total`.
    fn at(&self, step: u64, total: u64) -> f64;
}

impl<F: Fn(u64, u64) -> f64 + Send + Sync> Schedule for F {
    fn at(&self, step: u64, total: u64) -> f64 {
        self(step, total)
    }
}

impl Schedule for Cosine {
    /// Its own `total` is what counts.
    fn at(&self, step: u64, _total: u64) -> f64 {
        Cosine::at(self, step)
    }
}

/// Where libraries differ about the first and the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CosineConvention {
    /// Warm-up at step i is `(i + 1) / warmup`, so the first step already moves; the end value is reached at the last
    /// step. The default here.
    Lightly,
    /// Warm-up at step i is `i / warmup`, starting at 0; the end value would be reached one step after the last.
    Mae,
}

/// A learning rate that rises linearly for `warmup` steps to `peak` and falls as a half cosine to `end`.
///
/// PyTorch equivalent: `lightly.utils.scheduler.CosineWarmupScheduler`.
///
/// ```
/// use selfsame::optim::Cosine;
/// let lr = Cosine::new(0.1, 10, 100);
/// assert_eq!(lr.at(9), 0.1);
/// assert!(lr.at(50) < lr.at(20) && lr.at(99) < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cosine {
    /// Highest value.
    pub peak: f64,
    /// Value at the end (0).
    pub end: f64,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps in all.
    pub total: u64,
    /// How the ends are counted.
    pub convention: CosineConvention,
}

impl Cosine {
    /// From 0 over `warmup` steps to `peak` and back to 0 at step `total - 1`.
    pub fn new(peak: f64, warmup: u64, total: u64) -> Cosine {
        Cosine { peak, end: 0.0, warmup, total, convention: CosineConvention::Lightly }
    }

    /// The value at `step`, counted from 0. Past the end it stays at `end`.
    pub fn at(&self, step: u64) -> f64 {
        let lightly = self.convention == CosineConvention::Lightly;
        if step < self.warmup {
            return self.peak * (step + u64::from(lightly)) as f64 / self.warmup as f64;
        }
        let length = (self.total.saturating_sub(self.warmup)).saturating_sub(u64::from(lightly));
        let along = (step - self.warmup) as f64 / length.max(1) as f64;
        if length == 0 || along >= 1.0 {
            // One step, or past the end; lightly gives a schedule of a single step its end value.
            return self.end;
        }
        self.end + (self.peak - self.end) * 0.5 * (1.0 + (PI * along).cos())
    }
}

/// The momentum of a copy that follows more and more slowly: from `base` at step 0 along a half cosine up to 1 at `total`,
/// `1 - (1 - base) (1 + cos(pi step / total)) / 2` (Grill et al. 2020, arXiv 2006.07733).
///
/// PyTorch equivalent: `lightly.utils.scheduler.cosine_schedule(step, total + 1, base, 1.0)`.
///
/// ```
/// use selfsame::optim::rising_momentum;
/// assert!((rising_momentum(0.99, 0, 100) - 0.99).abs() < 1e-12);
/// assert!((rising_momentum(0.99, 50, 100) - 0.995).abs() < 1e-12);
/// assert_eq!(rising_momentum(0.99, 100, 100), 1.0);
/// ```
pub fn rising_momentum(base: f64, step: u64, total: u64) -> f64 {
    if step >= total {
        return 1.0;
    }
    1.0 - (1.0 - base) * 0.5 * (1.0 + (PI * step as f64 / total as f64).cos())
}
