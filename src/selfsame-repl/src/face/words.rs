//! The sentences and lines both faces use.

use selfsame::diagnose::Alarm;
use selfsame::display::Described;
use selfsame::plot::Table;
use selfsame::text::{visible, visible_path};
use selfsame::train::{EpochLine, Plan};

use crate::numbers::{bytes, counted, number, percent, thousands};
use crate::output::{paint, Colour};

/// What is about to happen, in two or three lines.
pub fn plan(plan: &Plan) -> String {
    let mut text = format!(
        "{} on {}: {} with {} parameters, {} images, {} of {} of {} images",
        visible(&plan.method),
        visible(&plan.data),
        visible(&plan.encoder),
        thousands(plan.encoder_parameters as u64),
        thousands(plan.train_images as u64),
        counted(plan.epochs as u64, "epoch"),
        counted(plan.steps_per_epoch, "step"),
        plan.batch
    );
    if let Some(folder) = &plan.folder {
        text += &format!("\nrun folder {}", visible_path(folder));
    }
    if plan.epochs_done > 0 {
        text += &format!("\ngoing on after epoch {}", plan.epochs_done);
    }
    text
}

/// What the columns of [`epoch`] are called.
pub fn epoch_header() -> String {
    format!(
        "{:>9}  {:>8}  {:>6}  {:>8}  {:>6}  {:>6}  {:>9}",
        "epoch", "loss", "kNN %", "linear %", "std", "rank", "images/s"
    )
}

/// One epoch as a line under [`epoch_header`]; a dash where nothing was measured.
pub fn epoch(line: &EpochLine, epochs: usize) -> String {
    format!(
        "{:>9}  {:>8}  {:>6}  {:>8}  {:>6}  {:>6}  {:>9}",
        format!("{}/{epochs}", line.epoch),
        number(Some(line.loss).filter(|loss| loss.is_finite()), 4),
        percent(line.knn),
        percent(line.linear),
        number(line.std, 4),
        number(line.rankme, 1),
        thousands(line.images_per_second.round().max(0.0) as u64)
    )
}

/// An alarm in words: what was seen, what it means, what to try.
pub fn alarm(alarm: &Alarm) -> String {
    format!(
        "{} epoch {}, {}: {}\n  {}\n  Try: {}",
        paint(Colour::Yellow, "alarm:"),
        alarm.epoch,
        visible(&alarm.kind),
        visible(&alarm.seen),
        visible(&alarm.means),
        visible(&alarm.try_this)
    )
}

/// Variables of a session with what is known of them.
pub fn variables(variables: &[(String, Described)]) -> Table {
    let mut table = Table::new(["variable", "type", "shape", "parameters", "memory"]);
    for (name, about) in variables {
        let number = |n: Option<usize>| n.map_or(String::new(), |n| thousands(n as u64));
        table.row([
            name.clone(),
            about.type_name.clone(),
            about.shape.clone().unwrap_or_default(),
            number(about.parameters),
            about.bytes.map_or(String::new(), |size| bytes(size as u64)),
        ]);
    }
    table
}

/// Where a run that was stopped is.
pub fn saved(folder: &std::path::Path) -> String {
    format!("saved in {}; it can go on from there", visible_path(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_obeys_what_a_run_is_called() {
        let name = "a\u{1b}[2J\nb".to_string();
        let about = Plan {
            folder: Some(name.clone().into()),
            method: name.clone(),
            data: name.clone(),
            encoder: name.clone(),
            encoder_parameters: 1,
            epochs: 1,
            epochs_done: 0,
            steps_per_epoch: 1,
            batch: 1,
            train_images: 1,
        };
        let shown = plan(&about) + &saved(&about.folder.clone().unwrap_or_default());
        assert_eq!(shown.matches(r"a\u{1b}[2J\nb").count(), 5, "{shown}");
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn an_epoch_stands_under_its_header() {
        let mut line = EpochLine {
            epoch: 3,
            loss: 5.25,
            knn: Some(0.9721),
            linear: Some(0.981),
            std: Some(0.0871),
            rankme: Some(41.26),
            images_per_second: 12_345.4,
        };
        assert_eq!(epoch_header(), "    epoch      loss   kNN %  linear %     std    rank   images/s");
        assert_eq!(epoch(&line, 30), "     3/30    5.2500    97.2      98.1  0.0871    41.3     12,345");
        line.knn = None;
        line.images_per_second = f64::NAN;
        assert_eq!(epoch(&line, 30), "     3/30    5.2500       -      98.1  0.0871    41.3          0");
    }

    #[test]
    fn an_alarm_says_all_it_knows() {
        let alarm_of = Alarm {
            kind: "total-collapse".to_string(),
            epoch: 2,
            seen: "std 0.0001".to_string(),
            means: "All images have the same embedding.".to_string(),
            try_this: "--lr 1e-3".to_string(),
        };
        for part in ["epoch 2", "total-collapse", "std 0.0001", "the same embedding", "Try: --lr 1e-3"] {
            assert!(alarm(&alarm_of).contains(part), "{part}");
        }
    }
}
