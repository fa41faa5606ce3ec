//! What an input is: a `:command`, a `!shell` line, a question or Rust; and how a text falls into inputs.

use super::rust_lexer::{self, Kind, Token};
use super::validator::{completeness, Completeness, Scan};

/// Who answers an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Nothing but spaces.
    Empty,
    /// `:train simclr digits`
    Command,
    /// `!ls`
    Shell,
    /// `?x`: what is this?
    Question,
    /// Everything else.
    Rust,
}

impl InputKind {
    /// The kind of `text`, by its first character. `::std::..` is a path and so Rust.
    pub fn of(text: &str) -> InputKind {
        let text = text.trim_start();
        match text.chars().next() {
            None => InputKind::Empty,
            Some(':') if !text.starts_with("::") => InputKind::Command,
            Some('!') => InputKind::Shell,
            Some('?') => InputKind::Question,
            Some(_) => InputKind::Rust,
        }
    }

    /// Whether an input of this kind is one line, continued only by a backslash at its end.
    pub fn is_one_line(self) -> bool {
        matches!(self, InputKind::Command | InputKind::Shell | InputKind::Question)
    }
}

/// A complete input and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The text, without a final line break.
    pub text: String,
    /// The line its first line is, from 1; for typed input the first line of everything typed so far is 1.
    pub line: usize,
}

impl Input {
    /// Who answers it.
    pub fn kind(&self) -> InputKind {
        InputKind::of(&self.text)
    }
}

/// A command's lines as one: a backslash at a line's end continues it.
pub fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match continued(line) {
            Some(rest) => {
                out.push_str(rest.trim_end());
                out.push(' ');
            }
            None => out.push_str(line),
        }
    }
    out.trim_end().to_string()
}

/// What stands before the backslash that continues a line. Two backslashes are one that means itself.
pub(super) fn continued(line: &str) -> Option<&str> {
    let slashes = line.len() - line.trim_end_matches('\\').len();
    (slashes % 2 == 1).then(|| &line[..line.len() - 1])
}

/// Collects lines until they are a complete input. A line that could still belong to the one before (`.map(..)`,
/// `else {`) is only known by looking at it, so an input comes out when the next one begins, or with [`Lines::end`].
///
/// Rust statements that follow one another without a blank line are one input when each ends in `;`: they are compiled
/// together, which is faster, and a last expression still shows its value.
#[derive(Debug, Default)]
pub struct Lines {
    /// Lines of the input so far; the empty ones and comments at its end may turn out to be nobody's.
    text: String,
    /// Where `text` without them ends.
    whole: usize,
    /// Where the last statement begins that is known to be one of its own.
    statement: usize,
    scan: Scan,
    complete: bool,
    first: usize,
    line: usize,
    /// Whether a blank line stands behind what is there so far.
    apart: bool,
}

impl Lines {
    /// Nothing read yet.
    pub fn new() -> Lines {
        Lines::default()
    }

    /// Takes the next line, without its line break; gives the input that is known to be complete now, if one is.
    pub fn push(&mut self, line: &str) -> Option<Input> {
        self.line += 1;
        let blank = line.trim().is_empty();
        if self.is_empty() {
            if !blank {
                self.begin(line);
            }
            return None;
        }
        if !self.complete {
            self.append(line);
            return None;
        }
        if blank || is_comment(line) {
            self.apart |= blank;
            self.text.push('\n');
            self.text.push_str(line);
            return None;
        }
        match self.goes_on_with(line) {
            GoesOn::No => {
                let done = self.end();
                self.begin(line);
                return done;
            }
            GoesOn::WithTheStatement => {}
            GoesOn::WithAnother => {
                self.statement = self.text.len() + 1;
                self.scan = Scan::default();
            }
        }
        self.append(line);
        None
    }

    /// What is left when no more lines come, complete or not.
    pub fn end(&mut self) -> Option<Input> {
        let last = std::mem::replace(self, Lines { line: self.line, ..Lines::default() });
        let text = last.text[..last.whole].trim_end();
        (!is_comment(text)).then(|| Input { text: text.to_string(), line: last.first })
    }

    /// Bytes held.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether no input has begun.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether the lines so far make a complete input, as far as can be said without the next line.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    fn begin(&mut self, line: &str) {
        *self = Lines { line: self.line, first: self.line, ..Lines::default() };
        self.add(line);
    }

    fn append(&mut self, line: &str) {
        self.text.push('\n');
        self.add(line);
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.whole = self.text.len();
        self.apart = false;
        let statement = &self.text[self.statement..];
        let open = InputKind::of(&self.text) == InputKind::Rust && {
            self.scan.extend(statement, line);
            self.scan.is_open()
        };
        // A comment alone is the beginning of what it stands above.
        self.complete =
            !open && completeness(statement) != Completeness::Incomplete && !is_comment(statement);
    }

    /// Whether `line` belongs to the complete input before it.
    fn goes_on_with(&self, line: &str) -> GoesOn {
        if InputKind::of(&self.text).is_one_line() || InputKind::of(line).is_one_line() {
            return GoesOn::No;
        }
        let tokens = rust_lexer::tokens(&self.text[self.statement..self.whole]);
        match tokens.iter().rfind(|t| !t.is_blank()).map(|t| t.kind) {
            Some(Kind::Punct(';')) if self.apart => GoesOn::No,
            Some(Kind::Punct(';')) => GoesOn::WithAnother,
            _ if continues(line) => GoesOn::WithTheStatement,
            _ => GoesOn::No,
        }
    }
}

/// What a line is to the complete input before it.
enum GoesOn {
    No,
    WithTheStatement,
    WithAnother,
}

fn is_comment(line: &str) -> bool {
    rust_lexer::tokens(line).iter().all(|t| matches!(t.kind, Kind::Space | Kind::Comment { ended: true }))
}

/// Whether a line can only be the rest of something: it begins with `.name`, `else`, `?` or an operator that needs
/// something on its left.
fn continues(line: &str) -> bool {
    let tokens: Vec<Token<'_>> = rust_lexer::tokens(line).into_iter().filter(|t| !t.is_blank()).collect();
    let second = tokens.get(1).map(|t| t.kind);
    match tokens.first().map(|t| (t.kind, t.text)) {
        Some((Kind::Punct('.'), _)) => second != Some(Kind::Punct('.')),
        Some((Kind::Keyword, word)) => matches!(word, "else" | "as" | "where"),
        Some((Kind::Punct(c), _)) => {
            matches!(c, '=' | '+' | '/' | '%' | '^')
                || (c == '&' && second == Some(Kind::Punct('&')))
                || (c == '|' && second == Some(Kind::Punct('|')) && tokens.len() > 2)
        }
        _ => false,
    }
}

/// The inputs of a text, each with its line: what a pasted buffer that begins with commands falls into.
pub fn inputs(text: &str) -> Vec<Input> {
    let mut lines = Lines::new();
    let mut found: Vec<Input> = text.lines().filter_map(|line| lines.push(line)).collect();
    found.extend(lines.end());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String)> {
        inputs(text).into_iter().map(|i| (i.line, i.text)).collect()
    }

    #[track_caller]
    fn are(text: &str, expected: &[(usize, &str)]) {
        let expected: Vec<_> = expected.iter().map(|&(line, text)| (line, text.to_string())).collect();
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn the_first_character_says_who_answers() {
        let of = |text| InputKind::of(text);
        assert_eq!(of("  "), InputKind::Empty);
        assert_eq!(of(" :train"), InputKind::Command);
        assert_eq!(of("::std::mem::swap"), InputKind::Rust);
        assert_eq!(of("!ls"), InputKind::Shell);
        assert_eq!(of("?Vit"), InputKind::Question);
        assert_eq!(of("1 + 1"), InputKind::Rust);
    }

    #[test]
    fn a_backslash_joins_lines_and_two_do_not() {
        assert_eq!(joined(":train simclr \\\n  digits"), ":train simclr   digits");
        assert_eq!(joined("!echo \\\\"), "!echo \\\\");
        assert_eq!(continued("a \\"), Some("a "));
        assert_eq!(continued("a \\\\"), None);
    }

    #[test]
    fn commands_are_a_line_each_and_rust_goes_to_its_end() {
        are(
            ":methods\n:seed 3\nlet x = 1;\nx + 1\n!ls",
            &[(1, ":methods"), (2, ":seed 3"), (3, "let x = 1;\nx + 1"), (5, "!ls")],
        );
        are(":train simclr \\\n digits\n:runs", &[(1, ":train simclr \\\n digits"), (3, ":runs")]);
    }

    #[test]
    fn expressions_are_one_each_and_blank_lines_part_statements() {
        are("1 + 1\n2 + 2", &[(1, "1 + 1"), (2, "2 + 2")]);
        are("let a = 1;\n\nlet b = 2;", &[(1, "let a = 1;"), (3, "let b = 2;")]);
        are("fn f() {\n\n    1;\n}\nf()", &[(1, "fn f() {\n\n    1;\n}"), (5, "f()")]);
    }

    #[test]
    fn chains_and_else_belong_to_the_line_before() {
        are(
            "v.iter()\n    .map(|x| x)\n\n    // why\n    .count()\n..3",
            &[(1, "v.iter()\n    .map(|x| x)\n\n    // why\n    .count()"), (6, "..3")],
        );
        are("if a { 1 }\nelse { 2 }\nb", &[(1, "if a { 1 }\nelse { 2 }"), (3, "b")]);
        are("a\n&& b\n|x| x", &[(1, "a\n&& b"), (3, "|x| x")]);
    }

    #[test]
    fn comments_stay_with_what_follows_or_vanish_at_the_end() {
        are("// the seed\nlet a = 1;\n// the end\n", &[(1, "// the seed\nlet a = 1;")]);
    }

    #[test]
    fn what_is_open_at_the_end_comes_out_for_the_compiler_to_name() {
        are("let x = (1,\n\n", &[(1, "let x = (1,")]);
        are("let x = 1)\nlet y = 2;", &[(1, "let x = 1)"), (2, "let y = 2;")]);
        are("", &[]);
        are("\n\n  \n1", &[(4, "1")]);
    }
}
