//! How values show themselves in the REPL and in notebook cells.
//!
//! A value that is the last expression of a cell is shown by its `evcxr_display`: [`Show`] gives it to every result type of
//! this library, [`ShowTensor`] to dfdx's tensors, [`ShowModel`] to networks and objectives. Each value has a form in plain
//! text, which terminals show, and one richer form, an HTML page's part or a figure, which notebooks show; [`Content`]
//! holds them and prints those that suit where the code runs. HTML is self-contained, without scripts, and has no colours
//! of its own, so that it is readable in light and dark; what matters in it survives a viewer that strips styles.
//!
//! ```
//! use dfdx::prelude::*;
//! use selfsame::prelude::*;
//! use selfsame::{diagnose::Alarm, eval::pixels};
//!
//! // What evcxr makes of a cell's last expression, for one value of each kind.
//! let dev = Cpu::default();
//! let digits = Digits::load()?;
//! (digits).evcxr_display();
//! (digits.test()).evcxr_display();
//! (digits.info()).evcxr_display();
//! (digits.pictures(8)).evcxr_display();
//! (views::glyphs(Size::of::<Image<1, 8, 8>>())).evcxr_display();
//! let features = pixels(&digits.test())?;
//! (features).evcxr_display();
//! (features.scatter()?).evcxr_display();
//! (Vec::<Alarm>::new()).evcxr_display();
//! let tensor: Tensor<Rank2<2, 3>, f32, Cpu> = dev.sample_normal();
//! (tensor).evcxr_display();
//! (&tensor).evcxr_display();
//! (tensor.leaky_traced().relu()).evcxr_display();
//! let random = &mut selfsame::random::stream(&[0]);
//! (selfsame::nn::Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, random)?).evcxr_display();
//! (SimClr::<Mlp<Image<1, 8, 8>, 16, 8, Cpu>, 8, Cpu>::new(&dev, SimClrConfig::default())?).evcxr_display();
//! # Ok::<(), selfsame::Error>(())
//! ```
//!
//! [`Described`] says in a few words what any value is: what `:vars` lists.
mod alarms;
mod audio;
mod baselines;
mod content;
mod dataset;
mod embeddings;
mod figure;
mod geometry;
mod heat_map;
mod hover;
mod html;
mod labels;
mod model;
mod neighbors;
mod number;
mod pictures;
mod plain;
mod progress;
mod report;
mod samples;
mod scores;
mod short_type;
mod show;
mod summary;
mod table;
mod tensor;
mod tensor_table;
mod views;

#[cfg(test)]
mod gallery;

pub use audio::Audio;
pub use content::{Content, SKETCH};
pub use embeddings::Scatter;
pub use model::{ModelTable, ShowModel};
pub use pictures::Pictures;
pub use plain::ShowPlain;
pub use samples::TextSamples;
pub use short_type::{short_type, short_type_of};
pub use show::Show;
pub use summary::{variables, Described, Summary, ViaParameters, ViaSummary, ViaType, Wrap};
pub use tensor::{Element, ShowTensor, TensorValues};
