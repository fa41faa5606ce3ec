//! What Tab proposes. Never waits: what is not known yet comes when it is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reedline::{
    Completer, CompletionOrigin, CompletionResult, CompletionStatus, Span, Suggestion, Suggestions,
};

use super::listing::{Listing, Query};
use super::place::{floor, Place};
use super::ranking::ranked;
use super::rust_completer::{RustAnswer, RustCompleter, RustProposal};
use super::vocabulary::{CommandWords, Flag, Values, Vocabulary};

/// A folder that answers this fast is proposed from at once; the eye does not notice.
const PATIENCE: Duration = Duration::from_millis(15);
/// After this a request for Rust is given up: the session is busy or gone.
const GIVE_UP: Duration = Duration::from_secs(5);
/// Longer menus help nobody.
const MOST: usize = 300;

/// Proposes commands, their flags and values, paths, and Rust.
pub struct InputCompleter {
    vocabulary: Vocabulary,
    rust: Box<dyn RustCompleter>,
    listing: Listing,
    runs: PathBuf,
    /// The request that is under way, and what was asked.
    asked: Option<Asked>,
    /// What has been asked for since.
    next: Option<Line>,
    answered: Option<Answered>,
    number: u64,
    last: (Line, Suggestions),
}

/// A line and the cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Line {
    text: String,
    at: usize,
    /// Where its Rust begins.
    from: usize,
}

struct Asked {
    id: u64,
    line: Line,
    since: Instant,
}

struct Answered {
    line: Line,
    answer: RustAnswer,
}

/// Something to propose before it is ranked.
struct Proposal {
    value: String,
    about: String,
    /// Whether typing goes on with the next word.
    whole: bool,
}

impl Proposal {
    fn new(value: impl Into<String>, about: impl Into<String>) -> Proposal {
        Proposal { value: value.into(), about: about.into(), whole: true }
    }
}

impl InputCompleter {
    /// Completes by `vocabulary` and `rust`; run names are those in the folder `runs`.
    pub fn new(vocabulary: Vocabulary, rust: Box<dyn RustCompleter>, runs: &Path) -> InputCompleter {
        InputCompleter {
            vocabulary,
            rust,
            listing: Listing::new(),
            runs: runs.to_path_buf(),
            asked: None,
            next: None,
            answered: None,
            number: 0,
            last: Default::default(),
        }
    }

    fn propose(&mut self, line: &str, at: usize) -> Option<Vec<Suggestion>> {
        let at = floor(line, at);
        match Place::at(line, at, &self.vocabulary) {
            Place::Command(range) => Some(self.commands(line, range.start, range.end)),
            Place::Flags(flags, range) => Some(flag_suggestions(line, &flags, range.start, range.end)),
            Place::Argument(own, values, range) => self.argument(line, own, values, range.start, range.end),
            Place::Path(range) => self.path_in_string(line, range.start, range.end),
            Place::Rust(from) => self.rust(Line { text: line.into(), at, from }),
            Place::Nothing => Some(Vec::new()),
        }
    }

    fn commands(&self, line: &str, start: usize, end: usize) -> Vec<Suggestion> {
        let of = |c: &CommandWords| Proposal::new(format!(":{}", c.name), c.about.clone());
        suggestions(line, start, end, self.vocabulary.commands.iter().map(of).collect())
    }

    fn argument(
        &mut self,
        line: &str,
        own: Vec<CommandWords>,
        values: Values,
        start: usize,
        end: usize,
    ) -> Option<Vec<Suggestion>> {
        let mut proposals: Vec<Proposal> =
            own.iter().map(|c| Proposal::new(c.name.clone(), c.about.clone())).collect();
        let names =
            |names: &[String]| -> Vec<Proposal> { names.iter().map(|n| Proposal::new(n, "")).collect() };
        match values {
            Values::Methods => proposals.extend(names(&self.vocabulary.methods)),
            Values::Encoders => proposals.extend(names(&self.vocabulary.encoders)),
            Values::OneOf(known) => proposals.extend(names(&known)),
            Values::Commands => {
                let of = |c: &CommandWords| Proposal::new(c.name.clone(), c.about.clone());
                proposals.extend(self.vocabulary.commands.iter().map(of));
            }
            Values::Runs => {
                let typed = &line[start..end];
                let mut found = self.runs(line, start, end)?;
                // Runs in other folders are found by their path.
                if typed.contains('/') && found.is_empty() {
                    found = self.path(line, start, end)?;
                }
                return Some(found);
            }
            Values::Files => return self.path(line, start, end),
            Values::Data => match line[start..end].find(':') {
                Some(colon) => return self.path(line, start + colon + 1, end),
                None => proposals.extend(self.vocabulary.data.iter().map(|form| data(form))),
            },
            Values::Any | Values::Rust => {}
        }
        Some(suggestions(line, start, end, proposals))
    }

    fn runs(&mut self, line: &str, start: usize, end: usize) -> Option<Vec<Suggestion>> {
        let found = self.listing.list(&Query::Runs(self.runs.clone()), PATIENCE)?;
        let of = |entry: &super::listing::Entry| {
            Proposal::new(quoted(&self.runs.join(&entry.name).display().to_string()), entry.about.clone())
        };
        Some(suggestions(line, start, end, found.iter().map(of).collect()))
    }

    /// Paths as a shell word; what needs quotes gets them.
    fn path(&mut self, line: &str, start: usize, end: usize) -> Option<Vec<Suggestion>> {
        let typed = line[start..end].trim_matches(|c| c == '"' || c == '\'').to_string();
        let found = self.paths(&typed)?;
        let proposals = found.into_iter().map(|p| Proposal { value: quoted(&p.value), ..p }).collect();
        Some(suggestions(line, start, end, proposals))
    }

    /// Paths and data sets, for `Mnist::open("..")` and `train("simclr", "..")`.
    fn path_in_string(&mut self, line: &str, start: usize, end: usize) -> Option<Vec<Suggestion>> {
        let typed = &line[start..end];
        let forms =
            if typed.is_empty() || typed.contains('/') { &[] } else { self.vocabulary.data.as_slice() };
        let mut proposals: Vec<Proposal> = forms.iter().map(|form| data(form)).collect();
        proposals.iter_mut().for_each(|p| p.whole = false);
        proposals.extend(self.paths(typed)?.into_iter().map(|p| Proposal { whole: false, ..p }));
        Some(suggestions(line, start, end, proposals))
    }

    /// What is in the folder that `typed` names, each with that folder before it.
    fn paths(&mut self, typed: &str) -> Option<Vec<Proposal>> {
        let (folder, name) = typed.rsplit_once('/').map_or(("", typed), |(f, n)| (&typed[..=f.len()], n));
        let place = match folder.strip_prefix("~/").zip(dirs::home_dir()) {
            Some((rest, home)) => home.join(rest),
            None if folder.is_empty() => PathBuf::from("."),
            None => PathBuf::from(folder),
        };
        let hidden = name.starts_with('.');
        let found = self.listing.list(&Query::Files(place), PATIENCE)?;
        let shown = found.iter().filter(|entry| hidden || !entry.name.starts_with('.'));
        let of = |entry: &super::listing::Entry| {
            let slash = if entry.is_folder { "/" } else { "" };
            Proposal {
                whole: !entry.is_folder,
                ..Proposal::new(format!("{folder}{}{slash}", entry.name), "")
            }
        };
        Some(shown.map(of).collect())
    }

    /// Rust from the answer that is there, if it covers this line; asks for one otherwise.
    fn rust(&mut self, line: Line) -> Option<Vec<Suggestion>> {
        if let Some(answered) = self.answered.as_ref().filter(|a| covers(a, &line)) {
            return Some(rust_suggestions(answered, &line));
        }
        if !self.rust.is_ready() {
            return Some(Vec::new());
        }
        match &self.asked {
            Some(asked) if asked.line == line => self.next = None,
            Some(_) => self.next = Some(line),
            None => self.ask(line),
        }
        None
    }

    fn ask(&mut self, line: Line) {
        self.number += 1;
        self.rust.request(self.number, &line.text[line.from..], line.at - line.from);
        self.asked = Some(Asked { id: self.number, line, since: Instant::now() });
    }

    /// Takes the answer if it has come; says whether it did.
    fn answer(&mut self) -> bool {
        while let Some(answer) = self.rust.poll() {
            let Some(asked) = self.asked.take_if(|asked| asked.id == answer.id) else { continue };
            self.answered = Some(Answered { line: asked.line, answer });
            // Somebody who typed on is served by this answer or asks once more.
            match self.next.take() {
                Some(next) if !self.answered.as_ref().is_some_and(|a| covers(a, &next)) => self.ask(next),
                _ => return true,
            }
        }
        false
    }
}

/// Whether the answer to one line also serves another: the same but for more letters of the same word.
fn covers(answered: &Answered, line: &Line) -> bool {
    let (old, answer) = (&answered.line, &answered.answer);
    let start = old.from + answer.start;
    let typed_on = || {
        let typed = line.text.get(start..line.at)?;
        let before = old.text.get(start..old.at)?;
        let same = line.text.get(..start)? == old.text.get(..start)?
            && line.text.get(line.at..)? == old.text.get(old.at..)?;
        let word = typed.chars().all(|c| c.is_alphanumeric() || c == '_');
        Some(same && word && typed.starts_with(before))
    };
    old == line || (line.from == old.from && typed_on() == Some(true))
}

fn rust_suggestions(answered: &Answered, line: &Line) -> Vec<Suggestion> {
    let start = floor(&line.text, line.from + answered.answer.start).min(line.at);
    let of = |item: &RustProposal| {
        let kind = match item.kind.as_str() {
            "class" => "type",
            "instance" => "value",
            kind => kind,
        };
        let label = if item.label == item.code { String::new() } else { format!(" {}", item.label) };
        Proposal { whole: false, ..Proposal::new(item.code.clone(), format!("{kind}{label}")) }
    };
    suggestions(&line.text, start, line.at, answered.answer.items.iter().map(of).collect())
}

/// `mnist:DIR` is typed on with the folder.
fn data(form: &str) -> Proposal {
    match form.split_once(':') {
        Some((name, _)) => Proposal { whole: false, ..Proposal::new(format!("{name}:"), "with its folder") },
        None => Proposal::new(form, ""),
    }
}

fn flag_suggestions(line: &str, flags: &[Flag], start: usize, end: usize) -> Vec<Suggestion> {
    let given = |flag: &&Flag| {
        !line.split_whitespace().any(|word| word == flag.name) || line[start..end] == flag.name
    };
    let of = |flag: &Flag| Proposal::new(flag.name.clone(), flag.about.clone());
    suggestions(line, start, end, flags.iter().filter(given).map(of).collect())
}

/// As one word for a command line.
fn quoted(path: &str) -> String {
    if path.contains(char::is_whitespace) || path.contains(['\'', '"']) {
        format!("\"{}\"", path.replace('"', "\\\""))
    } else {
        path.to_string()
    }
}

/// Those of `proposals` that fit what stands between `start` and `end`, best first.
fn suggestions(line: &str, start: usize, end: usize, proposals: Vec<Proposal>) -> Vec<Suggestion> {
    let typed = line.get(start..end).unwrap_or_default();
    let found = ranked(typed, proposals.iter().map(|p| p.value.as_str()));
    let of = |r: super::ranking::Ranked| {
        let proposal = &proposals[r.index];
        Suggestion {
            value: proposal.value.clone(),
            description: (!proposal.about.is_empty()).then(|| proposal.about.clone()),
            span: Span::new(start, end),
            append_whitespace: proposal.whole,
            match_indices: (!r.matched.is_empty()).then_some(r.matched),
            ..Suggestion::default()
        }
    };
    found.into_iter().take(MOST).map(of).collect()
}

impl Completer for InputCompleter {
    fn complete(&mut self, line: &str, at: usize) -> CompletionResult {
        match self.propose(line, at) {
            Some(found) => {
                let found: Suggestions = found.into();
                self.last = (Line { text: line.into(), at, from: 0 }, found.clone());
                CompletionResult::fresh(found)
            }
            None => {
                let (line, found) = self.last.clone();
                CompletionResult::stale_or_pending(found, CompletionOrigin::new(line.text, line.at))
            }
        }
    }

    fn poll_completion(&mut self) -> CompletionStatus {
        if self.listing.arrived() | self.answer() {
            return CompletionStatus::Ready;
        }
        if self.asked.as_ref().is_some_and(|asked| asked.since.elapsed() > GIVE_UP) {
            (self.asked, self.next) = (None, None);
        }
        if self.asked.is_some() || self.listing.is_waiting() {
            CompletionStatus::Pending
        } else {
            CompletionStatus::Idle
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A session that answers when it is told to.
    #[derive(Default, Clone)]
    struct Slow {
        asked: Arc<Mutex<Vec<(u64, String, usize)>>>,
        answers: Arc<Mutex<Vec<RustAnswer>>>,
    }

    impl RustCompleter for Slow {
        fn request(&self, id: u64, source: &str, at: usize) {
            self.asked.lock().unwrap().push((id, source.into(), at));
        }
        fn poll(&self) -> Option<RustAnswer> {
            self.answers.lock().unwrap().pop()
        }
    }

    impl Slow {
        fn answer(&self, id: u64, start: usize, end: usize, codes: &[&str]) {
            let item = |code: &&str| RustProposal {
                code: code.to_string(),
                kind: "function".into(),
                label: format!("{code}(..)"),
            };
            let items = codes.iter().map(item).collect();
            self.answers.lock().unwrap().push(RustAnswer { id, start, end, items });
        }
    }

    fn completer(rust: Slow, runs: &Path) -> InputCompleter {
        let train = CommandWords::new("train", "Train an encoder", &[Values::Methods, Values::Data]);
        let tour = CommandWords::new("tour", "", &[]);
        let vocabulary = Vocabulary {
            commands: vec![tour, train, CommandWords::new("eval", "", &[Values::Runs])],
            methods: vec!["simclr".into(), "byol".into()],
            encoders: vec![],
            data: vec!["digits".into(), "mnist:DIR".into()],
        };
        InputCompleter::new(vocabulary, Box::new(rust), runs)
    }

    /// What is proposed once everything that was asked for has come.
    fn values(completer: &mut InputCompleter, line: &str) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let found = completer.complete(line, line.len());
            if !found.is_provisional() {
                return found.suggestions().iter().map(|s| s.value.clone()).collect();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "no answer to {line}");
            completer.poll_completion();
        }
    }

    #[test]
    fn commands_and_values_come_at_once() {
        let mut c = completer(Slow::default(), Path::new("runs"));
        assert_eq!(values(&mut c, ":t"), [":tour", ":train"]);
        assert_eq!(values(&mut c, ":rain"), [":train"]);
        assert_eq!(values(&mut c, ":train s"), ["simclr"]);
        assert_eq!(values(&mut c, ":train simclr "), ["digits", "mnist:"]);
        let found = c.complete(":train", 6);
        let first = &found.suggestions()[0];
        assert_eq!((first.span, first.append_whitespace), (Span::new(0, 6), true));
        assert_eq!(first.description.as_deref(), Some("Train an encoder"));
    }

    #[test]
    fn runs_and_paths_come_from_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("my runs");
        std::fs::create_dir_all(runs.join("simclr-digits-seed7")).unwrap();
        let config = runs.join("simclr-digits-seed7/config.json");
        std::fs::write(&config, r#"{"method": "simclr", "data": "digits"}"#).unwrap();
        let mut c = completer(Slow::default(), &runs);
        let quoted = format!("\"{}\"", runs.join("simclr-digits-seed7").display());
        assert_eq!(values(&mut c, ":eval seed7"), [quoted]);
        let line = format!("open(\"{}/", folder.path().display());
        assert_eq!(values(&mut c, &line), [format!("{}/my runs/", folder.path().display())]);
        let line = format!(":train simclr mnist:{}/m", folder.path().display());
        assert_eq!(values(&mut c, &line), [format!("\"{}/my runs/\"", folder.path().display())]);
    }

    #[test]
    fn rust_is_asked_for_once_and_typing_on_narrows_it() {
        let rust = Slow::default();
        let mut c = completer(rust.clone(), Path::new("runs"));
        assert!(c.complete("z.k", 3).is_pending());
        assert!(c.complete("z.k", 3).is_pending());
        assert_eq!(*rust.asked.lock().unwrap(), [(1, "z.k".to_string(), 3)]);
        assert_eq!(c.poll_completion(), CompletionStatus::Pending);
        rust.answer(1, 2, 3, &["knn", "keep"]);
        assert_eq!(c.poll_completion(), CompletionStatus::Ready);
        assert_eq!(values(&mut c, "z.k"), ["knn", "keep"]);
        assert_eq!(values(&mut c, "z.kn"), ["knn"]);
        assert_eq!(c.poll_completion(), CompletionStatus::Idle);
        let found = c.complete("z.kn", 4);
        assert_eq!(found.suggestions()[0].description.as_deref(), Some("function knn(..)"));
        assert_eq!(found.suggestions()[0].span, Span::new(2, 4));
        assert!(c.complete("z.", 2).is_provisional(), "a shorter word needs another answer");
        assert_eq!(rust.asked.lock().unwrap().len(), 2);
    }

    #[test]
    fn only_the_latest_line_is_asked_for_while_the_session_works() {
        let rust = Slow::default();
        let mut c = completer(rust.clone(), Path::new("runs"));
        for line in ["a.x", "b.x", "c.x"] {
            assert!(c.complete(line, 3).is_provisional());
        }
        assert_eq!(rust.asked.lock().unwrap().len(), 1);
        rust.answer(1, 2, 3, &["xa"]);
        assert_eq!(c.poll_completion(), CompletionStatus::Pending);
        assert_eq!(rust.asked.lock().unwrap()[1], (2, "c.x".to_string(), 3));
        rust.answer(2, 2, 3, &["xc"]);
        assert_eq!(values(&mut c, "c.x"), ["xc"]);
    }

    #[test]
    fn odd_offsets_of_a_session_never_cut_a_character() {
        let rust = Slow::default();
        let mut c = completer(rust.clone(), Path::new("runs"));
        assert!(c.complete("é.x", 4).is_pending());
        rust.answer(1, 1, 99, &["x"]);
        c.poll_completion();
        for suggestion in c.complete("é.x", 4).suggestions() {
            assert!("é.x".is_char_boundary(suggestion.span.start) && suggestion.span.end <= 4);
        }
    }

    #[test]
    fn without_a_session_there_is_no_rust_and_no_waiting() {
        let mut c = InputCompleter::new(Vocabulary::default(), Box::new(()), Path::new("runs"));
        assert!(matches!(c.complete("z.k", 3), CompletionResult::Fresh { .. }));
        assert_eq!(c.poll_completion(), CompletionStatus::Idle);
    }
}
