//! The line editor put together, and the same program opened on a text of its own (`:edit`).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crossterm::event::{Event as RawEvent, KeyCode, KeyModifiers};
use nu_ansi_term::Style;
use reedline::{
    default_emacs_keybindings, default_vi_insert_keybindings, default_vi_normal_keybindings, ColumnarMenu,
    DescriptionMode, EditCommand, EditMode, Emacs, HistoryItem, IdeMenu, InputMode, Keybindings, ListMenu,
    MenuBuilder, PromptEditMode, Reedline, ReedlineEvent, ReedlineMenu, ReedlineRawEvent, Signal, Vi,
};
use tempfile::TempDir;

use super::completer::InputCompleter;
use super::config::{Config, EditStyle};
use super::highlighter::InputHighlighter;
use super::hinter::HistoryHinter;
use super::history::{default_file, Notice, Remembered};
use super::input::Input;
use super::line_source::{Event, LineSource};
use super::prompt::{SessionPrompt, Status};
use super::rust_completer::RustCompleter;
use super::terminal_mode::TerminalMode;
use super::theme::Theme;
use super::validator::InputValidator;
use super::vocabulary::Vocabulary;
use crate::output;

const COMPLETIONS: &str = "completions";
const HISTORY: &str = "history";
/// Terminals narrower than this get their completions in a list without explanations beside them.
const NARROW: usize = 50;
/// Times a terminal is asked again that does not say where its cursor is. Over slow lines answers come late.
const ATTEMPTS: usize = 3;
/// A larger paste is not put into the line: the editor would draw all of it at every key.
const MOST_PASTED: usize = 1 << 20;

/// What a text is called while another program edits it.
const EDITED: &str = "input.rs";

/// What the editor is made from.
pub struct Parts {
    /// Keys, colours, sizes.
    pub config: Config,
    /// Commands and names that are completed and coloured.
    pub vocabulary: Vocabulary,
    /// Who completes Rust.
    pub rust: Box<dyn RustCompleter>,
    /// What the engine is doing.
    pub status: Status,
    /// The folder that holds run folders.
    pub runs: PathBuf,
}

/// The line editor: inputs as they are typed.
pub struct Editor {
    line: Reedline,
    prompt: SessionPrompt,
    notice: Notice,
    pasted: Notice,
    /// Where the line is while another program edits it.
    _scratch: Option<TempDir>,
    /// Lines typed so far.
    lines: usize,
    /// Between two prompts, while an input is carried out.
    away: Option<TerminalMode>,
}

impl Editor {
    /// Puts the parts together. Reads the history; draws nothing yet.
    ///
    /// # Errors
    /// When not even a history in memory can be had.
    pub fn new(parts: Parts) -> io::Result<Editor> {
        let Parts { config, vocabulary, rust, status, runs } = parts;
        let coloured = output::coloured();
        let theme = Theme::new(config.theme.value, coloured);
        let session = Reedline::create_history_session_id();
        let file = default_file();
        let history = Remembered::open(file.as_deref(), session, config.history_size.value)?;
        let notice = history.notice();
        let pasted = Notice::default();
        let names: Vec<String> = vocabulary.commands.iter().map(|c| c.name.clone()).collect();
        let prompt = SessionPrompt::new(status.clone());
        let folder = std::env::current_dir().ok().map(|folder| folder.display().to_string());
        let mut line = Reedline::create()
            .with_ansi_colors(coloured)
            .use_bracketed_paste(true)
            .with_history(Box::new(history))
            .with_history_session_id(session)
            .with_history_exclusion_prefix(Some(" ".into()))
            .with_cwd(folder)
            .with_validator(Box::new(InputValidator))
            .with_highlighter(Box::new(InputHighlighter::new(theme, names)))
            .with_completer(Box::new(InputCompleter::new(vocabulary, rust, &runs)))
            .with_quick_completions(true)
            .with_menu(completions(&theme))
            .with_menu(history_menu(&theme))
            .with_edit_mode(keys(config.edit_mode.value, &pasted))
            .with_transient_prompt(Box::new(prompt.transient()));
        if config.hints.value {
            line = line.with_hinter(Box::new(HistoryHinter::new(theme.hint)));
        }
        // Without a folder of this user alone no other program is given the line: what comes back is run.
        let scratch = crate::private::scratch().ok();
        let command = program(&config).and_then(|program| command(&program));
        if let Some((command, folder)) = command.zip(scratch.as_ref()) {
            line = line.with_buffer_editor(command, folder.path().join(EDITED));
        }
        let repaint = line.repaint_signal();
        status.repaint_by(move || repaint.request_repaint());
        Ok(Editor { line, prompt, notice, pasted, _scratch: scratch, lines: 0, away: None })
    }

    /// Says what was found out meanwhile.
    fn tell(&self) {
        for text in [self.notice.take(), self.pasted.take()].into_iter().flatten() {
            output::note(&text);
        }
    }

    /// Reads a line. A terminal that does not answer in time is asked again.
    fn read(&mut self) -> io::Result<Signal> {
        let mut attempt = 1;
        loop {
            match self.line.read_line(&self.prompt) {
                Err(e) if attempt < ATTEMPTS && is_late(&e) => attempt += 1,
                // What was typed is still in the line.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    output::note(&format!(
                        "the editor does not start: {e}. Set $EDITOR, or 'editor' in the configuration file, and start again."
                    ));
                }
                Err(e) if is_late(&e) => {
                    let why = format!(
                        "the terminal does not say where its cursor is ({e}); TERM=dumb does without"
                    );
                    return Err(io::Error::new(e.kind(), why));
                }
                read => return read,
            }
        }
    }
}

/// Whether the terminal did not say in time where its cursor is.
fn is_late(error: &io::Error) -> bool {
    error.to_string().contains("cursor position could not be read")
}

impl LineSource for Editor {
    fn next(&mut self) -> io::Result<Event> {
        self.away = None;
        loop {
            self.tell();
            let signal = self.read()?;
            self.tell();
            match signal {
                Signal::Success(text) if text.trim().is_empty() => {}
                Signal::Success(text) => {
                    let line = self.lines + 1;
                    self.lines += text.lines().count();
                    self.away = TerminalMode::keys_wait();
                    return Ok(Event::Input(Input { text: text.trim_end().to_string(), line }));
                }
                Signal::CtrlC => return Ok(Event::Interrupted),
                _ => return Ok(Event::End),
            }
        }
    }

    fn name(&self) -> &str {
        "prompt"
    }

    fn prefill(&mut self, text: &str) {
        self.line.run_edit_commands(&[EditCommand::Clear, EditCommand::InsertString(text.to_string())]);
    }

    fn finished(&mut self, duration: Duration, succeeded: bool) {
        if self.line.has_last_command_context() {
            let status = i64::from(!succeeded);
            let update = |item| HistoryItem { duration: Some(duration), exit_status: Some(status), ..item };
            // A history that cannot be written has said so already.
            let _ = self.line.update_last_command_context(&update);
        }
    }
}

fn completions(theme: &Theme) -> ReedlineMenu {
    let narrow = crate::face::columns() < NARROW;
    ReedlineMenu::EngineCompleter(if narrow {
        Box::new(styled(ColumnarMenu::default().with_columns(1), COMPLETIONS, theme))
    } else {
        let menu = IdeMenu::default()
            .with_max_completion_width(40)
            .with_max_completion_height(12)
            .with_padding(1)
            .with_description_mode(DescriptionMode::PreferRight)
            .with_min_description_width(20)
            .with_max_description_width(70)
            .with_description_offset(1);
        Box::new(styled(menu, COMPLETIONS, theme))
    })
}

fn history_menu(theme: &Theme) -> ReedlineMenu {
    ReedlineMenu::HistoryMenu(Box::new(
        ListMenu::default()
            .with_name(HISTORY)
            .with_marker("? ")
            .with_page_size(10)
            .with_text_style(Style::new())
            .with_selected_text_style(Style::new().reverse())
            .with_description_text_style(theme.comment),
    ))
}

/// Looks that need no colour: what is chosen is reversed, what was typed is bold.
fn styled<M: MenuBuilder>(menu: M, name: &str, theme: &Theme) -> M {
    menu.with_name(name)
        .with_marker("> ")
        .with_input_mode(InputMode::FullBuffer)
        .with_word_chars("_:-./~=")
        .with_text_style(Style::new())
        .with_match_text_style(Style::new().bold())
        .with_selected_text_style(Style::new().reverse())
        .with_selected_match_text_style(Style::new().reverse().bold())
        .with_description_text_style(theme.comment)
}

fn keys(style: EditStyle, pasted: &Notice) -> Box<dyn EditMode> {
    match style {
        EditStyle::Emacs => {
            let mut keys = default_emacs_keybindings();
            bind(&mut keys);
            Box::new(Careful { keys: Emacs::new(keys), pasted: pasted.clone() })
        }
        EditStyle::Vi => {
            let (mut insert, mut normal) = (default_vi_insert_keybindings(), default_vi_normal_keybindings());
            bind(&mut insert);
            normal.add_binding(
                KeyModifiers::CONTROL,
                KeyCode::Char('r'),
                ReedlineEvent::Menu(HISTORY.into()),
            );
            Box::new(Vi::new(insert, normal, reedline::default_vi_visual_keybindings()))
        }
    }
}

fn bind(keys: &mut Keybindings) {
    let menu = |name: &str| ReedlineEvent::Menu(name.to_string());
    let tab = ReedlineEvent::UntilFound(vec![menu(COMPLETIONS), ReedlineEvent::MenuNext]);
    let newline = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    let search = ReedlineEvent::UntilFound(vec![menu(HISTORY), ReedlineEvent::MenuPageNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, tab);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, newline.clone());
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::Enter, newline);
    keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('r'), search);
    keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('o'), ReedlineEvent::OpenEditor);
}

/// Keys as they are, pastes only as far as the editor can draw them. Vi's modes cannot be wrapped: how they change is told
/// in a type that reedline keeps to itself.
struct Careful {
    keys: Emacs,
    pasted: Notice,
}

impl EditMode for Careful {
    fn parse_event(&mut self, event: ReedlineRawEvent) -> ReedlineEvent {
        let raw = RawEvent::from(event);
        if let RawEvent::Paste(text) = &raw {
            if text.len() > MOST_PASTED {
                let said = format!(
                    "a paste of {:.1} MB is left out; put it into a file and ':run' that",
                    text.len() as f64 / 1e6
                );
                self.pasted.leave(said);
                // The words come when this line has been left: nothing may be printed into the prompt.
                return ReedlineEvent::CtrlC;
            }
        }
        match ReedlineRawEvent::try_from(raw) {
            Ok(event) => self.keys.parse_event(event),
            Err(()) => ReedlineEvent::None,
        }
    }

    fn edit_mode(&self) -> PromptEditMode {
        self.keys.edit_mode()
    }
}

/// The user's editor, as it was set: the configuration, then VISUAL, then EDITOR, then what the system has.
pub fn program(config: &Config) -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let usual = || if cfg!(windows) { "notepad".to_string() } else { "vi".to_string() };
    let set = config.editor.value.clone().or_else(|| variable("VISUAL")).or_else(|| variable("EDITOR"));
    Some(set.unwrap_or_else(usual))
}

/// A program with its arguments, quoted as in a shell.
fn command(program: &str) -> Option<Command> {
    let words = shell_words::split(program).ok()?;
    let (name, arguments) = words.split_first()?;
    let mut command = Command::new(name);
    command.args(arguments);
    Some(command)
}

/// Opens `text` in the user's editor and gives back what it was made into.
///
/// # Errors
/// An editor that does not start or ends with an error; a file that cannot be written or read.
pub fn edit(text: &str, config: &Config) -> io::Result<String> {
    // What comes back is run: nobody else may write there, nor read. The editor's own files beside it go too.
    let folder = crate::private::scratch()?;
    edit_in(text, config, &folder.path().join(EDITED))
}

fn edit_in(text: &str, config: &Config, file: &Path) -> io::Result<String> {
    crate::private::writing().create_new(true).open(file)?.write_all(text.as_bytes())?;
    let program = program(config).unwrap_or_default();
    let mut command = command(&program)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("'{program}' is no command")))?;
    let _lent = TerminalMode::usual();
    let status = command
        .arg(file)
        .status()
        .map_err(|e| io::Error::new(e.kind(), format!("the editor '{program}' does not start: {e}")))?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "the editor '{program}' ended with {status}; nothing is changed"
        )));
    }
    Ok(fs::read_to_string(file)?.trim_end().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::config::Origin;
    use super::*;

    fn with_editor(program: &str) -> Config {
        let mut config = Config::default();
        config.set("editor", program, Origin::Session).unwrap();
        config
    }

    #[test]
    #[cfg(unix)]
    fn a_text_comes_back_as_the_editor_leaves_it() {
        let config = with_editor("sh -c 'echo \"let y = 2;\" >> \"$1\"' --");
        assert_eq!(edit("let x = 1;\n", &config).unwrap(), "let x = 1;\nlet y = 2;");
        let said = edit("x", &with_editor("false")).unwrap_err().to_string();
        assert!(said.contains("'false' ended with") && said.contains("nothing is changed"), "{said}");
        let said = edit("x", &with_editor("no-such-editor")).unwrap_err().to_string();
        assert!(said.contains("the editor 'no-such-editor' does not start"), "{said}");
        assert!(edit("x", &with_editor("'")).unwrap_err().to_string().contains("is no command"));
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_can_write_what_is_edited() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let program = format!(
            "sh -c 'stat -c %a \"$1\" \"$(dirname \"$1\")\" > {}; echo $1 >> {}' --",
            seen.display(),
            seen.display()
        );
        let mut paths = Vec::new();
        for _ in 0..2 {
            edit("let x = 1;", &with_editor(&program)).unwrap();
            let said = fs::read_to_string(&seen).unwrap();
            let [file, above, path] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
            assert_eq!((file, above), ("600", "700"));
            assert!(!Path::new(path).parent().unwrap().exists(), "{path} is left behind");
            paths.push(path.to_string());
        }
        assert_ne!(paths[0], paths[1], "nobody knows the name before");
    }

    #[test]
    fn a_huge_paste_is_left_out_and_a_small_one_goes_in() {
        let pasted = Notice::default();
        let mut careful = keys(EditStyle::Emacs, &pasted);
        let mut paste = |text: String| careful.parse_event(RawEvent::Paste(text).try_into().unwrap());
        assert!(matches!(paste("let x".into()), ReedlineEvent::Edit(_)));
        assert_eq!(pasted.take(), None);
        assert!(matches!(paste("x".repeat(MOST_PASTED + 1)), ReedlineEvent::CtrlC));
        assert!(pasted.take().unwrap().contains("1.0 MB is left out"));
    }

    #[test]
    fn only_a_late_cursor_is_asked_for_again() {
        assert!(is_late(&io::Error::other("The cursor position could not be read within a normal duration")));
        assert!(!is_late(&io::Error::other("broken pipe")));
    }
}
