//! Pieces of text.

use super::{html, Content, Show};
use crate::plot::{escaped, Table};

/// Letters of a sample that are shown.
const LETTERS: usize = 400;
/// Samples that are shown.
const SHOWN: usize = 20;

/// Samples of text, each with a caption: a class, a score, what it is compared with.
///
/// ```
/// use selfsame::display::{Show, TextSamples};
/// let samples = TextSamples::new([("sports", "The match ended 2:1."), ("weather", "Rain in the evening.")]);
/// assert!(samples.content().text().contains("Rain in the evening."));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextSamples {
    samples: Vec<(String, String)>,
}

impl TextSamples {
    /// Samples from captions and texts; a caption may be empty.
    pub fn new<C: Into<String>, T: Into<String>>(samples: impl IntoIterator<Item = (C, T)>) -> TextSamples {
        TextSamples { samples: samples.into_iter().map(|(c, t)| (c.into(), t.into())).collect() }
    }

    /// Captions and texts.
    pub fn samples(&self) -> &[(String, String)] {
        &self.samples
    }

    fn left_out(&self) -> Option<String> {
        let more = self.samples.len().checked_sub(SHOWN).filter(|n| *n > 0)?;
        Some(format!("and {more} more"))
    }
}

impl Show for TextSamples {
    fn content(&self) -> Content {
        let mut table = Table::new(["", "text"]);
        let mut page = String::from("<table><tbody>\n");
        for (caption, text) in self.samples.iter().take(SHOWN) {
            let short = shortened(text);
            table.row([caption.as_str(), short.replace('\n', "⏎ ").as_str()]);
            page += &format!(
                "<tr><th scope=\"row\" style=\"text-align:left\">{}</th><td style=\"text-align:left;white-space:pre-wrap\">{}</td></tr>\n",
                escaped(caption),
                escaped(&short)
            );
        }
        page += "</tbody></table>\n";
        let mut text = table.text();
        if let Some(more) = self.left_out() {
            text = format!("{text}\n{more}");
            page += &html::paragraph(&more);
        }
        Content::new(text).with_html(page)
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_shortened_and_keeps_its_lines() {
        let long = "ä".repeat(LETTERS + 1);
        let content = TextSamples::new([("<b>", "a\n<script>"), ("", long.as_str())]).content();
        let page = content.html().unwrap_or_default();
        assert!(
            page.contains("&lt;b&gt;") && page.contains("a\n&lt;script&gt;") && !page.contains("<script")
        );
        assert!(content.text().contains("a⏎ <script>") && content.text().contains("ä…"));
        let many = TextSamples::new((0..25).map(|i| (i.to_string(), "x")));
        assert!(many.content().text().ends_with("and 5 more"));
        assert!(TextSamples::default().content().html().is_some());
    }
}
