//! What a face knows of one training, and the few lines that show it.

use std::time::{Duration, Instant};

use selfsame::train::{EpochLine, Plan, StepLine};
use unicode_width::UnicodeWidthStr;

use crate::numbers::{counted, percent, thousands};
use crate::output::{self, Colour};
use crate::sparkline::{range, sparkline};

use super::rate::Rate;

/// Losses that are kept; of more, neighbours become their mean.
const KEPT: usize = 512;
/// Terminals narrower than this get less on a line.
const NARROW: usize = 50;
/// Columns of a curve at most.
const CURVE: usize = 30;

/// One training as it goes on.
pub struct Training {
    plan: Plan,
    begun: Instant,
    /// Steps that were done before this process.
    from: u64,
    step: Option<StepLine>,
    losses: Losses,
    knn: Vec<Option<f64>>,
    rank: Vec<Option<f64>>,
    rate: Rate,
    images_per_second: Option<f64>,
    stage: Option<(String, Instant)>,
}

impl Training {
    /// A training that is about to begin.
    pub fn new(plan: Plan, now: Instant) -> Training {
        let from = plan.steps_per_epoch * plan.epochs_done as u64;
        Training {
            plan,
            begun: now,
            from,
            step: None,
            losses: Losses::default(),
            knn: Vec::new(),
            rank: Vec::new(),
            rate: Rate::new(now),
            images_per_second: None,
            stage: None,
        }
    }

    /// What it is about to do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A step is done.
    pub fn stepped(&mut self, step: StepLine, now: Instant) {
        // Not every step is told: the images of those between are counted by the steps' numbers.
        let steps = step.step.saturating_sub(self.step.map_or(self.from, |last| last.step));
        let images = usize::try_from(steps).unwrap_or(usize::MAX).saturating_mul(step.images);
        self.images_per_second = self.rate.add(images, now).or(self.images_per_second);
        self.losses.add(step.loss);
        self.step = Some(step);
        self.stage = None;
    }

    /// An epoch is done.
    pub fn epoch_done(&mut self, line: &EpochLine, now: Instant) {
        self.knn.extend(line.knn.map(Some));
        self.rank.extend(line.rankme.map(Some));
        self.rate.restart(now);
        if line.images_per_second.is_finite() {
            self.images_per_second = Some(line.images_per_second);
        }
    }

    /// Work without steps begins.
    pub fn stage(&mut self, what: &str, now: Instant) {
        self.stage = Some((what.to_string(), now));
    }

    /// How long it has taken.
    pub fn took(&self, now: Instant) -> Duration {
        now.duration_since(self.begun)
    }

    /// The lines while it goes on, for a terminal of `columns`.
    pub fn lines(&self, now: Instant, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.stage {
            Some((what, since)) => lines.push(stage(what, now.duration_since(*since))),
            None => lines.push(self.bar(now, columns)),
        }
        lines.extend(self.curves(columns));
        lines
    }

    /// Losses in order, means of neighbours where there are many; `None` where one is not finite.
    pub fn losses(&self) -> Vec<Option<f64>> {
        self.losses.values()
    }

    /// Online kNN accuracies so far, 0..1.
    pub fn knn(&self) -> &[Option<f64>] {
        &self.knn
    }

    /// RankMe of the embeddings so far.
    pub fn rank(&self) -> &[Option<f64>] {
        &self.rank
    }

    /// The epoch under way or last done.
    pub fn epoch(&self) -> usize {
        self.step.map_or(self.plan.epochs_done, |s| s.epoch)
    }

    /// Images a second of late, once it is known.
    pub fn images_per_second(&self) -> Option<f64> {
        self.images_per_second
    }

    /// Work without steps that is under way, and since when.
    pub fn work(&self) -> Option<(&str, Instant)> {
        self.stage.as_ref().map(|(what, since)| (what.as_str(), *since))
    }

    /// Share of the steps that are done, 0..1.
    pub fn share(&self) -> f64 {
        let all = self.plan.steps_per_epoch * self.plan.epochs as u64;
        self.step.map_or(self.from, |s| s.step) as f64 / all.max(1) as f64
    }

    fn bar(&self, now: Instant, columns: usize) -> String {
        let share = self.share();
        let epoch = self.epoch();
        let left = self.left(now).map_or(String::new(), |left| format!(", {} to go", clock(left)));
        let before = match columns < NARROW {
            true => format!("{epoch}/{} ", self.plan.epochs),
            false => {
                format!("{} on {}  epoch {epoch}/{}  ", self.plan.method, self.plan.data, self.plan.epochs)
            }
        };
        let percent = format!(" {:>3.0} %", 100.0 * share);
        // A short bar says more than a time without one.
        let fits = before.width() + 8 + percent.width() + left.width() < columns;
        let after = if fits { percent + &left } else { percent };
        let room = columns.saturating_sub(before.width() + after.width() + 1).min(CURVE);
        format!("{before}{}{after}", bar(share, room))
    }

    /// Time to the end of the last epoch at the pace so far.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        let done = self.step?.step.saturating_sub(self.from);
        let all = self.plan.steps_per_epoch * self.plan.epochs as u64;
        let to_do = all.saturating_sub(self.from + done);
        (done > 0).then(|| self.took(now).mul_f64(to_do as f64 / done as f64))
    }

    /// Loss, kNN and rank as curves with their latest values; two lines where one is too short.
    pub fn curves(&self, columns: usize) -> Vec<String> {
        let curve = |values: &[Option<f64>], width: usize| {
            let (low, high) = range(values.iter().flatten().copied()).unwrap_or_default();
            sparkline(values, low, high, width)
        };
        let loss = self.losses.latest().map(|latest| (latest, self.losses.values()));
        let mut parts = Vec::new();
        // What stands around three curves takes about this much.
        let room =
            if columns < NARROW { columns.saturating_sub(15) } else { (columns / 3).saturating_sub(14) };
        let room = room.clamp(4, CURVE);
        if let Some((latest, values)) = loss {
            parts.push(format!("loss {} {latest:.3}", curve(&values, room)));
        }
        if let Some(Some(latest)) = self.knn.last() {
            parts.push(format!("kNN {} {} %", curve(&self.knn, room), percent(Some(*latest))));
        }
        if let Some(Some(latest)) = self.rank.last() {
            parts.push(format!("rank {} {latest:.1}", curve(&self.rank, room)));
        }
        if columns >= NARROW {
            let rate =
                self.images_per_second.map(|r| format!("{} images/s", thousands(r.round().max(0.0) as u64)));
            let line = parts.join("  ");
            let fits = |rate: &String| line.width() + 2 + rate.width() < columns;
            let line = rate.filter(fits).map_or(line.clone(), |rate| format!("{line}  {rate}"));
            return if line.is_empty() { Vec::new() } else { vec![line] };
        }
        parts
    }

    /// One line for the end: how it ended, what is done, how long it took.
    pub fn ending(&self, how: &str, epochs: usize, steps: u64, now: Instant) -> String {
        let Plan { method, data, .. } = &self.plan;
        let (epochs, steps) = (counted(epochs as u64, "epoch"), counted(steps, "step"));
        format!("{method} on {data}: {how} {epochs} and {steps}, {}", clock(self.took(now)))
    }
}

/// A bar of `room` columns.
pub fn bar(share: f64, room: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * room as f64).round() as usize;
    let done = "━".repeat(full);
    let done = if full > 0 { output::paint(Colour::Blue, &done) } else { done };
    done + &"─".repeat(room - full)
}

/// Work without steps: a sign that turns, what it is, how long it has taken.
pub fn stage(what: &str, took: Duration) -> String {
    const TURNS: [char; 4] = ['|', '/', '-', '\\'];
    // The turning follows the clock, so that it goes on however often it is drawn.
    let turn = took.as_millis() / 250 % 4;
    format!("{} {what} ({})", TURNS[turn as usize], clock(took))
}

/// `0:07`, `12:34`, `1:02:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Losses of a whole training in bounded memory.
#[derive(Debug, Default)]
struct Losses {
    means: Vec<f64>,
    /// Losses in each mean.
    each: usize,
    sum: f64,
    count: usize,
    latest: Option<f64>,
}

impl Losses {
    fn add(&mut self, loss: f64) {
        self.latest = Some(loss);
        self.each = self.each.max(1);
        self.sum += loss;
        self.count += 1;
        if self.count < self.each {
            return;
        }
        self.means.push(self.sum / self.count as f64);
        (self.sum, self.count) = (0.0, 0);
        if self.means.len() >= KEPT {
            self.means =
                self.means.chunks(2).map(|pair| pair.iter().sum::<f64>() / pair.len() as f64).collect();
            self.each *= 2;
        }
    }

    fn values(&self) -> Vec<Option<f64>> {
        let open = (self.count > 0).then(|| self.sum / self.count as f64);
        self.means.iter().copied().chain(open).map(|v| v.is_finite().then_some(v)).collect()
    }

    fn latest(&self) -> Option<f64> {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            method: "simclr".into(),
            data: "digits".into(),
            epochs: 10,
            steps_per_epoch: 5,
            batch: 256,
            ..Plan::default()
        }
    }

    fn under_way(begun: Instant) -> Training {
        let mut training = Training::new(plan(), begun);
        for step in 1..=20_u64 {
            let loss = 6.0 - 0.1 * step as f64;
            let line = StepLine { epoch: step.div_ceil(5) as usize, step, loss, lr: 0.1, images: 256 };
            training.stepped(line, begun + Duration::from_millis(100 * step));
        }
        let epoch = EpochLine {
            epoch: 4,
            loss: 4.2,
            knn: Some(0.972),
            linear: None,
            std: None,
            rankme: Some(41.26),
            images_per_second: 2560.0,
        };
        training.epoch_done(&epoch, begun + Duration::from_secs(2));
        training
    }

    #[test]
    fn everything_stands_on_two_lines() {
        let begun = Instant::now();
        let lines = under_way(begun).lines(begun + Duration::from_secs(2), 100);
        assert_eq!(
            lines[0],
            "simclr on digits  epoch 4/10  ━━━━━━━━━━━━──────────────────  40 %, 0:03 to go"
        );
        let (curve, rest) =
            lines[1].strip_prefix("loss ").and_then(|l| l.split_once(' ')).unwrap_or_default();
        assert!(curve.starts_with('█') && curve.ends_with('▁'), "{lines:?}");
        assert_eq!((rest, lines.len()), ("4.000  kNN ▁ 97.2 %  rank ▁ 41.3  2,560 images/s", 2));
    }

    #[test]
    fn every_line_fits_every_terminal() {
        let begun = Instant::now();
        let mut training = under_way(begun);
        for columns in [20, 30, 49, 50, 80, 200] {
            for line in training.lines(begun + Duration::from_secs(9), columns) {
                assert!(line.width() < columns, "{columns}: {line}");
            }
        }
        training.stage("baseline: raw pixels", begun);
        let lines = training.lines(begun + Duration::from_secs(3), 80);
        assert_eq!(lines[0], "| baseline: raw pixels (0:03)");
    }

    #[test]
    fn a_resumed_training_begins_where_it_was() {
        let now = Instant::now();
        let training = Training::new(Plan { epochs_done: 5, ..plan() }, now);
        assert!(training.lines(now, 80)[0].contains(" 50 %"), "{:?}", training.lines(now, 80));
        assert!(training.lines(now, 80).len() == 1);
    }

    #[test]
    fn losses_keep_their_shape_in_bounded_memory() {
        let mut losses = Losses::default();
        (0..100_000).for_each(|i| losses.add(f64::from(i)));
        let values: Vec<f64> = losses.values().into_iter().flatten().collect();
        assert!(values.len() <= KEPT && values.len() >= KEPT / 2);
        assert!(values.windows(2).all(|w| w[0] < w[1]));
        losses.add(f64::NAN);
        assert!(losses.latest().is_some_and(f64::is_nan));
        assert_eq!(losses.values().last(), Some(&None));
    }

    #[test]
    fn times_read_as_clocks() {
        assert_eq!(clock(Duration::from_millis(6_600)), "0:07");
        assert_eq!(clock(Duration::from_secs(754)), "12:34");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
