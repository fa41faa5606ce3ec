//! Nearest neighbours in a bank the size of CIFAR-10.

use rand_distr::{Distribution, StandardNormal};

use super::flops;
use super::measure::Work;
use crate::error::Result;
use crate::eval::{knn, Embeddings, Knn};
use crate::random::stream;

const BANK: usize = 50_000;
const QUERIES: usize = 10_000;
const WIDTH: usize = 256;
const CLASSES: usize = 10;

/// A bank of random directions and queries for it.
pub(super) struct Neighbours {
    bank: Embeddings,
    queries: Embeddings,
}

impl Neighbours {
    pub(super) fn new() -> Result<Neighbours> {
        Ok(Neighbours { bank: embeddings(BANK, 1)?, queries: embeddings(QUERIES, 2)? })
    }
}

fn embeddings(rows: usize, key: u64) -> Result<Embeddings> {
    let mut rng = stream(&[0, key]);
    let values = (0..rows * WIDTH).map(|_| StandardNormal.sample(&mut rng)).collect();
    Embeddings::new(values, WIDTH, (0..rows).map(|i| (i * 7 % CLASSES) as u32).collect(), CLASSES)
}

impl Work for Neighbours {
    fn samples(&self) -> usize {
        QUERIES
    }
    fn flops(&self) -> Option<f64> {
        Some(flops::product(QUERIES, WIDTH, BANK))
    }
    fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        for _ in 0..steps {
            knn(&self.bank, &self.queries, &[Knn::new(200)])?;
            done()?;
        }
        Ok(())
    }
}
