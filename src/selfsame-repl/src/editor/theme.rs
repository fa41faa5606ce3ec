//! Colours of the prompt, chosen to be readable on a light and a dark background alike.

use nu_ansi_term::{Color, Style};

/// Which colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// The terminal's own sixteen colours, which its user has made readable; of those only the ones that are so on
    /// both backgrounds.
    #[default]
    Auto,
    /// Dark colours, for a light background.
    Light,
    /// Light colours, for a dark background.
    Dark,
    /// No colour at all; what matters is underlined or bold where the terminal can.
    None,
}

impl ThemeName {
    /// The names as the configuration spells them.
    #[cfg(test)]
    const NAMES: [&'static str; 4] = ["auto", "light", "dark", "none"];

    /// The theme of that name.
    pub fn of(name: &str) -> Option<ThemeName> {
        match name {
            "auto" => Some(ThemeName::Auto),
            "light" => Some(ThemeName::Light),
            "dark" => Some(ThemeName::Dark),
            "none" => Some(ThemeName::None),
            _ => None,
        }
    }
}

/// What each kind of text looks like. Meaning is never in a colour alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Theme {
    /// Rust's reserved words.
    pub keyword: Style,
    /// Strings and characters.
    pub string: Style,
    /// Numbers.
    pub number: Style,
    /// Types: names that begin with a capital letter.
    pub type_name: Style,
    /// Calls of functions and macros.
    pub call: Style,
    /// Lifetimes and attributes.
    pub mark: Style,
    /// Comments.
    pub comment: Style,
    /// A `:command` that exists.
    pub command: Style,
    /// A `:command` that does not, a bracket that closes nothing.
    pub wrong: Style,
    /// `--flags`
    pub flag: Style,
    /// The bracket under the cursor and its partner.
    pub matched: Style,
    /// What history proposes behind the cursor.
    pub hint: Style,
    /// The prompt.
    pub prompt: Style,
    /// The state of the engine at the right.
    pub status: Style,
}

impl Theme {
    /// The theme of that name. `coloured` is whether the terminal takes colour: where it does not (`NO_COLOR`,
    /// `TERM=dumb`), nothing is styled.
    pub fn new(name: ThemeName, coloured: bool) -> Theme {
        if !coloured || name == ThemeName::None {
            return Theme::default();
        }
        let [keyword, string, number, type_name, mark, command, wrong] = match name {
            // Yellow and white vanish on white, blue and bright black on black; these four stay readable on both.
            ThemeName::Auto | ThemeName::None => [
                Color::Magenta,
                Color::Green,
                Color::Cyan,
                Color::Cyan,
                Color::Magenta,
                Color::Cyan,
                Color::Red,
            ],
            ThemeName::Light => [90, 22, 24, 25, 130, 25, 160].map(Color::Fixed),
            ThemeName::Dark => [176, 114, 116, 117, 180, 117, 203].map(Color::Fixed),
        };
        let of = |color: Color| Style::new().fg(color);
        Theme {
            keyword: of(keyword),
            string: of(string),
            number: of(number),
            type_name: of(type_name),
            call: Style::new().bold(),
            mark: of(mark),
            comment: Style::new().dimmed(),
            command: of(command).bold(),
            wrong: of(wrong).underline(),
            flag: of(mark),
            matched: Style::new().bold().underline(),
            hint: Style::new().dimmed(),
            prompt: of(command).bold(),
            status: Style::new().dimmed(),
        }
    }

    /// Whether anything is styled.
    pub fn is_plain(&self) -> bool {
        *self == Theme::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_theme_and_none_is_plain() {
        for name in ThemeName::NAMES {
            let theme = ThemeName::of(name).map(|name| Theme::new(name, true));
            assert_eq!(theme.map(|t| t.is_plain()), Some(name == "none"), "{name}");
        }
        assert_eq!(ThemeName::of("bright"), None);
        assert!(Theme::new(ThemeName::Dark, false).is_plain());
    }
}
