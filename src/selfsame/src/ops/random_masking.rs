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
