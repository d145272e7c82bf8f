//! `explain` against the truth: a generator brings more than 300 paths (2 000 in the long form) into every state and knows why
//! each of them is where it is; then all are asked for in random order.
//!
//! `STAITHE_SEED` repeats a run; each run prints its seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod ask;
mod bundles;
mod configuration;
mod files;
mod refusing;
mod story;
mod truth;
mod world;

use std::time::Duration;

use testkit::chance::Chance;
use testkit::proof::{Row, size};

use crate::truth::Case;
use crate::world::World;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);

/// A world that is filled, and where each of its paths must be, in random order.
fn filled(backend: &str, chance: &mut Chance) -> (World, Vec<Case>) {
    let mut world = World::start(chance, backend);
    files::fill(&mut world);
    bundles::fill(&mut world);
    world.end_what_is_to_end();
    let mut cases = world.cases();
    assert!(cases.len() >= size(300, 2_000), "only {} paths", cases.len());
    chance.shuffle(&mut cases);
    (world, cases)
}

#[test]
fn explain_names_the_right_reason_for_random_paths_in_all_states() {
    let mut chance = Chance::from_environment();
    let row = Row::new("G03").seed(chance.seed());
    let (mut world, mut cases) = filled("auto", &mut chance);
    assert_many_kinds(&cases);
    let row = row.figure("paths", cases.len());
    ask::wait_for_truth(&world, &cases);
    // Nothing but time passes now: every answer stays as it is.
    let mut answers = 0;
    for _ in 0..size(1, 3) {
        chance.shuffle(&mut cases);
        answers += ask::assert_truth(&world, &cases);
    }
    ask::assert_lists(&world, &cases);
    ask::assert_counts(&world, &cases);

    world.restart();
    cases.retain(|case| needs_no_event(case) && case.reason != Some("blocked.paused"));
    chance.shuffle(&mut cases);
    ask::wait_for_truth(&world, &cases);
    answers += cases.len();
    // With one answer that differs the test does not come here.
    row.figure("answers", answers).figure("agreement %", 100).count("unknown", 0).print();
}

#[test]
fn explain_names_the_right_reason_where_nothing_is_heard() {
    let mut chance = Chance::from_environment();
    let (world, mut cases) = filled("poll", &mut chance);
    cases.retain(needs_no_event);
    ask::wait_for_truth(&world, &cases);
    ask::assert_truth(&world, &cases);
}

/// Whether it is so even where no event told of it: then writers are asked for instead.
fn needs_no_event(case: &Case) -> bool {
    !["waiting.renamed-in", "waiting.closed"].iter().any(|reason| case.reason == Some(*reason))
}

/// Every reason that can be brought about from outside, and every state.
fn assert_many_kinds(cases: &[Case]) {
    let has = |wanted: &str| cases.iter().any(|case| case.reason == Some(wanted));
    let reasons = [
        "waiting.closed",
        "waiting.writer-open",
        "waiting.renamed-in",
        "waiting.quiet",
        "waiting.min-age",
        "waiting.marker",
        "waiting.lock",
        "waiting.manifest",
        "waiting.metadata",
        "waiting.members",
        "waiting.count",
        "waiting.children",
        "waiting.announce",
        "waiting.deadline",
        "ignored.filter",
        "ignored.temp-name",
        "ignored.marker",
        "ignored.symlink",
        "ignored.special-file",
        "ignored.directory",
        "blocked.sink-down",
        "blocked.sink-configuration",
        "blocked.paused",
    ];
    for reason in reasons {
        assert!(has(reason), "no path for {reason}");
    }
    for state in ["waiting", "ignored", "delivered", "gone", "adopted", "seen"] {
        assert!(cases.iter().any(|case| case.states.contains(&state)), "no path is {state}");
    }
}
