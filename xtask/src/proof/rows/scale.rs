//! Scale and resources.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "E01",
        "one directory with very many entries: start, memory, rest, and new files, which cost no more than elsewhere",
        test(
            "staithe",
            "battery",
            "scale::one_directory_with_very_many_entries_costs_little_and_a_new_file_no_more_than_elsewhere",
        ),
        &[control("looking-at-names-only", "work for a new file grows with its directory")],
    ),
    row(
        "E03",
        "10 000 files a second in 100 directories; the kernel's queue never overflows",
        test("staithe", "battery", "scale::a_long_burst_in_100_directories_is_heard_to_the_last_file"),
        &[control("draining-at-once", "the kernel's queue overflowed")],
    ),
];
