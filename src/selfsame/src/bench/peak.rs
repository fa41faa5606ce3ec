//! The largest rate of float32 matrix products this machine reaches: what other rates are held against.

use std::time::Instant;

use rayon::prelude::*;

use super::flops::product;
use crate::ops::{matmul, Matrix, Threads};

/// Sides of the square products that are tried.
const SIDES: [usize; 2] = [1024, 2048];
/// Times each is repeated; the fastest counts.
const REPEATS: usize = 6;
/// The side where every thread has a product of its own.
const OWN_SIDE: usize = 768;

/// Floating-point operations a second of the fastest of several square float32 products, on all threads of rayon's pool
/// together or with one product for each thread.
pub fn sgemm_peak() -> f64 {
    let together = SIDES.map(|side| fastest(product(side, side, side), Square::new(side), Threads::All));
    let threads = rayon::current_num_threads();
    let mut own: Vec<Square> = (0..threads).map(|_| Square::new(OWN_SIDE)).collect();
    let flops = product(OWN_SIDE, OWN_SIDE, OWN_SIDE) * threads as f64;
    let each = (0..REPEATS).map(|_| {
        let begun = Instant::now();
        own.par_iter_mut().for_each(|square| square.multiply(Threads::One));
        flops / begun.elapsed().as_secs_f64()
    });
    together.into_iter().chain(each).fold(0.0, f64::max)
}

fn fastest(flops: f64, mut square: Square, threads: Threads) -> f64 {
    let rate = |_| {
        let begun = Instant::now();
        square.multiply(threads);
        flops / begun.elapsed().as_secs_f64()
    };
    (0..REPEATS).map(rate).fold(0.0, f64::max)
}

/// Two square matrices and room for their product.
struct Square {
    side: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Square {
    fn new(side: usize) -> Square {
        let filled = |value| vec![value; side * side];
        Square { side, a: filled(0.5), b: filled(0.25), c: filled(1.0) }
    }

    fn multiply(&mut self, threads: Threads) {
        let layout = Matrix::new(self.side, self.side);
        matmul(&self.a, layout, &self.b, layout, &mut self.c, layout, false, threads);
    }
}
