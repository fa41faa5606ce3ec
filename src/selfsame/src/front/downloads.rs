//! A download told in messages, or in plain lines.

use std::time::{Duration, Instant};

use super::frontend::in_a_cell;
use super::send::{new_display, print_whole, send_to};
use super::{Frontend, Message};
use crate::data::{FetchProgress, FetchStage};

/// Reports of one stage that follow one another faster than this are not all sent.
const APART: Duration = Duration::from_millis(100);

/// Shows how far a fetch has come, wherever the code runs.
#[derive(Debug)]
pub struct Downloads {
    display: u64,
    last: Option<(String, FetchStage, Instant)>,
}

impl Downloads {
    /// Shows nothing yet.
    pub fn new() -> Downloads {
        Downloads { display: new_display(), last: None }
    }

    /// Sends `progress`, unless one of the same file and stage has just been sent.
    pub fn show(&mut self, progress: &FetchProgress<'_>) {
        let now = Instant::now();
        let Some(changed) = self.is_due(progress, now) else { return };
        self.last = Some((progress.file.into(), progress.stage, now));
        let stage = word(progress.stage);
        if Frontend::detect().is_some() {
            let file = progress.file.into();
            let message =
                Message::Download { file, stage: stage.into(), done: progress.done, total: progress.total };
            send_to(self.display, message);
        } else if in_a_cell() && changed {
            print_whole(&format!("{stage} {}\n", progress.file));
        }
    }

    /// Whether this is to be told, and if so whether it is another file or stage than the last.
    fn is_due(&self, progress: &FetchProgress<'_>, now: Instant) -> Option<bool> {
        match &self.last {
            Some((file, stage, at)) if file == progress.file && *stage == progress.stage => {
                let due = now.duration_since(*at) >= APART || progress.done == progress.total;
                due.then_some(false)
            }
            _ => Some(true),
        }
    }
}

impl Default for Downloads {
    fn default() -> Self {
        Downloads::new()
    }
}

/// What [`fetch`](crate::data::fetch) takes to show itself wherever the code runs.
///
/// ```no_run
/// use selfsame::{data, front};
/// data::fetch(&data::find("mnist")?, "data", &mut front::downloads())?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub fn downloads() -> impl FnMut(FetchProgress<'_>) {
    let mut downloads = Downloads::new();
    move |progress| downloads.show(&progress)
}

fn word(stage: FetchStage) -> &'static str {
    match stage {
        FetchStage::Present => "present",
        FetchStage::Downloading => "downloading",
        FetchStage::Checking => "checking",
        FetchStage::Checked => "checked",
        FetchStage::Unpacking => "unpacking",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_thinned_and_stages_are_not() {
        let progress = |stage, done| FetchProgress { file: "a", stage, done, total: 10 };
        let now = Instant::now();
        let mut downloads = Downloads::new();
        assert_eq!(downloads.is_due(&progress(FetchStage::Downloading, 0), now), Some(true));
        downloads.last = Some(("a".into(), FetchStage::Downloading, now));
        let soon = now + Duration::from_millis(10);
        assert_eq!(downloads.is_due(&progress(FetchStage::Downloading, 5), soon), None);
        assert_eq!(downloads.is_due(&progress(FetchStage::Downloading, 10), soon), Some(false));
        assert_eq!(downloads.is_due(&progress(FetchStage::Downloading, 5), now + APART), Some(false));
        assert_eq!(downloads.is_due(&progress(FetchStage::Checking, 10), soon), Some(true));
    }
}
