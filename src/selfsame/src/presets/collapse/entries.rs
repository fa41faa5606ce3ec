//! The entries of the gallery.

use crate::error::{Error, Result};

/// One deliberate mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Collapse {
    /// Its name, `simsiam-no-stop-gradient`.
    pub name: &'static str,
    /// The objective that is spoilt.
    pub method: &'static str,
    /// What is changed, as `train` would be told, or in words.
    pub change: &'static str,
    /// What it shows, as a sentence.
    pub shows: &'static str,
    /// Kinds of alarm that name it; the first is the usual one.
    pub kinds: &'static [&'static str],
    /// Settings that make it.
    pub(super) settings: &'static [(&'static str, Setting)],
    /// Settings that it and its healthy twin share, beside the preset's.
    pub(super) shared: &'static [(&'static str, Setting)],
}

impl Collapse {
    const fn beside(self, shared: &'static [(&'static str, Setting)]) -> Collapse {
        Collapse { shared, ..self }
    }

    /// What it and its healthy twin have that the preset has not, as `train` would be told; empty where that is nothing.
    pub fn shared(&self) -> String {
        self.shared.iter().map(|(name, setting)| setting.flag(name)).collect::<Vec<_>>().join(" ")
    }

    /// All settings of its run: those of its healthy twin, and the mistake.
    pub(super) fn spoilt(&self) -> Vec<(&'static str, Setting)> {
        [self.shared, self.settings].concat()
    }
}

/// A setting of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Setting {
    /// The objective's own, a number.
    Number(f64),
    /// The objective's own, switched off.
    Off,
    /// The temperature.
    Temperature(f64),
    /// The peak learning rate.
    Rate(f64),
    /// The projector's width.
    Width(usize),
    /// Images an optimiser step.
    Batch(usize),
    /// All views are the image itself.
    SameViews,
}

impl Setting {
    /// As `train` would be told.
    fn flag(self, name: &str) -> String {
        match self {
            Setting::Number(value) => format!("--set {name}={value}"),
            Setting::Off => format!("--set {name}=false"),
            Setting::Temperature(value) => format!("--temperature {value}"),
            Setting::Rate(value) => format!("--lr {value}"),
            Setting::Width(value) => format!("--projector-dim {value}"),
            Setting::Batch(value) => format!("--batch-size {value}"),
            Setting::SameViews => "both views are the image itself".into(),
        }
    }
}

/// All entries of the gallery.
pub fn list() -> &'static [Collapse] {
    ENTRIES
}

/// The entry called `name`.
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub fn find(name: &str) -> Result<&'static Collapse> {
    let known: Vec<&str> = ENTRIES.iter().map(|e| e.name).collect();
    ENTRIES.iter().find(|e| e.name == name).ok_or_else(|| Error::unknown("collapse", name, &known))
}

const fn entry(
    name: &'static str,
    method: &'static str,
    change: &'static str,
    shows: &'static str,
    kinds: &'static [&'static str],
    settings: &'static [(&'static str, Setting)],
) -> Collapse {
    Collapse { name, method, change, shows, kinds, settings, shared: &[] }
}

const TOTAL: &[&str] = &["total-collapse", "loss-plateau"];
/// Smaller batches make four times the steps, enough for a mistake to show at the preset's learning rate.
const MORE_STEPS: &[(&str, Setting)] = &[("", Setting::Batch(64))];
const DIMENSIONAL: &[&str] = &["projector-dimensional-collapse", "dimensional-collapse"];

const ENTRIES: &[Collapse] = &[
    entry(
        "simsiam-no-stop-gradient",
        "simsiam",
        "--set stop_gradient=false",
        "Targets that move towards predictions meet them at a constant.",
        TOTAL,
        &[("stop_gradient", Setting::Off)],
    )
    .beside(MORE_STEPS),
    entry(
        "simsiam-no-predictor",
        "simsiam",
        "--set predictor=false",
        "Without a predictor views are pulled together directly. The projector's last batch norm keeps a spread in every column, \
         so what is left is not a point but a few directions.",
        DIMENSIONAL,
        &[("predictor", Setting::Off)],
    )
    .beside(MORE_STEPS),
    entry(
        "byol-no-predictor",
        "byol",
        "--set predictor=false",
        "A student that must equal the mean of its own past becomes a constant.",
        TOTAL,
        &[("predictor", Setting::Off)],
    ),
    entry(
        "byol-momentum-0",
        "byol",
        "--set momentum=0 --set rising=false",
        "A teacher that is the student of the last step steadies nothing.",
        &["teacher-without-memory", "total-collapse"],
        &[("momentum", Setting::Number(0.0)), ("rising", Setting::Off)],
    ),
    entry(
        "byol-momentum-1",
        "byol",
        "--set momentum=1",
        "A teacher that never moves is a random encoder, and teaches that.",
        &["teacher-frozen"],
        &[("momentum", Setting::Number(1.0))],
    ),
    entry(
        "vicreg-no-variance",
        "vicreg",
        "--set variance=0",
        "Views agree best where everything is the same point.",
        TOTAL,
        &[("variance", Setting::Number(0.0))],
    )
    .beside(MORE_STEPS),
    entry(
        "vicreg-no-covariance",
        "vicreg",
        "--set covariance=0",
        "Features vary, all in the same way.",
        DIMENSIONAL,
        &[("covariance", Setting::Number(0.0))],
    )
    .beside(MORE_STEPS),
    entry(
        "barlow-no-decorrelation",
        "barlow",
        "--set lambda=0",
        "Every feature may say what the others say.",
        DIMENSIONAL,
        &[("lambda", Setting::Number(0.0))],
    )
    .beside(MORE_STEPS),
    entry(
        "dino-no-centring",
        "dino",
        "--set centre_momentum=1",
        "With sharpening alone one output wins for every image.",
        &["one-hot-teacher"],
        &[("centre_momentum", Setting::Number(1.0))],
    ),
    entry(
        "dino-no-sharpening",
        "dino",
        "--set teacher_temperature=0.1 --set warm_teacher_temperature=0.1",
        "With centring alone a teacher no sharper than its student becomes uniform.",
        &["uniform-teacher", "loss-plateau"],
        &[
            ("teacher_temperature", Setting::Number(0.1)),
            ("warm_teacher_temperature", Setting::Number(0.1)),
        ],
    ),
    entry(
        "swav-epsilon-1",
        "swav",
        "--set epsilon=1",
        "Balanced codes that are not sharp put every image into every cluster alike.",
        &["loss-plateau", "prototype-starvation"],
        &[("epsilon", Setting::Number(1.0))],
    ),
    entry(
        "simclr-temperature-1000",
        "simclr",
        "--temperature 1000",
        "All candidates weigh the same, so the loss sits at ln(2N-1).",
        &["temperature-too-high"],
        &[("", Setting::Temperature(1e3))],
    ),
    entry(
        "simclr-temperature-0.0001",
        "simclr",
        "--temperature 0.0001",
        "One candidate outweighs all others, so the loss counts accidents.",
        &["temperature-too-low"],
        &[("", Setting::Temperature(1e-4))],
    ),
    entry(
        "simclr-no-negatives",
        "simclr",
        "--set negatives=false",
        "With nothing to repel, attraction alone ends in a point.",
        TOTAL,
        &[("negatives", Setting::Off)],
    ),
    entry(
        "simclr-identity-views",
        "simclr",
        "both views are the image itself",
        "There is nothing to become invariant to.",
        &["identical-views"],
        &[("", Setting::SameViews)],
    ),
    entry(
        "simclr-projector-1",
        "simclr",
        "--projector-dim 1",
        "A normalised number is its sign.",
        &["projector-bottleneck"],
        &[("", Setting::Width(1))],
    ),
    entry(
        "simclr-learning-rate-10",
        "simclr",
        "--lr 10",
        "A step or two erases the weights.",
        &["learning-rate-too-high", "not-finite", "loss-exploding"],
        &[("", Setting::Rate(10.0))],
    ),
];
