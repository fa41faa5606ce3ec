//! The one protocol every representation goes through.

use super::{knn, Embeddings, Knn, LinearProbe};
use crate::data::{label_subset, Labels};
use crate::error::Result;
use crate::train::{KnnScores, LinearScores, Scores};

/// Shares of the training labels a linear probe gets, and what reports call them.
pub const FRACTIONS: [(f64, &str); 3] = [(0.01, "1%"), (0.1, "10%"), (1.0, "100%")];
/// Draws of labels whose accuracies are averaged below 100 %.
pub(crate) const DRAWS: u64 = 5;

/// One representation of the three parts of a data set.
#[derive(Debug, Clone)]
pub struct Parts {
    /// What probes learn from.
    pub train: Embeddings,
    /// What their regularisation is chosen on.
    pub validation: Embeddings,
    /// What is scored.
    pub test: Embeddings,
}

/// kNN (k = 20 and 200, cosine, T = 0.07) and linear probes with 1, 10 and 100 % of the training labels, scored on the
/// test part.
///
/// The linear probe's regularisation is chosen on the validation part; features are centred and scaled by one number
/// measured on the training part, which needs no labels. Label subsets are class-balanced, depend on `seed` alone (so all
/// representations get the same ones) and, below 100 %, accuracies are means over five draws.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted) when a stop was asked for; parts of differing widths.
pub fn judge(parts: &Parts, seed: u64) -> Result<Scores> {
    let predicted = knn(&parts.train, &parts.test, &[Knn::new(20), Knn::new(200)])?;
    let accuracy = |i: usize| predicted.get(i).map_or(0.0, |p| parts.test.accuracy(p));
    let knn = KnnScores { k20: accuracy(0), k200: accuracy(1) };
    let mut linear = LinearScores::default();
    for (fraction, name) in FRACTIONS {
        let draws = if fraction < 1.0 { DRAWS } else { 1 };
        let mut sum = 0.0;
        for draw in 0..draws {
            // All labels need no copy of the features, which for raw pixels of many images is most of the memory there is.
            let subset =
                (fraction < 1.0).then(|| labelled(&parts.train, fraction, seed, draw)).transpose()?;
            let fit =
                LinearProbe::fit(subset.as_ref().unwrap_or(&parts.train), &parts.validation, &parts.train)?;
            sum += parts.test.accuracy(&fit.probe.predict(&parts.test));
        }
        linear.by_labels.insert(name.into(), sum / draws as f64);
    }
    linear.accuracy = linear.by_labels["100%"];
    Ok(Scores { knn, linear })
}

/// The samples whose labels draw `draw` of `fraction` may be seen.
pub(crate) fn labelled(train: &Embeddings, fraction: f64, seed: u64, draw: u64) -> Result<Embeddings> {
    Ok(train.subset(&drawn(train.labels(), train.classes(), fraction, seed, draw)?))
}

/// Their positions.
pub(crate) fn drawn(
    labels: &[u32],
    classes: usize,
    fraction: f64,
    seed: u64,
    draw: u64,
) -> Result<Vec<usize>> {
    if fraction >= 1.0 {
        return Ok((0..labels.len()).collect());
    }
    label_subset(labels, classes, Labels::Fraction(fraction), seed.wrapping_mul(DRAWS).wrapping_add(draw))
}
