//! A download as it goes on: a bar on a terminal, a line a file elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use selfsame::data::{FetchProgress, FetchStage};

use crate::output;

/// Draws on stderr what [`selfsame::data::fetch`] reports.
pub struct Download {
    bar: ProgressBar,
    terminal: bool,
    last: Option<(String, FetchStage)>,
}

impl Download {
    /// A face that shows nothing yet.
    pub fn new() -> Download {
        Download { bar: ProgressBar::hidden(), terminal: io::stderr().is_terminal(), last: None }
    }

    /// Shows how far the fetch has come; a word for each file and stage, a bar for the bytes.
    pub fn show(&mut self, progress: &FetchProgress<'_>) {
        let now = (progress.file.to_string(), progress.stage);
        if self.last.as_ref() != Some(&now) {
            self.last = Some(now);
            self.begin(progress);
        }
        self.bar.set_position(progress.done);
    }

    fn begin(&mut self, progress: &FetchProgress<'_>) {
        self.bar.finish_and_clear();
        let word = match progress.stage {
            FetchStage::Present => "already there",
            FetchStage::Downloading if self.terminal => {
                self.bar = bytes_bar(progress);
                return;
            }
            FetchStage::Downloading => "downloading",
            FetchStage::Checking => "checking",
            FetchStage::Checked => "checked",
            FetchStage::Unpacking => "unpacking",
        };
        output::stderr(&format!("{word:13}  {}", progress.file));
    }
}

fn bytes_bar(progress: &FetchProgress<'_>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(progress.total), ProgressDrawTarget::stderr());
    let template = "{bar:30} {percent:>3} %  {msg}, {decimal_bytes} of {decimal_total_bytes}, {eta} to go";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_position(progress.done);
    bar.reset_eta();
    bar.set_message(progress.file.to_string());
    bar
}

impl Drop for Download {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
