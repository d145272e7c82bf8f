//! Removals and gaps as events, where they are asked for.

use std::fs;
use std::time::SystemTime;

use testkit::chance::Chance;
use testkit::wait_for;

use crate::STEP;
use crate::stage::{Dataset, Event, Stage, with_each_backend};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    removed = true
    complete = { all = ["members", { quiet = "300ms" }] }

    [[source.inbox.rule]]
    name = "silent"
    dataset = "*.silent"
    complete = { all = ["members", { quiet = "300ms" }] }

    [[source.inbox.rule]]
    name = "files"
    include = ["*.dat"]
    removed = true
    complete = "local"
"#;

fn is_removal(event: &Event, of: &Event, kind: &str) {
    assert_eq!(
        (event.type_name(), event.data()["kind"].as_str()),
        ("staithe.file.removed", Some(kind)),
        "{event:?}"
    );
    assert_eq!(event.data()["supersedes"], of.id(), "{event:?}");
    assert_ne!(event.id(), of.id());
}

#[test]
fn a_removal_is_told_once_where_it_is_asked_for() {
    let mut stage = Stage::start("removed", "", RULES);
    for name in ["a.ms", "b.ms", "waiting.ms", "a.silent"] {
        Dataset::at(stage.path(name)).member("one", "1").member("sub/two", "22");
    }
    let open = fs::File::create(stage.path("waiting.ms/open")).unwrap();
    stage.write("x.dat", "x");
    let announced = ["a.ms", "b.ms", "x.dat", "a.silent"].map(|name| stage.wait_event(name, 1));

    // A member is no unit.
    fs::remove_file(stage.path("a.ms/one")).unwrap();
    stage.assert_only(&[("a.ms", 1), ("b.ms", 1), ("x.dat", 1), ("a.silent", 1)]);
    let removed = SystemTime::now();
    fs::remove_dir_all(stage.path("a.ms")).unwrap();
    fs::rename(stage.path("b.ms"), stage.path("c.ms")).unwrap();
    fs::remove_file(stage.path("x.dat")).unwrap();
    fs::remove_dir_all(stage.path("a.silent")).unwrap();
    fs::remove_dir_all(stage.path("waiting.ms")).unwrap();
    drop(open);
    is_removal(stage.wait_event("a.ms", 2).is_after(removed), &announced[0], "dataset");
    is_removal(&stage.wait_event("b.ms", 2), &announced[1], "dataset");
    is_removal(&stage.wait_event("x.dat", 2), &announced[2], "file");
    stage.wait_event("c.ms", 1).is_first().is_complete(2, 3);
    let all = [("a.ms", 2), ("b.ms", 2), ("x.dat", 2), ("c.ms", 1), ("a.silent", 1)];
    stage.assert_only(&all);
    stage.wait_delivered();
    stage.kill_and_start();
    stage.assert_only(&all);

    // What comes under that name again is announced again.
    let mut again = Dataset::at(stage.path("a.ms"));
    again.member("one", "1");
    let event = stage.wait_event("a.ms", 3);
    event.is_complete(1, 1).is_after(again.finished);
}

/// Another directory at the root's place proves nothing of what lay in the one before.
fn swapped_roots(source: &str) {
    let mut stage = Stage::start("swapped", source, RULES);
    Dataset::at(stage.path("a.ms")).member("one", "1");
    stage.write("x.dat", "x");
    stage.wait_event("a.ms", 1);
    stage.wait_event("x.dat", 1);
    // By now a scan has come by, too.
    stage.landing.call(&["rescan"]).assert_code(0);
    stage.assert_only(&[("a.ms", 1), ("x.dat", 1)]);
    let (root, away) = (stage.root(), stage.landing.out("away"));
    for there_again in [false, true] {
        if there_again {
            fs::remove_dir_all(&root).expect("the new root can be removed");
            fs::rename(&away, &root).expect("the root can be renamed back");
        } else {
            fs::rename(&root, &away).expect("the root can be renamed");
            fs::create_dir(&root).expect("a root can be made");
        }
        stage.assert_only(&[("a.ms", 1), ("x.dat", 1)]);
        stage.landing.call(&["rescan"]).assert_code(0);
        stage.assert_only(&[("a.ms", 1), ("x.dat", 1)]);
    }
    fs::remove_dir_all(stage.path("a.ms")).expect("a dataset can be removed");
    stage.wait_event("a.ms", 2);
}

#[test]
fn another_root_is_no_removal() {
    with_each_backend(swapped_roots);
}

#[test]
fn a_gap_is_told_when_it_opens_and_when_it_closes() {
    let mut stage = Stage::start("gap", "gap_events = true", RULES);
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let members = queue.trim().parse::<usize>().unwrap() + 500;
    let mut set = Dataset::at(stage.path("a.ms"));
    set.member("first", "1");
    set.is_in(&stage.wait_event("a.ms", 1));

    stage.landing.daemon().freeze();
    let frozen = SystemTime::now();
    for member in 0..members {
        set.member(&member.to_string(), "");
    }
    let mut other = Dataset::at(stage.path("lost.ms"));
    other.fill(50, &mut Chance::from_environment());
    stage.landing.daemon().resume();

    let of_type = |name: &str| -> Vec<Event> {
        stage.events().into_iter().filter(|event| event.type_name() == name).collect()
    };
    let closed = wait_for(STEP, "the gap to be closed", || of_type("staithe.gap.closed").pop());
    let opened = of_type("staithe.gap.opened").pop().expect("it was opened before it was closed");
    assert_eq!(opened.is_after(frozen).data()["gap"]["cause"], "overflow", "{opened:?}");
    assert_eq!(opened.data()["gap"]["number"], closed.data()["gap"]["number"], "{opened:?} {closed:?}");
    assert!(closed.data()["gap"]["closed"].is_string(), "{closed:?}");
    other.is_in(&stage.wait_event("lost.ms", 1));
    let second = stage.wait_event("a.ms", 2);
    second.is_complete(set.count, set.size).is_after(set.finished);
    stage.assert_only(&[("a.ms", 2), ("lost.ms", 1), ("", 2)]);
}
