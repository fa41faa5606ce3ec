//! From the command line and `--config` to the library's `TrainSpec`. Flags win over the file.

use std::path::Path;

use selfsame::files::{read_text, MOST_SETTINGS};
use selfsame::presets::TrainSpec;
use selfsame::Error;
use serde_json::{Map, Value};

use crate::args::Train;

/// Everything the user set; what they left open stays open for the preset.
///
/// # Errors
/// A configuration file that cannot be read or has an unknown key, a wrong type or broken JSON; no method or data; a
/// folder name that `config.json` cannot hold.
pub fn build(flags: &Train) -> Result<TrainSpec, Error> {
    let mut spec = match &flags.config {
        Some(file) => read_config(file)?,
        None => TrainSpec::default(),
    };
    if let Some(method) = &flags.method {
        if !spec.method.is_empty() && *method != spec.method {
            // Another objective than the file's: what is the file's objective's own means nothing to it.
            (spec.temperature, spec.projector_dim) = (None, None);
            spec.settings.clear();
        }
        spec.method = method.clone();
    }
    apply(flags, &mut spec);
    if flags.resume.is_none() {
        required("METHOD", &spec.method, selfsame::presets::METHODS)?;
        required("DATA", &spec.data, selfsame::presets::DATA)?;
    }
    if let Some(out) = spec.out.as_deref().filter(|out| out.to_str().is_none()) {
        return Err(Error::setting(
            "--out",
            out.display(),
            "a path in UTF-8, because config.json records it",
            "Rename the folder, or change into it and use a relative path.",
        ));
    }
    Ok(spec)
}

fn apply(flags: &Train, spec: &mut TrainSpec) {
    /// Overwrites the fields whose flag was given.
    macro_rules! take {
        ($($field:ident),*) => { $( if flags.$field.is_some() { spec.$field = flags.$field.clone(); } )* };
    }
    // How long is said in one of two ways; a flag puts aside what the file says in the other.
    if flags.minutes.is_some() || flags.epochs.is_some() {
        (spec.minutes, spec.epochs) = (flags.minutes, flags.epochs);
    }
    take!(encoder, batch_size, accumulate, seed, lr, weight_decay, warmup_epochs, optimizer);
    take!(clip_norm, temperature, projector_dim, probe_every, out, name);
    if let Some(device) = flags.device {
        spec.device = Some(device.name().to_string());
    }
    for (name, value) in &flags.set {
        spec.settings.insert(name.clone(), value.clone());
    }
    if let Some(data) = &flags.data {
        spec.data = data.clone();
    }
}

fn required(name: &str, value: &str, known: &[&str]) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::setting(
            name,
            "missing",
            format!("one of {}", known.join(", ")),
            "For a first run: selfsame train simclr digits",
        ));
    }
    Ok(())
}

fn read_config(file: &Path) -> Result<TrainSpec, Error> {
    let text = read_text(file, MOST_SETTINGS)?;
    let value: Value = serde_json::from_str(&text).map_err(|e| not_json(file, &e.to_string()))?;
    let Value::Object(settings) = value else {
        return Err(not_json(file, "the file holds something else than an object"));
    };
    let known = keys();
    for (key, value) in &settings {
        if !known.contains(&key.as_str()) {
            return Err(Error::unknown("key in the configuration file", key, &known));
        }
        let alone = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
        if let Err(e) = serde_json::from_value::<TrainSpec>(alone) {
            let remedy = format!("Correct it in {}, or leave the key out.", file.display());
            return Err(Error::setting(key, value, in_words(&e.to_string()), remedy));
        }
    }
    serde_json::from_value(Value::Object(settings)).map_err(|e| not_json(file, &e.to_string()))
}

fn not_json(file: &Path, found: &str) -> Error {
    Error::setting(
        "--config",
        file.display(),
        "one JSON object with the settings of a run, as in RUN/config.json",
        format!("Found: {found}."),
    )
}

/// The names of `TrainSpec`'s fields, which are the keys a configuration file may have.
fn keys() -> Vec<&'static str> {
    vec![
        "method",
        "data",
        "encoder",
        "epochs",
        "minutes",
        "batch_size",
        "accumulate",
        "seed",
        "lr",
        "weight_decay",
        "warmup_epochs",
        "optimizer",
        "clip_norm",
        "temperature",
        "projector_dim",
        "settings",
        "probe_every",
        "device",
        "simd",
        "out",
        "name",
    ]
}

/// What serde expected, without Rust's type names: `..., expected usize` becomes `a whole number, 0 or more`.
fn in_words(message: &str) -> String {
    match message.rsplit("expected ").next().unwrap_or(message) {
        "usize" | "u64" => "a whole number, 0 or more".to_string(),
        "f64" => "a number".to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn flags(line: &str) -> Train {
        let Some(Command::Train(train)) = Arguments::try_parse_from(line.split_whitespace()).unwrap().command
        else {
            panic!("not a train command: {line}");
        };
        *train
    }

    #[test]
    fn the_known_keys_are_the_fields_of_the_spec() {
        let Value::Object(fields) = serde_json::to_value(TrainSpec::default()).unwrap() else { panic!() };
        assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), keys());
    }

    #[test]
    fn every_flag_reaches_the_spec() {
        let line =
            "selfsame train simclr digits --encoder vit --epochs 3 --batch-size 64 --accumulate 2 --seed 7 \
                    --lr 0.01 --weight-decay 0.1 --warmup-epochs 1.5 --optimizer lars --clip-norm 1 \
                    --temperature 0.2 --projector-dim 32 --set a=1 --set b-c=x --probe-every 2 --device cpu --out o \
                    --name n";
        let spec = serde_json::to_value(build(&flags(line)).unwrap()).unwrap();
        let unset: Vec<_> = spec.as_object().unwrap().iter().filter(|(_, v)| v.is_null()).collect();
        // The run itself says what it is computed on.
        assert_eq!(unset, [(&"minutes".to_string(), &Value::Null), (&"simd".to_string(), &Value::Null)]);
        let timed = build(&flags("selfsame train simclr digits --minutes 1.5")).unwrap();
        assert_eq!((timed.minutes, timed.epochs), (Some(1.5), None));
        assert_eq!(spec["warmup_epochs"], 1.5);
        assert_eq!(spec["settings"], serde_json::json!({"a": 1, "b_c": "x"}));
        assert_eq!(spec["name"], "n");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_refused_and_a_byte_order_mark_is_none_of_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.json");
        let from = |file: &Path| build(&flags(&format!("selfsame train --config {}", file.display())));
        assert!(from(Path::new("/dev/zero"))
            .unwrap_err()
            .to_string()
            .starts_with("/dev/zero: it is a device."));
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        assert!(from(&file).unwrap_err().to_string().contains("c.json: it is a pipe."));
        fs::remove_file(&file).unwrap();
        fs::write(&file, "\u{feff}{\"method\": \"byol\", \"data\": \"digits\"}").unwrap();
        assert_eq!(from(&file).unwrap().method, "byol");
        fs::write(&file, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(from(&file).unwrap_err().to_string().contains("Expected at most 1048576."));
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.json");
        fs::write(&file, r#"{"method": "simclr", "data": "digits", "epochs": 4, "lr": 0.5}"#).unwrap();
        let spec = build(&flags(&format!("selfsame train --config {} --epochs 9", file.display()))).unwrap();
        assert_eq!((spec.epochs, spec.lr, spec.data.as_str()), (Some(9), Some(0.5), "digits"));
        let timed =
            build(&flags(&format!("selfsame train --config {} --minutes 2", file.display()))).unwrap();
        assert_eq!((timed.epochs, timed.minutes), (None, Some(2.0)));
    }

    #[test]
    fn another_objective_does_not_take_over_the_files_own_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.json");
        let text = r#"{"method": "moco-v2", "data": "digits", "lr": 0.5, "temperature": 0.2, "settings": {"queue": 64}}"#;
        fs::write(&file, text).unwrap();
        let spec = |method: &str| {
            build(&flags(&format!("selfsame train {method} digits --config {}", file.display()))).unwrap()
        };
        assert_eq!(
            (spec("byol").temperature, spec("byol").settings.len(), spec("byol").lr),
            (None, 0, Some(0.5))
        );
        assert_eq!(
            (spec("moco-v2").temperature, spec("moco-v2").settings["queue"].as_u64()),
            (Some(0.2), Some(64))
        );
    }

    #[test]
    fn a_wrong_file_names_the_key_and_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.json");
        let message = |text: &str| {
            fs::write(&file, text).unwrap();
            build(&flags(&format!("selfsame train simclr digits --config {}", file.display())))
                .unwrap_err()
                .to_string()
        };
        assert!(message(r#"{"epohcs": 3}"#).contains("'epohcs', did you mean 'epochs'"));
        assert!(message(r#"{"epochs": "many"}"#)
            .contains("epochs is \"many\". Expected a whole number, 0 or more"));
        assert!(message(r#"{"epochs": -3}"#).contains("epochs is -3. Expected a whole number, 0 or more"));
        assert!(message(r#"{"lr": [1]}"#).contains("lr is [1]. Expected a number"));
        assert!(message(r#"{"epochs": 3,"#).contains("line 1"));
        assert!(message("[]").contains("one JSON object"));
    }

    #[test]
    fn method_and_data_are_needed_unless_a_run_is_resumed() {
        assert!(build(&flags("selfsame train")).unwrap_err().to_string().starts_with("METHOD is missing"));
        assert!(build(&flags("selfsame train simclr"))
            .unwrap_err()
            .to_string()
            .starts_with("DATA is missing"));
        assert_eq!(build(&flags("selfsame train --resume runs/a")).unwrap(), TrainSpec::default());
    }
}
