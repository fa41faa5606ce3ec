//! A language model's step on characters.

use dfdx::prelude::*;
use rand::Rng;

use super::contrast::RATE;
use super::flops;
use super::measure::Work;
use super::model::{Input, Loss, Model, Training};
use crate::error::Result;
use crate::nn::Gpt;
use crate::optim::{Optimizer, Rule};
use crate::random::{stream, Purpose};
use crate::tape::parameters;

const BATCH: usize = 32;
const CHARACTERS: usize = 65;
const CONTEXT: usize = 128;
const WIDTH: usize = 128;
const DEPTH: usize = 4;

/// The model and its texts.
pub(super) struct Language {
    network: Gpt<CHARACTERS, CONTEXT, WIDTH, 4, Cpu>,
    /// One character more than the model reads: what follows the last.
    text: Vec<u32>,
}

parameters!([] Language, Cpu, tensors {}, modules { network }, plain { text });

impl Language {
    pub(super) fn new(batch: usize) -> Result<Self> {
        let mut rng = stream(&[0, 1]);
        Ok(Language {
            network: Gpt::new(&Cpu::default(), DEPTH, &mut stream(&[0, Purpose::Init as u64]))?,
            text: (0..batch * (CONTEXT + 1)).map(|_| rng.gen_range(0..CHARACTERS as u32)).collect(),
        })
    }

    /// The characters of every text but `left_out`.
    fn without(&self, left_out: usize) -> Vec<u32> {
        let kept =
            |text: &[u32]| (0..=CONTEXT).filter(|i| *i != left_out).map(|i| text[i]).collect::<Vec<_>>();
        self.text.chunks_exact(CONTEXT + 1).flat_map(kept).collect()
    }
}

impl Model for Language {
    fn loss(&self) -> Result<Loss> {
        self.network.loss(&self.without(CONTEXT), &self.without(0))
    }
    fn inputs(&self) -> Vec<Input> {
        let sizes = vec![self.text.len() / (CONTEXT + 1), CONTEXT + 1];
        vec![Input { name: "text", sizes, values: self.text.iter().map(|id| *id as f32).collect() }]
    }
}

/// `gpt-char`.
pub(super) fn steps() -> Result<impl Work> {
    let places = BATCH * CONTEXT;
    let flops = flops::blocks(BATCH, CONTEXT, WIDTH, DEPTH, 4 * WIDTH, true)
        + flops::linear(places, WIDTH, CHARACTERS);
    let optimizer = Optimizer::new(Rule::ADAMW, 0.01);
    Ok(Training::new(Language::new(BATCH)?, optimizer, RATE, places, flops))
}
