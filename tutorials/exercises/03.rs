//! # Contrastive learning from scratch
//!
//! Write InfoNCE by hand, on plain arrays. Fill in the bodies, then run `selfsame check 03` in this folder.

/// How alike two embeddings are: the cosine of the angle between them, which is their inner product divided by both lengths.
///
/// `similarity(&[1.0, 0.0], &[3.0, 3.0])` is 0.7071: lengths do not matter.
fn similarity(a: &[f32], b: &[f32]) -> f32 {
    todo!()
}

/// InfoNCE of one query: minus the logarithm of the share that its own key has among all keys.
///
/// `similarities` are the cosines of the query with every key, `own` says which of them is its own key's. Each is divided
/// by `temperature`, then the share is a softmax. With similarities `[1.0, 0.0]`, own key 0 and temperature 1 the loss is
/// `ln(1 + 1/e)`, 0.3133. It must be finite at temperature 0.005 too.
fn info_nce(similarities: &[f32], own: usize, temperature: f32) -> f32 {
    todo!()
}

/// What NT-Xent is when the encoder gives every image the same embedding, in nats.
///
/// A batch of `n` images has 2n views. Each looks for its partner among all views but itself.
fn plateau(n: usize) -> f32 {
    todo!()
}

/// The symmetric loss of two views: half of what the first view's rows lose, looking for their partners in the second,
/// and half of what the second's lose in the first.
///
/// `loss(queries, keys)` is the mean over one direction. It is given; call it.
fn symmetric(loss: impl Fn(&[Vec<f32>], &[Vec<f32>]) -> f32, first: &[Vec<f32>], second: &[Vec<f32>]) -> f32 {
    todo!()
}
