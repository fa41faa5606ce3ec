//! Pieces of HTML that notebooks show.

use base64::Engine;

use crate::plot::{escaped, Figure, Table};

/// Bytes as base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A table whose columns stand as they do in text, whatever the page's own style says.
pub(super) fn table(table: &Table) -> String {
    // What is in the cells is escaped, so these can only be the table's own.
    let html = table
        .html()
        .replace(" class=\"n\"", " style=\"text-align:right\"")
        .replace("<td>", "<td style=\"text-align:left\">")
        .replace("<th scope=\"col\">", "<th scope=\"col\" style=\"text-align:left\">")
        .replace("<th scope=\"row\">", "<th scope=\"row\" style=\"text-align:left\">");
    format!("<div style=\"overflow-x:auto\">{html}</div>\n")
}

/// A paragraph.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

/// A paragraph in bold: what stands over a value.
pub(super) fn heading(text: &str) -> String {
    format!("<p><b>{}</b></p>\n", escaped(text))
}

/// An image that needs no file. PNG, because static viewers strip SVG from HTML.
pub(super) fn image(png: &[u8], width: u32, height: u32, alt: &str) -> String {
    format!(
        "<img src=\"data:image/png;base64,{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\"/>",
        base64(png),
        escaped(alt)
    )
}

/// Figures beside one another where there is room; one that cannot be encoded is left out.
pub(super) fn figures<'f>(figures: impl IntoIterator<Item = &'f Figure>) -> String {
    let images: String = figures
        .into_iter()
        .filter_map(|f| Some(image(&f.png().ok()?, f.width(), f.height(), &f.alt())))
        .collect();
    format!("<div>{images}</div>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped_and_lines_up_without_a_style_sheet() {
        let mut rows = Table::new(["name", "value"]);
        rows.row(["<td> class=\"n\"", "1.5"]);
        let html = table(&rows);
        assert!(html.contains("&lt;td&gt; class=&quot;n&quot;</th>"), "{html}");
        assert!(html.contains("<td style=\"text-align:right\">1.5</td>"), "{html}");
        assert!(!html.contains("class=\"n\""), "{html}");
    }
}
