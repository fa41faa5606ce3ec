//! Settings of the prompt: a TOML file in the user's configuration folder, overridden by environment variables.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use selfsame::error::Place;
use selfsame::Error;
use toml::de::{DeTable, DeValue};
use toml::Spanned;

use super::theme::ThemeName;

/// How lines are edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EditStyle {
    /// Ctrl-A, Ctrl-E, Ctrl-W, ..
    #[default]
    Emacs,
    /// Insert and normal mode.
    Vi,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// Nobody set it.
    #[default]
    Default,
    /// The configuration file.
    File,
    /// An environment variable.
    Environment,
    /// A command in this session.
    Session,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::Environment => "environment",
            Origin::Session => "this session",
        })
    }
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Keys of the line editor (emacs).
    pub edit_mode: Set<EditStyle>,
    /// Colours of the prompt (auto).
    pub theme: Set<ThemeName>,
    /// Inputs that are remembered (10,000).
    pub history_size: Set<usize>,
    /// Whether history proposes the rest of a line (true).
    pub hints: Set<bool>,
    /// Rust that every session begins with, behind the library's prelude.
    pub preload: Set<Option<String>>,
    /// Threads of the library; one a core when `None`.
    pub threads: Set<Option<usize>>,
    /// Seed of runs that name none.
    pub seed: Set<Option<u64>>,
    /// The program that `:edit` and Ctrl-O open; VISUAL, then EDITOR, when `None`.
    pub editor: Set<Option<String>>,
    /// The file that was read, or would be.
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            edit_mode: Set::default(),
            theme: Set::default(),
            history_size: Set { value: 10_000, origin: Origin::Default },
            hints: Set { value: true, origin: Origin::Default },
            preload: Set::default(),
            threads: Set::default(),
            seed: Set::default(),
            editor: Set::default(),
            file: None,
        }
    }
}

/// A key and what it is about.
pub struct Key {
    /// As the file spells it. The environment variable is `SELFSAME_` and this in capitals.
    pub name: &'static str,
    /// What it sets, in a line.
    pub about: &'static str,
    /// What it can be, in words.
    pub expected: &'static str,
    /// Whether it is read when the program starts, and never again.
    pub at_start: bool,
}

/// Every key, in the order `:config` shows them.
pub const KEYS: [Key; 8] = [
    key("edit_mode", "keys of the line editor", "\"emacs\" or \"vi\"").at_start(),
    key("theme", "colours of the prompt", "\"auto\", \"light\", \"dark\" or \"none\"").at_start(),
    key("history_size", "inputs that are remembered", "a whole number, 0 or more").at_start(),
    key("hints", "history proposes the rest of a line", "true or false").at_start(),
    key("preload", "Rust that a session begins with", "Rust in quotes").at_start(),
    key("threads", "threads that compute", "a whole number, 1 or more"),
    key("seed", "seed of runs that name none", "a whole number, 0 or more"),
    key("editor", "the program ':edit' opens", "a command in quotes"),
];

const fn key(name: &'static str, about: &'static str, expected: &'static str) -> Key {
    Key { name, about, expected, at_start: false }
}

impl Key {
    const fn at_start(self) -> Key {
        Key { at_start: true, ..self }
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("SELFSAME_{}", self.name.to_uppercase())
    }
}

/// The file that [`Config::load`] reads: `selfsame/config.toml` in the user's configuration folder, unless
/// `SELFSAME_CONFIG` names another.
pub fn default_file() -> Option<PathBuf> {
    let named = env::var_os("SELFSAME_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(dirs::config_dir()?.join("selfsame").join("config.toml")))
}

impl Config {
    /// Reads the file, if it is there, then the environment.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read, [`Error::Input`] with the line for what it may not hold,
    /// [`Error::Setting`] for a variable.
    pub fn load() -> Result<Config, Error> {
        Config::load_from(default_file(), |name| env::var(name).ok())
    }

    fn load_from(file: Option<PathBuf>, variable: impl Fn(&str) -> Option<String>) -> Result<Config, Error> {
        let mut config = Config { file: file.clone(), ..Config::default() };
        if let Some(file) = &file {
            match fs::read_to_string(file) {
                Ok(text) => config.read(file, &text)?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io("read", file)(e)),
            }
        }
        for key in &KEYS {
            let name = key.variable();
            let Some(text) = variable(&name).filter(|text| !text.is_empty()) else { continue };
            config.set(key.name, &text, Origin::Environment).map_err(|expected| {
                Error::setting(&name, &text, expected, "Correct the environment variable, or unset it.")
            })?;
        }
        Ok(config)
    }

    fn read(&mut self, file: &Path, text: &str) -> Result<(), Error> {
        let line = |at: usize| Place::Line(text[..at.min(text.len())].matches('\n').count() as u64 + 1);
        let table = DeTable::parse(text).map_err(|e| {
            let at = e.span().map_or(Place::Whole, |span| line(span.start));
            Error::input(file, at, e.message(), "TOML, like theme = \"dark\"", "Correct the line.")
        })?;
        for (name, value) in table.get_ref() {
            let at = line(name.span().start);
            let name = name.get_ref().as_ref();
            let Some(key) = KEYS.iter().find(|key| key.name == name) else {
                let known: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
                let unknown = Error::unknown("key", name, &known).to_string();
                let remedy = "Correct the name, or take the line out.";
                return Err(Error::input(file, at, unknown, "one of these", remedy));
            };
            let set = plain(value).ok_or(key.expected.to_string());
            set.and_then(|text| self.set(name, &text, Origin::File)).map_err(|expected| {
                let found = format!("{name} is {}", &text[value.span()]);
                Error::input(file, at, found, expected, "Correct the value, or take the line out.")
            })?;
        }
        Ok(())
    }

    /// Sets `key` to what `text` says.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn set(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), String> {
        let Some(known) = KEYS.iter().find(|k| k.name == key) else {
            return Err(format!("one of {}", KEYS.map(|k| k.name).join(", ")));
        };
        let wrong = || known.expected.to_string();
        let words = || (!text.is_empty()).then(|| text.to_string());
        match key {
            "edit_mode" => {
                let value = match text {
                    "emacs" => EditStyle::Emacs,
                    "vi" => EditStyle::Vi,
                    _ => return Err(wrong()),
                };
                self.edit_mode = Set { value, origin };
            }
            "theme" => self.theme = Set { value: ThemeName::of(text).ok_or_else(wrong)?, origin },
            "history_size" => self.history_size = Set { value: text.parse().map_err(|_| wrong())?, origin },
            "hints" => self.hints = Set { value: text.parse().map_err(|_| wrong())?, origin },
            "preload" => self.preload = Set { value: words(), origin },
            "threads" => match text.parse() {
                Ok(n) if n > 0 => self.threads = Set { value: Some(n), origin },
                _ => return Err(wrong()),
            },
            "seed" => self.seed = Set { value: Some(text.parse().map_err(|_| wrong())?), origin },
            _ => self.editor = Set { value: words(), origin },
        }
        Ok(())
    }

    /// Every key with its value in words and where that comes from.
    pub fn rows(&self) -> Vec<(&'static Key, String, Origin)> {
        let or = |value: Option<String>, unset: &str| value.unwrap_or_else(|| unset.to_string());
        let theme = match self.theme.value {
            ThemeName::Auto => "auto",
            ThemeName::Light => "light",
            ThemeName::Dark => "dark",
            ThemeName::None => "none",
        };
        let edit = if self.edit_mode.value == EditStyle::Vi { "vi" } else { "emacs" };
        let values = [
            (edit.to_string(), self.edit_mode.origin),
            (theme.to_string(), self.theme.origin),
            (self.history_size.value.to_string(), self.history_size.origin),
            (self.hints.value.to_string(), self.hints.origin),
            (or(self.preload.value.clone(), "nothing"), self.preload.origin),
            (or(self.threads.value.map(|n| n.to_string()), "one a core"), self.threads.origin),
            (or(self.seed.value.map(|n| n.to_string()), "0"), self.seed.origin),
            (or(self.editor.value.clone(), "$VISUAL or $EDITOR"), self.editor.origin),
        ];
        KEYS.iter().zip(values).map(|(key, (value, origin))| (key, value, origin)).collect()
    }
}

/// A value as text, where it is a string, a number or a truth value.
fn plain(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, text).unwrap();
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string());
        Config::load_from(Some(file), variable).map_err(|e| e.to_string())
    }

    #[test]
    fn the_environment_wins_over_the_file_and_each_value_knows_its_origin() {
        let text = "# mine\nedit_mode = \"vi\"\nhistory_size = 50\nhints = false\npreload = \"let a = 1;\"\n";
        let config = load(text, &[("SELFSAME_HISTORY_SIZE", "7"), ("SELFSAME_THREADS", "2")]).unwrap();
        assert_eq!(config.edit_mode, Set { value: EditStyle::Vi, origin: Origin::File });
        assert_eq!(config.history_size, Set { value: 7, origin: Origin::Environment });
        assert_eq!(config.threads.value, Some(2));
        assert_eq!(config.preload.value.as_deref(), Some("let a = 1;"));
        assert_eq!((config.hints.value, config.theme.origin), (false, Origin::Default));
        let shown: Vec<String> =
            config.rows().iter().map(|(k, v, o)| format!("{} {v} ({o})", k.name)).collect();
        assert!(shown.contains(&"history_size 7 (environment)".to_string()), "{shown:?}");
        assert!(shown.contains(&"seed 0 (default)".to_string()), "{shown:?}");
    }

    #[test]
    fn a_mistake_is_named_with_its_file_and_line() {
        let message = |text: &str| load(text, &[]).unwrap_err();
        let said = message("hints = true\n\ntheem = \"dark\"\n");
        assert!(said.contains("config.toml, line 3: unknown key 'theem', did you mean 'theme'"), "{said}");
        let said = message("theme = \"pink\"");
        assert!(said.contains("line 1: theme is \"pink\". Expected \"auto\", \"light\""), "{said}");
        let said = message("a = 1\nseed = [1]");
        assert!(said.contains("line 1"), "{said}");
        let said = message("threads = 0");
        assert!(said.contains("threads is 0. Expected a whole number, 1 or more"), "{said}");
        let said = message("hints = true\nseed = \n");
        assert!(said.contains("line 2:"), "{said}");
        let said = load("", &[("SELFSAME_SEED", "-1")]).unwrap_err();
        assert!(said.starts_with("SELFSAME_SEED is -1. Expected a whole number"), "{said}");
    }

    #[test]
    fn no_file_is_no_mistake() {
        assert_eq!(Config::load_from(None, |_| None).unwrap(), Config::default());
        let missing = Config::load_from(Some("no/such/file.toml".into()), |_| None).unwrap();
        assert_eq!(missing.theme, Set::default());
    }

    #[test]
    fn every_key_can_be_set_and_is_shown() {
        let mut config = Config::default();
        let values = ["vi", "dark", "5", "false", "1", "2", "3", "vim"];
        for (key, value) in KEYS.iter().zip(values) {
            config.set(key.name, value, Origin::Session).unwrap();
        }
        assert_eq!(config.rows().iter().map(|(_, v, _)| v.as_str()).collect::<Vec<_>>(), values);
        assert!(config.rows().iter().all(|(_, _, origin)| *origin == Origin::Session));
        assert!(config.set("x", "1", Origin::Session).unwrap_err().starts_with("one of edit_mode"));
    }
}
