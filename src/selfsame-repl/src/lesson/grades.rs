//! What grading came to, for a person and as JSON.

use serde_json::{json, Value};

use super::checks::Exercise;

/// Lines that a function printed and that are shown.
const PRINTED: usize = 10;
/// Columns of a line of text.
const WIDTH: usize = 96;
/// Columns that verdicts take.
const MARGIN: usize = 14;

/// What was found about one exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything asked of it holds.
    Passed,
    /// Its body is `todo!()`, or it calls a function whose body is.
    NotYet,
    /// A check does not hold.
    Wrong,
    /// It panicked, returned an error or ended its process.
    Failed,
    /// It ran longer than it may.
    Endless,
    /// It is no Rust, or not as it was declared.
    DoesNotCompile,
    /// There is no such function.
    Missing,
}

impl Verdict {
    /// In two or three words.
    pub fn words(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::NotYet => "not yet done",
            Verdict::Wrong => "wrong",
            Verdict::Failed => "failed",
            Verdict::Endless => "endless",
            Verdict::DoesNotCompile => "no Rust yet",
            Verdict::Missing => "missing",
        }
    }

    /// As JSON has it.
    fn key(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::NotYet => "not-yet-done",
            Verdict::Wrong => "wrong",
            Verdict::Failed => "failed",
            Verdict::Endless => "endless",
            Verdict::DoesNotCompile => "does-not-compile",
            Verdict::Missing => "missing",
        }
    }
}

/// One exercise, graded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// The function's name.
    pub name: String,
    /// What was found.
    pub verdict: Verdict,
    /// Why, for the student; lines may be source with marks below it.
    pub message: String,
    /// All hints there are.
    pub hints: Vec<String>,
    /// Lines it printed.
    pub printed: Vec<String>,
}

impl Grade {
    /// Of an exercise; nothing printed.
    pub fn of(exercise: &Exercise, verdict: Verdict, message: String) -> Grade {
        let (name, hints) = (exercise.name.clone(), exercise.hints.clone());
        Grade { name, verdict, message, hints, printed: Vec::new() }
    }

    /// The hints to show: none to who has passed, one to who has not, all to who asks for them. Who has a wrong answer has
    /// made the first step, and is given the next.
    fn hints(&self, all: bool) -> &[String] {
        let last = self.hints.len().saturating_sub(1);
        match self.verdict {
            Verdict::Passed => &[],
            _ if all => &self.hints,
            Verdict::Wrong | Verdict::Failed | Verdict::Endless => {
                self.hints.get(1.min(last)..).unwrap_or(&[]).get(..1).unwrap_or(&[])
            }
            Verdict::NotYet => self.hints.get(..1).unwrap_or(&[]),
            Verdict::DoesNotCompile | Verdict::Missing => &[],
        }
    }
}

/// A lesson, graded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grades {
    /// The lesson's number.
    pub lesson: String,
    /// Its title.
    pub title: String,
    /// What was graded: a file's name, or that it was a session.
    pub what: String,
    /// Each exercise, in the lesson's order.
    pub grades: Vec<Grade>,
    /// What else does not compile: helper functions, imports.
    pub others: Vec<String>,
}

impl Grades {
    /// How many passed.
    pub fn passed(&self) -> usize {
        self.grades.iter().filter(|g| g.verdict == Verdict::Passed).count()
    }

    /// Whether all passed.
    pub fn all_passed(&self) -> bool {
        self.passed() == self.grades.len()
    }

    /// For a person. `paint` colours a verdict's words.
    pub fn text(&self, all_hints: bool, paint: impl Fn(&Verdict, &str) -> String) -> String {
        let mut text = format!("Lesson {}, {}: {}\n\n", self.lesson, self.title, self.what);
        for grade in &self.grades {
            let words = format!("{:MARGIN$}", grade.verdict.words());
            text += &format!("  {}{}\n", paint(&grade.verdict, &words), grade.name);
            text += &indented(&grade.message);
            for hint in grade.hints(all_hints) {
                text += &indented(&format!("Hint: {hint}"));
            }
            if grade.verdict != Verdict::Passed && !grade.printed.is_empty() {
                let shown = grade
                    .printed
                    .iter()
                    .take(PRINTED)
                    .map(|line| format!("  | {line}\n"))
                    .collect::<String>();
                let more = grade.printed.len().saturating_sub(PRINTED);
                let more = if more > 0 { format!("  | and {more} more\n") } else { String::new() };
                text += &indented(&format!("It printed:\n{shown}{more}"));
            }
        }
        for other in &self.others {
            text += &format!("\n{}", indented(other));
        }
        text + &format!("\n{} of {}\n", self.passed(), self.grades.len())
    }

    /// One object.
    pub fn json(&self) -> Value {
        let grades = self.grades.iter().map(|g| {
            json!({
                "name": g.name, "verdict": g.verdict.key(), "message": g.message, "hints": g.hints, "printed": g.printed,
            })
        });
        json!({
            "lesson": self.lesson,
            "title": self.title,
            "file": self.what,
            "passed": self.passed(),
            "of": self.grades.len(),
            "exercises": grades.collect::<Vec<_>>(),
            "others": self.others,
        })
    }
}

/// `text` below an exercise's name: sentences broken into lines, source as it stands.
fn indented(text: &str) -> String {
    let indent = " ".repeat(MARGIN + 2);
    let mut out = String::new();
    for line in text.lines() {
        let is_source =
            line.starts_with(' ') || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" |");
        if is_source {
            out += &format!("{indent}{line}\n");
            continue;
        }
        let mut length = 0;
        for word in line.split_whitespace() {
            let width = word.chars().count();
            if length > 0 && MARGIN + 2 + length + 1 + width > WIDTH {
                out.push('\n');
                length = 0;
            }
            out += if length == 0 { &indent } else { " " };
            out += word;
            length += width + usize::from(length > 0);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn grade(verdict: Verdict, message: &str) -> Grade {
        let hints = vec!["One.".to_string(), "Two.".to_string()];
        Grade { name: "f".into(), verdict, message: message.into(), hints, printed: vec!["x".into(); 12] }
    }

    fn grades(grades: Vec<Grade>) -> Grades {
        let text = |t: &str| t.to_string();
        Grades { lesson: text("03"), title: text("T"), what: text("03.rs"), grades, others: Vec::new() }
    }

    #[test]
    fn each_verdict_gets_its_hint() {
        let shown =
            |verdict, all| grades(vec![grade(verdict, "Why.")]).text(all, |_, words| words.to_string());
        let not_yet = shown(Verdict::NotYet, false);
        assert!(not_yet.contains("Hint: One.") && !not_yet.contains("Two."), "{not_yet}");
        let wrong = shown(Verdict::Wrong, false);
        assert!(
            wrong.contains("Hint: Two.") && !wrong.contains("One.") && wrong.contains("and 2 more"),
            "{wrong}"
        );
        assert!(shown(Verdict::NotYet, true).contains("Two."));
        let passed = shown(Verdict::Passed, true);
        assert!(
            !passed.contains("Hint") && !passed.contains("printed") && passed.ends_with("1 of 1\n"),
            "{passed}"
        );
    }

    #[test]
    fn sentences_are_broken_and_source_is_not() {
        let long = "word ".repeat(40);
        let text = indented(&format!("{long}\n3 | let x = 1;\n  |     ^ {long}"));
        assert!(text.lines().take(3).all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.lines().last().unwrap().trim(), format!("|     ^ {long}").trim());
    }

    #[test]
    fn json_has_every_hint() {
        let json = grades(vec![grade(Verdict::Wrong, "Why."), grade(Verdict::Passed, "")]).json();
        assert_eq!((json["passed"].clone(), json["of"].clone()), (1.into(), 2.into()));
        assert_eq!(json["exercises"][0]["hints"][1], "Two.");
        assert_eq!(json["exercises"][0]["verdict"], "wrong");
    }
}
