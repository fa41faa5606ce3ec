//! `selfsame methods`: the names `train` knows, each in a line.

use selfsame::presets::{about_method, DATA, ENCODERS, METHODS};
use selfsame::Error;
use serde_json::{json, Value};

use crate::args::Methods;
use crate::exit::Exit;
use crate::output;

/// Prints the three lists.
///
/// # Errors
/// Stdout that cannot be written.
pub fn run(arguments: &Methods) -> Result<Exit, Error> {
    let lists = [("Objectives", METHODS), ("Encoders", ENCODERS), ("Data", DATA)];
    if arguments.json {
        let of = |names| as_json(names);
        output::json(&json!({ "methods": of(METHODS), "encoders": of(ENCODERS), "data": of(DATA) }))?;
        return Ok(Exit::Done);
    }
    let text: Vec<String> = lists.iter().map(|(title, names)| format!("{title}\n{}", list(names))).collect();
    output::stdout(&text.join("\n\n"))?;
    Ok(Exit::Done)
}

/// `names` with what they are: `[{"name": .., "about": ..}, ..]`.
pub fn as_json(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({ "name": name, "about": about(name) })).collect()
}

/// `names` with what they are, a line each.
pub fn list(names: &[&str]) -> String {
    described(names.iter().map(|name| (*name, about(name))))
}

/// Names with their descriptions beside them, in two columns.
pub fn described<'a, D: std::fmt::Display>(items: impl Iterator<Item = (&'a str, D)> + Clone) -> String {
    let width = items.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    items.map(|(name, about)| format!("  {name:width$}  {about}")).collect::<Vec<_>>().join("\n")
}

fn about(name: &str) -> &'static str {
    match name {
        "convnet" => "small convolutional network; the default for small images",
        "vit" => "pre-norm vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929)",
        "mlp" => "fully connected layers on the pixels",
        "resnet9" => "residual network of one block a group, with a stem for small images (He et al. 2016, arXiv 1512.03385)",
        "resnet18" => "ResNet-18 with a stem for small images: slow without a GPU",
        "digits" => "1,797 handwritten digits of 8x8, in the program itself (UCI, Alpaydin and Kaynak 1998, CC BY 4.0)",
        "shapes" => "coloured shapes with known factors, generated on the fly",
        "mnist:DIR" => "the four IDX files of MNIST or of a set in its form, gzipped or not",
        "cifar10:DIR" => "the binary version of CIFAR-10",
        "cifar100:DIR" => "the binary version of CIFAR-100, with its 100 fine labels",
        "folder:DIR" => "PNG and JPEG files, one sub-folder for each class",
        method => about_method(method),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_described() {
        for name in METHODS.iter().chain(ENCODERS).chain(DATA) {
            assert!(!about(name).is_empty(), "{name}");
        }
    }
}
