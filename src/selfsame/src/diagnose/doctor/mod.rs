//! The doctor, by kind of verdict.
mod collapse;
mod labels;
mod listen;
mod loss;
mod numbers;
mod settings;
mod teacher;

pub use listen::{Doctor, Probe};

#[cfg(test)]
mod tests;
