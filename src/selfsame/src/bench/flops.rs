//! How many floating-point operations a step needs, from its shapes.
//!
//! Only matrix products count, an addition and a multiplication as two: of (m, k) by (k, n) they are `2 m k n`. A backward
//! pass needs two more products of the same size, one for the gradient of each operand, so forward and backward together
//! are three times the product; two times where an operand is the input itself, which needs no gradient. A convolution is
//! the product of its kernel with every window. What a program does beyond that, norms and activations or products it
//! could have spared, does not count.

/// Forward and backward of a product of (rows, ins) with (ins, outs).
pub(super) fn linear(rows: usize, ins: usize, outs: usize) -> f64 {
    3.0 * product(rows, ins, outs)
}

/// The same where the rows are the input itself.
pub(super) fn first_linear(rows: usize, ins: usize, outs: usize) -> f64 {
    2.0 * product(rows, ins, outs)
}

/// (m, k) by (k, n), once.
pub(super) fn product(m: usize, k: usize, n: usize) -> f64 {
    2.0 * m as f64 * k as f64 * n as f64
}

/// `depth` pre-norm transformer blocks over `tokens` tokens of each of `samples` samples: queries, keys and values,
/// attention's scores and weighted sums, its output, and an MLP of `hidden`. Of causal attention half the scores.
pub(super) fn blocks(
    samples: usize,
    tokens: usize,
    width: usize,
    depth: usize,
    hidden: usize,
    causal: bool,
) -> f64 {
    let rows = samples * tokens;
    let maps =
        linear(rows, width, 3 * width) + linear(rows, width, width) + 2.0 * linear(rows, width, hidden);
    let attention = 2.0 * samples as f64 * linear(tokens, width, tokens) * if causal { 0.5 } else { 1.0 };
    depth as f64 * (maps + attention)
}

/// A vision transformer: patches of `patch` values, embedded, and its blocks.
pub(super) fn vit(
    samples: usize,
    tokens: usize,
    patch: usize,
    width: usize,
    depth: usize,
    hidden: usize,
) -> f64 {
    first_linear(samples * tokens, patch, width) + blocks(samples, tokens, width, depth, hidden, false)
}

/// `stages` 3x3 convolutions over `(channels, side)` squares: the first keeps the side, each further one halves it, widths
/// double up to `features`.
pub(super) fn convnet(
    samples: usize,
    (channels, side): (usize, usize),
    features: usize,
    stages: usize,
) -> f64 {
    let width = |stage: usize| features >> (stages - 1 - stage);
    let places = |stage: usize| samples * (side >> stage).pow(2);
    let further = (1..stages).map(|s| linear(places(s), 9 * width(s - 1), width(s)));
    first_linear(places(0), 9 * channels, width(0)) + further.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        assert_eq!(linear(2, 3, 5), 180.0);
        assert_eq!(first_linear(2, 3, 5), 120.0);
        // One sample, one token, width 2, MLP 4: 12 + 4 + 16 weights and 2 x 2 of attention.
        assert_eq!(blocks(1, 1, 2, 1, 4, false), 6.0 * (12.0 + 4.0 + 16.0 + 4.0));
        assert_eq!(blocks(1, 1, 2, 3, 4, true), 3.0 * 6.0 * (32.0 + 2.0));
        // A 4x4 grey image to 1 and 2 channels: 16 windows of 9, then 4 windows of 9.
        assert_eq!(convnet(1, (1, 4), 2, 2), 4.0 * 16.0 * 9.0 + 6.0 * 4.0 * 9.0 * 2.0);
    }
}
