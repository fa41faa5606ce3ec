//! Losses of what was hidden.

use dfdx::prelude::*;
use selfsame::losses::{self, JepaConvention};
use selfsame::ops::{cross_entropy_with, patchify, CrossEntropySettings, Engine, Real};

use super::{Checked, In};
use crate::check::Found;
use crate::file::Entry;
use crate::graph::{rows, tensor, Slopes};

/// A label that does not count.
const IGNORED: u32 = u32::MAX;

impl<E: Real> In<E>
where
    Cpu: Engine<E>,
{
    pub fn i_jepa(entry: &Entry) -> Checked {
        let [prediction, target] = [rows::<E>(entry, "pred")?, rows(entry, "target")?];
        let mut slopes =
            Slopes::of(losses::i_jepa(prediction.leaky_trace(), &target, JepaConvention::Reference))?;
        Ok(Found::value(slopes.value)
            .grad("pred", slopes.to(&prediction)?)
            .grad("target", slopes.to(&target)?))
    }

    /// The entry's patches have their channels last, ours first.
    pub fn mae(entry: &Entry) -> Checked {
        let [n, c, h, w] = entry.sizes("images")?;
        let [_, tokens, length] = entry.sizes("pred")?;
        let patch = entry.count("patch")?;
        let images: Tensor<_, E, Cpu> = tensor(entry.numbers("images")?, (n, c, h, w));
        let patches = patchify(images.clone(), patch).map_err(|e| e.to_string())?.as_vec();
        let pixels = patch * patch;
        let order = |i: usize| i / length * length + i % c * pixels + i % length / c;
        let mut target: Vec<E> = (0..n * tokens * length).map(|i| patches[order(i)]).collect();
        if entry.count("norm_pix")? == 1 {
            losses::standardise_patches(&mut target, length);
        }
        let counts: Vec<bool> = entry.numbers("mask")?.iter().map(|m| *m != 0.0).collect();
        let prediction = rows::<E>(entry, "pred")?;
        let mut slopes = Slopes::of(losses::masked_error(prediction.leaky_trace(), &target, &counts))?;
        Ok(Found::value(slopes.value)
            .grad("pred", slopes.to(&prediction)?)
            .grad("images", slopes.to(&images)?))
    }

    pub fn mlm(entry: &Entry) -> Checked {
        let ignored = entry.number("ignore_index")? as i64;
        let label = |l: &i64| if *l == ignored { IGNORED } else { *l as u32 };
        Self::tokens(entry, entry.integers("labels")?.iter().map(label).collect())
    }

    /// The last position of each sequence has no target.
    pub fn causal_lm(entry: &Entry) -> Checked {
        let [_, times] = entry.sizes("tokens")?;
        let tokens = entry.integers("tokens")?;
        let next = |i: usize| if (i + 1).is_multiple_of(times) { IGNORED } else { tokens[i + 1] as u32 };
        let found = Self::tokens(entry, (0..tokens.len()).map(next).collect())?;
        Ok(found)
    }

    fn tokens(entry: &Entry, labels: Vec<u32>) -> Checked {
        let logits = rows::<E>(entry, "logits")?;
        let settings = CrossEntropySettings { ignore: Some(IGNORED), ..Default::default() };
        let mut slopes = Slopes::of(cross_entropy_with(logits.leaky_trace(), &labels, settings))?;
        Ok(Found::value(slopes.value).grad("logits", slopes.to(&logits)?))
    }

    pub fn simmim(entry: &Entry) -> Checked {
        let [n, c, h, w] = entry.sizes("x")?;
        let [_, rows, columns] = entry.sizes("mask")?;
        let patch = entry.count("patch")?;
        let small = entry.numbers("mask")?;
        // A pixel is masked where its patch is.
        let masked = |i: usize| {
            let (image, y, x) = (i / (h * w), i / w % h, i % w);
            small[(image * rows + y / patch) * columns + x / patch] != 0.0
        };
        let mask: Vec<bool> = (0..n * h * w).map(masked).collect();
        let shape = (n, c, h, w);
        let reconstruction: Tensor<_, E, Cpu> = tensor(entry.numbers("x_rec")?, shape);
        let target: Tensor<_, E, Cpu> = tensor(entry.numbers("x")?, shape);
        let mut slopes = Slopes::of(losses::simmim(reconstruction.leaky_trace(), &target.as_vec(), &mask))?;
        Ok(Found::value(slopes.value)
            .grad("x_rec", slopes.to(&reconstruction)?)
            .grad("x", slopes.to(&target)?))
    }
}
