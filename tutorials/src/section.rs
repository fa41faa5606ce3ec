//! The parts of a program's output, which the book shows one by one.

/// Begins the part of the output called `name`: letters, digits and underscores.
///
/// The book includes it from `book/src/output`. When outputs are compared, its numbers may differ by five in a hundred;
/// a number after `~` (a time, a speed) is not compared.
pub fn section(name: &str) {
    println!("\n== {name}");
}

/// [`section`] whose numbers may differ by `percent` in a hundred from one machine to another.
pub fn section_within(name: &str, percent: u32) {
    println!("\n== {name} (numbers within {percent} %)");
}
