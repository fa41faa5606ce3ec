//! Files and folders of a run, which may have been received: what is written in them must not lead elsewhere.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use super::read::irregular;
use crate::error::{Error, Place, Result};

/// Opens a file of a run folder with `options`, which may create it. No link is followed, also no second name of a file
/// that has another one elsewhere, and no pipe is waited for.
///
/// # Errors
/// [`Error::Io`] where it cannot be opened, [`Error::Input`] where it is no file of the folder's own.
pub(crate) fn open_own(path: &Path, options: &mut OpenOptions) -> Result<File> {
    no_link(path)?;
    #[cfg(unix)]
    {
        // Between the question and the answer there may be a link again.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
    }
    let file = options.open(path).map_err(Error::io("open", path))?;
    let about = file.metadata().map_err(Error::io("open", path))?;
    if !about.is_file() {
        return Err(irregular(path, &about));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&about) > 1 {
        return Err(elsewhere(path, "it is one file with another, elsewhere"));
    }
    Ok(file)
}

/// Makes `path` and what is above it, where it is not there. It may not be a link.
///
/// # Errors
/// [`Error::Io`] where it cannot be made, [`Error::Input`] where it is a link.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    no_link(path)?;
    fs::create_dir_all(path).map_err(Error::io("create", path))?;
    no_link(path)
}

/// Refuses a link, and what is neither file nor folder.
///
/// # Errors
/// [`Error::Input`].
pub(crate) fn no_link(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_symlink() => Err(elsewhere(path, "it is a link")),
        Ok(about) if !about.is_file() && !about.is_dir() => Err(irregular(path, &about)),
        _ => Ok(()),
    }
}

fn elsewhere(path: &Path, found: &str) -> Error {
    let remedy = "Nothing was written to where it leads. Put a copy of that in its place, or remove it.";
    Error::input(path, Place::Whole, found, "a file or folder of the run's own", remedy)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_that_leads_elsewhere_is_opened_or_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("target"), "keep").unwrap();
        symlink(at("target"), at("link")).unwrap();
        symlink(at("none"), at("dangling")).unwrap();
        fs::hard_link(at("target"), at("twin")).unwrap();
        crate::files::read::tests::pipe(&at("pipe"));
        let says = |name: &str| {
            let e = open_own(&at(name), OpenOptions::new().create(true).write(true).truncate(false));
            e.unwrap_err().to_string()
        };
        assert!(says("link").contains("link: it is a link. Expected a file or folder of the run's own."));
        assert!(says("dangling").contains("it is a link"), "{}", says("dangling"));
        assert!(says("twin").contains("it is one file with another"), "{}", says("twin"));
        assert!(says("pipe").contains("it is a pipe"), "{}", says("pipe"));
        assert!(!at("none").exists());
        assert_eq!(fs::read_to_string(at("target")).unwrap(), "keep");
        // The system itself refuses too, for a link that comes in between.
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::custom_flags(options.write(true), libc::O_NOFOLLOW);
        assert!(options.open(at("link")).is_err());

        fs::create_dir(at("elsewhere")).unwrap();
        symlink(at("elsewhere"), at("figures")).unwrap();
        assert!(make_folder(&at("figures")).unwrap_err().to_string().contains("figures: it is a link"));
        make_folder(&at("a/b")).unwrap();
        make_folder(&at("a/b")).unwrap();
    }
}
