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

impl<T: Show + ?Sized> Show for &T {
    fn content(&self) -> Content {
        (**self).content()
    }
}

impl<T: Show> Show for Option<T> {
    fn content(&self) -> Content {
        self.as_ref().map_or_else(|| Content::new("None"), Show::content)
    }
}

/// The value, or what went wrong: a cell that ends without `?` shows as much as one with it.
impl<T: Show, E: std::fmt::Display> Show for Result<T, E> {
    fn content(&self) -> Content {
        match self {
            Ok(value) => value.content(),
            Err(e) => Content::new(format!("error: {e}")),
        }
    }
}

/// A figure, or why there is none: a value that cannot be drawn still has its text.
pub(super) fn drawn(content: Content, figure: crate::error::Result<crate::plot::Figure>) -> Content {
    match figure {
        Ok(figure) => content.with_figure(figure),
        Err(e) => Content::new(format!("{}\n(not drawn: {e})", content.text())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Labels;
    use crate::error::Error;

    #[test]
    fn what_may_be_missing_shows_what_is_there() {
        let labels = Labels::PerClass(3);
        let shown = "3 labels of every class";
        assert_eq!(Show::content(&&labels).text(), shown);
        assert_eq!(Some(labels).content().text(), shown);
        assert_eq!(None::<Labels>.content().text(), "None");
        assert_eq!(Ok::<_, Error>(labels).content().text(), shown);
        let failed: Result<Labels, Error> = Err(Error::Interrupted);
        assert_eq!(failed.content().text(), "error: stopped at your request");
    }
}
