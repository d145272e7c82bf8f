//! Crashes and durability.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "C01",
        "killed at random instants while files are renamed in: nothing lost, at most one batch of each sink repeated",
        test("staithe", "crashes", "kills::kills_at_random_under_load_lose_nothing"),
        &[
            control("record-deliveries", "more than the 512 in flight"),
            control("go-on-with-the-backlog", "  lost: "),
        ],
    ),
    row(
        "C04",
        "the power of ext4 and XFS below the state directory is cut: nothing lost that was acknowledged to a producer \
         or a consumer, at most one batch of each sink repeated (durability = \"power\")",
        test("staithe", "crashes", "power::power_cuts_under_load_lose_nothing_that_was_acknowledged"),
        &[control("sync-commits", "a promise was not kept")],
    ),
    row(
        "C07",
        "a bit flipped or an early end anywhere in the store: it starts, says what it found, keeps the rest, loses no event, \
         sends none with other bytes",
        test("ledger", "it", "rot::a_flipped_bit_or_an_early_end_anywhere_costs_what_lay_there"),
        &[
            control("check-on-opening", "damage that nobody was told of"),
            control("keep-the-rest", "one row has the fraction"),
            control("row-sums", "events go out spoiled"),
        ],
    ),
    row(
        "C08",
        "the disk below the state directory is full for a while: the intake pauses, the status says so, nothing is lost",
        test("staithe", "crashes", "full::a_full_disk_below_the_state_pauses_the_intake_and_loses_nothing"),
        &[
            control("say-what-is-wrong", "in vain for the status to say that the disk is full"),
            control("keep-what-cannot-be-stored", "units to be seen and all of them settled"),
        ],
    ),
];
