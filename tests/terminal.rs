//! A real terminal: the program in a tmux window, keys in, the screen out.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::skip::skip;

/// A window with the program in it.
pub struct Terminal {
    socket: String,
}

/// Whether there is a tmux here; says so when there is not, so that no test passes in silence.
pub fn available() -> bool {
    let found = Command::new("tmux").arg("-V").output().is_ok_and(|out| out.status.success());
    if !found {
        skip("tmux is not installed");
    }
    found
}

impl Terminal {
    /// Starts `command` in `folder`, in a window of `columns` x `rows`.
    pub fn start(
        command: &str,
        folder: &Path,
        size: (usize, usize),
        environment: &[(&str, &str)],
    ) -> Terminal {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let socket =
            format!("selfsame-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let terminal = Terminal { socket };
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        let mut words = vec!["new-session", "-d", "-x", &columns, "-y", &rows, "-c"];
        let folder = folder.display().to_string();
        words.push(&folder);
        let variables: Vec<String> =
            environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for variable in &variables {
            words.extend(["-e", variable]);
        }
        words.push(command);
        terminal.tmux(&words);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        // Whatever the locale says, and for users whose shell lets nobody in.
        let mut tmux = Command::new("tmux");
        tmux.args(["-u", "-L", &self.socket]).args(words).env("SHELL", "/bin/sh");
        let out = tmux.output().expect("tmux runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// What stands on the screen and has scrolled out of it, lines that were broken put together again.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-2000"])
    }

    /// Types `text` and Enter.
    pub fn enter(&self, text: &str) {
        // At the end of an argument a semicolon is tmux's own, unless it is escaped.
        let text = match text.strip_suffix(';') {
            Some(rest) => format!("{rest}\\;"),
            None => text.to_string(),
        };
        self.tmux(&["send-keys", "-l", &text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Presses a key by tmux's name for it: `Enter`, `C-c`, `Tab`.
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Gives the window another size.
    pub fn resize(&self, columns: usize, rows: usize) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Waits until the screen is as wanted, and gives it.
    #[track_caller]
    pub fn until(&self, what: &str, seconds: u64, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < Duration::from_secs(seconds), "no {what} in {seconds} s:\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until `text` has come `times` times.
    #[track_caller]
    pub fn shows(&self, text: &str, times: usize, seconds: u64) -> String {
        self.until(text, seconds, |screen| screen.matches(text).count() >= times)
    }

    /// Waits for a line that is `text` and nothing else, as a value is printed.
    #[track_caller]
    pub fn answers(&self, text: &str, seconds: u64) -> String {
        self.until(&format!("line '{text}'"), seconds, |screen| {
            screen.lines().any(|line| line.trim() == text)
        })
    }

    /// Whether the program is still there.
    pub fn is_open(&self) -> bool {
        !self.tmux(&["list-sessions"]).is_empty()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
