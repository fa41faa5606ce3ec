//! Rows of small images: views of a sample, nearest neighbours.

use plotters::element::{Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::Color;
use serde::{Deserialize, Serialize};

use super::figure::{Area, Drawn, Figure, Recipe};
use super::frame::{anchored, head};
use super::theme::{bold, px, text, Theme};
use crate::error::{Error, Result};

/// About how many pixels wide an image is shown.
const SHOWN: usize = 60;
const GAP: u32 = 10;
const CAPTION: u32 = 18;
const HEAD: u32 = 44;
const MARGIN: u32 = 18;
/// Pixels a letter of a row's label takes, generously.
const LETTER: u32 = 8;

/// One image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    /// Grey (1) or red, green, blue (3).
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// `channels * height * width` values, channel by channel, row by row.
    pub pixels: Vec<u8>,
    /// What stands below it; may be empty.
    pub caption: String,
    /// For a neighbour: whether it has the query's class. Drawn as a frame, blue or vermilion, and a sign at the caption.
    pub same: Option<bool>,
}

impl Tile {
    /// Pixel by pixel, as PNG wants them.
    pub(crate) fn pixels_interleaved(&self) -> Vec<u8> {
        let plane = self.height * self.width;
        (0..plane).flat_map(|i| (0..self.channels).map(move |c| self.pixels[c * plane + i])).collect()
    }

    fn check(&self) -> Result<()> {
        let fits = matches!(self.channels, 1 | 3)
            && self.height > 0
            && self.width > 0
            && self.channels.checked_mul(self.height).and_then(|n| n.checked_mul(self.width))
                == Some(self.pixels.len());
        if fits {
            return Ok(());
        }
        Err(Error::shape(
            "image of a grid",
            "1 or 3 channels of height x width values",
            format!("{}x{}x{} with {} values", self.channels, self.height, self.width, self.pixels.len()),
        ))
    }

    /// Enlarged by a whole number; images as large as that already are shown at that size.
    fn shown(&self) -> (u32, u32) {
        let longest = self.height.max(self.width);
        if longest > SHOWN {
            let scale = |v: usize| (v * SHOWN).div_ceil(longest) as u32;
            return (scale(self.width), scale(self.height));
        }
        let factor = (SHOWN + longest / 2) / longest;
        ((self.width * factor) as u32, (self.height * factor) as u32)
    }
}

/// One row of images with a label on its left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridRow {
    /// The label; may be empty.
    pub label: String,
    /// The images, from the left.
    pub tiles: Vec<Tile>,
}

/// Rows of images, enlarged without smoothing, each with its caption.
///
/// # Errors
/// An image whose pixels do not fill its shape, or with other than 1 or 3 channels; a grid larger than 6 million pixels.
pub fn image_grid(title: &str, rows: &[GridRow]) -> Result<Figure> {
    rows.iter().flat_map(|row| &row.tiles).try_for_each(Tile::check)?;
    Figure::new(Recipe::Grid(Grid { title: title.into(), rows: rows.to_vec() }))
}

/// An image and where in the figure it goes, in pixels.
pub(super) struct Placed<'a> {
    pub tile: &'a Tile,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// What [`image_grid`] draws.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub title: String,
    rows: Vec<GridRow>,
}

impl Grid {
    pub(super) fn rows(&self) -> &[GridRow] {
        &self.rows
    }

    /// Width for labels and size of a cell.
    fn cell(&self) -> (u32, u32, u32) {
        let longest = self.rows.iter().map(|r| r.label.chars().count() as u32).max().unwrap_or(0);
        let label = if longest == 0 { 0 } else { (longest * LETTER + GAP).min(160) };
        let sizes = || self.rows.iter().flat_map(|r| &r.tiles).map(Tile::shown);
        let width = sizes().map(|s| s.0).max().unwrap_or(SHOWN as u32);
        let height = sizes().map(|s| s.1).max().unwrap_or(SHOWN as u32);
        (label, width + GAP, height + CAPTION + GAP)
    }

    pub(super) fn size(&self) -> (u32, u32) {
        let (label, width, height) = self.cell();
        let columns = self.rows.iter().map(|r| r.tiles.len() as u32).max().unwrap_or(0);
        let title = self.title.chars().count() as u32 * 10;
        let all = (label + columns * width).max(title).max(240);
        (2 * MARGIN + all, HEAD + self.rows.len() as u32 * height + GAP)
    }

    pub(super) fn placed(&self) -> Vec<Placed<'_>> {
        let (label, cell_width, cell_height) = self.cell();
        let mut out = Vec::new();
        for (r, row) in self.rows.iter().enumerate() {
            for (c, tile) in row.tiles.iter().enumerate() {
                let (width, height) = tile.shown();
                let x = MARGIN + label + c as u32 * cell_width + (cell_width - GAP - width) / 2;
                out.push(Placed { tile, x, y: HEAD + r as u32 * cell_height, width, height });
            }
        }
        out
    }

    pub(super) fn alt(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let captions: Vec<&str> =
                    row.tiles.iter().map(|t| t.caption.as_str()).filter(|c| !c.is_empty()).collect();
                match (row.label.is_empty(), captions.is_empty()) {
                    (true, true) => format!("{} images", row.tiles.len()),
                    (true, false) => captions.join(", "),
                    (false, true) => format!("{}: {} images", row.label, row.tiles.len()),
                    (false, false) => format!("{}: {}", row.label, captions.join(", ")),
                }
            })
            .collect();
        format!("{}. {}.", self.title, rows.join("; "))
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        head(area, theme, &self.title, &[])?;
        let (_, _, cell_height) = self.cell();
        let caption = anchored(text(11, &theme.muted()), HPos::Center, VPos::Top);
        for (r, row) in self.rows.iter().enumerate() {
            let middle = HEAD + r as u32 * cell_height + (cell_height - CAPTION - GAP) / 2;
            let at = (px(MARGIN as i32), px(middle as i32));
            let label = anchored(bold(12, &theme.ink()), HPos::Left, VPos::Center);
            area.draw(&Text::new(row.label.as_str(), at, label))?;
        }
        for Placed { tile, x, y, width, height } in self.placed() {
            let (x, y) = (px(x as i32), px(y as i32));
            let (right, bottom) = (x + px(width as i32), y + px(height as i32));
            let sign = match tile.same {
                None => "",
                Some(true) => "= ",
                Some(false) => "≠ ",
            };
            if let Some(same) = tile.same {
                let color = theme.color(if same { 0 } else { 3 });
                // Filled, and the image over it: plotters' SVG rectangles have no line width.
                let frame = [(x - px(2), y - px(2)), (right + px(2), bottom + px(2))];
                area.draw(&Rectangle::new(frame, color.filled()))?;
            }
            let words = format!("{sign}{}", tile.caption);
            area.draw(&Text::new(words, ((x + right) / 2, bottom + px(5)), caption.clone()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tile(channels: usize, height: usize, width: usize, value: u8) -> Tile {
        let pixels = vec![value; channels * height * width];
        Tile { channels, height, width, pixels, caption: "3".into(), same: None }
    }

    #[test]
    fn an_image_appears_enlarged_in_the_png_and_whole_in_the_svg() {
        let figure =
            image_grid("Views", &[GridRow { label: "a".into(), tiles: vec![tile(3, 8, 8, 77)] }]).unwrap();
        assert_eq!(figure.svg().matches("data:image/png;base64,").count(), 1);
        let png = image::load_from_memory(&figure.png().unwrap()).unwrap().to_rgb8();
        assert_eq!((png.width(), png.height()), (2 * figure.width(), 2 * figure.height()));
        // 8 pixels become 8 * 8 = 64, and twice that in the PNG.
        assert_eq!(png.pixels().filter(|p| p.0 == [77, 77, 77]).count(), 128 * 128);
    }

    #[test]
    fn images_that_do_not_fill_their_shape_are_an_error() {
        for bad in [tile(2, 4, 4, 0), tile(1, 0, 4, 0), Tile { pixels: vec![0; 5], ..tile(1, 2, 2, 0) }] {
            assert!(image_grid("t", &[GridRow { label: String::new(), tiles: vec![bad] }]).is_err());
        }
        let rows = vec![GridRow { label: String::new(), tiles: vec![tile(1, 8, 8, 0); 10] }; 1000];
        assert!(image_grid("too large", &rows).unwrap_err().to_string().contains("6 million"));
    }

    #[test]
    fn odd_sizes_and_empty_grids_can_be_drawn() {
        let tiles = vec![tile(1, 1, 1, 9), tile(3, 200, 100, 9), tile(1, 3, 61, 9)];
        let rows =
            [GridRow { label: String::new(), tiles }, GridRow { label: "empty".into(), tiles: vec![] }];
        assert!(image_grid("Odd", &rows).unwrap().png().is_ok());
        assert!(image_grid("None", &[]).unwrap().png().is_ok());
    }
}
