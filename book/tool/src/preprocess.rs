//! mdBook's preprocessor protocol: the book as JSON in, the book as JSON out.

use std::path::Path;

use anyhow::{bail, Context, Result};
use mdbook_preprocessor::book::BookItem;

use crate::{exercises, include, math};

/// Reads the book from stdin and writes it, with its formulas and exercises replaced, to stdout.
pub fn preprocess(root: &Path) -> Result<()> {
    let (context, mut book) =
        mdbook_preprocessor::parse_input(std::io::stdin()).context("mdBook's message cannot be read")?;
    let source = context.root.join(&context.config.book.src);
    let mut wrong = Vec::new();
    book.for_each_mut(|item| {
        let BookItem::Chapter(chapter) = item else { return };
        // Each replaces what is wrong in the lines of the file or not at all: the first to fail names its line.
        let file = chapter.source_path.as_ref().map(|path| source.join(path));
        let folder = file.as_deref().and_then(Path::parent).unwrap_or(&source);
        let made = math::replaced(&chapter.content).and_then(|page| {
            let page = include::replaced(folder, &page)?;
            exercises::replaced(root, &page)
        });
        match made {
            Ok(content) => chapter.content = content,
            Err((line, e)) => {
                let file = file.map_or_else(|| chapter.name.clone(), |path| path.display().to_string());
                wrong.push(format!("{file}:{line}: {e:#}"));
            }
        }
    });
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    serde_json::to_writer(std::io::stdout(), &book).context("the book cannot be written to mdBook")
}
