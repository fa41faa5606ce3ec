//! The face for a terminal: a bar that moves, a line an epoch above it.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use selfsame::diagnose::Alarm;
use selfsame::train::{EpochLine, Plan, StepLine, Watch};

use super::rate::Rate;
use super::words;
use crate::numbers::thousands;
use crate::output;

/// A progress bar on stderr, or a spinner while work goes on that has no steps.
pub struct Terminal {
    bar: ProgressBar,
    epochs: usize,
    rate: Rate,
}

impl Terminal {
    /// A face that shows nothing yet.
    pub fn new() -> Terminal {
        Terminal { bar: ProgressBar::hidden(), epochs: 0, rate: Rate::new(Instant::now()) }
    }

    /// Puts `bar` in the place of the one that is showing.
    fn show(&mut self, bar: ProgressBar, template: &str) {
        self.bar.finish_and_clear();
        // A template is ours, not the user's: should one ever be wrong, indicatif's own is good enough to go on with.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        self.bar = bar;
    }

    /// Writes a line above the bar. The bar's own way fills lines with spaces to the edge, which a narrower window breaks.
    fn say(&self, text: &str) {
        self.bar.suspend(|| output::stderr(text));
    }

    fn training(&mut self, plan: &Plan) {
        let steps = plan.steps_per_epoch * plan.epochs as u64;
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        bar.set_position(plan.steps_per_epoch * plan.epochs_done as u64);
        bar.reset_eta();
        self.show(bar, "{bar:30} {percent:>3} %  {msg}, {eta} to go");
        self.rate.restart(Instant::now());
    }
}

impl Watch for Terminal {
    fn started(&mut self, plan: &Plan) {
        self.epochs = plan.epochs;
        self.training(plan);
        self.say(&words::plan(plan));
        self.say(&words::epoch_header());
    }

    fn stepped(&mut self, step: &StepLine) {
        let rate = self.rate.add(step.images, Instant::now());
        let rate = rate.map_or(String::new(), |r| format!(", {} images/s", thousands(r.round() as u64)));
        self.bar.set_message(format!("epoch {}/{}, loss {:.3}{rate}", step.epoch, self.epochs, step.loss));
        self.bar.set_position(step.step);
    }

    fn epoch_done(&mut self, line: &EpochLine) {
        self.say(&words::epoch(line, self.epochs));
        self.rate.restart(Instant::now());
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.say(&words::alarm(alarm));
    }

    fn stage(&mut self, what: &str) {
        self.show(
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
            "{spinner} {msg} ({elapsed})",
        );
        self.bar.set_message(what.to_string());
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
