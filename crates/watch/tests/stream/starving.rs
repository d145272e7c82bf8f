//! Fewer watches and instances than are needed, in a user namespace with limits of its own.

use std::fs;
use std::process::Command;

use crate::rig::{Rig, events, names};

/// Runs the test of this name once more in a namespace of its own; gives whether we are in there already.
fn is_inside(test: &str) -> bool {
    if std::env::var_os("STREAM_INSIDE").is_some() {
        return true;
    }
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user"]).arg(std::env::current_exe().unwrap());
    inside.args(["--exact", test, "--nocapture"]).env("STREAM_INSIDE", "1");
    match inside.output() {
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unshare: ") => {
            eprintln!("SKIPPED: no user namespaces here: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        }
        Err(error) => eprintln!("SKIPPED: no unshare here: {error}"),
    }
    false
}

fn limit(name: &str, value: u32) {
    fs::write(format!("/proc/sys/user/max_inotify_{name}"), value.to_string()).unwrap();
}

#[test]
fn where_no_watch_is_to_be_had_it_is_compared_until_there_is() {
    if !is_inside("starving::where_no_watch_is_to_be_had_it_is_compared_until_there_is") {
        return;
    }
    limit("watches", 4);
    let dir = tempfile::tempdir().unwrap();
    for number in 0..10 {
        fs::create_dir(dir.path().join(format!("d{number}"))).unwrap();
    }
    let mut rig = Rig::in_dir(dir, events(names()));
    let standing = rig.stream.standing();
    assert_eq!((standing.watches, standing.unwatched, standing.backend), (4, 7, "inotify+poll"));
    assert_eq!(standing.unwatched_first.len(), 4);
    for number in 0..10 {
        fs::write(rig.path(&format!("d{number}/f")), b"x").unwrap();
    }
    fs::rename(rig.path("d1"), rig.path("d2/d1")).unwrap();
    fs::create_dir_all(rig.path("new/newer")).unwrap();
    rig.until_equal();
    fs::rename(rig.path("d9"), rig.path("d3/d9")).unwrap();
    fs::remove_dir_all(rig.path("d4")).unwrap();
    rig.until_equal();
    limit("watches", 1_000);
    rig.until("all are watched", |rig| rig.stream.standing().unwatched == 0);
    assert_eq!((rig.stream.standing().watches, rig.stream.standing().backend), (12, "inotify"));
    rig.until_equal();
    rig.take_told();
    fs::write(rig.path("new/newer/f"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["create new/newer/f"]);
}

#[test]
fn without_an_instance_it_polls_until_there_is_one() {
    if !is_inside("starving::without_an_instance_it_polls_until_there_is_one") {
        return;
    }
    limit("instances", 0);
    let mut rig = Rig::new(events(names()));
    let standing = rig.stream.standing();
    assert_eq!((standing.backend, standing.watches, standing.unwatched), ("poll", 0, 1));
    fs::create_dir_all(rig.path("a/b")).unwrap();
    rig.until_equal();
    limit("instances", 10);
    rig.until("it listens", |rig| rig.stream.standing().backend == "inotify");
    fs::write(rig.path("a/b/f"), b"x").unwrap();
    rig.until_told("create a/b/f");
}
