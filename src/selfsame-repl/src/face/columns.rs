//! How wide the terminal is.

/// Where nobody says how wide the terminal is.
const USUAL: usize = 80;

/// Columns of the terminal; 80 where it does not say or says 0, as terminals do that nobody has given a size.
pub fn columns() -> usize {
    match crossterm::terminal::size() {
        Ok((columns, _)) if columns > 0 => usize::from(columns),
        _ => USUAL,
    }
}
