//! Losses against transcriptions of their papers, finite differences, and what can be worked out by hand. Goldens
//! are compared by the program `golden`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clustering; // Prototypes, codes, teachers
mod contrastive; // One positive among negatives
mod joint; // Two views, no negatives
mod masked; // What was hidden
mod scaffold; // What every loss is held to
