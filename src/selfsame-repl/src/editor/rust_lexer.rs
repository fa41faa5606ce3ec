//! Rust source as tokens with byte offsets: what highlighting, completion and 'is this input complete' look at.
//!
//! The compiler's own lexer does the work, so raw strings, lifetimes and nested comments are what they are there. This
//! layer knows no grammar.

use ra_ap_rustc_lexer::{
    tokenize, validate_raw_str, FrontmatterAllowed, LiteralKind, RawStrError, TokenKind,
};

/// A kind of bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bracket {
    /// `(` and `)`
    Round,
    /// `[` and `]`
    Square,
    /// `{` and `}`
    Curly,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Spaces and line breaks.
    Space,
    /// A comment that is no documentation; a block comment may lack its end.
    Comment {
        /// Whether its end is there.
        ended: bool,
    },
    /// A documentation comment of what follows it (`///`, `/** */`) or of what it stands in (`//!`).
    Doc {
        /// Whether its end is there.
        ended: bool,
        /// Whether it documents what follows.
        outer: bool,
    },
    /// An identifier that is no keyword.
    Ident,
    /// One of the words the language keeps to itself.
    Keyword,
    /// `'a`
    Lifetime,
    /// A whole or fractional number.
    Number,
    /// `'x'` or `b'x'`; never goes over a line's end.
    Char,
    /// A string of any sort.
    Str {
        /// Whether its closing quote is there.
        ended: bool,
    },
    /// An opening bracket.
    Open(Bracket),
    /// A closing bracket.
    Close(Bracket),
    /// One character of punctuation; `&&` is two of them.
    Punct(char),
    /// What is no Rust.
    Unknown,
}

/// A piece of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'s> {
    /// What it is.
    pub kind: Kind,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Its text.
    pub text: &'s str,
}

impl Token<'_> {
    /// Where it ends, in bytes.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether the compiler skips it.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment { .. })
    }
}

/// The reserved words, weak ones included that read as keywords where a prompt sees them.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false",
    "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
    "self", "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
];

/// The tokens of `source`; together they are all of it.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut start = 0;
    tokenize(source, FrontmatterAllowed::No)
        .map(|token| {
            let text = &source[start..start + token.len as usize];
            let token = Token { kind: kind(token.kind, text), start, text };
            start = token.end();
            token
        })
        .collect()
}

fn kind(kind: TokenKind, text: &str) -> Kind {
    use ra_ap_rustc_lexer::DocStyle;
    match kind {
        TokenKind::Whitespace | TokenKind::Frontmatter { .. } => Kind::Space,
        TokenKind::LineComment { doc_style: None } => Kind::Comment { ended: true },
        TokenKind::LineComment { doc_style: Some(style) } => {
            Kind::Doc { ended: true, outer: style == DocStyle::Outer }
        }
        TokenKind::BlockComment { doc_style: None, terminated } => Kind::Comment { ended: terminated },
        TokenKind::BlockComment { doc_style: Some(style), terminated } => {
            Kind::Doc { ended: terminated, outer: style == DocStyle::Outer }
        }
        TokenKind::Ident if KEYWORDS.contains(&text) => Kind::Keyword,
        TokenKind::Ident | TokenKind::RawIdent | TokenKind::InvalidIdent | TokenKind::UnknownPrefix => {
            Kind::Ident
        }
        TokenKind::Lifetime { .. } | TokenKind::RawLifetime | TokenKind::UnknownPrefixLifetime => {
            Kind::Lifetime
        }
        TokenKind::Literal { kind, .. } => literal(kind, text),
        TokenKind::OpenParen => Kind::Open(Bracket::Round),
        TokenKind::CloseParen => Kind::Close(Bracket::Round),
        TokenKind::OpenBracket => Kind::Open(Bracket::Square),
        TokenKind::CloseBracket => Kind::Close(Bracket::Square),
        TokenKind::OpenBrace => Kind::Open(Bracket::Curly),
        TokenKind::CloseBrace => Kind::Close(Bracket::Curly),
        TokenKind::Unknown | TokenKind::Eof | TokenKind::GuardedStrPrefix => Kind::Unknown,
        _ => text.chars().next().map_or(Kind::Unknown, Kind::Punct),
    }
}

fn literal(kind: LiteralKind, text: &str) -> Kind {
    // Without its number of hashes a raw string is wrong at its beginning, which no further line mends, or lacks its end.
    let open = |prefix| matches!(validate_raw_str(text, prefix), Err(RawStrError::NoTerminator { .. }));
    match kind {
        LiteralKind::Int { .. } | LiteralKind::Float { .. } => Kind::Number,
        LiteralKind::Char { .. } | LiteralKind::Byte { .. } => Kind::Char,
        LiteralKind::Str { terminated }
        | LiteralKind::ByteStr { terminated }
        | LiteralKind::CStr { terminated } => Kind::Str { ended: terminated },
        LiteralKind::RawStr { n_hashes: Some(_) }
        | LiteralKind::RawByteStr { n_hashes: Some(_) }
        | LiteralKind::RawCStr { n_hashes: Some(_) } => Kind::Str { ended: true },
        LiteralKind::RawStr { n_hashes: None } => Kind::Str { ended: !open(1) },
        LiteralKind::RawByteStr { n_hashes: None } | LiteralKind::RawCStr { n_hashes: None } => {
            Kind::Str { ended: !open(2) }
        }
    }
}

/// How the brackets of a source go together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Brackets {
    /// Positions in the list of tokens: an opening bracket and its closing one.
    pub pairs: Vec<(usize, usize)>,
    /// Opening brackets without a closing one, from the outermost.
    pub open: Vec<usize>,
    /// The first closing bracket that closes nothing, or something of another kind. Nothing typed after it helps.
    pub wrong: Option<usize>,
}

/// Pairs the brackets of `tokens`.
pub fn brackets(tokens: &[Token<'_>]) -> Brackets {
    let mut found = Brackets::default();
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open(_) => found.open.push(i),
            Kind::Close(bracket) => match found.open.last() {
                Some(&open) if tokens[open].kind == Kind::Open(bracket) => {
                    found.open.pop();
                    found.pairs.push((open, i));
                }
                _ => {
                    found.wrong = Some(i);
                    return found;
                }
            },
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<(Kind, &str)> {
        tokens(source).iter().filter(|t| t.kind != Kind::Space).map(|t| (t.kind, t.text)).collect()
    }

    #[test]
    fn a_char_is_not_a_lifetime() {
        assert_eq!(
            kinds("'a' 'a b'\\''"),
            [(Kind::Char, "'a'"), (Kind::Lifetime, "'a"), (Kind::Char, "b'\\''"),]
        );
        assert_eq!(kinds("'('")[0], (Kind::Char, "'('"));
    }

    #[test]
    fn raw_strings_end_with_as_many_hashes_as_they_begin_with() {
        assert_eq!(kinds("r#\"a\"b\"#"), [(Kind::Str { ended: true }, "r#\"a\"b\"#")]);
        assert_eq!(kinds("r##\"a\"#")[0].0, Kind::Str { ended: false });
        assert_eq!(kinds("br\"a")[0].0, Kind::Str { ended: false });
        assert_eq!(kinds("\"a\\\"")[0].0, Kind::Str { ended: false });
    }

    #[test]
    fn comments_nest_and_documentation_is_told_apart() {
        assert_eq!(kinds("/* /* */")[0].0, Kind::Comment { ended: false });
        assert_eq!(kinds("/* /* */ */")[0].0, Kind::Comment { ended: true });
        assert_eq!(kinds("/// x")[0].0, Kind::Doc { ended: true, outer: true });
        assert_eq!(kinds("//! x")[0].0, Kind::Doc { ended: true, outer: false });
        assert_eq!(kinds("// (")[0].0, Kind::Comment { ended: true });
    }

    #[test]
    fn tokens_cover_all_of_any_text() {
        for source in ["let größe = \"→\"; // µ", "'", "r###", "\u{0}\u{7f}", "0x 1e 1..2", "#\"a", "🦀 b🦀"]
        {
            let tokens = tokens(source);
            assert_eq!(tokens.iter().map(|t| t.text).collect::<String>(), source);
            assert!(tokens.windows(2).all(|w| w[0].end() == w[1].start), "{source}");
        }
    }

    #[test]
    fn brackets_pair_across_strings_and_chars() {
        let source = "f(\"(\", '(', [a])";
        let all = tokens(source);
        let found = brackets(&all);
        let offsets: Vec<_> = found.pairs.iter().map(|&(a, b)| (all[a].start, all[b].start)).collect();
        assert_eq!((offsets, found.open.len(), found.wrong), (vec![(12, 14), (1, 15)], 0, None));
        assert_eq!(brackets(&tokens("([)")).wrong, Some(2));
        assert_eq!(brackets(&tokens(")")).wrong, Some(0));
        assert_eq!(brackets(&tokens("{(")).open, [0, 1]);
    }
}
