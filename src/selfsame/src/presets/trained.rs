//! What a run's checkpoint holds, on the CPU, whatever it was trained on.

use std::path::Path;

use dfdx::prelude::Cpu;

use super::data::{normalise, open, DataKind};
use super::{objectives, TrainSpec};
use crate::augment::Views;
use crate::data::{Dataset, Part};
use crate::error::{Error, Result};
use crate::eval::{Embeddings, Frozen};
use crate::front;
use crate::methods::{AnyMethod, Method};
use crate::nn::AnyEncoder;
use crate::optim::Optimizer;
use crate::shape::{AnyImage, ImageShape};
use crate::train::{evaluation_normalise, load_checkpoint, Progress};

/// Images whose features take long enough to say so.
const MANY: usize = 5000;

/// A trained objective with the data it was trained on.
pub(super) struct Trained {
    dev: Cpu,
    method: AnyMethod<AnyEncoder<Cpu>, Cpu>,
    pub(super) data: Dataset<AnyImage>,
    pub(super) views: Views,
    pub(super) progress: Progress,
}

impl Trained {
    /// Reads the checkpoint of `folder`, which was made with `spec`, and opens the data.
    pub(super) fn load(folder: &Path, spec: &TrainSpec) -> Result<Trained> {
        let (kind, dir) = DataKind::of(&spec.data)?;
        let (dev, config) = (Cpu::seed_from_u64(spec.seed.unwrap_or(0)), spec.train_config()?);
        let mut method = objectives::build(&dev, spec, kind)?;
        let mut optimizer = Optimizer::new(config.rule, config.weight_decay);
        let progress = load_checkpoint(folder, &mut method, &mut optimizer)?;
        let data = open(kind, dir)?;
        let views = kind.views(method.views(), method.local_views(), &normalise(&data)?);
        Ok(Trained { dev, method, data, views, progress })
    }

    pub(super) fn encoder(&self) -> &AnyEncoder<Cpu> {
        self.method.encoder()
    }

    /// The part called `name`.
    pub(super) fn part(&self, name: &str) -> Result<Part<AnyImage>> {
        match name {
            "train" => Ok(self.data.train()),
            "validation" => Ok(self.data.validation()),
            "test" => Ok(self.data.test()),
            _ => Err(Error::unknown("part of a data set", name, &["train", "validation", "test"])),
        }
    }

    /// The encoder's features of the part called `name`.
    pub(super) fn embed(&self, name: &str) -> Result<Embeddings> {
        let part = self.part(name)?;
        if part.len() > MANY {
            front::watch().stage(&format!("features of {} {name} images", part.len()));
        }
        let normalise = evaluation_normalise(&self.views, self.data.shape().size().channels);
        Frozen::new(self.encoder(), &self.dev, normalise).embed(&part)
    }
}
