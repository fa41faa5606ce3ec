//! What a watcher may see of the model.

use std::path::Path;

use dfdx::prelude::Device;

use super::weights::{save_walked, Header, On, Walk};
use crate::error::Result;
use crate::tape::{Parameters, Role};

/// A model as it is after an epoch, its device and types forgotten.
pub struct Snapshot<'m> {
    all: &'m dyn Walk,
    encoder: &'m dyn Walk,
    header: &'m Header,
}

impl<'m> Snapshot<'m> {
    /// Calls `f` with every tensor of the model, heads, queues and momentum copies included: its name, what it is to the
    /// optimiser, its sizes, outermost first, and a copy of its values, row-major.
    pub fn visit(&self, f: &mut dyn FnMut(&str, Role, Vec<usize>, Vec<f32>)) {
        self.all.walk(f);
    }

    /// Calls `f` with every tensor of the encoder; see [`Snapshot::visit`].
    pub fn visit_encoder(&self, f: &mut dyn FnMut(&str, Role, Vec<usize>, Vec<f32>)) {
        self.encoder.walk(f);
    }

    /// Writes the encoder, with the run's settings and normalisation, for [`Frozen::load`](crate::eval::Frozen::load).
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the file cannot be written.
    pub fn save_encoder(&self, path: impl AsRef<Path>) -> Result<()> {
        save_walked(self.encoder, path.as_ref(), self.header)
    }
}

/// Lends a snapshot of `all`, with `encoder` in it, to `see`.
pub(super) fn show<D: Device<f32>>(
    all: &dyn Parameters<D>,
    encoder: &dyn Parameters<D>,
    header: &Header,
    see: &mut dyn FnMut(&Snapshot<'_>),
) {
    see(&Snapshot { all: &On(all), encoder: &On(encoder), header });
}
