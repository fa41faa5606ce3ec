//! A matrix as a table of its first and last rows and columns.

use super::number::{thousands, Format};
use crate::plot::Table;

/// Rows and columns shown at the beginning, and at the end.
const HEAD: usize = 5;
const TAIL: usize = 3;

/// The first matrix of a tensor of at least one dimension and value: which one it is (in words, empty where it is the
/// whole), its rows, columns and values. A vector is a matrix of one row.
pub(super) fn first_matrix<'v>(
    sizes: &[usize],
    values: &'v [f64],
) -> Option<(String, usize, usize, &'v [f64])> {
    let (outer, rows, columns) = match sizes {
        [] => return None,
        [columns] => (&[][..], 1, *columns),
        [outer @ .., rows, columns] => (outer, *rows, *columns),
    };
    let first = values.get(..rows * columns).filter(|v| !v.is_empty())?;
    if outer.is_empty() {
        return Some((String::new(), rows, columns, first));
    }
    let place = format!("[{}.., ..]", "0, ".repeat(outer.len()));
    let note = format!("{place}, the first of {} matrices", thousands(outer.iter().product()));
    Some((note, rows, columns, first))
}

/// `values` as a table: row numbers (where there is more than one row), column numbers, and dots where some are left out.
pub(super) fn matrix_table(values: &[f64], rows: usize, columns: usize) -> Table {
    let (shown_rows, shown_columns) = (ends(rows), ends(columns));
    let at = |r: usize, c: usize| values[r * columns + c];
    let shown =
        || shown_rows.iter().flatten().flat_map(|r| shown_columns.iter().flatten().map(move |c| (*r, *c)));
    let format = Format::of(shown().map(|(r, c)| at(r, c)));
    let numbered = rows > 1;
    let number = |place: &Option<usize>| place.map_or("…".into(), |i| i.to_string());
    let left = |text: String| numbered.then_some(text);
    let mut table = Table::new(left(String::new()).into_iter().chain(shown_columns.iter().map(number)));
    for row in &shown_rows {
        let cell = |column: &Option<usize>| match (row, column) {
            (Some(r), Some(c)) => format.write(at(*r, *c)),
            _ => "…".into(),
        };
        table.row(left(number(row)).into_iter().chain(shown_columns.iter().map(cell)));
    }
    table
}

/// All positions below `n`, or the first and last with a gap, `None`, between.
fn ends(n: usize) -> Vec<Option<usize>> {
    if n <= HEAD + TAIL + 1 {
        return (0..n).map(Some).collect();
    }
    (0..HEAD).map(Some).chain([None]).chain((n - TAIL..n).map(Some)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_shown_and_a_gap_saves_at_least_two() {
        assert_eq!(ends(9).len(), 9);
        let ten = ends(10);
        assert_eq!(ten.len(), 9);
        assert_eq!((ten[4], ten[5], ten[6], ten[8]), (Some(4), None, Some(7), Some(9)));
        assert!(ends(0).is_empty());
    }

    #[test]
    fn the_first_matrix_is_named_where_there_are_more() {
        let values: Vec<f64> = (0..24).map(f64::from).collect();
        let (note, rows, columns, first) = first_matrix(&[2, 2, 2, 3], &values).unwrap_or_default();
        assert_eq!((note.as_str(), rows, columns), ("[0, 0, .., ..], the first of 4 matrices", 2, 3));
        assert_eq!(first, &values[..6]);
        assert_eq!(first_matrix(&[4], &values[..4]).map(|m| (m.1, m.2)), Some((1, 4)));
        assert!(first_matrix(&[2, 0], &[]).is_none() && first_matrix(&[], &[1.0]).is_none());
    }
}
