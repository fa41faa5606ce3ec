//! A linear classifier on frozen features, fitted and scored.

use std::collections::BTreeMap;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::measure::Work;
use crate::error::Result;
use crate::eval::{Embeddings, LinearProbe};
use crate::random::stream;

const ROWS: usize = 50_000;
const WIDTH: usize = 256;
const CLASSES: usize = 10;
/// How far apart the classes' centres lie; the noise around them has deviation 1.
const SPREAD: f32 = 0.3;
/// Of the mean loss: the same as scikit-learn's `C = 1`, which is of the sum.
const STRENGTH: f64 = 1.0 / ROWS as f64;

/// Labelled features.
pub(super) struct Probe {
    features: Embeddings,
    accuracy: f64,
}

impl Probe {
    pub(super) fn new() -> Result<Probe> {
        let mut rng = stream(&[0, 1]);
        let mut normal = |n: usize| -> Vec<f32> { (0..n).map(|_| StandardNormal.sample(&mut rng)).collect() };
        let (centres, mut values) = (normal(CLASSES * WIDTH), normal(ROWS * WIDTH));
        let mut rng = stream(&[0, 2]);
        let labels: Vec<u32> = (0..ROWS).map(|_| rng.gen_range(0..CLASSES as u32)).collect();
        for (row, label) in values.chunks_exact_mut(WIDTH).zip(&labels) {
            let centre = &centres[*label as usize * WIDTH..][..WIDTH];
            row.iter_mut().zip(centre).for_each(|(v, c)| *v += SPREAD * c);
        }
        Ok(Probe { features: Embeddings::new(values, WIDTH, labels, CLASSES)?, accuracy: 0.0 })
    }
}

impl Work for Probe {
    fn samples(&self) -> usize {
        1
    }
    fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        for _ in 0..steps {
            let probe = LinearProbe::fit_to_the_end(&self.features, STRENGTH)?;
            self.accuracy = self.features.accuracy(&probe.predict(&self.features));
            done()?;
        }
        Ok(())
    }
    fn found(&self) -> BTreeMap<&'static str, f64> {
        BTreeMap::from([("train_accuracy", self.accuracy)])
    }
}
