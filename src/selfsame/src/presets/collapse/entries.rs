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
}

/// A setting of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Setting {
    /// The objective's own, a number.
    Number(f64),
    /// The objective's own, a whole number.
    Count(u64),
    /// The objective's own, switched off.
    Off,
    /// The temperature.
    Temperature(f64),
    /// The peak learning rate.
    Rate(f64),
    /// The projector's width.
    Width(usize),
    /// All views are the image itself.
    SameViews,
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
    Collapse { name, method, change, shows, kinds, settings }
}

const TOTAL: &[&str] = &["total-collapse", "loss-plateau"];
const DIMENSIONAL: &[&str] = &["projector-dimensional-collapse", "dimensional-collapse"];

const ENTRIES: &[Collapse] = &[
    entry(
        "simsiam-no-stop-gradient",
        "simsiam",
        "--set stop_gradient=false --lr 6e-3",
        "Targets that move towards predictions meet them at a constant; larger steps only make it quicker.",
        TOTAL,
        &[("stop_gradient", Setting::Off), ("lr", Setting::Rate(6e-3))],
    ),
    entry(
        "simsiam-no-predictor",
        "simsiam",
        "--set predictor=false",
        "Without a predictor the stop-gradient alone does not help: few dimensions are left.",
        DIMENSIONAL,
        &[("predictor", Setting::Off)],
    ),
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
        "--set variance=0 --lr 4e-2",
        "Views agree best where everything is the same point; larger steps only make it quicker.",
        TOTAL,
        &[("variance", Setting::Number(0.0)), ("lr", Setting::Rate(4e-2))],
    ),
    entry(
        "vicreg-no-covariance",
        "vicreg",
        "--set covariance=0",
        "Features vary, all in the same way.",
        DIMENSIONAL,
        &[("covariance", Setting::Number(0.0))],
    ),
    entry(
        "barlow-no-decorrelation",
        "barlow",
        "--set lambda=0",
        "Every feature may say what the others say.",
        DIMENSIONAL,
        &[("lambda", Setting::Number(0.0))],
    ),
    entry(
        "swav-prototypes-unfrozen",
        "swav",
        "--set freeze_epochs=0 --lr 0.05",
        "Prototypes that move before features have settled run after each other.",
        &[
            "prototype-starvation",
            "loss-plateau",
            "total-collapse",
            "dimensional-collapse",
            "projector-dimensional-collapse",
        ],
        &[("freeze_epochs", Setting::Count(0)), ("", Setting::Rate(0.05))],
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
