//! A producer's word: where no event tells of a file, and where it must not be believed.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use config::{Backend, Plan};
use engine::notify::{Notified, Outcome};
use settle::{Clause, Completion, Expr, Pattern};

use crate::rig::Rig;

/// Nothing but the producer's word tells of a file during a test.
fn unheard(plan: &mut Plan) {
    plan.sources[0].backend = Backend::Poll;
    plan.sources[0].poll_interval = Duration::from_hours(1);
    plan.sources[0].rescan = None;
}

fn notify(rig: &Rig, name: &str) -> Notified {
    rig.engine().notify(&rig.path(name)).unwrap()
}

#[track_caller]
fn assert_outcome(notified: &Notified, outcome: Outcome) {
    assert_eq!(notified.outcome, outcome, "{}", notified.value);
    assert_eq!(notified.value["error"].is_null(), outcome.exit() == 0, "{}", notified.value);
}

#[test]
fn a_word_brings_a_file_that_nothing_told_of() {
    let rig = Rig::start(unheard);
    fs::write(rig.path("a"), b"hello").unwrap();
    let notified = notify(&rig, "a");
    assert_outcome(&notified, Outcome::Taken);
    let event = rig.one("a");
    assert_eq!(event["data"]["size"], 5);
    // Whether it was renamed to its name nobody can know, so the writer was asked for instead.
    assert_eq!(event["data"]["complete"]["signals"], serde_json::json!(["writer_gone"]));
}

#[test]
fn a_word_counts_as_the_close_that_a_rule_wants() {
    let rig = Rig::start(|plan| {
        unheard(plan);
        plan.sources[0].rules.rules[0].completion =
            Completion { expr: Expr::Clause(Clause::Closed), ..Completion::local() };
    });
    fs::write(rig.path("a"), b"hello").unwrap();
    assert_outcome(&notify(&rig, "a"), Outcome::Taken);
    assert_eq!(rig.one("a")["data"]["complete"]["signals"], serde_json::json!(["closed"]));
}

#[test]
fn a_word_in_directories_that_nobody_knows_brings_the_file() {
    let rig = Rig::start(unheard);
    fs::create_dir_all(rig.path("d/e/f")).unwrap();
    fs::write(rig.path("d/e/f/a"), b"hello").unwrap();
    assert_outcome(&notify(&rig, "d/e/f/a"), Outcome::Taken);
    rig.one("d/e/f/a");
}

/// The same by another way to the same place.
#[test]
fn links_and_dots_above_the_name_lead_to_the_same_file() {
    let rig = Rig::start(unheard);
    fs::create_dir_all(rig.path("d/e")).unwrap();
    symlink("d/e", rig.path("way")).unwrap();
    fs::write(rig.path("d/e/a"), b"x").unwrap();
    assert_outcome(&notify(&rig, "way/../../../state/a"), Outcome::Outside);
    assert_outcome(&notify(&rig, "way/.././e/a"), Outcome::Taken);
    rig.one("d/e/a");
}

#[test]
fn an_open_writer_holds_back_what_was_called_finished() {
    let rig = Rig::start(unheard);
    let mut file = fs::File::create(rig.path("a")).unwrap();
    file.write_all(b"half").unwrap();
    let notified = notify(&rig, "a");
    assert_outcome(&notified, Outcome::Taken);
    assert_eq!(notified.value["state"], "waiting", "{}", notified.value);
    assert_eq!(notified.value["reason"], "waiting.writer-open", "{}", notified.value);
    assert!(rig.events("a").is_empty(), "announced while its writer had it open");
    file.write_all(b" and half").unwrap();
    drop(file);
    assert_eq!(rig.one("a")["data"]["size"], 13);
}

#[test]
fn a_known_file_is_not_delivered_again_unless_it_was_written() {
    let rig = Rig::start(unheard);
    fs::write(rig.path("a"), b"one").unwrap();
    notify(&rig, "a");
    rig.one("a");
    rig.until("the delivery on record", || rig.explain("a")["state"] == "delivered");
    let again = notify(&rig, "a");
    assert_outcome(&again, Outcome::Already);
    assert_eq!(again.value["state"], "delivered", "{}", again.value);
    // A second file passes through the same thread after the word for the first.
    fs::write(rig.path("b"), b"x").unwrap();
    notify(&rig, "b");
    rig.one("b");
    assert_eq!(rig.events("a").len(), 1);
    fs::write(rig.path("a"), b"another").unwrap();
    let changed = notify(&rig, "a");
    assert_outcome(&changed, Outcome::Taken);
    assert_eq!(changed.value["generation"], 2, "the answer speaks of the new file: {}", changed.value);
    assert_eq!(rig.wait("a", 2)[1]["data"]["size"], 7);
}

#[test]
fn where_events_are_heard_a_word_repeats_nothing() {
    let rig = Rig::start(|_| {});
    for number in 0..200 {
        let name = format!("f{number}");
        fs::write(rig.path(&name), b"x").unwrap();
        let outcome = notify(&rig, &name).outcome;
        assert!(matches!(outcome, Outcome::Taken | Outcome::Already), "{outcome:?}");
    }
    rig.barrier();
    for number in 0..200 {
        assert_eq!(rig.events(&format!("f{number}")).len(), 1, "f{number}");
    }
}

#[test]
fn while_a_scan_runs_a_word_is_heeded() {
    let rig = Rig::prepared(
        |root| (0..3000).for_each(|number| fs::create_dir_all(root.join(format!("d{number}/e"))).unwrap()),
        unheard,
    );
    std::thread::scope(|scope| {
        let scans = scope.spawn(|| rig.rescan_only());
        for number in 0..100 {
            let name = format!("d{}/e/a", number * 29);
            fs::write(rig.path(&name), b"x").unwrap();
            let outcome = notify(&rig, &name).outcome;
            assert!(matches!(outcome, Outcome::Taken | Outcome::Already), "{outcome:?}");
        }
        scans.join().unwrap();
    });
    for number in 0..100 {
        rig.one(&format!("d{}/e/a", number * 29));
    }
    assert_eq!(rig.received(), 100);
}

/// How the name came to be is unknown; a rename may be past, and no other will come.
#[test]
fn a_rule_that_wants_a_rename_does_not_wait_for_another() {
    let rig = Rig::start(|plan| {
        unheard(plan);
        plan.sources[0].rules.rules[0].completion =
            Completion { expr: Expr::Clause(Clause::RenamedIn), ..Completion::local() };
    });
    fs::write(rig.path("a.part"), b"x").unwrap();
    fs::rename(rig.path("a.part"), rig.path("a")).unwrap();
    assert_outcome(&notify(&rig, "a"), Outcome::Taken);
    rig.one("a");
}

#[test]
fn nothing_is_announced_that_is_not_there_or_not_wanted() {
    let rig = Rig::start(|plan| {
        unheard(plan);
        plan.sources[0].rules.rules[0].exclude = vec![Pattern::parse("*.log").unwrap()];
    });
    assert_outcome(&notify(&rig, "absent"), Outcome::Absent);
    assert_outcome(&notify(&rig, "no/directory/absent"), Outcome::Absent);
    fs::create_dir(rig.path("d")).unwrap();
    assert_outcome(&notify(&rig, "d"), Outcome::Directory);
    assert_outcome(&notify(&rig, "."), Outcome::Directory);
    symlink("d", rig.path("link")).unwrap();
    assert_outcome(&notify(&rig, "link"), Outcome::Ignored);
    fs::write(rig.path("a.log"), b"x").unwrap();
    let excluded = notify(&rig, "a.log");
    assert_outcome(&excluded, Outcome::Ignored);
    let error = excluded.value["error"].as_str().unwrap();
    assert!(error.contains("rule \"all\" excludes it by \"*.log\""), "{error}");
    assert_outcome(&rig.engine().notify(Path::new("/nonexistent/x")).unwrap(), Outcome::Outside);
    // A way that cannot be gone, also for root, from whom permissions hide nothing.
    symlink("loop", rig.path("loop")).unwrap();
    assert_outcome(&notify(&rig, "loop/a"), Outcome::Unreadable);
    assert_eq!(rig.received(), 0);
}

#[test]
fn what_permissions_hide_is_said_so() {
    if rustix::process::geteuid().is_root() {
        return println!("SKIPPED: nothing is hidden from root");
    }
    let rig = Rig::start(unheard);
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/a"), b"x").unwrap();
    fs::set_permissions(rig.path("d"), fs::Permissions::from_mode(0o000)).unwrap();
    let hidden = notify(&rig, "d/a");
    fs::set_permissions(rig.path("d"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_outcome(&hidden, Outcome::Unreadable);
}

#[test]
fn names_may_be_any_bytes() {
    let rig = Rig::start(unheard);
    let name = OsStr::from_bytes(b"\xff\x1b[31m\n");
    fs::write(rig.root().join(name), b"x").unwrap();
    let notified = rig.engine().notify(&rig.root().join(name)).unwrap();
    assert_outcome(&notified, Outcome::Taken);
    rig.until("the event", || rig.received() == 1);
    assert_eq!(rig.all()[0]["data"]["path_b64"], "/xtbMzFtCg==");
    fs::remove_file(rig.root().join(name)).unwrap();
    let absent = rig.engine().notify(&rig.root().join(name)).unwrap();
    let error = absent.value["error"].as_str().unwrap();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}
