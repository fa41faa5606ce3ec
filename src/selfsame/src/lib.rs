//! Self-supervised learning you can watch working, on [dfdx], with shapes checked by the compiler.
//!
//! An encoder's type says which images it takes and how many features come out; an objective's type says which encoder it
//! trains; a data set's type says which images it holds. What does not fit does not compile.
//!
//! ```
//! use selfsame::prelude::*;
//!
//! type Picture = Image<1, 8, 8>;
//! type Encoder = ConvNet<Picture, 64, 3, Cpu>; // 64 features after 3 stages
//!
//! let dev = Cpu::default();
//! let data = Digits::load()?; // a Dataset<Image<1, 8, 8>>, embedded
//! let normalise = Normalise::of(&data.train(), 1000)?;
//! let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
//!
//! let mut simclr = SimClr::<Encoder, 32, Cpu>::new(&dev, SimClrConfig { temperature: 0.2, ..Default::default() })?;
//! let run = Trainer::new(&dev).epochs(1).fit(&mut simclr, &data, &views)?;
//! assert_eq!(run.losses().len(), 1);
//!
//! let encoder = simclr.into_encoder();
//! let frozen = Frozen::new(&encoder, &dev, normalise); // no tape, no training mode
//! let (train, test) = (frozen.embed(&data.train())?, frozen.embed(&data.test())?);
//! let predicted = knn(&train, &test, &[Knn::new(20)])?;
//! assert!(test.accuracy(&predicted[0]) > 0.8);
//! # Ok::<(), selfsame::Error>(())
//! ```
//!
//! # Modules, from the bottom up
//! A module uses only what stands above it in this list, but for `train`, which shares result types with
//! `eval` and tells `front` what happens.
//!
//! | module | what |
//! |---|---|
//! | [`text`], [`error`], [`files`] | text made fit for a terminal; the error type; files read and written safely |
//! | [`random`], [`mod@interrupt`], [`shape`] | keyed random streams; stopping on request; image shapes as types |
//! | [`tape`] | stop-gradient, own operations, parameters by name, clipping, gradcheck |
//! | [`ops`] | operations with their own backward pass |
//! | [`nn`] | encoders and heads |
//! | [`losses`] | objectives as pure functions |
//! | [`augment`] | random views |
//! | [`data`] | typed data sets, splits, label subsets, downloads, batches |
//! | [`optim`] | AdamW, SGD, LARS; schedules |
//! | [`diagnose`] | what an embedding's geometry says; the doctor |
//! | [`eval`] | frozen encoders, kNN, linear probe, baselines |
//! | [`methods`] | objectives with their state |
//! | [`mod@train`] | the loop, run folders, checkpoints, files of [`weights`] |
//! | [`plot`] | figures, tables, reports |
//! | [`display`] | how values show themselves in cells |
//! | [`front`] | what running code tells the face that draws |
//! | [`session`] | preparing a process for cells; its seed and threads |
//! | [`presets`] | ready combinations by name |
//! | [`mod@bench`] | timed workloads, the same as another framework's |
//! | [`prelude`], [`mod@dfdx`] | what nearly every program uses, by one line; the rest of dfdx |
//!
//! # The book
//! Its chapters teach what is here with programs that run in seconds, from [a first run](../../book/00-first-run.html) to
//! [an objective of your own](../../book/09-your-own.html).

pub mod dfdx;
pub mod error;
pub mod files;
#[cfg(test)]
mod golden;
pub mod interrupt;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod papers;
pub mod random;
pub mod shape;
pub mod text;

pub mod augment;
pub mod bench;
pub mod data;
pub mod diagnose;
pub mod display;
pub mod eval;
pub mod front;
pub mod losses;
pub mod methods;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod plot;
pub mod prelude;
pub mod presets;
pub mod session;
pub mod tape;
pub mod train;

pub use error::Error;
pub use interrupt::{clear_interrupt, interrupt, interrupted};
/// A run of an objective on a data set, by name: `train("simclr", "digits").run()?`.
pub use presets::training as train;
pub use presets::Run;
pub use train::weights;
