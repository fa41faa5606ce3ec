//! iBOT: DINO, and the student says of hidden patches what the teacher, who sees them, says (Zhou et al. 2022, arXiv
//! 2111.07832).

use dfdx::prelude::*;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::block_mask::block_mask;
use super::centre::Centre;
use super::dino::{safeguards, uniform_teacher};
use super::learner::{weights_of, Part};
use super::loss::{scalar, weighted};
use super::momentum_branch::Following;
use super::teacher::{distributions, Teacher, Warming};
use super::{checks, Loss, Method, MicroBatch, Trait};
use crate::diagnose::{Missing, Plateau, Statistics};
use crate::error::{device, Result};
use crate::losses::{dino, ibot, DistillationTemperatures, IbotCentre, IbotConvention};
use crate::nn::{DinoHead, DinoHeadPlan, Encoder, Hidden, LastLayer, Mode, PatchEncoder};
use crate::ops::{gather_tokens, mean_middle, Engine};
use crate::optim::Buffers;
use crate::random::{default_seed, Stream};
use crate::tape::parameters;

/// Settings of [`Ibot`].
///
/// Zhou et al. 2022, arXiv 2111.07832.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IbotConfig {
    /// Width of the head's two hidden layers (2048).
    pub hidden: usize,
    /// Whether the head's hidden layers have batch norm (false; `norm_in_head` of the authors' code is not set). Wanted over an
    /// encoder whose features are nearly the same for every image before training: without it the teacher stays uniform.
    pub head_norm: bool,
    /// Temperature of the teacher for images (0.04; 0.07 after a warm-up in some recipes).
    pub teacher_temperature: f64,
    /// Temperature of the teacher for patches from epoch `warm_epochs` on (0.07).
    pub patch_temperature: f64,
    /// Temperature of the teacher for patches in the first epoch (0.04).
    pub warm_patch_temperature: f64,
    /// Epochs over which the temperature for patches rises, along a line (30).
    pub warm_epochs: usize,
    /// Temperature of the student (0.1).
    pub student_temperature: f64,
    /// How slowly both centres follow the teacher's means (0.9).
    pub centre_momentum: f64,
    /// Which patches move the patches' centre: `all-patches`, as in iBOT, or `masked`, as in DINOv2 (all-patches).
    pub patch_centre: IbotCentre,
    /// Share of a global crop's patches that are hidden, in blocks (0.3), where any are.
    pub mask_ratio: f64,
    /// How far that share varies either way (0.2).
    pub mask_variance: f64,
    /// Probability that a global crop has hidden patches (0.5).
    pub mask_probability: f64,
    /// Weight of the patches' loss beside the images' (1).
    pub patch_weight: f64,
    /// Momentum of the teacher at the first step (0.996); it rises to 1 along half a cosine.
    pub momentum: f64,
    /// Epochs in which the prototypes stay as they are (1).
    pub freeze_epochs: usize,
    /// Local crops an image, beside two global ones (10; the authors' script starts with 0).
    pub local_views: usize,
    /// What becomes of the teacher's running batch-norm statistics, where it has any: `kept`, `copied` or `averaged`
    /// (kept).
    pub buffers: Buffers,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for IbotConfig {
    fn default() -> Self {
        IbotConfig {
            hidden: 2048,
            head_norm: false,
            teacher_temperature: 0.04,
            patch_temperature: 0.07,
            warm_patch_temperature: 0.04,
            warm_epochs: 30,
            student_temperature: 0.1,
            centre_momentum: 0.9,
            patch_centre: IbotCentre::AllPatches,
            mask_ratio: 0.3,
            mask_variance: 0.2,
            mask_probability: 0.5,
            patch_weight: 1.0,
            momentum: 0.996,
            freeze_epochs: 1,
            local_views: 10,
            buffers: Buffers::Kept,
            seed: default_seed(),
        }
    }
}

impl IbotConfig {
    /// For data sets of some thousand small images: a narrow head with batch norm, two local crops, a quicker teacher
    /// that is warm after five epochs.
    pub fn small() -> IbotConfig {
        IbotConfig {
            hidden: 256,
            head_norm: true,
            warm_epochs: 5,
            momentum: 0.98,
            local_views: 2,
            ..IbotConfig::default()
        }
    }

    fn plan(&self) -> DinoHeadPlan {
        DinoHeadPlan { hidden: self.hidden, norm: self.head_norm }
    }

    fn check(&self) -> Result<()> {
        checks::at_least_one("hidden", self.hidden, "2048 is the paper's.")?;
        let remedy = "0.04 to 0.07 are the paper's.";
        checks::positive("teacher-temperature", self.teacher_temperature, remedy)?;
        checks::positive("patch-temperature", self.patch_temperature, remedy)?;
        checks::positive("warm-patch-temperature", self.warm_patch_temperature, remedy)?;
        checks::positive("student-temperature", self.student_temperature, "0.1 is the paper's.")?;
        checks::share("mask-ratio", self.mask_ratio, "0.3 is the paper's.")?;
        checks::share("mask-variance", self.mask_variance, "0.2 is the paper's.")?;
        checks::share("mask-probability", self.mask_probability, "0.5 is the paper's.")?;
        checks::not_negative("patch-weight", self.patch_weight, "1 is the paper's.")
    }
}

/// iBOT over encoder `E`, which sees patches, with one head for images and patches whose bottleneck has compile-time
/// width `DIM` (256 in the paper) and `PROTOTYPES` prototypes (8192).
///
/// Zhou et al. 2022, arXiv 2111.07832.
///
/// Encoders here have no class token: what is said of an image is said of the mean of its patches. Views 0 and 1 are
/// global crops, some of whose patches the student does not see; the others are local and whole.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = Vit<Image<1, 8, 8>, 2, 32, 2, 2, Cpu>;
/// let ibot = Ibot::<Encoder, 32, 64, Cpu>::new(&Cpu::default(), IbotConfig::small())?;
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// An encoder without patches does not compile:
/// ```compile_fail
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 32, 2, Cpu>;
/// let ibot = Ibot::<Encoder, 32, 64, Cpu>::new(&Cpu::default(), IbotConfig::small())?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type Ibot<E, const DIM: usize, const PROTOTYPES: usize, D = AutoDevice> =
    IbotOf<E, Const<DIM>, Const<PROTOTYPES>, D>;

/// [`Ibot`] whose width `Z` and number of prototypes `K` may be run-time `usize`.
#[derive(Debug)]
pub struct IbotOf<E: PatchEncoder<D>, Z: Dim, K: Dim, D: Engine> {
    encoder: E,
    head: DinoHead<E::Features, Z, K, D>,
    /// What the student sees of a hidden patch.
    token: Tensor<(E::Features, Const<1>), f32, D>,
    teacher: Teacher<E, Z, K, D>,
    centre: Centre<K, D>,
    patch_centre: Centre<K, D>,
    config: IbotConfig,
    latest: Statistics,
}

parameters!(
    [E: PatchEncoder<D>, Z: Dim, K: Dim, D: Engine] IbotOf<E, Z, K, D>, D,
    tensors { token: NoDecay }, modules { encoder, head, teacher, centre, patch_centre },
    plain { config, latest }
);

impl<E: PatchEncoder<D, Recipe = ()>, Z: ConstDim, K: ConstDim, D: Engine> IbotOf<E, Z, K, D> {
    /// iBOT with random weights.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a setting out of its range; a device out of memory.
    pub fn new(dev: &D, config: IbotConfig) -> Result<Self> {
        let encoder = E::new(dev, &mut weights_of(config.seed, Part::Encoder))?;
        Self::over(encoder, dev, config, Z::default(), K::default())
    }
}

impl<E: PatchEncoder<D>, Z: Dim, K: Dim, D: Engine> IbotOf<E, Z, K, D> {
    /// iBOT over an encoder that is there already.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a setting out of its range or an encoder without patches; a
    /// device out of memory.
    pub fn over(encoder: E, dev: &D, config: IbotConfig, width: Z, prototypes: K) -> Result<Self> {
        checks::at_least_one("prototypes", prototypes.size(), "Some times the classes one hopes for.")?;
        checks::within("local-views", config.local_views, "10 are the paper's.")?;
        checks::width(width)?;
        config.check()?;
        encoder.grid()?;
        let rng = &mut weights_of(config.seed, Part::Projector);
        let head = DinoHead::new(dev, encoder.features(), config.plan(), width, prototypes, rng)?;
        let rng = &mut weights_of(config.seed, Part::Mask);
        let token: Vec<f32> = (0..encoder.features().size()).map(|_| rng.gen_range(-0.02..0.02)).collect();
        let following = Following { momentum: config.momentum, rising: true, buffers: config.buffers };
        Ok(IbotOf {
            token: dev.try_tensor_from_vec(token, (encoder.features(), Const)).map_err(device)?,
            teacher: Teacher::new(dev, &encoder, &head, config.plan(), following)?,
            centre: Centre::new(dev, prototypes, config.centre_momentum)?,
            patch_centre: Centre::new(dev, prototypes, config.centre_momentum)?,
            encoder,
            head,
            config,
            latest: Statistics::default(),
        })
    }

    /// The encoder, when training is over; everything around it is dropped.
    pub fn into_encoder(self) -> E {
        self.encoder
    }

    /// Whether each patch of each view is hidden: of the global crops of `images` images some, of local crops none.
    fn masks(&self, images: usize, rng: &mut Stream) -> Result<Vec<bool>> {
        let (rows, columns) = self.encoder.grid()?;
        let mut all = Vec::new();
        for _ in 0..2 * images {
            let spread = self.config.mask_variance * rng.gen_range(-1.0..=1.0);
            let ratio = (self.config.mask_ratio + spread).clamp(0.0, 1.0);
            let some = rng.gen_bool(self.config.mask_probability);
            let hidden = (ratio * (rows * columns) as f64) as usize;
            all.extend(block_mask(rows, columns, if some { hidden } else { 0 }, rng));
        }
        all.resize((2 + self.config.local_views) * images * rows * columns, false);
        Ok(all)
    }
}

impl<E: PatchEncoder<D>, Z: Dim, K: Dim, D: Engine> IbotOf<E, Z, K, D> {
    fn last_layer(&self, epoch: u64) -> LastLayer {
        match epoch <= self.config.freeze_epochs as u64 {
            true => LastLayer::Frozen,
            false => LastLayer::Trained,
        }
    }

    /// DINO's loss of whole crops.
    fn of_images(
        &mut self,
        tokens: Patches<E, D, OwnedTape<f32, D>>,
        seen: &Patches<E, D>,
        epoch: u64,
    ) -> Result<Tensor<Rank0, f32, D, OwnedTape<f32, D>>> {
        let teacher = self.teacher.of_features(mean_middle(seen.clone())?)?;
        let student = self.head.forward(mean_middle(tokens)?, self.last_layer(epoch), Mode::Train)?;
        let (warm, cold) = (self.config.teacher_temperature, self.config.student_temperature);
        self.latest = distributions(&teacher, self.centre.value(), &student.as_vec(), [warm, cold])?;
        self.centre.collect(&teacher);
        let temperatures = DistillationTemperatures { teacher: warm, student: cold };
        dino(student, &teacher, self.centre.value(), 2, temperatures)
    }

    /// The teacher's logits for hidden patches, `None` without any; what moves the patches' centre is collected.
    fn of_patches(
        &mut self,
        seen: Patches<E, D>,
        hidden: &[u32],
    ) -> Result<Option<Tensor<(usize, K), f32, D>>> {
        let (crops, patches, features) = *seen.shape();
        if self.config.patch_centre == IbotCentre::Masked {
            if hidden.is_empty() {
                return Ok(None);
            }
            let logits = self.teacher.of_features(picked(seen, hidden)?)?;
            self.patch_centre.collect(&logits);
            return Ok(Some(logits));
        }
        let rows = seen.try_reshape_like(&(crops * patches, features)).map_err(device)?;
        let logits = self.teacher.of_features(rows)?;
        self.patch_centre.collect(&logits);
        if hidden.is_empty() {
            return Ok(None);
        }
        let shape = (crops, patches, logits.shape().1);
        picked(logits.try_reshape_like(&shape).map_err(device)?, hidden).map(Some)
    }

    /// The loss of hidden patches.
    fn of_hidden(
        &self,
        tokens: Patches<E, D, OwnedTape<f32, D>>,
        teacher: &Tensor<(usize, K), f32, D>,
        hidden: &[u32],
        epoch: u64,
    ) -> Result<Tensor<Rank0, f32, D, OwnedTape<f32, D>>> {
        let (views, patches, _) = *tokens.shape();
        let crops = 2 * views / self.views();
        // The head's running statistics are those of images, which is what it is asked about when training is over.
        let student = self.head.forward(picked(tokens, hidden)?, self.last_layer(epoch), Mode::Batch)?;
        let warming = Warming {
            from: self.config.warm_patch_temperature,
            to: self.config.patch_temperature,
            epochs: self.config.warm_epochs,
        };
        let temperatures =
            DistillationTemperatures { teacher: warming.at(epoch), student: self.config.student_temperature };
        let image_of: Vec<usize> = hidden.iter().map(|i| *i as usize / patches).collect();
        let centre = self.patch_centre.value();
        ibot(student, teacher, centre, &image_of, crops, temperatures, IbotConvention::Reference)
    }
}

/// Features of every patch of every image.
type Patches<E, D, T = NoneTape> = Tensor<(usize, usize, <E as Encoder<D>>::Features), f32, D, T>;

/// Rows `which` of all patches: (batch, patches, features) to (rows, features).
fn picked<F: Dim, D: Engine, T: Tape<f32, D>>(
    x: Tensor<(usize, usize, F), f32, D, T>,
    which: &[u32],
) -> Result<Tensor<(usize, F), f32, D, T>> {
    let (batch, patches, features) = *x.shape();
    let x = x.try_reshape_like(&(1, batch * patches, features)).map_err(device)?;
    gather_tokens(x, which, which.len())?.try_reshape_like(&(which.len(), features)).map_err(device)
}

impl<E: PatchEncoder<D>, Z: Dim, K: Dim, D: Engine> Method<D> for IbotOf<E, Z, K, D> {
    type Encoder = E;

    fn encoder(&self) -> &E {
        &self.encoder
    }

    fn views(&self) -> usize {
        2 + self.config.local_views
    }

    fn local_views(&self) -> usize {
        self.config.local_views
    }

    fn loss(&mut self, batch: &MicroBatch<'_, E::Input, D>) -> Result<Loss<D>> {
        let which = self.masks(batch.images(), &mut batch.random(0))?;
        let mut hidden: Vec<u32> = (0..which.len() as u32).filter(|i| which[*i as usize]).collect();
        if self.config.head_norm && hidden.len() == 1 {
            // Batch norm has nothing to say of a single row.
            hidden.clear();
        }
        let seen = self.teacher.encoder().patches(batch.pixels(0..2)?, None)?;
        let x = batch.pixels(0..self.views())?.leaky_traced();
        let tokens = self.encoder.patches(x, Some(Hidden { which: &which, token: &self.token }))?;
        let (tokens, tape) = tokens.split_tape();
        let images = self.of_images(tokens.clone().put_tape(tape), &seen, batch.epoch())?;
        let of_images = scalar(&images);
        let targets = self.of_patches(seen, &hidden)?;
        let (images, tape) = images.split_tape();
        let Some(targets) = targets else {
            return Ok(Loss::from(images.put_tape(tape)).with("images", of_images).with("patches", 0.0));
        };
        let patches = self.of_hidden(tokens.put_tape(tape), &targets, &hidden, batch.epoch())?;
        let of_patches = scalar(&patches);
        let total = weighted(patches, self.config.patch_weight, Some(images.retaped()))?;
        Ok(Loss::from(total).with("images", of_images).with("patches", of_patches))
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.head.embed(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, step: u64, total: u64) -> Result<()> {
        self.centre.follow()?;
        self.patch_centre.follow()?;
        self.teacher.follow(&self.encoder, &self.head, step, total)
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
        let of_images = uniform_teacher(self.head.prototypes().size());
        // Crops without hidden patches count as crops that cost nothing.
        let parts = 1.0 + self.config.patch_weight * self.config.mask_probability;
        Trait {
            name: "ibot",
            projector_dim: self.head.bottleneck().size(),
            plateaus: vec![Plateau {
                name: "ln K for images and patches".into(),
                value: parts * of_images.value,
                ..of_images
            }],
            moving_targets: true,
            ..Default::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Tiny, IMAGES};
    use crate::nn::Vit;
    use crate::optim::{Optimizer, Rule};

    type Net = Vit<Tiny, 2, 16, 1, 2, Cpu>;
    type Small = Ibot<Net, 8, 12, Cpu>;

    const CONFIG: IbotConfig = IbotConfig {
        hidden: 24,
        head_norm: false,
        teacher_temperature: 0.04,
        patch_temperature: 0.07,
        warm_patch_temperature: 0.04,
        warm_epochs: 5,
        student_temperature: 0.1,
        centre_momentum: 0.9,
        patch_centre: IbotCentre::AllPatches,
        mask_ratio: 0.3,
        mask_variance: 0.2,
        mask_probability: 0.5,
        patch_weight: 1.0,
        momentum: 0.9,
        freeze_epochs: 0,
        local_views: 1,
        buffers: Buffers::Kept,
        seed: 0,
    };

    fn made(config: IbotConfig) -> Small {
        Small::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn the_loss_falls_and_has_two_parts() {
        let mut ibot = made(CONFIG);
        let first = testing::loss(&mut ibot, 0);
        assert_eq!(first.parts.iter().map(|p| p.0.as_str()).collect::<Vec<_>>(), ["images", "patches"]);
        assert!((first.value() - first.parts[0].1 - first.parts[1].1).abs() < 1e-4, "{:?}", first.parts);
        for head_norm in [false, true] {
            let losses = testing::losses(&mut made(IbotConfig { head_norm, ..CONFIG }), 15, 1e-2);
            assert!(losses[14] < losses[0], "{losses:?}");
        }
    }

    #[test]
    fn no_gradient_reaches_teacher_or_centres_and_the_token_learns() {
        let (some, none) = testing::reached(&mut made(CONFIG));
        assert!(none.iter().all(|n| n.starts_with("teacher.") || n.contains("centre.")), "{none:?}");
        assert!(
            some.contains(&"token".to_string()) && some.iter().any(|n| n.starts_with("encoder.")),
            "{some:?}"
        );
        assert!(some.iter().all(|n| !n.starts_with("teacher.") && !n.contains("centre.")), "{some:?}");
    }

    #[test]
    fn masks_are_of_global_crops_and_as_many_as_asked_for() {
        let config = IbotConfig { mask_probability: 1.0, mask_variance: 0.0, mask_ratio: 0.5, ..CONFIG };
        let ibot = made(config);
        let which =
            testing::with_batch(Tiny::default(), 3, 0, |batch| ibot.masks(IMAGES, &mut batch.random(0)));
        let which = which.unwrap();
        assert_eq!(which.len(), 3 * IMAGES * 16);
        let counts: Vec<usize> = which.chunks(16).map(|m| m.iter().filter(|h| **h).count()).collect();
        assert!(counts[..2 * IMAGES].iter().all(|n| *n == 8), "{counts:?}");
        assert!(counts[2 * IMAGES..].iter().all(|n| *n == 0));
    }

    #[test]
    fn nothing_hidden_leaves_the_images_loss() {
        let mut ibot = made(IbotConfig { mask_probability: 0.0, ..CONFIG });
        let loss = testing::loss(&mut ibot, 0);
        assert_eq!((loss.parts[1].1, loss.value()), (0.0, loss.parts[0].1));
    }

    #[test]
    fn centres_move_once_a_step_each_by_its_rows() {
        for patch_centre in [IbotCentre::AllPatches, IbotCentre::Masked] {
            let mut ibot = made(IbotConfig { patch_centre, ..CONFIG });
            testing::loss(&mut ibot, 0);
            assert!(testing::values(&ibot, "centre.")
                .iter()
                .chain(&testing::values(&ibot, "patch_centre."))
                .all(|v| *v == 0.0));
            let teacher = testing::values(&ibot, "teacher.");
            let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
            testing::step(&mut ibot, &mut optimizer, 1e-3, 1, &[1]);
            let (centre, patches) =
                (testing::values(&ibot, "centre."), testing::values(&ibot, "patch_centre."));
            assert!(centre.iter().any(|v| *v != 0.0) && patches.iter().any(|v| *v != 0.0));
            assert_ne!(centre, patches);
            assert_ne!(testing::values(&ibot, "teacher."), teacher);
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let with = |config| Small::new(&Cpu::default(), config).unwrap_err().to_string();
        assert!(with(IbotConfig { mask_ratio: 1.5, ..CONFIG }).starts_with("mask-ratio is 1.5"));
        assert!(with(IbotConfig { patch_weight: -1.0, ..CONFIG }).starts_with("patch-weight is -1"));
        assert!(with(IbotConfig { patch_temperature: 0.0, ..CONFIG }).starts_with("patch-temperature is 0"));
    }
}
