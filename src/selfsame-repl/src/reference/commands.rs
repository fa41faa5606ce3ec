//! Every command with its options, as `--help` shows them.

use clap::CommandFactory;

/// Columns of a help text: what fits a page.
const WIDTH: usize = 96;

/// The page.
pub(super) fn page() -> String {
    let mut program = crate::args::Arguments::command().term_width(WIDTH).disable_help_subcommand(true);
    program.build();
    let names: Vec<String> = program
        .get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help")
        .map(|c| c.get_name().to_string())
        .collect();
    let mut text = String::from(
        "# Command reference\n\nWhat `selfsame COMMAND --help` prints, for every command. At the prompt and in notebooks the same commands \
         begin with a colon: `:train simclr digits`.\n\n",
    );
    let list = names.iter().map(|name| {
        let about = program.find_subcommand(name).and_then(|c| c.get_about()).map(ToString::to_string);
        vec![format!("[`{name}`](#{name})"), super::cell(&about.unwrap_or_default())]
    });
    text += &super::table(&["command", "what it does"], list.collect::<Vec<_>>());
    for name in &names {
        let Some(command) = program.find_subcommand_mut(name) else { continue };
        text += &format!("\n## {name}\n\n```text\n{}\n```\n", help(command));
        let parts: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_string()).collect();
        for part in parts.iter().filter(|part| *part != "help") {
            if let Some(command) = command.find_subcommand_mut(part) {
                text += &format!("\n### {name} {part}\n\n```text\n{}\n```\n", help(command));
            }
        }
    }
    text
}

fn help(command: &mut clap::Command) -> String {
    let text = command.render_long_help().to_string();
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
