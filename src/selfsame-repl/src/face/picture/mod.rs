//! Pictures and charts in a terminal: pixels where it can show them, characters where it cannot.
//!
//! Charts are drawn from their data as dots, tiles pixel by pixel; only a picture of which nothing else is known (a figure
//! that a cell shows) is made smaller as it is. Without colour, and where stdout is no terminal, everything is still there.
mod blocks;
mod chart;
mod colour;
mod dots;
mod graphics;
mod tiles;

use image::RgbImage;
use selfsame::plot::GridRow;
use selfsame::Error;
use unicode_width::UnicodeWidthStr;

pub use chart::{Chart, Marks};
pub use colour::Colours;
pub use graphics::Protocol;

/// Columns where the terminal does not say, or there is none.
const COLUMNS: usize = 80;
/// Pictures are not shown wider than this.
const WIDEST: usize = 100;

/// What there is to draw on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Characters in a line.
    pub columns: usize,
    /// Colours it shows.
    pub colours: Colours,
    /// How it takes pixels.
    pub protocol: Protocol,
}

impl Canvas {
    /// Stdout. The first call may ask the terminal what it can: before anything else reads keys.
    pub fn of_stdout() -> Canvas {
        let columns = crossterm::terminal::size().map_or(COLUMNS, |(columns, _)| usize::from(columns));
        let columns = if std::io::IsTerminal::is_terminal(&std::io::stdout()) { columns } else { COLUMNS };
        Canvas { columns: columns.max(1), colours: Colours::of_stdout(), protocol: Protocol::of_terminal() }
    }

    /// A chart: as the pixels of `figure` where they can be shown, else as dots.
    ///
    /// # Errors
    /// A figure that cannot be drawn.
    pub fn chart(
        &self,
        chart: &Chart<'_>,
        figure: impl FnOnce() -> Result<Vec<u8>, Error>,
    ) -> Result<String, Error> {
        Ok(match self.pixels(figure)? {
            Some(text) => text,
            None => chart.text(self.columns, self.colours),
        })
    }

    /// Rows of images: as the pixels of `figure` where they can be shown, else in characters.
    ///
    /// # Errors
    /// A figure that cannot be drawn.
    pub fn tiles(
        &self,
        title: &str,
        rows: &[GridRow],
        figure: impl FnOnce() -> Result<Vec<u8>, Error>,
    ) -> Result<String, Error> {
        Ok(match self.pixels(figure)? {
            Some(text) => text,
            None => tiles::text(title, rows, self.columns, self.colours),
        })
    }

    /// A picture of which only the pixels are known.
    pub fn picture(&self, png: &[u8]) -> Option<String> {
        let picture = image::load_from_memory(png).ok()?.to_rgb8();
        Some(
            self.protocol.text(&picture, self.width(&picture)).unwrap_or_else(|| {
                blocks::lines(&picture, self.columns.min(WIDEST), self.colours).join("\n")
            }),
        )
    }

    fn pixels(&self, figure: impl FnOnce() -> Result<Vec<u8>, Error>) -> Result<Option<String>, Error> {
        if self.protocol == Protocol::Characters {
            return Ok(None);
        }
        let picture = image::load_from_memory(&figure()?).ok().map(|picture| picture.to_rgb8());
        Ok(picture.and_then(|picture| self.protocol.text(&picture, self.width(&picture))))
    }

    /// Columns for a picture of two pixels to each of a figure, ten of which are about a character.
    fn width(&self, picture: &RgbImage) -> usize {
        (picture.width() as usize / 16).clamp(1, self.columns.min(WIDEST))
    }
}

/// `text` in lines of at most `columns`, broken between words where it can be; none for an empty text.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.width() + 1 + word.width() <= columns) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        let mut out = std::io::Cursor::new(Vec::new());
        let picture = RgbImage::from_pixel(320, 160, image::Rgb([9, 9, 9]));
        image::DynamicImage::from(picture).write_to(&mut out, image::ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrapped("a title of five words", 10), ["a title of", "five words"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert!(wrapped("", 4).is_empty());
    }

    #[test]
    fn pixels_are_drawn_only_where_they_can_be() {
        let series = [selfsame::plot::Series::new("a", vec![(0.0, 1.0), (1.0, 2.0)])];
        let chart = Chart { title: "T", x_label: "x", y_label: "y", marks: Marks::Lines, series: &series };
        let plain = Canvas { columns: 40, colours: Colours::None, protocol: Protocol::Characters };
        let drawn = plain.chart(&chart, || panic!("the figure is not needed")).unwrap();
        assert!(drawn.starts_with("T\ny\n"), "{drawn}");
        let kitty = Canvas { protocol: Protocol::Kitty, ..plain };
        assert!(kitty.chart(&chart, || Ok(png())).unwrap().starts_with("\x1b_Ga=T,f=100,q=2,c=20,"));
        assert_eq!(plain.picture(&png()).unwrap().lines().count(), 10);
        assert_eq!(plain.picture(b"no picture"), None);
    }
}
