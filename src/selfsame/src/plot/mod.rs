//! Figures as SVG and PNG, tables, and a run's HTML report.
//!
//! A [`Figure`] is made by [`curves`], [`spectrum`], [`scatter`], [`image_grid`] or [`bars`] and keeps what it was made
//! from, so that the same drawing code gives the SVG and the PNG. Text is set in a font the library carries, so no
//! system font is needed. Colours are Okabe and Ito's, which colour-blind readers can tell apart; where they run out,
//! shapes and dashes go on.
//!
//! [`Table`] gives the same rows to terminals and pages, [`verdict`] puts a report into one line, [`report_html`] into
//! one self-contained page, and [`compare`] several runs side by side.
mod bars;
mod bitmap;
mod compare;
mod curves;
mod figure;
mod frame;
mod history;
mod image_grid;
mod panel;
mod report;
mod report_style;
mod scatter;
mod sketch;
mod spectrum;
mod table;
mod theme;
mod verdict;

pub(crate) use bars::percent;
pub use bars::{bars, BarRow};
pub use compare::{compare, Compared, Comparison};
pub use curves::{curves, Series};
pub(crate) use figure::encode_png;
pub use figure::{escaped, Figure};
pub use history::{EpochRow, History};
pub use image_grid::{image_grid, GridRow, Tile};
pub(crate) use panel::panel;
pub(crate) use report::{accuracy_figure, geometry_table, scores_table, training_figures};
pub use report::{report_html, Extras};
pub use scatter::scatter;
pub use sketch::Sketch;
pub use spectrum::spectrum;
pub use table::Table;
pub use theme::Theme;
pub use verdict::verdict;

#[cfg(test)]
mod gallery;
#[cfg(test)]
pub(crate) mod report_sample;
