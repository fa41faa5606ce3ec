//! A training told in plain lines, for the stock notebook kernel: it shows whole lines only, and cannot take one back.

use std::time::{Duration, Instant};

use super::send::print_whole;
use crate::diagnose::Alarm;
use crate::train::{Ending, EpochLine, Plan, StepLine, Watch};

/// Lines that follow one another faster than this are not all printed.
const LINES_APART: Duration = Duration::from_secs(2);

/// Prints a line every two seconds at most, the last epoch, alarms and the end always.
pub struct Lines {
    print: Box<dyn FnMut(&str)>,
    epochs: usize,
    last: Option<Instant>,
}

impl Lines {
    /// Lines on stdout.
    pub fn new() -> Lines {
        Lines::to(Box::new(print_whole))
    }

    fn to(print: Box<dyn FnMut(&str)>) -> Lines {
        Lines { print, epochs: 0, last: None }
    }

    fn say(&mut self, text: &str, now: Instant) {
        (self.print)(&format!("{text}\n"));
        self.last = Some(now);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.duration_since(last) >= LINES_APART)
    }

    fn epoch_at(&mut self, line: &EpochLine, now: Instant) {
        if self.is_due(now) || line.epoch == self.epochs {
            let text = epoch(line, self.epochs);
            self.say(&text, now);
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Lines::new()
    }
}

impl Watch for Lines {
    fn started(&mut self, plan: &Plan) {
        self.epochs = plan.epochs;
        let folder = plan.folder.as_ref().map_or(String::new(), |f| format!(", run folder {}", f.display()));
        let Plan { method, data, encoder, train_images, batch, epochs, .. } = plan;
        let text = format!(
            "{method} on {data}: {encoder}, {train_images} images, batches of {batch}, {epochs} epochs{folder}"
        );
        self.say(&text, Instant::now());
        self.last = None;
    }

    fn stepped(&mut self, step: &StepLine) {
        let now = Instant::now();
        match self.last {
            None => self.last = Some(now),
            Some(_) if self.is_due(now) => {
                let StepLine { epoch, step, loss, .. } = step;
                self.say(&format!("epoch {epoch}/{}  step {step}  loss {loss:.4}", self.epochs), now);
            }
            Some(_) => {}
        }
    }

    fn epoch_done(&mut self, line: &EpochLine) {
        self.epoch_at(line, Instant::now());
    }

    fn alarm(&mut self, alarm: &Alarm) {
        let Alarm { kind, epoch, seen, means, try_this } = alarm;
        self.say(&format!("alarm in epoch {epoch}, {kind}: {seen}. {means} Try: {try_this}"), Instant::now());
    }

    fn stage(&mut self, what: &str) {
        self.say(what, Instant::now());
    }

    fn ended(&mut self, ending: &Ending) {
        let how = if ending.stopped { "stopped at your request" } else { "done" };
        let mut text = format!("{how} after {} epochs, {} steps", ending.epochs_done, ending.steps_done);
        if let Some(verdict) = &ending.verdict {
            text = format!("{text}. {verdict}");
        }
        self.say(&text, Instant::now());
    }
}

/// `epoch 3/30  loss 5.2500  kNN 97.2 %  rank 41.3  12345 images/s`, less what was not measured.
fn epoch(line: &EpochLine, epochs: usize) -> String {
    let mut text = format!("epoch {}/{epochs}  loss {:.4}", line.epoch, line.loss);
    if let Some(knn) = line.knn {
        text += &format!("  kNN {:.1} %", 100.0 * knn);
    }
    if let Some(rank) = line.rankme {
        text += &format!("  rank {rank:.1}");
    }
    format!("{text}  {:.0} images/s", line.images_per_second)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    fn listened() -> (Lines, Rc<RefCell<String>>) {
        let heard = Rc::new(RefCell::new(String::new()));
        let into = heard.clone();
        (Lines::to(Box::new(move |text| into.borrow_mut().push_str(text))), heard)
    }

    fn line(epoch: usize) -> EpochLine {
        EpochLine {
            epoch,
            loss: 5.25,
            knn: Some(0.9721),
            linear: None,
            std: None,
            rankme: Some(41.26),
            images_per_second: 12_345.4,
        }
    }

    #[test]
    fn a_line_every_two_seconds_and_the_last_epoch_always() {
        let (mut lines, heard) = listened();
        lines.started(&Plan { epochs: 100, ..Plan::default() });
        let begun = Instant::now();
        for i in 1..=100 {
            lines.epoch_at(&line(i), begun + Duration::from_millis(100 * i as u64));
        }
        lines.ended(&Ending { epochs_done: 100, steps_done: 500, ..Ending::default() });
        let heard = heard.borrow();
        let epochs: Vec<&str> =
            heard.lines().filter_map(|l| l.strip_prefix("epoch ")?.split('/').next()).collect();
        assert_eq!(epochs, ["1", "21", "41", "61", "81", "100"]);
        assert!(heard.ends_with("done after 100 epochs, 500 steps\n"), "{heard}");
        assert!(
            heard.contains("epoch 21/100  loss 5.2500  kNN 97.2 %  rank 41.3  12345 images/s\n"),
            "{heard}"
        );
    }

    #[test]
    fn long_epochs_are_told_by_their_steps() {
        let (mut lines, heard) = listened();
        lines.epochs = 9;
        let step = StepLine { epoch: 1, step: 7, loss: 5.0, lr: 0.1, images: 8 };
        lines.stepped(&step);
        assert_eq!(*heard.borrow(), "");
        lines.last = Instant::now().checked_sub(LINES_APART);
        lines.stepped(&step);
        assert_eq!(*heard.borrow(), "epoch 1/9  step 7  loss 5.0000\n");
    }
}
