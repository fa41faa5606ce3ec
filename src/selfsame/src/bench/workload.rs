//! The names of the workloads and what each one is.

use super::augmentation::Augmentation;
use super::language::Language;
use super::masked::Masked;
use super::measure::Work;
use super::model::Model;
use super::neighbours::Neighbours;
use super::pipeline::Pipeline;
use super::probe::Probe;
use super::redundancy::Redundancy;
use super::{contrast, language, masked, redundancy};
use crate::error::{Error, Result};

/// A piece of work that can be timed. All of it is in float32 on the CPU, with random inputs of seed 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// A SimCLR step of a vision transformer.
    SimClrVit,
    /// A SimCLR step of a convolutional network.
    SimClrCnn,
    /// A masked autoencoder's step.
    MaeVit,
    /// A step of a language model on characters.
    GptChar,
    /// A VICReg step of fully connected layers.
    VicRegMlp,
    /// SimCLR's augmentation alone.
    Augment,
    /// The convolutional SimCLR step fed by augmentation.
    EndToEnd,
    /// Weighted nearest neighbours.
    Knn,
    /// A linear classifier.
    Probe,
}

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 9] = [
        Workload::SimClrVit,
        Workload::SimClrCnn,
        Workload::MaeVit,
        Workload::GptChar,
        Workload::VicRegMlp,
        Workload::Augment,
        Workload::EndToEnd,
        Workload::Knn,
        Workload::Probe,
    ];

    /// The workload of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`], with all the names.
    pub fn named(name: &str) -> Result<Workload> {
        let found = Workload::ALL.into_iter().find(|w| w.name() == name);
        found.ok_or_else(|| Error::unknown("workload", name, &Workload::ALL.map(Workload::name)))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Workload::SimClrVit => "simclr-vit",
            Workload::SimClrCnn => "simclr-cnn",
            Workload::MaeVit => "mae-vit",
            Workload::GptChar => "gpt-char",
            Workload::VicRegMlp => "vicreg-mlp",
            Workload::Augment => "augment",
            Workload::EndToEnd => "e2e-simclr",
            Workload::Knn => "knn",
            Workload::Probe => "probe",
        }
    }

    /// What it is, exactly, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Workload::SimClrVit => {
                "training step: 256 images of 1x28x28 in 2 views, ViT (patch 4, width 128, depth 4, 4 heads, MLP 256), \
                 projector 128-256-128, NT-Xent 0.2, AdamW"
            }
            Workload::SimClrCnn => {
                "training step: 256 images of 3x32x32 in 2 views, 3x3 convolutions 32, 64/2, 128/2, 256/2 with batch norm \
                 and ReLU, projector 256-256-128, NT-Xent 0.2, AdamW"
            }
            Workload::MaeVit => {
                "training step: 256 images of 3x32x32, 16 of 64 patches visible, encoder of width 128, depth 4, 4 heads, MLP \
                 256, decoder of width 64, depth 2, 4 heads, MLP 128, AdamW"
            }
            Workload::GptChar => {
                "training step: 32 texts of 128 of 65 characters, causal, width 128, depth 4, 4 heads, MLP 512, AdamW"
            }
            Workload::VicRegMlp => {
                "training step: 512 samples of 64 in 2 views, MLP 64-512-512, projector 512-512-512, VICReg 25/25/1, SGD \
                 with momentum"
            }
            Workload::Augment => "SimCLR's augmentation of 256 images of 3x32x32, 2 views each, on all threads",
            Workload::EndToEnd => "simclr-cnn on images that are augmented meanwhile",
            Workload::Knn => "10,000 queries in a bank of 50,000 x 256, cosine, k 200, temperature 0.07",
            Workload::Probe => "logistic regression on 50,000 x 256, 10 classes, at most 100 L-BFGS iterations",
        }
    }

    /// What `median` and `best` count.
    pub fn unit(self) -> &'static str {
        match self {
            Workload::SimClrVit
            | Workload::SimClrCnn
            | Workload::MaeVit
            | Workload::VicRegMlp
            | Workload::EndToEnd => "images/s",
            Workload::GptChar => "tokens/s",
            Workload::Augment => "views/s",
            Workload::Knn => "queries/s",
            Workload::Probe => "seconds",
        }
    }

    pub(super) fn prepare(self) -> Result<Box<dyn Work>> {
        Ok(match self {
            Workload::SimClrVit => Box::new(contrast::vit_steps()?),
            Workload::SimClrCnn => Box::new(contrast::convnet_steps()?),
            Workload::MaeVit => Box::new(masked::steps()?),
            Workload::GptChar => Box::new(language::steps()?),
            Workload::VicRegMlp => Box::new(redundancy::steps()?),
            Workload::Augment => Box::new(Augmentation::new()),
            Workload::EndToEnd => Box::new(Pipeline::new()?),
            Workload::Knn => Box::new(Neighbours::new()?),
            Workload::Probe => Box::new(Probe::new()?),
        })
    }

    /// Its model on a smaller batch, if it trains one on a fixed batch. Smaller, because of the millions of values that
    /// pass a ReLU in a step some lie so near zero that rounding decides.
    pub(super) fn small_model(self) -> Result<Option<Box<dyn Model>>> {
        Ok(Some(match self {
            Workload::SimClrVit => Box::new(contrast::vit(24)?),
            Workload::SimClrCnn => Box::new(contrast::convnet(8)?),
            Workload::MaeVit => Box::new(Masked::new(24)?),
            Workload::GptChar => Box::new(Language::new(4)?),
            Workload::VicRegMlp => Box::new(Redundancy::new(64)?),
            Workload::Augment | Workload::EndToEnd | Workload::Knn | Workload::Probe => return Ok(None),
        }))
    }

    /// Those with such a model.
    pub(super) const WITH_MODEL: [Workload; 5] =
        [Workload::SimClrVit, Workload::SimClrCnn, Workload::MaeVit, Workload::GptChar, Workload::VicRegMlp];
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_a_wrong_one_lists_the_right_ones() {
        for workload in Workload::ALL {
            assert_eq!(Workload::named(workload.name()).unwrap(), workload);
        }
        let message = Workload::named("simclr-vlt").unwrap_err().to_string();
        assert!(
            message.contains("did you mean 'simclr-vit'?") && message.contains("e2e-simclr"),
            "{message}"
        );
    }
}
