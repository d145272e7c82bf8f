//! What sinks do to us.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[
    row(
        "D01",
        "twelve answers of Redis in turn, under load: each is named, costs no attempts, loses and repeats nothing",
        test("staithe", "sinks", "answers::each_of_twelve_answers_is_named_and_outlived"),
        &[
            control("keep-what-a-sink-refuses", "  lost: "),
            control("tell-what-a-person-must-heal", "the sink does not say that it is failed"),
        ],
    ),
    row(
        "D04",
        "a server that vanishes from the network: the request ends in time, the sink beside does not notice",
        test("staithe", "sinks", "half_open::a_server_that_vanishes_from_the_network_holds_up_nobody_else"),
        &[control("bound-each-request", "in vain for the sink to speak of E-SINK-TIMEOUT")],
    ),
    row(
        "D09",
        "a backlog of a sink that was off: it lies on disk, and leaves in order when the sink takes 5 000 a second",
        test("staithe", "sinks", "backlog::a_large_backlog_lies_on_disk_and_leaves_in_order"),
        &[control("leave-the-backlog-in-the-ledger", "the backlog lies in memory")],
    ),
    row(
        "D11",
        "dead letters are offered again; that is killed, paused and stopped in the middle",
        test("staithe", "sinks", "letters::a_replay_that_is_killed_and_paused_loses_and_repeats_nothing"),
        &[
            control("letters-stay-until-delivered", "letters that are neither taken nor on the list"),
            control("record-what-was-delivered", "letters were taken twice"),
        ],
    ),
];
