//! Seeing everything.

use super::{Row, control, row, test};

const STARVING: &str = "starving::with_100_watches_for_1_000_directories_nothing_is_lost_\
    and_all_are_watched_when_the_limit_is_raised";

pub(super) const ROWS: &[Row] = &[
    row(
        "B01",
        "new chains of directories, renamed in their midst within a millisecond; no comparison is made",
        test(
            "staithe",
            "battery",
            "arrivals::new_chains_of_directories_that_are_renamed_at_once_lose_no_file",
        ),
        &[control("walk-new-directories", "in vain for an event of each file")],
    ),
    row(
        "B02",
        "more events than the kernel queues, in 300 old and many new directories, while the program stands still",
        test("staithe", "battery", "overflow::after_an_overflow_nothing_is_missing_and_the_gap_is_counted"),
        &[control("comparing-after-overflows", "in vain for event")],
    ),
    row(
        "B03",
        "stopped under load until the kernel drops events; the load goes on while it catches up",
        test("staithe", "battery", "overflow::stopped_under_load_it_catches_up_while_the_load_goes_on"),
        &[control("comparing-after-overflows", "in vain for event")],
    ),
    row(
        "B04",
        "100 watches for 1 001 directories: the others are polled, told and, when there are more watches, watched",
        test("staithe", "noticing", STARVING),
        &[control("polling-what-cannot-be-watched", "in vain for event")],
    ),
    row(
        "B06",
        "5 000 files written into the upper layer of an overlay, where no event tells of them",
        test(
            "staithe",
            "noticing",
            "overlay::files_written_into_the_upper_layer_of_an_overlay_are_found_by_polling",
        ),
        &[control("polling-blind-mounts", "in vain for an event of every file")],
    ),
    row(
        "B07",
        "files added, replaced, removed and renamed while it does not run: only new versions come",
        test(
            "staithe",
            "battery",
            "downtime::of_what_changed_while_it_was_down_only_new_versions_are_delivered",
        ),
        &[
            control("remembering-across-restarts", "unchanged, and delivered again"),
            control("comparing-with-what-is-known", "in vain for event"),
        ],
    ),
    row(
        "B08",
        "the root unmounted, and mounted again by another device: nothing counts as removed, nothing comes again",
        test(
            "staithe",
            "noticing",
            "mounts::a_root_that_is_unmounted_and_mounted_by_another_device_repeats_nothing",
        ),
        &[control("removal-by-evidence-only", "in vain for the root to be hidden and not empty")],
    ),
];
