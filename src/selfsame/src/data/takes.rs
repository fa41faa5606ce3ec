//! Data of the shape an encoder takes.

use super::Dataset;
use crate::shape::Picture;

/// Implemented where an encoder's input has the shape of the data, and nowhere else: its use is the message when they
/// differ.
///
/// ```compile_fail,E0277
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 28, 28>, 64, 3, Cpu>;
/// let dev = Cpu::default();
/// let mut simclr = SimClr::<Encoder, 32, Cpu>::new(&dev, SimClrConfig::default())?;
/// // 'the encoder takes Image<1, 28, 28>, the data are Image<1, 8, 8>'
/// Trainer::new(&dev).fit(&mut simclr, &Digits::load()?, &views::glyphs(Size::of::<Image<1, 8, 8>>()))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "the encoder takes {Self}, the data are {Data}",
    label = "these data do not fit this encoder",
    note = "give the encoder the data's shape as its first parameter, or open the data at the encoder's size"
)]
pub trait Takes<Data: Picture>: Picture {
    /// The same data set, now known to have the encoder's shape.
    fn same(data: &Dataset<Data>) -> &Dataset<Self>;
}

impl<P: Picture> Takes<P> for P {
    fn same(data: &Dataset<P>) -> &Dataset<P> {
        data
    }
}
