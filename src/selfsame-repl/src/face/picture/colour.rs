//! Colours of a terminal, from pictures' and for series.

use std::env;
use std::io::{self, IsTerminal};

/// Ends every colour.
pub const RESET: &str = "\x1b[0m";

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// How many colours can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// None: the reader wants none, or there is no terminal.
    None,
    /// The 256 that nearly every terminal has.
    Palette,
    /// All of them.
    True,
}

impl Colours {
    /// What stdout shows: nothing where it is no terminal, `NO_COLOR` is set or `TERM` is `dumb`.
    pub fn of_stdout() -> Colours {
        if io::stdout().is_terminal() {
            Colours::of(|name| env::var(name).ok())
        } else {
            Colours::None
        }
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Colours {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("NO_COLOR").is_some() || set("TERM").is_none_or(|term| term == "dumb") {
            Colours::None
        } else if set("COLORTERM").is_some_and(|v| v.contains("truecolor") || v.contains("24bit")) {
            Colours::True
        } else {
            Colours::Palette
        }
    }

    /// The code for text of a colour; nothing without colours.
    pub fn ink(self, rgb: Rgb) -> String {
        self.code(38, rgb)
    }

    /// The code for a background of a colour.
    pub fn paper(self, rgb: Rgb) -> String {
        self.code(48, rgb)
    }

    /// `text` in a colour, and whatever follows not.
    pub fn paint(self, rgb: Rgb, text: &str) -> String {
        match self {
            Colours::None => text.to_string(),
            _ => format!("{}{text}{RESET}", self.ink(rgb)),
        }
    }

    fn code(self, what: u8, [r, g, b]: Rgb) -> String {
        match self {
            Colours::None => String::new(),
            Colours::Palette => format!("\x1b[{what};5;{}m", palette([r, g, b])),
            Colours::True => format!("\x1b[{what};2;{r};{g};{b}m"),
        }
    }
}

/// The nearest of the palette's 216 colours and 24 greys; the first sixteen are the user's own and could be anything.
fn palette(rgb: Rgb) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |v: u8| (0..6).min_by_key(|&i: &usize| STEPS[i].abs_diff(v)).unwrap_or(0);
    let cube = rgb.map(nearest);
    let mean = rgb.iter().map(|&v| u32::from(v)).sum::<u32>() / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as usize;
    let distance =
        |other: Rgb| -> u32 { rgb.iter().zip(other).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    let level = (8 + 10 * grey) as u8;
    if distance([level; 3]) < distance(cube.map(|i| STEPS[i])) {
        232 + grey as u8
    } else {
        (16 + 36 * cube[0] + 6 * cube[1] + cube[2]) as u8
    }
}

/// The colour of the `i`-th series or class, as in the library's figures (Okabe and Ito 2008): readable on light and dark,
/// and apart for colour-blind readers; then three more, for ten classes. They repeat after that.
pub fn series(i: usize) -> Rgb {
    const COLOURS: [Rgb; 10] = [
        [0x2E, 0x8B, 0xC9],
        [0xE6, 0x9F, 0x00],
        [0x00, 0x9E, 0x73],
        [0xD5, 0x5E, 0x00],
        [0x56, 0xB4, 0xE9],
        [0xCC, 0x79, 0xA7],
        [0x8A, 0x8F, 0x98],
        [0x8F, 0xA8, 0x2E],
        [0x94, 0x6A, 0xD8],
        [0xA6, 0x6A, 0x4D],
    ];
    COLOURS[i % COLOURS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        let of = |set: &[(&str, &str)]| {
            Colours::of(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
        };
        assert_eq!(of(&[]), Colours::None);
        assert_eq!(of(&[("TERM", "dumb")]), Colours::None);
        assert_eq!(of(&[("TERM", "xterm")]), Colours::Palette);
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Colours::True);
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")]), Colours::None);
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "")]), Colours::Palette);
    }

    #[test]
    fn the_palette_has_the_nearest_colour() {
        assert_eq!(palette([0, 0, 0]), 16);
        assert_eq!(palette([255, 255, 255]), 231);
        assert_eq!(palette([255, 0, 0]), 196);
        assert_eq!(palette([8, 8, 8]), 232);
        assert_eq!(palette([128, 128, 128]), 244);
        assert_eq!(palette([95, 135, 175]), 67);
    }

    #[test]
    fn without_colours_there_are_no_codes() {
        assert_eq!(Colours::None.paint([1, 2, 3], "a"), "a");
        assert_eq!(Colours::True.paint([1, 2, 3], "a"), "\x1b[38;2;1;2;3ma\x1b[0m");
        assert_eq!(Colours::Palette.paper([255, 0, 0]), "\x1b[48;5;196m");
    }
}
