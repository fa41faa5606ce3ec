//! A sentence of the book that the program holds to.

/// Prints the claim, or ends the program where it does not hold.
///
/// # Panics
/// When `holds` is false: a claim of the book was wrong, and the program must not end well.
pub fn claim(what: &str, holds: bool) {
    assert!(holds, "this claim of the book does not hold: {what}");
    println!("[holds] {what}");
}
