//! What moves while a cell runs: a training, other work, a download. One display each, drawn again and again.

use std::time::{Duration, Instant};

use base64::Engine;
use selfsame::diagnose::Alarm;
use selfsame::display::Show;
use selfsame::plot::{EpochRow, History};
use selfsame::train::{EpochLine, Plan, StepLine};
use serde_json::{json, Value};

use super::chart::Chart;
use crate::face::training::{clock, Training};
use crate::face::words;
use crate::numbers::{counted, percent, thousands};
use selfsame::plot::escaped;

/// Work that takes less than this is not worth a display.
const WORTH_SHOWING: Duration = Duration::from_secs(1);
/// Columns of the plain text.
const COLUMNS: usize = 100;
/// Colours that are told apart on light and on dark, by colour-blind readers too.
const LOSS: &str = "#3A8FCB";
const KNN: &str = "#D98600";
const RANK: &str = "#0A9E76";

/// One thing that moves.
pub enum Card {
    /// A training.
    Training(Box<Trained>),
    /// Work without steps.
    Work {
        /// What it is.
        what: String,
        /// When it began.
        since: Instant,
    },
    /// A file on its way.
    Download {
        /// Its name.
        file: String,
        /// What is being done with it.
        stage: String,
        /// Bytes that are here.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
}

/// A training with everything its display says.
pub struct Trained {
    training: Training,
    history: History,
    alarms: Vec<Alarm>,
    /// How it ended, and what came of it.
    ending: Option<String>,
    remarks: Vec<String>,
}

impl Card {
    /// Whether it should be seen yet.
    pub fn is_due(&self, now: Instant) -> bool {
        match self {
            Card::Work { since, .. } => now.duration_since(*since) >= WORTH_SHOWING,
            Card::Training(_) | Card::Download { .. } => true,
        }
    }

    /// What it shows while it goes on, by media type.
    pub fn now(&self, now: Instant) -> Value {
        match self {
            Card::Training(trained) => trained.now(now),
            Card::Work { what, since } => line(&format!("{what} ({})", clock(now.duration_since(*since)))),
            Card::Download { file, stage, done, total } => download(file, stage, *done, *total),
        }
    }

    /// What stays of it.
    pub fn last(&self, now: Instant) -> Value {
        match self {
            Card::Training(trained) => trained.last(now),
            Card::Work { what, since } => {
                line(&format!("{what}: took {}", clock(now.duration_since(*since))))
            }
            Card::Download { .. } => self.now(now),
        }
    }
}

impl Trained {
    /// A training that is about to begin.
    pub fn new(plan: &Plan, now: Instant) -> Trained {
        Trained {
            training: Training::new(plan.clone(), now),
            history: History::default(),
            alarms: Vec::new(),
            ending: None,
            remarks: Vec::new(),
        }
    }

    /// A step is done.
    pub fn stepped(&mut self, step: StepLine, now: Instant) {
        self.training.stepped(step, now);
    }

    /// An epoch is done.
    pub fn epoch_done(&mut self, line: &EpochLine, now: Instant) {
        self.training.epoch_done(line, now);
        self.history.epochs.push(EpochRow::from(line));
    }

    /// The doctor has something to say.
    pub fn alarm(&mut self, alarm: &Alarm) {
        self.alarms.push(alarm.clone());
    }

    /// Work without steps begins.
    pub fn stage(&mut self, what: &str, now: Instant) {
        self.training.stage(what, now);
    }

    /// It is over: `how` with what is done, and what else there is to say.
    pub fn end(&mut self, how: &str, epochs: usize, steps: u64, remarks: Vec<String>, now: Instant) {
        self.ending = Some(self.training.ending(how, epochs, steps, now));
        self.remarks = remarks;
    }

    /// It is over with an error.
    pub fn fail(&mut self, now: Instant) {
        let Plan { method, data, .. } = self.training.plan();
        let took = clock(self.training.took(now));
        self.ending =
            Some(format!("{method} on {data}: failed in epoch {} after {took}", self.training.epoch()));
    }

    fn now(&self, now: Instant) -> Value {
        let mut text = self.training.lines(now, COLUMNS);
        text.extend(self.alarms.iter().map(words::alarm));
        let charts = self.charts();
        let page = format!(
            "<div style=\"max-width:720px\"><div>{}</div>{}<div style=\"display:flex;flex-wrap:wrap;gap:12px\">{charts}</div>\
             {}</div>",
            self.state(now),
            bar(self.training.share()),
            self.alarms_html()
        );
        json!({ "text/plain": text.join("\n"), "text/html": page })
    }

    fn last(&self, now: Instant) -> Value {
        let Plan { method, data, .. } = self.training.plan();
        let ending = self.ending.clone().unwrap_or_else(|| {
            let took = clock(self.training.took(now));
            format!("{method} on {data}: ended in epoch {} after {took}", self.training.epoch())
        });
        let mut text = vec![ending.clone()];
        text.extend(self.remarks.iter().cloned());
        text.extend(self.training.curves(COLUMNS));
        text.extend(self.alarms.iter().map(words::alarm));

        let curves = self.history.content();
        let remarks: String = self.remarks.iter().map(|r| format!("<div>{}</div>", escaped(r))).collect();
        // Of the curves' page the heading says less than ours does.
        let page = curves.html().unwrap_or_default();
        let page = page.split_once("</p>").map_or(page, |(_, rest)| rest);
        let page = format!(
            "<div><div><b>{}</b></div>{remarks}<div>{}</div>{}{page}</div>",
            escaped(&ending),
            escaped(&words::plan(self.training.plan())).replace('\n', "<br/>"),
            self.alarms_html()
        );
        let mut shown = json!({ "text/plain": text.join("\n"), "text/html": page });
        if let Some(png) =
            curves.figure().filter(|_| !self.history.epochs.is_empty()).and_then(|f| f.png().ok())
        {
            shown["image/png"] = base64::engine::general_purpose::STANDARD.encode(png).into();
        }
        shown
    }

    /// Where it is, in a line.
    fn state(&self, now: Instant) -> String {
        let Plan { method, data, epochs, .. } = self.training.plan();
        let name = format!("<b>{} on {}</b>", escaped(method), escaped(data));
        if let Some((what, since)) = self.training.work() {
            return format!("{name} · {} ({})", escaped(what), clock(now.duration_since(since)));
        }
        let mut parts = vec![name, format!("epoch {}/{epochs}", self.training.epoch())];
        parts.push(format!("{:.0} %", 100.0 * self.training.share()));
        parts.extend(self.training.left(now).map(|left| format!("{} to go", clock(left))));
        let rate = self.training.images_per_second().map(|r| r.round().max(0.0) as u64);
        parts.extend(rate.map(|rate| format!("{} images/s", thousands(rate))));
        parts.join(" · ")
    }

    fn charts(&self) -> String {
        let losses = self.training.losses();
        let latest = losses.iter().rev().flatten().next().map(|loss| format!("{loss:.3}"));
        let knn = self.training.knn();
        let rank = self.training.rank();
        let of = |values: &[Option<f64>], name, latest: Option<String>, colour| {
            let latest = latest.unwrap_or_default();
            let there = !values.is_empty();
            there.then(|| Chart { name, latest: &latest, values, colour }.html())
        };
        let last_of = |values: &[Option<f64>]| values.last().copied().flatten();
        [
            of(&losses, "loss", latest, LOSS),
            of(knn, "kNN accuracy", last_of(knn).map(|v| format!("{} %", percent(Some(v)))), KNN),
            of(rank, "rank (RankMe)", last_of(rank).map(|v| format!("{v:.1}")), RANK),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn alarms_html(&self) -> String {
        if self.alarms.is_empty() {
            return String::new();
        }
        self.alarms.content().html().unwrap_or_default().to_string()
    }
}

/// A line of text.
fn line(text: &str) -> Value {
    json!({ "text/plain": text, "text/html": format!("<div>{}</div>", escaped(text)) })
}

fn download(file: &str, stage: &str, done: u64, total: u64) -> Value {
    let share = done as f64 / total.max(1) as f64;
    let of = |size: u64| crate::numbers::bytes(size);
    let text = match stage {
        "downloading" => format!("{stage} {file}: {:.0} %, {} of {}", 100.0 * share, of(done), of(total)),
        _ => format!("{stage} {file}"),
    };
    let bar = if stage == "downloading" { bar(share) } else { String::new() };
    json!({ "text/plain": text, "text/html": format!("<div style=\"max-width:720px\"><div>{}</div>{bar}</div>", escaped(&text)) })
}

/// A bar that is full to `share`.
fn bar(share: f64) -> String {
    let percent = 100.0 * share.clamp(0.0, 1.0);
    format!(
        "<div role=\"progressbar\" aria-valuenow=\"{percent:.0}\" aria-valuemin=\"0\" aria-valuemax=\"100\" \
         style=\"height:6px;border-radius:3px;background:rgba(127,127,127,0.25);margin:6px 0\"><div style=\"width:{percent:.1}%;\
         height:6px;border-radius:3px;background:{LOSS}\"></div></div>"
    )
}

/// What a training came to, for [`Trained::end`]: its verdict or its folder.
pub fn saved(folder: Option<&std::path::Path>) -> Vec<String> {
    folder.map(words::saved).into_iter().collect()
}

/// `3 epochs and 12 steps` for a training whose beginning was not seen.
pub fn ending(how: &str, epochs: usize, steps: u64) -> String {
    format!("{how} {} and {}", counted(epochs as u64, "epoch"), counted(steps, "step"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(begun: Instant) -> Trained {
        let plan = Plan {
            method: "simclr".into(),
            data: "<digits>".into(),
            epochs: 10,
            steps_per_epoch: 5,
            batch: 256,
            ..Plan::default()
        };
        let mut trained = Trained::new(&plan, begun);
        for step in 1..=20_u64 {
            let loss = 6.0 - 0.1 * step as f64;
            let line = StepLine { epoch: step.div_ceil(5) as usize, step, loss, lr: 0.1, images: 256 };
            trained.stepped(line, begun + Duration::from_millis(100 * step));
        }
        let line = EpochLine {
            epoch: 4,
            loss: 4.2,
            knn: Some(0.972),
            linear: None,
            std: Some(0.1),
            rankme: Some(41.3),
            images_per_second: 2560.0,
        };
        trained.epoch_done(&line, begun + Duration::from_secs(2));
        trained
    }

    fn part<'v>(value: &'v Value, name: &str) -> &'v str {
        value[name].as_str().unwrap_or_default()
    }

    #[test]
    fn a_training_under_way_has_a_bar_and_three_curves() {
        let begun = Instant::now();
        let shown = trained(begun).now(begun + Duration::from_secs(2));
        let page = part(&shown, "text/html");
        assert_eq!((page.matches("<svg").count(), page.matches("progressbar").count()), (3, 1), "{page}");
        assert!(page.contains("epoch 4/10") && page.contains("40 %") && page.contains("97.2 %"), "{page}");
        assert!(page.contains("&lt;digits&gt;") && !page.contains("<digits>") && !page.contains("<script"));
        assert!(part(&shown, "text/plain").contains("epoch 4/10"), "{shown}");
    }

    #[test]
    fn what_stays_is_a_figure_with_what_came_of_it() {
        let begun = Instant::now();
        let mut trained = trained(begun);
        let alarm = Alarm {
            kind: "total-collapse".into(),
            epoch: 2,
            seen: "std < 0.001".into(),
            means: "All the same.".into(),
            try_this: "--lr 1e-3".into(),
        };
        trained.alarm(&alarm);
        trained.end(
            "done after",
            10,
            50,
            vec!["better than <nothing>".into()],
            begun + Duration::from_secs(7),
        );
        let shown = trained.last(begun + Duration::from_secs(7));
        let page = part(&shown, "text/html");
        assert!(page.contains("done after 10 epochs and 50 steps, 0:07"), "{page}");
        assert!(page.contains("better than &lt;nothing&gt;") && page.contains("std &lt; 0.001"), "{page}");
        assert!(page.contains("<img src=\"data:image/png") && !page.contains("<svg"), "{page}");
        assert!(part(&shown, "image/png").starts_with("iVBOR"));
        let text = part(&shown, "text/plain");
        assert!(
            text.contains("done after") && text.contains("total-collapse") && text.contains("Try: --lr"),
            "{text}"
        );
    }

    #[test]
    fn short_work_is_not_shown() {
        let since = Instant::now();
        let card = Card::Work { what: "starting".into(), since };
        assert!(!card.is_due(since) && card.is_due(since + WORTH_SHOWING));
        assert_eq!(part(&card.last(since + Duration::from_secs(3)), "text/plain"), "starting: took 0:03");
    }
}
