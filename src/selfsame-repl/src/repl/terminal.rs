//! The terminal, or the files standard output and standard error go to: what a cell or command prints, as it comes.

use std::io::{self, BufRead, IsTerminal, Write};

use nu_ansi_term::{Color, Style};
use selfsame::front::{Message, Sent};

use super::child::Ended;
use super::screen::Screen;
use crate::editor::TerminalMode;
use crate::engine::{Fault, Output, Value};
use crate::face::picture::Canvas;
use crate::face::Live;
use crate::output;

/// Standard output and standard error of the REPL and of scripts.
pub struct Terminal {
    /// Whether escape sequences may be used.
    colour: bool,
    /// Whether lines can be drawn over.
    moves: bool,
    /// What was last waited for, without its numbers.
    waited_for: String,
    /// The beginning of a line that is on the screen and not ended.
    partial: String,
    live: Live,
    canvas: Canvas,
}

impl Terminal {
    /// The process's own output; colour where it is a terminal that has not refused it.
    pub fn new() -> Terminal {
        let moves = io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|t| t != "dumb");
        Terminal {
            colour: output::coloured(),
            moves,
            waited_for: String::new(),
            partial: String::new(),
            live: Live::new(false),
            canvas: Canvas::of_stdout(),
        }
    }

    fn partial(&mut self, text: &str) {
        self.live.finish();
        let mut out = io::stdout().lock();
        let _ = match text.strip_prefix(self.partial.as_str()) {
            Some(more) => write!(out, "{more}"),
            None => write!(out, "\n{text}"),
        };
        let _ = out.flush();
        self.partial = text.to_string();
    }

    fn error_line(&mut self, line: &str) {
        self.end_partial();
        self.live.finish();
        output::stderr_as_it_is(line);
    }

    /// A message of the library: a bar, a curve, an alarm, a picture.
    fn message(&mut self, sent: &Sent) {
        self.end_partial();
        self.live.sent(sent);
    }

    fn end_partial(&mut self) {
        if !std::mem::take(&mut self.partial).is_empty() {
            let _ = output::stdout("");
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.colour {
            style.paint(text).to_string()
        } else {
            text.to_string()
        }
    }
}

impl Screen for Terminal {
    fn output(&mut self, output: Output) {
        match output {
            Output::Line(line) => self.line(&line),
            Output::Partial(text) => self.partial(&text),
            Output::ErrorLine(line) => self.error_line(&line),
            Output::Message(sent) => self.message(&sent),
            Output::Omitted { lines, bytes } => {
                self.note(&format!("... {lines} lines ({}) left out ...", crate::numbers::bytes(bytes)));
            }
        }
    }

    fn line(&mut self, line: &str) {
        let shown = std::mem::take(&mut self.partial);
        if shown.is_empty() {
            return self.live.text(line);
        }
        let mut out = io::stdout().lock();
        // A reader that has gone is the business of whoever notices it first.
        let _ = match line.strip_prefix(shown.as_str()) {
            Some(rest) => writeln!(out, "{rest}"),
            None => writeln!(out, "\n{line}"),
        };
    }

    fn finish(&mut self) {
        self.end_partial();
        self.live.finish();
    }

    fn value(&mut self, value: &Value) {
        if let Some(drawn) = self.canvas.value(value) {
            self.live.text(drawn.trim_end_matches('\n'));
            return;
        }
        if let Some(text) = value.get("text/plain") {
            self.live.text(text.trim_end_matches('\n'));
        } else if let Some(other) = value.keys().next() {
            self.live.text(&format!("[{other}]"));
        }
    }

    fn fault(&mut self, fault: &Fault, source: &str) {
        self.finish();
        let kind = self.paint(Color::Red.bold(), "error");
        output::stderr(&format!("{kind}: {}", fault.summary));
        let excerpt = fault.excerpt(source);
        if !excerpt.is_empty() {
            output::stderr(excerpt.trim_end_matches('\n'));
        }
        if let Some(remedy) = &fault.remedy {
            output::stderr(&format!("  {remedy}"));
        }
    }

    fn failure(&mut self, message: &str) {
        self.finish();
        let kind = self.paint(Color::Red.bold(), "error");
        output::stderr(&format!("{kind}: {message}"));
    }

    fn note(&mut self, text: &str) {
        self.end_partial();
        self.live.finish();
        output::stderr(&self.paint(Style::new().dimmed(), text));
    }

    fn waiting(&mut self, what: &str) {
        if self.moves {
            let message = Message::Stage { what: what.to_string() };
            self.live.sent(&Sent { display: u64::MAX, message });
            return;
        }
        let kind: String = what.chars().take_while(|c| !c.is_ascii_digit()).collect();
        if kind != self.waited_for {
            output::stderr(kind.trim_end_matches([',', ' ']));
            self.waited_for = kind;
        }
    }

    fn heading(&mut self, text: &str) {
        self.line(&self.paint(Style::new().bold(), text));
    }

    fn paragraph(&mut self, text: &str) {
        let width = crate::face::columns().clamp(20, 90);
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                self.line(&std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        self.line(&line);
    }

    fn command_failed(&mut self, ended: &Ended, name: &str) {
        self.finish();
        for line in &ended.errors {
            output::stderr(line);
        }
        if ended.errors.is_empty() {
            let how =
                ended.code.map_or("was ended by force".into(), |code| format!("ended with code {code}"));
            self.failure(&format!("{name} {how}"));
        }
    }

    fn ask(&mut self, prompt: &str, is_password: bool) -> String {
        self.end_partial();
        self.live.finish();
        let _usual = TerminalMode::usual();
        let mut out = io::stderr();
        let _ = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
        let hidden = is_password && crossterm::terminal::enable_raw_mode().is_ok();
        let mut line = String::new();
        if hidden {
            line = typed_in_secret();
            let _ = crossterm::terminal::disable_raw_mode();
            output::stderr("");
        } else {
            let _ = io::stdin().lock().read_line(&mut line);
        }
        line.trim_end_matches(['\n', '\r']).to_string()
    }

    fn is_looked_at(&self) -> bool {
        io::stdout().is_terminal()
    }

    fn lends_its_terminal(&self) -> bool {
        true
    }
}

/// Keys up to Enter, not shown.
fn typed_in_secret() -> String {
    use crossterm::event::{read, Event, KeyCode, KeyEventKind, KeyModifiers};
    let mut line = String::new();
    while let Ok(event) = read() {
        let Event::Key(key) = event else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        match key.code {
            KeyCode::Enter | KeyCode::Esc => break,
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => break,
            KeyCode::Char(c) => line.push(c),
            KeyCode::Backspace => drop(line.pop()),
            _ => {}
        }
    }
    line
}
