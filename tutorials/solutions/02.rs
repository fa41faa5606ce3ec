//! # Shapes the compiler checks
//!
//! Solutions of the exercises.

use selfsame::prelude::*;

// ANCHOR: products
fn products(a: Tensor<Rank2<3, 8>, f32, Cpu>, b: Tensor<Rank2<5, 8>, f32, Cpu>) -> Tensor<Rank2<3, 5>, f32, Cpu> {
    a.matmul(b.permute::<Rank2<8, 5>, Axes2<1, 0>>())
}
// ANCHOR_END: products

// ANCHOR: centred
fn centred(a: Tensor<Rank2<6, 4>, f32, Cpu>) -> Tensor<Rank2<6, 4>, f32, Cpu> {
    let means: Tensor<Rank1<4>, f32, Cpu> = a.clone().mean::<_, Axis<0>>();
    a - means.broadcast()
}
// ANCHOR_END: centred

// ANCHOR: gradient_of_cubes
fn gradient_of_cubes(a: Tensor<Rank2<2, 2>, f32, Cpu>) -> [[f32; 2]; 2] {
    let cubes = a.leaky_trace().powi(3).sum::<Rank0, _>();
    cubes.backward().get(&a).array()
}
// ANCHOR_END: gradient_of_cubes
