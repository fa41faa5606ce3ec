//! The face for logs and pipes: whole lines, not too many.

use std::time::{Duration, Instant};

use selfsame::diagnose::Alarm;
use selfsame::train::{EpochLine, Plan, StepLine, Watch};

use super::words;
use crate::output;

/// Epochs that follow one another faster than this are not all printed; the first and the last always are.
const EPOCHS_APART: Duration = Duration::from_secs(1);
/// Longer than this without a line, and a step says how far training is.
const SILENCE: Duration = Duration::from_secs(15);

/// Lines on stderr.
pub struct Plain {
    epochs: usize,
    /// Whether an epoch has been printed.
    begun: bool,
    last: Option<Instant>,
}

impl Plain {
    /// A face that has said nothing yet.
    pub fn new() -> Plain {
        Plain { epochs: 0, begun: false, last: None }
    }

    /// Writes a line.
    pub fn say(&mut self, text: &str, now: Instant) {
        output::stderr(text);
        self.last = Some(now);
    }

    /// A training of so many epochs begins.
    pub fn begins(&mut self, epochs: usize) {
        (self.epochs, self.begun) = (epochs, false);
        output::stderr(&words::epoch_header());
    }

    fn silent_for(&self, long: Duration, now: Instant) -> bool {
        self.last.is_none_or(|last| now.duration_since(last) >= long)
    }

    /// The line for an epoch, unless the one before has just been printed.
    fn epoch_line(&self, line: &EpochLine, now: Instant) -> Option<String> {
        let due = !self.begun || line.epoch == self.epochs || self.silent_for(EPOCHS_APART, now);
        due.then(|| words::epoch(line, self.epochs))
    }
}

impl Watch for Plain {
    fn started(&mut self, plan: &Plan) {
        output::stderr(&words::plan(plan));
        self.begins(plan.epochs);
    }

    fn stepped(&mut self, step: &StepLine) {
        let now = Instant::now();
        if self.last.is_none() {
            self.last = Some(now);
        } else if self.silent_for(SILENCE, now) {
            self.say(
                &format!("epoch {}/{}, step {}: loss {:.4}", step.epoch, self.epochs, step.step, step.loss),
                now,
            );
        }
    }

    fn epoch_done(&mut self, line: &EpochLine) {
        let now = Instant::now();
        if let Some(text) = self.epoch_line(line, now) {
            self.say(&text, now);
            self.begun = true;
        }
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.say(&words::alarm(alarm), Instant::now());
    }

    fn stage(&mut self, what: &str) {
        self.say(what, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(epoch: usize) -> EpochLine {
        EpochLine {
            epoch,
            loss: 5.0,
            knn: None,
            linear: None,
            std: None,
            rankme: None,
            images_per_second: 1.0,
        }
    }

    #[test]
    fn fast_epochs_are_thinned_but_the_first_and_last_are_kept() {
        let now = Instant::now();
        let mut face = Plain { epochs: 9, begun: false, last: Some(now) };
        let soon = now + Duration::from_millis(10);
        assert!(face.epoch_line(&line(4), soon).is_some());
        face.begun = true;
        assert!(face.epoch_line(&line(5), soon).is_none());
        assert!(face.epoch_line(&line(9), soon).is_some());
        assert!(face.epoch_line(&line(5), now + Duration::from_secs(2)).is_some());
    }
}
