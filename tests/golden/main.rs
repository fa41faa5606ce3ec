//! `golden FILE [PREFIX] [--f32]`: the library against numbers from independent implementations, entry by entry.
//!
//! ```text
//! cargo run --release --bin golden -- ../shared/golden/losses.json
//! cargo run --release --bin golden -- ../shared/golden/losses.json ntxent/tau
//! ```
//!
//! Any file in the goldens' format (`selfsame-golden/1`) will do, of any seed and any sizes. Every entry's function
//! is run through the library's public API, in float64 where it can, and its value, its other outputs and every
//! gradient are compared. With PREFIX only the entries whose names begin so are run; with `--f32` the functions that
//! have a float32 form run in it, held to the file's float32 tolerances. The last line is
//! `N compared, N skipped, N failed`; the program ends with 0, with 1 where something failed, and with 2 where the
//! file cannot be read.
//!
//! To add a family: a function from [`Entry`] to [`Found`] and a [`Family`] in `FAMILIES`
//! of the file of its kind (`losses.rs`, `ops.rs`, `diagnostics.rs`). A family that cannot be compared goes to
//! `SKIPPED` there, with the reason.

mod check; // What a function found, held against what an entry says
mod diagnostics; // Families of diagnostics.json
mod file; // The format
mod graph; // Inputs as leaves, gradients back out
mod layers; // Norms, activations, maps, attention and losses on rows
mod losses; // Families of losses.json
mod ops; // Families of ops.json
mod table; // What is printed
mod training; // Optimisers, schedules, clipping, moving averages
mod windows; // Convolutions, pools, changes of size, patches

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;

use check::{compare, Found, Verdict};
use file::{Entry, Golden};

/// Computes what an entry asks for. The error is for the table: what was missing or refused; one that begins with `skip: ` says
/// why a single case of the family is not compared.
pub type Run = fn(&Entry) -> Result<Found, String>;
/// Entries that one function computes.
pub struct Family {
    /// As the file spells it.
    pub name: &'static str,
    /// The function, in float64 unless it says [`Found::single`] of itself.
    pub double: Run,
    /// The same in float32, where there is one.
    pub single: Option<Run>,
}

impl Family {
    /// A family with one function only.
    pub const fn new(name: &'static str, double: Run) -> Family {
        Family { name, double, single: None }
    }
}

/// A family's name and why it is not compared.
pub type Skipped = (&'static str, &'static str);

const USAGE: &str = "usage: golden FILE [PREFIX] [--f32]

FILE is losses.json, ops.json, diagnostics.json or another file of goldens. With PREFIX only entries whose names begin so
are compared; with --f32 the library computes in float32.";

fn main() -> ExitCode {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let single = flags == ["--f32"];
    let (path, prefix) = match names.as_slice() {
        [path] if single || flags.is_empty() => (path, ""),
        [path, prefix] if single || flags.is_empty() => (path, prefix.as_str()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let golden = match Golden::read(path) {
        Ok(golden) => golden,
        Err(why) => {
            eprintln!("golden: {path}: {why}");
            return ExitCode::from(2);
        }
    };
    let entries: Vec<&Entry> = golden.entries.iter().filter(|e| e.name.starts_with(prefix)).collect();
    if entries.is_empty() {
        eprintln!("golden: {path}: no entry's name begins with '{prefix}'");
        return ExitCode::from(2);
    }
    // A panic is reported in its entry's row.
    std::panic::set_hook(Box::new(|_| ()));
    let verdicts: Vec<Verdict> = entries.iter().map(|entry| judge(&golden.kind, entry, single)).collect();
    table::print(&golden, &entries, &verdicts);
    let failed = verdicts.iter().any(|v| matches!(v, Verdict::Failed { .. }));
    ExitCode::from(u8::from(failed))
}

fn judge(kind: &str, entry: &Entry, single: bool) -> Verdict {
    let (families, skipped): (&[&[Family]], _) = match kind {
        "losses" => (&[losses::FAMILIES], losses::SKIPPED),
        "ops" => (ops::FAMILIES, ops::SKIPPED),
        _ => (&[diagnostics::FAMILIES], diagnostics::SKIPPED),
    };
    if let Some((_, reason)) = skipped.iter().find(|(family, _)| *family == entry.family) {
        return Verdict::Skipped((*reason).to_string());
    }
    let Some(family) = families.iter().copied().flatten().find(|family| family.name == entry.family) else {
        return Verdict::Skipped("no function of that family is known to this program".to_string());
    };
    let run = match (single, family.single) {
        (false, _) => family.double,
        (true, Some(run)) => run,
        (true, None) => return Verdict::Skipped("there is no float32 form".to_string()),
    };
    match catch_unwind(AssertUnwindSafe(|| run(entry))) {
        Ok(Ok(found)) => compare(entry, &if single { found.single() } else { found }),
        Ok(Err(why)) => match why.strip_prefix("skip: ") {
            Some(reason) => Verdict::Skipped(reason.to_string()),
            None => Verdict::failed(why),
        },
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Verdict::failed(format!("panicked: {}", text.unwrap_or_default()))
        }
    }
}
