//! `selfsame collapse`: the gallery of deliberate collapses.

use selfsame::plot::Table;
use selfsame::presets::collapse::{find, list, run_all};
use selfsame::Error;
use serde_json::{json, Value};

use super::workers;
use crate::args::Collapse;
use crate::exit::Exit;
use crate::{output, stop};

/// Lists the entries, or runs one or all.
///
/// # Errors
/// An unknown name; a stop that was asked for.
pub fn run(arguments: Collapse) -> Result<Exit, Error> {
    let name = arguments.name.as_deref().unwrap_or("all");
    let entries = if name == "all" { list().iter().collect() } else { vec![find(name)?] };
    if arguments.list {
        return listed(arguments.json);
    }
    workers::set(arguments.threads)?;
    stop::on_ctrl_c("stopping; nothing is kept of these runs")?;
    let (mut shown, mut wrong) = (Vec::new(), 0);
    run_all(&entries, arguments.seed, |one| {
        wrong += usize::from(!one.named_correctly || one.healthy_twin_alarms > 0);
        output::stderr(&format!("{}\n{}", one.text(), "-".repeat(80)));
        shown.push(one.clone());
    })?;
    if arguments.json {
        output::json(&shown)?;
    } else {
        let mut table =
            Table::new(["collapse", "method", "change", "verdict", "named", "epoch", "twin's alarms"]);
        for one in &shown {
            table.row([
                one.name.clone(),
                one.method.clone(),
                one.change.clone(),
                one.verdict.clone().unwrap_or_else(|| "-".into()),
                if one.named_correctly { "yes".into() } else { "NO".into() },
                one.epoch.map_or("-".into(), |epoch| epoch.to_string()),
                one.healthy_twin_alarms.to_string(),
            ]);
        }
        output::stdout(&table.text())?;
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failed })
}

/// What there is, with the verdict each is to get; what only a run finds is `null`.
fn listed(as_json: bool) -> Result<Exit, Error> {
    if as_json {
        let entries: Vec<Value> = list()
            .iter()
            .map(|e| {
                json!({
                    "name": e.name, "method": e.method, "change": e.change, "verdict": e.kinds.first(),
                    "named_correctly": null, "epoch": null, "healthy_twin_alarms": null,
                })
            })
            .collect();
        output::json(&entries)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["collapse", "method", "change", "what it shows"]);
    for e in list() {
        table.row([e.name, e.method, e.change, e.shows]);
    }
    output::stdout(&table.text())?;
    Ok(Exit::Done)
}
