//! # Shapes the compiler checks
//!
//! Signatures are given; the compiler tells you whether your shapes fit. Fill in the bodies, then run `selfsame check 02`.

use selfsame::prelude::*;

/// All inner products of the rows of `a` with the rows of `b`.
fn products(a: Tensor<Rank2<3, 8>, f32, Cpu>, b: Tensor<Rank2<5, 8>, f32, Cpu>) -> Tensor<Rank2<3, 5>, f32, Cpu> {
    todo!()
}

/// The rows of `a` with the mean of every column taken out: each column of the result has mean 0.
fn centred(a: Tensor<Rank2<6, 4>, f32, Cpu>) -> Tensor<Rank2<6, 4>, f32, Cpu> {
    todo!()
}

/// The gradient of the sum of all cubes of `a`, by the tape.
fn gradient_of_cubes(a: Tensor<Rank2<2, 2>, f32, Cpu>) -> [[f32; 2]; 2] {
    todo!()
}
