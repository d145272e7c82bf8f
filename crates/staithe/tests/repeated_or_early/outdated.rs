//! What was found out before something changed says nothing of what is there now.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::wait_for;

use crate::STEP;
use crate::stage::Stage;

const LISTED: &str = r#"
    [[source.inbox.rule]]
    name = "listed"
    dataset = "*.ms"
    complete = { all = ["members", { manifest = { file = "SUMS.sha256", rate = "1MiB" } }] }
"#;

/// Of three bytes that are `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// Of three million zeros.
const ZEROS: &str = "35bce4eae54ec8e6cc2868baa8d157914d6ae2858811b4cc0c078c94460fa26f";

#[test]
fn a_manifest_that_held_for_what_was_replaced_meanwhile_is_not_believed() {
    let stage = Stage::start("replaced", "", LISTED);
    stage.write("a.staged/first", "abc");
    stage.write("a.staged/second", vec![0; 3_000_000]);
    stage.write("a.staged/SUMS.sha256", format!("{ABC}  first\n{ZEROS}  second\n"));
    fs::rename(stage.path("a.staged"), stage.path("a.ms")).expect("it can be renamed");
    // Two seconds and more are spent on the second; the first was read before.
    stage.wait_reason("a.ms", "waiting.inspection");
    std::thread::sleep(Duration::from_millis(500));
    stage.write("a.ms/first", "abd");
    let gap = stage.wait_reason("a.ms", "waiting.manifest");
    assert_eq!((&gap["wrong"], &gap["good"]), (&1.into(), &1.into()), "{gap}");
    assert!(stage.events().is_empty());
    stage.write("a.ms/first", "abc");
    stage.wait_event("a.ms", 1).is_first().is_by(&["manifest"]);
}

const SPENT: &str = r#"
    [[source.inbox.rule]]
    name = "marked"
    include = ["x*"]
    complete = { all = ["closed", { quiet = "3s" }, { marker = { name = "{name}.done", after = "delete" } }] }
"#;

#[test]
fn a_marker_for_what_was_written_since_stays_until_that_is_delivered() {
    let stage = Stage::start("rewritten", "", SPENT);
    stage.write("x", "1");
    stage.write("x.done", "");
    let first = stage.wait_event("x", 1);
    // Before the marker of the first is deleted, the second is written, with its own.
    stage.write("x", "22");
    stage.write("x.done", "");
    stage.wait_event("x", 2).follows(&first);
    stage.wait_absent("x.done");
}

const ANNOUNCED: &str = r#"
    [[source.inbox.rule]]
    name = "announced"
    dataset = "*.ms"
    complete = { all = ["members", "announce"] }
"#;

#[test]
fn the_producers_word_counts_also_before_anybody_has_noticed_what_it_wrote() {
    let stage = Stage::start("word", "backend = \"poll\"\n    poll_interval = \"2s\"", ANNOUNCED);
    stage.write("a.ms/x", "1");
    stage.wait_reason("a.ms", "waiting.announce");
    let notify = || stage.landing.call(&["notify", &stage.path("a.ms").display().to_string()]);
    notify();
    let first = stage.wait_event("a.ms", 1);
    stage.write("a.ms/y", "2");
    notify();
    stage.wait_event("a.ms", 2).follows(&first);
}

const ADOPTED: &str = r#"
    [[source.inbox.rule]]
    name = "marked"
    include = ["x", "y"]
    complete = { marker = "{name}.done" }

    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members", { marker = "{name}.done" }] }
"#;

#[test]
fn what_was_not_complete_at_the_start_is_not_taken_over() {
    let mut stage = Stage::new("adopting", "initial = \"adopt\"", ADOPTED);
    for name in ["x", "y", "y.done", "a.ms/x", "b.ms/x", "b.ms.done"] {
        stage.write(name, "");
    }
    // What is as young as the kernel's clock is coarse may have come after the start.
    std::thread::sleep(Duration::from_millis(100));
    stage.landing.start();
    stage.wait_reason("x", "waiting.marker");
    stage.wait_reason("a.ms", "waiting.marker");
    stage.write("x.done", "");
    stage.write("a.ms.done", "");
    stage.wait_event("x", 1);
    stage.wait_event("a.ms", 1);
    stage.wait_state("y", "adopted");
    stage.wait_state("b.ms", "adopted");
    stage.assert_only(&[("x", 1), ("a.ms", 1)]);
}

const URGENT: &str = r#"
    [[source.inbox.rule]]
    name = "delivered"
    dataset = "*.a"
    complete = { all = ["members"], deadline = "1s", on_deadline = "deliver" }

    [[source.inbox.rule]]
    name = "incomplete"
    dataset = "*.b"
    complete = { all = ["members", { quiet = "3s" }], deadline = "1s", on_deadline = "announce_incomplete" }
"#;

#[test]
fn what_never_stops_changing_is_announced_at_its_deadline() {
    let mut stage = Stage::new("busy", "", URGENT);
    for number in 0..4_000 {
        stage.write(&format!("busy.a/{number}"), "");
        stage.write(&format!("busy.b/{number}"), "");
    }
    stage.landing.start();
    // A survey takes longer than it is from one of these to the next.
    let writing = AtomicBool::new(true);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for number in (0..).take_while(|_| writing.load(Ordering::Relaxed)) {
                stage.write(&format!("busy.a/more{}", number % 100), "");
                stage.write(&format!("busy.b/more{}", number % 100), "");
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let _stop = Stop(&writing);
        let announced = wait_for(STEP, "an event of each", || {
            let told = |path: &str| stage.of(path).into_iter().next();
            Some((told("busy.a")?, told("busy.b")?))
        });
        assert_eq!(announced.0.type_name(), "staithe.dataset.complete");
        assert_eq!(announced.1.type_name(), "staithe.dataset.incomplete");
    });
}

/// Ends the writing also where the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
