//! What there is for Rust cells on this machine, for the doctor.

use super::cache::{Cache, Source};
use super::seal::{look, Found};
use super::toolchain::Toolchain;
use crate::private;

/// How the compiled library was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has never been compiled here, or not to the end.
    Missing,
    /// All of its files are as they were when it was finished.
    Whole,
    /// So many files are missing, or others than they were.
    Damaged(usize),
}

/// Looks at the library that a session would load; changes nothing.
///
/// # Errors
/// A sentence that says why there can be no Rust cells.
pub fn health() -> Result<Health, String> {
    let toolchain = Toolchain::find()?;
    let there = private::cache().is_some_and(|cache| cache.join(private::CELLS).exists());
    // The folder is made, or said to be impossible, when it is wanted.
    if !there && private::cache().is_some() {
        return Ok(Health::Missing);
    }
    let cache = Cache::find(&toolchain, Source::find()).map_err(|e| e.to_string())?;
    Ok(of_slots(&cache))
}

/// The worst there is; the next session may take any slot.
fn of_slots(cache: &Cache) -> Health {
    let found: Vec<Found> = cache.slots().iter().map(|slot| look(&slot.join("compiled"))).collect();
    let damaged =
        found.iter().map(|found| if let Found::Damaged(files) = found { files.len() } else { 0 }).sum();
    match damaged {
        0 if found.contains(&Found::Whole) => Health::Whole,
        0 => Health::Missing,
        files => Health::Damaged(files),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::super::seal;
    use super::*;

    #[test]
    fn a_damaged_library_is_not_said_to_be_well() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path().join("session-0"), Source::Published);
        fs::create_dir_all(cache.folder()).unwrap();
        assert_eq!(of_slots(&cache), Health::Missing);
        let compiled = cache.slot().unwrap().compiled();
        fs::write(compiled.join("a.rlib"), "a").unwrap();
        assert_eq!(of_slots(&cache), Health::Missing, "it is not finished");
        seal::close(&compiled).unwrap();
        assert_eq!(of_slots(&cache), Health::Whole);
        fs::write(compiled.join("a.rlib"), "").unwrap();
        assert_eq!(of_slots(&cache), Health::Damaged(1));
    }
}
