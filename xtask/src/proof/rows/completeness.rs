//! No partial files.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "A01",
        "files of up to 5 MB by 8 writers, renamed when they are finished; what was broken off stays aside",
        test("staithe", "writers", "published::files_renamed_by_8_writers_come_whole_and_once"),
        &[control("temporary-names", "unknown: d"), control("hear-renames", "lost: d")],
    ),
    row(
        "A02",
        "files linked to their names, by programs and by an SFTP server's plain rename, noticed at once",
        test(
            "staithe",
            "writers",
            "published::linked_files_and_a_servers_renames_are_noticed_by_their_events",
        ),
        &[control("linked-files", "lost: d")],
    ),
    row(
        "A03",
        "files that got their name by a link two seconds before their last byte",
        test("staithe", "writers", "late::files_linked_before_their_last_byte_come_whole"),
        &[control("writer-probe", "early: late")],
    ),
    row(
        "A04",
        "writers that pause with the file open; where no writer can be seen, early by pause and settle time",
        test("staithe", "noticing", "pausing::a_pause_with_the_file_open_fools_only_who_cannot_see_writers"),
        &[
            control("writer-probe", "early: slow"),
            control("quiet-time", "early though no pause was as long as the settle time"),
        ],
    ),
    row(
        "A05",
        "files opened, appended to and closed 20 times: one event for each rest, never one version twice",
        test("staithe", "writers", "reopened::a_file_that_is_opened_20_times_comes_once_for_each_rest"),
        &[control("quiet-time", ": early at ")],
    ),
    row(
        "A06",
        "files that have their final size from the beginning",
        test(
            "staithe",
            "writers",
            "preallocated::files_of_their_final_size_from_the_beginning_come_when_they_are_filled",
        ),
        &[control("writer-probe", "early: whole")],
    ),
    row(
        "A07",
        "slow `cp -p`, `rsync -t` and `tar` with times of 2001",
        test("staithe", "writers", "dated::copies_with_times_of_2001_come_whole_and_once"),
        &[
            control("writer-probe", "early: "),
            control("age-of-inode", "early: dated-at-once/"),
            control("new-times-are-no-news", "again: "),
        ],
    ),
    row(
        "A09",
        "datasets of 5 000 members in any order: the straggler and the metadata decide",
        test("staithe", "datasets", "assembly::of_5000_members_the_straggler_and_the_metadata_decide"),
        &[control("writer-probe", "is not waiting.members"), control("metadata", "is not waiting.metadata")],
    ),
];
