//! Security.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "H01",
        "links and second names planted in both trees, guessed temporary names, climbing paths and twin names: nothing \
         outside of a mirror's trees changes",
        test(
            "mirror",
            "it",
            "escaping::nothing_that_is_planted_or_asked_for_leads_the_mirror_out_of_its_trees",
        ),
        &[
            control("beneath-the-root", "the canary changed in round"),
            control("only-names", "was taken for a path"),
        ],
    ),
    row(
        "H02",
        "directories and files swapped for links in both trees while mirroring and hashing",
        test(
            "mirror",
            "it",
            "racing_both::what_is_swapped_for_links_in_both_trees_leads_neither_mirroring_nor_hashing_outside",
        ),
        &[control("beneath-the-root", "the canary changed within")],
    ),
];
