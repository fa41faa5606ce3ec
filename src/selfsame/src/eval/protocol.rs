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
/// Every score is NaN where there is nothing to tell apart: no test image, or a single class. Classes without a training
/// image have no labels to draw; their test images count as wrong.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted) when a stop was asked for; parts of differing widths.
pub fn judge(parts: &Parts, seed: u64) -> Result<Scores> {
    if parts.test.is_empty() || parts.train.is_empty() || parts.train.classes() < 2 {
        return Ok(Scores::none(&FRACTIONS.map(|(_, name)| name)));
    }
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
    // Classes are numbered anew without those that have no samples, which change nothing where there are none.
    let mut new = vec![None; classes];
    for &label in labels {
        if let Some(seen) = new.get_mut(label as usize) {
            *seen = Some(0);
        }
    }
    let mut present = 0;
    for number in new.iter_mut().flatten() {
        *number = present;
        present += 1;
    }
    let renumbered: Vec<u32> =
        labels.iter().map(|&label| new.get(label as usize).copied().flatten().unwrap_or(label)).collect();
    let seed = seed.wrapping_mul(DRAWS).wrapping_add(draw);
    label_subset(&renumbered, present as usize, Labels::Fraction(fraction), seed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn some(labels: Vec<u32>, classes: usize) -> Embeddings {
        let values = labels.iter().enumerate().flat_map(|(i, l)| [*l as f32, i as f32 * 0.01]).collect();
        Embeddings::new(values, 2, labels, classes).unwrap()
    }

    #[test]
    fn a_class_without_training_images_leaves_the_others_to_be_judged() {
        let labels: Vec<u32> = (0..40).map(|i| [0, 2, 4][i % 3]).collect();
        let chosen = drawn(&labels, 5, 0.1, 3, 0).unwrap();
        assert_eq!(chosen.len(), 4);
        // All classes present: nothing but what it was.
        let dense: Vec<u32> = (0..40).map(|i| i % 4).collect();
        assert_eq!(
            drawn(&dense, 4, 0.1, 3, 1).unwrap(),
            label_subset(&dense, 4, Labels::Fraction(0.1), 16).unwrap()
        );
        let parts = Parts {
            train: some(labels, 5),
            validation: some(vec![0, 2], 5),
            test: some(vec![0, 1, 2, 4], 5),
        };
        let scores = judge(&parts, 0).unwrap();
        assert!(scores.knn.k20 <= 0.75 && scores.linear.accuracy == 0.75, "{scores:?}");
    }

    #[test]
    fn nothing_to_tell_apart_is_no_score_and_is_read_back_as_none() {
        let one = some(vec![0; 12], 1);
        let of = |train: &Embeddings, test: &Embeddings| {
            let parts = Parts { train: train.clone(), validation: train.clone(), test: test.clone() };
            judge(&parts, 0).unwrap()
        };
        let two = some(vec![0, 1, 0, 1], 2);
        for scores in [of(&one, &one), of(&two, &some(vec![], 2))] {
            assert!(scores.knn.k20.is_nan() && scores.linear.by_labels["1%"].is_nan(), "{scores:?}");
            let text = serde_json::to_string(&scores).unwrap();
            assert!(text.contains("null"), "{text}");
            let back: Scores = serde_json::from_str(&text).unwrap();
            assert!(back.linear.accuracy.is_nan() && back.linear.by_labels.len() == 3);
        }
    }
}
