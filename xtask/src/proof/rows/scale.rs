//! Scale and resources.

use super::Row;

pub(super) const ROWS: &[Row] = &[];
