//! Which labels a probe may see: small, class-balanced subsets by seed.

use rand::seq::SliceRandom;

use crate::error::{Error, Result};
use crate::random::{stream, Purpose};

/// How many labels.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Labels {
    /// A share of all, above 0 and up to 1: `Fraction(0.01)` is 1 %.
    Fraction(f64),
    /// So many of every class.
    PerClass(usize),
}

/// Chooses which of `labels` (one for each sample, each below `classes`) may be seen: sorted positions, a function of
/// `seed` alone.
///
/// A fraction asks for `round(fraction * n)` in all, at least one of each class, spread over the classes as evenly as
/// their sizes allow; what does not divide goes to classes drawn at random.
///
/// ```
/// use selfsame::data::{label_subset, Labels};
/// let labels: Vec<u32> = (0..100).map(|i| i % 4).collect();
/// let chosen = label_subset(&labels, 4, Labels::Fraction(0.1), 7)?;
/// assert_eq!(chosen.len(), 10);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// A fraction outside (0, 1], zero per class, more per class than a class has, a class without samples (each named),
/// and a label that is not below `classes`.
pub fn label_subset(labels: &[u32], classes: usize, how_many: Labels, seed: u64) -> Result<Vec<usize>> {
    let mut by_class = vec![Vec::new(); classes];
    for (position, &label) in labels.iter().enumerate() {
        match by_class.get_mut(label as usize) {
            Some(members) => members.push(position),
            None => return Err(Error::shape("labels", format!("labels below {classes}"), label)),
        }
    }
    if let Some(class) = by_class.iter().position(Vec::is_empty) {
        return Err(Error::setting(
            "label subset",
            format!("impossible, class {class} has no samples"),
            "samples of every class",
            "Leave the class out, or add samples of it.",
        ));
    }
    let sizes: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let quotas = match how_many {
        Labels::PerClass(n) => per_class(&sizes, n)?,
        Labels::Fraction(fraction) => fraction_quotas(&sizes, fraction, seed)?,
    };
    let mut chosen = Vec::with_capacity(quotas.iter().sum());
    for (class, (mut members, quota)) in by_class.into_iter().zip(quotas).enumerate() {
        members.shuffle(&mut stream(&[seed, 1, class as u64, Purpose::Labels as u64]));
        chosen.extend_from_slice(&members[..quota]);
    }
    chosen.sort_unstable();
    Ok(chosen)
}

fn per_class(sizes: &[usize], n: usize) -> Result<Vec<usize>> {
    if n == 0 {
        return Err(Error::setting("labels per class", n, "1 or more", "Ask for at least one."));
    }
    if let Some(class) = sizes.iter().position(|size| *size < n) {
        return Err(Error::setting(
            "labels per class",
            n,
            format!("at most {}: class {class} has no more", sizes[class]),
            "Ask for fewer.",
        ));
    }
    Ok(vec![n; sizes.len()])
}

/// How many of each class: level by level, every class that has samples left takes one more, until what is left over
/// is too little for another level and goes to classes drawn at random.
fn fraction_quotas(sizes: &[usize], fraction: f64, seed: u64) -> Result<Vec<usize>> {
    if !(fraction > 0.0 && fraction <= 1.0) {
        let remedy = "Write 1 % as 0.01.";
        return Err(Error::setting("label fraction", fraction, "above 0 and up to 1", remedy));
    }
    let all: usize = sizes.iter().sum();
    let total = ((fraction * all as f64).round() as usize).clamp(sizes.len(), all);
    let mut quotas = vec![0; sizes.len()];
    let mut left = total;
    loop {
        let mut open: Vec<usize> = (0..sizes.len()).filter(|&c| quotas[c] < sizes[c]).collect();
        if left < open.len() || open.is_empty() {
            open.shuffle(&mut stream(&[seed, 0, Purpose::Labels as u64]));
            for &class in &open[..left] {
                quotas[class] += 1;
            }
            return Ok(quotas);
        }
        for &class in &open {
            quotas[class] += 1;
        }
        left -= open.len();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn counts(labels: &[u32], chosen: &[usize], classes: usize) -> Vec<usize> {
        (0..classes).map(|c| chosen.iter().filter(|&&i| labels[i] as usize == c).count()).collect()
    }

    /// `sizes[c]` samples of class `c`.
    fn labels(sizes: &[usize]) -> Vec<u32> {
        sizes.iter().enumerate().flat_map(|(c, &n)| vec![c as u32; n]).collect()
    }

    #[test]
    fn a_fraction_is_spread_evenly_and_its_remainder_drawn() {
        let labels = labels(&[100, 100, 100]);
        let chosen = label_subset(&labels, 3, Labels::Fraction(0.1), 5).unwrap();
        assert_eq!(counts(&labels, &chosen, 3), [10, 10, 10]);
        let mut favoured = [0; 3];
        for seed in 0..300 {
            let counts =
                counts(&labels, &label_subset(&labels, 3, Labels::Fraction(31.0 / 300.0), seed).unwrap(), 3);
            assert_eq!(counts.iter().sum::<usize>(), 31);
            favoured[counts.iter().position(|&n| n == 11).unwrap()] += 1;
        }
        assert!(favoured.iter().all(|&n| n > 60), "{favoured:?}");
    }

    #[test]
    fn small_classes_give_all_they_have_and_tiny_fractions_one_each() {
        let uneven = labels(&[2, 50, 48]);
        let chosen = label_subset(&uneven, 3, Labels::Fraction(0.5), 0).unwrap();
        assert_eq!(counts(&uneven, &chosen, 3), [2, 24, 24]);
        let chosen = label_subset(&uneven, 3, Labels::Fraction(0.001), 0).unwrap();
        assert_eq!(counts(&uneven, &chosen, 3), [1, 1, 1]);
        let chosen = label_subset(&uneven, 3, Labels::Fraction(1.0), 0).unwrap();
        assert_eq!(chosen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn positions_are_sorted_and_a_function_of_the_seed() {
        let labels: Vec<u32> = (0..200).map(|i| i % 5).collect();
        let draw = |seed| label_subset(&labels, 5, Labels::PerClass(4), seed).unwrap();
        assert!(draw(1).windows(2).all(|w| w[0] < w[1]));
        assert_eq!(counts(&labels, &draw(1), 5), [4; 5]);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn impossible_subsets_are_errors_that_name_the_class() {
        let all = labels(&[5, 3]);
        let says = |classes, how| label_subset(&all, classes, how, 0).unwrap_err().to_string();
        for fraction in [0.0, -0.1, 1.01, f64::NAN] {
            assert!(says(2, Labels::Fraction(fraction)).starts_with("label fraction is "));
        }
        assert!(says(2, Labels::PerClass(4))
            .starts_with("labels per class is 4. Expected at most 3: class 1 has no more."));
        assert!(says(2, Labels::PerClass(0)).starts_with("labels per class is 0."));
        assert!(says(3, Labels::PerClass(1)).contains("class 2 has no samples"));
        assert_eq!(says(1, Labels::PerClass(1)), "labels: expected labels below 1, found 1");
    }
}
