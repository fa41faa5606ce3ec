//! Images per second over the last moments of training.

use std::time::{Duration, Instant};

/// How long images are counted before the rate is worked out anew; shorter and the number flickers.
const WINDOW: Duration = Duration::from_millis(500);

/// A rate that is brought up to date every half second.
pub struct Rate {
    since: Instant,
    images: usize,
    value: Option<f64>,
}

impl Rate {
    /// Begins to count at `now`.
    pub fn new(now: Instant) -> Rate {
        Rate { since: now, images: 0, value: None }
    }

    /// Counts `images` that were done by `now`; the rate, once there is one.
    pub fn add(&mut self, images: usize, now: Instant) -> Option<f64> {
        self.images += images;
        let passed = now.duration_since(self.since);
        if passed >= WINDOW {
            self.value = Some(self.images as f64 / passed.as_secs_f64());
            self.restart(now);
        }
        self.value
    }

    /// Leaves out the time until `now`, in which something else than training went on.
    pub fn restart(&mut self, now: Instant) {
        self.since = now;
        self.images = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_the_last_window_alone() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        assert_eq!(rate.add(100, start + Duration::from_millis(100)), None);
        assert_eq!(rate.add(100, start + Duration::from_millis(500)), Some(400.0));
        assert_eq!(rate.add(50, start + Duration::from_millis(600)), Some(400.0));
        rate.restart(start + Duration::from_secs(9));
        assert_eq!(rate.add(300, start + Duration::from_secs(10)), Some(300.0));
    }
}
