//! Pages of the book that the program writes about itself, so that they say what it does.

mod commands;
mod prompt;
mod settings;

use selfsame::Error;

/// A page: its file's name and its Markdown.
pub type Page = (&'static str, String);

/// What stands in each file, for whoever opens it to change it.
const MADE: &str =
    "<!-- Made by `selfsame reference --to book/src/reference`: change the program, not this page. -->\n\n";

/// Every page.
///
/// # Errors
/// A preset that does not resolve.
pub fn pages() -> Result<Vec<Page>, Error> {
    let pages = [
        ("commands.md", commands::page()),
        ("settings.md", settings::page()?),
        ("prompt.md", prompt::page()),
    ];
    Ok(pages.into_iter().map(|(name, text)| (name, format!("{MADE}{}\n", text.trim_end()))).collect())
}

/// Text for a cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

/// A table in Markdown.
fn table(headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
    let rule = vec!["---".to_string(); headers.len()];
    let rows = rows.into_iter().map(|row| line(&row)).collect::<String>();
    format!("{}{}{rows}", line(&headers), line(&rule))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_command_setting_and_objective_is_on_a_page() {
        let pages = pages().unwrap();
        let page = |name: &str| pages.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        let commands = page("commands.md");
        for command in <crate::args::Arguments as clap::CommandFactory>::command().get_subcommands() {
            let heading = format!("\n## {}\n", command.get_name());
            assert_eq!(commands.contains(&heading), !command.is_hide_set(), "{heading}");
        }
        let settings = page("settings.md");
        for method in selfsame::presets::METHODS {
            assert!(settings.contains(&format!("\n### {method}\n")), "{method}");
        }
        let prompt = page("prompt.md");
        for colon in crate::repl::commands() {
            assert!(prompt.contains(&format!("`:{}", colon.name)), "{}", colon.name);
        }
        for (name, text) in &pages {
            assert!(!text.contains("target/") && text.ends_with('\n') && !text.contains(" \n"), "{name}");
        }
    }

    #[test]
    fn tables_keep_their_columns() {
        let text = table(&["a", "b"], [vec!["1".into(), cell("x | <y>")]]);
        assert_eq!(text, "| a | b |\n| --- | --- |\n| 1 | x \\| &lt;y> |\n");
    }
}
