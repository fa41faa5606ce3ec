//! Telling Jupyter of the kernel, and taking it away again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use selfsame::error::{Error, Place};
use selfsame::files::{read_text, write_atomic, MOST_SETTINGS};
use selfsame::plot::Table;
use selfsame::text::visible_path;
use serde_json::Value;

use super::arguments::Install;
use super::spec::{kernel_json, program, LOGO};
use crate::exit::Exit;
use crate::output;

/// `selfsame kernel install`
///
/// # Errors
/// A name Jupyter does not take, an environment that is not there, a folder that cannot be written.
pub fn install(arguments: &Install) -> Result<Exit, Error> {
    let folder = place(arguments)?;
    let own = env::current_exe().map_err(Error::io("find", "this program"))?;
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let spec = serde_json::to_string_pretty(&kernel_json(&arguments.name, &own)).unwrap_or_default() + "\n";
    for (name, text) in [("kernel.json", spec.as_str()), ("logo-svg.svg", LOGO)] {
        let file = folder.join(name);
        write_atomic(&file, text.as_bytes())?;
    }
    output::stdout(&format!("The kernel '{}' is installed in {}.", arguments.name, visible_path(&folder)))?;
    Ok(Exit::Done)
}

/// `selfsame kernel uninstall`
///
/// # Errors
/// No kernel of that name there, or one of another program; a folder that cannot be removed.
pub fn uninstall(arguments: &Install) -> Result<Exit, Error> {
    let folder = place(arguments)?;
    let file = folder.join("kernel.json");
    let spec = read(&file)?;
    if program(&spec).is_none() {
        let remedy = "`jupyter kernelspec remove` takes away those of other programs.";
        return Err(Error::input(
            &file,
            Place::Whole,
            "another program's kernel",
            "one of selfsame's",
            remedy,
        ));
    }
    fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
    output::stdout(&format!("The kernel '{}' is gone from {}.", arguments.name, visible_path(&folder)))?;
    Ok(Exit::Done)
}

/// `selfsame kernel list`
///
/// # Errors
/// Standard output cannot be written.
pub fn list(as_json: bool) -> Result<Exit, Error> {
    let mut table = Table::new(["name", "folder", "program", ""]);
    let mut found = Vec::new();
    for place in places() {
        let Ok(entries) = fs::read_dir(&place) else { continue };
        let mut folders: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        folders.sort();
        for folder in folders {
            let Ok(spec) = read(&folder.join("kernel.json")) else { continue };
            let Some(program) = program(&spec) else { continue };
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let state = if program.is_file() { "" } else { "the program is not there" };
            found.push(serde_json::json!({
                "name": name, "folder": folder.to_string_lossy(), "program": program.to_string_lossy(), "program_exists": state.is_empty(),
            }));
            table.row([name, folder.display().to_string(), program.display().to_string(), state.to_string()]);
        }
    }
    if as_json {
        output::json(&serde_json::json!({ "kernels": found }))?;
    } else if table.rows().is_empty() {
        output::stdout("No kernel of this program is installed. `selfsame kernel install` does it.")?;
    } else {
        output::stdout(&table.text())?;
    }
    Ok(Exit::Done)
}

fn read(file: &Path) -> Result<Value, Error> {
    let text = read_text(file, MOST_SETTINGS)?;
    serde_json::from_str(&text).map_err(|e| {
        let remedy = "Install the kernel anew.";
        Error::input(file, Place::Line(e.line() as u64), e.to_string(), "a kernel.json of Jupyter", remedy)
    })
}

/// The folder of the kernel that is meant.
fn place(arguments: &Install) -> Result<PathBuf, Error> {
    let name = &arguments.name;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(allowed) {
        let expected = "letters, digits, '-', '_' and '.'";
        return Err(Error::setting("--name", name, expected, "Jupyter uses it as the name of a folder."));
    }
    let data = match (&arguments.prefix, arguments.sys_prefix) {
        (Some(prefix), _) => {
            let prefix = std::path::absolute(prefix).map_err(Error::io("find", prefix))?;
            prefix.join("share/jupyter")
        }
        (None, true) => sys_prefix()?.join("share/jupyter"),
        (None, false) => user_data().ok_or_else(|| {
            Error::setting("the home folder", "unknown", "a home folder", "Name a folder with --prefix DIR.")
        })?,
    };
    Ok(data.join("kernels").join(name))
}

/// The user's folder of Jupyter's.
fn user_data() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("JUPYTER_DATA_DIR").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    if cfg!(target_os = "macos") {
        return Some(dirs::home_dir()?.join("Library/Jupyter"));
    }
    Some(dirs::data_dir()?.join("jupyter"))
}

/// The folder of the Python environment that is active.
fn sys_prefix() -> Result<PathBuf, Error> {
    let named = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .find_map(|name| env::var_os(name).filter(|v| !v.is_empty()));
    if let Some(folder) = named {
        return Ok(PathBuf::from(folder));
    }
    let ask = |python: &str| {
        let said = Command::new(python).args(["-c", "import sys; print(sys.prefix)"]).output().ok()?;
        let folder = String::from_utf8_lossy(&said.stdout).trim().to_string();
        (said.status.success() && !folder.is_empty()).then(|| PathBuf::from(folder))
    };
    ["python3", "python"].into_iter().find_map(ask).ok_or_else(|| {
        Error::setting(
            "--sys-prefix",
            "no Python",
            "an active environment, or python3 on the PATH",
            "Activate one, or name its folder with --prefix DIR.",
        )
    })
}

/// The folders Jupyter looks for kernels in, the first wins.
fn places() -> Vec<PathBuf> {
    let listed = env::var_os("JUPYTER_PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&listed).filter(|p| !p.as_os_str().is_empty()).collect();
    folders.extend(user_data());
    folders.extend(sys_prefix().ok().map(|prefix| prefix.join("share/jupyter")));
    folders.extend(["/usr/local/share/jupyter", "/usr/share/jupyter"].map(PathBuf::from));
    let mut kernels: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().map(|folder| folder.join("kernels")) {
        if !kernels.contains(&folder) {
            kernels.push(folder);
        }
    }
    kernels
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn arguments(prefix: &Path, name: &str) -> Install {
        Install { user: false, prefix: Some(prefix.to_path_buf()), sys_prefix: false, name: name.to_string() }
    }

    #[test]
    fn a_kernel_comes_and_goes_and_others_are_left_alone() {
        let prefix = tempfile::tempdir().unwrap();
        let own = arguments(prefix.path(), "selfsame");
        install(&own).unwrap();
        let folder = prefix.path().join("share/jupyter/kernels/selfsame");
        let spec = read(&folder.join("kernel.json")).unwrap();
        assert_eq!(program(&spec), Some(env::current_exe().unwrap().as_path()));
        assert_eq!(spec["interrupt_mode"], "message");
        uninstall(&own).unwrap();
        assert!(!folder.exists() && uninstall(&own).is_err());

        let foreign = prefix.path().join("share/jupyter/kernels/python3");
        fs::create_dir_all(&foreign).unwrap();
        fs::write(foreign.join("kernel.json"), "{\"argv\":[\"python3\"]}").unwrap();
        assert!(uninstall(&arguments(prefix.path(), "python3")).is_err());
        assert!(foreign.exists());
    }

    #[test]
    fn a_name_is_a_folder_and_no_path() {
        for name in ["", "..", "a/b", "a b"] {
            assert!(place(&arguments(Path::new("/tmp"), name)).is_err(), "{name}");
        }
    }
}
