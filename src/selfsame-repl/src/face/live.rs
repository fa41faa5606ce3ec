//! What running code tells, drawn while it runs: bars and curves that move at a terminal, plain lines anywhere else.
//!
//! It takes [`Message`]s, as they come from a session or out of a child process's output line by line, and is a [`Watch`]
//! too, for work in this process. What the code prints itself goes above the moving lines.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use selfsame::diagnose::Alarm;
use selfsame::front::{Message, Sent};
use selfsame::plot::Table;
use selfsame::train::{Ending, EpochLine, Plan, StepLine, Watch};

use super::block::Block;
use super::picture::Canvas;
use super::training::{bar, Training};
use super::{words, Plain};
use crate::output;

/// Drawing more often than this only flickers.
const APART: Duration = Duration::from_millis(66);

/// Draws what it is told.
pub struct Live {
    place: Place,
    /// Whether every epoch leaves a line, or only the end does.
    epochs: bool,
    shown: Vec<(u64, Shown)>,
}

/// Where it is drawn.
enum Place {
    /// A terminal that moves its cursor.
    Terminal { out: Box<dyn Write + Send>, columns: fn() -> usize, block: Block, last: Option<Instant> },
    /// Lines on stderr.
    Lines(Plain),
}

/// Something that moves.
enum Shown {
    Training(Box<Training>),
    Work { what: String, since: Instant },
    Download { file: String, done: u64, total: u64 },
}

impl Live {
    /// For stderr: moving where it is a terminal that can, lines where it is not. `epochs` keeps a line for every epoch.
    pub fn new(epochs: bool) -> Live {
        let moves = io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let place = if moves {
            Place::Terminal {
                out: Box::new(io::stderr()),
                columns: super::columns,
                block: Block::default(),
                last: None,
            }
        } else {
            Place::Lines(Plain::new())
        };
        Live { place, epochs, shown: Vec::new() }
    }

    /// Draws a message; `false` for those that are not for a face to draw while the code runs.
    pub fn sent(&mut self, sent: &Sent) -> bool {
        self.message(sent.display, &sent.message)
    }

    /// Shows output of the code itself above what moves.
    pub fn text(&mut self, line: &str) {
        self.make_way();
        // A reader that has gone is found out by whoever reports the result.
        let _ = output::stdout_as_it_is(line);
    }

    /// Takes away what still moves. Called again it does nothing.
    pub fn finish(&mut self) {
        self.shown.clear();
        self.make_way();
    }

    fn message(&mut self, display: u64, message: &Message) -> bool {
        match message {
            Message::Plan(plan) => self.plan(display, plan),
            Message::Step(step) => self.step(display, step),
            Message::Epoch(line) => self.epoch(display, line),
            Message::Alarm { alarm } => self.say(&words::alarm(alarm)),
            Message::Stage { what } => self.work(display, what),
            Message::Download { file, stage, done, total } => {
                self.download(display, file, stage, *done, *total)
            }
            Message::Done { epochs_done, steps_done, verdict, .. } => {
                self.end(display, "done after", *epochs_done, *steps_done);
                if let Some(verdict) = verdict {
                    self.say(verdict);
                }
            }
            Message::Interrupted { folder, epochs_done, steps_done } => {
                self.end(display, "stopped after", *epochs_done, *steps_done);
                if let Some(folder) = folder {
                    self.say(&words::saved(folder));
                }
            }
            Message::Failed {} => {
                self.shown.retain(|(id, _)| *id != display);
                self.make_way();
            }
            Message::Figure { title, alt, png, sketch, .. } => {
                let drawn = Canvas::of_stdout().drawn(png.as_deref(), sketch.as_ref());
                let words = || output::printable(if alt.is_empty() { title } else { alt }).into_owned();
                self.text(&drawn.unwrap_or_else(words));
            }
            Message::Table { headers, rows } => {
                let mut table = Table::new(headers.iter().cloned());
                rows.iter().for_each(|row| _ = table.row(row.iter().cloned()));
                self.text(&table.text());
            }
            Message::Variables { variables } => {
                self.text(&words::variables(variables).text());
            }
            Message::Note { text } => self.note(text),
            _ => return false,
        }
        true
    }

    fn plan(&mut self, display: u64, plan: &Plan) {
        self.say(&words::plan(plan));
        match &mut self.place {
            Place::Lines(plain) => plain.begins(plan.epochs),
            Place::Terminal { .. } => {
                if self.epochs {
                    self.say(&words::epoch_header());
                }
                let training = Training::new(plan.clone(), Instant::now());
                self.show(display, Shown::Training(Box::new(training)));
            }
        }
    }

    fn step(&mut self, display: u64, step: &StepLine) {
        if let Place::Lines(plain) = &mut self.place {
            return plain.stepped(step);
        }
        if let Some(training) = self.training(display) {
            training.stepped(*step, Instant::now());
        }
        self.draw(false);
    }

    fn epoch(&mut self, display: u64, line: &EpochLine) {
        if let Place::Lines(plain) = &mut self.place {
            return plain.epoch_done(line);
        }
        let epochs = self.training(display).map_or(line.epoch, |training| {
            training.epoch_done(line, Instant::now());
            training.plan().epochs
        });
        if self.epochs {
            self.say(&words::epoch(line, epochs));
        }
        self.draw(true);
    }

    fn work(&mut self, display: u64, what: &str) {
        let now = Instant::now();
        match &mut self.place {
            Place::Lines(_) => return self.say(what),
            Place::Terminal { .. } => match self.training(display) {
                Some(training) => training.stage(what, now),
                None => self.show(display, Shown::Work { what: what.to_string(), since: now }),
            },
        }
        self.draw(true);
    }

    fn download(&mut self, display: u64, file: &str, stage: &str, done: u64, total: u64) {
        let moves = matches!(self.place, Place::Terminal { .. });
        let known = self.shown.iter().any(|(id, shown)| {
            *id == display && matches!(shown, Shown::Download { file: last, .. } if last == file)
        });
        if stage != "downloading" {
            self.shown.retain(|(id, _)| *id != display);
            return self.say(&format!("{stage:13}  {file}"));
        }
        if !moves && !known {
            self.say(&format!("{stage:13}  {file}"));
        }
        self.show(display, Shown::Download { file: file.to_string(), done, total });
    }

    /// What is left of a training: its curves and how it ended.
    fn end(&mut self, display: u64, how: &str, epochs: usize, steps: u64) {
        let now = Instant::now();
        let ended =
            match self.shown.iter().position(|(id, _)| *id == display).map(|at| self.shown.remove(at).1) {
                Some(Shown::Training(training)) => {
                    let columns = self.columns();
                    let mut lines = if self.epochs { Vec::new() } else { training.curves(columns) };
                    lines.push(training.ending(how, epochs, steps, now));
                    lines.join("\n")
                }
                _ => format!("{how} {epochs} epochs and {steps} steps"),
            };
        self.say(&ended);
    }

    fn note(&mut self, text: &str) {
        self.make_way();
        output::note(text);
    }

    /// Writes a line that stays.
    fn say(&mut self, text: &str) {
        self.make_way();
        match &mut self.place {
            // The face's own stream, which is stderr outside tests.
            Place::Terminal { out, .. } => {
                let _ = writeln!(out, "{}", output::printable(text)).and_then(|()| out.flush());
            }
            Place::Lines(plain) => plain.say(text, Instant::now()),
        }
    }

    fn training(&mut self, display: u64) -> Option<&mut Training> {
        self.shown.iter_mut().find_map(|(id, shown)| match shown {
            Shown::Training(training) if *id == display => Some(training.as_mut()),
            _ => None,
        })
    }

    /// Puts `new` in the place of what that display showed.
    fn show(&mut self, display: u64, new: Shown) {
        match self.shown.iter_mut().find(|(id, _)| *id == display) {
            Some((_, shown)) => *shown = new,
            None => self.shown.push((display, new)),
        }
        self.draw(false);
    }

    fn columns(&self) -> usize {
        match &self.place {
            Place::Terminal { columns, .. } => columns(),
            Place::Lines(_) => 80,
        }
    }

    /// Takes the moving lines away, so that something can be written; the next drawing puts them back.
    fn make_way(&mut self) {
        if let Place::Terminal { out, columns, block, last } = &mut self.place {
            // Nobody is left to tell when a terminal cannot be written.
            let _ = block.clear(out.as_mut(), columns());
            *last = None;
        }
    }

    fn draw(&mut self, at_once: bool) {
        let now = Instant::now();
        let Place::Terminal { out, columns, block, last } = &mut self.place else { return };
        if self.shown.is_empty() || (!at_once && last.is_some_and(|last| now.duration_since(last) < APART)) {
            return;
        }
        *last = Some(now);
        let columns = columns();
        let lines: Vec<String> = self.shown.iter().flat_map(|(_, shown)| shown.lines(now, columns)).collect();
        let _ = block.draw(out.as_mut(), &lines, columns);
    }
}

impl Shown {
    fn lines(&self, now: Instant, columns: usize) -> Vec<String> {
        match self {
            Shown::Training(training) => training.lines(now, columns),
            Shown::Work { what, since } => vec![super::training::stage(what, now.duration_since(*since))],
            Shown::Download { file, done, total } => {
                let share = *done as f64 / (*total).max(1) as f64;
                let of = |bytes: u64| indicatif::DecimalBytes(bytes).to_string();
                let words = format!(" {:>3.0} %  {file}, {} of {}", 100.0 * share, of(*done), of(*total));
                let room = columns.saturating_sub(words.len() + 1).min(30);
                vec![format!("{}{words}", bar(share, room))]
            }
        }
    }
}

/// For a training in this process: its one display has the number 0.
impl Watch for Live {
    fn started(&mut self, plan: &Plan) {
        self.plan(0, plan);
    }

    fn stepped(&mut self, step: &StepLine) {
        self.step(0, step);
    }

    fn epoch_done(&mut self, line: &EpochLine) {
        self.epoch(0, line);
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.say(&words::alarm(alarm));
    }

    fn stage(&mut self, what: &str) {
        self.work(0, what);
    }

    fn ended(&mut self, _ending: &Ending) {
        // The command that trains says how it ended.
        self.finish();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    fn live(epochs: bool) -> (Live, Screen) {
        let screen = Screen::default();
        let out = Box::new(screen.clone());
        let place = Place::Terminal { out, columns: || 80, block: Block::default(), last: None };
        (Live { place, epochs, shown: Vec::new() }, screen)
    }

    fn plan() -> Plan {
        Plan {
            method: "simclr".into(),
            data: "digits".into(),
            epochs: 3,
            steps_per_epoch: 2,
            ..Plan::default()
        }
    }

    fn step(step: u64) -> Message {
        Message::Step(StepLine { epoch: step.div_ceil(2) as usize, step, loss: 5.0, lr: 0.1, images: 8 })
    }

    #[test]
    fn a_training_moves_and_leaves_its_end() {
        let (mut live, screen) = live(false);
        assert!(live.message(1, &Message::Plan(plan())));
        let begun = screen.take();
        assert!(begun.starts_with("simclr on digits:") && begun.contains("epoch 0/3"), "{begun:?}");
        live.message(1, &step(1));
        live.draw(true);
        let moved = screen.take();
        assert!(
            moved.contains("\x1b[J") && moved.contains("epoch 1/3") && moved.contains("loss ▁ 5.000"),
            "{moved:?}"
        );
        let done =
            Message::Done { folder: None, epochs_done: 3, steps_done: 6, verdict: Some("Good.".into()) };
        live.message(1, &done);
        let ended = screen.take();
        assert!(ended.contains("simclr on digits: done after 3 epochs and 6 steps, 0:00\n"), "{ended:?}");
        assert!(ended.ends_with("Good.\n"));
        live.finish();
        assert_eq!(screen.take(), "");
    }

    #[test]
    fn alarms_and_epochs_stand_above_what_moves() {
        let (mut live, screen) = live(true);
        live.started(&plan());
        let line = EpochLine {
            epoch: 1,
            loss: 5.0,
            knn: Some(0.5),
            linear: None,
            std: None,
            rankme: None,
            images_per_second: 9.0,
        };
        screen.take();
        live.epoch_done(&line);
        let said = screen.take();
        let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no {what} in {said:?}"));
        assert!(at("1/3    5.0000") < at("kNN ▁ 50.0 %"));
        live.stage("baseline: PCA");
        assert!(screen.take().contains("| baseline: PCA (0:00)"));
        drop(live);
        assert!(screen.take().ends_with("\x1b[J"), "nothing is left behind");
    }

    #[test]
    fn a_download_shows_its_bytes_and_then_its_end() {
        let (mut live, screen) = live(false);
        let download = |stage: &str, done| Message::Download {
            file: "a.gz".into(),
            stage: stage.into(),
            done,
            total: 10_000_000,
        };
        live.message(1, &download("downloading", 2_500_000));
        live.draw(true);
        let said = screen.take();
        assert!(said.contains("25 %  a.gz, 2.50 MB of 10.00 MB"), "{said:?}");
        live.message(1, &download("checked", 10_000_000));
        assert!(screen.take().ends_with("checked        a.gz\n"));
    }

    #[test]
    fn two_trainings_at_once_have_a_line_each() {
        let (mut live, screen) = live(false);
        live.message(1, &Message::Plan(plan()));
        live.message(2, &Message::Plan(Plan { data: "shapes".into(), ..plan() }));
        screen.take();
        live.draw(true);
        let said = screen.take();
        assert!(said.contains("simclr on digits  ") && said.contains("simclr on shapes  "), "{said:?}");
    }
}
