//! dfdx's tensors: shape, number type, statistics, values.

use dfdx::prelude::{Cpu, NoneTape, Shape, Storage, Tensor};

use super::heat_map::heat_map;
use super::number::{number, thousands};
use super::tensor_table::{first_matrix, matrix_table};
use super::{html, short_type_of, Content, Pictures, Show};

/// Sides of a matrix, at most, that is also drawn as a heat map.
const HEAT_MAP: usize = 256;

/// A type of number that tensors hold.
pub trait Element: Copy {
    /// Its name.
    const NAME: &'static str;
    /// The number as a float64; whole numbers above 2^53 lose their last digits.
    fn number(self) -> f64;
}

macro_rules! elements {
    ($($type:ty)*) => {
        $(impl Element for $type {
            const NAME: &'static str = stringify!($type);
            fn number(self) -> f64 {
                self as f64
            }
        })*
    };
}
elements!(f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl Element for bool {
    const NAME: &'static str = "bool";
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// [`Show`] for dfdx's tensors of any shape, number type and device, with a tape or without.
///
/// ```
/// use selfsame::prelude::*;
/// use dfdx::prelude::*;
/// let dev = Cpu::default();
/// let t: Tensor<Rank2<2, 3>, f32, Cpu> = dev.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let lines: Vec<String> = t.content().text().lines().map(String::from).collect();
/// assert_eq!(lines[0], "Tensor<(Const<2>, Const<3>), f32, Cpu>");
/// assert_eq!(lines[1], "2x3 of f32: mean 3.5000, std 1.7078, min 1, max 6");
/// assert_eq!(lines.last().map(String::as_str), Some("1   4   5   6"));
/// ```
pub trait ShowTensor {
    /// Its values, with shape and type known only at run time.
    fn values(&self) -> TensorValues;

    /// Its forms.
    fn content(&self) -> Content {
        self.values().content()
    }

    /// Shows it where the code runs; evcxr calls this for the last expression of a cell.
    fn evcxr_display(&self) {
        self.content().print();
    }
}

impl<S: Shape, E: Element, D: Storage<E>, T> ShowTensor for Tensor<S, E, D, T> {
    fn values(&self) -> TensorValues {
        use dfdx::prelude::HasShape;
        TensorValues {
            type_name: short_type_of(self),
            sizes: self.shape().concrete().into(),
            dtype: E::NAME,
            taped: std::any::type_name::<T>() != std::any::type_name::<NoneTape>(),
            elsewhere: std::any::type_name::<D>() != std::any::type_name::<Cpu>(),
            // dfdx reads the first of no values.
            values: match self.shape().num_elements() {
                0 => Vec::new(),
                _ => self.as_vec().into_iter().map(E::number).collect(),
            },
        }
    }
}

/// A tensor's values in row-major order, with everything about its type as values.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorValues {
    type_name: String,
    sizes: Vec<usize>,
    dtype: &'static str,
    taped: bool,
    elsewhere: bool,
    values: Vec<f64>,
}

impl TensorValues {
    /// Sizes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// `64x10`; `a single number` for a tensor without dimensions.
    fn shape_words(&self) -> String {
        match self.sizes.as_slice() {
            [] => "a single number".into(),
            sizes => sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
        }
    }

    /// Shape, number type and statistics in a line.
    fn facts(&self) -> String {
        let mut facts = format!("{} of {}", self.shape_words(), self.dtype);
        if self.elsewhere {
            facts += " on the GPU";
        }
        if self.taped {
            facts += ", on a tape";
        }
        format!("{facts}: {}", statistics(&self.values))
    }

    /// The whole as images, where it looks like some: a batch of 1 or 3 channels of at least 4x4.
    fn pictures(&self) -> Option<Pictures> {
        let &[n, channels @ (1 | 3), height @ 4..=512, width @ 4..=512] = self.sizes.as_slice() else {
            return None;
        };
        (n > 0).then(|| Pictures::of_values(&self.values, channels, height, width))
    }
}

impl Show for TensorValues {
    fn content(&self) -> Content {
        let (title, facts) = (&self.type_name, self.facts());
        if let ([], [value]) = (self.sizes.as_slice(), self.values.as_slice()) {
            let text = format!("{} ({title})", number(*value));
            return Content::new(text.clone()).with_html(html::paragraph(&text));
        }
        let head = html::heading(title) + &html::paragraph(&facts);
        let Some((note, rows, columns, matrix)) = first_matrix(&self.sizes, &self.values) else {
            return Content::new(format!("{title}\n{facts}")).with_html(head);
        };
        let table = matrix_table(matrix, rows, columns);
        let mut text = format!("{title}\n{facts}\n");
        if !note.is_empty() {
            text += &format!("{note}\n");
        }
        text += &table.text();
        if let Some(figure) = self.pictures().and_then(|p| p.figure().ok()) {
            let page = head + &html::figures([&figure]);
            return Content::new(text).with_html(page).with_figure(figure);
        }
        let mut page = head;
        if !note.is_empty() {
            page += &html::paragraph(&note);
        }
        page += &html::table(&table);
        if rows.min(columns) > 1 && rows.max(columns) <= HEAT_MAP {
            page += &heat_map(matrix, rows, columns);
        }
        Content::new(text).with_html(page)
    }
}

/// Mean, deviation (of the population), extremes, and how many are not finite.
fn statistics(values: &[f64]) -> String {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (n, sum) = finite().fold((0usize, 0.0), |(n, sum), v| (n + 1, sum + v));
    let odd = values.len() - n;
    let odd = match odd {
        0 => String::new(),
        _ => format!("{} not finite", thousands(odd)),
    };
    if n == 0 {
        return if values.is_empty() { "no values".into() } else { odd };
    }
    let mean = sum / n as f64;
    let variance = finite().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
    let (min, max) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let [mean, std, min, max] = [mean, variance.sqrt(), min, max].map(number);
    let comma = if odd.is_empty() { "" } else { ", " };
    format!("mean {mean}, std {std}, min {min}, max {max}{comma}{odd}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use dfdx::prelude::*;

    #[test]
    fn large_tensors_show_head_and_tail_and_say_what_they_are() {
        let dev = Cpu::default();
        let values: Vec<f32> = (0..64 * 128).map(|i| i as f32 / 10.0).collect();
        let t: Tensor<(usize, Const<128>), f32, _> = dev.tensor_from_vec(values, (64, Const));
        let text = t.content().text().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Tensor<(usize, Const<128>), f32, Cpu>");
        assert_eq!(lines[1], "64x128 of f32: mean 409.55, std 236.48, min 0, max 819.10");
        let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
        assert_eq!(words(lines[2]), ["0", "1", "2", "3", "4", "…", "125", "126", "127"]);
        assert_eq!(words(lines[4])[..3], ["0", "0.00", "0.10"]);
        assert_eq!(words(lines.last().unwrap())[..2], ["63", "806.40"]);
        assert!(t.content().html().unwrap().contains("<img src=\"data:image/png;base64,"));
    }

    #[test]
    fn taped_permuted_and_broadcast_tensors_show_their_logical_order() {
        let dev = Cpu::default();
        let t: Tensor<Rank2<2, 3>, f64, _> = dev.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let turned: Tensor<Rank2<3, 2>, f64, _> = t.clone().permute();
        assert_eq!(ShowTensor::values(&turned).values(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let row: Tensor<Rank1<3>, f64, _> = dev.tensor([1.0, 2.0, 3.0]);
        let wide: Tensor<Rank2<2, 3>, f64, _> = row.broadcast();
        assert_eq!(ShowTensor::values(&wide).values(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        let taped = t.leaky_trace() * 2.0;
        assert!(
            taped.content().text().contains("2x3 of f64, on a tape: mean 7"),
            "{}",
            taped.content().text()
        );
    }

    #[test]
    fn numbers_vectors_stacks_and_nothing() {
        let dev = Cpu::default();
        let one: Tensor<Rank0, f32, _> = dev.tensor(2.5);
        assert_eq!(one.content().text(), "2.5000 (Tensor<(), f32, Cpu>)");
        let vector: Tensor<Rank1<3>, i64, _> = dev.tensor([1, -2, 3]);
        let text = vector.content().text().to_string();
        let last: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, ["1", "-2", "3"]);
        let flags: Tensor<Rank1<2>, bool, _> = dev.tensor([true, false]);
        assert!(flags.content().text().contains("2 of bool: mean 0.5000"), "{}", flags.content().text());
        let stack: Tensor<Rank3<2, 2, 2>, f32, _> =
            dev.tensor([[[1.0, 2.0], [3.0, f32::NAN]], [[5.0, 6.0], [7.0, 8.0]]]);
        let text = stack.content().text().to_string();
        assert!(text.contains("max 8, 1 not finite"), "{text}");
        assert!(text.contains("[0, .., ..], the first of 2 matrices"), "{text}");
        let empty: Tensor<(usize, Const<3>), f32, _> = dev.tensor_from_vec(vec![], (0, Const));
        assert!(empty.content().text().ends_with("0x3 of f32: no values"), "{}", empty.content().text());
    }

    #[test]
    fn a_batch_of_images_is_a_grid() {
        let dev = Cpu::default();
        let t: Tensor<(usize, Const<1>, Const<8>, Const<8>), f32, _> = dev
            .tensor_from_vec((0..640).map(|i| (i % 64) as f32 / 63.0).collect(), (10, Const, Const, Const));
        let content = t.content();
        assert!(content.figure().is_some());
        assert!(content.text().contains("10x1x8x8 of f32"));
    }
}
