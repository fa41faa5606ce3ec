//! Commands that show what is known.

use super::super::shell::{Flow, Shell};
use super::registry::{all, find};
use crate::editor::{default_history_file, search, Origin, Remembered, Search, KEYS};

/// `:help [COMMAND]`
pub(super) fn help(shell: &mut Shell, rest: &str) -> Flow {
    let name = rest.trim_start_matches(':');
    if name.is_empty() {
        let width = all().iter().map(|c| c.name.len() + c.takes.len()).max().unwrap_or(0).min(34);
        for command in all() {
            let call = format!("{} {}", command.name, command.takes);
            shell.screen.line(&format!(":{call:width$}  {}", command.about));
        }
        shell.screen.line("");
        shell.screen.line("Everything else is Rust, with selfsame::prelude::* in scope; ?NAME explains one, !LINE is for the shell.");
        shell.screen.line(
            "Ctrl-C asks what runs to stop and keeps what it has; twice ends it by force. Ctrl-D leaves.",
        );
        return Flow::Go;
    }
    let Some(command) = find(name) else { return super::run(shell, name) };
    shell.screen.line(&format!(":{} {}", command.name, command.takes));
    shell.screen.line(&format!("  {}.", command.about));
    if !command.aliases.is_empty() {
        shell.screen.line(&format!("  Also :{}.", command.aliases.join(", :")));
    }
    shell.screen.line(&format!("  Example: {}", command.example));
    let programs = <crate::args::Arguments as clap::CommandFactory>::command();
    if let Some(program) = programs.get_subcommands().find(|p| p.get_name() == command.name) {
        shell.screen.line("");
        let mut program = program.clone().bin_name(format!(":{}", command.name)).disable_help_flag(true);
        for line in program.render_long_help().to_string().lines() {
            shell.screen.line(line);
        }
    }
    Flow::Go
}

/// Inputs of earlier sessions that `:history --all` shows.
const PAST: usize = 200;

/// `:history [--all] [TEXT]`
pub(super) fn history(shell: &mut Shell, rest: &str) -> Flow {
    if let Some(text) = rest.strip_prefix("--all") {
        return earlier(shell, text.trim());
    }
    let found: Vec<(usize, String)> = shell
        .inputs
        .iter()
        .enumerate()
        .filter(|(_, input)| input.contains(rest))
        .map(|(number, input)| (number + 1, input.clone()))
        .collect();
    if found.is_empty() {
        shell.screen.note("No input like that in this session; `:history --all TEXT` looks in earlier ones, as does Ctrl-R.");
    }
    for (number, input) in found {
        for (at, line) in input.lines().enumerate() {
            let label = if at == 0 { number.to_string() } else { String::new() };
            shell.screen.line(&format!("{label:>4}  {line}"));
        }
    }
    Flow::Go
}

/// What was typed in this folder, in any session.
fn earlier(shell: &mut Shell, text: &str) -> Flow {
    let folder = std::env::current_dir().ok();
    let found = Remembered::open(default_history_file().as_deref(), None, shell.config.history_size.value)
        .and_then(|past| {
            let text = (!text.is_empty()).then_some(text);
            search(&past, &Search { text, folder: folder.as_deref(), session: None, limit: PAST })
        });
    match found {
        Ok(found) => {
            for past in found {
                let mark = if past.succeeded == Some(false) { "!" } else { " " };
                let took = past.took.map_or(String::new(), |t| format!("{:.1} s", t.as_secs_f64()));
                past.text.lines().enumerate().for_each(|(at, line)| {
                    let label = if at == 0 { took.as_str() } else { "" };
                    shell.screen.line(&format!("{label:>8} {mark} {line}"));
                });
            }
            Flow::Go
        }
        Err(e) => {
            shell.screen.failure(&format!("the history cannot be read: {e}"));
            Flow::Failed
        }
    }
}

/// `:show rust`
pub(super) fn show(shell: &mut Shell, rest: &str) -> Flow {
    if rest != "rust" {
        return super::cells::wants(shell, "the word rust", ":show rust");
    }
    match shell.last_rust.clone() {
        Some(code) => code.lines().for_each(|line| shell.screen.line(line)),
        None => {
            shell.screen.note("No command of this session stands for Rust yet; `:train simclr digits` does.")
        }
    }
    Flow::Go
}

/// `:why`
pub(super) fn why(shell: &mut Shell, _: &str) -> Flow {
    let Some(fault) = shell.last_fault.clone() else {
        shell.screen.note("Nothing has gone wrong in this session.");
        return Flow::Go;
    };
    let text = if fault.detail.is_empty() { fault.to_string() } else { fault.detail };
    text.lines().for_each(|line| shell.screen.line(line));
    Flow::Go
}

/// `:config NAME VALUE`
fn set(shell: &mut Shell, name: &str, value: &str) -> Flow {
    let mut changed = shell.config.clone();
    if let Err(expected) = changed.set(name, value, Origin::Session) {
        shell.screen.failure(&format!("{name} is '{value}'. Expected {expected}."));
        return Flow::Failed;
    }
    if let Some(key) = KEYS.iter().find(|key| key.name == name && key.at_start) {
        let file = changed.file.map_or("the configuration file".into(), |file| file.display().to_string());
        shell.screen.failure(&format!(
            "{name} is read when the program starts. Set it in {file}, or as {} in the environment, and start again.",
            key.variable()
        ));
        return Flow::Failed;
    }
    let flow = match name {
        "threads" => super::session::threads(shell, value),
        "seed" => super::session::seed(shell, value),
        _ => {
            shell.config = changed;
            Flow::Go
        }
    };
    shell.screen.note("Set for this session.");
    flow
}

/// `:config [NAME VALUE]`
pub(super) fn config(shell: &mut Shell, rest: &str) -> Flow {
    if let Some((name, value)) = rest.split_once(char::is_whitespace) {
        return set(shell, name, value.trim());
    }
    let mut table = selfsame::plot::Table::new(["setting", "value", "from", "what it is"]);
    for (key, value, origin) in shell.config.rows() {
        table.row([key.name.to_string(), value, origin.to_string(), key.about.to_string()]);
    }
    table.text().lines().for_each(|line| shell.screen.line(line));
    if let Some(file) = &shell.config.file {
        shell.screen.line(&format!("The file is {}; a variable SELFSAME_NAME wins over it.", file.display()));
    }
    Flow::Go
}
