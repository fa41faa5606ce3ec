//! The one error type of the library.
//!
//! Every variant is for the person reading it: what was wrong, where, what was expected, what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::text::{visible, visible_lines, visible_path};

/// Short form used inside the crate. Not in the prelude: a glob-imported `Result` breaks notebook cells.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Where in a file something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line, counted from 1.
    Line(u64),
    /// A byte offset, counted from 0.
    Byte(u64),
    /// A record (an image, a row), counted from 0.
    Record(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Whole => Ok(()),
            Place::Line(n) => write!(f, ", line {n}"),
            Place::Byte(n) => write!(f, ", byte {n}"),
            Place::Record(n) => write!(f, ", record {n}"),
        }
    }
}

/// Everything that can go wrong in the library. Names, paths and texts from elsewhere are printed so that no terminal obeys
/// them: see [`visible`].
///
/// `{}` and `{:?}` are the words for the person reading, so that they stand there when `main` returns the error; `{:#?}` has the
/// fields.
///
/// ```
/// let error = selfsame::Error::shape("views for this objective", 4, 2);
/// assert_eq!(format!("{error:?}"), "views for this objective: expected 4, found 2");
/// assert!(format!("{error:#?}").starts_with("Shape {"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} {}: {}", visible_path(path), visible_lines(&source.to_string()))]
    Io {
        /// What was tried, as a verb: `read`, `create`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder whose content is not what it should be.
    #[error(
        "{}{at}: {}. Expected {}. {}",
        visible_path(path),
        visible_lines(found),
        visible_lines(expected),
        visible_lines(remedy)
    )]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// Where in it.
        at: Place,
        /// What was found there, as a clause without a full stop.
        found: String,
        /// What should have been there, likewise.
        expected: String,
        /// What to do, as a sentence.
        remedy: String,
    },
    /// A setting out of its range, or two that do not go together.
    #[error(
        "{} is {}. Expected {}. {}",
        visible(name),
        visible(value),
        visible_lines(expected),
        visible_lines(remedy)
    )]
    Setting {
        /// The setting's name as the user writes it.
        name: String,
        /// The value it was given.
        value: String,
        /// The range or rule it breaks.
        expected: String,
        /// What to do, as a sentence.
        remedy: String,
    },
    /// A name that is not known: a method, data set, encoder.
    #[error("unknown {kind} '{}'{} Known: {}", visible(given), visible(&suggestion(given, known)), visible(&known.join(", ")))]
    Unknown {
        /// What kind of thing was named.
        kind: &'static str,
        /// The name that was given.
        given: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Sizes that do not fit together, known only at run time.
    #[error("{}: expected {}, found {}", visible_lines(what), visible_lines(expected), visible_lines(found))]
    Shape {
        /// The operation or object.
        what: String,
        /// The shape it takes.
        expected: String,
        /// The shape it was given.
        found: String,
    },
    /// A run folder or checkpoint that cannot be used.
    #[error("run {}: {}. {}", visible_path(path), visible_lines(found), visible_lines(remedy))]
    Run {
        /// The run folder or the file in it.
        path: PathBuf,
        /// What is wrong with it, as a clause.
        found: String,
        /// What to do, as a sentence.
        remedy: String,
    },
    /// The device (CPU or GPU) failed or is not there.
    #[error("device {device}: {message}")]
    Device {
        /// `cpu` or `cuda`.
        device: &'static str,
        /// What happened and what to do.
        message: String,
    },
    /// Training produced a number that is not finite.
    #[error("training stopped at epoch {epoch}, step {step}: {found}. {means} Try: {remedy}")]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// Optimiser step over the whole run, from 1.
        step: u64,
        /// What was seen.
        found: String,
        /// What it means, as a sentence.
        means: String,
        /// What to change.
        remedy: String,
    },
    /// The user asked to stop before there was anything to hand back.
    #[error("stopped at your request")]
    Interrupted,
    /// An error of the program around the library, in its own words: see [`Error::other`].
    #[error(transparent)]
    Other(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        match self {
            Error::Io { action, path, source } => f
                .debug_struct("Io")
                .field("action", action)
                .field("path", path)
                .field("source", source)
                .finish(),
            Error::Input { path, at, found, expected, remedy } => f
                .debug_struct("Input")
                .field("path", path)
                .field("at", at)
                .field("found", found)
                .field("expected", expected)
                .field("remedy", remedy)
                .finish(),
            Error::Setting { name, value, expected, remedy } => f
                .debug_struct("Setting")
                .field("name", name)
                .field("value", value)
                .field("expected", expected)
                .field("remedy", remedy)
                .finish(),
            Error::Unknown { kind, given, known } => f
                .debug_struct("Unknown")
                .field("kind", kind)
                .field("given", given)
                .field("known", known)
                .finish(),
            Error::Shape { what, expected, found } => f
                .debug_struct("Shape")
                .field("what", what)
                .field("expected", expected)
                .field("found", found)
                .finish(),
            Error::Run { path, found, remedy } => f
                .debug_struct("Run")
                .field("path", path)
                .field("found", found)
                .field("remedy", remedy)
                .finish(),
            Error::Device { device, message } => {
                f.debug_struct("Device").field("device", device).field("message", message).finish()
            }
            Error::Diverged { epoch, step, found, means, remedy } => f
                .debug_struct("Diverged")
                .field("epoch", epoch)
                .field("step", step)
                .field("found", found)
                .field("means", means)
                .field("remedy", remedy)
                .finish(),
            Error::Interrupted => f.write_str("Interrupted"),
            Error::Other(error) => f.debug_tuple("Other").field(error).finish(),
        }
    }
}

impl Error {
    /// Wraps an I/O error with what was tried and on which path; made for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { action, path, source }
    }

    /// Whether it says that a file or folder is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// A file with wrong content.
    pub fn input(
        path: impl AsRef<Path>,
        at: Place,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Error {
        Error::Input {
            path: path.as_ref().to_path_buf(),
            at,
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }

    /// A setting out of its range.
    pub fn setting(
        name: impl Into<String>,
        value: impl fmt::Display,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Error {
        Error::Setting {
            name: name.into(),
            value: value.to_string(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }

    /// A run folder or checkpoint that cannot be used.
    pub fn run(path: impl AsRef<Path>, found: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Run { path: path.as_ref().to_path_buf(), found: found.into(), remedy: remedy.into() }
    }

    /// An unknown name, with all the names there are.
    pub fn unknown(kind: &'static str, given: impl Into<String>, known: &[&str]) -> Error {
        Error::Unknown { kind, given: given.into(), known: known.iter().map(|k| k.to_string()).collect() }
    }

    /// An error of another library, or a sentence, for what a program adds of its own: a data set that asks a database, an
    /// objective with a rule of its own. It is shown as it is, and [`std::error::Error::source`] goes on with its causes.
    ///
    /// ```
    /// use selfsame::Error;
    /// let number = |text: &str| text.parse::<u32>().map_err(Error::other);
    /// assert_eq!(number("x").unwrap_err().to_string(), "invalid digit found in string");
    /// assert_eq!(Error::other("the database is asleep").to_string(), "the database is asleep");
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Other(error.into())
    }

    /// Sizes that do not fit.
    pub fn shape(what: impl Into<String>, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::Shape { what: what.into(), expected: expected.to_string(), found: found.to_string() }
    }
}

/// What a device said, for `map_err` behind dfdx's `try_` functions, in code that is generic over devices too.
///
/// ```
/// use selfsame::prelude::*;
/// use selfsame::{error::device, ops::Engine, Error};
///
/// fn doubled<D: Engine>(x: Tensor<Rank1<3>, f32, D>) -> Result<Tensor<Rank1<3>, f32, D>, Error> {
///     x.try_mul(2.0).map_err(device)
/// }
/// assert_eq!(doubled(Cpu::default().tensor([1.0, 2.0, 3.0]))?.array(), [2.0, 4.0, 6.0]);
/// # Ok::<(), Error>(())
/// ```
pub fn device<E: fmt::Display + 'static>(e: E) -> Error {
    let device = if std::any::type_name::<E>().contains("Cuda") { "cuda" } else { "cpu" };
    Error::Device { device, message: e.to_string() }
}

/// `, did you mean 'x'?` when a known name is close enough to be a slip of the finger; a full stop otherwise. Of a name
/// with a folder, as in `mnist:DIR`, only what stands before the colon counts.
fn suggestion(given: &str, known: &[String]) -> String {
    let stem = |name: &str| name.split(':').next().unwrap_or_default().to_lowercase();
    let given = stem(given);
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&given, &stem(k)), stem(k).len(), k))
        .filter(|(distance, length, _)| *distance <= 1 + length / 3)
        .min_by_key(|(distance, ..)| *distance)
        .map_or(".".into(), |(.., k)| format!(", did you mean '{k}'?"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_obeys_what_an_error_says() {
        let name = "a\u{1b}]0;x\u{7}\u{9b}2J\r";
        let errors = [
            Error::io("read", name)(io::Error::other(name)),
            Error::input(name, Place::Line(1), name, name, name),
            Error::setting(name, name, name, name),
            Error::unknown("method", name, &[name]),
            Error::shape(name, name, name),
            Error::run(name, name, name),
        ];
        for e in errors {
            let text = e.to_string();
            assert!(!text.contains(char::is_control) && text.contains(r"a\u{1b}]0;x"), "{text}");
        }
        // A file's name cannot begin a line of its own.
        assert!(!Error::run("a\nerror: b", "", "").to_string().contains('\n'));
    }

    #[test]
    fn an_unknown_name_suggests_a_near_one() {
        let e = Error::unknown("method", "simcrl", &["simclr", "byol"]);
        assert_eq!(e.to_string(), "unknown method 'simcrl', did you mean 'simclr'? Known: simclr, byol");
        let e = Error::unknown("method", "zzz", &["simclr"]);
        assert_eq!(e.to_string(), "unknown method 'zzz'. Known: simclr");
        let e = Error::unknown("data set", "minst:my/folder", &["digits", "mnist:DIR"]);
        assert!(e.to_string().contains("did you mean 'mnist:DIR'?"), "{e}");
    }

    #[test]
    fn what_main_returns_is_in_words_and_the_fields_are_there_when_asked_for() {
        let source = || io::Error::from(io::ErrorKind::NotFound);
        let every = [
            Error::io("read", "a/file")(source()),
            Error::input("a/file", Place::Line(3), "a 7", "a digit", "Write one."),
            Error::setting("lr", -1, "a positive number", "Take 1e-3."),
            Error::unknown("method", "simcrl", &["simclr"]),
            Error::shape("views", 4, 2),
            Error::run("runs/a", "there is no checkpoint", "Train first."),
            device::<dfdx::tensor::CpuError>(dfdx::tensor::CpuError::OutOfMemory),
            Error::Diverged {
                epoch: 1,
                step: 2,
                found: "loss NaN".into(),
                means: "It overflowed.".into(),
                remedy: "less".into(),
            },
            Error::Interrupted,
            Error::other(source()),
        ];
        let variants = [
            "Io {",
            "Input {",
            "Setting {",
            "Unknown {",
            "Shape {",
            "Run {",
            "Device {",
            "Diverged {",
            "Interrupted",
            "Other(",
        ];
        for (error, variant) in every.iter().zip(variants) {
            assert_eq!(format!("{error:?}"), error.to_string());
            assert!(format!("{error:#?}").starts_with(variant), "{error:#?}");
        }
    }

    #[test]
    fn an_error_of_a_program_keeps_its_words_and_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("row 7 of the table")]
        struct Row(#[source] io::Error);
        let ask = || -> Result<()> {
            let asked: std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> =
                Err(Row(io::Error::other("the line is dead")).into());
            Ok(asked?)
        };
        let error = ask().unwrap_err();
        assert_eq!(error.to_string(), "row 7 of the table");
        let cause = std::error::Error::source(&error).map(|cause| cause.to_string());
        assert_eq!(cause.as_deref(), Some("the line is dead"));
    }
}
