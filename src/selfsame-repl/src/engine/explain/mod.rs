//! What the compiler refuses, in a sentence first.
//!
//! dfdx and this library check shapes with the compiler's trait and type errors. Those name a dozen types to say that 784
//! is not 783; here both shapes and the operation are found in what the compiler says, and put first.
mod diagnosis;
mod words;

use evcxr::CompilationError;

use super::fault::{Fault, FaultKind, Spot};
use diagnosis::Diagnosis;
pub use words::upper;

/// The fault that `errors`, which the compiler found in the cell `source`, come to.
pub(super) fn explain(errors: &[CompilationError], source: &str) -> Fault {
    let Some(first) = errors.iter().find(|e| e.level() == "error").or(errors.first()) else {
        return Fault::new(FaultKind::CompileError, "The cell does not compile.");
    };
    let spots = spots(first);
    let said = words::explain(&Diagnosis::read(&first.json, &first.message()), &marked(&spots, source));
    let mut fault = Fault::new(FaultKind::CompileError, said.summary);
    fault.remedy = said.remedy.or_else(|| first.evcxr_extra_hint().map(str::to_string));
    fault.spots = spots;
    fault.detail = errors.iter().map(CompilationError::rendered).collect::<Vec<_>>().join("\n");
    if errors.len() > 1 {
        let more = errors.len() - 1;
        fault.summary += &format!(" (and {more} more error{})", if more == 1 { "" } else { "s" });
    }
    fault
}

fn spots(error: &CompilationError) -> Vec<Spot> {
    let said = error.spanned_messages().iter();
    let mut spots: Vec<Spot> = said
        .filter_map(|message| {
            let span = message.span.as_ref()?;
            let end = if span.end_line == span.start_line { span.end_column } else { span.start_column + 1 };
            Some(Spot {
                line: span.start_line,
                column: span.start_column,
                end,
                label: words::label(&message.label),
                is_primary: message.is_primary,
            })
        })
        .collect();
    spots.sort_by_key(|spot| (!spot.is_primary, spot.line, spot.column));
    spots.dedup();
    spots
}

/// The text the error is about, and the one that explains it, as they stand in the cell.
fn marked(spots: &[Spot], source: &str) -> (String, String) {
    let text = |spot: &Spot| {
        let line = source.lines().nth(spot.line.saturating_sub(1)).unwrap_or_default();
        let columns = line.chars().skip(spot.column.saturating_sub(1));
        columns.take(spot.end.saturating_sub(spot.column)).collect::<String>()
    };
    let first = |primary: bool| spots.iter().find(|s| s.is_primary == primary).map(text).unwrap_or_default();
    (first(true), first(false))
}
