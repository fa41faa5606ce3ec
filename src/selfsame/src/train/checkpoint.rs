//! Everything a run needs to go on as if it had never stopped, on disk.
//!
//! `checkpoint/weights-STEP.safetensors` holds the objective's tensors and the optimiser's state; `checkpoint/latest.json`
//! names it with its SHA-256 and holds the rest. A new weights file is written and synced first, then `latest.json` is
//! replaced in one step, then the old weights go: a kill at any moment leaves one whole checkpoint.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use dfdx::prelude::Device;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::SafeTensors;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{make_folder, read, read_text, write_atomic, MOST_TEXT};
use crate::optim::Optimizer;
use crate::tape::Parameters;

const FORMAT: u32 = 1;
const DAMAGED: &str =
    "The checkpoint is damaged. Start the run anew, or copy the folder back from where it was whole.";

/// What `latest.json` holds around the state.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    weights: String,
    weights_sha256: String,
    optimizer_step: u64,
    state_sha256: String,
    /// Of the fields above: it tells damage in this file from damage in the weights. Checkpoints of earlier versions have
    /// none.
    #[serde(default)]
    sha256: Option<String>,
    state: Box<RawValue>,
}

impl Manifest {
    fn own_sha256(&self) -> String {
        let Manifest { format, weights, weights_sha256, optimizer_step, state_sha256, .. } = self;
        let fields = format!("{format} {weights} {weights_sha256} {optimizer_step} {state_sha256}");
        hash(fields.as_bytes())
    }
}

/// Saves `module`, `optimizer` and `state` as the checkpoint of `folder`.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be written; the checkpoint before stays whole.
pub(crate) fn save<D: Device<f32>>(
    folder: &Path,
    module: &dyn Parameters<D>,
    optimizer: &Optimizer,
    state: &impl Serialize,
) -> Result<()> {
    let folder = folder.join("checkpoint");
    make_folder(&folder)?;
    let (step, slots) = optimizer.state();
    let bytes =
        encode(module, slots).map_err(|e| Error::run(&folder, e, "This is a bug; please report it."))?;
    let name = weights_name(step);
    write_atomic(folder.join(&name), &bytes)?;

    let json = |e: serde_json::Error| Error::run(&folder, format!("cannot write the state: {e}"), "");
    let state = serde_json::value::to_raw_value(state).map_err(json)?;
    let mut manifest = Manifest {
        format: FORMAT,
        weights: name.clone(),
        weights_sha256: hash(&bytes),
        optimizer_step: step,
        state_sha256: hash(state.get().as_bytes()),
        sha256: None,
        state,
    };
    manifest.sha256 = Some(manifest.own_sha256());
    write_atomic(folder.join("latest.json"), serde_json::to_string(&manifest).map_err(json)?.as_bytes())?;
    remove_older(&folder, &name);
    Ok(())
}

/// Reads the checkpoint of `folder` into `module` and `optimizer`; gives the state.
///
/// # Errors
/// [`Error::Run`] when there is none, when a byte of it is wrong, or when it belongs to another network.
pub(crate) fn load<D: Device<f32>, S: DeserializeOwned>(
    folder: &Path,
    module: &mut dyn Parameters<D>,
    optimizer: &mut Optimizer,
) -> Result<S> {
    let (manifest, path) = manifest(folder)?;
    let bytes = read(&path, most_bytes(module))?;
    if hash(&bytes) != manifest.weights_sha256 {
        return Err(Error::run(&path, "its SHA-256 is not the one that was written down with it", DAMAGED));
    }
    let damaged = |e: String| Error::run(&path, e, DAMAGED);
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
    let mut problem = None;
    module.visit_mut("model.", &mut |name, _, t| {
        let written = match tensors.tensor(name) {
            Ok(view) if view.shape() == t.sizes() => t.write(&floats(view.data())),
            Ok(view) => Err(Error::shape(
                format!("checkpoint, {name}"),
                format!("{:?}", t.sizes()),
                format!("{:?}", view.shape()),
            )),
            Err(_) => Err(Error::run(
                &path,
                format!("{name} is missing"),
                "It belongs to another network or objective.",
            )),
        };
        problem = problem.take().or(written.err());
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    let slots = tensors.tensor("optimizer").map_err(|e| damaged(e.to_string()))?;
    optimizer.restore(manifest.optimizer_step, floats(slots.data()));
    state(folder, &manifest)
}

/// Whether there is a checkpoint in `folder`, whole or damaged.
pub(crate) fn exists(folder: &Path) -> bool {
    manifest_path(folder).exists()
}

/// The state alone, without the weights.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_state<S: DeserializeOwned>(folder: &Path) -> Result<S> {
    state(folder, &manifest(folder)?.0)
}

fn state<S: DeserializeOwned>(folder: &Path, manifest: &Manifest) -> Result<S> {
    serde_json::from_str(manifest.state.get()).map_err(|e| {
        Error::run(manifest_path(folder), format!("the state in it does not parse: {e}"), DAMAGED)
    })
}

/// What a checkpoint of `module` has at most: its tensors, three numbers an optimiser keeps of each, their names.
fn most_bytes<D: Device<f32>>(module: &dyn Parameters<D>) -> u64 {
    let mut numbers = 0;
    module.visit("", &mut |_, _, t| numbers += t.sizes().iter().product::<usize>() as u64);
    16 * numbers + (64 << 20)
}

fn manifest_path(folder: &Path) -> PathBuf {
    folder.join("checkpoint").join("latest.json")
}

fn manifest(folder: &Path) -> Result<(Manifest, PathBuf)> {
    let path = manifest_path(folder);
    if !path.exists() {
        let remedy =
            "Give --resume a folder that `selfsame train` made, and that got as far as its first epoch.";
        return Err(Error::run(folder, "there is no checkpoint in it", remedy));
    }
    let text = read_text(&path, MOST_TEXT)?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|e| Error::run(&path, format!("it is not the JSON that was written: {e}"), DAMAGED))?;
    if manifest.format != FORMAT {
        let found = format!("it has format {}, this program reads {FORMAT}", manifest.format);
        return Err(Error::run(&path, found, "Use the version of selfsame that wrote it."));
    }
    if manifest.sha256.as_ref().is_some_and(|written| *written != manifest.own_sha256()) {
        return Err(Error::run(&path, "its SHA-256 is not the one written down in it", DAMAGED));
    }
    if hash(manifest.state.get().as_bytes()) != manifest.state_sha256 {
        return Err(Error::run(&path, "its state's SHA-256 is not the one written down with it", DAMAGED));
    }
    // The step has no hash of its own: the name, which says it again, vouches for it, and leads nowhere else.
    if manifest.weights != weights_name(manifest.optimizer_step) {
        let found = format!("step {} does not go with '{}'", manifest.optimizer_step, manifest.weights);
        return Err(Error::run(&path, found, DAMAGED));
    }
    let weights = folder.join("checkpoint").join(&manifest.weights);
    Ok((manifest, weights))
}

/// The weights file of an optimiser step.
fn weights_name(step: u64) -> String {
    format!("weights-{step}.safetensors")
}

fn encode<D: Device<f32>>(
    module: &dyn Parameters<D>,
    optimizer: &[f32],
) -> std::result::Result<Vec<u8>, String> {
    let bytes = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let mut parts: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    module.visit("model.", &mut |name, _, t| parts.push((name.to_string(), t.sizes(), bytes(&t.read()))));
    parts.push(("optimizer".into(), vec![optimizer.len()], bytes(optimizer)));
    let views = parts
        .iter()
        .map(|(name, sizes, bytes)| {
            TensorView::new(Dtype::F32, sizes.clone(), bytes)
                .map(|v| (name.clone(), v))
                .map_err(|e| e.to_string())
        })
        .collect::<std::result::Result<HashMap<_, _>, _>>()?;
    safetensors::serialize(views, None).map_err(|e| e.to_string())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Old weights. Failing to remove them harms nobody.
fn remove_older(folder: &Path, keep: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name != keep && name.starts_with("weights-") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::nn::Linear;
    use crate::optim::Rule;
    use dfdx::prelude::{Const, Cpu};

    type Module = Linear<Const<3>, Const<2>, Cpu>;

    fn module(seed: u64) -> Module {
        Module::new(&Cpu::default(), Const, Const, &mut crate::random::stream(&[seed])).unwrap()
    }

    fn read(m: &Module) -> Vec<f32> {
        let mut all = Vec::new();
        m.visit("", &mut |_, _, t| all.extend(t.read()));
        all
    }

    fn try_load(folder: &Path) -> Result<(Vec<f32>, Optimizer, Vec<u32>)> {
        let (mut m, mut optimizer) = (module(2), Optimizer::new(Rule::ADAMW, 0.0));
        let state = load(folder, &mut m, &mut optimizer)?;
        Ok((read(&m), optimizer, state))
    }

    /// A checkpoint of twelve steps, and what loading it gives.
    fn saved(folder: &Path) -> (Vec<f32>, Optimizer, Vec<u32>) {
        let (mut m, mut optimizer) = (module(1), Optimizer::new(Rule::ADAMW, 0.0));
        for _ in 0..12 {
            optimizer.step(&mut m, &[1.0; 8], 0.1).unwrap();
        }
        let state = vec![4_u32, 7, 11];
        save(folder, &m, &optimizer, &state).unwrap();
        (read(&m), optimizer, state)
    }

    /// Loads, which must fail with an error naming the checkpoint, also for the state alone where that is touched.
    fn refused(folder: &Path, what: &str) -> String {
        let said = match std::panic::catch_unwind(|| try_load(folder)) {
            Ok(Err(e)) => e.to_string(),
            Ok(Ok(_)) => panic!("{what}: loaded"),
            Err(_) => panic!("{what}: panicked"),
        };
        assert!(said.contains("checkpoint"), "{what}: {said}");
        let state = std::panic::catch_unwind(|| load_state::<Vec<u32>>(folder));
        assert!(state.is_ok(), "{what}: the state alone panicked");
        said
    }

    #[test]
    fn what_was_saved_comes_back_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let before = saved(folder.path());
        assert!(try_load(folder.path()).unwrap() == before);
        assert_eq!(load_state::<Vec<u32>>(folder.path()).unwrap(), before.2);
    }

    #[test]
    fn no_flipped_byte_passes() {
        let folder = tempfile::tempdir().unwrap();
        saved(folder.path());
        for (name, every) in [("latest.json", 1), ("weights-12.safetensors", 7)] {
            let path = folder.path().join("checkpoint").join(name);
            let whole = fs::read(&path).unwrap();
            for at in (0..whole.len()).step_by(every) {
                for bit in [0x01, 0x20, 0x80] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= bit;
                    fs::write(&path, &bytes).unwrap();
                    let said = refused(folder.path(), &format!("{name}, byte {at}, bit {bit:#x}"));
                    // A damaged name of the weights leads to no file; all else is said of the file that is damaged.
                    assert!(said.contains(name), "{name}, byte {at}, bit {bit:#x}: {said}");
                }
            }
            fs::write(&path, &whole).unwrap();
        }
        assert!(try_load(folder.path()).is_ok());
    }

    #[test]
    fn a_state_of_another_form_is_said_of_the_file_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        saved(folder.path());
        let (mut m, mut optimizer) = (module(2), Optimizer::new(Rule::ADAMW, 0.0));
        let loaded = load::<_, HashMap<String, u32>>(folder.path(), &mut m, &mut optimizer);
        let alone = load_state::<HashMap<String, u32>>(folder.path());
        for said in [loaded.unwrap_err().to_string(), alone.unwrap_err().to_string()] {
            assert!(said.contains("latest.json: the state in it does not parse"), "{said}");
        }
    }

    #[test]
    fn a_checkpoint_of_an_earlier_version_has_no_checksum_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let before = saved(folder.path());
        let path = manifest_path(folder.path());
        let text = fs::read_to_string(&path).unwrap();
        let own = text.find("\"sha256\"").unwrap();
        let end = own + text[own..].find(',').unwrap() + 1;
        fs::write(&path, text[..own].to_string() + &text[end..]).unwrap();
        assert!(try_load(folder.path()).unwrap() == before);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_checkpoint_and_a_link_no_place_for_one() {
        let folder = tempfile::tempdir().unwrap();
        saved(folder.path());
        let checkpoint = folder.path().join("checkpoint");
        for name in ["weights-12.safetensors", "latest.json"] {
            fs::remove_file(checkpoint.join(name)).unwrap();
            assert!(std::process::Command::new("mkfifo")
                .arg(checkpoint.join(name))
                .status()
                .unwrap()
                .success());
            let said = try_load(folder.path()).unwrap_err().to_string();
            assert!(said.contains(&format!("{name}: it is a pipe")), "{said}");
        }
        let (elsewhere, received) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), received.path().join("checkpoint")).unwrap();
        let (m, optimizer) = (module(1), Optimizer::new(Rule::ADAMW, 0.0));
        let said = save(received.path(), &m, &optimizer, &1).unwrap_err().to_string();
        assert!(said.contains("checkpoint: it is a link"), "{said}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_cut_file_passes() {
        let folder = tempfile::tempdir().unwrap();
        saved(folder.path());
        for name in ["latest.json", "weights-12.safetensors"] {
            let path = folder.path().join("checkpoint").join(name);
            let whole = fs::read(&path).unwrap();
            for len in (0..whole.len()).step_by(3) {
                fs::write(&path, &whole[..len]).unwrap();
                refused(folder.path(), &format!("{name} cut to {len}"));
            }
            fs::remove_file(&path).unwrap();
            refused(folder.path(), &format!("{name} gone"));
            fs::write(&path, &whole).unwrap();
        }
    }

    #[test]
    fn a_checkpoint_of_another_network_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        saved(folder.path());
        let wider = &mut crate::random::stream(&[1]);
        let mut wider = Linear::<Const<4>, Const<2>, Cpu>::new(&Cpu::default(), Const, Const, wider).unwrap();
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        let e = load::<_, Vec<u32>>(folder.path(), &mut wider, &mut optimizer).unwrap_err().to_string();
        assert!(e.contains("checkpoint, model.weight") && e.contains("[2, 4]"), "{e}");
    }
}
