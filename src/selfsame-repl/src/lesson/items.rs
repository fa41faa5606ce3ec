//! Rust source as the items in it, each with its own text: one that does not compile must not take the others with it.
//!
//! This goes by brackets and keywords alone, so that it works on source which does not parse.

use crate::editor::{tokens, Bracket, Kind, Token};

/// What an item may begin with, after attributes and `pub`.
const BEGINNINGS: [&str; 16] = [
    "use",
    "fn",
    "struct",
    "enum",
    "union",
    "impl",
    "trait",
    "mod",
    "const",
    "static",
    "type",
    "unsafe",
    "extern",
    "async",
    "macro_rules",
    "pub",
];
/// Items that end with a brace; others end with a semicolon.
const BRACED: [&str; 8] = ["fn", "struct", "enum", "union", "impl", "trait", "mod", "macro_rules"];
/// Statements that end with a brace.
const BLOCKS: [&str; 7] = ["for", "while", "loop", "if", "else", "match", "unsafe"];

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is called; empty for `use`, `impl` and what has no name.
    pub name: String,
    /// Whether it is a `use`.
    pub is_import: bool,
    /// Its text, documentation and attributes included.
    pub text: String,
    /// The line its text begins in, from 1.
    pub line: usize,
}

impl Item {
    /// A function's declaration, without documentation and body.
    pub fn signature(&self) -> String {
        let mut text = String::new();
        let mut tokens = tokens(&self.text).into_iter().skip_while(|t| t.is_blank() || is_doc(t));
        let body = |t: &Token<'_>| t.kind == Kind::Open(Bracket::Curly);
        tokens.by_ref().take_while(|t| !body(t)).for_each(|t| text += t.text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn is_doc(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Doc { .. })
}

/// The items of `source` in order. Of several with one name the last counts, as in a session. `main` and statements are
/// left out.
pub fn items(source: &str) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    for item in pieces(source) {
        if !item.name.is_empty() {
            found.retain(|earlier| earlier.name != item.name);
        }
        found.push(item);
    }
    found.retain(|item| item.name != "main");
    found
}

/// A session's inputs as one source that has nothing but their items in it.
pub fn without_statements(inputs: &[String]) -> String {
    inputs.iter().flat_map(|input| pieces(input)).map(|item| item.text + "\n\n").collect()
}

fn pieces(source: &str) -> Vec<Item> {
    let mut found = Vec::new();
    let mut piece = Piece::default();
    for token in tokens(source) {
        // A bracket that is not closed ends where the next item plainly begins.
        if piece.depth > 0 && begins_a_line(source, &token) && begins_an_item(&token) {
            found.extend(std::mem::take(&mut piece).item(source));
        }
        if piece.push(&token) {
            found.extend(std::mem::take(&mut piece).item(source));
        }
    }
    found.extend(piece.item(source));
    found
}

fn begins_a_line(source: &str, token: &Token<'_>) -> bool {
    source[..token.start].chars().next_back().is_none_or(|c| c == '\n')
}

fn begins_an_item(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Doc { outer: true, .. })
        || (token.kind == Kind::Keyword && BEGINNINGS.contains(&token.text) && token.text != "unsafe")
}

/// An item or statement that is being read.
#[derive(Default)]
struct Piece {
    /// Where its text begins and ends, in bytes.
    begin: Option<usize>,
    end: usize,
    depth: usize,
    /// Inside of an attribute's brackets.
    attribute: bool,
    after_hash: bool,
    /// Words at the top level, in order.
    words: Vec<String>,
    /// A brace has been opened where only a block may begin.
    block: bool,
}

impl Piece {
    /// Takes a token; whether the piece is complete with it.
    fn push(&mut self, token: &Token<'_>) -> bool {
        if token.is_blank() || matches!(token.kind, Kind::Doc { outer: false, .. }) {
            return false;
        }
        self.begin.get_or_insert(token.start);
        self.end = token.end();
        let after_hash = std::mem::replace(&mut self.after_hash, token.kind == Kind::Punct('#'));
        match token.kind {
            Kind::Open(bracket) => {
                self.attribute |= self.depth == 0 && after_hash;
                self.block |= self.depth == 0 && bracket == Bracket::Curly && self.words.is_empty();
                self.depth += 1;
            }
            Kind::Close(bracket) => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth > 0 || std::mem::take(&mut self.attribute) {
                    return false;
                }
                return bracket == Bracket::Curly && self.ends_with_a_brace();
            }
            Kind::Punct(';') if self.depth == 0 => return true,
            Kind::Ident | Kind::Keyword if self.depth == 0 => self.words.push(token.text.into()),
            _ => {}
        }
        false
    }

    fn is_item(&self) -> bool {
        match self.words.first().map(String::as_str) {
            // A block, not an item.
            Some("unsafe") if self.words.len() == 1 => false,
            Some(first) => BEGINNINGS.contains(&first),
            None => false,
        }
    }

    fn ends_with_a_brace(&self) -> bool {
        let first = self.words.first().map_or("", String::as_str);
        if self.is_item() {
            // `const fn` has a body, `const X: fn()` has none, and a `use` has braces within.
            return first != "use" && self.words.iter().take(4).any(|w| BRACED.contains(&w.as_str()));
        }
        self.block || BLOCKS.contains(&first)
    }

    fn item(self, source: &str) -> Option<Item> {
        let begin = self.begin?;
        if !self.is_item() {
            return None;
        }
        let is_import = self.words.iter().take(2).any(|w| w == "use");
        let kind = self
            .words
            .iter()
            .position(|w| BRACED.contains(&w.as_str()) || ["const", "static", "type"].contains(&w.as_str()));
        let named = kind.filter(|_| !is_import && !self.words.iter().any(|w| w == "impl" || w == "extern"));
        let name = named.and_then(|at| {
            self.words[at + 1..].iter().find(|w| !BEGINNINGS.contains(&w.as_str()) && *w != "mut")
        });
        Some(Item {
            name: name.cloned().unwrap_or_default(),
            is_import,
            text: source[begin..self.end].to_string(),
            line: source[..begin].matches('\n').count() + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str) -> Vec<(String, String)> {
        items(source).into_iter().map(|item| (item.name, item.text)).collect()
    }

    #[test]
    fn a_file_falls_into_its_items() {
        let source = "//! # Title\n\nuse a::{b, c};\n\n/// Doc { of } it.\n#[inline(always)]\nfn one(x: [u8; 2]) -> u8 {\n    \
                      { x[0] }\n}\n\nconst TWO: [u8; 2] = { [1, 2] };\nconst fn three() {}\nstruct Four;\nstruct Five(u8);\n\
                      struct Six { a: u8 }\nimpl Six { fn seven() {} }\npub(crate) type Eight<const N: usize> = [u8; N];\n\
                      macro_rules! nine { () => {} }\nfn main() { one() }\n";
        let found = items(source);
        let names: Vec<&str> = found.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["", "one", "TWO", "three", "Four", "Five", "Six", "", "Eight", "nine"]);
        assert!(found[0].is_import && found[0].text == "use a::{b, c};");
        assert_eq!(found[1].line, 5);
        assert!(found[1].text.starts_with("/// Doc") && found[1].text.ends_with("x[0] }\n}"));
        assert_eq!(found[1].signature(), "#[inline(always)] fn one(x: [u8; 2]) -> u8");
        assert_eq!(found[2].text, "const TWO: [u8; 2] = { [1, 2] };");
    }

    #[test]
    fn statements_are_left_out_and_the_last_of_a_name_counts() {
        let source = "let x = if a { 1 } else { 2 };\nfn f() { 1 }\nfor i in 0..3 { g(i) }\nif a { 1 } else { 2 }\n{ 3 }\n\
                      unsafe { h() }\nprintln!(\"fn no() {}\");\nfn f() { 2 }\nf()";
        assert_eq!(named(source), [("f".to_string(), "fn f() { 2 }".to_string())]);
        let inputs = ["fn a() {}\na()".to_string(), "fn b() {}".to_string()];
        assert_eq!(without_statements(&inputs), "fn a() {}\n\nfn b() {}\n\n");
    }

    #[test]
    fn what_does_not_parse_leaves_the_others_alone() {
        let source = "fn one() { 1 + }\nfn two() -> u8 { 2 }\nfn three( -> { }\n";
        let names: Vec<String> = items(source).into_iter().map(|item| item.name).collect();
        assert_eq!(names, ["one", "two", "three"]);
        let names: Vec<String> = items("fn one() {{\n    fn inner() {}\n/// Two.\nfn two() {}")
            .into_iter()
            .map(|i| i.name)
            .collect();
        assert_eq!(names, ["one", "two"]);
        let names: Vec<String> = items("}} ) fn one() {}").into_iter().map(|item| item.name).collect();
        assert_eq!(names, ["one"]);
        assert_eq!(items(""), []);
    }
}
