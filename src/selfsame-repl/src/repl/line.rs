//! The line editor, told what can be typed here.

use std::io;
use std::sync::mpsc::Receiver;
use std::sync::Mutex;

use clap::CommandFactory;
use selfsame::presets;

use super::colon::{all, Colon};
use crate::editor::{
    CommandWords, Config, Editor, Parts, RustAnswer, RustCompleter, RustProposal, Status as Shown, Values,
    Vocabulary,
};
use crate::engine::{Session, Status, Suggestions};

/// The editor for a session.
///
/// # Errors
/// Not even a history in memory can be had.
pub fn editor(config: Config, session: Session) -> io::Result<Editor> {
    let status = Shown::new();
    show(session.clone(), status.clone());
    Editor::new(Parts {
        config,
        vocabulary: vocabulary(),
        rust: Box::new(Completer::new(session)),
        status,
        runs: "runs".into(),
    })
}

/// Keeps the prompt's right side up to date until Rust is ready.
fn show(session: Session, shown: Shown) {
    std::thread::spawn(move || {
        session.wait(
            |status| shown.set(if *status == Status::Ready { String::new() } else { status.to_string() }),
            || false,
        );
    });
}

/// What can be typed after a colon.
pub fn vocabulary() -> Vocabulary {
    let programs = crate::args::Arguments::command();
    let words = |colon: &Colon| {
        let program = programs.get_subcommands().find(|p| p.get_name() == colon.name);
        let mut words = program.map_or_else(
            || CommandWords::new(colon.name, colon.about, &values(colon.name)),
            CommandWords::from_clap,
        );
        words.about = colon.about.to_string();
        words
    };
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Vocabulary {
        commands: all().iter().map(words).collect(),
        methods: owned(presets::METHODS),
        encoders: owned(presets::ENCODERS),
        data: owned(presets::DATA),
    }
}

/// What commands take that the program has not got.
fn values(name: &str) -> Vec<Values> {
    match name {
        "use" | "resume" => vec![Values::Runs],
        "type" | "doc" | "time" | "timeit" => vec![Values::Rust],
        "run" | "load" | "save" => vec![Values::Files],
        "help" => vec![Values::Commands],
        "show" => vec![Values::OneOf(vec!["rust".into()])],
        _ => Vec::new(),
    }
}

/// Rust's proposals, from the session.
pub struct Completer {
    session: Session,
    asked: Mutex<Option<(u64, Receiver<Suggestions>)>>,
}

impl Completer {
    /// Proposals of that session.
    pub fn new(session: Session) -> Completer {
        Completer { session, asked: Mutex::new(None) }
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Option<(u64, Receiver<Suggestions>)>> {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl RustCompleter for Completer {
    fn request(&self, id: u64, source: &str, at: usize) {
        *self.asked() = Some((id, self.session.complete(source, at)));
    }

    fn poll(&self) -> Option<RustAnswer> {
        let mut asked = self.asked();
        let (id, heard) = asked.as_ref()?;
        let (id, found) = (*id, heard.try_recv().ok()?);
        *asked = None;
        let items = found.items.into_iter();
        Some(RustAnswer {
            id,
            start: found.start,
            end: found.end,
            items: items
                .map(|s| RustProposal { code: s.code, kind: s.kind.to_string(), label: s.label })
                .collect(),
        })
    }

    fn is_ready(&self) -> bool {
        self.session.status() == Status::Ready
    }
}
