//! kNN and geometry while a run goes on, on a fixed sample of training and validation images.

use super::learns::Learns;
use super::trainer::evaluation_normalise;
use crate::augment::{Normalise, Views};
use crate::data::{Dataset, Part};
use crate::diagnose::{Geometry, Rows, SurrogateClasses};
use crate::error::Result;
use crate::eval::{embed, features as features_of, knn_to_the_end, Embeddings, Knn, LinearProbe};
use crate::nn::{Encoder, Mode};
use crate::ops::Engine;
use crate::shape::{AnyImage, ImageShape};
use crate::tape::Role;

/// Training images whose neighbours vote.
const BANK: usize = 5000;
/// Validation images that are classified.
const QUERIES: usize = 2000;
/// Training images whose geometry is measured.
const GEOMETRY: usize = 2000;
/// Of those, how many are seen in two views for the alignment.
const PAIRS: usize = 512;

/// Images, and views of each, for LiDAR: few, as they go through the encoder every epoch; its rank cannot exceed the images.
const CLASSES: (usize, usize) = (128, 8);

/// Images that are embedded in both modes, the batch whose statistics batch norm takes.
const BATCH: usize = 256;

/// Regularisation of the linear probe: a middle one, since there is nothing left to choose it on.
const STRENGTH: f64 = 1e-2;

/// What one measurement finds.
pub(crate) struct Measured {
    pub(crate) encoder: Geometry,
    pub(crate) projector: Geometry,
    pub(crate) knn: f64,
    pub(crate) linear: f64,
    /// Validation images those two accuracies are of.
    pub(crate) asked: usize,
    /// Mean cosine between features with the batch's statistics and with the running ones.
    pub(crate) train_eval_cosine: Option<f64>,
}

/// Images chosen once, measured every epoch. The test part is never touched.
pub(crate) struct OnlineProbe {
    bank: Part<AnyImage>,
    queries: Part<AnyImage>,
    normalise: Normalise,
    /// Two views of the same images, one after the other.
    pairs: Vec<f32>,
    /// Batches of surrogate classes, several views of one image after the other.
    classes: Vec<Vec<f32>>,
}

impl OnlineProbe {
    pub(crate) fn new(data: &Dataset<AnyImage>, views: &Views, seed: u64) -> Result<Self> {
        let bank = spread(&data.train(), BANK);
        let pairs = two_views(&spread(&bank, PAIRS), views, seed)?;
        let (mut classes, (samples, of_each)) = (Vec::new(), CLASSES);
        SurrogateClasses { samples, views: of_each, seed }.for_each(&bank, views, |batch| {
            classes.push(batch);
            Ok(())
        })?;
        Ok(OnlineProbe {
            classes,
            queries: spread(&data.validation(), QUERIES),
            normalise: evaluation_normalise(views, data.shape().size().channels),
            bank,
            pairs,
        })
    }

    /// What images go through before they are measured.
    pub(crate) fn normalise(&self) -> &Normalise {
        &self.normalise
    }

    /// Geometry of the features and of the projections; kNN and linear-probe accuracy on validation images.
    pub(crate) fn measure<D: Engine>(&self, method: &mut dyn Learns<D>) -> Result<Measured> {
        let train_eval_cosine = self.train_eval_cosine(method)?;
        let method = &*method;
        let features = &mut |pixels| method.features(pixels, Mode::Eval);
        // To the end even when a stop was asked for: the epoch's line is owed, the loop stops after it.
        let mut embed = |part| embed(part, &self.normalise, method.width(), &|| false, features);
        let (bank, queries) = (embed(&self.bank)?, embed(&self.queries)?);
        let predicted = knn_to_the_end(&bank, &queries, &[Knn::new(20)])?;
        let knn = predicted.first().map_or(0.0, |p| queries.accuracy(p));
        let linear = queries.accuracy(&LinearProbe::fit_to_the_end(&bank, STRENGTH)?.predict(&queries));

        let sample = bank.subset(&evenly(bank.len(), GEOMETRY));
        let (first, second) = halves(method.features(self.pairs.clone(), Mode::Eval)?);
        let width = sample.width();
        let encoder = Geometry::measure(sample.values(), sample.len(), width, Some((&first, &second)))?
            .with_lidar(&self.class_features(method)?, CLASSES.1)?;
        let project = |values: &[f32]| method.project(values.to_vec());
        let z = project(sample.values())?;
        let pairs = (project(&first)?, project(&second)?);
        let projected = z.len() / sample.len().max(1);
        let projector = Geometry::measure(&z, sample.len(), projected, Some((&pairs.0, &pairs.1)))?;
        Ok(Measured { encoder, projector, knn, linear, asked: queries.len(), train_eval_cosine })
    }

    /// How far features of one batch in training mode are those in evaluation mode; `None` without views. The running
    /// statistics, which training mode moves, are put back.
    fn train_eval_cosine<D: Engine>(&self, method: &mut dyn Learns<D>) -> Result<Option<f64>> {
        let numbers = method.size().len();
        let rows = (self.pairs.len() / 2 / numbers.max(1)).min(BATCH);
        if rows < 2 {
            return Ok(None);
        }
        let running = |name: &str, role: Role| role == Role::Buffer && name.contains("running_");
        let mut kept = Vec::new();
        method.visit("", &mut |name, role, t| {
            if running(name, role) {
                kept.push(t.read());
            }
        });
        let features = |mode| method.features(self.pairs[..rows * numbers].to_vec(), mode);
        let (eval, train) = (features(Mode::Eval)?, features(Mode::Train)?);
        let (mut kept, mut problem) = (kept.into_iter(), None);
        method.visit_mut("", &mut |name, role, t| {
            if running(name, role) {
                problem = problem.take().or(kept.next().and_then(|values| t.write(&values).err()));
            }
        });
        problem.map_or(Ok(()), Err)?;
        let width = eval.len() / rows;
        let unit = |v: &[f32]| Rows::from_f32(v, rows, width).map(|r| r.normalized());
        let (eval, train) = (unit(&eval)?, unit(&train)?);
        let dots = eval.values().iter().zip(train.values()).map(|(a, b)| a * b).sum::<f64>();
        Ok(Some(dots / rows as f64))
    }

    /// Features of every view of the surrogate classes.
    fn class_features<D: Engine>(&self, method: &dyn Learns<D>) -> Result<Rows> {
        let mut values = Vec::new();
        for pixels in &self.classes {
            values.extend(method.features(pixels.clone(), Mode::Eval)?);
        }
        let width = method.width().max(1);
        Rows::from_f32(&values, values.len() / width, width)
    }
}

/// Features of the first view of each image, and of its second.
fn halves(mut both: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
    let second = both.split_off(both.len() / 2);
    (both, second)
}

/// Geometry of `features`, those of `part`'s images, with the alignment of two views of up to 512 of them and LiDAR of
/// surrogate classes made of up to 128.
pub(crate) fn geometry<E: Encoder<D>, D: Engine>(
    dev: &D,
    encoder: &E,
    part: &Part<E::Input>,
    features: &Embeddings,
    views: &Views,
    seed: u64,
) -> Result<Geometry> {
    let pairs = two_views(&spread(part, PAIRS), views, seed)?;
    let (first, second) = halves(features_of(encoder, dev, pairs, Mode::Eval)?);
    let (rows, width) = (features.len(), features.width());
    let (samples, of_each) = CLASSES;
    let classes = SurrogateClasses { samples, views: of_each, seed }.embed(dev, encoder, part, views)?;
    Geometry::measure(features.values(), rows, width, Some((&first, &second)))?.with_lidar(&classes, of_each)
}

/// At most `most` positions below `n`, evenly spaced.
fn evenly(n: usize, most: usize) -> Vec<usize> {
    let count = n.min(most);
    (0..count).map(|i| i * n / count).collect()
}

fn spread<P: ImageShape>(part: &Part<P>, most: usize) -> Part<P> {
    part.subset(&evenly(part.len(), most))
}

/// View 0 of every image, then view 1, as they would be in epoch 0; of a recipe of one view the second is that of epoch 1.
fn two_views<P: ImageShape>(part: &Part<P>, views: &Views, seed: u64) -> Result<Vec<f32>> {
    let indices: Vec<u64> = (0..part.len()).map(|i| u64::from(part.index(i))).collect();
    let size = part.shape().size();
    let mut images = vec![0u8; part.len() * size.len()];
    for (i, image) in images.chunks_exact_mut(size.len()).enumerate() {
        part.read(i, image)?;
    }
    let mut out = vec![0f32; 2 * part.len() * size.len()];
    for (which, out) in out.chunks_exact_mut((part.len() * size.len()).max(1)).enumerate() {
        let (epoch, view) = if which < views.count() { (0, which) } else { (1, 0) };
        views.render_batch(&images, size, &indices, seed, epoch, view, out)?;
    }
    Ok(out)
}
