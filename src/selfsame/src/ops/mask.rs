//! Which keys a query may look at.

use crate::error::{Error, Result};

/// Which tokens attention may look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mask<'m> {
    /// All of them.
    #[default]
    None,
    /// Each token sees itself and those before it, as a language model must.
    Causal,
    /// Tokens that are `true` here, for every query: batch times tokens values, row-major. For sequences of different
    /// lengths, padded to the longest.
    Keys(&'m [bool]),
}

impl<'m> Mask<'m> {
    /// The keys of one sample that may be seen, if there is a choice.
    #[inline(always)]
    pub(crate) fn of_sample(&self, sample: usize, tokens: usize) -> Option<&'m [bool]> {
        match self {
            Mask::Keys(seen) => Some(&seen[sample * tokens..(sample + 1) * tokens]),
            _ => None,
        }
    }

    /// Whether there is a value for every token and every sample sees something.
    pub(crate) fn check(&self, batch: usize, tokens: usize) -> Result<()> {
        let Mask::Keys(seen) = self else { return Ok(()) };
        if seen.len() != batch * tokens {
            return Err(Error::shape("key mask", format!("{batch} x {tokens} values"), seen.len()));
        }
        match seen.chunks(tokens.max(1)).position(|keys| !keys.contains(&true)) {
            Some(sample) => Err(Error::shape(
                "key mask",
                "at least one token to look at in every sample",
                format!("none in sample {sample}"),
            )),
            None => Ok(()),
        }
    }
}

impl Mask<'_> {
    /// The same mask without a borrow, for a backward pass to come.
    pub(crate) fn to_owned(self) -> OwnedMask {
        match self {
            Mask::None => OwnedMask::None,
            Mask::Causal => OwnedMask::Causal,
            Mask::Keys(seen) => OwnedMask::Keys(seen.to_vec()),
        }
    }
}

/// A [`Mask`] that holds its keys.
#[derive(Debug)]
#[non_exhaustive]
pub enum OwnedMask {
    None,
    Causal,
    Keys(Vec<bool>),
}

impl OwnedMask {
    pub(crate) fn as_mask(&self) -> Mask<'_> {
        match self {
            OwnedMask::None => Mask::None,
            OwnedMask::Causal => Mask::Causal,
            OwnedMask::Keys(seen) => Mask::Keys(seen),
        }
    }
}
