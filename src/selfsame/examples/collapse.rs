//! The gallery of deliberate collapses, and how the doctor judges presets in good health.
//!
//! ```text
//! cargo run --release -p selfsame --example collapse -- [NAME...] [--seed N]
//! cargo run --release -p selfsame --example collapse -- --healthy METHOD DATA [--seed N]
//! ```

use selfsame::presets::collapse::{find, healthy, list, run_all, Collapse};
use selfsame::presets::TrainSpec;
use selfsame::Error;

fn main() -> Result<(), Error> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    let mut seed = 0;
    if let Some(at) = names.iter().position(|word| word == "--seed") {
        seed = names.get(at + 1).and_then(|number| number.parse().ok()).unwrap_or(0);
        names.drain(at..(at + 2).min(names.len()));
    }
    if let [flag, method, data] = names.as_slice() {
        if flag == "--healthy" {
            let (method, data) = (method.clone(), data.clone());
            return judged(TrainSpec { method, data, seed: Some(seed), ..TrainSpec::default() });
        }
    }
    let entries: Vec<&Collapse> = match names.is_empty() {
        true => list().iter().collect(),
        false => names.iter().map(|name| find(name)).collect::<Result<_, _>>()?,
    };
    run_all(&entries, seed, |shown| println!("{}\n{}", shown.text(), "-".repeat(80)))
}

/// One line for a run that should hear nothing, and what it heard.
fn judged(spec: TrainSpec) -> Result<(), Error> {
    let course = healthy(&spec)?;
    let kinds: Vec<&str> = course.alarms.iter().map(|alarm| alarm.kind.as_str()).collect();
    let knn = |row: Option<&selfsame::train::EpochMetrics>| {
        row.and_then(|row| row.knn).map_or(f64::NAN, |v| 100.0 * v)
    };
    println!(
        "{} {} seed {:?}: kNN {:.1} % after {:.1} %, alarms {kinds:?}",
        spec.method,
        spec.data,
        spec.seed,
        knn(course.history.last()),
        knn(course.history.first())
    );
    for alarm in &course.alarms {
        println!("  {} in epoch {}: {}", alarm.kind, alarm.epoch, alarm.seen);
    }
    Ok(())
}
