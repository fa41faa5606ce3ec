//! Commands that look into the session.

use super::super::shell::{Flow, Shell};
use crate::engine::Fault;

/// `:vars`
pub(super) fn vars(shell: &mut Shell, _: &str) -> Flow {
    if !shell.ready() {
        return Flow::Failed;
    }
    let variables = shell.session().variables();
    if variables.is_empty() {
        shell.screen.note("No variables yet. `let x = 1;` makes one, `:train simclr digits` binds `run`.");
        return Flow::Go;
    }
    // One cell looks at all of them, because only compiled code can.
    let each = variables.iter().map(|v| format!("({0:?}, (&&&Wrap(&{0})).described())", v.name));
    let code = format!(
        "{{\n    use selfsame::display::{{ViaParameters as _, ViaSummary as _, ViaType as _, Wrap}};\n    \
         selfsame::display::variables(&[{}]);\n}};",
        each.collect::<Vec<_>>().join(", ")
    );
    ended(shell, &code)
}

/// `:type EXPRESSION`
pub(super) fn type_of(shell: &mut Shell, rest: &str) -> Flow {
    if rest.is_empty() {
        return wants(shell, "an expression", ":type 1 + 1");
    }
    ended(shell, &format!("println!(\"{{}}\", selfsame::display::short_type_of(&({rest})));"))
}

/// `:doc NAME`
pub(super) fn doc(shell: &mut Shell, rest: &str) -> Flow {
    if rest.is_empty() {
        return wants(shell, "a name", ":doc nt_xent");
    }
    if let Some(command) = rest.strip_prefix(':') {
        return super::listing::help(shell, command);
    }
    if !shell.ready() {
        return Flow::Failed;
    }
    let found = shell.session().hover(rest, rest.len());
    match found.recv() {
        Ok(Some((text, _))) if text != "No documentation found" => {
            for line in text.lines() {
                shell.screen.line(line);
            }
            Flow::Go
        }
        _ => {
            shell.screen.failure(&format!(
                "nothing is known of `{rest}`. Names of the standard library need its sources: `rustup component add rust-src`."
            ));
            Flow::Failed
        }
    }
}

/// `:dep NAME = VERSION`
pub(super) fn dep(shell: &mut Shell, rest: &str) -> Flow {
    if rest.is_empty() {
        return wants(shell, "a crate", ":dep itertools = \"0.14\"");
    }
    let name = asked_for(rest);
    // A notebook for the stock kernel begins with this line; here there is nothing left to do.
    if name == "selfsame" {
        shell.screen.note("The session has selfsame already, and dfdx as selfsame::dfdx.");
        return Flow::Go;
    }
    if name == "dfdx" {
        shell.screen.note(
            "The session has selfsame, and dfdx as selfsame::dfdx. A second copy would number its tensors anew and mix up gradients.",
        );
        return Flow::Failed;
    }
    ended(shell, &format!(":dep {rest}"))
}

/// The crate that `NAME = VERSION` asks for, whatever name the cells give it.
fn asked_for(dependency: &str) -> String {
    let table = dependency.parse::<toml::Table>().unwrap_or_default();
    let package = table.values().next().and_then(|value| value.get("package")).and_then(toml::Value::as_str);
    package.or(dependency.split(['=', ' ']).next()).unwrap_or_default().to_string()
}

/// Runs a cell of ours and shows its output.
pub(super) fn ended(shell: &mut Shell, code: &str) -> Flow {
    match shell.hidden(code, true) {
        Ok(()) => Flow::Go,
        Err(fault) => failed(shell, fault),
    }
}

pub(super) fn failed(shell: &mut Shell, fault: Fault) -> Flow {
    // The places are in our code, not in the user's.
    shell.screen.fault(&Fault { spots: Vec::new(), ..fault.clone() }, "");
    shell.last_fault = Some(fault);
    Flow::Failed
}

pub(super) fn wants(shell: &mut Shell, what: &str, example: &str) -> Flow {
    shell.screen.failure(&format!("this command takes {what}, as in `{example}`."));
    Flow::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_known_under_another_name() {
        for line in ["dfdx", "dfdx = \"=0.13.0\"", "tensors = { package = \"dfdx\", version = \"0.13\" }"] {
            assert_eq!(asked_for(line), "dfdx");
        }
        assert_eq!(asked_for("itertools = { version = \"0.14\" }"), "itertools");
    }
}
