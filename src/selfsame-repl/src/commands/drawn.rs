//! Figures that a command shows: in the terminal, and in a file when one is asked for.

use std::path::{Path, PathBuf};

use selfsame::front::{self, Frontend};
use selfsame::plot::Figure;
use selfsame::text::visible_path;
use selfsame::Error;

use crate::face::picture::Canvas;
use crate::output;

/// Draws `figure` on stdout, or hands it to the face that started us, and, with `--save`, into `file`.
///
/// # Errors
/// A file that cannot be written or is called otherwise than `.svg` or `.png`; stdout that cannot be written.
pub fn show(figure: &Figure, file: Option<&Path>) -> Result<(), Error> {
    // Before anything is shown: a wrong name should not come after a screen of picture.
    save(figure, file)?;
    if Frontend::detect().is_some() {
        front::show_figure(figure)?;
    } else {
        output::stdout_as_it_is(&Canvas::of_stdout().figure(figure)?)?;
    }
    told(file);
    Ok(())
}

/// `--save` alone.
///
/// # Errors
/// As [`show`].
pub fn save(figure: &Figure, file: Option<&Path>) -> Result<(), Error> {
    file.map_or(Ok(()), |file| figure.save(file))
}

/// `curves.svg` becomes `curves-knn.svg`.
pub fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_os_string();
    name.push("-");
    name.push(suffix);
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

/// Says where the figure is.
pub fn told(file: Option<&Path>) {
    if let Some(file) = file {
        output::note(&format!("saved in {}", visible_path(file)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_figure_stands_beside_the_first() {
        assert_eq!(beside(Path::new("a/curves.svg"), "knn"), Path::new("a/curves-knn.svg"));
        assert_eq!(beside(Path::new("curves"), "knn"), Path::new("curves-knn"));
    }
}
