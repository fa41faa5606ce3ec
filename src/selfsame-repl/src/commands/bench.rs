//! `selfsame bench`: how fast a fixed piece of work is on this machine.

use selfsame::bench::{export, run as measure, Report, Settings, Workload, WARM_UP};
use selfsame::plot::Table;
use selfsame::text::visible_path;
use selfsame::Error;

use super::workers;
use crate::args::Bench;
use crate::exit::Exit;
use crate::numbers::{counted, thousands};
use crate::output;
use crate::stop;

/// Times a workload, or writes one step of it to a file.
///
/// # Errors
/// An unknown workload, settings out of range, a file that cannot be written.
pub fn run(arguments: Bench) -> Result<Exit, Error> {
    let workload = Workload::named(&arguments.workload)?;
    workers::set(arguments.threads)?;
    if let Some(file) = &arguments.export {
        export(workload, file)?;
        output::note(&format!("one step of {} in {}", workload.name(), visible_path(file)));
        return Ok(Exit::Done);
    }
    stop::on_ctrl_c("finishing this step")?;
    let report = measure(workload, &Settings { steps: arguments.steps, profile: arguments.profile })?;
    if arguments.json {
        output::json(&report)?;
    } else {
        output::stdout(&text(workload, &report))?;
    }
    Ok(Exit::Done)
}

/// The report as a person reads it.
fn text(workload: Workload, report: &Report) -> String {
    let threads = counted(report.threads as u64, "thread");
    let steps = counted(report.steps as u64, "step");
    let mut lines = vec![
        format!("{}: {}", report.workload, workload.about()),
        format!("{threads}, {steps} after {WARM_UP} to warm up"),
        String::new(),
    ];
    lines.extend(facts(report).into_iter().map(|(name, value)| format!("  {name:<14}{value}")));
    if let Some(table) = profile(report) {
        lines.extend([String::new(), table]);
    }
    lines.join("\n")
}

/// A name and a value with its unit, each for one line.
fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut facts = match report.unit {
        "seconds" => vec![("time", format!("{:.3} s, best {:.3} s", report.median, report.best))],
        unit => vec![
            ("speed", format!("{} {unit}, best {}", rate(report.median), rate(report.best))),
            ("a step", format!("{:.2} ms", report.step_ms)),
        ],
    };
    let giga = |flop: f64| format!("{:.1}", flop / 1e9);
    let peak = giga(report.sgemm_peak_flop_per_second);
    match (report.flop_per_step, report.flop_per_second, report.share_of_peak) {
        (Some(step), Some(second), Some(share)) => {
            facts.push(("arithmetic", format!("{} GFLOP a step, {} GFLOP/s", giga(step), giga(second))));
            let of = format!("{:.0} % of {peak} GFLOP/s, the fastest matrix product here", 100.0 * share);
            facts.push(("of the peak", of));
        }
        _ => facts.push(("the peak", format!("{peak} GFLOP/s, the fastest matrix product here"))),
    }
    let memory = match report.peak_memory_bytes {
        Some(bytes) => format!("{} MB at most", thousands(bytes / 1_000_000)),
        None => "unknown".to_string(),
    };
    facts.push(("memory", memory));
    if let Some(accuracy) = report.found.get("train_accuracy") {
        facts.push(("accuracy", format!("{:.2} % of the rows it was fitted on", 100.0 * accuracy)));
    }
    facts
}

/// Three digits or more: `9.42`, `812.4`, `14,210`.
fn rate(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 1000.0 => format!("{v:.1}"),
        v => thousands(v.round() as u64),
    }
}

/// Where the time went, an operation a row.
fn profile(report: &Report) -> Option<String> {
    let ops = report.ops.as_ref()?;
    let mut table = Table::new(["operation", "calls", "forward, ms", "backward, ms", "share"]);
    for op in ops {
        table.row([
            op.name.to_string(),
            format!("{:.0}", op.calls),
            format!("{:.2}", op.forward_ms),
            format!("{:.2}", op.backward_ms),
            format!("{:.1} %", 100.0 * op.share),
        ]);
    }
    Some(format!("Means of a step\n{}", table.text()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use selfsame::bench::OpShare;

    use super::*;

    fn report() -> Report {
        Report {
            workload: "simclr-cnn",
            unit: "images/s",
            device: "cpu",
            threads: 2,
            steps: 10,
            median: 1234.5,
            best: 1300.0,
            step_ms: 207.372,
            flop_per_step: Some(45e9),
            flop_per_second: Some(217e9),
            sgemm_peak_flop_per_second: 375.25e9,
            share_of_peak: Some(0.578),
            peak_memory_bytes: None,
            found: BTreeMap::new(),
            ops: None,
        }
    }

    #[test]
    fn every_number_has_its_unit() {
        let expected = "\
2 threads, 10 steps after 3 to warm up

  speed         1,235 images/s, best 1,300
  a step        207.37 ms
  arithmetic    45.0 GFLOP a step, 217.0 GFLOP/s
  of the peak   58 % of 375.2 GFLOP/s, the fastest matrix product here
  memory        unknown";
        assert_eq!(text(Workload::SimClrCnn, &report()).split_once('\n').map(|t| t.1), Some(expected));
    }

    #[test]
    fn seconds_are_not_a_speed_and_a_profile_is_a_table() {
        let op = OpShare { name: "linear", calls: 4.0, forward_ms: 1.5, backward_ms: 2.25, share: 0.75 };
        let found = BTreeMap::from([("train_accuracy", 0.98765)]);
        let report = Report {
            unit: "seconds",
            median: 0.5,
            best: 0.25,
            flop_per_step: None,
            found,
            ops: Some(vec![op]),
            ..report()
        };
        let text = text(Workload::Probe, &report);
        for line in [
            "  time          0.500 s, best 0.250 s",
            "  accuracy      98.77 % of the rows",
            "linear          4          1.50",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
