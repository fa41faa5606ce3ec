//! A raster of dots: each character is two dots wide and four high, which is what Braille has.

use super::colour::{series, Colours, RESET};

/// Dots of one or several series.
#[derive(Debug, Clone)]
pub struct Dots {
    columns: usize,
    rows: usize,
    /// Dots set in each character.
    cells: Vec<u8>,
    /// The series that has drawn last in each character.
    owners: Vec<usize>,
}

/// How series are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// By colour, or there is only one.
    Colour(Colours),
    /// By a letter for each instead of dots.
    Letters(Vec<char>),
}

impl Apart {
    /// Letters for series of these names: the names themselves where each is one character, else `a`, `b`, ..
    pub fn letters<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Apart {
        let alone = |name: &str| Some(name.chars().next()?).filter(|_| name.chars().count() == 1);
        let own: Option<Vec<char>> = names.clone().map(alone).collect();
        let letters = (b'a'..=b'z').chain(b'A'..=b'Z').map(char::from).cycle();
        Apart::Letters(own.unwrap_or_else(|| letters.take(names.count()).collect()))
    }

    /// The letter of a series.
    pub fn letter(&self, owner: usize) -> Option<char> {
        match self {
            Apart::Colour(_) => None,
            Apart::Letters(letters) => Some(letters.get(owner).copied().unwrap_or('*')),
        }
    }
}

impl Dots {
    /// An empty raster of so many characters.
    pub fn new(columns: usize, rows: usize) -> Dots {
        Dots { columns, rows, cells: vec![0; columns * rows], owners: vec![0; columns * rows] }
    }

    /// Dots from the left to the right edge.
    pub fn width(&self) -> usize {
        2 * self.columns
    }

    /// Dots from the top to the bottom edge.
    pub fn height(&self) -> usize {
        4 * self.rows
    }

    /// Sets the dot in column `x` from the left and line `y` from the top; beyond the edges nothing is set.
    pub fn set(&mut self, x: i64, y: i64, owner: usize) {
        // Braille numbers its dots down the columns, but for the last line, which was added later.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width() && y < self.height() {
            let cell = y / 4 * self.columns + x / 2;
            self.cells[cell] |= BITS[y % 4][x % 2];
            self.owners[cell] = owner;
        }
    }

    /// Draws a straight line; `dashed` leaves out every other stretch.
    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), owner: usize, dashed: bool) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs());
        for step in 0..=steps {
            if dashed && step % 6 >= 3 {
                continue;
            }
            let along =
                |a: i64, b: i64| a + ((b - a) * step * 2 + steps.signum()).div_euclid(2 * steps.max(1));
            self.set(along(from.0, to.0), along(from.1, to.1), owner);
        }
    }

    /// The characters, line by line from the top.
    pub fn lines(&self, apart: &Apart) -> Vec<String> {
        let rows = self.cells.chunks(self.columns.max(1)).zip(self.owners.chunks(self.columns.max(1)));
        rows.map(|(cells, owners)| {
            let (mut line, mut ink) = (String::new(), None);
            for (&cell, &owner) in cells.iter().zip(owners) {
                match apart {
                    _ if cell == 0 => line.push(' '),
                    Apart::Letters(_) => line.extend(apart.letter(owner)),
                    Apart::Colour(colours) => {
                        if *colours != Colours::None && ink != Some(owner) {
                            line += &colours.ink(series(owner));
                            ink = Some(owner);
                        }
                        line.extend(char::from_u32(0x2800 + u32::from(cell)));
                    }
                }
            }
            if ink.is_some() {
                line += RESET;
            }
            line
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_fall_into_characters() {
        let mut dots = Dots::new(2, 1);
        for (x, y) in [(0, 0), (1, 3), (3, 0), (-1, 0), (4, 0), (0, 4)] {
            dots.set(x, y, 0);
        }
        assert_eq!(dots.lines(&Apart::Colour(Colours::None)), ["⢁⠈"]);
    }

    #[test]
    fn a_line_joins_its_ends() {
        let draw = |from, to| {
            let mut dots = Dots::new(2, 1);
            dots.line(from, to, 0, false);
            dots.lines(&Apart::Colour(Colours::None)).concat()
        };
        assert_eq!(draw((0, 3), (3, 0)), "⡠⠊");
        assert_eq!(draw((3, 0), (0, 3)), "⡠⠊");
        assert_eq!(draw((0, 0), (3, 0)), "⠉⠉");
        assert_eq!(draw((1, 1), (1, 1)), "⠐ ");
    }

    #[test]
    fn series_differ_by_colour_or_letter() {
        let mut dots = Dots::new(3, 1);
        dots.set(0, 0, 0);
        dots.set(4, 0, 1);
        assert_eq!(dots.lines(&Apart::letters(["one", "two"].into_iter())), ["a b"]);
        assert_eq!(dots.lines(&Apart::letters(["7", "9"].into_iter())), ["7 9"]);
        let coloured = dots.lines(&Apart::Colour(Colours::True)).concat();
        assert_eq!(coloured.matches("\x1b[38").count(), 2);
        assert!(coloured.ends_with(RESET));
    }
}
