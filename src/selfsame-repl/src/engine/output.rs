//! The output of the cell that runs, on its way to the face: sorted, and bounded in size.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use selfsame::front::{Message, Sent};

use super::event::{Event, Output};
use super::record::Record;

/// A cell's output is passed on up to this many bytes, where not all of it is wanted.
const AT_ONCE: u64 = 4 << 20;
/// Of what comes after that, the last bytes are kept for the end.
const TAIL: usize = 16 << 10;
/// Standard error is held back this long: it may be the text of the error the cell is about to end with.
const HELD: Duration = Duration::from_millis(250);

/// What has arrived of one cell.
#[derive(Debug)]
pub struct CellOutput {
    events: SyncSender<Event>,
    /// What the library's messages carry.
    secret: &'static str,
    /// Whether nothing is left out.
    whole: bool,
    bytes: u64,
    tail: VecDeque<Output>,
    tail_bytes: usize,
    omitted: (u64, u64),
    held: VecDeque<(Instant, String)>,
    /// A `?` returned early.
    pub failed: bool,
    /// The code panicked; with what it said and where, when the library is there to tell.
    pub panic: Option<(String, String)>,
    /// All of its output has been read.
    pub ended: bool,
}

impl CellOutput {
    /// Of a cell that is about to run; `whole` when nothing of its output may be left out.
    pub fn new(events: SyncSender<Event>, secret: &'static str, whole: bool) -> CellOutput {
        CellOutput {
            events,
            secret,
            whole,
            bytes: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
            omitted: (0, 0),
            held: VecDeque::new(),
            failed: false,
            panic: None,
            ended: false,
        }
    }

    /// What the session tells of it.
    pub fn record(&mut self, record: Record) {
        match record {
            Record::Line(line) => self.line(line),
            Record::Partial(text) => self.pass(Output::Partial(text), 0),
            Record::ErrorLine(line) => self.held.push_back((Instant::now(), line)),
            Record::Panic => drop(self.panic.get_or_insert_default()),
            Record::Failed => self.failed = true,
            Record::End => self.ended = true,
        }
    }

    fn line(&mut self, line: String) {
        match Sent::parse(&line, self.secret) {
            None | Some(Err(_)) => {
                let size = line.len();
                self.pass(Output::Line(line), size);
            }
            Some(Ok(Sent { message: Message::Panic { message, location, ends_cell: true }, .. })) => {
                self.panic = Some((message, location));
            }
            Some(Ok(sent)) => {
                let before = selfsame::front::text_before(&line, self.secret);
                if !before.is_empty() {
                    self.pass(Output::Line(before.to_string()), before.len());
                }
                self.send(Output::Message(Box::new(sent)));
            }
        }
    }

    /// Passes on what has been held back long enough.
    pub fn tick(&mut self) {
        while self.held.front().is_some_and(|(since, _)| since.elapsed() > HELD) {
            if let Some((_, line)) = self.held.pop_front() {
                let size = line.len();
                self.pass(Output::ErrorLine(line), size);
            }
        }
    }

    /// The standard error that has not been passed on.
    pub fn take_held(&mut self) -> Vec<String> {
        self.held.drain(..).map(|(_, line)| line).collect()
    }

    /// Passes on everything that was held back or kept for the end.
    pub fn finish(&mut self) {
        for line in self.take_held() {
            let size = line.len();
            self.pass(Output::ErrorLine(line), size);
        }
        let (lines, bytes) = std::mem::take(&mut self.omitted);
        if lines > 0 {
            self.send(Output::Omitted { lines, bytes });
        }
        for output in std::mem::take(&mut self.tail) {
            self.send(output);
        }
    }

    fn pass(&mut self, output: Output, size: usize) {
        self.bytes += size as u64 + 1;
        if self.whole || self.bytes <= AT_ONCE {
            return self.send(output);
        }
        if matches!(output, Output::Partial(_)) {
            return;
        }
        self.tail_bytes += size;
        self.tail.push_back(output);
        while self.tail_bytes > TAIL {
            let Some(Output::Line(line) | Output::ErrorLine(line)) = self.tail.pop_front() else { break };
            self.tail_bytes -= line.len();
            self.omitted = (self.omitted.0 + 1, self.omitted.1 + line.len() as u64 + 1);
        }
    }

    fn send(&self, output: Output) {
        // A face that has gone does not want to hear it.
        let _ = self.events.send(Event::Output(output));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::{sync_channel, Receiver};

    use super::*;

    const SECRET: &str = "s3";

    fn cell(whole: bool) -> (CellOutput, Receiver<Event>) {
        let (events, heard) = sync_channel(1 << 16);
        (CellOutput::new(events, SECRET, whole), heard)
    }

    fn line(text: &str) -> Record {
        Record::Line(text.into())
    }

    fn outputs(heard: &Receiver<Event>) -> Vec<Output> {
        heard.try_iter().map(|e| if let Event::Output(o) = e { o } else { panic!("{e:?}") }).collect()
    }

    #[test]
    fn lines_messages_and_events_are_told_apart() {
        let (mut cell, heard) = cell(false);
        cell.record(line("hello"));
        let note = Sent { display: 1, message: Message::Note { text: "n".into() } };
        cell.record(line(note.line(SECRET).unwrap().trim_end()));
        cell.record(Record::Failed);
        assert_eq!(outputs(&heard), [Output::Line("hello".into()), Output::Message(Box::new(note))]);
        assert!(cell.failed && cell.panic.is_none());
    }

    #[test]
    fn text_that_looks_like_a_message_is_text() {
        let (mut cell, heard) = cell(false);
        let panic = Message::Panic { message: "no".into(), location: String::new(), ends_cell: true };
        let forged = Sent { display: 1, message: panic }.line("s4").unwrap().trim_end().to_string();
        cell.record(line(&forged));
        assert_eq!(outputs(&heard), [Output::Line(forged)]);
        assert!(cell.panic.is_none());
    }

    #[test]
    fn a_flood_is_cut_in_the_middle_unless_all_of_it_is_wanted() {
        for whole in [false, true] {
            let (mut cell, heard) = cell(whole);
            for _ in 0..10_000 {
                cell.record(line(&"x".repeat(1023)));
            }
            cell.record(line("the last"));
            let passed = outputs(&heard).len();
            cell.finish();
            let rest = outputs(&heard);
            if whole {
                assert_eq!((passed, rest.len()), (10_001, 0));
                continue;
            }
            assert_eq!(passed, 4096);
            let Output::Omitted { lines, bytes } = rest[0] else { panic!("{:?}", rest[0]) };
            assert_eq!(lines as usize + passed + rest.len() - 1, 10_001);
            assert_eq!(bytes, lines * 1024);
            assert_eq!(rest.last(), Some(&Output::Line("the last".into())));
            assert!(rest.len() < 40);
        }
    }

    #[test]
    fn standard_error_is_held_back_until_it_is_clear_what_it_is() {
        let (mut cell, heard) = cell(false);
        cell.record(Record::ErrorLine("no such file".into()));
        cell.tick();
        assert!(outputs(&heard).is_empty());
        assert_eq!(cell.take_held(), ["no such file"]);
        cell.record(Record::ErrorLine("a warning".into()));
        cell.finish();
        assert_eq!(outputs(&heard), [Output::ErrorLine("a warning".into())]);
    }
}
