//! Networks: their tensors by name.

use dfdx::prelude::{Cpu, Device};

use super::number::{bytes, counted, thousands};
use super::{html, short_type, Content, Show};
use crate::eval::Frozen;
use crate::methods::{Learner, Method, Objective};
use crate::nn::{AnyEncoder, Encoder};
use crate::ops::Engine;
use crate::plot::Table;
use crate::tape::{Parameters, Role};

/// Tensors listed in plain text; of more the first and last.
const LINES: usize = 40;

/// A batch to ask an objective about; its name does not depend on it.
const BATCH: usize = 256;

/// A network's tensors: names, shapes, counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelTable {
    title: String,
    tensors: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    sizes: Vec<usize>,
    numbers: usize,
    trained: bool,
}

impl ModelTable {
    /// The tensors of `model`, under `title`.
    pub fn of<D: Device<f32>>(title: impl Into<String>, model: &dyn Parameters<D>) -> ModelTable {
        let mut tensors = Vec::new();
        model.visit("", &mut |name, role, t| {
            tensors.push(Entry {
                name: name.into(),
                sizes: t.sizes(),
                numbers: t.numel(),
                trained: role != Role::Buffer,
            });
        });
        ModelTable { title: title.into(), tensors }
    }

    /// Trainable numbers, and others.
    pub(super) fn numbers(&self) -> (usize, usize) {
        let count = |trained| self.tensors.iter().filter(|t| t.trained == trained).map(|t| t.numbers).sum();
        (count(true), count(false))
    }

    fn totals(&self) -> String {
        let (trained, others) = self.numbers();
        let mut text =
            format!("{}, {} parameters", counted(self.tensors.len(), "tensor"), thousands(trained));
        if others > 0 {
            text += &format!(" and {} other numbers", thousands(others));
        }
        format!("{text}, {}", bytes(4 * (trained + others)))
    }

    fn table(&self, lines: usize) -> Table {
        let mut table = Table::new(["tensor", "shape", "numbers", ""]);
        let n = self.tensors.len();
        let (head, tail) = if n > lines { (lines - 10, 10) } else { (n, 0) };
        for (i, t) in self.tensors.iter().enumerate() {
            if i < head || i >= n - tail {
                let shape: Vec<String> = t.sizes.iter().map(ToString::to_string).collect();
                let note = if t.trained { "" } else { "not trained" };
                table.row([t.name.as_str(), &shape.join("x"), &thousands(t.numbers), note]);
            } else if i == head {
                table.row([
                    "…".to_string(),
                    String::new(),
                    String::new(),
                    format!("{} more", n - head - tail),
                ]);
            }
        }
        table
    }
}

impl Show for ModelTable {
    fn content(&self) -> Content {
        let (title, totals) = (&self.title, self.totals());
        let page = html::heading(title) + &html::paragraph(&totals) + &html::table(&self.table(usize::MAX));
        Content::new(format!("{title}\n{totals}\n{}", self.table(LINES).text())).with_html(page)
    }
}

/// [`Show`] for networks and objectives: everything that has [`Parameters`] on the CPU.
///
/// ```
/// use selfsame::prelude::*;
/// let encoder = ConvNet::<Image<1, 8, 8>, 32, 2, Cpu>::new(&Cpu::default(), &mut selfsame::random::stream(&[0]))?;
/// let text = encoder.content().text().to_string();
/// assert!(text.starts_with("ConvNet<Image<1, 8, 8>, 32, 2>\n"));
/// assert!(text.contains("first.conv"));
/// # Ok::<(), selfsame::Error>(())
/// ```
pub trait ShowModel {
    /// Its forms.
    fn content(&self) -> Content;

    /// Shows it where the code runs; evcxr calls this for the last expression of a cell.
    fn evcxr_display(&self) {
        self.content().print();
    }
}

impl<M: Parameters<Cpu>> ShowModel for M {
    fn content(&self) -> Content {
        ModelTable::of(short_type::<M>(), self).content()
    }
}

/// Its own, which is found before [`ShowModel`]'s: its type does not say which network it is.
impl<D: Engine> AnyEncoder<D> {
    /// Its forms.
    pub fn content(&self) -> Content {
        ModelTable::of(self.describe(), self).content()
    }

    /// Shows it where the code runs; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        self.content().print();
    }
}

/// Its own, which is found before [`ShowModel`]'s and calls the objective by its name.
impl<E: Encoder<D>, O: Objective<E, D>, D: Engine> Learner<E, O, D> {
    /// Its forms.
    pub fn content(&self) -> Content {
        let title = format!("{} over {}", self.objective().about(BATCH).name, self.encoder().describe());
        ModelTable::of(title, self).content()
    }

    /// Shows it where the code runs; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        self.content().print();
    }
}

impl<E: Encoder<D>, D: Engine> Show for Frozen<'_, E, D> {
    fn content(&self) -> Content {
        ModelTable::of(format!("frozen {}", self.encoder().describe()), self.encoder()).content()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::{ConvNet, Encoder, Linear};
    use crate::shape::Image;
    use dfdx::prelude::Const;

    #[test]
    fn every_tensor_has_a_line_and_buffers_are_told_apart() {
        let dev = Cpu::default();
        let encoder =
            ConvNet::<Image<1, 8, 8>, 32, 2, Cpu>::new(&dev, &mut crate::random::stream(&[0])).unwrap();
        let content = encoder.content();
        let (trained, _) = ModelTable::of("", &encoder).numbers();
        assert_eq!(trained, crate::tape::count_parameters(&encoder));
        assert!(content.text().contains("not trained"), "{}", content.text());
        assert!(content.text().contains("32x16x3x3"), "{}", content.text());
    }

    #[test]
    fn networks_and_objectives_taken_by_name_say_what_they_are() {
        use crate::prelude::{SimClr, SimClrConfig};
        let dev = Cpu::default();
        let simclr =
            SimClr::<ConvNet<Image<1, 8, 8>, 32, 2, Cpu>, 8, Cpu>::new(&dev, SimClrConfig::default())
                .unwrap();
        let text = simclr.content().text().to_string();
        assert!(text.starts_with("simclr over ConvNet of 2 3x3 stages, 1x8x8 to 32 features\n"), "{text}");
        let network = crate::nn::Network::Mlp { hidden: 16, features: 8 };
        let input = crate::shape::Size { channels: 1, height: 8, width: 8 };
        let recipe = crate::nn::Recipe { network, input };
        let any = AnyEncoder::build(&recipe, &dev, &mut crate::random::stream(&[0])).unwrap();
        assert!(any.content().text().starts_with("MLP, 1x8x8 to 16 to 8 features\n"));
    }

    #[test]
    fn deep_networks_are_cut_in_text_and_whole_in_html() {
        let dev = Cpu::default();
        let mut random = crate::random::stream(&[0]);
        let layers: Vec<Linear<Const<3>, Const<2>, Cpu>> =
            (0..30).map(|_| Linear::new(&dev, Const, Const, &mut random).unwrap()).collect();
        let content = layers.content();
        assert!(content.text().contains("60 tensors, 240 parameters, 960 B"), "{}", content.text());
        assert!(
            content.text().contains("20 more") && content.text().contains("29.bias"),
            "{}",
            content.text()
        );
        assert_eq!(content.html().unwrap().matches("<tr>").count(), 61);
    }
}
