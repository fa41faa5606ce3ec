//! How deeply a cell is nested. What reads it calls itself for each level, on a stack that has an end, and takes a time that grows
//! with the square of the depth; neither can be stopped half-way.

use ra_ap_rustc_lexer::{tokenize, FrontmatterAllowed, TokenKind};

use super::fault::{Fault, FaultKind, Spot};

/// Brackets within brackets. The compiler's own limit for most recursion is 128.
const MOST_BRACKETS: usize = 500;
/// Operators, dots and words like `else` in one expression: each makes one level of what is behind it.
const MOST_LINKS: usize = 5000;

/// What is open at a place.
struct Level {
    links: usize,
    /// A block has just ended, and the statement with it unless it goes on.
    ended: bool,
}

impl Level {
    const NEW: Level = Level { links: 0, ended: false };
}

/// What is wrong with `code` if it is nested too deeply to be read.
pub fn too_deep(code: &str) -> Option<Fault> {
    // Most cells cannot be.
    if code.len() < MOST_BRACKETS {
        return None;
    }
    let mut levels = vec![Level::NEW];
    let mut at = 0;
    for token in tokenize(code, FrontmatterAllowed::No) {
        let text = &code[at..at + token.len as usize];
        let begin = at;
        at += text.len();
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => {
                continue
            }
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                levels.push(Level::NEW);
                if levels.len() > MOST_BRACKETS + 1 {
                    let what = format!("Brackets stand in brackets more than {MOST_BRACKETS} deep");
                    return Some(fault(code, begin, what));
                }
            }
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                // One too many is the compiler's to name.
                if levels.len() > 1 {
                    levels.pop();
                }
                if let Some(level) = levels.last_mut() {
                    level.ended = token.kind == TokenKind::CloseBrace;
                }
            }
            kind => {
                let Some(level) = levels.last_mut() else { continue };
                let is_word = kind == TokenKind::Ident;
                let goes_on = if is_word { text == "else" } else { kind != TokenKind::Pound };
                let ended = std::mem::replace(&mut level.ended, false) && !goes_on;
                if ended || matches!(kind, TokenKind::Comma | TokenKind::Semi) {
                    level.links = 0;
                } else if is_link(kind, text) {
                    level.links += 1;
                    if level.links > MOST_LINKS {
                        let what = format!("One expression has more than {MOST_LINKS} operators and calls");
                        return Some(fault(code, begin, what));
                    }
                }
            }
        }
    }
    None
}

/// Whether a token makes one more level.
fn is_link(kind: TokenKind, text: &str) -> bool {
    match kind {
        TokenKind::Ident => {
            matches!(text, "else" | "return" | "break" | "move" | "as" | "dyn" | "impl" | "for" | "mut")
        }
        TokenKind::RawIdent | TokenKind::Literal { .. } | TokenKind::Lifetime { .. } => false,
        _ => true,
    }
}

fn fault(code: &str, at: usize, what: String) -> Fault {
    let before = &code[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let mut fault =
        Fault::new(FaultKind::CompileError, format!("{what} in line {line}; it is not compiled."))
            .remedy("Give parts of it names with `let`, or put the values into a file and read them.");
    // A line of a thousand brackets is not worth showing.
    if column < 100 {
        let spot = Spot { line, column, end: column + 1, label: "here".into(), is_primary: true };
        fault.spots.push(spot);
    }
    fault
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("let x = {}1{};", "(".repeat(depth), ")".repeat(depth))
    }

    #[test]
    fn brackets_have_a_depth() {
        assert_eq!(too_deep(&nested(MOST_BRACKETS)), None);
        for depth in [MOST_BRACKETS + 1, 80_000, 1_000_000] {
            let fault = too_deep(&nested(depth)).unwrap();
            assert!(fault.summary.contains("500 deep in line 1"), "{fault}");
        }
        for (open, close) in [("[", "]"), ("{", "}"), ("if true {", "}"), ("(|| ", ")"), ("Some(", ")")] {
            let code = open.repeat(600) + &close.repeat(600);
            assert!(too_deep(&code).is_some(), "{open}");
            // Side by side they are not nested.
            assert_eq!(too_deep(&format!("{open}{close};").repeat(600)), None, "{open}");
        }
        assert_eq!(too_deep(&format!("\"{}\"; // {}", "(".repeat(9000), "[".repeat(9000))), None);
        assert_eq!(too_deep(&")".repeat(9000)), None);
    }

    #[test]
    fn an_expression_has_an_end() {
        for link in [
            "1 + ",
            "!",
            "-",
            "*",
            "&",
            "&mut ",
            "a.b().",
            "|x| ",
            "return ",
            "x = ",
            "Vec<",
            "a::",
            "if a {} else ",
            "1 as ",
        ] {
            assert!(too_deep(&link.repeat(80_000)).is_some(), "{link}");
            assert_eq!(too_deep(&link.repeat(500)), None, "{link}");
        }
    }

    #[test]
    fn long_cells_are_none_of_this() {
        for piece in [
            "let x = a.b() + 1;\n",
            "fn f(a: &str) -> Vec<u8> { a.into() }\n",
            "#[derive(Debug)]\nstruct S {}\n",
            "if a {}\n",
        ] {
            assert_eq!(too_deep(&piece.repeat(20_000)), None, "{piece}");
        }
        assert_eq!(too_deep(&format!("vec![{}]", "-1.0, ".repeat(100_000))), None);
    }
}
