//! One step's numbers, for another program to check.

use std::path::Path;

use ::safetensors::tensor::{Dtype, TensorView};
use ::safetensors::{serialize, SafeTensorError};
use dfdx::tensor_ops::Backward as _;

use super::model::Model;
use super::Workload;
use crate::error::{device, Error, Result};
use crate::files::write_atomic;
use crate::tape::{FlatGradient, Role};

/// A tensor on its way into a file.
struct Part {
    name: String,
    sizes: Vec<usize>,
    bytes: Vec<u8>,
}

impl Part {
    fn new(name: String, sizes: Vec<usize>, values: &[f32]) -> Part {
        Part { name, sizes, bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect() }
    }
}

/// Writes the loss of `workload`'s first step, on a smaller batch than is timed, to `file` as safetensors, with everything
/// it is made from: `input.NAME`,
/// `parameter.NAME`, `gradient.NAME` with one name for a parameter and its gradient, and `loss`; all float32. Names of
/// parameters are those of checkpoints, the fields on the way joined with dots.
///
/// # Errors
/// [`Error::Setting`] for a workload that trains nothing on a fixed batch; a file that cannot be written.
pub fn export(workload: Workload, file: &Path) -> Result<()> {
    let Some(model) = workload.small_model()? else {
        let expected = "a workload that trains on one batch";
        let remedy = format!("These do: {}.", Workload::WITH_MODEL.map(Workload::name).join(", "));
        return Err(Error::setting("workload", workload.name(), expected, remedy));
    };
    let parts = parts(model.as_ref())?;
    let views: std::result::Result<Vec<_>, _> = parts
        .iter()
        .map(|p| TensorView::new(Dtype::F32, p.sizes.clone(), &p.bytes).map(|view| (p.name.as_str(), view)))
        .collect();
    let bytes = views.and_then(|views| serialize(views, None));
    let cannot = |e: SafeTensorError| Error::Io {
        action: "write",
        path: file.to_path_buf(),
        source: std::io::Error::other(e.to_string()),
    };
    write_atomic(file, &bytes.map_err(cannot)?)
}

/// Everything that goes into the file.
fn parts(model: &dyn Model) -> Result<Vec<Part>> {
    let loss = model.loss()?;
    let mut parts = vec![Part::new("loss".into(), vec![], &loss.as_vec())];
    let mut gradient = FlatGradient::new();
    gradient.add(model, loss.try_backward().map_err(device)?)?;
    let mut rest: &[f32] = gradient.mean();
    model.visit("", &mut |name, role, t| {
        if role != Role::Buffer {
            let (own, after) = rest.split_at(t.numel());
            rest = after;
            parts.push(Part::new(format!("parameter.{name}"), t.sizes(), &t.read()));
            parts.push(Part::new(format!("gradient.{name}"), t.sizes(), own));
        }
    });
    for input in model.inputs() {
        parts.push(Part::new(format!("input.{}", input.name), input.sizes, &input.values));
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ::safetensors::SafeTensors;

    #[test]
    fn a_file_holds_the_step() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("step.safetensors");
        export(Workload::VicRegMlp, &file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let of = |kind: &str| -> Vec<String> {
            let mut names: Vec<String> =
                tensors.names().iter().filter_map(|n| n.strip_prefix(kind)).map(String::from).collect();
            names.sort();
            names
        };
        assert_eq!(of("parameter."), of("gradient."));
        assert_eq!(of("parameter.").len(), 12);
        assert_eq!(of("input."), ["first", "second"]);
        assert_eq!(tensors.tensor("gradient.encoder.hidden.weight").unwrap().shape(), [512, 64]);
        let numbers = |name: &str| -> Vec<f32> {
            let data = tensors.tensor(name).unwrap().data().to_vec();
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        };
        assert!(numbers("loss")[0] > 1.0);
        assert!(numbers("gradient.projector.output.weight").iter().any(|g| g.abs() > 1e-6));
    }

    #[test]
    fn work_without_a_model_has_nothing_to_export() {
        let e = export(Workload::Augment, Path::new("nowhere.safetensors")).unwrap_err();
        assert!(e.to_string().contains("These do: simclr-vit"), "{e}");
    }
}
