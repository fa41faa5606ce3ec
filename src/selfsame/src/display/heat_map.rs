//! A matrix as coloured squares.

use super::html;
use super::number::number;
use crate::plot::{encode_png, escaped};

/// Pixels the longer side is drawn with, about.
const SHOWN: usize = 256;

/// Blue for low, white for the middle (zero, where there are both signs), vermilion for high: colours that colour-blind
/// readers can tell apart.
const LOW: [f64; 3] = [0.0, 114.0, 178.0];
const MIDDLE: [f64; 3] = [255.0, 255.0, 255.0];
const HIGH: [f64; 3] = [213.0, 94.0, 0.0];
/// What is not finite.
const ODD: [u8; 3] = [0x8A, 0x8F, 0x98];

/// An image of a `rows` x `columns` matrix, with a line that says what its colours mean. Empty where it cannot be encoded.
pub(super) fn heat_map(values: &[f64], rows: usize, columns: usize) -> String {
    let scale = Scale::of(values);
    let side = (SHOWN / rows.max(columns).max(1)).clamp(1, 24);
    let (width, height) = (columns * side, rows * side);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for row in values.chunks_exact(columns) {
        let line: Vec<u8> =
            row.iter().flat_map(|v| std::iter::repeat_n(scale.color(*v), side)).flatten().collect();
        (0..side).for_each(|_| pixels.extend_from_slice(&line));
    }
    let words = scale.words();
    match encode_png(&pixels, width, height, 3) {
        Ok(png) => {
            let image = html::image(&png, width as u32, height as u32, &format!("heat map: {words}"));
            format!("<p>{image}<br/><small>{}</small></p>\n", escaped(&words))
        }
        Err(_) => String::new(),
    }
}

/// From numbers to colours.
struct Scale {
    low: f64,
    middle: f64,
    high: f64,
}

impl Scale {
    fn of(values: &[f64]) -> Scale {
        let finite = values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        match (low, high) {
            _ if low > high => Scale { low: 0.0, middle: 0.0, high: 0.0 },
            // Both signs: equal distances from zero look equal.
            _ if low < 0.0 && high > 0.0 => {
                let far = high.max(-low);
                Scale { low: -far, middle: 0.0, high: far }
            }
            _ if high <= 0.0 && low < 0.0 => Scale { low, middle: high, high },
            _ => Scale { low, middle: low, high },
        }
    }

    fn color(&self, value: f64) -> [u8; 3] {
        if !value.is_finite() {
            return ODD;
        }
        let (end, far) = match value < self.middle {
            true => (LOW, self.middle - self.low),
            false => (HIGH, self.high - self.middle),
        };
        let share = if far > 0.0 { ((value - self.middle).abs() / far).clamp(0.0, 1.0) } else { 0.0 };
        std::array::from_fn(|c| (MIDDLE[c] + share * (end[c] - MIDDLE[c])).round() as u8)
    }

    fn words(&self) -> String {
        let [low, middle, high] = [self.low, self.middle, self.high].map(number);
        match (self.low < self.middle, self.middle < self.high) {
            (true, true) => format!("blue {low}, white {middle}, vermilion {high}"),
            (true, false) => format!("blue {low}, white {middle}"),
            (false, true) => format!("white {middle}, vermilion {high}"),
            (false, false) => format!("all {middle}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_a_side_each_and_zero_is_white() {
        let scale = Scale::of(&[-1.0, 0.0, 4.0, f64::NAN]);
        assert_eq!(scale.words(), "blue -4, white 0, vermilion 4");
        assert_eq!(scale.color(0.0), [255; 3]);
        assert_eq!((scale.color(4.0), scale.color(-4.0)), ([213, 94, 0], [0, 114, 178]));
        assert_eq!(scale.color(f64::NAN), ODD);
        assert_eq!(Scale::of(&[1.0, 3.0]).words(), "white 1, vermilion 3");
        assert_eq!(Scale::of(&[-3.0, -1.0]).words(), "blue -3, white -1");
        assert_eq!(Scale::of(&[2.0, 2.0]).words(), "all 2");
        assert_eq!(Scale::of(&[f64::NAN]).words(), "all 0");
    }

    #[test]
    fn every_cell_is_a_square() {
        let page = heat_map(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 2, 3);
        assert!(page.contains("width=\"72\" height=\"48\""), "{page}");
    }
}
