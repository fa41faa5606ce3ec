//! What a name is: a variable's type, shape and size, documentation, a command's help.

use std::time::{Duration, Instant};

use selfsame::display::Described;
use selfsame::front::Message;
use serde_json::{json, Value};

use super::complete::piece;
use crate::editor::InputKind;
use crate::engine::{Event, Output, Session, Status};
use crate::face::words;
use crate::repl::vocabulary;
use selfsame::plot::escaped;

/// A front end has given up by then.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the session says of a name it knows nothing of.
const NOTHING: &str = "No documentation found";

/// The answer to an `inspect_request` for byte `at` of `code`.
pub fn answer(session: &Session, code: &str, at: usize) -> Value {
    let (begin, end) = piece(code, at);
    let text = &code[begin..end];
    let found = match InputKind::of(text) {
        InputKind::Command => of_command(text),
        _ => of_rust(session, text, at - begin),
    };
    match found {
        Some((plain, html)) => json!({
            "status": "ok", "found": true, "metadata": {},
            "data": { "text/plain": plain, "text/html": html },
        }),
        None => json!({ "status": "ok", "found": false, "data": {}, "metadata": {} }),
    }
}

/// A command's own words, with its flags.
fn of_command(line: &str) -> Option<(String, String)> {
    let name = line.trim_start().trim_start_matches(':').split_whitespace().next()?;
    let vocabulary = vocabulary();
    let command = vocabulary.command(name)?;
    let mut text = format!(":{name}\n  {}\n", command.about);
    for flag in &command.flags {
        text += &format!("  {}  {}\n", flag.name, flag.about);
    }
    text += &format!("`:help {name}` says all of it.");
    let html = format!("<pre>{}</pre>", escaped(&text));
    Some((text, html))
}

fn of_rust(session: &Session, code: &str, at: usize) -> Option<(String, String)> {
    let until = Instant::now() + PATIENCE;
    let (begin, end) = word(code, at)?;
    if session.status() != Status::Ready {
        return None;
    }
    let name = &code[begin..end];
    let behind_a_dot = code[..begin].trim_end().ends_with(['.', ':']);
    // A session that is busy with something else, types for a completion say, is not waited for.
    let variables = session.variables_within(left(until))?;
    let variable = variables.into_iter().find(|v| v.name == name && !behind_a_dot);
    let about = variable.map(|v| described(session, &v.name, until).unwrap_or_else(|| plainly(&v.type_name)));
    // What stands behind the name may not be Rust yet.
    let docs = session.hover(&code[..end], end).recv_timeout(left(until)).ok().flatten();
    let docs = docs.filter(|(text, _)| !text.trim().is_empty() && text != NOTHING);
    let (mut plain, mut html) = (String::new(), String::new());
    if let Some(about) = about {
        let table = words::variables(&[(name.to_string(), about)]);
        plain += &table.text();
        html += &table.html();
    }
    if let Some((text, page)) = docs {
        plain += if plain.is_empty() { "" } else { "\n\n" };
        plain += &text;
        html += &page;
    }
    (!plain.is_empty()).then_some((plain, html))
}

/// The time until then.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// What only compiled code can say of a variable: shape, parameters, memory.
fn described(session: &Session, name: &str, until: Instant) -> Option<Described> {
    let code = format!(
        "{{\n    use selfsame::display::{{ViaParameters as _, ViaSummary as _, ViaType as _, Wrap}};\n    \
         selfsame::display::variables(&[({name:?}, (&&&Wrap(&{name})).described())]);\n}};"
    );
    let heard = session.eval_hidden(&code);
    let mut found = None;
    while let Ok(event) = heard.recv_timeout(left(until)) {
        match event {
            Event::Output(Output::Message(sent)) => {
                if let Message::Variables { variables } = sent.message {
                    found = variables.into_iter().next().map(|(_, about)| about);
                }
            }
            Event::Done(_) => break,
            _ => {}
        }
    }
    found
}

fn plainly(type_name: &str) -> Described {
    Described { type_name: type_name.to_string(), ..Described::default() }
}

/// The name the cursor is in or stands behind.
fn word(code: &str, at: usize) -> Option<(usize, usize)> {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    let before = code[..at].chars().rev().take_while(is_name).map(char::len_utf8).sum::<usize>();
    let after = code[at..].chars().take_while(is_name).map(char::len_utf8).sum::<usize>();
    // Inside the arguments of a call, the function is meant.
    if before + after == 0 {
        let open = code[..at].rfind('(').filter(|open| !code[*open..at].contains([')', ';']))?;
        return if open == 0 || open == at { None } else { word(code, open) };
    }
    Some((at - before, at + after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_at_the_cursor_is_meant_and_else_the_function_that_is_called() {
        let of = |code: &'static str, at| word(code, at).map(|(b, e)| &code[b..e]);
        assert_eq!(of("let größe = 1;", 6), Some("größe"));
        assert_eq!(of("x.len", 5), Some("len"));
        assert_eq!(of("nt_xent(a, ", 11), Some("nt_xent"));
        assert_eq!(of("f(a) ", 5), None);
        assert_eq!(of("( ", 2), None);
        assert_eq!(of("", 0), None);
    }

    #[test]
    fn commands_are_explained_without_a_session() {
        let (text, html) = of_command(":train simclr").unwrap_or_default();
        assert!(text.contains("--epochs") && html.starts_with("<pre>"), "{text}");
        assert_eq!(of_command(":nothing"), None);
    }
}
