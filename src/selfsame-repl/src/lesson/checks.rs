//! A file of checks, taken apart. `tutorials/README.md` describes its form.

/// Begins the checks of a function.
const NAME: &str = "//# ";
/// Begins a hint; with two more spaces it goes on with the one above.
const HINT: &str = "//? ";

/// One function that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercise {
    /// The function's name.
    pub name: String,
    /// From a nudge to nearly the answer.
    pub hints: Vec<String>,
    /// Statements that assert what must hold.
    pub checks: String,
}

/// The exercises of a file of checks.
pub fn exercises(text: &str) -> Vec<Exercise> {
    let mut found: Vec<Exercise> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.trim_start().strip_prefix(NAME) {
            let name = name.trim().to_string();
            found.push(Exercise { name, hints: Vec::new(), checks: String::new() });
            continue;
        }
        let Some(exercise) = found.last_mut() else { continue };
        match line.trim_start().strip_prefix(HINT) {
            Some(hint) => match (hint.starts_with("  "), exercise.hints.last_mut()) {
                (true, Some(begun)) => *begun += &format!(" {}", hint.trim()),
                _ => exercise.hints.push(hint.trim().to_string()),
            },
            None => exercise.checks += &format!("{line}\n"),
        }
    }
    if let Some(last) = found.last_mut() {
        // The end of the function that all of it stands in.
        if let Some(end) = last.checks.rfind("Ok(())") {
            last.checks.truncate(end);
        }
    }
    for exercise in &mut found {
        exercise.checks = exercise.checks.trim_end().to_string();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hints_and_statements() {
        let text = "fn main() -> Result<(), ()> {\n    //# one\n    //? Nudge.\n    //? Nearly\n    //?   there.\n    \
                    assert!(one() == 1, \"x\");\n\n    //# two\n    assert!(two() == 2, \"y\");\n    Ok(())\n}\n";
        let exercise = |name: &str, hints: &[&str], checks: &str| Exercise {
            name: name.into(),
            hints: hints.iter().map(ToString::to_string).collect(),
            checks: checks.into(),
        };
        let expected = [
            exercise("one", &["Nudge.", "Nearly there."], "    assert!(one() == 1, \"x\");"),
            exercise("two", &[], "    assert!(two() == 2, \"y\");"),
        ];
        assert_eq!(exercises(text), expected);
        assert_eq!(exercises("fn main() {}"), []);
    }
}
