//! Grading: a student's functions become cells of a session of its own, then each exercise's checks become one.
//!
//! What a function does (panic, loop, leave) it does in the session's process. An exercise that ends that process is
//! reported; the functions are still there in the next one.

use std::time::Duration;

use super::catalog::Lesson;
use super::checks::Exercise;
use super::grades::{Grade, Grades, Verdict};
use super::items::{items, Item};
use crate::engine::{upper, Event, Fault, FaultKind, Output, Session};

/// Before the message of a check that does not hold, to tell it from a panic of the function's own.
const CHECK: &str = "[check] ";

/// The longest that the compilation of a student's file may take, on any machine.
const COMPILING: Duration = Duration::from_secs(600);

/// Within a check, assertions say that they are ours, and end with a message only.
const ASSERTIONS: &str = r#"
    #[allow(unused_macros)]
    macro_rules! assert {
        ($holds:expr, $($message:tt)+) => { if !$holds { panic!("[check] {}", format!($($message)+)); } };
    }
    #[allow(unused_macros)]
    macro_rules! assert_eq {
        ($yours:expr, $right:expr, $($message:tt)+) => { match (&$yours, &$right) { (yours, right) => if !(*yours == *right) {
            panic!("[check] {}\n  yours: {yours:?}\n  right: {right:?}", format!($($message)+));
        } } };
    }
    #[allow(unused_macros)]
    macro_rules! assert_ne {
        ($yours:expr, $other:expr, $($message:tt)+) => { match (&$yours, &$other) { (yours, other) => if *yours == *other {
            panic!("[check] {}\n  yours: {yours:?}", format!($($message)+));
        } } };
    }
"#;

/// What grading may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For each exercise, its compilation included.
    pub each: Duration,
}

/// Grades the functions in `source` against `lesson`. `what` names the source to the student, `tell` hears which exercise
/// is being checked. Also says whether the session is as it was, so that another lesson can be graded in it.
///
/// # Errors
/// The session has ended and does not come back.
pub fn grade(
    lesson: &Lesson,
    source: &str,
    what: &str,
    session: &Session,
    limits: Limits,
    tell: &mut dyn FnMut(&str),
) -> Result<(Grades, bool), Fault> {
    let mut grader = Grader { lesson, source, what, session, limits, beside: String::new() };
    let items = items(source);
    tell("compiling");
    let all = items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join("\n\n");
    let missing = |e: &Exercise| !items.iter().any(|item| item.name == e.name);
    // Everything in one cell is fastest. It leaves nothing behind, and if it ends well there is nothing to find out.
    if !lesson.exercises.iter().any(missing) {
        let checks: String = lesson.exercises.iter().map(checked).collect();
        if grader.cell(&format!("{{\n{all}\n{checks}}};"), limits.each)?.ended.is_ok() {
            let grades =
                lesson.exercises.iter().map(|e| Grade::of(e, Verdict::Passed, String::new())).collect();
            return Ok((grader.graded(grades, Vec::new()), true));
        }
    }
    let mut broken = Vec::new();
    let mut is_clean = true;
    if grader.define(&format!("{{\n{all}\n}};"))?.ended.is_ok() {
        grader.beside = all;
    } else {
        // One of them does not compile: each becomes a cell of its own. What others use comes first; an exercise may use
        // another one, so a second round gives it its chance.
        is_clean = false;
        let asked = |item: &&Item| lesson.exercises.iter().any(|e| e.name == item.name);
        let helpers = items.iter().filter(|item| !asked(item));
        for item in helpers.chain(items.iter().filter(asked)) {
            if let Err(fault) = grader.define(&item.text)?.ended {
                broken.push((item, fault));
            }
        }
        for (item, _) in std::mem::take(&mut broken) {
            if let Err(fault) = grader.define(&item.text)?.ended {
                broken.push((item, fault));
            }
        }
    }
    let mut grades = Vec::new();
    for exercise in &lesson.exercises {
        tell(&exercise.name);
        let item = items.iter().find(|item| item.name == exercise.name);
        let fault = broken.iter().find(|(item, _)| item.name == exercise.name).map(|(_, fault)| fault);
        grades.push(grader.exercise(exercise, item, fault)?);
    }
    let unasked = broken.iter().filter(|(item, _)| !lesson.exercises.iter().any(|e| e.name == item.name));
    let others = unasked.map(|(item, fault)| {
        let called =
            if item.name.is_empty() { "A part of it".to_string() } else { format!("`{}`", item.name) };
        format!(
            "{called} does not compile, and what uses it does not either.\n{}",
            grader.compile_message(item, fault)
        )
    });
    let others = others.collect();
    Ok((grader.graded(grades, others), is_clean))
}

/// An exercise's checks as a block.
fn checked(exercise: &Exercise) -> String {
    format!("{{\n{ASSERTIONS}\n{}\n}}\n", exercise.checks)
}

struct Grader<'g> {
    lesson: &'g Lesson,
    source: &'g str,
    what: &'g str,
    session: &'g Session,
    limits: Limits,
    /// The student's items, where they are put beside each exercise's checks; empty where they are cells.
    beside: String,
}

/// What became of a cell.
struct Ran {
    ended: Result<(), Fault>,
    printed: Vec<String>,
    /// It was stopped at the limit.
    too_long: bool,
}

impl Grader<'_> {
    /// Compiles items, which run nothing.
    fn define(&mut self, code: &str) -> Result<Ran, Fault> {
        self.cell(code, COMPILING)
    }

    /// Runs a cell; ends its process when it takes longer than `limit`.
    fn cell(&mut self, code: &str, limit: Duration) -> Result<Ran, Fault> {
        // After a process ended, the next is a moment away.
        self.session.wait(|_| {}, || false);
        let heard = self.session.eval_hidden(code);
        let mut ran = Ran { ended: Ok(()), printed: Vec::new(), too_long: false };
        let until = std::time::Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            let wait = if ran.too_long { Duration::from_millis(100) } else { left };
            match heard.recv_timeout(wait) {
                Ok(Event::Output(Output::Line(line) | Output::ErrorLine(line))) => ran.printed.push(line),
                Ok(Event::Output(_)) => {}
                // Nobody answers.
                Ok(Event::Input { reply, .. }) => drop(reply),
                Ok(Event::Done(outcome)) => {
                    ran.ended = outcome.result.map(drop);
                    break;
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    ran.too_long = true;
                    self.session.kill();
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        match &ran.ended {
            Err(fault) if fault.kind == FaultKind::NoSession => Err(fault.clone()),
            _ => Ok(ran),
        }
    }

    fn exercise(
        &mut self,
        exercise: &Exercise,
        item: Option<&Item>,
        broken: Option<&Fault>,
    ) -> Result<Grade, Fault> {
        let mut grade = Grade::of(exercise, Verdict::Missing, String::new());
        let signature = self.lesson.signature(&exercise.name).unwrap_or_default();
        let Some(item) = item else {
            grade.message =
                format!("There is no function of that name in {}. It begins with\n  {signature}", self.what);
            return Ok(grade);
        };
        if let Some(fault) = broken {
            grade.verdict = Verdict::DoesNotCompile;
            grade.message = self.compile_message(item, fault);
            return Ok(grade);
        }
        let ran = self.cell(&format!("{{\n{}\n{}}};", self.beside, checked(exercise)), self.limits.each)?;
        grade.printed = ran.printed;
        (grade.verdict, grade.message) = match ran.ended {
            Ok(()) => (Verdict::Passed, String::new()),
            Err(_) if ran.too_long => (
                Verdict::Endless,
                format!("It was still running after {} s. Does every loop end?", self.limits.each.as_secs()),
            ),
            Err(fault) => judged(&fault, item, &signature),
        };
        Ok(grade)
    }

    fn graded(&self, grades: Vec<Grade>, others: Vec<String>) -> Grades {
        let (lesson, title) = (self.lesson.number.into(), self.lesson.title.into());
        Grades { lesson, title, what: self.what.into(), grades, others }
    }

    /// What does not compile, with the lines it stands in.
    fn compile_message(&self, item: &Item, fault: &Fault) -> String {
        let mut placed = fault.clone();
        for spot in &mut placed.spots {
            spot.line += item.line - 1;
        }
        let remedy = fault.remedy.as_ref().map(|r| format!("\n{r}")).unwrap_or_default();
        format!("{}\n{}{remedy}", sentence(&fault.summary), placed.excerpt(self.source).trim_end())
    }
}

/// What the end of an exercise's checks means.
fn judged(fault: &Fault, item: &Item, signature: &str) -> (Verdict, String) {
    match fault.kind {
        FaultKind::CompileError => (
            Verdict::DoesNotCompile,
            format!(
                "The checks cannot call it as you have declared it: {}\nIt begins with\n  {signature}",
                sentence(&fault.summary)
            ),
        ),
        FaultKind::Panic => {
            let said = fault.summary.strip_prefix("panicked: ").unwrap_or(&fault.summary);
            match said.split_once(CHECK) {
                Some((_, message)) => (Verdict::Wrong, message.trim_end().to_string()),
                None if is_to_do(said) && item.text.contains("todo!") => (Verdict::NotYet, String::new()),
                None if is_to_do(said) => {
                    (Verdict::NotYet, "It calls a function that is not yet done.".to_string())
                }
                None => (Verdict::Failed, format!("It panicked: {}", said.trim_end())),
            }
        }
        FaultKind::Error => (Verdict::Failed, format!("It returned an error: {}", fault.summary.trim_end())),
        FaultKind::ProcessEnded | FaultKind::NoSession => {
            (Verdict::Failed, fault.summary.replace(", and its variables with it", ""))
        }
    }
}

/// What `todo!()` and `unimplemented!()` say.
fn is_to_do(said: &str) -> bool {
    said.starts_with("not yet implemented") || said.starts_with("not implemented")
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let text = upper(text.trim());
    let end = if text.ends_with(['.', '!', '?', ':']) { "" } else { "." };
    text + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_means() {
        let item = |text: &str| Item { name: "f".into(), is_import: false, text: text.into(), line: 1 };
        let panic = |said: &str| Fault::new(FaultKind::Panic, format!("panicked: {said}"));
        let of = |said: &str, text: &str| judged(&panic(said), &item(text), "fn f()");
        assert_eq!(of("[check] No.", "").0, Verdict::Wrong);
        assert_eq!(of("[check] No.", "").1, "No.");
        assert_eq!(of("not yet implemented", "fn f() { todo!() }"), (Verdict::NotYet, String::new()));
        assert!(of("not yet implemented", "fn f() { g() }").1.contains("calls"));
        assert_eq!(of("index out of bounds", "").0, Verdict::Failed);
    }

    #[test]
    fn a_summary_becomes_a_sentence() {
        assert_eq!(sentence("mismatched types"), "Mismatched types.");
        assert_eq!(sentence("Done."), "Done.");
    }
}
