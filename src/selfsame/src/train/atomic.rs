//! Files that are either whole or not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};

/// Writes `bytes` under a temporary name beside `path`, syncs them and renames: a reader, or a crash, sees the old file or
/// the new one.
///
/// # Errors
/// [`Error::Io`], naming what could not be done; the temporary file is removed.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // The rename itself must reach the disk too; a folder that cannot be opened (as on some systems) is no reason
        // to fail.
        if let Some(folder) = path.parent().and_then(|p| File::open(p).ok()) {
            folder.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Error::io("write", path)(e)
    })
}
