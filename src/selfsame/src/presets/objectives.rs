//! Objectives by name: their settings for a data set, and how they are put together.

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};

use super::data::{DataKind, Preset};
use super::memory;
use super::settings::{merged, merged_with_flags, parsed, same_name, taken};
use super::{TrainSpec, METHODS};
use crate::error::{Error, Result};
use crate::methods::{
    weights_of, AnyMethod, BarlowTwinsConfig, BarlowTwinsObjective, ByolConfig, ByolObjective, Configured,
    DclConfig, DclObjective, DeepClusterConfig, DeepClusterObjective, DeepClusterV2Config,
    DeepClusterV2Objective, DinoConfig, DinoObjective, HybridObjective, IbotConfig, IbotOf, LeJepaConfig,
    LeJepaObjective, Learner, MoCoConfig, MoCoObjective, MoCoV3Config, MoCoV3Objective, NnclrConfig,
    NnclrObjective, Objective, Part, SimClrConfig, SimClrObjective, SimSiamConfig, SimSiamObjective,
    SupConConfig, SupConObjective, SwavConfig, SwavObjective, VicRegConfig, VicRegObjective, WMseConfig,
    WMseObjective,
};
use crate::nn::{AnyEncoder, Encoder};
use crate::ops::Engine;
use crate::tape::count_parameters;

/// An objective over the encoder of the presets.
type Boxed<D> = Box<dyn Objective<AnyEncoder<D>, D>>;

/// What objective `method` is, in a line; empty for a name that is none of [`METHODS`].
pub fn about_method(method: &str) -> &'static str {
    match method {
        "simclr" => "two views of an image attract, all other images of the batch repel (Chen et al. 2020, arXiv 2002.05709)",
        "moco-v1" => "find the other view's key among a queue of earlier images' (He et al. 2020, arXiv 1911.05722)",
        "moco-v2" => "MoCo with a projector and a higher temperature (Chen et al. 2020, arXiv 2003.04297)",
        "moco-v3" => "contrast with a momentum encoder's keys, predictor instead of queue (Chen et al. 2021, arXiv 2104.02057)",
        "nnclr" => "the nearest neighbour of a view is the other view's positive (Dwibedi et al. 2021, arXiv 2104.14548)",
        "supcon" => "all images of one class attract; sees the labels (Khosla et al. 2020, arXiv 2004.11362)",
        "dcl" => "SimCLR without the positive among its own negatives (Yeh et al. 2022, arXiv 2110.06848)",
        "dclw" => "DCL with more weight for pairs that are far apart (Yeh et al. 2022, arXiv 2110.06848)",
        "byol" => "predict a slow copy's projection of the other view (Grill et al. 2020, arXiv 2006.07733)",
        "simsiam" => "predict the other view's projection, with a stop-gradient (Chen and He 2021, arXiv 2011.10566)",
        "barlow" => "the views' features agree and are uncorrelated: Barlow Twins (Zbontar et al. 2021, arXiv 2103.03230)",
        "vicreg" => "views agree, features vary and do not covary (Bardes et al. 2022, arXiv 2105.04906)",
        "w-mse" => "whitened views agree (Ermolov et al. 2021, arXiv 2007.06346)",
        "lejepa" => "views agree, embeddings are a standard normal: SIGReg (Balestriero and LeCun 2025, arXiv 2511.08544)",
        "dino" => "a student says of every crop what its slow copy says of the others (Caron et al. 2021, arXiv 2104.14294)",
        "ibot" => "DINO, and the same for patches the student does not see; needs a ViT (Zhou et al. 2022, arXiv 2111.07832)",
        "swav" => "predict the cluster another crop was put in, clusters used alike (Caron et al. 2020, arXiv 2006.09882)",
        "deepcluster" => "cluster the features, learn to tell the clusters, again (Caron et al. 2018, arXiv 1807.05520)",
        "deepcluster-v2" => "centroids of every epoch's clusters as prototypes of the next (Caron et al. 2020, arXiv 2006.09882)",
        "hybrid" => "a weighted sum of objectives over one encoder: --set simclr=1 --set barlow=0.05",
        _ => "",
    }
}

/// What a run of `method` on data of `kind` starts from.
pub(super) fn preset(method: &str, kind: DataKind) -> Preset {
    let base = kind.preset();
    match method {
        "barlow" | "vicreg" => Preset { projector_dim: 256, ..base },
        // So few images make so few steps that a copy has no time to follow, unless they are smaller.
        "byol" if kind == DataKind::Digits => Preset { projector_dim: 128, batch_size: 128, ..base },
        "simsiam" | "byol" => Preset { projector_dim: 128, ..base },
        "w-mse" => Preset { projector_dim: 32, ..base },
        "swav" | "dino" if kind == DataKind::Digits => Preset { batch_size: 64, lr: 1e-3, ..base },
        "deepcluster" if kind == DataKind::Digits => Preset { batch_size: 32, lr: 3e-3, ..base },
        // A vision transformer learns where a patch is from nothing, which takes steps.
        "ibot" if kind == DataKind::Digits => Preset { epochs: 60, batch_size: 32, lr: 1e-3, ..base },
        _ => base,
    }
}

/// The encoder of `method` unless told otherwise.
pub(super) fn encoder(method: &str) -> &'static str {
    match method {
        "ibot" => "vit",
        _ => "convnet",
    }
}

/// Every setting of `method` by name with its preset for data of `kind`; those that are fields of [`TrainSpec`],
/// such as the temperature, among them. The papers' widths are for features of 2048; here they are a tenth of that.
///
/// # Errors
/// [`Error::Unknown`] for an objective that does not exist.
pub(super) fn defaults(method: &str, kind: DataKind) -> Result<Map<String, Value>> {
    let temperature = match kind {
        DataKind::Digits => 0.1,
        DataKind::Mnist => 0.3,
        _ => 0.2,
    };
    // A queue no longer than half the training part, so that an image is rarely a negative of itself.
    let queue = match kind {
        DataKind::Digits => 512,
        _ => 2048,
    };
    // Some ten for each class one hopes for.
    let prototypes = match kind {
        DataKind::Digits => 100,
        DataKind::Cifar100 => 1000,
        _ => 300,
    };
    let hidden = 256;
    match method {
        "simclr" => fields(SimClrConfig { temperature, ..Default::default() }),
        "moco-v1" => with_queue(MoCoConfig { temperature, momentum: 0.99, ..MoCoConfig::v1() }, queue),
        "moco-v2" => {
            with_queue(MoCoConfig { temperature, hidden, momentum: 0.99, ..Default::default() }, queue)
        }
        "moco-v3" => fields(MoCoV3Config { temperature, hidden, ..Default::default() }),
        "nnclr" => {
            let config = NnclrConfig { temperature, hidden, predictor_hidden: hidden, ..Default::default() };
            with_queue(config, queue)
        }
        "supcon" => fields(SupConConfig { temperature, hidden, ..Default::default() }),
        "dcl" => fields(DclConfig { temperature, hidden, ..Default::default() }),
        "dclw" => fields(DclConfig { temperature, hidden, ..DclConfig::weighted() }),
        "byol" => {
            let momentum = if kind == DataKind::Digits { 0.9 } else { 0.97 };
            fields(ByolConfig { hidden, momentum, ..Default::default() })
        }
        "simsiam" => fields(SimSiamConfig { hidden, bottleneck: 64, ..Default::default() }),
        "barlow" => fields(BarlowTwinsConfig { hidden, lambda: 0.02, scale: 0.1, ..Default::default() }),
        "vicreg" => fields(VicRegConfig { hidden, ..Default::default() }),
        "w-mse" => fields(WMseConfig { hidden, ..Default::default() }),
        "lejepa" => fields(LeJepaConfig { hidden, directions: 256, ..Default::default() }),
        // Cosines of a head of so few steps are small: at the usual temperatures the teacher stays uniform.
        "dino" if kind == DataKind::Digits => {
            let (teacher_temperature, warm_teacher_temperature) = (0.02, 0.02);
            let config = DinoConfig { teacher_temperature, warm_teacher_temperature, ..DinoConfig::small() };
            with_count(DinoConfig { momentum: 0.99, local_views: 2, ..config }, "prototypes", prototypes)
        }
        "dino" => with_count(DinoConfig::small(), "prototypes", prototypes),
        "ibot" if kind == DataKind::Digits => {
            let config = IbotConfig {
                teacher_temperature: 0.02,
                patch_temperature: 0.03,
                warm_patch_temperature: 0.03,
                momentum: 0.99,
                local_views: 0,
                ..IbotConfig::small()
            };
            with_count(config, "prototypes", prototypes)
        }
        "ibot" => with_count(IbotConfig::small(), "prototypes", prototypes),
        // With local crops of eight pixels and an epsilon of 0.05 the loss stays at ln K.
        "swav" if kind == DataKind::Digits => {
            let config = SwavConfig { epsilon: 0.02, queue: 0, local_views: 0, ..SwavConfig::small() };
            with_count(config, "prototypes", 50)
        }
        "swav" => with_count(SwavConfig::small(), "prototypes", prototypes),
        // A classifier that starts anew needs more than the forty steps of an epoch.
        "deepcluster" if kind == DataKind::Digits => {
            let config = DeepClusterConfig { reassign: 5, ..DeepClusterConfig::small() };
            with_count(config, "clusters", 30)
        }
        "deepcluster" => with_count(DeepClusterConfig::small(), "clusters", prototypes),
        "deepcluster-v2" => with_count(DeepClusterV2Config::small(), "prototypes", prototypes),
        "hybrid" => Ok(METHODS.iter().filter(|m| !["hybrid", "ibot"].contains(*m)).map(weight).collect()),
        _ => Err(Error::unknown("method", method, METHODS)),
    }
}

/// An objective's weight in a hybrid that was told nothing: contrast, and a little decorrelation.
fn weight(method: &&str) -> (String, Value) {
    let weight = match *method {
        "simclr" => 1.0,
        "barlow" => 0.1,
        _ => 0.0,
    };
    (method.to_string(), weight.into())
}

/// The settings of `method` on data of `kind`: the preset's with what `given` says instead. Those of a hybrid are its
/// parts' weights, and `part.setting` for a part's own.
///
/// # Errors
/// [`Error::Unknown`] for a name that is none of its settings, [`Error::Setting`] for a value of another kind.
pub(super) fn settings(
    method: &str,
    kind: DataKind,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    if method != "hybrid" {
        return merged(&defaults(method, kind)?, given);
    }
    let (own, weights): (Vec<_>, Vec<_>) = given
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .partition(|(name, _)| name.contains('.'));
    let mut all = merged(&defaults(method, kind)?, &weights.into_iter().collect())?;
    for (name, value) in own {
        let (given, setting) = name.split_once('.').unwrap_or_default();
        let part = METHODS.iter().find(|known| same_name(known, given)).copied().unwrap_or(given);
        let known = defaults(part, kind)?;
        let checked = merged_with_flags(&known, &Map::from_iter([(setting.to_string(), value)]))?;
        let own = checked.into_iter().find(|(name, _)| same_name(name, setting));
        all.extend(own.map(|(setting, value)| (format!("{part}.{setting}"), value)));
    }
    Ok(all)
}

/// A configuration as a map.
fn fields<C: Serialize>(config: C) -> Result<Map<String, Value>> {
    match serde_json::to_value(config) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(Error::shape("settings of an objective", "an object", other)),
        Err(e) => Err(Error::shape("settings of an objective", "an object", e)),
    }
}

/// The same for an objective that has a queue, whose length is no field because it may be in its type.
fn with_queue<C: Serialize>(config: C, length: usize) -> Result<Map<String, Value>> {
    with_count(config, "queue", length)
}

/// The same with a count that is no field because it may be in the objective's type.
fn with_count<C: Serialize>(config: C, name: &str, count: usize) -> Result<Map<String, Value>> {
    let mut fields = fields(config)?;
    fields.insert(name.into(), count.into());
    Ok(fields)
}

/// `spec` with room for `training` images wherever it asks for room for more than can be counted, which is how one says all.
pub(super) fn with_room(spec: &TrainSpec, training: usize) -> TrainSpec {
    let mut spec = spec.clone();
    for (name, value) in &mut spec.settings {
        let room = name == "images" || name.ends_with(".images");
        if room && value.as_u64().is_some_and(|images| images > 1 << 24) {
            *value = training.into();
        }
    }
    spec
}

/// The method of a resolved `spec` with its initial weights.
///
/// # Errors
/// A setting out of its range; more memory than the machine has; a device out of memory.
pub(super) fn build<D: Engine>(
    dev: &D,
    spec: &TrainSpec,
    kind: DataKind,
) -> Result<AnyMethod<AnyEncoder<D>, D>> {
    let seed = spec.seed.unwrap_or(0);
    let recipe = kind.encoder(spec.encoder.as_deref().unwrap_or_else(|| self::encoder(&spec.method)))?;
    let encoder = AnyEncoder::build(&recipe, dev, &mut weights_of(seed, Part::Encoder))?;
    let width = spec.projector_dim.unwrap_or_else(|| encoder.features());
    memory::check(spec, kind, encoder.features(), count_parameters(&encoder))?;
    if spec.method == "hybrid" {
        let parts = hybrid(&encoder, dev, spec, kind, width)?;
        return Ok(Box::new(Learner::of(encoder, parts)));
    }
    let mut settings = spec.settings.clone();
    settings.insert("seed".into(), seed.into());
    if let Some(temperature) = spec.temperature {
        settings.insert("temperature".into(), temperature.into());
    }
    if spec.method == "ibot" {
        let prototypes = taken("prototypes", &mut settings)?;
        return Ok(Box::new(IbotOf::over(encoder, dev, parsed(settings)?, width, prototypes)?));
    }
    let objective = objective(&spec.method, &encoder, dev, settings, width)?;
    Ok(Box::new(Learner::of(encoder, objective)))
}

/// The parts of a hybrid: every objective whose weight is not 0, at its own preset for the data.
fn hybrid<D: Engine>(
    encoder: &AnyEncoder<D>,
    dev: &D,
    spec: &TrainSpec,
    kind: DataKind,
    width: usize,
) -> Result<HybridObjective<AnyEncoder<D>, D>> {
    let mut objectives = Vec::new();
    for (name, mut settings) in parts(spec, kind)? {
        let weight = spec.settings.get(&name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        settings.insert("seed".into(), spec.seed.unwrap_or(0).into());
        let one = objective(&name, encoder, dev, settings, width)?;
        objectives.push((name, weight, one));
    }
    HybridObjective::of(objectives)
}

/// The objectives a resolved `spec` is made of with their settings: one, or a hybrid's whose weight is not 0.
///
/// # Errors
/// [`Error::Unknown`] for a part that does not exist.
pub(super) fn parts(spec: &TrainSpec, kind: DataKind) -> Result<Vec<(String, Map<String, Value>)>> {
    if spec.method != "hybrid" {
        return Ok(vec![(spec.method.clone(), spec.settings.clone())]);
    }
    let weights = spec.settings.iter().filter(|(name, _)| !name.contains('.'));
    let used = weights.filter(|(_, weight)| weight.as_f64() != Some(0.0));
    used.map(|(name, _)| {
        let mut settings = defaults(name, kind)?;
        let own = spec.settings.iter().filter_map(|(key, value)| {
            key.strip_prefix(name.as_str())?.strip_prefix('.').map(|own| (own.to_string(), value.clone()))
        });
        settings.extend(own);
        Ok((name.clone(), settings))
    })
    .collect()
}

/// The objective called `method` over `encoder`.
fn objective<D: Engine>(
    method: &str,
    encoder: &AnyEncoder<D>,
    dev: &D,
    mut settings: Map<String, Value>,
    width: usize,
) -> Result<Boxed<D>> {
    let (e, s) = (encoder, &mut settings);
    match method {
        "simclr" => over::<SimClrObjective<_, usize, D>, D>(e, dev, s, width),
        "moco-v1" | "moco-v2" => {
            let queue = taken("queue", s)?;
            over::<MoCoObjective<_, usize, usize, D>, D>(e, dev, s, (width, queue))
        }
        "moco-v3" => over::<MoCoV3Objective<_, usize, D>, D>(e, dev, s, width),
        "nnclr" => {
            let queue = taken("queue", s)?;
            over::<NnclrObjective<_, usize, usize, D>, D>(e, dev, s, (width, queue))
        }
        "supcon" => over::<SupConObjective<_, usize, D>, D>(e, dev, s, width),
        "dcl" | "dclw" => over::<DclObjective<_, usize, D>, D>(e, dev, s, width),
        "byol" => over::<ByolObjective<_, usize, D>, D>(e, dev, s, width),
        "simsiam" => over::<SimSiamObjective<_, usize, D>, D>(e, dev, s, width),
        "barlow" => over::<BarlowTwinsObjective<_, usize, D>, D>(e, dev, s, width),
        "vicreg" => over::<VicRegObjective<_, usize, D>, D>(e, dev, s, width),
        "w-mse" => over::<WMseObjective<_, usize, D>, D>(e, dev, s, width),
        "lejepa" => over::<LeJepaObjective<_, usize, D>, D>(e, dev, s, width),
        "dino" => {
            let prototypes = taken("prototypes", s)?;
            over::<DinoObjective<_, usize, usize, D>, D>(e, dev, s, (width, prototypes))
        }
        "swav" => {
            let prototypes = taken("prototypes", s)?;
            over::<SwavObjective<_, usize, usize, D>, D>(e, dev, s, (width, prototypes))
        }
        "deepcluster" => {
            let clusters = taken("clusters", s)?;
            over::<DeepClusterObjective<_, usize, D>, D>(e, dev, s, clusters)
        }
        "deepcluster-v2" => {
            let prototypes = taken("prototypes", s)?;
            over::<DeepClusterV2Objective<_, usize, usize, D>, D>(e, dev, s, (width, prototypes))
        }
        _ => Err(Error::unknown("method", method, METHODS)),
    }
}

fn over<O, D: Engine>(
    encoder: &AnyEncoder<D>,
    dev: &D,
    settings: &mut Map<String, Value>,
    dims: O::Dims,
) -> Result<Boxed<D>>
where
    O: Configured<AnyEncoder<D>, D, Config: DeserializeOwned> + 'static,
{
    Ok(Box::new(O::over(encoder, dev, &parsed(std::mem::take(settings))?, dims)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::Method;
    use dfdx::prelude::Cpu;

    #[test]
    fn every_objective_is_described_and_built_for_every_kind_of_data() {
        for method in METHODS {
            assert!(!about_method(method).is_empty(), "{method}");
            for data in ["digits", "shapes", "mnist:x", "cifar10:x", "cifar100:x", "folder:x"] {
                let spec = TrainSpec { method: method.to_string(), data: data.into(), ..Default::default() };
                let spec = spec.resolve().unwrap();
                let built = build(&Cpu::default(), &spec, DataKind::of(data).unwrap().0).unwrap();
                assert_eq!(built.about(64).name, *method);
                assert!(built.views() >= 1 && built.about(64).projector_dim > 0);
            }
        }
    }

    #[test]
    fn a_setting_reaches_its_objective_and_is_checked_there() {
        let built = |method: &str, name: &str, value: Value| {
            let mut spec = TrainSpec { method: method.into(), data: "digits".into(), ..Default::default() };
            spec.settings.insert(name.into(), value);
            spec.resolve().and_then(|spec| build(&Cpu::default(), &spec, DataKind::Digits).map(|_| spec))
        };
        assert_eq!(built("byol", "momentum", 0.5.into()).unwrap().settings["momentum"], 0.5);
        let message = |method, name, value| built(method, name, value).unwrap_err().to_string();
        assert!(message("byol", "momentum", 1.5.into()).starts_with("momentum is 1.5."));
        assert!(message("byol", "momentun", 0.5.into()).contains("did you mean 'momentum'?"));
        assert!(message("simclr", "queue", 5.into()).contains("unknown setting 'queue'"));
        assert!(message("moco-v2", "queue", 0.into()).starts_with("queue is 0."));
        assert!(message("moco-v2", "buffers", "lost".into()).contains("lost"));
        assert!(message("byol", "temperature", 0.5.into()).contains("unknown setting"));
        let spec = built("hybrid", "simclr.temperature", 0.5.into()).unwrap();
        assert_eq!(
            (&spec.settings["simclr.temperature"], &spec.settings["simclr"]),
            (&0.5.into(), &1.0.into())
        );
        assert!(message("hybrid", "simclr.temperature", 0.into()).starts_with("temperature is 0."));
        assert!(message("hybrid", "barlow.lamda", 0.into()).contains("did you mean 'lambda'?"));
        assert!(message("hybrid", "simclar", 1.into()).contains("did you mean 'simclr'?"));
        assert!(message("hybrid", "simclr", (-1).into()).starts_with("simclr is -1."));
        // Hands type dashes for underscores and the other way round; names of objectives have dashes.
        let spec = built("hybrid", "moco_v2", 0.5.into()).unwrap();
        assert_eq!((&spec.settings["moco-v2"], spec.settings.get("moco_v2")), (&0.5.into(), None));
        let spec = built("hybrid", "moco_v2.shuffle-groups", 2.into()).unwrap();
        assert_eq!(spec.settings["moco-v2.shuffle_groups"], 2);
        for part in ["moco-v1", "moco-v2", "moco-v3", "w-mse", "deepcluster-v2"] {
            let (name, value) = crate::presets::read_setting(&format!("{part}=0.25")).unwrap();
            assert_eq!(built("hybrid", &name, value).unwrap().settings[part], 0.25);
        }
    }

    /// What people and programs write when they do not mean it.
    const EXTREMES: &[&str] = &[
        "0",
        "1",
        "-1",
        "2",
        "0.5",
        "2147483648",
        "9223372036854775808",
        "18446744073709551615",
        "nan",
        "inf",
        "1e308",
        "1e-308",
        "-1e308",
        "true",
        "null",
        "[]",
        "{}",
        "\"\"",
    ];

    /// Makes what a run would be made of, and says how many numbers it holds.
    fn made(spec: &TrainSpec) -> Result<usize> {
        const TRAINING: usize = 1400;
        let spec = with_room(&spec.resolve()?, TRAINING);
        let config = spec.train_config()?;
        config.validate(TRAINING)?;
        let built = build(&Cpu::default(), &spec, DataKind::Digits)?;
        built.fits(config.batch_size / config.accumulate, TRAINING)?;
        let mut numbers = 0;
        crate::tape::Parameters::visit(&built, "", &mut |_, _, t| numbers += t.read().len());
        Ok(numbers)
    }

    /// Whether `spec` is made, small, or refused in words; said with `what`.
    fn taken_or_refused(what: &str, spec: &TrainSpec) -> bool {
        match made(spec) {
            Ok(numbers) => {
                assert!(numbers < 100_000_000, "{what}: {numbers} numbers");
                true
            }
            Err(error) => {
                assert!(matches!(error, Error::Setting { .. } | Error::Unknown { .. }), "{what}: {error:?}");
                assert!(
                    error.to_string().contains(" is ") || error.to_string().contains("unknown"),
                    "{what}: {error}"
                );
                false
            }
        }
    }

    fn small(method: &str) -> TrainSpec {
        let encoder = if method == "ibot" { "vit" } else { "mlp" };
        let data = "digits".into();
        TrainSpec { method: method.into(), data, encoder: Some(encoder.into()), ..Default::default() }
    }

    #[test]
    fn every_setting_of_every_objective_is_taken_or_refused_in_words() {
        let (mut taken, mut refused) = (0, 0);
        for method in METHODS {
            let own = defaults(method, DataKind::Digits).unwrap();
            for (name, preset) in &own {
                let range = method == &"hybrid" || crate::methods::range_of(name).is_some();
                assert!(range || name == "seed" || !preset.is_number(), "{method}: {name} has no range");
                for given in EXTREMES {
                    let setting = super::super::read_setting(&format!("{name}={given}")).unwrap();
                    let mut spec = small(method);
                    spec.settings.insert(setting.0, setting.1);
                    match taken_or_refused(&format!("{method} --set {name}={given}"), &spec) {
                        true => taken += 1,
                        false => refused += 1,
                    }
                }
            }
        }
        assert!(taken > 200 && refused > 1000, "{taken} taken, {refused} refused");
    }

    #[test]
    fn every_setting_that_all_runs_have_is_taken_or_refused_in_words() {
        let Value::Object(fields) = serde_json::to_value(TrainSpec::default()).unwrap() else { panic!() };
        let mut refused = 0;
        for name in fields.keys().filter(|name| !["out", "name", "simd"].contains(&name.as_str())) {
            for given in EXTREMES {
                let value = super::super::read_setting(&format!("{name}={given}")).unwrap().1;
                let Value::Object(mut all) = serde_json::to_value(small("simclr")).unwrap() else { panic!() };
                all.insert(name.clone(), value);
                // What is of another type is refused where it is read.
                let Ok(spec) = serde_json::from_value::<TrainSpec>(Value::Object(all)) else { continue };
                refused += usize::from(!taken_or_refused(&format!("{name} = {given}"), &spec));
            }
        }
        assert!(refused > 60, "{refused}");
    }

    #[test]
    fn room_for_more_images_than_can_be_counted_is_room_for_all() {
        let mut spec = small("deepcluster");
        spec.settings.insert("images".into(), u64::MAX.into());
        assert_eq!(with_room(&spec.resolve().unwrap(), 1437).settings["images"], 1437);
        spec.settings.insert("images".into(), 2000.into());
        assert_eq!(with_room(&spec.resolve().unwrap(), 1437).settings["images"], 2000);
        let mut hybrid = small("hybrid");
        hybrid.settings.insert("deepcluster_v2".into(), 1.into());
        hybrid.settings.insert("deepcluster_v2.images".into(), u64::MAX.into());
        assert_eq!(with_room(&hybrid.resolve().unwrap(), 1437).settings["deepcluster-v2.images"], 1437);
    }

    /// Copies a run folder when the second epoch begins: what a process that was killed then leaves.
    struct Killed<'f> {
        from: &'f std::path::Path,
        to: &'f std::path::Path,
    }

    impl crate::train::Watch for Killed<'_> {
        fn stepped(&mut self, step: &crate::train::StepLine) {
            if step.epoch == 2 && !self.to.join("checkpoint").exists() {
                std::fs::create_dir(self.to.join("checkpoint")).unwrap();
                for file in std::fs::read_dir(self.from.join("checkpoint")).unwrap() {
                    let file = file.unwrap();
                    std::fs::copy(file.path(), self.to.join("checkpoint").join(file.file_name())).unwrap();
                }
            }
        }
    }

    #[test]
    fn every_objective_goes_on_bit_by_bit_where_it_was_killed() {
        let data = super::super::data::open(DataKind::Digits, "").unwrap();
        let normalise = super::super::data::normalise(&data).unwrap();
        let dev = Cpu::default();
        for method in METHODS {
            let mut spec =
                TrainSpec { method: method.to_string(), data: "digits".into(), ..Default::default() };
            let encoder = if *method == "ibot" { "vit" } else { "mlp" };
            (spec.encoder, spec.epochs, spec.accumulate) = (Some(encoder.into()), Some(2), Some(2));
            spec.probe_every = Some(2);
            if *method == "hybrid" {
                spec.settings.insert("moco-v2".into(), 0.5.into());
            }
            let spec = spec.resolve().unwrap();
            let config = spec.train_config().unwrap();
            let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let [whole, killed] = [folders[0].path(), folders[1].path()];
            let fit = |folder: &std::path::Path, watch: &mut dyn crate::train::Watch| {
                let mut built = build(&dev, &spec, DataKind::Digits).unwrap();
                let views = DataKind::Digits.views(built.views(), built.local_views(), &normalise);
                let trainer = crate::train::Trainer::new(&dev).config(config.clone()).folder(folder);
                trainer.watch(watch).fit(&mut built, &data, &views).unwrap();
                let mut bits = Vec::new();
                crate::tape::Parameters::visit(&built, "", &mut |name, _, t| {
                    bits.push((name.to_string(), t.read().iter().map(|v| v.to_bits()).collect::<Vec<_>>()));
                });
                (bits, std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap())
            };
            let straight = fit(whole, &mut Killed { from: whole, to: killed });
            let resumed = fit(killed, &mut ());
            assert!(straight.0 == resumed.0, "{method}: other tensors after resuming");
            assert_eq!(straight.1, resumed.1, "{method}");
        }
    }
}
