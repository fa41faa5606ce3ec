//! Two outputs of one program: the same words, numbers within tolerance.

use regex::Regex;

use crate::output::Output;

/// By how much a number in a figure's description may differ.
const FIGURE_PERCENT: f64 = 20.0;

/// What is not the same, a line each; nothing when all is well.
pub fn differences(kept: &Output, fresh: &Output) -> Vec<String> {
    let names = |output: &Output| output.sections.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    if names(kept) != names(fresh) {
        return vec![format!("sections were {:?}, are {:?}", names(kept), names(fresh))];
    }
    let mut found = Vec::new();
    for (old, new) in kept.sections.iter().zip(&fresh.sections) {
        lines(&old.name, new.percent, &old.lines, &new.lines, &mut found);
    }
    lines("figures", FIGURE_PERCENT, &kept.figures, &fresh.figures, &mut found);
    found
}

fn lines(name: &str, percent: f64, old: &[String], new: &[String], found: &mut Vec<String>) {
    if old.len() != new.len() {
        found.push(format!("{name}: {} lines were kept, now there are {}", old.len(), new.len()));
    }
    for (old, new) in old.iter().zip(new) {
        if !same(old, new, percent) {
            found.push(format!("{name} (numbers within {percent} %):\n  kept  {old}\n  fresh {new}"));
        }
    }
}

/// Whether two lines say the same: words equal but for spaces, numbers within `percent` or one unit of their last
/// place, numbers after `~` whatever they are.
pub fn same(old: &str, new: &str, percent: f64) -> bool {
    let (old, new) = (tokens(old), tokens(new));
    old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| a.agrees(b, percent))
}

enum Token {
    Word(String),
    Number { value: f64, unit: f64 },
    Anything,
}

impl Token {
    fn agrees(&self, other: &Token, percent: f64) -> bool {
        match (self, other) {
            (Token::Word(a), Token::Word(b)) => a == b,
            (Token::Anything, Token::Anything) => true,
            (Token::Number { value: a, unit }, Token::Number { value: b, unit: other }) => {
                let slack = percent / 100.0 * a.abs().max(b.abs()) + 1.001 * unit.max(*other);
                (a - b).abs() <= slack
            }
            _ => false,
        }
    }
}

/// Words without spaces, numbers as numbers.
fn tokens(line: &str) -> Vec<Token> {
    let Ok(number) = Regex::new(r"~?-?\d[\d,]*(\.\d+)?(e-?\d+)?") else { return Vec::new() };
    let mut tokens = Vec::new();
    let word = |text: &str, tokens: &mut Vec<Token>| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if !text.is_empty() {
            tokens.push(Token::Word(text));
        }
    };
    let mut done = 0;
    for found in number.find_iter(line) {
        word(&line[done..found.start()], &mut tokens);
        done = found.end();
        let plain = found.as_str().replace(',', "");
        match plain.parse::<f64>() {
            Ok(value) => tokens.push(Token::Number { value, unit: unit(&plain) }),
            Err(_) if plain.starts_with('~') => tokens.push(Token::Anything),
            Err(_) => tokens.push(Token::Word(plain)),
        }
    }
    word(&line[done..], &mut tokens);
    tokens
}

/// One in the last place that is written.
fn unit(number: &str) -> f64 {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len()) as i32;
    10f64.powi(exponent.parse::<i32>().unwrap_or(0) - decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_must_agree_and_numbers_nearly() {
        assert!(same("kNN 98.1 %", "kNN   97.0 %", 5.0));
        assert!(!same("kNN 98.1 %", "kNN 90.0 %", 5.0));
        assert!(!same("kNN 98.1 %", "probe 98.1 %", 5.0));
        assert!(!same("1 2", "1", 5.0));
        assert!(same("took ~12.3 s", "took ~99 s", 5.0));
        assert!(same("0.001", "0.002", 5.0), "one unit in the last place is rounding");
        assert!(!same("0.001", "0.004", 5.0));
        assert!(same("1e-6 1,293", "1e-6 1,293", 0.0));
    }
}
