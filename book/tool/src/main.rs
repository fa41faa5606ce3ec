//! What makes the book: `preprocess` turns its mathematics into MathML (mdBook calls it), `regenerate` runs the programs and
//! writes their outputs and figures, `links` checks the built pages.

mod compare;
mod docs;
mod exercises;
mod include;
mod kinds;
mod links;
mod math;
mod output;
mod preprocess;
mod programs;
mod regenerate;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

/// Makes and checks the book.
#[derive(Parser)]
#[command(name = "selfsame-book")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Formulas between dollars become MathML: mdBook's protocol on stdin and stdout
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
    /// Run every program of the tutorials and keep what it printed and drew
    Regenerate {
        /// Change nothing: say what differs from what is kept, beyond tolerance, and fail
        #[arg(long)]
        check: bool,
        /// Only programs and scripts whose name begins so; may be repeated
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Check links, anchors, pictures and their descriptions in the built book
    Links {
        /// The folder of the built pages
        #[arg(default_value = "book/html")]
        folder: PathBuf,
    },
    /// Check the links between the built book and what `cargo doc` has made, both ways
    Docs {
        /// The folder of the built pages
        #[arg(long, default_value = "book/html")]
        book: PathBuf,
        /// The folder `cargo doc` writes into
        #[arg(long, default_value = "target/doc")]
        docs: PathBuf,
        /// Copy both into this folder, where their links work
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Whether a renderer's pages can hold MathML
    Supports {
        /// mdBook's name of the renderer
        renderer: String,
    },
}

fn main() -> anyhow::Result<()> {
    let root = checkout()?;
    match Arguments::parse().command {
        Command::Preprocess { question: None } => preprocess::preprocess(&root),
        // MathML is HTML: anything else gets the formulas as they are written.
        Command::Preprocess { question: Some(Question::Supports { renderer }) } => {
            std::process::exit(i32::from(renderer != "html"))
        }
        Command::Regenerate { check, only } => regenerate::regenerate(&root, check, &only),
        Command::Docs { book, docs, to } => {
            docs::check(&book, &docs)?;
            to.map_or(Ok(()), |to| docs::site(&book, &docs, &to))
        }
        Command::Links { folder } => links::check(&root, &folder),
    }
}

/// The folder of the workspace, wherever the program is called from.
fn checkout() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| anyhow::anyhow!("{} is not in a checkout", here.display()))
}
