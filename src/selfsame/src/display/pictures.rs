//! Images side by side.

use super::{Content, Show};
use crate::data::{Dataset, Part};
use crate::error::Result;
use crate::plot::{image_grid, Figure, GridRow, Tile};
use crate::shape::{ImageShape, Size};

/// Images in a row.
const COLUMNS: usize = 8;
/// Images shown of a tensor.
const OF_A_TENSOR: usize = 32;

/// Images with captions, in rows.
///
/// ```
/// use selfsame::prelude::*;
/// let digits = Digits::load()?;
/// let pictures = digits.train().pictures(16)?;
/// assert_eq!(pictures.len(), 16);
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    title: String,
    rows: Vec<GridRow>,
}

impl Pictures {
    /// Rows of images under a title.
    pub fn new(title: impl Into<String>, rows: Vec<GridRow>) -> Pictures {
        Pictures { title: title.into(), rows }
    }

    /// Images in rows of eight.
    pub fn in_rows(title: impl Into<String>, tiles: Vec<Tile>) -> Pictures {
        let row = |tiles: &[Tile]| GridRow { label: String::new(), tiles: tiles.to_vec() };
        Pictures::new(title, tiles.chunks(COLUMNS).map(row).collect())
    }

    /// The first images of a batch of numbers, channel by channel. Numbers in 0..1 are shown as they are, others so that
    /// the lowest is black and the highest white.
    pub(super) fn of_values(values: &[f64], channels: usize, height: usize, width: usize) -> Pictures {
        let size = Size { channels, height, width };
        let total = values.len() / size.len();
        let shown = &values[..total.min(OF_A_TENSOR) * size.len()];
        let finite = shown.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let plain = low >= 0.0 && high <= 1.0;
        let (black, white) = if plain { (0.0, 1.0) } else { (low, high) };
        let span = (white - black).max(f64::MIN_POSITIVE);
        let byte = |v: &f64| ((v - black) / span * 255.0).round().clamp(0.0, 255.0) as u8;
        let tile = |(i, image): (usize, &[f64])| tile(size, image.iter().map(byte).collect(), &i.to_string());
        let tiles: Vec<Tile> = shown.chunks_exact(size.len()).enumerate().map(tile).collect();
        let mut title = format!("{} of {total} images", tiles.len());
        if !plain && low < high {
            let [black, white] = [black, white].map(super::number::number);
            title += &format!(", black {black}, white {white}");
        }
        Pictures::in_rows(title, tiles)
    }

    /// The heading.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The images.
    pub fn rows(&self) -> &[GridRow] {
        &self.rows
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.rows.iter().map(|row| row.tiles.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images as a figure.
    ///
    /// # Errors
    /// An image whose pixels do not fill its shape; more rows than a figure holds.
    pub fn figure(&self) -> Result<Figure> {
        image_grid(&self.title, &self.rows)
    }
}

impl Show for Pictures {
    fn content(&self) -> Content {
        let mut text = self.title.clone();
        for row in &self.rows {
            let captions: Vec<&str> = row.tiles.iter().map(|t| t.caption.as_str()).collect();
            let label = if row.label.is_empty() { String::new() } else { format!("{}: ", row.label) };
            text += &format!("\n  {label}{}", captions.join(", "));
        }
        super::show::drawn(Content::new(text), self.figure())
    }
}

impl<P: ImageShape> Part<P> {
    /// `count` images of this part, evenly spread over it, each with the number of its class.
    ///
    /// # Errors
    /// An image that cannot be read.
    pub fn pictures(&self, count: usize) -> Result<Pictures> {
        let name = |label: u32| label.to_string();
        let (title, tiles) = (self.name(), tiles(self, count, &name)?);
        Ok(Pictures::in_rows(format!("{} of {} {title} images", tiles.len(), self.len()), tiles))
    }
}

impl<P: ImageShape> Dataset<P> {
    /// `count` training images, evenly spread, each with the name of its class.
    ///
    /// # Errors
    /// An image that cannot be read.
    pub fn pictures(&self, count: usize) -> Result<Pictures> {
        let name = |label: u32| self.classes().get(label as usize).cloned().unwrap_or_default();
        let tiles = tiles(&self.train(), count, &name)?;
        Ok(Pictures::in_rows(format!("{}: {} training images", self.name(), tiles.len()), tiles))
    }
}

fn tiles<P: ImageShape>(part: &Part<P>, count: usize, name: &dyn Fn(u32) -> String) -> Result<Vec<Tile>> {
    let count = count.min(part.len());
    let read = |i: usize| {
        let position = i * part.len() / count;
        Ok(tile(part.shape().size(), read(part, position)?, &name(part.label(position))))
    };
    (0..count).map(read).collect()
}

/// The bytes of one image.
pub(super) fn read<P: ImageShape>(part: &Part<P>, position: usize) -> Result<Vec<u8>> {
    let mut image = vec![0u8; part.shape().size().len()];
    part.read(position, &mut image)?;
    Ok(image)
}

/// An image for a grid.
pub(super) fn tile(size: Size, pixels: Vec<u8>, caption: &str) -> Tile {
    let Size { channels, height, width } = size;
    Tile { channels, height, width, pixels, caption: caption.into(), same: None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_the_unit_range_are_shown_as_they_are_and_others_stretched() {
        let plain = Pictures::of_values(&[0.0, 0.5, 1.0, 0.25], 1, 2, 2);
        assert_eq!(plain.rows[0].tiles[0].pixels, [0, 128, 255, 64]);
        assert_eq!(plain.title, "1 of 1 images");
        let stretched = Pictures::of_values(&[-2.0, 0.0, 2.0, f64::NAN], 1, 2, 2);
        assert_eq!(stretched.rows[0].tiles[0].pixels, [0, 128, 255, 0]);
        assert_eq!(stretched.title, "1 of 1 images, black -2, white 2");
        let many = Pictures::of_values(&[0.0; 40 * 4], 1, 2, 2);
        assert_eq!((many.len(), many.rows.len(), many.title.as_str()), (32, 4, "32 of 40 images"));
    }

    #[test]
    fn a_part_shows_images_with_their_classes() {
        let digits = crate::data::Digits::load().unwrap();
        let content = digits.pictures(20).unwrap().content();
        assert!(content.figure().is_some());
        assert_eq!(content.text().lines().count(), 1 + 3);
        assert!(digits.test().pictures(0).unwrap().is_empty());
    }
}
