//! What can be typed at the prompt and in a notebook's cell, and what can be set.

use super::{cell, table};
use crate::editor::KEYS;

/// The page.
pub(super) fn page() -> String {
    let commands = crate::repl::commands().iter().map(|command| {
        let call = format!("`:{}`", format!("{} {}", command.name, command.takes).trim_end());
        let also: Vec<String> = command.aliases.iter().map(|name| format!("`:{name}`")).collect();
        let also = if also.is_empty() { String::new() } else { format!("; also {}", also.join(", ")) };
        vec![
            call.replace('|', "\\|"),
            cell(command.about) + &also,
            format!("`{}`", command.example).replace('|', "\\|"),
        ]
    });
    let keys = KEYS.iter().map(|key| {
        vec![format!("`{}`", key.name), cell(key.about), cell(key.expected), format!("`{}`", key.variable())]
    });
    format!(
        "# Prompt reference\n\nEvery command of the prompt and of notebooks. What does not begin with `:`, `!` or `?` is Rust.\n\n\
         ## Commands\n\n{}\n`?NAME` is short for `:doc NAME`. `!LINE` goes to the system's shell.\n\n## Configuration\n\n\
         `selfsame/config.toml` in the user's configuration folder (on Linux `~/.config`); `SELFSAME_CONFIG` names another \
         file. A variable of the environment wins over the file, `:config NAME VALUE` over both. {} \
         are read when the program starts; `:config` sets the others.\n\n{}",
        table(&["command", "what it does", "for example"], commands.collect::<Vec<_>>()),
        KEYS.iter().filter(|key| key.at_start).map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", "),
        table(&["key", "what it is", "values", "variable"], keys.collect::<Vec<_>>()),
    )
}
