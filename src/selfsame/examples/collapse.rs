//! The gallery of deliberate collapses: `cargo run --release -p selfsame --example collapse -- [NAME...] [--seed N]`.

use selfsame::presets::collapse::{find, list, run_all, Collapse};
use selfsame::Error;

fn main() -> Result<(), Error> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    let mut seed = 0;
    if let Some(at) = names.iter().position(|word| word == "--seed") {
        seed = names.get(at + 1).and_then(|number| number.parse().ok()).unwrap_or(0);
        names.drain(at..(at + 2).min(names.len()));
    }
    let entries: Vec<&Collapse> = match names.is_empty() {
        true => list().iter().collect(),
        false => names.iter().map(|name| find(name)).collect::<Result<_, _>>()?,
    };
    run_all(&entries, seed, |shown| println!("{}\n{}", shown.text(), "-".repeat(80)))
}
