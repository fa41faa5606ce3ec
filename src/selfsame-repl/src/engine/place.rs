//! Telling evcxr where to work, and that it has no other settings.
//!
//! evcxr reads `EVCXR_CONFIG_DIR/evcxr.toml` when a session begins. The variable has to be set while the program has one
//! thread; the slot is only known later, on another, and is then written into that file.

use std::fs;
use std::path::PathBuf;

use selfsame::error::Error;

use super::cache::Slot;

/// evcxr's variable for the folder its settings are in.
const VARIABLE: &str = "EVCXR_CONFIG_DIR";

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
        Settings { folder }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // Where it cannot be removed, the system's own cleaning does it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Has the next session work in `slot`.
///
/// # Errors
/// The file cannot be written.
pub fn use_slot(slot: &Slot) -> Result<(), Error> {
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(()) };
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let file = folder.join("evcxr.toml");
    fs::write(&file, super::manifest::settings(&slot.cells(), &super::outline::root(slot)))
        .map_err(Error::io("write", &file))
}
