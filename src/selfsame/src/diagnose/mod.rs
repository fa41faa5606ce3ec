//! What an embedding's geometry says, and alarms about it.
mod alarm;
mod geometry;

pub use alarm::Alarm;
pub use geometry::Geometry;
