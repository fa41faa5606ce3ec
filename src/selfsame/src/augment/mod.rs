//! Random views of images.
//!
//! An objective learns from what two views of one image share, so the choice of transforms *is* the definition of what
//! the encoder should ignore. Each [`Transform`] stands in a file of its own and works on a [`Canvas`]; a [`View`] is a
//! chain of them that ends in an image of a stated size; [`Views`] are the views of one image that an objective asks
//! for. Every random choice comes from the stream of (seed, epoch, index, view), so a view never depends on which thread
//! drew it, nor on what was drawn before.
//!
//! ```
//! use selfsame::augment::{HorizontalFlip, RandomResizedCrop, View, Views};
//! use selfsame::shape::Size;
//!
//! let size = Size { channels: 3, height: 32, width: 32 };
//! let view = View::new(size).then(RandomResizedCrop::to(32, 32)).then(HorizontalFlip::default());
//! let views = Views::two(view);
//!
//! let image = vec![128u8; size.len()];
//! let mut out = vec![0.0; size.len()];
//! let (seed, epoch, index) = (7, 0, 42);
//! for view in 0..views.count() {
//!     views.render(&image, size, seed, epoch, index, view, &mut out)?;
//! }
//! # Ok::<(), selfsame::Error>(())
//! ```
//!
//! What views teach, and how to choose them: [Practice](../../../book/08-practice.html), a chapter of the book.

mod border;
mod canvas;
mod checks;
mod color_jitter;
mod cutout;
pub mod draw;
mod gaussian_blur;
mod greyscale;
mod horizontal_flip;
mod noise;
mod normalise;
pub mod presets;
mod random_crop;
mod random_resized_crop;
mod resample;
mod resize;
mod rotation;
mod solarise;
#[cfg(test)]
mod testing;
mod transform;
mod translate;
mod vertical_flip;
mod view;
mod views;

pub use border::Border;
pub use canvas::Canvas;
pub use color_jitter::ColorJitter;
pub use cutout::Cutout;
pub use gaussian_blur::GaussianBlur;
pub use greyscale::Greyscale;
pub use horizontal_flip::HorizontalFlip;
pub use noise::Noise;
pub use normalise::Normalise;
pub use random_crop::RandomCrop;
pub use random_resized_crop::RandomResizedCrop;
pub use resample::Region;
pub use resize::Resize;
pub use rotation::Rotation;
pub use solarise::Solarise;
pub use transform::Transform;
pub use translate::Translate;
pub use vertical_flip::VerticalFlip;
pub use view::View;
pub use views::Views;
