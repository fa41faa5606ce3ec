//! Data of the shape an encoder takes.

use super::Dataset;
use crate::shape::ImageShape;

/// Implemented where a data set's images have the shape an encoder takes, and nowhere else: its use is the message when
/// they differ.
///
/// ```compile_fail,E0277
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 28, 28>, 64, 3, Cpu>;
/// let dev = Cpu::default();
/// let mut simclr = SimClr::<Encoder, 32, Cpu>::new(&dev, SimClrConfig::default())?;
/// // 'the encoder takes Image<1, 28, 28>, the data are a Dataset<Image<1, 8, 8>>'
/// Trainer::new(&dev).fit(&mut simclr, &Digits::load()?, &views::glyphs(Size::of::<Image<1, 8, 8>>()))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
// On the data set rather than on the encoder's input: with the data's shape as the trait's parameter the compiler would
// infer it from the only implementation and report mismatched types instead.
#[diagnostic::on_unimplemented(
    message = "the encoder takes {P}, the data are a {Self}",
    label = "these data do not fit this encoder",
    note = "give the encoder the data's shape as its first parameter, or open the data at the encoder's size"
)]
pub trait Holds<P: ImageShape> {
    /// The data set, now known to have the encoder's shape.
    fn dataset(&self) -> &Dataset<P>;
}

impl<P: ImageShape> Holds<P> for Dataset<P> {
    fn dataset(&self) -> &Dataset<P> {
        self
    }
}
