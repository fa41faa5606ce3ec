//! The output of the cell that runs, on its way to the face: sorted, and bounded in size.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use selfsame::front::{Message, Sent};

use super::event::{Event, Output};
use super::relay::{Notice, MARK};

/// A cell's output is passed on up to this many bytes.
const AT_ONCE: u64 = 4 << 20;
/// Of what comes after that, the last bytes are kept for the end.
const TAIL: usize = 16 << 10;
/// Standard error is held back this long: it may be the text of the error the cell is about to end with.
const HELD: Duration = Duration::from_millis(250);

/// What has arrived of one cell.
#[derive(Debug)]
pub struct CellOutput {
    events: Sender<Event>,
    bytes: u64,
    tail: VecDeque<Output>,
    tail_bytes: usize,
    omitted: (u64, u64),
    held: VecDeque<(Instant, String)>,
    /// A `?` returned early.
    pub failed: bool,
    /// The code panicked; with what it said and where, when the library is there to tell.
    pub panic: Option<(String, String)>,
    /// The end of its standard output has been read.
    pub ended: bool,
    /// The end of its standard error has been read.
    pub errors_ended: bool,
}

impl CellOutput {
    /// Of a cell that is about to run.
    pub fn new(events: Sender<Event>) -> CellOutput {
        CellOutput {
            events,
            bytes: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
            omitted: (0, 0),
            held: VecDeque::new(),
            failed: false,
            panic: None,
            ended: false,
            errors_ended: false,
        }
    }

    /// A line of the session's standard output.
    pub fn line(&mut self, line: String) {
        if let Some(notice) = Notice::parse(&line) {
            match notice {
                Notice::Panic => drop(self.panic.get_or_insert_default()),
                Notice::Failed => self.failed = true,
                Notice::End => self.ended = true,
                Notice::Partial { text } => self.pass(Output::Partial(text), 0),
            }
            return;
        }
        match Sent::parse(&line) {
            None | Some(Err(_)) => {
                let size = line.len();
                self.pass(Output::Line(line), size);
            }
            Some(Ok(Sent { message: Message::Panic { message, location, ends_cell: true }, .. })) => {
                self.panic = Some((message, location));
            }
            Some(Ok(sent)) => {
                let before = selfsame::front::text_before(&line);
                if !before.is_empty() {
                    self.pass(Output::Line(before.to_string()), before.len());
                }
                self.send(Output::Message(Box::new(sent)));
            }
        }
    }

    /// A line of its standard error.
    pub fn error_line(&mut self, line: String) {
        let Some((before, _)) = line.split_once(MARK) else {
            return self.held.push_back((Instant::now(), line));
        };
        if !before.is_empty() {
            self.held.push_back((Instant::now(), before.to_string()));
        }
        self.errors_ended = true;
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
        if self.bytes <= AT_ONCE {
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
    use std::sync::mpsc::{channel, Receiver};

    use super::*;

    fn cell() -> (CellOutput, Receiver<Event>) {
        let (events, heard) = channel();
        (CellOutput::new(events), heard)
    }

    fn outputs(heard: &Receiver<Event>) -> Vec<Output> {
        heard.try_iter().map(|e| if let Event::Output(o) = e { o } else { panic!("{e:?}") }).collect()
    }

    #[test]
    fn lines_messages_and_notices_are_told_apart() {
        let (mut cell, heard) = cell();
        cell.line("hello".into());
        let note = Sent { display: 1, message: Message::Note { text: "n".into() } };
        cell.line(note.line().unwrap().trim_end().into());
        cell.line(Notice::Failed.text());
        assert_eq!(outputs(&heard), [Output::Line("hello".into()), Output::Message(Box::new(note))]);
        assert!(cell.failed && cell.panic.is_none());
    }

    #[test]
    fn a_flood_is_cut_in_the_middle() {
        let (mut cell, heard) = cell();
        let line = "x".repeat(1023);
        for _ in 0..10_000 {
            cell.line(line.clone());
        }
        cell.line("the last".into());
        let passed = outputs(&heard).len();
        assert_eq!(passed, 4096);
        cell.finish();
        let rest = outputs(&heard);
        let Output::Omitted { lines, bytes } = rest[0] else { panic!("{:?}", rest[0]) };
        assert_eq!(lines as usize + passed + rest.len() - 1, 10_001);
        assert_eq!(bytes, lines * 1024);
        assert_eq!(rest.last(), Some(&Output::Line("the last".into())));
        assert!(rest.len() < 40);
    }

    #[test]
    fn standard_error_is_held_back_until_it_is_clear_what_it_is() {
        let (mut cell, heard) = cell();
        cell.error_line("no such file".into());
        cell.tick();
        assert!(outputs(&heard).is_empty());
        assert_eq!(cell.take_held(), ["no such file"]);
        cell.error_line(format!("a warning{}", Notice::End.text()));
        assert!(cell.errors_ended);
        cell.finish();
        assert_eq!(outputs(&heard), [Output::ErrorLine("a warning".into())]);
    }
}
