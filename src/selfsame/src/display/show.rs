//! What the last expression of a cell does.

use super::Content;

/// A value that shows itself in the REPL and in notebook cells.
///
/// ```
/// use selfsame::prelude::*;
/// let digits = Digits::load()?;
/// assert!(digits.content().text().starts_with("digits: 1,797 images of 1x8x8"));
/// # Ok::<(), selfsame::Error>(())
/// ```
pub trait Show {
    /// Its forms.
    fn content(&self) -> Content;

    /// Shows it where the code runs; evcxr calls this for the last expression of a cell.
    fn evcxr_display(&self) {
        self.content().print();
    }
}

/// A figure, or why there is none: a value that cannot be drawn still has its text.
pub(super) fn drawn(content: Content, figure: crate::error::Result<crate::plot::Figure>) -> Content {
    match figure {
        Ok(figure) => content.with_figure(figure),
        Err(e) => Content::new(format!("{}\n(not drawn: {e})", content.text())),
    }
}
