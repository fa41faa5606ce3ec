//! DINO: a student says of every crop what its slow copy says of the others (Caron et al. 2021, arXiv 2104.14294).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::centre::Centre;
use super::learner::{weights_of, Part};
use super::momentum_branch::Following;
use super::teacher::{distributions, Teacher, Warming};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Plateau, Statistics};
use crate::error::Result;
use crate::losses::{dino, DistillationTemperatures};
use crate::nn::{DinoHead, DinoHeadPlan, Encoder, LastLayer, Mode};
use crate::ops::Engine;
use crate::optim::Buffers;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`Dino`].
///
/// Caron et al. 2021, arXiv 2104.14294.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DinoConfig {
    /// Width of the head's two hidden layers (2048).
    pub hidden: usize,
    /// Whether the head's hidden layers have batch norm (false, `use_bn_in_head` of the authors' code). Wanted over an
    /// encoder whose features are nearly the same for every image before training, as a small convolutional network's
    /// are: without it the teacher stays uniform.
    pub head_norm: bool,
    /// Temperature of the teacher from epoch `warm_epochs` on (0.07; the authors' script has 0.04 throughout). Lower
    /// where the loss stays at `ln K`.
    pub teacher_temperature: f64,
    /// Temperature of the teacher in the first epoch (0.04).
    pub warm_teacher_temperature: f64,
    /// Epochs over which the teacher's temperature rises, along a line (30).
    pub warm_epochs: usize,
    /// Temperature of the student (0.1).
    pub student_temperature: f64,
    /// How slowly the centre follows the teacher's mean (0.9).
    pub centre_momentum: f64,
    /// Momentum of the teacher at the first step (0.996; 0.9995 for small batches); it rises to 1 along half a
    /// cosine.
    pub momentum: f64,
    /// Epochs in which the prototypes stay as they are (1).
    pub freeze_epochs: usize,
    /// Local crops an image, beside two global ones (8).
    pub local_views: usize,
    /// What becomes of the teacher's running batch-norm statistics: `kept`, `copied` or `averaged` (kept).
    pub buffers: Buffers,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for DinoConfig {
    fn default() -> Self {
        DinoConfig {
            hidden: 2048,
            head_norm: false,
            teacher_temperature: 0.07,
            warm_teacher_temperature: 0.04,
            warm_epochs: 30,
            student_temperature: 0.1,
            centre_momentum: 0.9,
            momentum: 0.996,
            freeze_epochs: 1,
            local_views: 8,
            buffers: Buffers::Kept,
            seed: default_seed(),
        }
    }
}

impl DinoConfig {
    /// For data sets of some thousand small images: a narrow head with batch norm, four local crops, a quicker teacher
    /// that is warm after five epochs.
    pub fn small() -> DinoConfig {
        DinoConfig {
            hidden: 256,
            head_norm: true,
            warm_epochs: 5,
            momentum: 0.98,
            local_views: 4,
            ..DinoConfig::default()
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        checks::at_least_one("hidden", self.hidden, "2048 is the paper's.")?;
        let remedy = "0.04 to 0.07 are the paper's.";
        checks::positive("teacher-temperature", self.teacher_temperature, remedy)?;
        checks::positive("warm-teacher-temperature", self.warm_teacher_temperature, remedy)?;
        checks::positive("student-temperature", self.student_temperature, "0.1 is the paper's.")
    }

    fn warming(&self) -> Warming {
        Warming {
            from: self.warm_teacher_temperature,
            to: self.teacher_temperature,
            epochs: self.warm_epochs,
        }
    }

    fn plan(&self) -> DinoHeadPlan {
        DinoHeadPlan { hidden: self.hidden, norm: self.head_norm }
    }

    fn following(&self) -> Following {
        Following { momentum: self.momentum, rising: true, buffers: self.buffers }
    }
}

/// DINO over encoder `E` with a head whose bottleneck has compile-time width `DIM` (256 in the paper) and
/// `PROTOTYPES` prototypes (65536).
///
/// Caron et al. 2021, arXiv 2104.14294.
///
/// Views 0 and 1 are global crops, which the teacher sees too; the others are local. All have the size of the
/// encoder's input. The centre moves, and the teacher follows, once an optimiser step.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let dino = Dino::<Encoder, 32, 128, Cpu>::new(&Cpu::default(), DinoConfig::small())?;
/// assert_eq!((dino.views(), dino.local_views()), (6, 4));
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type Dino<E, const DIM: usize, const PROTOTYPES: usize, D = AutoDevice> =
    Learner<E, DinoObjective<E, Const<DIM>, Const<PROTOTYPES>, D>, D>;

/// What [`Dino`] puts over its encoder: the student's head, momentum copies of encoder and head, and the centre. Its
/// width `Z` and number of prototypes `K` may be run-time `usize`.
#[derive(Debug)]
pub struct DinoObjective<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> {
    head: DinoHead<E::Features, Z, K, D>,
    teacher: Teacher<E, Z, K, D>,
    centre: Centre<K, D>,
    config: DinoConfig,
    latest: Statistics,
}

parameters!(
    [E: Encoder<D>, Z: Dim, K: Dim, D: Engine] DinoObjective<E, Z, K, D>, D,
    tensors {}, modules { head, teacher, centre },
    plain { config, latest }
);

impl<E: Encoder<D>, Z: Dim + Default, K: Dim + Default, D: Engine> Configured<E, D>
    for DinoObjective<E, Z, K, D>
{
    type Config = DinoConfig;
    type Dims = (Z, K);

    fn over(encoder: &E, dev: &D, config: &DinoConfig, (width, prototypes): (Z, K)) -> Result<Self> {
        checks::at_least_one("prototypes", prototypes.size(), "Some times the classes one hopes for.")?;
        checks::within("local-views", config.local_views, "8 are the paper's.")?;
        checks::width(width)?;
        config.check()?;
        let rng = &mut weights_of(config.seed, Part::Projector);
        let head = DinoHead::new(dev, encoder.features(), config.plan(), width, prototypes, rng)?;
        Ok(DinoObjective {
            teacher: Teacher::new(dev, encoder, &head, config.plan(), config.following())?,
            centre: Centre::new(dev, prototypes, config.centre_momentum)?,
            head,
            config: *config,
            latest: Statistics::default(),
        })
    }

    fn seed(config: &DinoConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> DinoObjective<E, Z, K, D> {
    /// The centre, which is taken off the teacher's logits.
    pub fn centre(&self) -> &Tensor<(K,), f32, D> {
        self.centre.value()
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> Objective<E, D> for DinoObjective<E, Z, K, D> {
    fn views(&self) -> usize {
        2 + self.config.local_views
    }

    fn local_views(&self) -> usize {
        self.config.local_views
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let teacher = self.teacher.logits(batch.pixels(0..2)?)?;
        let frozen = batch.epoch() <= self.config.freeze_epochs as u64;
        let last = if frozen { LastLayer::Frozen } else { LastLayer::Trained };
        let student = self.head.forward(features, last, Mode::Train)?;
        let temperatures = DistillationTemperatures {
            teacher: self.config.warming().at(batch.epoch()),
            student: self.config.student_temperature,
        };
        let both = [temperatures.teacher, temperatures.student];
        self.latest = distributions(&teacher, self.centre.value(), &student.as_vec(), both)?;
        self.centre.collect(&teacher);
        Ok(dino(student, &teacher, self.centre.value(), 2, temperatures)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.head.embed(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, encoder: &E, step: u64, total: u64) -> Result<()> {
        self.centre.follow()?;
        self.teacher.follow(encoder, &self.head, step, total)
    }

    fn statistics(&self) -> Result<Statistics> {
        let (momentum, centre) = (self.teacher.momentum(), self.centre.norm());
        Ok(Statistics { momentum: Some(momentum), centre_norm: Some(centre), ..self.latest })
    }

    fn missing(&self) -> Vec<Missing> {
        let c = &self.config;
        safeguards(c.centre_momentum, c.teacher_temperature, c.student_temperature)
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "dino",
            projector_dim: self.head.bottleneck().size(),
            plateaus: vec![uniform_teacher(self.head.prototypes().size())],
            moving_targets: true,
            ..Default::default()
        }
    }
}

/// What keeps a teacher from saying the same of every image, where it is off.
pub(super) fn safeguards(centre_momentum: f64, teacher: f64, student: f64) -> Vec<Missing> {
    let mut missing = Vec::new();
    if centre_momentum >= 1.0 {
        missing.push(Missing::new(
            "The centre never moves, so nothing keeps one output from winning for every image.",
            "--set centre_momentum=0.9",
        ));
    }
    if teacher >= student {
        missing.push(Missing::new(
            "The teacher is no sharper than the student, so nothing keeps its targets from becoming uniform.",
            "--set teacher_temperature=0.04 --set warm_teacher_temperature=0.04",
        ));
    }
    missing
}

/// The loss of a teacher that knows nothing.
pub(super) fn uniform_teacher(prototypes: usize) -> Plateau {
    Plateau {
        name: "ln K".into(),
        value: (prototypes as f64).ln(),
        means: "The teacher's distribution is uniform: every image is every prototype alike.".into(),
        try_this: "A lower teacher temperature (--set teacher_temperature=0.04), or fewer prototypes.".into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Net, IMAGES};
    use crate::optim::{Optimizer, Rule};

    type Small = Dino<Net, 8, 12, Cpu>;

    const CONFIG: DinoConfig = DinoConfig {
        hidden: 24,
        head_norm: true,
        teacher_temperature: 0.07,
        warm_teacher_temperature: 0.04,
        warm_epochs: 5,
        student_temperature: 0.1,
        centre_momentum: 0.9,
        momentum: 0.9,
        freeze_epochs: 0,
        local_views: 1,
        buffers: Buffers::Kept,
        seed: 0,
    };

    fn made() -> Small {
        with(DinoConfig { head_norm: false, ..CONFIG })
    }

    fn with(config: DinoConfig) -> Small {
        Small::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut made(), 12, 1e-2);
        assert!(losses[0] > 0.0 && losses[11] < 0.5 * losses[0], "{losses:?}");
    }

    #[test]
    fn batch_norm_in_the_head_learns_and_the_teacher_keeps_its_own_statistics() {
        let mut dino = with(CONFIG);
        let losses = testing::losses(&mut dino, 12, 1e-2);
        assert!(losses[11] < losses[0], "{losses:?}");
        let (some, _) = testing::reached(&mut dino);
        for norm in ["objective.head.first_norm.scale", "objective.head.second_norm.shift"] {
            assert!(some.contains(&norm.to_string()), "{some:?}");
        }
        let of = |who: &str| testing::values(&dino, &format!("objective.{who}first_norm.running_"));
        assert!(!of("head.").is_empty() && of("head.").len() == of("teacher.head.").len());
        assert_ne!(of("head."), of("teacher.head."));
    }

    #[test]
    fn no_gradient_reaches_teacher_or_centre() {
        let (some, none) = testing::reached(&mut made());
        let fixed = ["teacher.", "centre.", "running_"];
        assert!(none.iter().all(|name| fixed.iter().any(|f| name.contains(f))), "{none:?}");
        assert!(some.iter().all(|name| !fixed.iter().any(|f| name.contains(f))), "{some:?}");
    }

    #[test]
    fn prototypes_are_frozen_in_the_first_epochs() {
        let mut dino = with(DinoConfig { local_views: 0, freeze_epochs: 1, ..CONFIG });
        let (_, none) = testing::reached(&mut dino);
        assert!(none.contains(&"objective.head.prototypes.weight".to_string()), "{none:?}");
        let before = testing::values(&dino, "objective.head.prototypes.");
        testing::losses(&mut dino, 2, 1e-2);
        assert_eq!(testing::values(&dino, "objective.head.prototypes."), before);
    }

    #[test]
    fn centre_and_teacher_move_once_a_step_whatever_it_is_made_of() {
        let mut dino = made();
        let teacher = testing::values(&dino, "objective.teacher.head.");
        let mean = |dino: &Small, which: &[usize]| -> Vec<f64> {
            let shape = Encoder::<Cpu>::input(crate::methods::Method::encoder(dino));
            let logits = |which| {
                testing::with_batch(shape, 3, which, |batch| {
                    dino.objective().teacher.logits(batch.pixels(0..2).unwrap()).unwrap().as_vec()
                })
            };
            let all: Vec<f32> = which.iter().flat_map(|w| logits(*w)).collect();
            let rows = (2 * IMAGES * which.len()) as f64;
            (0..12)
                .map(|k| all.iter().skip(k).step_by(12).map(|v| f64::from(*v)).sum::<f64>() / rows)
                .collect()
        };
        let expected: Vec<f64> = mean(&dino, &[0, 1]).iter().map(|m| 0.1 * m).collect();
        testing::loss(&mut dino, 0);
        assert_eq!(dino.objective().centre().as_vec(), [0.0; 12], "moved before the step's end");
        assert_eq!(testing::values(&dino, "objective.teacher.head."), teacher);
        // With the one above a step of two micro-batches.
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        testing::step(&mut dino, &mut optimizer, 1e-2, 1, &[1]);
        for (found, expected) in dino.objective().centre().as_vec().iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
        }
        let (student, moved) =
            (testing::values(&dino, "objective.head."), testing::values(&dino, "objective.teacher.head."));
        for ((moved, old), new) in moved.iter().zip(&teacher).zip(&student) {
            assert!((moved - (0.9 * old + 0.1 * new)).abs() < 1e-5);
        }
    }

    #[test]
    fn what_it_says_of_itself() {
        let mut dino = made();
        testing::losses(&mut dino, 1, 1e-3);
        let found = crate::methods::Method::statistics(&dino).unwrap();
        let most = 12f64.ln();
        assert!((found.teacher_entropy_max.unwrap() - most).abs() < 1e-12);
        assert!(found.teacher_entropy.unwrap() <= most && found.teacher_entropy.unwrap() > 0.0);
        assert!(found.teacher_student_kl.unwrap() >= 0.0 && found.centre_norm.unwrap() > 0.0);
        assert!((1.0..=12.0).contains(&found.prototype_perplexity.unwrap()));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |config| Small::new(&Cpu::default(), config).unwrap_err().to_string();
        let usual = DinoConfig::small();
        assert!(
            refused(DinoConfig { teacher_temperature: 0.0, ..usual }).starts_with("teacher-temperature is 0")
        );
        assert!(refused(DinoConfig { momentum: 1.5, ..usual }).starts_with("momentum is 1.5"));
        assert!(refused(DinoConfig { centre_momentum: -1.0, ..usual }).starts_with("centre-momentum is -1"));
        assert!(refused(DinoConfig { hidden: 0, ..usual }).starts_with("hidden is 0"));
    }
}
