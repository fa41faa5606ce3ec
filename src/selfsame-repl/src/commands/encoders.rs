//! `selfsame encoders`: the networks there are, and their sizes.

use selfsame::plot::Table;
use selfsame::presets;
use selfsame::Error;

use super::methods;
use crate::args::Encoders;
use crate::exit::Exit;
use crate::numbers::thousands;
use crate::output;

/// Lists the encoder presets.
///
/// # Errors
/// Stdout that cannot be written.
pub fn run(arguments: Encoders) -> Result<Exit, Error> {
    let lines = presets::encoders()?;
    if arguments.json {
        output::json(&serde_json::json!({ "encoders": lines }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["encoder", "images", "features", "parameters", "data"]);
    for line in &lines {
        let [channels, height, width] = line.input;
        table.row([
            line.name.clone(),
            format!("{channels}x{height}x{width}"),
            line.features.to_string(),
            thousands(line.parameters as u64),
            line.data
                .iter()
                .map(|form| form.split(':').next().unwrap_or(form))
                .collect::<Vec<_>>()
                .join(", "),
        ]);
    }
    output::stdout(&format!("{}\n\n{}", table.text(), methods::list(presets::ENCODERS)))?;
    Ok(Exit::Done)
}
