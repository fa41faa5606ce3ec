//! One message, and the line it travels as.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::diagnose::Alarm;
use crate::display::Described;
use crate::error::{Error, Place, Result};
use crate::plot::Sketch;
use crate::train::{EpochLine, Plan, StepLine};

/// What a line that carries a message begins with, before the secret of the face it is for. The first character is ASCII's
/// record separator.
pub const MARK: &str = "\u{1e}SELFSAME ";

/// Something a face can draw. As JSON an object whose `kind` names the variant in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// A training is about to begin or go on.
    Plan(Plan),
    /// An optimiser step is done. About ten a second are sent, and always the last of an epoch.
    Step(StepLine),
    /// An epoch is done.
    Epoch(EpochLine),
    /// The doctor has something to say.
    Alarm {
        /// What it says.
        alarm: Alarm,
    },
    /// A longer piece of work begins that has no steps: `baseline: supervised`.
    Stage {
        /// The work, in words.
        what: String,
    },
    /// A file is on its way.
    Download {
        /// Its name.
        file: String,
        /// What is being done with it: `present`, `downloading`, `checking`, `checked` or `unpacking`.
        stage: String,
        /// Bytes that are here.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A training came to its end.
    Done {
        /// Its run folder, where it has one.
        folder: Option<PathBuf>,
        /// Epochs trained.
        epochs_done: usize,
        /// Optimiser steps taken.
        steps_done: u64,
        /// What came of it in one line, where it was judged.
        verdict: Option<String>,
    },
    /// A training was stopped by request after a whole step.
    Interrupted {
        /// Its run folder, where it has one; it can be resumed.
        folder: Option<PathBuf>,
        /// Epochs that are complete.
        epochs_done: usize,
        /// Optimiser steps taken.
        steps_done: u64,
    },
    /// A training ended with an error, which the code that ran it gets too.
    Failed {},
    /// A picture to show now.
    Figure {
        /// Its heading.
        title: String,
        /// The picture in words.
        alt: String,
        /// The picture as an SVG document.
        svg: Option<String>,
        /// The picture as a PNG in base64.
        png: Option<String>,
        /// What it was made from, for faces that draw in characters.
        #[serde(default)]
        sketch: Option<Sketch>,
    },
    /// A table to show now.
    Table {
        /// Column headings.
        headers: Vec<String>,
        /// Rows, each as long as `headers`.
        rows: Vec<Vec<String>>,
    },
    /// Variables of a session, to list now.
    Variables {
        /// Names and what they are.
        variables: Vec<(String, Described)>,
    },
    /// A line of text from the library, not from the user's code.
    Note {
        /// The text.
        text: String,
    },
    /// Code panicked; the panic's text stands on stderr too.
    Panic {
        /// What it said.
        message: String,
        /// `FILE:LINE:COLUMN`.
        location: String,
        /// Whether the cell ends by it: it came on the thread that runs cells, or on one of the pool that works for it. A
        /// panic on another thread ends only that thread.
        ends_cell: bool,
    },
}

/// A message with the place it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// The messages of one training, and those of one download, carry the same number; a later one brings the earlier
    /// display up to date. Numbers are unique within a process.
    pub display: u64,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
}

impl Sent {
    /// The line, with its line break, for a face with that secret.
    ///
    /// # Errors
    /// A path that is no Unicode.
    pub fn line(&self, secret: &str) -> Result<String> {
        let json = serde_json::to_string(self).map_err(|e| unreadable(&e))?;
        Ok(format!("{MARK}{secret} {json}\n"))
    }

    /// The message a line of output carries; `None` for ordinary output, which is all that does not carry the secret. What
    /// the code printed before it without a line break is [`text_before`] it.
    ///
    /// # Errors
    /// [`Error::Input`] for a marked line that is not as it was written.
    pub fn parse(line: &str, secret: &str) -> Option<Result<Sent>> {
        let (_, json) = parted(line, secret)?;
        Some(serde_json::from_str(json).map_err(|e| unreadable(&e)))
    }
}

impl Message {
    /// [`Sent::parse`] for those who do not ask where it belongs.
    ///
    /// # Errors
    /// As there.
    pub fn parse(line: &str, secret: &str) -> Option<Result<Message>> {
        Some(Sent::parse(line, secret)?.map(|sent| sent.message))
    }
}

/// What stands on a line before its message: output that was not ended with a line break. The whole line where there is
/// no message.
pub fn text_before<'l>(line: &'l str, secret: &str) -> &'l str {
    parted(line, secret).map_or(line, |(text, _)| text)
}

/// What stands before the mark with the secret, and behind it. Without a secret nothing is a message.
fn parted<'l>(line: &'l str, secret: &str) -> Option<(&'l str, &'l str)> {
    if secret.is_empty() || !line.contains(MARK) {
        return None;
    }
    line.split_once(&format!("{MARK}{secret} "))
}

fn unreadable(cause: &serde_json::Error) -> Error {
    Error::input(
        "message",
        Place::Whole,
        cause.to_string(),
        "one JSON object as the library writes it",
        "The library and the program that reads it are of different versions; build both anew.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn there_and_back(message: Message) {
        let sent = Sent { display: 3, message };
        let line = sent.line("s3").unwrap();
        assert!(line.starts_with(MARK) && line.ends_with('\n') && line.matches('\n').count() == 1, "{line}");
        assert_eq!(Sent::parse(line.trim_end(), "s3").unwrap().unwrap(), sent);
    }

    #[test]
    fn every_kind_comes_back_as_it_was_sent() {
        let alarm = Alarm {
            kind: "total-collapse".into(),
            epoch: 2,
            seen: "std 0.0001".into(),
            means: "All images have the same embedding.".into(),
            try_this: "--lr 1e-3".into(),
        };
        let folder = Some(PathBuf::from("runs/größe"));
        for message in [
            Message::Plan(Plan {
                folder: folder.clone(),
                method: "simclr".into(),
                data: "digits".into(),
                encoder: "convnet".into(),
                encoder_parameters: 12,
                epochs: 3,
                epochs_done: 1,
                steps_per_epoch: 5,
                batch: 256,
                train_images: 1294,
            }),
            Message::Step(StepLine { epoch: 1, step: 7, loss: 5.25, lr: 1e-3, images: 256 }),
            Message::Epoch(EpochLine {
                epoch: 1,
                loss: 0.1 + 0.2,
                knn: Some(0.97),
                linear: None,
                std: None,
                rankme: Some(41.0),
                images_per_second: 1e4,
            }),
            Message::Alarm { alarm },
            Message::Stage { what: "baseline: \"raw\" pixels\nand more".into() },
            Message::Download { file: "a.gz".into(), stage: "downloading".into(), done: 1, total: u64::MAX },
            Message::Done { folder: folder.clone(), epochs_done: 3, steps_done: 15, verdict: None },
            Message::Interrupted { folder, epochs_done: 3, steps_done: 16 },
            Message::Failed {},
            Message::Figure {
                title: "t".into(),
                alt: "a".into(),
                svg: Some("<svg/>".into()),
                png: None,
                sketch: None,
            },
            Message::Table { headers: vec!["a".into()], rows: vec![vec!["1".into()]] },
            Message::Variables { variables: vec![("x".into(), Described::default())] },
            Message::Note { text: "\u{1e}".into() },
            Message::Panic { message: "index".into(), location: "a.rs:1:2".into(), ends_cell: true },
        ] {
            there_and_back(message);
        }
    }

    #[test]
    fn numbers_that_are_not_finite_arrive_as_nan() {
        let step = StepLine { epoch: 1, step: 7, loss: f64::INFINITY, lr: 1e-3, images: 256 };
        let line = Sent { display: 0, message: Message::Step(step) }.line("s3").unwrap();
        let Message::Step(back) = Message::parse(&line, "s3").unwrap().unwrap() else { panic!("{line}") };
        assert!(back.loss.is_nan() && back.step == 7);
    }

    #[test]
    fn output_is_told_from_messages_and_damage_is_an_error() {
        assert!(Sent::parse("SELFSAME {\"kind\":\"note\"}", "s3").is_none());
        let glued = format!("loss: {MARK}s3 {{\"display\":1,\"kind\":\"note\",\"text\":\"x\"}}");
        assert_eq!(Message::parse(&glued, "s3").unwrap().unwrap(), Message::Note { text: "x".into() });
        assert_eq!((text_before(&glued, "s3"), text_before("plain", "s3")), ("loss: ", "plain"));
        for damaged in ["", "{", "{\"display\":1,\"kind\":\"other\"}", "{\"display\":1,\"kind\":\"note\"}"] {
            let error = Sent::parse(&format!("{MARK}s3 {damaged}"), "s3").unwrap().unwrap_err().to_string();
            assert!(error.contains("different versions"), "{error}");
        }
    }

    #[test]
    fn text_that_does_not_know_the_secret_is_no_message() {
        let json = "{\"display\":1,\"kind\":\"note\",\"text\":\"x\"}";
        for (line, secret) in [
            (format!("{MARK}{json}"), "s3"),
            (format!("{MARK} {json}"), "s3"),
            (format!("{MARK}s4 {json}"), "s3"),
            (format!("{MARK} {json}"), ""),
            (format!("{MARK}{json}"), ""),
        ] {
            assert!(Sent::parse(&line, secret).is_none(), "{line}");
            assert_eq!(text_before(&line, secret), line);
        }
        // A mark of somebody else's on the same line is text.
        let both = format!("{MARK}s4 {MARK}s3 {json}");
        assert_eq!(text_before(&both, "s3"), format!("{MARK}s4 "));
        assert!(Sent::parse(&both, "s3").is_some());
    }
}
