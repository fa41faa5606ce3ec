//! Telling evcxr where to work, and that it has no other settings.
//!
//! evcxr reads `EVCXR_CONFIG_DIR/evcxr.toml` when a session begins. The variable has to be set while the program has one
//! thread; the slot is only known later, on another, and is then written into that file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use selfsame::error::Error;

use super::cache::{put, Slot};

/// evcxr's variable for the folder its settings are in.
const VARIABLE: &str = "EVCXR_CONFIG_DIR";

/// rust-analyzer's variable for the standard library's sources; a folder that is not there is passed over.
const SOURCES: &str = "RUST_SRC_PATH";
/// The link to them beside the settings.
const LINK: &str = "library";

/// A folder of settings of this process alone; it goes when this is dropped.
#[derive(Debug)]
pub struct Settings {
    folder: PathBuf,
}

impl Settings {
    /// Makes this process's folder the one evcxr reads. To be called while there is one thread only.
    pub fn own() -> Settings {
        let folder = std::env::temp_dir().join(format!("selfsame-session-{}", std::process::id()));
        std::env::set_var(VARIABLE, &folder);
        if std::env::var_os(SOURCES).is_none() {
            std::env::set_var(SOURCES, folder.join(LINK));
        }
        Settings { folder }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // Where it cannot be removed, the system's own cleaning does it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Takes what is for our own evcxr out of the environment of a program the user runs.
pub fn without_settings(command: &mut Command) {
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return };
    command.env_remove(VARIABLE);
    if std::env::var_os(SOURCES).is_some_and(|sources| Path::new(&sources) == folder.join(LINK)) {
        command.env_remove(SOURCES);
    }
}

/// Has the next session work in `slot`, and read the standard library's sources in `sources` where there are any.
///
/// # Errors
/// A file cannot be written.
pub fn use_slot(slot: &Slot, sources: Option<&Path>) -> Result<(), Error> {
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(()) };
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    #[cfg(unix)]
    if let Some(sources) = sources {
        let link = folder.join(LINK);
        // A session that is started anew has it already.
        if !link.exists() {
            std::os::unix::fs::symlink(sources, &link).map_err(Error::io("make", &link))?;
        }
    }
    // An earlier session may have ended on a cell that was refused.
    super::again::forget(slot);
    // Where this program's own file is not known, cells only take longer to fail.
    if let Ok(program) = std::env::current_exe() {
        put(&slot.cargo_settings(), &super::again::settings(&program))?;
    }
    put(&folder.join("evcxr.toml"), &super::manifest::settings(&slot.cells(), &super::outline::root(slot)))
}
