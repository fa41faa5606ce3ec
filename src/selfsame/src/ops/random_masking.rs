//! Which tokens of each sample stay visible, drawn at random.

use rand::Rng;

use crate::error::{Error, Result};

/// A random choice of visible tokens for every sample (He et al. 2021, arXiv 2111.06377): all three lists are row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomMasking {
    /// The visible tokens of each sample, in the random order: (batch, kept), for [`gather_tokens`](super::gather_tokens).
    pub kept: Vec<u32>,
    /// For every token its place in the random order, visible tokens first: (batch, tokens), for
    /// [`scatter_tokens`](super::scatter_tokens).
    pub restore: Vec<u32>,
    /// Whether each token is hidden: (batch, tokens).
    pub hidden: Vec<bool>,
}

impl RandomMasking {
    /// Draws `kept` of `tokens` tokens for each of `batch` samples.
    ///
    /// ```
    /// use rand::SeedableRng;
    /// use selfsame::ops::RandomMasking;
    /// let mut random = rand::rngs::StdRng::seed_from_u64(7);
    /// let masking = RandomMasking::draw(2, 9, 3, &mut random)?;
    /// assert_eq!(masking.kept.len(), 6);
    /// assert_eq!(masking.hidden.iter().filter(|h| **h).count(), 12);
    /// # Ok::<(), selfsame::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`RandomMasking::of_noise`].
    pub fn draw(batch: usize, tokens: usize, kept: usize, random: &mut impl Rng) -> Result<RandomMasking> {
        let noise: Vec<f64> = (0..batch * tokens).map(|_| random.gen()).collect();
        RandomMasking::of_noise(&noise, tokens, kept)
    }

    /// Keeps the `kept` tokens of the least noise in each sample; `noise` holds `tokens` numbers for each. Equal numbers
    /// stay in order.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are more tokens to keep than tokens, no tokens at all, or noise for part of a sample.
    pub fn of_noise(noise: &[f64], tokens: usize, kept: usize) -> Result<RandomMasking> {
        if tokens == 0 || kept > tokens || !noise.len().is_multiple_of(tokens) {
            let found = format!("{kept} of {tokens} with {} numbers", noise.len());
            let expected = "at most all tokens kept and a number for every token";
            return Err(Error::shape("random masking", expected, found));
        }
        let mut masking = RandomMasking {
            kept: Vec::new(),
            restore: vec![0; noise.len()],
            hidden: vec![true; noise.len()],
        };
        let samples = noise.chunks(tokens).zip(masking.restore.chunks_mut(tokens));
        for ((noise, restore), hidden) in samples.zip(masking.hidden.chunks_mut(tokens)) {
            let mut order: Vec<u32> = (0..tokens as u32).collect();
            order.sort_by(|a, b| noise[*a as usize].total_cmp(&noise[*b as usize]));
            order.iter().enumerate().for_each(|(place, token)| restore[*token as usize] = place as u32);
            order[..kept].iter().for_each(|token| hidden[*token as usize] = false);
            masking.kept.extend(&order[..kept]);
        }
        Ok(masking)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::golden::{entry, goldens, numbers, sizes};

    #[test]
    fn random_masking_from_noise_matches() {
        let Some(file) = goldens("ops.json") else { return };
        let entry = entry(&file, "random_masking/from_noise");
        let (noise, kept) =
            (numbers(&entry["inputs"]["noise"]), entry["params"]["keep"].as_u64().unwrap() as usize);
        let tokens = sizes(&entry["inputs"]["noise"])[1];
        let masking = RandomMasking::of_noise(&noise, tokens, kept).unwrap();
        let wide = |v: &[u32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let shuffle = numbers(&entry["outputs"]["ids_shuffle"]);
        let first: Vec<f64> = shuffle.chunks(tokens).flat_map(|row| row[..kept].to_vec()).collect();
        assert_eq!(wide(&masking.kept), first);
        assert_eq!(wide(&masking.restore), numbers(&entry["outputs"]["ids_restore"]));
        let hidden: Vec<f64> = masking.hidden.iter().map(|h| f64::from(u8::from(*h))).collect();
        assert_eq!(hidden, numbers(&entry["outputs"]["mask"]));
    }

    #[test]
    fn as_many_as_asked_for_and_back_in_place() {
        let masking = RandomMasking::of_noise(&[0.3, 0.1, 0.2, 0.1, 0.1, 0.9], 3, 2).unwrap();
        assert_eq!(masking.kept, [1, 2, 0, 1]);
        assert_eq!(masking.restore, [2, 0, 1, 0, 1, 2]);
        assert_eq!(masking.hidden, [true, false, false, false, false, true]);
    }
}
