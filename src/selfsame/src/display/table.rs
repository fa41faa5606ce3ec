//! Tables.

use super::{html, Content, Show};
use crate::plot::Table;

impl Show for Table {
    fn content(&self) -> Content {
        Content::new(self.text()).with_html(html::table(self))
    }
}
