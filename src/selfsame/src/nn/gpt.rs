//! A small generative language model (Radford et al. 2018; the order of norms is GPT-2's).

use dfdx::prelude::*;

use super::{init, Linear, Transformer};
use crate::error::{device, Error, Result};
use crate::ops::{self, Engine, Mask};
use crate::random::Stream;
use crate::tape::parameters;

/// A decoder-only transformer over `VOCABULARY` symbols: each place of a text of `CONTEXT` symbols sees itself and what
/// stands before it and says what comes next. Blocks of width `WIDTH` with `HEADS` heads and an MLP of four times the width.
///
/// # Shapes
/// A text is `CONTEXT` symbol numbers, a batch one text after the other; out come (texts * CONTEXT, VOCABULARY) logits. The
/// heads must divide the width:
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::nn::Gpt;
/// # let dev = Cpu::default();
/// // '3 heads do not divide width 128'
/// Gpt::<65, 128, 128, 3, Cpu>::new(&dev, 4, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Gpt<
    const VOCABULARY: usize,
    const CONTEXT: usize,
    const WIDTH: usize,
    const HEADS: usize,
    D: Engine = AutoDevice,
> {
    tokens: Tensor<(Const<VOCABULARY>, Const<WIDTH>), f32, D>,
    positions: Tensor<(usize, Const<WIDTH>), f32, D>,
    trunk: Transformer<WIDTH, HEADS, D>,
    output: Linear<Const<WIDTH>, Const<VOCABULARY>, D>,
}

parameters!(
    [const VOCABULARY: usize, const CONTEXT: usize, const WIDTH: usize, const HEADS: usize, D: Engine]
    Gpt<VOCABULARY, CONTEXT, WIDTH, HEADS, D>, D,
    tensors { tokens: Weight, positions: NoDecay }, modules { trunk, output }
);

impl<const VOCABULARY: usize, const CONTEXT: usize, const WIDTH: usize, const HEADS: usize, D: Engine>
    Gpt<VOCABULARY, CONTEXT, WIDTH, HEADS, D>
{
    /// A model of `depth` blocks with random weights: embeddings are normal with deviation 0.02.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, depth: usize, rng: &mut Stream) -> Result<Self> {
        Ok(Gpt {
            tokens: init::normal(dev, (Const, Const), 0.02, rng)?,
            positions: init::normal(dev, (CONTEXT, Const), 0.02, rng)?,
            trunk: Transformer::new(dev, depth, 4 * WIDTH, rng)?,
            output: Linear::new(dev, Const, Const, rng)?,
        })
    }

    /// Logits of the symbol after each place of `text`, which holds one text of `CONTEXT` symbols after the other. The
    /// result is on a tape where `T` is one.
    ///
    /// # Errors
    /// [`Error::Shape`] for no text, a last text that is too short, or a symbol that is not below `VOCABULARY`; a device out
    /// of memory.
    pub fn forward<T: Tape<f32, D>>(
        &self,
        text: &[u32],
    ) -> Result<Tensor<(usize, Const<VOCABULARY>), f32, D, T>> {
        if text.is_empty() || CONTEXT == 0 || !text.len().is_multiple_of(CONTEXT) {
            return Err(Error::shape("text", format!("a multiple of {CONTEXT} symbols"), text.len()));
        }
        let x = ops::embedding(self.tokens.clone().put_tape(T::default()), text)?;
        let x = x.try_reshape_like(&(text.len() / CONTEXT, CONTEXT, Const::<WIDTH>)).map_err(device)?;
        let x = self.trunk.forward(ops::add_to_each(x, &self.positions)?, Mask::Causal)?;
        self.output.forward(x.try_reshape_like(&(text.len(), Const::<WIDTH>)).map_err(device)?)
    }

    /// Mean over all places of the negative logarithm of the probability that the model gives the symbol in `next`, which
    /// stands one further on in the text.
    ///
    /// # Errors
    /// Those of [`forward`](Gpt::forward); as many symbols must follow as there are.
    pub fn loss<T: Tape<f32, D>>(&self, text: &[u32], next: &[u32]) -> Result<Tensor<Rank0, f32, D, T>> {
        ops::cross_entropy(self.forward(text)?, next)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::optim::{Optimizer, Rule};
    use crate::random::stream;
    use crate::tape::FlatGradient;

    type Tiny = Gpt<5, 6, 8, 2, Cpu>;

    fn tiny() -> Tiny {
        Gpt::new(&Cpu::default(), 2, &mut stream(&[3])).unwrap()
    }

    #[test]
    fn a_place_does_not_see_what_follows() {
        let (gpt, text) = (tiny(), [0, 1, 2, 3, 4, 0, 3, 3, 1, 0, 2, 2]);
        let mut changed = text;
        (changed[4], changed[11]) = (1, 4);
        let (a, b) = (gpt.forward::<NoneTape>(&text).unwrap(), gpt.forward::<NoneTape>(&changed).unwrap());
        let (a, b) = (a.as_vec(), b.as_vec());
        let same = |place: usize| a[place * 5..][..5] == b[place * 5..][..5];
        let expected = [true, true, true, true, false, false, true, true, true, true, true, false];
        assert_eq!((0..12).map(same).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn it_learns_a_cycle() {
        let mut gpt = tiny();
        let symbol = |i: usize| (i % 5) as u32;
        let (text, next): (Vec<u32>, Vec<u32>) = (0..30).map(|i| (symbol(i), symbol(i + 1))).unzip();
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        let mut losses = Vec::new();
        for _ in 0..60 {
            let loss = gpt.loss::<OwnedTape<f32, Cpu>>(&text, &next).unwrap();
            losses.push(loss.array());
            let mut gradient = FlatGradient::new();
            gradient.add(&gpt, loss.backward()).unwrap();
            optimizer.step(&mut gpt, gradient.mean(), 1e-2).unwrap();
        }
        assert!((losses[0] - 5f32.ln()).abs() < 0.5 && losses[59] < 0.1, "{losses:?}");
    }

    #[test]
    fn texts_that_do_not_fit_are_errors() {
        let gpt = tiny();
        for (text, word) in
            [(&[][..], "multiple of 6"), (&[0; 7], "found 7"), (&[0, 1, 2, 3, 4, 5], "below 5")]
        {
            let e = gpt.forward::<NoneTape>(text).unwrap_err();
            assert!(e.to_string().contains(word), "{e}");
        }
        assert!(gpt.loss::<NoneTape>(&[0; 6], &[1; 5]).is_err());
    }
}
