//! A training told in messages.

use std::time::{Duration, Instant};

use super::send::{new_display, send_to};
use super::Message;
use crate::diagnose::Alarm;
use crate::train::{Ending, EpochLine, Plan, StepLine, Watch};

/// Steps that follow one another faster than this are not all sent.
const STEPS_APART: Duration = Duration::from_millis(100);

/// Sends everything that happens in a training as [`Message`]s of one display.
pub struct Reporter {
    send: Box<dyn FnMut(Message)>,
    last_step: Option<Instant>,
    /// A step that was held back.
    held: Option<StepLine>,
    running: bool,
}

impl Reporter {
    /// A reporter with a display of its own.
    pub fn new() -> Reporter {
        let display = new_display();
        Reporter::to(Box::new(move |message| {
            send_to(display, message);
        }))
    }

    fn to(send: Box<dyn FnMut(Message)>) -> Reporter {
        Reporter { send, last_step: None, held: None, running: false }
    }

    fn step_at(&mut self, step: &StepLine, now: Instant) {
        if self.last_step.is_some_and(|last| now.duration_since(last) < STEPS_APART) {
            self.held = Some(*step);
            return;
        }
        self.last_step = Some(now);
        self.held = None;
        (self.send)(Message::Step(*step));
    }

    /// Sends the step that was held back, then `message`.
    fn say(&mut self, message: Message) {
        if let Some(step) = self.held.take() {
            (self.send)(Message::Step(step));
        }
        (self.send)(message);
    }
}

impl Default for Reporter {
    fn default() -> Self {
        Reporter::new()
    }
}

impl Watch for Reporter {
    fn started(&mut self, plan: &Plan) {
        self.running = true;
        self.say(Message::Plan(plan.clone()));
    }

    fn stepped(&mut self, step: &StepLine) {
        self.step_at(step, Instant::now());
    }

    fn epoch_done(&mut self, line: &EpochLine) {
        self.say(Message::Epoch(line.clone()));
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.say(Message::Alarm { alarm: alarm.clone() });
    }

    fn stage(&mut self, what: &str) {
        self.say(Message::Stage { what: what.into() });
    }

    fn ended(&mut self, ending: &Ending) {
        self.running = false;
        let Ending { folder, epochs_done, steps_done, .. } = ending.clone();
        self.say(match ending.stopped {
            true => Message::Interrupted { folder, epochs_done, steps_done },
            false => Message::Done { folder, epochs_done, steps_done, verdict: ending.verdict.clone() },
        });
    }
}

/// A training that began and did not say how it ended has failed.
impl Drop for Reporter {
    fn drop(&mut self) {
        if self.running {
            self.say(Message::Failed {});
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    fn listened() -> (Reporter, Rc<RefCell<Vec<Message>>>) {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let into = heard.clone();
        (Reporter::to(Box::new(move |m| into.borrow_mut().push(m))), heard)
    }

    fn step(step: u64) -> StepLine {
        StepLine { epoch: 1, step, loss: 1.0, lr: 0.1, images: 8 }
    }

    fn epoch() -> EpochLine {
        EpochLine {
            epoch: 1,
            loss: 1.0,
            knn: None,
            linear: None,
            std: None,
            rankme: None,
            images_per_second: 1.0,
        }
    }

    #[test]
    fn steps_are_thinned_and_the_last_of_an_epoch_is_kept() {
        let (mut reporter, heard) = listened();
        let begun = Instant::now();
        for i in 0..100 {
            reporter.step_at(&step(i), begun + Duration::from_millis(5 * i));
        }
        reporter.epoch_done(&epoch());
        let heard = heard.borrow();
        let steps: Vec<u64> =
            heard.iter().filter_map(|m| if let Message::Step(s) = m { Some(s.step) } else { None }).collect();
        assert_eq!(steps, [0, 20, 40, 60, 80, 99]);
        assert!(matches!(heard.last(), Some(Message::Epoch(_))));
    }

    #[test]
    fn a_training_without_an_ending_has_failed() {
        let plan = Plan { method: "simclr".into(), ..Plan::default() };
        let (mut reporter, heard) = listened();
        reporter.started(&plan);
        drop(reporter);
        assert_eq!(heard.borrow().last(), Some(&Message::Failed {}));

        let (mut reporter, heard) = listened();
        reporter.started(&plan);
        reporter.ended(&Ending { stopped: true, epochs_done: 2, ..Ending::default() });
        drop(reporter);
        let last = Message::Interrupted { folder: None, epochs_done: 2, steps_done: 0 };
        assert_eq!(heard.borrow().last(), Some(&last));
    }
}
