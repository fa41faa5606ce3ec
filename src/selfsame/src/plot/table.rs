//! One table for terminals and for pages.

use comfy_table::{presets, CellAlignment, ContentArrangement, TableComponent};

use super::figure::escaped;
use crate::text::visible;

/// Headers and rows of text; columns of numbers are set flush right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(headers: impl IntoIterator<Item = S>) -> Table {
        Table { headers: headers.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing cells are empty, surplus ones are dropped.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Table {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.headers.len(), String::new());
        self.rows.push(row);
        self
    }

    /// The headers.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Plain text without colours or a final line break, the same on every terminal, whatever the cells hold.
    pub fn text(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        for part in [TableComponent::HeaderLines, TableComponent::MiddleHeaderIntersections] {
            table.set_style(part, '─');
        }
        table.force_no_tty();
        let shown = |row: &Vec<String>| row.iter().map(|cell| visible(cell).into_owned()).collect::<Vec<_>>();
        table.set_header(shown(&self.headers));
        table.add_rows(self.rows.iter().map(shown));
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if i == 0 { 0 } else { 2 }, 0));
            if self.is_numeric(i) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| line.trim_end().to_string()).collect::<Vec<_>>().join("\n")
    }

    /// An HTML `<table>`; headers and cells are escaped, numeric columns have the class `n`.
    pub fn html(&self) -> String {
        let class = |i: usize| if self.is_numeric(i) { " class=\"n\"" } else { "" };
        let mut html = String::from("<table>\n<thead><tr>");
        for (i, header) in self.headers.iter().enumerate() {
            html.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(i), escaped(header)));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (i, cell) in row.iter().enumerate() {
                if i == 0 {
                    html.push_str(&format!("<th scope=\"row\"{}>{}</th>", class(i), escaped(cell)));
                } else {
                    html.push_str(&format!("<td{}>{}</td>", class(i), escaped(cell)));
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n");
        html
    }

    /// Whether every filled cell of a column is a number, with or without a percent sign; dashes and dots count as empty.
    fn is_numeric(&self, column: usize) -> bool {
        let mut filled = self
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.trim_end_matches('%').trim())
            .filter(|cell| !matches!(*cell, "" | "–" | "-" | "…"))
            .peekable();
        filled.peek().is_some() && filled.all(|cell| cell.replace(',', "").parse::<f64>().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["representation", "1 %", "kNN"]);
        table.row(["simclr <b>", "75.7 %", "0.9"]).row(["pixels", "8.4 %"]);
        table
    }

    #[test]
    fn text_is_plain_and_numbers_line_up() {
        let text = table().text();
        assert!(!text.contains('\u{1b}'), "no escape codes");
        let expected = [
            "representation      1 %   kNN",
            "─────────────────────────────",
            "simclr <b>       75.7 %   0.9",
            "pixels            8.4 %",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn a_cell_is_one_line_that_no_terminal_obeys() {
        let mut table = Table::new(["run", "state"]);
        table.row(["a\u{1b}[2J\nb", "done"]);
        assert!(table.text().contains(r"a\u{1b}[2J\nb "), "{}", table.text());
        assert_eq!(table.text().lines().count(), 3);
    }

    #[test]
    fn html_is_escaped_and_marks_numbers() {
        let html = table().html();
        assert!(html.contains("simclr &lt;b&gt;</th><td class=\"n\">75.7 %</td>"), "{html}");
        assert!(
            html.contains("<th scope=\"row\">pixels</th><td class=\"n\">8.4 %</td><td class=\"n\"></td>"),
            "{html}"
        );
    }
}
