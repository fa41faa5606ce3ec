//! How runs show themselves in cells.

use super::publish::settings;
use super::{Run, RunLine, Runs, TrainSpec};
use crate::display::{Content, Described, Show, Summary};
use crate::plot::{escaped, percent, Table};

impl Show for Run {
    fn content(&self) -> Content {
        if let Ok(report) = self.report() {
            return report.content();
        }
        let title = format!(
            "{} on {}: {}. Resume it with :resume {} or run.resume().",
            self.config().method,
            self.config().data,
            self.progress_words(),
            self.name()
        );
        let history = self.history().content();
        let page = format!("<p>{}</p>\n{}", escaped(&title), history.html().unwrap_or_default());
        let content = Content::new(format!("{title}\n{}", history.text())).with_html(page);
        match history.figure() {
            Some(figure) => content.with_figure(figure.clone()),
            None => content,
        }
    }
}

impl Show for TrainSpec {
    fn content(&self) -> Content {
        let mut table = Table::new(["setting", "value"]);
        for (name, value) in settings(self) {
            table.row([name, value]);
        }
        table.content()
    }
}

impl Show for Runs {
    fn content(&self) -> Content {
        if self.runs.is_empty() {
            return Content::new("no runs yet: train(\"simclr\", \"digits\").run()? makes one");
        }
        let mut table =
            Table::new(["run", "method", "data", "encoder", "epochs", "linear 1 %", "kNN 20", "alarms"]);
        for run in &self.runs {
            table.row(cells(run));
        }
        table.content()
    }
}

fn cells(run: &RunLine) -> [String; 8] {
    let RunLine { name, config, epochs_done, report, .. } = run;
    let epochs = match config.epochs {
        Some(all) if all != *epochs_done => format!("{epochs_done} of {all}"),
        _ => epochs_done.to_string(),
    };
    let report = report.as_ref();
    let linear = report.and_then(|r| r.scores.linear.by_labels.get("1%")).copied().unwrap_or(f64::NAN);
    [
        name.clone(),
        config.method.clone(),
        config.data.clone(),
        config.encoder.clone().unwrap_or_default(),
        epochs,
        percent(linear),
        percent(report.map_or(f64::NAN, |r| r.scores.knn.k20)),
        report.map_or("–".into(), |r| r.alarms.len().to_string()),
    ]
}

impl Summary for Run {
    fn describe_value(&self) -> Described {
        let state = if self.is_done() { "done".into() } else { self.progress_words() };
        Described {
            type_name: "Run".into(),
            shape: Some(format!("{} on {}, {state}", self.config().method, self.config().data)),
            ..Described::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::Error;
    use crate::front::child::{child, is_child};
    use crate::front::Message;
    use crate::presets::{runs, training};
    use crate::train::{StepLine, Watch};

    /// Asks for a stop at the second step.
    struct Stopper;

    impl Watch for Stopper {
        fn stepped(&mut self, step: &StepLine) {
            if step.step == 2 {
                crate::interrupt();
            }
        }
    }

    /// Everything that a checkpoint is enough for.
    fn ask(run: &Run) {
        assert_eq!(run.embed("validation").unwrap().len(), run.data().unwrap().validation().len());
        assert!(run.embed("tset").unwrap_err().to_string().contains("did you mean 'test'?"));
        assert_eq!(run.embeddings().unwrap().width(), 128);
        assert!(run.knn(20).unwrap() > 0.3);
        assert!(run.scatter().unwrap().content().html().is_some());
        assert_eq!(run.neighbors(3).unwrap().len(), 3 * 7);
        assert!(!run.views().unwrap().is_empty());
        assert!(run.spectrum().is_ok() && run.plot().is_ok() && run.alarms().is_ok());
        assert!(run.encoder().is_ok());
    }

    #[test]
    fn a_run_is_stopped_asked_resumed_and_asked_again() {
        let name = "presets::show::tests::a_run_is_stopped_asked_resumed_and_asked_again";
        let told = child(name, || {
            assert!(is_child());
            let folder = tempfile::tempdir().unwrap();
            let training =
                training("simclr", "digits").encoder("mlp").epochs(1).out(folder.path()).name("first");
            let run = training.run_with(&mut Stopper).unwrap();
            crate::clear_interrupt();
            assert!(!run.is_done());
            assert!(matches!(run.report(), Err(Error::Run { .. })));
            assert!(run.content().text().contains("it stands at 0 of 1 epochs"), "{}", run.content().text());
            ask(&run);
            let run = run.resume().unwrap();
            assert_eq!(run.report().unwrap().epochs, 1);
            ask(&run);
            assert!(run.content().text().contains("linear, 1 % labels"));
            assert_eq!(run.describe_value().shape.as_deref(), Some("simclr on digits, done"));
            assert!(run.config().content().text().contains("batch-size"));
            assert!(run.metrics().content().text().starts_with("1 epoch"));
            assert!(run.resume().unwrap().is_done());
            let listed = runs(folder.path()).unwrap();
            assert_eq!(listed.names(), ["first"]);
            let text = listed.content().text().to_string();
            assert!(text.contains("first") && text.contains('%'), "{text}");
            let e = Run::open(folder.path().join("frist")).unwrap_err().to_string();
            assert!(e.contains("did you mean 'first'?"), "{e}");
        });
        let Some(told) = told else { return };
        let messages = told.messages();
        let verdict = messages.iter().find_map(|m| match m {
            Message::Done { verdict, .. } => verdict.clone(),
            _ => None,
        });
        assert!(verdict.is_some_and(|v| v.contains("of the labels")), "{told:?}");
        assert!(messages
            .iter()
            .any(|m| matches!(m, Message::Stage { what } if what.starts_with("baseline"))));
    }

    #[test]
    fn a_folder_without_runs_says_how_to_make_one() {
        let none = runs(Path::new("no/such/folder")).unwrap();
        assert!(none.content().text().starts_with("no runs yet"));
    }
}
