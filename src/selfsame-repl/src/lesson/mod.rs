//! The lessons' exercises: starters that a student fills in, and what grades them.
//!
//! ```text
//! tutorials/exercises/NN.rs ─┐                                  ┌─ a student's file, notebook or session
//! tutorials/checks/NN.rs ────┴─► Lesson ─► grade ◄── items ◄────┘
//!                                            │ a session of its own: functions as cells, then checks as cells
//!                                            └─► Grades: a verdict for each exercise
//! ```

mod catalog;
mod checks;
mod grade;
mod grades;
mod items;

pub use catalog::{all, find, Lesson};
pub use grade::{grade, Limits};
pub use grades::{Grades, Verdict};
pub use items::{items, without_statements};
