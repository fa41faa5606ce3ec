//! What a value is, in a few words: a line of `:vars`.

use std::mem::size_of_val;

use dfdx::prelude::{Cpu, Shape, Storage, Tensor};
use serde::{Deserialize, Serialize};

use super::number::{bytes, thousands};
use super::{short_type, short_type_of, Audio, Element, ModelTable, Pictures, TextSamples};
use crate::data::{Dataset, Part};
use crate::eval::Embeddings;
use crate::front::{send, Message};
use crate::plot::Table;
use crate::shape::ImageShape;
use crate::tape::Parameters;

/// What a value is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// Its type, without paths.
    pub type_name: String,
    /// Its shape or length in words, where it has one: `64x10`, `1294 images of 1x8x8`.
    pub shape: Option<String>,
    /// Trainable numbers, where it has any.
    pub parameters: Option<usize>,
    /// Bytes it takes, as far as they are known.
    pub bytes: Option<usize>,
}

/// A value that can say more about itself than its type.
pub trait Summary {
    /// What it is.
    fn describe_value(&self) -> Described;
}

/// Finds the best description of any value, whether or not it has one of its own.
///
/// Method lookup takes the first trait that fits, so generated code says, with the three traits in scope:
///
/// ```
/// use selfsame::display::{ViaParameters as _, ViaSummary as _, ViaType as _, Wrap};
/// struct Own(u64);
/// assert_eq!((&&&Wrap(&vec![1u8, 2])).described().shape.as_deref(), Some("2 long"));
/// assert_eq!((&&&Wrap(&Own(1))).described().type_name, "Own");
/// ```
#[derive(Debug)]
pub struct Wrap<'v, T: ?Sized>(pub &'v T);

/// [`Wrap`] of a value with a [`Summary`].
pub trait ViaSummary {
    /// What the value is.
    fn described(&self) -> Described;
}

/// [`Wrap`] of a network or objective.
pub trait ViaParameters {
    /// What the value is.
    fn described(&self) -> Described;
}

/// [`Wrap`] of anything.
pub trait ViaType {
    /// What the value is.
    fn described(&self) -> Described;
}

impl<T: Summary + ?Sized> ViaSummary for &&Wrap<'_, T> {
    fn described(&self) -> Described {
        self.0.describe_value()
    }
}

impl<T: Parameters<Cpu>> ViaParameters for &Wrap<'_, T> {
    fn described(&self) -> Described {
        let (trained, others) = ModelTable::of("", self.0).numbers();
        let bytes = Some(4 * (trained + others));
        Described { parameters: Some(trained), bytes, ..Described::of_type(self.0) }
    }
}

impl<T: ?Sized> ViaType for Wrap<'_, T> {
    fn described(&self) -> Described {
        Described::of_type(self.0)
    }
}

impl Described {
    /// The type of a value and the bytes of the value itself, without what it points to.
    fn of_type<T: ?Sized>(value: &T) -> Described {
        Described { type_name: short_type_of(value), bytes: Some(size_of_val(value)), ..Described::default() }
    }

    fn new<T: ?Sized>(shape: String, bytes: usize) -> Described {
        Described { type_name: short_type::<T>(), shape: Some(shape), parameters: None, bytes: Some(bytes) }
    }
}

/// Lists variables: as a [`Message::Variables`] where a face reads messages, else as a table.
pub fn variables(of: &[(&str, Described)]) {
    let variables = of.iter().map(|(name, described)| (name.to_string(), described.clone())).collect();
    if !send(Message::Variables { variables }) {
        super::Show::evcxr_display(&table(of));
    }
}

fn table(of: &[(&str, Described)]) -> Table {
    let mut table = Table::new(["variable", "type", "shape", "parameters", "memory"]);
    for (name, d) in of {
        table.row([
            name.to_string(),
            d.type_name.clone(),
            d.shape.clone().unwrap_or_default(),
            d.parameters.map_or(String::new(), thousands),
            d.bytes.map_or(String::new(), bytes),
        ]);
    }
    table
}

impl<S: Shape, E: Element, D: Storage<E>, T> Summary for Tensor<S, E, D, T> {
    fn describe_value(&self) -> Described {
        use dfdx::prelude::HasShape;
        let sizes: Vec<usize> = self.shape().concrete().into();
        let words: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        let shape = if words.is_empty() { "a single number".into() } else { words.join("x") };
        Described::new::<Self>(shape, size_of::<E>() * sizes.iter().product::<usize>())
    }
}

impl<T> Summary for Vec<T> {
    fn describe_value(&self) -> Described {
        self.as_slice().describe_value().named::<Self>()
    }
}

impl<T> Summary for [T] {
    fn describe_value(&self) -> Described {
        Described::new::<Self>(format!("{} long", thousands(self.len())), size_of_val(self))
    }
}

impl<T, const N: usize> Summary for [T; N] {
    fn describe_value(&self) -> Described {
        self.as_slice().describe_value().named::<Self>()
    }
}

impl Summary for String {
    fn describe_value(&self) -> Described {
        self.as_str().describe_value().named::<Self>()
    }
}

impl Summary for str {
    fn describe_value(&self) -> Described {
        Described::new::<Self>(format!("{} letters", thousands(self.chars().count())), self.len())
    }
}

impl<P: ImageShape> Summary for Dataset<P> {
    fn describe_value(&self) -> Described {
        let shape = format!("{} images of {}", thousands(self.source().len()), self.shape().size());
        Described::new::<Self>(shape, self.source().bytes_in_memory())
    }
}

impl<P: ImageShape> Summary for Part<P> {
    fn describe_value(&self) -> Described {
        let shape = format!("{} images of {}, {}", thousands(self.len()), self.shape().size(), self.name());
        Described::new::<Self>(shape, size_of::<u32>() * self.len())
    }
}

impl Summary for Embeddings {
    fn describe_value(&self) -> Described {
        let shape = format!("{}x{}, {} classes", self.len(), self.width(), self.classes());
        Described::new::<Self>(shape, size_of_val(self.values()) + size_of_val(self.labels()))
    }
}

impl Summary for Pictures {
    fn describe_value(&self) -> Described {
        Described::new::<Self>(super::number::counted(self.len(), "image"), size_of_val(self))
    }
}

impl Summary for TextSamples {
    fn describe_value(&self) -> Described {
        let bytes = self.samples().iter().map(|(a, b)| a.len() + b.len()).sum();
        Described::new::<Self>(super::number::counted(self.samples().len(), "text"), bytes)
    }
}

impl Summary for Audio {
    fn describe_value(&self) -> Described {
        let shape = format!("{:.2} s at {} Hz", self.seconds(), self.rate());
        Described::new::<Self>(shape, size_of_val(self.samples()))
    }
}

impl Described {
    fn named<T: ?Sized>(mut self) -> Described {
        self.type_name = short_type::<T>();
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::Linear;
    use dfdx::prelude::{Const, OwnedTape, Rank2, TensorFrom, Trace, ZerosTensor};

    macro_rules! described {
        ($value:expr) => {
            (&&&Wrap(&$value)).described()
        };
    }

    #[test]
    fn what_knows_its_shape_says_it() {
        let dev = Cpu::default();
        let t: Tensor<Rank2<4, 10>, f32, Cpu> = dev.zeros();
        let d = described!(t);
        assert_eq!(d.type_name, "Tensor<(Const<4>, Const<10>), f32, Cpu>");
        assert_eq!((d.shape.as_deref(), d.bytes), (Some("4x10"), Some(160)));
        let taped: Tensor<Rank2<4, 10>, f32, Cpu, OwnedTape<f32, Cpu>> = t.leaky_trace();
        assert_eq!(described!(taped).shape.as_deref(), Some("4x10"));
        let digits = crate::data::Digits::load().unwrap();
        assert_eq!(described!(digits).shape.as_deref(), Some("1,797 images of 1x8x8"));
        assert_eq!(described!("größe".to_string()).shape.as_deref(), Some("5 letters"));
        let one: Tensor<(), f32, Cpu> = dev.tensor(1.0);
        assert_eq!(described!(one).shape.as_deref(), Some("a single number"));
    }

    #[test]
    fn networks_count_their_parameters_and_anything_has_a_type() {
        let dev = Cpu::default();
        let layer =
            Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut crate::random::stream(&[1]));
        let d = described!(layer.unwrap());
        assert_eq!((d.type_name.as_str(), d.parameters), ("Linear<Const<3>, Const<2>, Cpu>", Some(8)));
        struct Mine<'a>(#[allow(dead_code)] &'a str, #[allow(dead_code)] f64);
        let d = described!(Mine("a", 1.0));
        assert_eq!((d.type_name.as_str(), d.shape, d.parameters, d.bytes), ("Mine", None, None, Some(24)));
        assert_eq!(described!(1.5f32).type_name, "f32");
    }

    #[test]
    fn the_table_leaves_out_what_is_not_known() {
        let text = table(&[("x", described!(vec![1f32; 1000])), ("y", described!(2u8))]).text();
        assert!(
            text.contains("Vec<f32>") && text.contains("1,000 long") && text.contains("4.0 kB"),
            "{text}"
        );
        assert_eq!(
            text.lines().last().unwrap().split_whitespace().collect::<Vec<_>>(),
            ["y", "u8", "1", "B"]
        );
    }
}
