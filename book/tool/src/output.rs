//! What a program printed, in the form the book keeps: sections between mdBook's anchors.

use regex::Regex;

/// A program's output, cut at its `== name` lines.
pub struct Output {
    /// Name, tolerance in percent, lines; the first has no name.
    pub sections: Vec<Section>,
    /// The `figure NAME.svg: in words` lines.
    pub figures: Vec<String>,
}

/// The lines from one `== name` to the next.
pub struct Section {
    pub name: String,
    pub percent: f64,
    pub lines: Vec<String>,
}

/// By how much numbers may differ where the section does not say.
pub const PERCENT: f64 = 5.0;

impl Output {
    /// Cuts what a program printed.
    pub fn of(printed: &str) -> Output {
        let mut output = Output { sections: vec![Section::new("all", PERCENT)], figures: Vec::new() };
        for line in printed.lines() {
            if line.starts_with("figure ") && line.contains(".svg: ") {
                output.figures.push(line.to_string());
            } else if let Some((name, percent)) = heading(line) {
                output.sections.push(Section::new(name, percent));
            } else if let Some(section) = output.sections.last_mut() {
                section.lines.push(line.trim_end().to_string());
            }
        }
        for section in &mut output.sections {
            while section.lines.last().is_some_and(|line| line.is_empty()) {
                section.lines.pop();
            }
        }
        output.sections.retain(|section| !section.lines.is_empty());
        output
    }

    /// The file in `book/src/output`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Section { name, percent, lines } in &self.sections {
            text += &format!(
                "== {name} (numbers within {percent} %)\nANCHOR: {name}\n{}\nANCHOR_END: {name}\n\n",
                lines.join("\n")
            );
        }
        for figure in &self.figures {
            text += figure;
            text.push('\n');
        }
        text
    }

    /// Reads such a file back.
    pub fn read(text: &str) -> Output {
        let plain: Vec<&str> =
            text.lines().filter(|l| !l.starts_with("ANCHOR: ") && !l.starts_with("ANCHOR_END: ")).collect();
        Output::of(&plain.join("\n"))
    }
}

impl Section {
    fn new(name: &str, percent: f64) -> Section {
        Section { name: name.into(), percent, lines: Vec::new() }
    }
}

/// `== name (numbers within 8 %)`
fn heading(line: &str) -> Option<(&str, f64)> {
    let rest = line.strip_prefix("== ")?;
    let Some((name, tail)) = rest.split_once(' ') else { return Some((rest, PERCENT)) };
    let number = Regex::new(r"^\(numbers within ([0-9.]+) %\)$").ok()?;
    let percent = number.captures(tail)?.get(1)?.as_str().parse().ok()?;
    Some((name, percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_read_back_as_it_was_written() {
        let printed =
            "\n== a\none 1\n\n== b (numbers within 10 %)\ntwo\nfigure 03_x.svg: x goes from 1 to 2\n";
        let text = Output::of(printed).text();
        assert!(text.contains("ANCHOR: a\none 1\nANCHOR_END: a\n"), "{text}");
        let again = Output::read(&text);
        assert_eq!(again.text(), text);
        assert_eq!((again.sections.len(), again.sections[1].percent, again.figures.len()), (2, 10.0, 1));
    }
}
