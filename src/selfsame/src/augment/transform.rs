//! What every transform can do.

use std::fmt::Debug;

use super::Canvas;
use crate::error::Error;
use crate::random::Stream;
use crate::shape::Size;

/// One random change of an image.
///
/// Implementations are plain structs of public parameters; `Debug` is their description in reports and `config.json`.
/// They keep values in 0..1 and draw all their parameters from `rng` before deciding anything, so that the numbers left
/// for the transforms after them do not depend on the outcome.
///
/// ```
/// use selfsame::augment::{draw, Canvas, Transform};
/// use selfsame::{random::Stream, Error};
///
/// /// Turns black into white with probability `p`.
/// #[derive(Debug)]
/// struct Invert {
///     p: f64,
/// }
///
/// impl Transform for Invert {
///     fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
///         if draw::chance(rng, self.p) {
///             canvas.pixels_mut().iter_mut().for_each(|v| *v = 1.0 - *v);
///         }
///     }
///     fn validate(&self) -> Result<(), Error> {
///         Ok(())
///     }
/// }
/// ```
pub trait Transform: Send + Sync + Debug {
    /// Changes the picture on `canvas` at random; its size afterwards is `output_size` of its size before.
    ///
    /// Only ever called with parameters that passed [`validate`](Transform::validate).
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream);

    /// The size of the picture after the transform; the same as before unless the transform says otherwise.
    fn output_size(&self, input: Size) -> Size {
        input
    }

    /// Whether the parameters are in their ranges.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the parameter and its range.
    fn validate(&self) -> Result<(), Error>;
}
