//! Pictures and charts in a terminal: pixels where it can show them, characters where it cannot.
//!
//! Charts are drawn from their data as dots, tiles pixel by pixel; only a picture of which nothing else is known (a figure
//! that a cell shows) is made smaller as it is. Without colour, and where stdout is no terminal, everything is still there.
mod bars;
mod blocks;
mod chart;
mod colour;
mod dots;
mod graphics;
mod tiles;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use image::RgbImage;
use selfsame::display::SKETCH;
use selfsame::plot::{Figure, Series, Sketch};
use selfsame::text::visible;
use selfsame::Error;
use unicode_width::UnicodeWidthStr;

use chart::{Chart, Marks};

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
        let columns = super::columns();
        let columns = if std::io::IsTerminal::is_terminal(&std::io::stdout()) { columns } else { COLUMNS };
        Canvas { columns: columns.max(1), colours: Colours::of_stdout(), protocol: Protocol::of_terminal() }
    }

    /// A figure: in pixels where they can be shown, else from its data in characters.
    ///
    /// # Errors
    /// A figure that cannot be drawn.
    pub fn figure(&self, figure: &Figure) -> Result<String, Error> {
        if self.protocol != Protocol::Characters {
            let picture = image::load_from_memory(&figure.png()?).ok().map(|picture| picture.to_rgb8());
            let text = picture.and_then(|picture| self.protocol.text(&picture, self.width(&picture)));
            if let Some(text) = text {
                return Ok(text.trim_end().to_string());
            }
        }
        Ok(self.sketch(&figure.sketch()))
    }

    /// A figure's data in characters; a terminal obeys nothing that its names hold.
    pub fn sketch(&self, sketch: &Sketch) -> String {
        self.characters(&named_visibly(sketch))
    }

    fn characters(&self, sketch: &Sketch) -> String {
        let chart = |title, x_label, y_label, marks, series, log_y| {
            Chart { title, x_label, y_label, marks, series, log_y }.text(self.columns, self.colours)
        };
        match sketch {
            Sketch::Curves { title, x_label, y_label, series, log_y } => {
                chart(title, x_label, y_label, Marks::Lines, series, *log_y)
            }
            Sketch::Points { title, x_label, y_label, series } => {
                chart(title, x_label, y_label, Marks::Points, series, false)
            }
            Sketch::Bars { title, label, series, rows } => {
                bars::text(title, label, series, rows, self.columns, self.colours)
            }
            Sketch::Images { title, rows } => tiles::text(title, rows, self.columns, self.colours),
            Sketch::Several { figures } => {
                figures.iter().map(|figure| self.characters(figure)).collect::<Vec<_>>().join("\n\n")
            }
        }
    }

    /// A figure that another process has made: the pixels of `png` (in base64) where they can be shown, else `sketch`, else
    /// the pixels in characters; `None` where there is neither.
    pub fn drawn(&self, png: Option<&str>, sketch: Option<&Sketch>) -> Option<String> {
        let picture = || {
            let bytes = STANDARD.decode(png?.trim()).ok()?;
            Some(image::load_from_memory(&bytes).ok()?.to_rgb8())
        };
        if self.protocol != Protocol::Characters {
            let shown = picture().and_then(|picture| self.protocol.text(&picture, self.width(&picture)));
            if let Some(text) = shown {
                return Some(text.trim_end().to_string());
            }
        }
        if let Some(sketch) = sketch {
            return Some(self.sketch(sketch));
        }
        // Characters cannot show what is written in a picture, and without colour little else.
        let picture = picture().filter(|_| self.colours != Colours::None)?;
        Some(blocks::lines(&picture, self.columns.min(WIDEST), self.colours).join("\n"))
    }

    /// The value of a cell, by media type, where one of its forms can be drawn.
    pub fn value(&self, forms: &BTreeMap<String, String>) -> Option<String> {
        let sketch = forms.get(SKETCH).and_then(|json| serde_json::from_str(json).ok());
        self.drawn(forms.get("image/png").map(String::as_str), sketch.as_ref())
    }

    /// Columns for a picture of two pixels to each of a figure, ten of which are about a character.
    fn width(&self, picture: &RgbImage) -> usize {
        (picture.width() as usize / 16).clamp(1, self.columns.min(WIDEST))
    }
}

/// The sketch with its titles, labels and names made visible.
fn named_visibly(sketch: &Sketch) -> Sketch {
    let mut sketch = sketch.clone();
    let of_series =
        |series: &mut Vec<Series>| series.iter_mut().for_each(|series| make_visible(&mut series.name));
    match &mut sketch {
        Sketch::Curves { title, x_label, y_label, series, .. }
        | Sketch::Points { title, x_label, y_label, series } => {
            [title, x_label, y_label].into_iter().for_each(make_visible);
            of_series(series);
        }
        Sketch::Bars { title, label, series, rows } => {
            [title, label].into_iter().chain(series).for_each(make_visible);
            rows.iter_mut().for_each(|(name, _)| make_visible(name));
        }
        Sketch::Images { title, rows } => {
            make_visible(title);
            for row in rows {
                make_visible(&mut row.label);
                row.tiles.iter_mut().for_each(|tile| make_visible(&mut tile.caption));
            }
        }
        Sketch::Several { figures } => {
            figures.iter_mut().for_each(|figure| *figure = named_visibly(figure));
        }
    }
    sketch
}

fn make_visible(text: &mut String) {
    if let Cow::Owned(shown) = visible(text) {
        *text = shown;
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

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrapped("a title of five words", 10), ["a title of", "five words"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert!(wrapped("", 4).is_empty());
    }

    #[test]
    fn no_terminal_obeys_a_name_in_a_figure() {
        let name = "cat\u{1b}[2J\u{9b}A".to_string();
        let series = vec![Series::new(&name, vec![(0.0, 1.0)]), Series::new(&name, vec![(1.0, 2.0)])];
        let (title, x_label, y_label) = (name.clone(), name.clone(), name.clone());
        let tile = selfsame::plot::Tile {
            channels: 1,
            height: 1,
            width: 1,
            pixels: vec![1],
            caption: name.clone(),
            same: None,
        };
        let row = selfsame::plot::GridRow { label: name.clone(), tiles: vec![tile] };
        let bars = vec![(name.clone(), vec![Some(0.5)])];
        let all = Sketch::Several {
            figures: vec![
                Sketch::Curves { title, x_label, y_label, series: series.clone(), log_y: false },
                Sketch::Points { title: name.clone(), x_label: name.clone(), y_label: name.clone(), series },
                Sketch::Bars {
                    title: name.clone(),
                    label: name.clone(),
                    series: vec![name.clone()],
                    rows: bars,
                },
                Sketch::Images { title: name.clone(), rows: vec![row] },
            ],
        };
        let canvas = Canvas { columns: 80, colours: Colours::None, protocol: Protocol::Characters };
        let shown = canvas.sketch(&all);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown}");
        assert!(shown.matches(r"cat\u{1b}[2J").count() > 8, "{shown}");
    }

    #[test]
    fn pixels_are_drawn_only_where_they_can_be() {
        let series = [selfsame::plot::Series::new("a", vec![(0.0, 1.0), (1.0, 2.0)])];
        let figure = selfsame::plot::curves("Title", "x", "y", &series).unwrap();
        let plain = Canvas { columns: 40, colours: Colours::None, protocol: Protocol::Characters };
        assert!(plain.figure(&figure).unwrap().starts_with("Title\ny\n"));
        let kitty = Canvas { protocol: Protocol::Kitty, ..plain };
        assert!(kitty.figure(&figure).unwrap().starts_with("\x1b_Ga=T,f=100,q=2,c=40,"));
        let png = STANDARD.encode(figure.png().unwrap());
        assert!(kitty.drawn(Some(&png), None).unwrap().starts_with("\x1b_Ga=T"));
        assert_eq!(plain.drawn(Some(&png), Some(&figure.sketch())), Some(plain.figure(&figure).unwrap()));
        assert_eq!(plain.drawn(Some(&png), None), None);
        let coloured = Canvas { colours: Colours::Palette, ..plain };
        assert!(coloured.drawn(Some(&png), None).is_some_and(|text| text.lines().count() == 12));
        assert_eq!(coloured.drawn(Some("no picture"), None), None);
        let forms = BTreeMap::from([(SKETCH.to_string(), serde_json::to_string(&figure.sketch()).unwrap())]);
        assert_eq!(plain.value(&forms), Some(plain.figure(&figure).unwrap()));
    }
}
