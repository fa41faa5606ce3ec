//! Views: in words, and as what they make of images.

use super::pictures::{read, tile};
use super::{Content, Pictures, Show};
use crate::augment::{Normalise, View, Views};
use crate::data::Part;
use crate::error::Result;
use crate::plot::GridRow;
use crate::shape::{ImageShape, Size};

/// Images whose views are shown.
const ROWS: usize = 6;
/// Views of each that are shown, at least.
const COLUMNS: usize = 6;

impl Views {
    /// A few images of `part`, evenly spread, each with the views of successive epochs that training with `seed` compares.
    ///
    /// ```
    /// use selfsame::prelude::*;
    /// let digits = Digits::load()?;
    /// let views = views::glyphs(Size::of::<Image<1, 8, 8>>());
    /// views.pictures(&digits.train(), 0)?.figure()?;
    /// # Ok::<(), selfsame::Error>(())
    /// ```
    ///
    /// # Errors
    /// Views that do not fit the images; an image that cannot be read.
    pub fn pictures<P: ImageShape>(&self, part: &Part<P>, seed: u64) -> Result<Pictures> {
        let size = part.shape().size();
        self.validate(size)?;
        let rows = ROWS.min(part.len());
        let row = |row: usize| {
            let position = row * part.len() / rows;
            let image = read(part, position)?;
            self.row(&image, size, seed, u64::from(part.index(position)))
        };
        let rows = (0..rows).map(row).collect::<Result<Vec<_>>>()?;
        Ok(Pictures::new("Images and the views the objective compares", rows))
    }

    /// An image beside its views.
    fn row(&self, image: &[u8], size: Size, seed: u64, index: u64) -> Result<GridRow> {
        let epochs = COLUMNS.div_ceil(self.count());
        let mut tiles = vec![tile(size, image.to_vec(), "image")];
        for epoch in 1..=epochs {
            for view in 0..self.count() {
                let of_view = self.view_size(view);
                let mut pixels = vec![0f32; of_view.len()];
                self.render(image, size, seed, epoch as u64, index, view, &mut pixels)?;
                let bytes = to_bytes(&pixels, self.evaluation_normalise(), of_view);
                tiles.push(tile(of_view, bytes, &format!("view {}", view + 1)));
            }
        }
        Ok(GridRow { label: String::new(), tiles })
    }
}

/// Normalised values back as bytes.
fn to_bytes(pixels: &[f32], normalise: Option<&Normalise>, size: Size) -> Vec<u8> {
    let plane = (size.height * size.width).max(1);
    let byte = |(i, v): (usize, &f32)| {
        let (mean, std) = normalise.map_or((0.0, 1.0), |n| (n.mean[i / plane], n.std[i / plane]));
        ((v * std + mean).clamp(0.0, 1.0) * 255.0).round() as u8
    };
    pixels.iter().enumerate().map(byte).collect()
}

impl Show for View {
    fn content(&self) -> Content {
        Content::new(self.describe().trim_end())
    }
}

impl Show for Views {
    fn content(&self) -> Content {
        let views: Vec<String> = self.each().iter().map(|v| v.describe().trim_end().to_string()).collect();
        let same = views.windows(2).all(|pair| pair[0] == pair[1]);
        match views.as_slice() {
            [] => Content::new("no views"),
            [first, ..] if same && views.len() > 1 => {
                Content::new(format!("{} views, each {first}", views.len()))
            }
            _ => {
                let numbered: Vec<String> =
                    views.iter().enumerate().map(|(i, v)| format!("view {}: {v}", i + 1)).collect();
                Content::new(numbered.join("\n"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::augment::presets;
    use crate::data::Digits;
    use crate::shape::Image;

    #[test]
    fn views_are_words_and_pictures() {
        let (digits, size) = (Digits::load().unwrap(), Size::of::<Image<1, 8, 8>>());
        let normalise = Normalise::of(&digits.train(), 100).unwrap();
        let views = presets::glyphs(size).normalise(&normalise);
        let text = views.content().text().to_string();
        assert!(text.starts_with("2 views, each 1x8x8\n  "), "{text}");
        let different = Views::two_different(View::new(size), View::new(size).normalise(normalise));
        assert!(different.content().text().starts_with("view 1: 1x8x8\nview 2: 1x8x8\n"));
        let pictures = views.pictures(&digits.train(), 3).unwrap();
        assert_eq!(pictures.len(), 6 * 7);
        let colour = presets::simclr(Size { channels: 3, height: 8, width: 8 });
        assert!(colour.pictures(&digits.train(), 3).is_err());
    }

    #[test]
    fn what_was_normalised_comes_back_as_bytes() {
        let normalise = Normalise { mean: vec![0.5], std: vec![0.25] };
        let size = Size { channels: 1, height: 1, width: 3 };
        assert_eq!(to_bytes(&[-2.0, 0.0, 9.0], Some(&normalise), size), [0, 128, 255]);
    }
}
