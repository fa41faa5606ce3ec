//! What a running cell sends: text in bundles, displays that are brought up to date a few times a second.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use jupyter_protocol::Header;
use selfsame::front::{Message, Sent};
use selfsame::plot::Table;
use serde_json::{json, Value};

use super::card::{ending, saved, Card, Trained};
use super::channels::Outbox;
use super::failure::Failure;
use super::text::Bound;
use crate::face::words;

/// Text waits this long for more, so that a thousand lines are not a thousand messages.
const TICK: Duration = Duration::from_millis(50);
/// More text than this is sent at once.
const BUNDLE: usize = 64 << 10;
/// A display is brought up to date five times a second at most.
const APART: Duration = Duration::from_millis(200);
/// One that changes only by its clock, once a second.
const CLOCK: Duration = Duration::from_secs(1);
/// The display of what a cell waits for before it runs.
const WAITING: u64 = u64::MAX;

/// Output of the cell that runs.
pub struct Outputs {
    outbox: Outbox,
    /// The request it belongs to.
    parent: Option<Header>,
    /// Nothing is to be seen of it.
    silent: bool,
    count: u64,
    text: String,
    text_is_error: bool,
    /// The beginning of a line that has been sent and not ended.
    partial: String,
    bound: Bound,
    cards: Vec<Open>,
    /// Displays made so far, for names that are unique.
    made: u64,
    /// Something of this cell can be seen, other than what it waits for.
    is_seen: bool,
    failure: Option<Failure>,
    last_failure: Option<Failure>,
}

/// A card and what has been sent of it.
struct Open {
    number: u64,
    id: String,
    card: Card,
    changed: bool,
    sent: Option<Instant>,
}

impl Outputs {
    /// Of no cell yet. A thread keeps what is shown up to date as long as somebody has them.
    pub fn new(outbox: Outbox) -> Arc<Mutex<Outputs>> {
        let outputs = Arc::new(Mutex::new(Outputs::of(outbox)));
        let weak: Weak<Mutex<Outputs>> = Arc::downgrade(&outputs);
        std::thread::spawn(move || {
            while let Some(outputs) = weak.upgrade() {
                super::notebook::lock(&outputs).tick(Instant::now());
                drop(outputs);
                std::thread::sleep(TICK);
            }
        });
        outputs
    }

    fn of(outbox: Outbox) -> Outputs {
        Outputs {
            outbox,
            parent: None,
            silent: false,
            count: 0,
            text: String::new(),
            text_is_error: false,
            partial: String::new(),
            bound: Bound::default(),
            cards: Vec::new(),
            made: 0,
            is_seen: false,
            failure: None,
            last_failure: None,
        }
    }

    /// A cell begins.
    pub fn begin(&mut self, parent: Header, count: u64, silent: bool) {
        self.parent = Some(parent);
        self.count = count;
        self.silent = silent;
        self.is_seen = false;
        (self.failure, self.last_failure) = (None, None);
    }

    /// The cell has ended. What went wrong last, when `failed`.
    pub fn end(&mut self, failed: bool) -> Option<Failure> {
        self.finish();
        if !failed {
            self.settle();
            self.flush();
            return None;
        }
        let failure = self.failure.take().or(self.last_failure.take());
        Some(failure.unwrap_or_else(|| Failure::of_command("the cell failed")))
    }

    /// A line of text.
    pub fn line(&mut self, line: &str, is_error: bool) {
        self.settle();
        // The two streams stand apart: what is begun on one is not ended by the other.
        let shown = if is_error { String::new() } else { std::mem::take(&mut self.partial) };
        let rest = match line.strip_prefix(shown.as_str()) {
            Some(rest) => format!("{rest}\n"),
            None => format!("\n{line}\n"),
        };
        self.put(rest, is_error);
    }

    /// The beginning of a line.
    pub fn partial(&mut self, text: &str) {
        self.settle();
        let more = text.strip_prefix(self.partial.as_str()).unwrap_or(text).to_string();
        self.partial = text.to_string();
        self.put(more, false);
    }

    /// Something the kernel says; it stands on standard error.
    pub fn note(&mut self, text: &str) {
        self.put(format!("{text}\n"), true);
    }

    /// The session has left out so much.
    pub fn omitted(&mut self, lines: u64, bytes: u64) {
        self.bound.omitted(lines, bytes);
    }

    /// Something went wrong. It is the cell's error if nothing follows.
    pub fn fail(&mut self, failure: Failure) {
        self.settle();
        self.failure = Some(failure);
    }

    /// A value by media type, which is the cell's result.
    pub fn result(&mut self, data: Value) {
        let content = json!({ "execution_count": self.count, "data": data, "metadata": {} });
        self.publish("execute_result", content);
    }

    /// Something to look at, by media type.
    pub fn display(&mut self, data: Value) {
        self.publish("display_data", json!({ "data": data, "metadata": {}, "transient": {} }));
    }

    /// What the cell waits for before it runs.
    pub fn waiting(&mut self, what: &str) {
        let since = self.find(WAITING).and_then(|open| match &open.card {
            Card::Work { since, .. } => Some(*since),
            _ => None,
        });
        let since = since.unwrap_or_else(Instant::now);
        self.show(WAITING, Card::Work { what: what.to_string(), since });
    }

    /// A message of the library.
    pub fn message(&mut self, sent: Sent) {
        self.settle();
        let (number, now) = (sent.display, Instant::now());
        match sent.message {
            Message::Plan(plan) => self.show(number, Card::Training(Box::new(Trained::new(&plan, now)))),
            Message::Step(step) => self.change(number, |t| t.stepped(step, now)),
            Message::Epoch(line) => self.change(number, |t| t.epoch_done(&line, now)),
            Message::Alarm { alarm } if self.trained(number) => self.change(number, |t| t.alarm(&alarm)),
            Message::Alarm { alarm } => self.line(&words::alarm(&alarm), false),
            Message::Stage { what } if self.trained(number) => self.change(number, |t| t.stage(&what, now)),
            Message::Stage { what } => self.show(number, Card::Work { what, since: now }),
            Message::Download { file, stage, done, total } => {
                self.show(number, Card::Download { file, stage, done, total });
            }
            Message::Done { epochs_done, steps_done, verdict, .. } => {
                self.over(number, "done after", epochs_done, steps_done, verdict.into_iter().collect());
            }
            Message::Interrupted { folder, epochs_done, steps_done } => {
                self.over(number, "stopped after", epochs_done, steps_done, saved(folder.as_deref()));
            }
            Message::Failed {} => {
                self.change(number, |t| t.fail(now));
                self.close(number);
            }
            Message::Figure { title, alt, svg, png, .. } => {
                self.figure(if alt.is_empty() { title } else { alt }, svg, png);
            }
            Message::Table { headers, rows } => {
                let mut table = Table::new(headers);
                rows.into_iter().for_each(|row| _ = table.row(row));
                self.table(&table);
            }
            Message::Variables { variables } => self.table(&words::variables(&variables)),
            Message::Note { text } => self.line(&text, false),
            Message::Panic { message, location, .. } => {
                self.line(&format!("a thread panicked: {message} (at {location})"), true);
            }
        }
    }

    /// Ends everything that moves or waits.
    pub fn finish(&mut self) {
        if !std::mem::take(&mut self.partial).is_empty() {
            self.put("\n".into(), false);
        }
        self.end_waiting();
        for number in self.cards.iter().map(|open| open.number).collect::<Vec<_>>() {
            self.close(number);
        }
        if let Some(rest) = self.bound.end() {
            self.append(&rest, self.text_is_error);
        }
        self.flush();
    }

    /// Brings up to date what is due.
    fn tick(&mut self, now: Instant) {
        self.flush();
        for at in 0..self.cards.len() {
            self.bring_up_to_date(at, now);
        }
    }

    fn bring_up_to_date(&mut self, at: usize, now: Instant) {
        let open = &self.cards[at];
        let due = match open.sent {
            None => open.card.is_due(now),
            Some(sent) => {
                let since = now.duration_since(sent);
                since >= CLOCK || (open.changed && since >= APART)
            }
        };
        if due {
            let data = open.card.now(now);
            self.send(at, data, now);
        }
    }

    /// Sends a card: the first time as a new display, later in its place.
    fn send(&mut self, at: usize, data: Value, now: Instant) {
        let open = &mut self.cards[at];
        let kind = if open.sent.is_none() { "display_data" } else { "update_display_data" };
        (open.sent, open.changed) = (Some(now), false);
        let waits = open.number == WAITING;
        let content = json!({ "data": data, "metadata": {}, "transient": { "display_id": open.id } });
        let seen = self.is_seen;
        self.publish(kind, content);
        if waits {
            self.is_seen = seen;
        }
    }

    /// What is waited for is gone, and its display with it where nothing else stands beside it.
    fn end_waiting(&mut self) {
        let Some(at) = self.cards.iter().position(|open| open.number == WAITING) else { return };
        if self.cards[at].sent.is_none() {
            self.cards.remove(at);
        } else if self.is_seen {
            self.close(WAITING);
        } else {
            self.cards.remove(at);
            self.publish("clear_output", json!({ "wait": false }));
            self.is_seen = false;
        }
    }

    fn find(&mut self, number: u64) -> Option<&mut Open> {
        self.cards.iter_mut().find(|open| open.number == number)
    }

    fn trained(&mut self, number: u64) -> bool {
        self.find(number).is_some_and(|open| matches!(open.card, Card::Training(_)))
    }

    fn show(&mut self, number: u64, card: Card) {
        match self.find(number) {
            Some(open) => (open.card, open.changed) = (card, true),
            None => {
                self.made += 1;
                let id = format!("selfsame-{}-{}-{}", std::process::id(), self.count, self.made);
                self.cards.push(Open { number, id, card, changed: true, sent: None });
            }
        }
    }

    fn change(&mut self, number: u64, change: impl FnOnce(&mut Trained)) {
        if let Some(Open { card: Card::Training(trained), changed, .. }) = self.find(number) {
            change(trained);
            *changed = true;
        }
    }

    /// A training is over.
    fn over(&mut self, number: u64, how: &str, epochs: usize, steps: u64, remarks: Vec<String>) {
        if !self.trained(number) {
            self.line(&ending(how, epochs, steps), false);
            remarks.iter().for_each(|remark| self.line(remark, false));
            return;
        }
        self.change(number, |t| t.end(how, epochs, steps, remarks, Instant::now()));
        self.close(number);
    }

    /// Sends what stays of a card, which then moves no more.
    fn close(&mut self, number: u64) {
        let Some(at) = self.cards.iter().position(|open| open.number == number) else { return };
        let now = Instant::now();
        let open = &self.cards[at];
        if open.sent.is_some() || open.card.is_due(now) {
            let data = open.card.last(now);
            self.send(at, data, now);
        }
        self.cards.remove(at);
    }

    fn figure(&mut self, text: String, svg: Option<String>, png: Option<String>) {
        let mut data = json!({ "text/plain": text });
        if let Some(svg) = svg {
            data["image/svg+xml"] = svg.into();
        }
        if let Some(png) = png {
            data["image/png"] = png.into();
        }
        self.display(data);
    }

    fn table(&mut self, table: &Table) {
        self.display(json!({ "text/plain": table.text(), "text/html": table.html() }));
    }

    /// An error that was not the last word becomes text.
    fn settle(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.put(format!("{}\n", failure.text()), true);
            self.last_failure = Some(failure);
        }
    }

    fn put(&mut self, text: String, is_error: bool) {
        if let Some(text) = self.bound.pass(text) {
            self.append(&text, is_error);
        }
    }

    fn append(&mut self, text: &str, is_error: bool) {
        if self.text_is_error != is_error {
            self.flush();
        }
        self.text_is_error = is_error;
        self.text += text;
        if self.text.len() > BUNDLE {
            self.flush();
        }
    }

    /// Sends the text that waits.
    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let name = if self.text_is_error { "stderr" } else { "stdout" };
        let text = std::mem::take(&mut self.text);
        self.tell("stream", json!({ "name": name, "text": text }));
    }

    /// Sends a message after the text before it.
    fn publish(&mut self, kind: &str, content: Value) {
        self.settle();
        self.flush();
        self.tell(kind, content);
    }

    fn tell(&mut self, kind: &str, content: Value) {
        if !self.silent {
            self.is_seen = true;
            self.outbox.publish(kind, content, self.parent.as_ref());
        }
    }
}
