//! What sinks do to us.

use super::Row;

pub(super) const ROWS: &[Row] = &[];
