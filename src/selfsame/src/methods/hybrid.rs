//! Several objectives over one encoder.

use dfdx::prelude::*;

use super::loss::weighted;
use super::{checks, ranges, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::Statistics;
use crate::error::{device, Error, Result};
use crate::eval::Embeddings;
use crate::nn::Encoder;
use crate::ops::Engine;
use crate::tape::{AnyTensor, Parameters, Role};

/// A weighted sum of objectives over one encoder; see [`HybridObjective`].
pub type Hybrid<E, D = AutoDevice> = Learner<E, HybridObjective<E, D>, D>;

/// A weighted sum of objectives over the features of one encoder, each with a projector of its own.
///
/// Images go through the encoder once, in as many views as the part that wants most; a part that wants fewer gets the
/// first of them. Every part's own loss is logged under its name, before it is weighted. The geometry of projections that
/// the doctor sees is the first part's.
///
/// ```
/// use selfsame::prelude::*;
/// use selfsame::methods::{BarlowTwinsObjective, Configured, Hybrid, HybridObjective, SimClrObjective};
/// type Net = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let dev = Cpu::default();
/// let encoder = Net::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// let simclr = SimClrObjective::<Net, Const<32>, Cpu>::over(&encoder, &dev, &SimClrConfig::default(), Const)?;
/// let config = BarlowTwinsConfig { hidden: 64, ..Default::default() };
/// let barlow = BarlowTwinsObjective::<Net, Const<64>, Cpu>::over(&encoder, &dev, &config, Const)?;
/// let both = HybridObjective::of(vec![("simclr".into(), 1.0, Box::new(simclr)), ("barlow".into(), 0.1, Box::new(barlow))])?;
/// let hybrid: Hybrid<Net, Cpu> = Hybrid::of(encoder, both);
/// # Ok::<(), selfsame::Error>(())
/// ```
pub struct HybridObjective<E: Encoder<D>, D: Engine> {
    parts: Vec<WeightedObjective<E, D>>,
}

/// An objective of a sum: its name, its weight, itself.
pub type WeightedObjective<E, D> = (String, f64, Box<dyn Objective<E, D>>);

impl<E: Encoder<D>, D: Engine> std::fmt::Debug for HybridObjective<E, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.parts.iter().map(|(name, weight, _)| (name, weight))).finish()
    }
}

impl<E: Encoder<D>, D: Engine> HybridObjective<E, D> {
    /// The sum of `parts`, whose names differ.
    ///
    /// # Errors
    /// [`Error::Setting`] without parts, for a weight that is negative or not a number, a name twice, or no weight above 0.
    pub fn of(parts: Vec<WeightedObjective<E, D>>) -> Result<Self> {
        let remedy = "For example --set simclr=1 --set barlow=0.1.";
        for (i, (name, weight, _)) in parts.iter().enumerate() {
            checks::not_negative(name, *weight, remedy)?;
            ranges::number(name, ranges::PART, *weight, remedy)?;
            if parts.iter().take(i).any(|(other, ..)| other == name) {
                return Err(Error::setting("hybrid", name, "each objective once", remedy));
            }
        }
        if parts.iter().all(|(_, weight, _)| *weight == 0.0) {
            return Err(Error::setting("hybrid", "empty", "an objective with a weight above 0", remedy));
        }
        Ok(HybridObjective { parts })
    }
}

impl<E: Encoder<D>, D: Engine> Parameters<D> for HybridObjective<E, D> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        self.parts.iter().for_each(|(name, _, part)| part.visit(&format!("{prefix}{name}."), f));
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        self.parts.iter_mut().for_each(|(name, _, part)| part.visit_mut(&format!("{prefix}{name}."), f));
    }
}

impl<E: Encoder<D>, D: Engine> Objective<E, D> for HybridObjective<E, D> {
    fn views(&self) -> usize {
        self.parts.iter().map(|(.., part)| part.views()).max().unwrap_or(0)
    }

    fn local_views(&self) -> usize {
        self.parts.iter().map(|(.., part)| part.local_views()).max().unwrap_or(0)
    }

    fn fits(&self, images: usize, training: usize) -> Result<()> {
        self.parts.iter().try_for_each(|(.., part)| part.fits(images, training))
    }

    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn() -> Result<Embeddings>) -> Result<()> {
        self.parts.iter_mut().try_for_each(|(.., part)| part.before_epoch(epoch, embed))
    }

    fn encoded(&self) -> usize {
        self.parts.iter().map(|(.., part)| part.encoded()).max().unwrap_or(0)
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        // One set of features for all parts. The tape that made them goes to the first part, the others begin one of
        // their own; adding the losses joins them.
        let (features, mut tape) = features.split_tape();
        let (mut sum, mut parts) = (None, Vec::new());
        for (name, weight, part) in &mut self.parts {
            let own = first_rows(
                features.clone().put_tape(std::mem::take(&mut tape)),
                part.encoded() * batch.images(),
            )?;
            let loss = part.loss(own, batch)?;
            parts.push((name.clone(), loss.value()));
            parts.extend(loss.parts.into_iter().map(|(term, value)| (format!("{name}.{term}"), value)));
            sum = Some(weighted(loss.total, *weight, sum)?);
        }
        let total = sum.ok_or_else(|| Error::setting("hybrid", "empty", "at least one objective", ""))?;
        Ok(Loss { total, parts })
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        match self.parts.first() {
            Some((.., part)) => part.project(features),
            None => Ok(features.as_vec()),
        }
    }

    fn after_step(&mut self, encoder: &E, step: u64, total: u64) -> Result<()> {
        self.parts.iter_mut().try_for_each(|(.., part)| part.after_step(encoder, step, total))
    }

    fn statistics(&self) -> Result<Statistics> {
        self.parts.first().map_or(Ok(Statistics::default()), |(.., part)| part.statistics())
    }

    fn about(&self, images: usize) -> Trait {
        let first = self.parts.first().map(|(.., part)| part.about(images)).unwrap_or_default();
        // The sum has none of its parts' temperatures and plateaus.
        Trait {
            name: "hybrid",
            projector_dim: first.projector_dim,
            sees_labels: first.sees_labels,
            moving_targets: self.parts.iter().any(|(.., part)| part.about(images).moving_targets),
            accumulation: self.parts.iter().find_map(|(.., part)| part.about(images).accumulation),
            ..Default::default()
        }
    }
}

/// The first `rows` rows.
fn first_rows<F: Dim, D: Engine>(
    x: Tensor<(usize, F), f32, D, OwnedTape<f32, D>>,
    rows: usize,
) -> Result<Tensor<(usize, F), f32, D, OwnedTape<f32, D>>> {
    let (all, width) = *x.shape();
    if rows == all {
        return Ok(x);
    }
    let inner = || {
        let x = x.try_reshape_like(&(all, width.size()))?;
        x.try_slice((0..rows, 0..width.size()))?.try_reshape_like(&(rows, width))
    };
    inner().map_err(device::<D::Err>)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Net};
    use crate::methods::{
        ByolConfig, ByolObjective, Configured, MoCoConfig, MoCoObjective, SimClrConfig, SimClrObjective,
        SupConConfig, SupConObjective,
    };
    use crate::random::stream;

    fn encoder() -> Net {
        Net::new(&Cpu::default(), &mut stream(&[3])).unwrap()
    }

    fn simclr(encoder: &Net) -> Box<dyn Objective<Net, Cpu>> {
        let config = SimClrConfig::default();
        Box::new(SimClrObjective::<Net, usize, Cpu>::over(encoder, &Cpu::default(), &config, 8).unwrap())
    }

    fn moco(encoder: &Net) -> Box<dyn Objective<Net, Cpu>> {
        let config = MoCoConfig { hidden: 12, ..Default::default() };
        let dims = (8, 32);
        Box::new(
            MoCoObjective::<Net, usize, usize, Cpu>::over(encoder, &Cpu::default(), &config, dims).unwrap(),
        )
    }

    fn hybrid(parts: Vec<WeightedObjective<Net, Cpu>>) -> Hybrid<Net, Cpu> {
        Hybrid::of(encoder(), HybridObjective::of(parts).unwrap())
    }

    /// The gradient of every trained tensor.
    fn gradients(method: &mut Hybrid<Net, Cpu>) -> Vec<f32> {
        let mut gradient = crate::tape::FlatGradient::new();
        let loss = testing::loss(method, 0);
        gradient.add(&*method, loss.total.backward()).unwrap();
        gradient.mean().to_vec()
    }

    #[test]
    fn the_sum_has_the_weighted_sum_of_values_and_gradients() {
        let e = encoder();
        let mut both = hybrid(vec![("a".into(), 2.0, simclr(&e)), ("b".into(), 0.5, moco(&e))]);
        let mut first = hybrid(vec![("a".into(), 1.0, simclr(&e))]);
        let mut second = hybrid(vec![("b".into(), 1.0, moco(&e))]);
        // MoCo alone encodes one view, in the sum both: batch norm then sees other batches. Compare where they are equal.
        let of = |m: &mut Hybrid<Net, Cpu>| testing::loss(m, 0).parts;
        let parts = of(&mut both);
        assert_eq!(parts.iter().map(|p| p.0.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(parts[0].1, of(&mut first)[0].1);
        let total = testing::loss(&mut both, 0).value();
        assert!((total - 2.0 * parts[0].1 - 0.5 * parts[1].1).abs() < 1e-4, "{total} {parts:?}");
        assert!(testing::loss(&mut second, 0).value() > 0.0);

        let mut twice = hybrid(vec![("a".into(), 0.75, simclr(&e)), ("b".into(), 0.25, simclr(&e))]);
        let (sum, alone) = (gradients(&mut twice), gradients(&mut first));
        let encoders = crate::tape::count_parameters(&e);
        for (s, a) in sum[..encoders].iter().zip(&alone[..encoders]) {
            assert!((s - a).abs() <= 1e-5 * (1.0 + a.abs()), "{s} {a}");
        }
    }

    #[test]
    fn a_few_steps_lower_it_and_every_parts_state_moves() {
        let e = encoder();
        let byol = ByolConfig { hidden: 12, momentum: 0.9, ..Default::default() };
        let byol = ByolObjective::<Net, usize, Cpu>::over(&e, &Cpu::default(), &byol, 8).unwrap();
        let parts: Vec<WeightedObjective<Net, Cpu>> = vec![
            ("simclr".into(), 1.0, simclr(&e)),
            ("moco".into(), 0.5, moco(&e)),
            ("byol".into(), 0.1, Box::new(byol)),
        ];
        let mut hybrid = hybrid(parts);
        let losses = testing::losses(&mut hybrid, 8, 1e-2);
        assert!(losses[7] < losses[0], "{losses:?}");
        assert_eq!(testing::values(&hybrid, "objective.moco.queue.position"), [(8 * 16 % 32) as f32]);
    }

    #[test]
    fn it_is_told_the_classes_where_its_first_part_is() {
        let e = encoder();
        let sup_con = || -> Box<dyn Objective<Net, Cpu>> {
            let config = SupConConfig::default();
            Box::new(SupConObjective::<Net, usize, Cpu>::over(&e, &Cpu::default(), &config, 8).unwrap())
        };
        let told = |parts| HybridObjective::of(parts).unwrap().about(8).sees_labels;
        assert!(told(vec![("supcon".into(), 1.0, sup_con()), ("simclr".into(), 1.0, simclr(&e))]));
        // What is measured is the first part's projection.
        assert!(!told(vec![("simclr".into(), 1.0, simclr(&e)), ("supcon".into(), 1.0, sup_con())]));
    }

    #[test]
    fn sums_that_are_none_are_refused() {
        let e = encoder();
        let message = |parts| HybridObjective::<Net, Cpu>::of(parts).unwrap_err().to_string();
        assert!(message(vec![]).contains("an objective with a weight above 0"));
        assert!(message(vec![("a".into(), -1.0, simclr(&e))]).starts_with("a is -1."));
        assert!(message(vec![("a".into(), 1.0, simclr(&e)), ("a".into(), 1.0, simclr(&e))]).contains("once"));
    }
}
