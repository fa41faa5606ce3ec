//! Ready combinations of data, encoder and objective by name: what commands and cells call.
//!
//! Every setting with its default: the book's [settings reference](../../../book/reference/settings.html).
mod budget;
pub mod collapse;
pub mod compare;
mod data;
mod judge;
mod look;
mod memory;
mod objectives;
mod publish;
mod run;
mod run_handle;
mod runs;
mod self_test;
mod settings;
mod show;
mod spec;
mod trained;
mod training;

pub use data::{data_info, DataKind};
pub use look::{encoders, views, EncoderLine};
pub use objectives::about_method;
pub use run::{evaluate, resume, train};
pub use run_handle::Run;
use runs::read_report;
pub use runs::{runs, RunLine, RunState, Runs};
pub use self_test::self_test;
pub use settings::read_setting;
pub use spec::{TrainSpec, DATA, DEVICES, ENCODERS, METHODS, OPTIMIZERS};
pub use training::{training, Training};
