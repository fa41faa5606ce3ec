//! The operations' self-test on a device given by name.

use dfdx::prelude::Cpu;

use super::DEVICES;
use crate::error::{Error, Result};
use crate::ops::{self, SelfCheck};

/// Runs every operation on `device` (`cpu` or `cuda`) and compares values and gradients with a float64 reference on the
/// CPU: [`ops::self_test`](crate::ops::self_test()) by name.
///
/// # Errors
/// [`Error::Unknown`] for another device; [`Error::Device`] for one that this build or machine has not, with what to do
/// about it.
pub fn self_test(device: &str) -> Result<Vec<SelfCheck>> {
    match device {
        "cpu" => Ok(ops::self_test(&Cpu::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(ops::self_test(&super::run::cuda(0)?)),
        #[cfg(not(feature = "cuda"))]
        "cuda" => Err(super::run::without_cuda()),
        other => Err(Error::Unknown {
            kind: "device",
            given: other.into(),
            known: DEVICES.iter().map(ToString::to_string).collect(),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name() {
        assert!(self_test("cpu").unwrap().iter().all(|check| check.ok));
        assert!(self_test("tpu").unwrap_err().to_string().contains("cpu, cuda"));
        if !cfg!(feature = "cuda") {
            assert!(self_test("cuda").unwrap_err().to_string().contains("--features cuda"));
        }
    }
}
