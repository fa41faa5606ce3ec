//! `selfsame diagnose`: what the geometry of a run's features says.

use selfsame::diagnose::{Alarm, Geometry};
use selfsame::plot::Table;
use selfsame::presets::Run;
use selfsame::text::visible;
use selfsame::train::EpochMetrics;
use selfsame::Error;
use serde_json::json;

use super::drawn;
use crate::args::Diagnose;
use crate::exit::Exit;
use crate::face::words;
use crate::{output, stop};

/// Prints the numbers beside those of the untrained encoder, how to read them, the doctor's alarms and the verdict; draws
/// the spectrum.
///
/// # Errors
/// No such run, no usable checkpoint, data that cannot be read, a file that cannot be written.
pub fn run(arguments: Diagnose) -> Result<Exit, Error> {
    stop::on_ctrl_c("stopping; nothing is lost")?;
    let run = Run::open(&arguments.run)?;
    let rows = run.metrics();
    let probed = rows.iter().rev().find(|row| row.encoder.is_some());
    let Some(now) = probed else {
        return Err(Error::run(
            run.folder(),
            "nothing has been measured in it",
            "Let it train for an epoch.",
        ));
    };
    let before = rows.first().filter(|row| row.epoch == 0 && row.epoch != now.epoch);
    let alarms = run.alarms()?;
    let spectrum = run.spectrum()?;
    let save = arguments.save.as_deref();
    drawn::save(&spectrum, save)?;
    if arguments.json {
        output::json(&json!({
            "run": run.name(), "epoch": now.epoch, "encoder": now.encoder, "projector": now.projector,
            "untrained": before.and_then(|row| row.encoder.as_ref()), "alarms": alarms, "verdict": run.doctor(),
        }))?;
    } else {
        output::stdout(&text(&run, before, now, &alarms))?;
        drawn::show(&spectrum, None)?;
    }
    drawn::told(save);
    Ok(Exit::Done)
}

fn text(run: &Run, before: Option<&EpochMetrics>, now: &EpochMetrics, alarms: &[Alarm]) -> String {
    let config = run.config();
    let encoder = config.encoder.as_deref().unwrap_or("encoder");
    let heading = format!(
        "{}: {} after epoch {} of {} on {}",
        visible(&run.name()),
        visible(encoder),
        now.epoch,
        visible(&config.method),
        visible(&config.data)
    );
    let doctor = match alarms {
        [] => "The doctor has nothing to object to.".to_string(),
        alarms => alarms.iter().map(words::alarm).collect::<Vec<_>>().join("\n"),
    };
    format!("{heading}\n\n{}\n\n{doctor}\n\n{}\n", table(before, now).text(), run.doctor())
}

/// A quantity, its number in a geometry, and how to read it.
type Quantity = (&'static str, fn(&Geometry) -> f64, &'static str);

const QUANTITIES: [Quantity; 12] = [
    ("spread (std)", |g| g.std, "1/sqrt(width) even, 0 collapsed"),
    ("mean cosine", |g| g.mean_cosine, "0 spread out, 1 all alike"),
    ("RankMe", |g| g.rankme, "directions in use"),
    ("effective rank", |g| g.effective_rank, "of the covariance"),
    ("participation ratio", |g| g.participation_ratio, "the same, strong ones count more"),
    ("LiDAR", |g| g.lidar, "where images differ more than views"),
    ("alignment", |g| g.alignment, "of two views; 0 invariant"),
    ("uniformity", |g| g.uniformity, "more negative is more even, 0 collapsed"),
    ("alpha-ReQ", |g| g.alpha_req, "decay of the spectrum; about 1 healthy"),
    ("explained variance", |g| g.explained_variance_auc, "0.5 whitened, 1 collapsed"),
    ("learnability", |g| g.learnability, "of clusters, 0 to 1; rises in training"),
    ("intrinsic dimension", |g| g.intrinsic_dimension, "1 to 2: collapsed along a surface"),
];

fn table(before: Option<&EpochMetrics>, now: &EpochMetrics) -> Table {
    let mut table = Table::new(["of the features", "untrained", "encoder", "projector", "reading"]);
    let cell = |geometry: Option<&Geometry>, of: fn(&Geometry) -> f64| {
        geometry.map(of).filter(|v| v.is_finite()).map_or("-".to_string(), |v| format!("{v:.3}"))
    };
    for (name, of, reading) in QUANTITIES {
        let all = [before.and_then(|row| row.encoder.as_ref()), now.encoder.as_ref(), now.projector.as_ref()];
        let cells = all.map(|geometry| cell(geometry, of));
        // Not every run has all of them.
        if cells.iter().any(|cell| cell != "-") {
            let [untrained, encoder, projector] = cells;
            table.row([name.to_string(), untrained, encoder, projector, reading.to_string()]);
        }
    }
    table
}
