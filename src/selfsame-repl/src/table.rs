//! Tables for people: plain text, numbers to the right.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

/// A table under construction.
pub struct Table(Grid);

impl Table {
    /// A table whose first `left` columns hold words, to the left; the others hold numbers, to the right.
    pub fn with_headers(headers: &[&str], left: usize) -> Table {
        let mut table = Table::new();
        table.0.set_header(headers);
        for column in table.0.column_iter_mut().skip(left) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// A table of words without headers.
    pub fn new() -> Table {
        let mut grid = Grid::new();
        grid.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        Table(grid)
    }

    /// Adds a row with a cell for every column.
    pub fn row<S: ToString>(&mut self, cells: &[S]) {
        self.0.add_row(cells.iter().map(ToString::to_string));
    }

    /// The text, without blanks at the ends of lines and without a newline at the end.
    pub fn text(&self) -> String {
        self.0.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// An accuracy in 0..1 as a percentage: `97.3`; a dash where there is none.
pub fn percent(accuracy: Option<f64>) -> String {
    number(accuracy.map(|a| 100.0 * a), 1)
}

/// A number with `digits` after the point; a dash where there is none.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_string(), |v| format!("{v:.digits$}"))
}

/// A count with its thousands apart: `12,345`.
pub fn thousands(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right() {
        let mut table = Table::with_headers(&["run", "kNN"], 1);
        table.row(&["a", "9.5"]);
        table.row(&["longer", "-"]);
        assert_eq!(table.text(), " run     kNN\n a       9.5\n longer    -");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(12_345_678), "12,345,678");
    }
}
