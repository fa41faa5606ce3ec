//! The lessons that are in this program.

use selfsame::Error;

use super::checks::{self, Exercise};
use super::items::{items, Item};

/// Number, starter and checks of each.
static SOURCES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/lessons.rs"));

/// A lesson that has exercises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Its number in two digits.
    pub number: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// The file a student begins with.
    pub starter: &'static str,
    /// What is asked, in order.
    pub exercises: Vec<Exercise>,
}

impl Lesson {
    fn of((number, starter, checks): &(&'static str, &'static str, &'static str)) -> Lesson {
        let title = starter.lines().next().unwrap_or_default();
        let title = title.trim_start_matches(['/', '!', ' ', '#']).trim();
        Lesson { number, title, starter, exercises: checks::exercises(checks) }
    }

    /// How the starter declares a function: everything before its body.
    pub fn signature(&self, name: &str) -> Option<String> {
        items(self.starter).into_iter().find(|item| item.name == name).map(|item: Item| item.signature())
    }

    /// The name of the file that a student writes.
    pub fn file(&self) -> String {
        format!("{}.rs", self.number)
    }
}

/// Every lesson with exercises, in order.
pub fn all() -> Vec<Lesson> {
    SOURCES.iter().map(Lesson::of).collect()
}

/// The lesson called `name`: `03`, `3` or `03_simclr`.
///
/// # Errors
/// [`Error::Unknown`] where no lesson of that number has exercises.
pub fn find(name: &str) -> Result<Lesson, Error> {
    let digits = name.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let number = digits.parse::<u32>().map(|n| format!("{n:02}")).unwrap_or_default();
    let known: Vec<&str> = SOURCES.iter().map(|(number, ..)| *number).collect();
    let source = SOURCES.iter().find(|(n, ..)| *n == number);
    source.map(Lesson::of).ok_or_else(|| Error::unknown("lesson", name, &known))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_exercise_is_in_its_starter_and_has_hints() {
        for lesson in all() {
            assert!(!lesson.title.is_empty() && !lesson.exercises.is_empty(), "{}", lesson.number);
            for exercise in &lesson.exercises {
                let at = format!("lesson {}, {}", lesson.number, exercise.name);
                assert!(lesson.signature(&exercise.name).unwrap().contains("fn "), "{at}");
                assert!(!exercise.hints.is_empty() && exercise.checks.contains("assert"), "{at}");
            }
            let unasked = items(lesson.starter).into_iter().filter(|item| item.text.contains("todo!"));
            for item in unasked {
                assert!(
                    lesson.exercises.iter().any(|e| e.name == item.name),
                    "nothing checks {} of lesson {}",
                    item.name,
                    lesson.number
                );
            }
        }
    }

    #[test]
    fn a_lesson_is_found_by_its_number_however_written() {
        for (number, names) in [("00", ["0", "00", "00_first_run"]), ("03", ["3", "03", "03_simclr"])] {
            for name in names {
                assert_eq!(find(name).unwrap().number, number, "{name}");
            }
        }
        for name in ["", "x", "77", "-1", "99999999999"] {
            assert!(find(name).unwrap_err().to_string().contains("unknown lesson"), "{name}");
        }
    }
}
