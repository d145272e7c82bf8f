//! Seeing everything.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[row(
    "B01",
    "chains of new directories with a file at the end",
    test("staithe", "battery", "arrivals::a_file_in_each_of_2_000_new_chains_of_directories"),
    &[control("walk-new-directories", "in vain for event")],
)];
