//! The prompt: a short word at the left, what the engine is doing at the right.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use nu_ansi_term::Color;
use reedline::{Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, PromptViMode};

/// Terminals narrower than this get a prompt of two characters, and none at the right.
const NARROW: u16 = 50;

/// What the engine is doing, in words; set from any thread, shown at the right of the prompt at once.
#[derive(Clone, Default)]
pub struct Status(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    text: String,
    repaint: Option<Box<dyn Fn() + Send>>,
}

impl Status {
    /// Nothing to show.
    pub fn new() -> Status {
        Status::default()
    }

    /// Shows `text` from now on; nothing when it is empty.
    pub fn set(&self, text: impl Into<String>) {
        let (text, mut shown) = (text.into(), self.shown());
        if shown.text != text {
            shown.text = text;
            if let Some(repaint) = &shown.repaint {
                repaint();
            }
        }
    }

    /// What is shown.
    pub fn text(&self) -> String {
        self.shown().text.clone()
    }

    /// Tells the editor by `repaint` when the text changes.
    pub(super) fn repaint_by(&self, repaint: impl Fn() + Send + 'static) {
        self.shown().repaint = Some(Box::new(repaint));
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The prompt while a line is typed, and the shorter one that stays behind when it has been.
#[derive(Clone)]
pub struct SessionPrompt {
    status: Status,
    transient: bool,
    /// The terminal's width; asked for anew each time when `None`.
    width: Option<u16>,
}

impl SessionPrompt {
    /// The prompt with `status` at its right.
    pub fn new(status: Status) -> SessionPrompt {
        SessionPrompt { status, transient: false, width: None }
    }

    /// The same prompt as it stays in the scrollback: without what was only true at the time.
    pub fn transient(&self) -> SessionPrompt {
        SessionPrompt { transient: true, ..self.clone() }
    }

    fn width(&self) -> u16 {
        self.width.unwrap_or_else(|| u16::try_from(crate::face::columns()).unwrap_or(u16::MAX))
    }

    fn is_narrow(&self) -> bool {
        self.width() < NARROW
    }
}

impl Prompt for SessionPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.is_narrow() { "" } else { "selfsame" })
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        let text = self.status.text();
        // The left half of the line belongs to what is typed.
        let room = text.chars().count() < usize::from(self.width()) / 2;
        if self.transient || self.is_narrow() || !room {
            return Cow::Borrowed("");
        }
        Cow::Owned(text)
    }

    fn render_prompt_indicator(&self, mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(match mode {
            _ if self.transient => "> ",
            PromptEditMode::Vi(PromptViMode::Normal) => ": ",
            PromptEditMode::Vi(PromptViMode::Visual) => "v ",
            _ => "> ",
        })
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.is_narrow() { ". " } else { "........> " })
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing with ",
        };
        Cow::Owned(format!("({found}'{}') ", search.term))
    }

    // The terminal's own colours: they are readable on its own background.
    fn get_prompt_color(&self) -> Color {
        Color::Cyan
    }

    fn get_prompt_multiline_color(&self) -> Color {
        Color::Cyan
    }

    fn get_indicator_color(&self) -> Color {
        Color::Cyan
    }

    fn get_prompt_right_color(&self) -> Color {
        Color::Default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(width: u16, status: &str, transient: bool) -> (String, String) {
        let handle = Status::new();
        handle.set(status);
        let prompt = SessionPrompt { status: handle, transient, width: Some(width) };
        let left = format!(
            "{}{}",
            prompt.render_prompt_left(),
            prompt.render_prompt_indicator(PromptEditMode::Emacs)
        );
        // What goes on must stand under what began.
        assert_eq!(left.len(), prompt.render_prompt_multiline_indicator().len());
        (left, prompt.render_prompt_right().into_owned())
    }

    #[test]
    fn the_prompt_fits_the_terminal() {
        let both = |left: &str, right: &str| (left.to_string(), right.to_string());
        assert_eq!(rendered(80, "compiling 34 %", false), both("selfsame> ", "compiling 34 %"));
        assert_eq!(rendered(80, "compiling 34 %", true), both("selfsame> ", ""));
        assert_eq!(rendered(20, "compiling 34 %", false), both("> ", ""));
        assert_eq!(rendered(60, &"long ".repeat(9), false), both("selfsame> ", ""));
    }

    #[test]
    fn a_change_of_status_asks_for_a_repaint_once() {
        let status = Status::new();
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        status.repaint_by(move || *count.lock().unwrap_or_else(PoisonError::into_inner) += 1);
        status.set("ready");
        status.set("ready");
        assert_eq!(*asked.lock().unwrap_or_else(PoisonError::into_inner), 1);
        assert_eq!(status.text(), "ready");
    }
}
