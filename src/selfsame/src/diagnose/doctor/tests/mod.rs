//! Each alarm on the run that deserves it, and silence on those that do not.

#![allow(clippy::unwrap_used)]

mod collapse;
mod healthy;
mod labels;
mod loss;
mod numbers;
mod scaffold;
mod settings;
mod teacher;
