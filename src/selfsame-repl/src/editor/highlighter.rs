//! Colours of what is being typed.

use std::ops::Range;
use std::sync::Arc;

use nu_ansi_term::Style;
use reedline::{Highlighter, StyledText};

use super::input::InputKind;
use super::rust_lexer::{self, Brackets, Kind, Token};
use super::theme::Theme;

/// Texts longer than this stay uncoloured, so that a pasted novel does not make every key slow.
const MOST_BYTES: usize = 100_000;

/// Colours commands by whether they exist and Rust by its tokens; shows the partner of the bracket at the cursor.
pub struct InputHighlighter {
    theme: Theme,
    commands: Arc<[String]>,
}

impl InputHighlighter {
    /// `commands` are the names that exist, without their colon.
    pub fn new(theme: Theme, commands: impl IntoIterator<Item = String>) -> InputHighlighter {
        InputHighlighter { theme, commands: commands.into_iter().collect() }
    }

    /// Every piece of `line` that is not plain, in order.
    fn styles(&self, line: &str, cursor: usize) -> Vec<(Range<usize>, Style)> {
        match InputKind::of(line) {
            InputKind::Command => self.command(line),
            InputKind::Shell => vec![(bang(line), self.theme.command)],
            InputKind::Question => {
                let end = line.len() - line.trim_start().trim_start_matches('?').len();
                let mut styles = vec![(line.len() - line.trim_start().len()..end, self.theme.command)];
                styles.extend(self.rust(line, end, cursor));
                styles
            }
            _ => self.rust(line, 0, cursor),
        }
    }

    /// A command: its name, then flags, numbers and strings. A name that could still become one is not yet wrong.
    fn command(&self, line: &str) -> Vec<(Range<usize>, Style)> {
        let theme = &self.theme;
        let start = line.len() - line.trim_start().len();
        let length = line[start..].find(char::is_whitespace);
        let end = length.map_or(line.len(), |n| start + n);
        let name = &line[start + 1..end];
        let known = self.commands.iter().any(|c| c == name);
        let possible = length.is_none() && self.commands.iter().any(|c| c.starts_with(name));
        let style = if known || possible { theme.command } else { theme.wrong };
        let mut styles = vec![(start..end, style)];
        for word in words(line, end) {
            let text = &line[word.clone()];
            let style = match text.as_bytes().first() {
                Some(b'"' | b'\'') => theme.string,
                Some(b'-') if text.len() > 1 && text.parse::<f64>().is_err() => theme.flag,
                _ if text.parse::<f64>().is_ok() => theme.number,
                _ => continue,
            };
            styles.push((word, style));
        }
        styles
    }

    /// Rust from `from` on.
    fn rust(&self, line: &str, from: usize, cursor: usize) -> Vec<(Range<usize>, Style)> {
        let tokens = rust_lexer::tokens(&line[from..]);
        let brackets = rust_lexer::brackets(&tokens);
        let matched = matched(&tokens, &brackets, cursor.wrapping_sub(from));
        let mut attribute = 0..0;
        let mut styles = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            if let Some(found) = attribute_at(&tokens, &brackets, i) {
                attribute = found;
            }
            let style = if matched.is_some_and(|(a, b)| i == a || i == b) {
                self.theme.matched
            } else if brackets.wrong == Some(i) {
                self.theme.wrong
            } else if attribute.contains(&i) && !matches!(token.kind, Kind::Str { .. }) {
                self.theme.mark
            } else {
                self.token(&tokens, i)
            };
            if style != Style::default() {
                styles.push((from + token.start..from + token.end(), style));
            }
        }
        styles
    }

    fn token(&self, tokens: &[Token<'_>], i: usize) -> Style {
        let theme = &self.theme;
        let next = || tokens.get(i + 1).map(|t| t.kind);
        match tokens[i].kind {
            Kind::Comment { .. } | Kind::Doc { .. } => theme.comment,
            Kind::Keyword => theme.keyword,
            Kind::Lifetime => theme.mark,
            Kind::Number => theme.number,
            Kind::Char | Kind::Str { .. } => theme.string,
            Kind::Ident if tokens[i].text.starts_with(char::is_uppercase) => theme.type_name,
            Kind::Ident => match next() {
                Some(Kind::Open(rust_lexer::Bracket::Round) | Kind::Punct('!')) => theme.call,
                _ => Style::default(),
            },
            _ => Style::default(),
        }
    }
}

/// The tokens of the attribute that begins at `i`.
fn attribute_at(tokens: &[Token<'_>], brackets: &Brackets, i: usize) -> Option<Range<usize>> {
    if tokens[i].kind != Kind::Punct('#') {
        return None;
    }
    let bang = usize::from(tokens.get(i + 1)?.kind == Kind::Punct('!'));
    let open = i + 1 + bang;
    let end = brackets.pairs.iter().find(|(o, _)| *o == open).map(|(_, close)| close + 1);
    (tokens.get(open)?.kind == Kind::Open(rust_lexer::Bracket::Square))
        .then(|| i..end.unwrap_or(tokens.len()))
}

/// The pair whose opening or closing bracket is at the cursor, or just before it, as after typing it.
fn matched(tokens: &[Token<'_>], brackets: &Brackets, cursor: usize) -> Option<(usize, usize)> {
    let at = |offset: usize| {
        brackets.pairs.iter().copied().find(|&(a, b)| tokens[a].start == offset || tokens[b].start == offset)
    };
    at(cursor).or_else(|| cursor.checked_sub(1).and_then(at))
}

/// `!` and the program's name.
fn bang(line: &str) -> Range<usize> {
    let start = line.len() - line.trim_start().len();
    let name = line[start + 1..].trim_start();
    let begin = line.len() - name.len();
    start..begin + name.find(char::is_whitespace).unwrap_or(name.len())
}

/// Where the words of a command line behind `from` stand; quotes hold words together.
pub(super) fn words(line: &str, from: usize) -> Vec<Range<usize>> {
    let (mut found, mut start, mut quote) = (Vec::new(), None, None);
    for (i, c) in line[from..].char_indices() {
        let i = from + i;
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c.is_whitespace() => found.extend(start.take().map(|s| s..i)),
            None => {
                start.get_or_insert(i);
                quote = (c == '"' || c == '\'').then_some(c);
            }
        }
    }
    found.extend(start.map(|s| s..line.len()));
    found
}

impl Highlighter for InputHighlighter {
    fn highlight(&self, line: &str, cursor: usize) -> StyledText {
        let mut text = StyledText::new();
        let mut done = 0;
        if !self.theme.is_plain() && line.len() <= MOST_BYTES {
            for (range, style) in self.styles(line, cursor) {
                if range.start > done {
                    text.push((Style::default(), line[done..range.start].to_string()));
                }
                done = range.end;
                text.push((style, line[range].to_string()));
            }
        }
        if done < line.len() || line.is_empty() {
            text.push((Style::default(), line[done..].to_string()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::ThemeName;
    use super::*;

    fn theme() -> Theme {
        Theme::new(ThemeName::Auto, true)
    }

    fn painter() -> InputHighlighter {
        InputHighlighter::new(theme(), ["train".to_string(), "tour".to_string()])
    }

    #[track_caller]
    fn painted(line: &str, cursor: usize, expected: &[(Style, &str)]) {
        let text = painter().highlight(line, cursor);
        let styled: Vec<(Style, &str)> = text
            .buffer
            .iter()
            .filter(|(s, _)| *s != Style::default())
            .map(|(s, t)| (*s, t.as_str()))
            .collect();
        assert_eq!(styled, expected);
        assert_eq!(text.raw_string(), line);
    }

    #[test]
    fn rust_is_painted_by_its_tokens() {
        let t = theme();
        painted(
            "let x: &'a str = f(\"a\", 'b', 1.5); // é",
            99,
            &[
                (t.keyword, "let"),
                (t.mark, "'a"),
                (t.call, "f"),
                (t.string, "\"a\""),
                (t.string, "'b'"),
                (t.number, "1.5"),
                (t.comment, "// é"),
            ],
        );
        painted(
            "#[derive(Debug)] Vit",
            99,
            &[
                (t.mark, "#"),
                (t.mark, "["),
                (t.mark, "derive"),
                (t.mark, "("),
                (t.mark, "Debug"),
                (t.mark, ")"),
                (t.mark, "]"),
                (t.type_name, "Vit"),
            ],
        );
    }

    #[test]
    fn the_bracket_at_the_cursor_shows_its_partner() {
        let t = theme();
        painted("(a[0])", 0, &[(t.matched, "("), (t.number, "0"), (t.matched, ")")]);
        painted("(a[0])", 6, &[(t.matched, "("), (t.number, "0"), (t.matched, ")")]);
        painted("(a[0])", 2, &[(t.matched, "["), (t.number, "0"), (t.matched, "]")]);
        painted("(a]", 1, &[(t.wrong, "]")]);
    }

    #[test]
    fn a_command_is_wrong_once_it_can_be_none() {
        let t = theme();
        painted(
            ":train simclr --lr 1e-3 'my runs'",
            0,
            &[(t.command, ":train"), (t.flag, "--lr"), (t.number, "1e-3"), (t.string, "'my runs'")],
        );
        painted(":t", 0, &[(t.command, ":t")]);
        painted(":t ", 0, &[(t.wrong, ":t")]);
        painted(":x", 0, &[(t.wrong, ":x")]);
        painted("!ls -l", 0, &[(t.command, "!ls")]);
        painted("!", 0, &[(t.command, "!")]);
        painted("??Vit", 0, &[(t.command, "??"), (t.type_name, "Vit")]);
    }

    #[test]
    fn without_colour_and_for_huge_texts_nothing_is_styled() {
        let plain = InputHighlighter::new(Theme::default(), []);
        assert_eq!(plain.highlight("let x", 0).render_simple(), "let x");
        let huge = "let ".repeat(MOST_BYTES);
        assert_eq!(painter().highlight(&huge, 0).buffer.len(), 1);
        assert_eq!(painter().highlight("", 0).raw_string(), "");
    }

    #[test]
    fn words_are_held_together_by_quotes() {
        let line = ":a \"b c\" d'e f' g";
        let found: Vec<&str> = words(line, 2).into_iter().map(|r| &line[r]).collect();
        assert_eq!(found, ["\"b c\"", "d'e f'", "g"]);
    }
}
