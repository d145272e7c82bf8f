//! No partial files.

use super::Row;

pub(super) const ROWS: &[Row] = &[];
