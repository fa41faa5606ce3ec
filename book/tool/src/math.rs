//! `$...$` and `$$...$$` as MathML, which browsers draw by themselves: no script, no font, no network.

use anyhow::{anyhow, Result};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{push_mathml, Storage};

/// The page with every formula replaced. Code is left alone.
///
/// # Errors
/// A formula that cannot be read, with its line, counted from 1.
pub fn replaced(page: &str) -> Result<String, (usize, anyhow::Error)> {
    let options = Options::ENABLE_MATH | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    let line = |at: usize| page[..at].matches('\n').count() + 1;
    let mut out = String::with_capacity(page.len());
    let (mut done, mut in_code) = (0, false);
    for (event, range) in Parser::new_ext(page, options).into_offset_iter() {
        let (latex, block) = match &event {
            Event::InlineMath(latex) => (latex, false),
            Event::DisplayMath(latex) => (latex, true),
            Event::Start(Tag::CodeBlock(_)) | Event::End(TagEnd::CodeBlock) => {
                in_code = !in_code;
                continue;
            }
            // What Markdown does not take for a formula would stand there as text.
            Event::Text(_) if !in_code && page[range.start..].starts_with("$\\") => {
                let rest = page[range.start..].lines().next().unwrap_or_default();
                return Err((line(range.start), anyhow!("`{rest}` has no end, or braces that do not match")));
            }
            _ => continue,
        };
        let line = line(range.start);
        let formula =
            mathml(latex, block).map_err(|e| (line, anyhow!("the formula `{latex}` cannot be read: {e}")))?;
        out.push_str(&page[done..range.start]);
        out.push_str(&formula);
        done = range.end;
    }
    out.push_str(&page[done..]);
    Ok(out)
}

/// One formula.
fn mathml(latex: &str, block: bool) -> Result<String> {
    let storage = Storage::new();
    let events: Vec<_> = pulldown_latex::Parser::new(latex, &storage).collect();
    if let Some(Err(e)) = events.iter().find(|event| event.is_err()) {
        return Err(anyhow!("{}", e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    let display_mode = if block { DisplayMode::Block } else { DisplayMode::Inline };
    let mut formula = String::new();
    push_mathml(&mut formula, events.into_iter(), RenderConfig { display_mode, ..RenderConfig::default() })?;
    // pulldown-latex 0.7 leaves out a blank before the size of a large bracket.
    let formula = formula.replace('\n', " ").replace("\"minsize=", "\" minsize=");
    Ok(markdown_proof(&formula))
}

/// The same HTML with every sign of its text that Markdown would take for its own written as a number.
fn markdown_proof(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ => {}
        }
        match c {
            '*' | '_' | '|' | '`' | '[' | ']' | '\\' | '~' | '$' | '\'' | '"' | '-' | '{' | '}'
                if !in_tag =>
            {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_mathml_and_all_else_stays() {
        let page =
            "Cost $\\ln(2N-1)$ here.\n\n$$\\frac{a}{b}$$\n\nNot `$x$`.\n\n```text\n$y$ costs 3$\n```\n";
        let made = replaced(page).unwrap();
        assert_eq!(made.matches("<math").count(), 2, "{made}");
        assert!(made.contains("<mfrac>") && made.contains("display=\"block\""), "{made}");
        assert!(made.contains("Not `$x$`.") && made.contains("$y$ costs 3$"), "{made}");
        assert!(made.starts_with("Cost <math") && made.contains("</math> here."), "{made}");
    }

    #[test]
    fn nothing_in_a_formula_is_markdown() {
        let made = replaced("| a | b |\n|---|---|\n| $\\|z\\|_2 * x_i * y_i$ | c |\n").unwrap();
        let row = made.lines().nth(2).unwrap();
        let text: String =
            row.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
        assert!(!text.trim_end_matches(" | c |").contains(['|', '*', '_']), "{row}");
    }

    #[test]
    fn attributes_are_apart() {
        let made = replaced("$\\big( a \\Big)$").unwrap();
        assert!(made.contains("stretchy=\"true\" minsize="), "{made}");
    }

    #[test]
    fn a_wrong_formula_is_named_with_its_line() {
        for wrong in ["\\frac{a", "\\nosuchcommand{a}"] {
            let (line, e) = replaced(&format!("fine\n\nbroken ${wrong}$ here\n")).unwrap_err();
            assert_eq!(line, 3);
            assert!(e.to_string().contains(wrong), "{e}");
        }
    }
}
