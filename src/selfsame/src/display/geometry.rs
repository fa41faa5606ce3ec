//! The geometry of an embedding.

use super::{html, Content, Show};
use crate::diagnose::Geometry;
use crate::plot::geometry_table;

impl Show for Geometry {
    fn content(&self) -> Content {
        let table = geometry_table(self);
        Content::new(table.text()).with_html(html::table(&table))
    }
}
