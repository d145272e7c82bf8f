//! Answers: explanations, sums, and the programs replaced.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "G03",
        "explain gives the right verdict, reason and rule for random paths in every state, never seen ones too",
        test("staithe", "explaining", "explain_names_the_right_reason_for_random_paths_in_all_states"),
        &[control("the-source-is-asked", "in vain for")],
    ),
    row(
        "G04",
        "what status counts is what was written and delivered, through an overflow, kills and a held back sink; nothing that is \
         final is ever counted less",
        test("staithe", "core", "sums::what_is_counted_is_what_was_done_through_overflows_and_kills"),
        &[control("count-what-is-ignored", "in vain for the 50 ignored names to be counted")],
    ),
    row(
        "G06",
        "what was recorded of the four programs replaced, replayed: renames put together between two watches, queues and logs to \
         the byte, requests, verdicts on names",
        test("staithe", "iobserver_acceptance", "moves::s04_a_rename_from_one_watch_into_another"),
        &[control("renames-between-watches", "in vain for MOVE events matched")],
    )
    .and(&[
        test("staithe", "directory_observer", "every_recorded_scenario"),
        test("staithe", "dlm_watcher", "golden::in_strict_mode_the_requests_are_those_that_were_recorded"),
        test("staithe", "sendit", "scenarios_folders::s05_the_twelve_names_get_the_old_verdicts"),
    ]),
];
