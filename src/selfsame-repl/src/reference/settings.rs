//! Every setting of a run with its presets, as the library resolves them.

use selfsame::methods::RANGES;
use selfsame::presets::{about_method, TrainSpec, METHODS};
use selfsame::Error;
use serde_json::Value;

use super::{cell, table};
use crate::engine::upper;

/// Data sets whose presets differ, and what a column calls them. No file is opened.
const DATA: [(&str, &str); 6] = [
    ("digits", "digits"),
    ("shapes", "shapes"),
    ("mnist:x", "mnist"),
    ("cifar10:x", "cifar10"),
    ("cifar100:x", "cifar100"),
    ("folder:x", "folder"),
];
/// What names a run, and does not shape it.
const NOT_SETTINGS: [&str; 8] = ["method", "data", "settings", "seed", "out", "name", "device", "simd"];

/// The page.
pub(super) fn page() -> Result<String, Error> {
    let mut text = String::from(
        "# Settings reference\n\nWhat each objective starts from, for each kind of data. A flag of `selfsame train` changes a setting \
         that all runs have (`batch_size` is `--batch-size`), `--set NAME=VALUE` one of the objective's own. `config.json` in a run's \
         folder holds every value that was used, and `selfsame train --config FILE` starts from such a file. The columns are \
         `digits`, `shapes`, `mnist:DIR`, `cifar10:DIR`, `cifar100:DIR` and `folder:DIR`; where one value stands in all, it is \
         the same for all.\n\nWhat each setting means stands in the documentation of the objective's configuration, which each section \
         links to.\n\n## Ranges\n\nWhat a setting may be, in every objective that has it. Objectives narrow some of them: MoCo's \
         queue has at least one entry. What a run needs of memory is estimated and held against what there is before anything is \
         made. Room for more than 16,777,216 `images` means room for all.\n\n",
    );
    let ranges = RANGES.iter().map(|(name, range)| vec![format!("`{name}`"), range.to_string()]);
    text += &table(&["setting", "range"], ranges);
    text += "\n## Objectives\n";
    for method in METHODS {
        text += &format!("\n### {method}\n\n{}.\n\n", upper(about_method(method)));
        let specs = DATA.iter().map(|(data, _)| flat(method, data)).collect::<Result<Vec<_>, _>>()?;
        if let Some(config) = configuration(method) {
            text += &format!(
                "What each means: [`{config}`](../../doc/selfsame/methods/struct.{config}.html).\n\n"
            );
        }
        let Some(first) = specs.first() else { continue };
        let (same, differ): (Vec<_>, Vec<_>) = first
            .iter()
            .map(|(name, _)| name)
            .partition(|name| specs.iter().all(|s| value(s, name) == value(first, name)));
        if !differ.is_empty() {
            let mut headers = vec!["setting"];
            headers.extend(DATA.iter().map(|(_, name)| *name));
            let rows = differ.iter().map(|name| {
                std::iter::once(format!("`{name}`"))
                    .chain(specs.iter().map(|s| value(s, name)))
                    .collect::<Vec<_>>()
            });
            text += &table(&headers, rows.collect::<Vec<_>>());
            text.push('\n');
        }
        let same: Vec<String> = same.iter().map(|name| format!("`{name}` {}", value(first, name))).collect();
        text += &format!("For all data: {}.\n", same.join(", "));
    }
    Ok(text)
}

/// The type whose fields are the objective's own settings.
fn configuration(method: &str) -> Option<&'static str> {
    Some(match method {
        "simclr" => "SimClrConfig",
        "moco-v1" | "moco-v2" => "MoCoConfig",
        "moco-v3" => "MoCoV3Config",
        "nnclr" => "NnclrConfig",
        "supcon" => "SupConConfig",
        "dcl" | "dclw" => "DclConfig",
        "byol" => "ByolConfig",
        "simsiam" => "SimSiamConfig",
        "barlow" => "BarlowTwinsConfig",
        "vicreg" => "VicRegConfig",
        "w-mse" => "WMseConfig",
        "lejepa" => "LeJepaConfig",
        "dino" => "DinoConfig",
        "ibot" => "IbotConfig",
        "swav" => "SwavConfig",
        "deepcluster" => "DeepClusterConfig",
        "deepcluster-v2" => "DeepClusterV2Config",
        // The parts' weights.
        _ => return None,
    })
}

/// Settings by name, the objective's own behind those of every run.
fn flat(method: &str, data: &str) -> Result<Vec<(String, Value)>, Error> {
    let spec = TrainSpec { method: method.into(), data: data.into(), seed: Some(0), ..TrainSpec::default() }
        .resolve()?;
    let own: Vec<(String, Value)> = spec.settings.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    let Ok(Value::Object(all)) = serde_json::to_value(&spec) else { return Ok(own) };
    let shared = all.into_iter().filter(|(name, value)| {
        !(NOT_SETTINGS.contains(&name.as_str()) || value.is_null() && name == "temperature")
    });
    Ok(shared.chain(own).collect())
}

fn value(settings: &[(String, Value)], name: &str) -> String {
    match settings.iter().find(|(n, _)| n == name).map(|(_, value)| value) {
        None => "-".into(),
        Some(Value::Null) => "off".into(),
        Some(Value::String(text)) => cell(text),
        Some(other) => cell(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_objective_has_a_configuration_to_link_to() {
        for method in METHODS.iter().filter(|method| **method != "hybrid") {
            assert!(configuration(method).is_some(), "{method}");
        }
    }
}
