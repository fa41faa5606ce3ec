//! What the programs of the book share: sections of their output, claims that must hold, and where figures go.
//!
//! The programs themselves are in `src/bin`, one a lesson. `README.md` says how they are written.

mod claim;
mod figure;
mod section;

pub use claim::claim;
pub use figure::save;
pub use section::{section, section_within};
