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
        &[control("beneath-the-root", "a way out was found within")],
    ),
    row(
        "H04",
        "400 hostile names through tables, JSON, queue, plugin, mirror and logs: the same bytes for machines, no control byte on a \
         screen, one line for each record",
        test("staithe", "battery", "hostile::four_hundred_hostile_names_do_no_harm_wherever_they_come_out"),
        &[control("names-are-shown-safely", "raw control bytes on a screen")],
    ),
    row(
        "H05",
        "there is no web interface: with every sink and preset nothing listens but a local socket, which is deaf to other users and \
         undisturbed by bad frames",
        test("staithe", "core", "doors::nothing_listens_but_a_socket_for_its_owner_whom_no_frame_disturbs"),
        &[control("peer-credentials", "another user was answered")],
    ),
    row(
        "H07",
        "a password in a URL, a file, the environment: in no log, answer, ledger or command line, and not where an address is \
         mistyped or a server repeats it",
        test("staithe", "sinks", "secrets::a_password_is_shown_nowhere"),
        &[control("strike-out-passwords", "the password is shown in these places")],
    ),
    row(
        "H08",
        "texts made to break parsers (configurations, metadata, lists of checksums, headers): an answer within 1 s of processor time \
         and 64 MB, and no crash",
        test("staithe", "core", "bombs::no_text_takes_a_parser_down_or_far_up"),
        &[control("size-limits", "kB more")],
    ),
];
