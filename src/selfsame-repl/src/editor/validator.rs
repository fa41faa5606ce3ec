//! Whether an input is complete: Enter runs it, or begins a new line.

use reedline::{ValidationResult, Validator};

use super::input::{continued, InputKind};
use super::rust_lexer::{self, Bracket, Kind, Token};

/// What may be said of a text without compiling it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// It can be run.
    Complete,
    /// Something is open, or its end asks for more.
    Incomplete,
    /// No further line can make it right. It is run, so that the compiler names the fault.
    Hopeless,
}

/// Judges `text`. A command, a question or a shell line is complete unless a backslash ends it; Rust is incomplete
/// while a bracket, string or comment is open, and where its end asks for more: an operator, `.`, `,`, `else`, an
/// attribute, the head of a function or block without its body.
pub fn completeness(text: &str) -> Completeness {
    match InputKind::of(text) {
        InputKind::Empty => Completeness::Complete,
        kind if kind.is_one_line() => match text.lines().last().and_then(continued) {
            Some(_) => Completeness::Incomplete,
            None => Completeness::Complete,
        },
        _ => rust(text),
    }
}

fn rust(text: &str) -> Completeness {
    let tokens = rust_lexer::tokens(text);
    let brackets = rust_lexer::brackets(&tokens);
    if brackets.wrong.is_some() {
        return Completeness::Hopeless;
    }
    let unended = |t: &Token<'_>| {
        matches!(
            t.kind,
            Kind::Str { ended: false } | Kind::Comment { ended: false } | Kind::Doc { ended: false, .. }
        )
    };
    if !brackets.open.is_empty() || tokens.last().is_some_and(unended) {
        return Completeness::Incomplete;
    }
    let solid: Vec<Token<'_>> = tokens.into_iter().filter(|t| !t.is_blank()).collect();
    if asks_for_more(&solid) || lacks_a_body(&solid) {
        Completeness::Incomplete
    } else {
        Completeness::Complete
    }
}

/// Whether the last of `tokens` needs something behind it. Blank tokens are left out before.
fn asks_for_more(tokens: &[Token<'_>]) -> bool {
    let Some(last) = tokens.last() else { return false };
    // Two signs are one operator only without a space between them.
    let before = tokens.len().checked_sub(2).map(|i| &tokens[i]).filter(|t| t.end() == last.start);
    let before = before.map(|t| t.kind);
    match last.kind {
        Kind::Punct(c) => match c {
            // `0..` is a range; `x.` is a chain.
            '.' => before != Some(Kind::Punct('.')),
            // `use a::*` lacks only its semicolon, which the compiler says better.
            '*' => before != Some(Kind::Punct(':')),
            '>' => {
                matches!(before, Some(Kind::Punct('-' | '=')))
                    || !tokens.iter().any(|t| t.kind == Kind::Punct('<'))
            }
            '=' | ',' | '+' | '-' | '/' | '%' | '^' | '&' | '|' | '<' | ':' | '!' => true,
            _ => false,
        },
        Kind::Keyword => {
            matches!(
                last.text,
                "else" | "in" | "as" | "let" | "mut" | "ref" | "move" | "where" | "dyn" | "pub"
            )
        }
        Kind::Doc { outer, .. } => outer,
        Kind::Close(Bracket::Square) => ends_in_an_attribute(tokens),
        _ => false,
    }
}

/// Whether the bracket that closes last opened as `#[`. `#![..]` stands for itself.
fn ends_in_an_attribute(tokens: &[Token<'_>]) -> bool {
    let brackets = rust_lexer::brackets(tokens);
    let Some(&(open, _)) = brackets.pairs.iter().find(|(_, close)| close + 1 == tokens.len()) else {
        return false;
    };
    open > 0 && tokens[open - 1].kind == Kind::Punct('#')
}

/// Words that a block or a semicolon must follow.
const HEADS: &[&str] =
    &["fn", "struct", "enum", "trait", "impl", "mod", "match", "if", "while", "for", "loop", "unsafe"];

/// Whether, outside all brackets, one of [`HEADS`] still waits for its body: `fn f() -> i32`, `if x`.
fn lacks_a_body(tokens: &[Token<'_>]) -> bool {
    let (mut depth, mut waiting) = (0_usize, false);
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open(bracket) => {
                if depth == 0 && bracket == Bracket::Curly {
                    waiting = false;
                }
                depth += 1;
            }
            Kind::Close(_) => depth = depth.saturating_sub(1),
            Kind::Punct(';') if depth == 0 => waiting = false,
            Kind::Keyword if depth == 0 && HEADS.contains(&token.text) => {
                waiting |= is_a_head(token.text, &tokens[..i], tokens.get(i + 1));
            }
            _ => {}
        }
    }
    waiting
}

/// Some heads are also parts of types: `fn(i32)`, `for<'a>`, `impl Fn()` in an argument or behind `->`.
fn is_a_head(word: &str, before: &[Token<'_>], next: Option<&Token<'_>>) -> bool {
    let begins = before.last().is_none_or(|t| {
        matches!(t.kind, Kind::Punct(';' | '!') | Kind::Close(_) | Kind::Doc { .. })
            || matches!(t.text, "unsafe" | "pub" | "default")
    });
    let next = next.map(|t| t.kind);
    match word {
        "fn" => next != Some(Kind::Open(Bracket::Round)),
        "for" => next != Some(Kind::Punct('<')),
        "impl" => begins,
        _ => true,
    }
}

/// How a bracket count goes on line by line, so that reading a long input costs one pass over it.
#[derive(Debug, Default)]
pub(super) struct Scan {
    open: Vec<Bracket>,
    /// Where lexing goes on: behind the last whole token, or where an unended one begins.
    at: usize,
    unended: Option<Unended>,
    hopeless: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unended {
    Str,
    Comment,
}

impl Scan {
    /// Looks at what has been added to `text` since the last call; `line` is the last line of it.
    pub(super) fn extend(&mut self, text: &str, line: &str) {
        let still_open = match self.unended {
            Some(Unended::Str) => !line.contains('"'),
            Some(Unended::Comment) => !line.contains("*/"),
            None => false,
        };
        if still_open || self.hopeless {
            return;
        }
        self.unended = None;
        let begin = self.at;
        for token in rust_lexer::tokens(&text[begin..]) {
            match token.kind {
                Kind::Str { ended: false } => self.unended = Some(Unended::Str),
                Kind::Comment { ended: false } | Kind::Doc { ended: false, .. } => {
                    self.unended = Some(Unended::Comment);
                }
                Kind::Open(bracket) => self.open.push(bracket),
                Kind::Close(bracket) => self.hopeless |= self.open.pop() != Some(bracket),
                _ => {}
            }
            if self.unended.is_some() {
                self.at = begin + token.start;
                return;
            }
            self.at = begin + token.end();
        }
    }

    /// Whether a bracket, string or comment is open that a further line may close.
    pub(super) fn is_open(&self) -> bool {
        !self.hopeless && (self.unended.is_some() || !self.open.is_empty())
    }
}

/// [`completeness`] for the line editor, with a way out: an empty line and another Enter run whatever is there.
#[derive(Debug, Default)]
pub struct InputValidator;

impl Validator for InputValidator {
    fn validate(&self, line: &str) -> ValidationResult {
        let tail = &line[line.trim_end().len()..];
        let insisted = tail.matches('\n').count() >= 2;
        if insisted || completeness(line) != Completeness::Incomplete {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Completeness::{Complete, Hopeless, Incomplete};

    #[track_caller]
    fn all_are(expected: Completeness, texts: &[&str]) {
        for text in texts {
            assert_eq!(completeness(text), expected, "{text}");
        }
    }

    #[test]
    fn open_brackets_strings_and_comments_wait() {
        all_are(Incomplete, &["f(", "let v = vec![1,", "fn f() {", "\"a", "r#\"a\"", "/* /* */", "{ '('"]);
        all_are(Complete, &["f()", "'('", "\"(\"", "// (", "r#\"(\"#", "let x: &'a str = y;", "/* /* */ */"]);
    }

    #[test]
    fn an_end_that_asks_for_more_waits() {
        all_are(
            Incomplete,
            &[
                "let x =",
                "a +",
                "a &&",
                "a ||",
                "v.iter().",
                "x,",
                "if a { 1 } else",
                "a ==",
                "let y:",
                "a as",
                "a |",
                "x.\n// why",
                "fn f() ->",
                "a::",
                "a >",
                "1 -",
                "println!",
                "for i in",
                "0..=",
                "let mut",
            ],
        );
        all_are(Complete, &["0..", "x?", "let v: Vec<u8>", "use a::*", "return", "..", "1.", "a;", "()"]);
    }

    #[test]
    fn a_head_waits_for_its_body() {
        all_are(
            Incomplete,
            &[
                "fn f()",
                "fn f<T>() -> i32\nwhere T: Copy",
                "if a",
                "match x",
                "let y = match x",
                "for i in 0..3",
                "impl Foo",
                "struct S",
                "#[derive(Debug)]",
                "#[derive(Debug)]\n#[allow(dead_code)]",
                "/// what it is",
                "if a { 1 } else if b",
                "unsafe impl Send for A",
            ],
        );
        all_are(
            Complete,
            &[
                "fn f() {}",
                "struct S;",
                "mod m;",
                "if a {}",
                "let f: fn(i32) -> i32 = g",
                "let f: Box<dyn for<'a> Fn(&'a str)> = g",
                "let y = match x { _ => 1 }",
                "#![allow(dead_code)]",
                "let x = v[0]",
                "//! about",
                "let Some(x) = y else { return }",
                "fn f(g: impl Fn()) {}",
            ],
        );
    }

    #[test]
    fn what_nothing_can_mend_is_run() {
        all_are(Hopeless, &[")", "f(]", "fn f() { ( }", "let x = 1)\n"]);
    }

    #[test]
    fn commands_are_one_line() {
        all_are(Complete, &[":train (", "!echo \"", "?Vec<", ":train \\\\", "", "  \n"]);
        all_are(Incomplete, &[":train simclr \\", "!ls \\", ":a \\\n b \\"]);
        all_are(Complete, &[":a \\\n b"]);
    }

    #[test]
    fn two_empty_lines_run_anything() {
        let complete = |text| matches!(InputValidator.validate(text), ValidationResult::Complete);
        assert!(!complete("f(") && !complete("f(\n"));
        assert!(complete("f(\n\n") && complete("f(\n  \n  "));
        assert!(complete("f()") && complete("]"));
    }

    #[test]
    fn a_scan_line_by_line_agrees_with_a_scan_of_everything() {
        let source = "fn f(a: &'a str) {\n  let s = \"x\n ( y\";\n /* a\n (\n */ g(\n 'b', r#\"\n]\"#)\n}\n";
        let (mut text, mut scan) = (String::new(), Scan::default());
        for line in source.lines() {
            text += line;
            scan.extend(&text, line);
            assert_eq!(scan.is_open(), rust(&text) == Incomplete, "{text}");
            text += "\n";
        }
        scan.extend(&(text + ")"), ")");
        assert!(scan.hopeless && !scan.is_open());
    }
}
