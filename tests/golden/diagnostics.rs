//! Families of diagnostics.json.

use crate::{Family, Skipped};

/// Every family this program compares.
pub const FAMILIES: &[Family] = &[];

/// Families that are not compared, and why.
pub const SKIPPED: &[Skipped] = &[];
