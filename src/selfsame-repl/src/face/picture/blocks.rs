//! A picture in characters: two pixels in each, or letters by how bright they are.

use image::imageops::{self, FilterType};
use image::RgbImage;

use super::colour::{Colours, Rgb, RESET};

/// Characters from dark to bright.
const RAMP: &[u8] = b" .:-=+*#%@";

/// `picture` as lines of at most `columns` characters, one a pixel wide and two pixels high; larger pictures are made
/// smaller, smaller ones stay as they are.
pub fn lines(picture: &RgbImage, columns: usize, colours: Colours) -> Vec<String> {
    let picture = fitted(picture, columns);
    let pixel = |x: u32, y: u32| -> Rgb { picture.get_pixel(x, y.min(picture.height() - 1)).0 };
    let pairs = (0..picture.height()).step_by(2);
    pairs
        .map(|y| {
            let cells = (0..picture.width()).map(|x| (pixel(x, y), pixel(x, y + 1)));
            if colours == Colours::None {
                cells.map(|(top, bottom)| letter(top, bottom)).collect()
            } else {
                halves(cells, colours)
            }
        })
        .collect()
}

/// Not wider than `columns`, with its proportions; every pixel is the mean of those it stands for.
fn fitted(picture: &RgbImage, columns: usize) -> RgbImage {
    let (width, height) = picture.dimensions();
    let columns = columns.max(1) as u32;
    if width <= columns {
        return picture.clone();
    }
    let height = (u64::from(height) * u64::from(columns) / u64::from(width)).max(1) as u32;
    imageops::resize(picture, columns, height, FilterType::Triangle)
}

/// Upper half blocks: the ink is the upper pixel, the paper the lower one. A code is written only where a colour changes.
fn halves(cells: impl Iterator<Item = (Rgb, Rgb)>, colours: Colours) -> String {
    let (mut line, mut last) = (String::new(), (String::new(), String::new()));
    for (top, bottom) in cells {
        let now = (colours.ink(top), colours.paper(bottom));
        if now.0 != last.0 {
            line += &now.0;
        }
        if now.1 != last.1 {
            line += &now.1;
        }
        line.push('▀');
        last = now;
    }
    line + RESET
}

fn letter(top: Rgb, bottom: Rgb) -> char {
    let light = |[r, g, b]: Rgb| 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    let mean = (light(top) + light(bottom)) / 2000;
    char::from(RAMP[(mean as usize * (RAMP.len() - 1) + 127) / 255])
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb as Pixel;

    #[test]
    fn a_character_is_two_pixels() {
        let mut picture = RgbImage::new(2, 3);
        picture.put_pixel(0, 0, Pixel([255, 0, 0]));
        picture.put_pixel(1, 0, Pixel([255, 0, 0]));
        let lines = lines(&picture, 80, Colours::True);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "\x1b[38;2;255;0;0m\x1b[48;2;0;0;0m▀▀\x1b[0m");
        assert_eq!(lines[1].matches('▀').count(), 2, "a last odd row stands alone");
    }

    #[test]
    fn without_colours_brightness_is_a_letter() {
        let picture = RgbImage::from_fn(10, 2, |x, _| Pixel([(x * 255 / 9) as u8; 3]));
        assert_eq!(lines(&picture, 10, Colours::None), [" .:-=+*#%@"]);
    }

    #[test]
    fn a_large_picture_is_made_to_fit() {
        let picture = RgbImage::from_pixel(400, 200, Pixel([90; 3]));
        let lines = lines(&picture, 20, Colours::None);
        assert_eq!((lines.len(), lines[0].len()), (5, 20));
        assert!(super::lines(&RgbImage::new(1, 1), 0, Colours::None).len() == 1);
    }
}
