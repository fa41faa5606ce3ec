//! What stands at the cursor: which kind of thing a completion there would be.

use std::ops::Range;

use super::highlighter::words;
use super::input::InputKind;
use super::rust_lexer::{self, Kind};
use super::vocabulary::{CommandWords, Flag, Values, Vocabulary};

/// What may be proposed at the cursor, and which bytes of the line it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A command's name; the range holds its colon.
    Command(Range<usize>),
    /// One of these flags.
    Flags(Vec<Flag>, Range<usize>),
    /// A command's own command or its argument.
    Argument(Vec<CommandWords>, Values, Range<usize>),
    /// A path inside a string of Rust, without its quotes.
    Path(Range<usize>),
    /// Rust that begins at this byte of the line.
    Rust(usize),
    /// Nothing.
    Nothing,
}

impl Place {
    /// What stands at byte `at` of `line`.
    pub fn at(line: &str, at: usize, vocabulary: &Vocabulary) -> Place {
        let at = floor(line, at);
        let start = line.len() - line.trim_start().len();
        match InputKind::of(line) {
            InputKind::Command if at > start => command(line, start, at, vocabulary),
            InputKind::Question => {
                rust(line, line.len() - line.trim_start().trim_start_matches('?').len(), at)
            }
            InputKind::Shell => Place::Argument(Vec::new(), Values::Files, word_before(line, start + 1, at)),
            InputKind::Rust | InputKind::Empty => rust(line, 0, at),
            InputKind::Command => Place::Nothing,
        }
    }
}

/// The largest character boundary at or below `at`.
pub(super) fn floor(line: &str, at: usize) -> usize {
    (0..=at.min(line.len())).rev().find(|&i| line.is_char_boundary(i)).unwrap_or(0)
}

fn command(line: &str, start: usize, at: usize, vocabulary: &Vocabulary) -> Place {
    let before = words(&line[..at], start);
    let Some(name) = before.first().cloned().filter(|name| name.end < at) else {
        return Place::Command(start..at);
    };
    let Some(mut command) = vocabulary.command(&line[name.start + 1..name.end]) else {
        return Place::Nothing;
    };
    let current = word_before(line, name.end, at);
    let mut position = 0;
    let mut waiting: Option<&Flag> = None;
    for word in before[1..].iter().filter(|word| word.end < at || word.start < current.start) {
        let text = &line[word.clone()];
        if waiting.take().is_some() {
            continue;
        }
        if let Some(flag) = command.flag(text) {
            waiting = flag.value.is_some().then_some(flag);
        } else if !text.starts_with("--") {
            match command.commands.iter().find(|c| c.name == text).filter(|_| position == 0) {
                Some(own) => command = own,
                None => position += 1,
            }
        }
    }
    if let Some(values) = waiting.and_then(|flag| flag.value.clone()) {
        return Place::Argument(Vec::new(), values, current);
    }
    let text = &line[current.clone()];
    if let Some((flag, _)) = text.split_once('=').filter(|_| text.starts_with("--")) {
        let values = command.flag(flag).and_then(|f| f.value.clone()).unwrap_or_default();
        return Place::Argument(Vec::new(), values, current.start + flag.len() + 1..current.end);
    }
    if text.starts_with('-') {
        return Place::Flags(command.flags.clone(), current);
    }
    match command.argument(position) {
        Values::Rust => rust(line, before.get(1).map_or(current.start, |word| word.start), at),
        values => {
            let own = if position == 0 { command.commands.clone() } else { Vec::new() };
            Place::Argument(own, values, current)
        }
    }
}

/// The word that ends at `at`; empty behind a space.
fn word_before(line: &str, from: usize, at: usize) -> Range<usize> {
    let from = from.min(at);
    words(&line[..at], from).last().cloned().filter(|word| word.end == at).unwrap_or(at..at)
}

fn rust(line: &str, from: usize, at: usize) -> Place {
    if at < from {
        return Place::Nothing;
    }
    for token in rust_lexer::tokens(&line[from..]) {
        let (start, end) = (from + token.start, from + token.end());
        // At its end a comment or string still holds the cursor only when it lacks its end.
        match token.kind {
            Kind::Comment { ended } | Kind::Doc { ended, .. } if start < at => {
                let line_comment = token.text.starts_with("//");
                if at < end || (at == end && (line_comment || !ended)) {
                    return Place::Nothing;
                }
            }
            Kind::Str { ended } if start < at && (at < end || (at == end && !ended)) => {
                let quote = token.text.find('"').map_or(end, |q| start + q + 1);
                return if at < quote { Place::Nothing } else { Place::Path(quote..at) };
            }
            Kind::Char if start < at && at < end => return Place::Nothing,
            _ => {}
        }
    }
    Place::Rust(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let train = CommandWords {
            flags: vec![
                Flag { name: "--lr".into(), about: String::new(), value: Some(Values::Any) },
                Flag { name: "--encoder".into(), about: String::new(), value: Some(Values::Encoders) },
                Flag { name: "--json".into(), about: String::new(), value: None },
            ],
            ..CommandWords::new("train", "", &[Values::Methods, Values::Data])
        };
        let info = CommandWords::new("info", "", &[Values::Data]);
        let data = CommandWords { commands: vec![info], ..CommandWords::new("data", "", &[]) };
        let compare = CommandWords { repeats: true, ..CommandWords::new("compare", "", &[Values::Runs]) };
        let time = CommandWords::new("time", "", &[Values::Rust]);
        Vocabulary { commands: vec![train, data, compare, time], ..Vocabulary::default() }
    }

    /// The place at the bar, which is taken out.
    fn at(line: &str) -> Place {
        let cursor = line.find('|').unwrap_or(line.len());
        Place::at(&line.replace('|', ""), cursor, &vocabulary())
    }

    #[track_caller]
    fn argument(line: &str, values: Values, range: Range<usize>) {
        assert_eq!(at(line), Place::Argument(Vec::new(), values, range), "{line}");
    }

    #[test]
    fn a_command_is_read_word_by_word() {
        assert_eq!(at(":tr"), Place::Command(0..3));
        assert_eq!(at(" :|tr"), Place::Command(1..2));
        argument(":train ", Values::Methods, 7..7);
        argument(":train sim", Values::Methods, 7..10);
        argument(":train simclr d", Values::Data, 14..15);
        argument(":train simclr --lr 0.1 d", Values::Data, 23..24);
        argument(":train --json simclr ", Values::Data, 21..21);
        argument(":train simclr digits --encoder v", Values::Encoders, 31..32);
        argument(":train --encoder=v", Values::Encoders, 17..18);
        argument(":train simclr digits more", Values::Any, 21..25);
        argument(":compare a b c", Values::Runs, 13..14);
        argument(":data info mnist:", Values::Data, 11..17);
        assert!(matches!(at(":data i"), Place::Argument(own, _, _) if own.len() == 1));
        assert!(
            matches!(at(":train simclr --e"), Place::Flags(flags, r) if flags.len() == 3 && r == (14..17))
        );
        assert_eq!(at(":nonsense a"), Place::Nothing);
        argument("!ls src/ma", Values::Files, 4..10);
    }

    #[test]
    fn rust_is_completed_but_not_in_comments_or_chars() {
        assert_eq!(at("z.kn"), Place::Rust(0));
        assert_eq!(at(":time z.kn"), Place::Rust(6));
        assert_eq!(at("?Vi"), Place::Rust(1));
        assert_eq!(at("// a|b"), Place::Nothing);
        assert_eq!(at("// ab|"), Place::Nothing);
        assert_eq!(at("/* a */|"), Place::Rust(0));
        assert_eq!(at("'a|'"), Place::Nothing);
        assert_eq!(at(""), Place::Rust(0));
    }

    #[test]
    fn inside_a_string_paths_are_completed() {
        assert_eq!(at("open(\"data/mn|ist\")"), Place::Path(6..13));
        assert_eq!(at("open(r#\"da"), Place::Path(8..10));
        assert_eq!(at("open(\"a\"|)"), Place::Rust(0));
        assert_eq!(at("\"größe/ü|"), Place::Path(1..11));
    }

    #[test]
    fn a_cursor_inside_a_character_is_moved_before_it() {
        assert_eq!(floor("aé", 2), 1);
        assert_eq!(floor("aé", 9), 3);
        assert_eq!(Place::at("\"é", 2, &vocabulary()), Place::Path(1..1));
    }
}
