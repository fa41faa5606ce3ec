//! What the program prints.

use std::collections::BTreeMap;

use crate::check::{Row, Verdict};
use crate::file::{Entry, Golden};

/// One line an entry, the skipped families with their reasons, and the count.
pub fn print(golden: &Golden, entries: &[&Entry], verdicts: &[Verdict]) {
    println!("{} entries of {} (seed {}, grown by {})", entries.len(), golden.kind, golden.seed, golden.grow);
    println!("Numbers are the largest difference over 1 + the largest expected; 1e-9 is allowed, in float32 what the file says.\n");
    let width = entries.iter().map(|e| e.name.len()).max().unwrap_or(0);
    let (mut held, mut failed) = (0, 0);
    let mut skipped: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (entry, verdict) in entries.iter().zip(verdicts) {
        match verdict {
            Verdict::Held(rows) => {
                held += 1;
                println!("ok    {:width$}  {}", entry.name, line(rows));
            }
            Verdict::Failed { rows, why } => {
                failed += 1;
                println!("FAIL  {:width$}  {}", entry.name, line(rows));
                for row in rows.iter().filter(|row| !row.holds()) {
                    println!(
                        "      {:width$}  {}: {:.1e}, allowed {:.1e}",
                        "", row.what, row.error, row.allowed
                    );
                }
                if let Some(why) = why {
                    println!("      {:width$}  {why}", "");
                }
            }
            Verdict::Skipped(reason) => *skipped.entry((&entry.family, reason)).or_default() += 1,
        }
    }
    if !skipped.is_empty() {
        println!("\nnot compared:");
    }
    for ((family, reason), count) in &skipped {
        println!("skip  {family} ({count}): {reason}");
    }
    println!("\n{} compared, {} skipped, {failed} failed", held + failed, skipped.values().sum::<usize>());
}

fn line(rows: &[Row]) -> String {
    rows.iter().map(|row| format!("{} {:.1e}", row.what, row.error)).collect::<Vec<_>>().join("  ")
}
