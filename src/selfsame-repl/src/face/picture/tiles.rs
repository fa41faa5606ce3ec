//! Rows of small images with their captions, in characters.

use image::imageops::{self, FilterType};
use image::{Rgb as Pixel, RgbImage};
use selfsame::plot::{GridRow, Tile};
use unicode_width::UnicodeWidthStr;

use super::blocks;
use super::colour::{self, Colours};
use super::wrapped;

/// An image of fewer columns than this shows nothing.
const NARROWEST: usize = 8;
/// Images are not made wider than this.
const WIDEST: usize = 28;
const GAP: usize = 1;

/// `rows` under one another, their images side by side; images that do not fit into `columns` go on below.
pub fn text(title: &str, rows: &[GridRow], columns: usize, colours: Colours) -> String {
    let most = rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0).max(1);
    let native = rows.iter().flat_map(|row| &row.tiles).map(|t| t.width).max().unwrap_or(1);
    let room = (columns + GAP) / most;
    let width = cell(native, room.saturating_sub(GAP), columns);
    let beside = ((columns + GAP) / (width + GAP)).max(1);
    let mut lines = wrapped(title, columns);
    for row in rows {
        lines.extend(wrapped(&row.label, columns));
        for tiles in row.tiles.chunks(beside) {
            lines.extend(line_of(tiles, width, colours));
        }
    }
    lines.join("\n")
}

/// Columns of an image: as many as there is room for, a multiple of its pixels where it can be.
fn cell(native: usize, room: usize, columns: usize) -> usize {
    let room = room.min(WIDEST);
    let width = if room >= native { native * (room / native) } else { room };
    width.max(NARROWEST).min(columns.max(1))
}

fn line_of(tiles: &[Tile], width: usize, colours: Colours) -> Vec<String> {
    let drawn: Vec<Vec<String>> =
        tiles.iter().map(|tile| blocks::lines(&picture(tile, width), width, colours)).collect();
    let height = drawn.iter().map(Vec::len).max().unwrap_or(0);
    let gap = " ".repeat(GAP);
    let mut lines: Vec<String> = (0..height)
        .map(|y| {
            let cells = drawn.iter().zip(tiles).map(|(lines, tile)| match lines.get(y) {
                Some(line) => format!("{line}{}", " ".repeat(width - shown(tile, width).0)),
                None => " ".repeat(width),
            });
            cells.collect::<Vec<_>>().join(&gap)
        })
        .collect();
    let captions: Vec<String> = tiles.iter().map(|tile| caption(tile, width, colours)).collect();
    lines.push(captions.join(&gap).trim_end().to_string());
    lines
}

/// Width and height of an image in a cell of `width` columns, in pixels.
fn shown(tile: &Tile, width: usize) -> (usize, usize) {
    if tile.width >= width {
        (width, (tile.height * width / tile.width).max(1))
    } else {
        let factor = width / tile.width.max(1);
        (tile.width * factor, tile.height * factor)
    }
}

fn picture(tile: &Tile, width: usize) -> RgbImage {
    let plane = tile.width * tile.height;
    let native = RgbImage::from_fn(tile.width as u32, tile.height as u32, |x, y| {
        let at = y as usize * tile.width + x as usize;
        Pixel([0, 1, 2].map(|c: usize| tile.pixels[c.min(tile.channels - 1) * plane + at]))
    });
    let (w, h) = shown(tile, width);
    let filter = if w > tile.width { FilterType::Nearest } else { FilterType::Triangle };
    imageops::resize(&native, w as u32, h as u32, filter)
}

/// The caption with its sign, cut to the image's width: `= 3` for a neighbour of the query's class, `≠ 5` for another.
fn caption(tile: &Tile, width: usize, colours: Colours) -> String {
    let (sign, index) = match tile.same {
        None => ("", None),
        Some(true) => ("= ", Some(0)),
        Some(false) => ("≠ ", Some(3)),
    };
    let mut text = String::new();
    for c in format!("{sign}{}", tile.caption).chars() {
        text.push(c);
        if text.width() > width {
            text.pop();
            break;
        }
    }
    let padding = " ".repeat(width.saturating_sub(text.width()));
    let painted = index.map_or(text.clone(), |i| colours.paint(colour::series(i), &text));
    painted + &padding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(side: usize, caption: &str, same: Option<bool>) -> Tile {
        Tile {
            channels: 1,
            height: side,
            width: side,
            pixels: vec![200; side * side],
            caption: caption.into(),
            same,
        }
    }

    #[test]
    fn images_stand_side_by_side_where_they_fit() {
        let row = GridRow {
            label: "row".into(),
            tiles: vec![tile(8, "3", None), tile(8, "a long name", Some(false))],
        };
        let wide = text("Title", std::slice::from_ref(&row), 80, Colours::None);
        let lines: Vec<&str> = wide.lines().collect();
        assert_eq!(lines[..2], ["Title", "row"]);
        assert_eq!(lines.len(), 2 + 12 + 1);
        assert_eq!(lines[2], format!("{} {}", "#".repeat(24), "#".repeat(24)));
        assert_eq!(lines[14], format!("{:24} ≠ a long name", "3"));
        let narrow = text("T", &[row], 12, Colours::None);
        assert!(narrow.lines().all(|l| l.width() <= 12), "{narrow}");
        assert_eq!(narrow.lines().count(), 2 + 2 * (4 + 1));
        assert!(narrow.ends_with("≠ a long"), "{narrow}");
    }

    #[test]
    fn large_images_are_made_smaller_and_odd_ones_drawn() {
        let row = GridRow { label: String::new(), tiles: vec![tile(32, "", None); 6] };
        let shown = text("T", &[row], 80, Colours::None);
        assert!(shown.lines().all(|l| l.width() <= 80));
        assert_eq!(text("T", &[], 80, Colours::True), "T");
        let flat = Tile { height: 1, pixels: vec![0; 40], width: 40, ..tile(1, "", Some(true)) };
        assert!(text("T", &[GridRow { label: String::new(), tiles: vec![flat] }], 20, Colours::True)
            .contains("= "));
    }
}
