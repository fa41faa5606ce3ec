//! `selfsame data`: what there is, what is in it, how to get it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use selfsame::data;
use selfsame::presets::{data_info, DATA};
use selfsame::text::visible_path;
use selfsame::Error;
use serde_json::{json, Value};

use super::methods;
use crate::args::{Data, DataCommand};
use crate::exit::Exit;
use crate::face::Download;
use crate::{invocation, output, stop};

/// Where `fetch` puts data unless it is told otherwise.
const FOLDER: &str = "data";

/// Lists, inspects or downloads.
///
/// # Errors
/// Unknown names, data that cannot be read, downloads that fail.
pub fn run(arguments: Data) -> Result<Exit, Error> {
    match arguments.command {
        DataCommand::List { json } => list(json),
        DataCommand::Info { data, json } => info(&data, json),
        DataCommand::Fetch { name, to, json } => fetch(&name, to, json),
    }
}

fn list(as_json: bool) -> Result<Exit, Error> {
    let catalog = data::catalog();
    if as_json {
        let entry = |e: &data::CatalogEntry| json!({ "name": e.name, "about": e.about, "homepage": e.homepage, "bytes": e.bytes() });
        let sets: Vec<Value> = catalog.iter().map(entry).collect();
        output::json(&json!({ "train": methods::as_json(DATA), "fetch": sets }))?;
        return Ok(Exit::Done);
    }
    let size = |entry: &data::CatalogEntry| indicatif::DecimalBytes(entry.bytes());
    let sets = catalog.iter().map(|e| (e.name.as_str(), format!("{}; {} to download", e.about, size(e))));
    let sets = methods::described(sets);
    output::stdout(&format!("'train' takes\n{}\n\n'data fetch' downloads\n{}", methods::list(DATA), sets))?;
    Ok(Exit::Done)
}

fn info(data: &str, json: bool) -> Result<Exit, Error> {
    let info = data_info(data)?;
    if json {
        output::json(&info)?;
    } else {
        output::stdout(&info.to_string())?;
    }
    Ok(Exit::Done)
}

fn fetch(name: &str, to: Option<PathBuf>, as_json: bool) -> Result<Exit, Error> {
    let entry = data::find(name)?;
    let to = to.unwrap_or_else(|| FOLDER.into());
    stop::on_ctrl_c("stopping; what has arrived is kept, and the same command goes on with it")?;
    let folder = {
        let mut face = Download::new();
        data::fetch(&entry, &to, &mut |progress| face.show(&progress))?
    };
    if as_json {
        let form = form(name);
        output::json(
            &json!({ "name": name, "folder": folder.to_string_lossy(), "data": format!("{form}:{}", folder.display()) }),
        )?;
        return Ok(Exit::Done);
    }
    output::stdout(&format!(
        "{name} is in {}. To train on it:\n  {}",
        visible_path(&folder),
        train_on(name, &folder)
    ))?;
    Ok(Exit::Done)
}

/// MNIST's relatives are read in MNIST's form.
fn form(name: &str) -> &str {
    if name == "fashion-mnist" {
        "mnist"
    } else {
        name
    }
}

/// The command that trains on what was fetched.
fn train_on(name: &str, folder: &Path) -> String {
    let mut data = OsString::from(format!("{}:", form(name)));
    data.push(folder);
    invocation::command_line(&[OsString::from("train"), "simclr".into(), data])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_set_that_can_be_fetched_can_be_trained_on() {
        for entry in data::catalog() {
            let line = train_on(&entry.name, Path::new("data/x"));
            let form = line.split(' ').next_back().unwrap().replace("data/x", "DIR");
            assert!(DATA.contains(&form.as_str()), "{line}");
        }
    }
}
