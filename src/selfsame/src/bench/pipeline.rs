//! Training as it is: the next batch is augmented while the step on the last one runs.

use std::ops::ControlFlow;

use dfdx::prelude::*;

use super::augmentation::{random_images, views};
use super::contrast::{convnet_flops, optimizer, Colour, Convolutional, BATCH, RATE};
use super::measure::Work;
use super::model::descend;
use crate::data::{for_each_batch, Batches, Dataset, InMemory, Split};
use crate::error::{device, Result};
use crate::optim::Optimizer;
use crate::shape::{Input, Size};
use crate::tape::FlatGradient;

/// The network of `simclr-cnn` and its optimiser.
pub(super) struct Pipeline {
    network: Convolutional,
    optimizer: Optimizer,
    gradient: FlatGradient,
}

impl Pipeline {
    pub(super) fn new() -> Result<Pipeline> {
        let network = Convolutional::new(&Cpu::default())?;
        Ok(Pipeline { network, optimizer: optimizer(), gradient: FlatGradient::new() })
    }
}

impl Work for Pipeline {
    fn samples(&self) -> usize {
        BATCH
    }
    fn flops(&self) -> Option<f64> {
        Some(convnet_flops())
    }
    fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let images = steps * BATCH;
        let source = InMemory::new(Size::of::<Colour>(), random_images(images))?;
        let order: Vec<u32> = (0..images as u32).collect();
        let split = Split { train: order.clone(), validation: Vec::new(), test: Vec::new() };
        let data = Dataset::<Colour>::new("noise", vec!["noise".into()], vec![0; images], source, split)?;
        let batches =
            Batches { order: &order, batch: BATCH, start_batch: 0, drop_last: true, seed: 0, epoch: 0 };
        let dev = Cpu::default();
        let Pipeline { network, optimizer, gradient } = self;
        let step = |batch: &mut crate::data::Batch| {
            let both = batch.views.concat();
            let x = dev.try_tensor_from_vec(both, Colour::batch(2 * BATCH)).map_err(device)?;
            descend(network, |n| n.contrast(&x), gradient, optimizer, RATE)?;
            done()?;
            Ok(ControlFlow::Continue(()))
        };
        for_each_batch(&data.train(), batches, &views(), step).map(|_| ())
    }
}
