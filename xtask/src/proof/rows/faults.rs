//! Faults of the machine: rows of the battery that its core does not ask for.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "E08",
        "a source's file system is frozen and its thread with it: other sources and the status go on, nothing is lost",
        test("staithe", "faults", "frozen::a_file_system_that_stands_still_holds_up_itself_and_nobody_else"),
        &[control("a-thread-for-each-source", "they waited for it")],
    ),
    row(
        "F01",
        "the wall clock is set forward by days and ten years while files settle: nothing is early",
        test("staithe", "faults", "clock::a_wall_clock_that_is_set_forward_makes_nothing_early"),
        &[control("monotonic-time", "  early: ")],
    ),
    row(
        "F01b",
        "the same back: nothing is late",
        test("staithe", "faults", "clock::a_wall_clock_that_is_set_back_makes_nothing_late"),
        &[control("monotonic-time", "in vain for event")],
    ),
    row(
        "F03",
        "files of 1901, 1969, 2106, 2446 and a year without four digits arrive, and their events say so",
        test("staithe", "faults", "clock::files_from_other_centuries_arrive_and_their_times_are_right"),
        &[control("years-beyond-2038", "says that it is of")],
    ),
];
