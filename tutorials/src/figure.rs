//! Where a program's figures go.

use std::path::PathBuf;

use selfsame::plot::Figure;
use selfsame::Error;

/// Saves a figure as `name.svg` in the folder that `SELFSAME_FIGURES` names, `figures` when it is not set, and prints the
/// figure in words.
///
/// # Errors
/// A folder that cannot be made or written.
pub fn save(name: &str, figure: &Figure) -> Result<(), Error> {
    let folder = std::env::var_os("SELFSAME_FIGURES")
        .map_or_else(|| PathBuf::from("figures"), PathBuf::from);
    std::fs::create_dir_all(&folder).map_err(|source| Error::Io {
        action: "create",
        path: folder.clone(),
        source,
    })?;
    figure.save(folder.join(format!("{name}.svg")))?;
    println!("figure {name}.svg: {}", figure.alt());
    Ok(())
}
