//! A sub-tree that may not be read: named, the rest goes on, and picked up when permission comes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::Duration;

use testkit::{Truth, judge};

use crate::world::World;
use crate::{STEP, to_lines, wait_for_source};

/// Nobody that this machine knows of, without any privilege.
const SOMEBODY: u32 = 54_321;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("we may");
}

/// The daemon runs as somebody without privileges; says whether that can be done here.
fn without_privilege(world: &World) -> bool {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become somebody else");
        return false;
    }
    for folder in [world.landing.root(), world.landing.state_dir(), world.landing.out("")] {
        chown(&folder, Some(SOMEBODY), Some(SOMEBODY)).expect("root may");
    }
    world.run_by(&format!("setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups --"));
    let done = world.landing.call(&["--version"]);
    if done.code != Some(0) {
        eprintln!("SKIPPED: somebody else cannot run the program here: {}", done.stderr);
    }
    done.code == Some(0)
}

/// `soon`: how soon permission must be noticed.
fn unreadable(label: &str, backend: &str, soon: Duration) {
    let Some(mut world) = World::new(label) else { return };
    if !without_privilege(&world) {
        return;
    }
    let root = world.root();
    for folder in ["open", "above/locked/below"] {
        fs::create_dir_all(root.join(folder)).expect("the tree takes folders");
    }
    let mut truth = Truth::default();
    truth.write(&root, b"above/locked/old", b"old");
    truth.write(&root, b"above/locked/below/old", b"old");
    chmod(&root.join("above/locked"), 0);
    world
        .landing
        .configure(&to_lines(&format!("backend = \"{backend}\"\npoll_full = \"1s\"\nrescan = \"1h\"")));
    world.landing.start();
    let lines = world.tail();

    truth.write(&root, b"open/goes-on", b"goes on");
    truth.write(&root, b"above/goes-on", b"goes on");
    lines.wait_for(2, STEP);
    truth.write(&root, b"above/locked/new", b"new");
    let row = wait_for_source(&world.landing, "it to be shown", |row| row["unreadable"] == 1);
    assert_eq!(row["state"], "degraded", "{row}");
    world.landing.call(&["status"]).assert_code(5);
    let said = world.said();
    assert!(
        said.contains("1 directories cannot be read (the first: above/locked: Permission denied"),
        "{said}"
    );
    assert_eq!(lines.count(), 2);

    chmod(&root.join("above/locked"), 0o755);
    lines.wait_for(5, soon);
    let row = wait_for_source(&world.landing, "all to be well", |row| row["state"] == "ok");
    assert_eq!(row["unreadable"], 0, "{row}");
    truth.write(&root, b"above/locked/below/later", b"later");
    lines.wait_for(6, STEP);
    world.landing.wait_idle(6, STEP);
    judge(&truth, &lines.finish()).assert_exact();
}

#[test]
fn an_unreadable_directory_is_named_and_picked_up_by_an_event_when_permission_comes() {
    // Scans are an hour apart.
    unreadable("locked-inotify", "inotify", Duration::from_secs(5));
}

#[test]
fn an_unreadable_directory_is_named_and_picked_up_by_a_poll_when_permission_comes() {
    unreadable("locked-poll", "poll", Duration::from_secs(15));
}

#[test]
fn a_directory_that_becomes_unreadable_is_named_and_nothing_in_it_is_taken_as_removed() {
    let Some(mut world) = World::new("locking") else { return };
    if !without_privilege(&world) {
        return;
    }
    let root = world.root();
    fs::create_dir(root.join("sub")).expect("a folder");
    world.landing.configure(&to_lines("rescan = \"500ms\""));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    truth.write(&root, b"sub/first", b"first");
    lines.wait_for(1, STEP);
    crate::wait_for_scans(&world.landing, 2);
    chmod(&root.join("sub"), 0);
    wait_for_source(&world.landing, "it to be shown", |row| row["unreadable"] == 1);
    truth.write(&root, b"sub/second", b"second");
    crate::wait_for_scans(&world.landing, 3);
    let counts = world.landing.status()["counts"].clone();
    assert_eq!((&counts["delivered"], &counts["gone"]), (&1.into(), &0.into()), "{counts}");
    chmod(&root.join("sub"), 0o755);
    lines.wait_for(2, STEP);
    wait_for_source(&world.landing, "all to be well", |row| row["state"] == "ok");
    crate::wait_for_scans(&world.landing, 2);
    judge(&truth, &lines.finish()).assert_exact();
}

#[test]
fn a_directory_that_is_made_unreadable_is_shown_though_scans_are_rare() {
    use std::os::unix::fs::DirBuilderExt as _;
    let Some(mut world) = World::new("born-locked") else { return };
    if !without_privilege(&world) {
        return;
    }
    world.landing.configure(&to_lines("rescan = \"1h\""));
    world.landing.start();
    let lines = world.tail();
    let locked = world.root().join("locked");
    fs::DirBuilder::new().mode(0o0).create(&locked).expect("a folder");
    let row = wait_for_source(&world.landing, "it to be shown", |row| row["unreadable"] == 1);
    assert_eq!(row["state"], "degraded", "{row}");
    let mut truth = Truth::default();
    truth.write(&world.root(), b"locked/new", b"new");
    chmod(&locked, 0o755);
    lines.wait_for(1, STEP);
    wait_for_source(&world.landing, "all to be well", |row| row["state"] == "ok");
    judge(&truth, &lines.finish()).assert_exact();
}

#[test]
fn a_root_that_becomes_unreadable_is_not_called_deleted_and_a_canary_that_cannot_fly_is_told() {
    let Some(mut world) = World::new("locked-root") else { return };
    if !without_privilege(&world) {
        return;
    }
    let root = world.root();
    chmod(&root, 0o555);
    world.landing.configure(&to_lines("canary = true"));
    world.landing.start();
    let lines = world.tail();
    assert!(world.said().contains("no canary could be made in"), "{}", world.said());
    chmod(&root, 0);
    wait_for_source(&world.landing, "it to be shown", |row| row["state"] == "absent");
    let said = world.said();
    assert!(said.contains("cannot be opened as a directory (Permission denied"), "{said}");
    assert!(!said.contains("was deleted"), "{said}");
    let mut truth = Truth::default();
    truth.write(&root, b"meanwhile", b"new");
    chmod(&root, 0o755);
    lines.wait_for(1, STEP);
    wait_for_source(&world.landing, "all to be well", |row| row["state"] == "ok");
    judge(&truth, &lines.finish()).assert_exact();
}
