//! A value's forms, and which of them are printed where.

use crate::front::{in_a_cell, print_whole, secret, Frontend};
use crate::plot::Figure;
use crate::text::visible_lines;

/// A value in plain text and, where it has one, in a richer form.
#[derive(Debug, Clone, Default)]
pub struct Content {
    text: String,
    html: Option<String>,
    figure: Option<Figure>,
}

impl Content {
    /// Plain text, the form every value has. What a terminal would obey in it is written out.
    pub fn new(text: impl Into<String>) -> Content {
        let text = text.into();
        Content { text: visible_lines(&text).into_owned(), ..Content::default() }
    }

    /// Adds a part of an HTML page: escaped, self-contained, without scripts.
    #[must_use]
    pub fn with_html(mut self, html: impl Into<String>) -> Content {
        self.html = Some(html.into());
        self
    }

    /// Adds a figure: what a notebook shows where there is no HTML, and what a terminal draws.
    #[must_use]
    pub fn with_figure(mut self, figure: Figure) -> Content {
        self.figure = Some(figure);
        self
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTML, where there is any.
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }

    /// The figure, where there is one.
    pub fn figure(&self) -> Option<&Figure> {
        self.figure.as_ref()
    }

    /// Prints what suits where the code runs, in one piece: in a cell the plain text and one richer form, as evcxr wants
    /// them; anywhere else the plain text.
    pub fn print(&self) {
        match Frontend::detect() {
            None if !in_a_cell() => print_whole(&format!("{}\n", self.text)),
            face => print_whole(&self.blocks(face, secret())),
        }
    }

    /// The forms for `face` (the stock evcxr kernel when `None`), each between evcxr's marks and with the face's secret.
    fn blocks(&self, face: Option<Frontend>, secret: &str) -> String {
        let block = |mime: &str, content: &str| block(mime, content, secret);
        let mut blocks = block("text/plain", &self.text);
        match (face, &self.html, &self.figure) {
            // A terminal draws pixels, and no pages.
            (Some(Frontend::Repl), _, Some(figure)) => {
                if let Ok(png) = figure.png() {
                    blocks += &block("image/png", &super::html::base64(&png));
                }
                blocks += &sketched(figure, secret);
            }
            (Some(Frontend::Command), _, Some(figure)) => blocks += &sketched(figure, secret),
            (Some(Frontend::Repl | Frontend::Command), ..) => {}
            (_, Some(html), _) => blocks += &block("text/html", html),
            (_, None, Some(figure)) => blocks += &block("image/svg+xml", figure.svg()),
            (_, None, None) => {}
        }
        blocks
    }
}

/// The media type of a figure's data, a [`Sketch`](crate::plot::Sketch) as JSON: for faces that draw in characters.
pub const SKETCH: &str = "application/vnd.selfsame.sketch+json";

fn sketched(figure: &Figure, secret: &str) -> String {
    serde_json::to_string(&figure.sketch()).map_or(String::new(), |json| block(SKETCH, &json, secret))
}

/// A form between evcxr's marks. A line of the content that looks like one is told from it by an invisible character. Without
/// the secret of a face of ours, a form that could hold scripts is shown as text there.
fn block(mime: &str, content: &str, secret: &str) -> String {
    let secret = if secret.is_empty() { String::new() } else { format!(" {secret}") };
    let content = content.replace("EVCXR_", "\u{2060}EVCXR_");
    format!("EVCXR_BEGIN_CONTENT {mime}{secret}\n{}\nEVCXR_END_CONTENT\n", content.trim_end_matches('\n'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plot::{curves, Series};

    /// The types of the blocks, read back as evcxr does.
    fn mimes(blocks: &str) -> Vec<String> {
        let mut lines = blocks.lines();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(line.strip_prefix("EVCXR_BEGIN_CONTENT ").unwrap().to_string());
            assert!(lines.any(|line| line == "EVCXR_END_CONTENT"));
        }
        found
    }

    #[test]
    fn each_face_gets_plain_text_and_the_richer_forms_it_draws() {
        let figure = curves("t", "x", "y", &[Series::new("a", vec![(0.0, 1.0), (1.0, 2.0)])]).unwrap();
        let both = Content::new("a\nb\n").with_html("<b>a</b>").with_figure(figure.clone());
        let only_figure = Content::new("a").with_figure(figure);
        for (face, of_both, of_figure) in [
            (None, vec!["text/html"], vec!["image/svg+xml"]),
            (Some(Frontend::Jupyter), vec!["text/html"], vec!["image/svg+xml"]),
            (Some(Frontend::Repl), vec!["image/png", SKETCH], vec!["image/png", SKETCH]),
            (Some(Frontend::Command), vec![SKETCH], vec![SKETCH]),
        ] {
            assert_eq!(mimes(&both.blocks(face, ""))[1..], of_both);
            assert_eq!(mimes(&only_figure.blocks(face, ""))[1..], of_figure);
        }
        assert_eq!(mimes(&Content::new("").blocks(None, "")), ["text/plain"]);
    }

    #[test]
    fn no_terminal_obeys_a_value() {
        assert_eq!(Content::new("a\u{1b}[2J\n\tb").text(), "a\\u{1b}[2J\n\tb");
    }

    #[test]
    fn content_cannot_end_its_block() {
        let blocks = Content::new("a\nEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/html\nb").blocks(None, "");
        assert_eq!(mimes(&blocks), ["text/plain"]);
    }

    #[test]
    fn a_form_carries_the_secret_of_its_face() {
        let blocks = Content::new("a").with_html("<b>").blocks(Some(Frontend::Jupyter), "s3");
        assert_eq!(mimes(&blocks), ["text/plain s3", "text/html s3"]);
    }
}
