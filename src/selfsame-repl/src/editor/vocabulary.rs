//! What can be typed after a `:command`: its flags, and what kind of value stands where.

use clap::builder::ValueParser;

/// A kind of value; what it can be is looked up when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Values {
    /// Anything: nothing is proposed.
    #[default]
    Any,
    /// An objective.
    Methods,
    /// A data set, as `mnist:DIR` with its folder.
    Data,
    /// An encoder.
    Encoders,
    /// A run folder.
    Runs,
    /// A file or folder.
    Files,
    /// The name of a command.
    Commands,
    /// Rust, to the end of the line.
    Rust,
    /// One of these.
    OneOf(Vec<String>),
}

/// A flag of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// With its dashes.
    pub name: String,
    /// What it does, in a line.
    pub about: String,
    /// The kind of its value; `None` where it takes none.
    pub value: Option<Values>,
}

/// A command and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandWords {
    /// Its name, without a colon.
    pub name: String,
    /// What it does, in a line.
    pub about: String,
    /// What stands where, the last for all that follow when `repeats`.
    pub arguments: Vec<Values>,
    /// Whether the last argument can be given again and again.
    pub repeats: bool,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// Commands of its own: `data info`.
    pub commands: Vec<CommandWords>,
}

impl CommandWords {
    /// A command without flags.
    pub fn new(name: &str, about: &str, arguments: &[Values]) -> CommandWords {
        CommandWords {
            name: name.into(),
            about: about.into(),
            arguments: arguments.to_vec(),
            ..CommandWords::default()
        }
    }

    /// What clap knows of a command. The kind of a value is told by the argument's name and the type it is read as.
    pub fn from_clap(command: &clap::Command) -> CommandWords {
        let about = |text: Option<&clap::builder::StyledStr>| {
            text.map_or(String::new(), |s| s.to_string().lines().next().unwrap_or_default().to_string())
        };
        let takes =
            |arg: &clap::Arg| matches!(arg.get_action(), clap::ArgAction::Set | clap::ArgAction::Append);
        let flag = |arg: &clap::Arg| {
            Some(Flag {
                name: format!("--{}", arg.get_long()?),
                about: about(arg.get_help()),
                value: takes(arg).then(|| values(arg)),
            })
        };
        let last = command.get_positionals().last();
        CommandWords {
            name: command.get_name().to_string(),
            about: about(command.get_about()),
            arguments: command.get_positionals().map(values).collect(),
            repeats: last.is_some_and(|arg| matches!(arg.get_action(), clap::ArgAction::Append)),
            flags: command.get_arguments().filter_map(flag).collect(),
            commands: command.get_subcommands().map(CommandWords::from_clap).collect(),
        }
    }

    /// The flag of that name.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// The kind of the argument at `position`, counted without flags.
    pub fn argument(&self, position: usize) -> Values {
        match self.arguments.get(position) {
            Some(values) => values.clone(),
            None if self.repeats => self.arguments.last().cloned().unwrap_or_default(),
            None => Values::Any,
        }
    }
}

fn values(arg: &clap::Arg) -> Values {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        return Values::OneOf(possible.iter().map(|v| v.get_name().to_string()).collect());
    }
    match arg.get_id().as_str() {
        "method" => Values::Methods,
        "data" => Values::Data,
        "encoder" => Values::Encoders,
        "run" | "runs" | "resume" => Values::Runs,
        _ if arg.get_value_parser().type_id() == ValueParser::path_buf().type_id() => Values::Files,
        _ => Values::Any,
    }
}

/// Everything that is proposed without asking the session.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// The commands.
    pub commands: Vec<CommandWords>,
    /// Names of objectives.
    pub methods: Vec<String>,
    /// Names of encoders.
    pub encoders: Vec<String>,
    /// Data sets in the forms commands take: `digits`, `mnist:DIR`.
    pub data: Vec<String>,
}

impl Vocabulary {
    /// The command of that name.
    pub fn command(&self, name: &str) -> Option<&CommandWords> {
        self.commands.iter().find(|command| command.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_tells_flags_values_and_commands() {
        let eval = clap::Command::new("eval")
            .about("Score a run\n\nMore.")
            .arg(clap::Arg::new("run").action(clap::ArgAction::Append))
            .arg(clap::Arg::new("data").long("data").help("On other data"))
            .arg(clap::Arg::new("save").long("save").value_parser(clap::value_parser!(std::path::PathBuf)))
            .arg(clap::Arg::new("device").long("device").value_parser(["cpu", "cuda"]))
            .arg(clap::Arg::new("json").long("json").action(clap::ArgAction::SetTrue))
            .subcommand(clap::Command::new("again"));
        let words = CommandWords::from_clap(&eval);
        assert_eq!((words.about.as_str(), words.repeats), ("Score a run", true));
        assert_eq!((words.argument(0), words.argument(9)), (Values::Runs, Values::Runs));
        let value = |flag: &str| words.flag(flag).and_then(|f| f.value.clone());
        assert_eq!(value("--data"), Some(Values::Data));
        assert_eq!(value("--save"), Some(Values::Files));
        assert_eq!(value("--device"), Some(Values::OneOf(vec!["cpu".into(), "cuda".into()])));
        assert_eq!(value("--json"), None);
        assert_eq!(words.commands[0].name, "again");
    }
}
