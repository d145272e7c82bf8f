//! What goes wrong around a file: roots and directories that change under it, names that come back.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use crate::rig::Rig;
use settle::{Completion, Pattern};

fn quiet(plan: &mut config::Plan) {
    plan.sources[0].rules.rules[0].completion = Completion::network(Duration::from_millis(1500));
}

/// P8: a unit that waits while its root or its directory is away is looked at again afterwards.
#[test]
fn a_unit_that_waits_survives_its_directory_coming_back() {
    let rig = Rig::start(quiet);
    fs::create_dir_all(rig.path("e")).unwrap();
    fs::create_dir_all(rig.path("d/sub")).unwrap();
    fs::write(rig.path("d/sub/f"), b"x").unwrap();
    rig.until("it waits", || rig.explain("d/sub/f")["state"] == "waiting");
    let away = rig.root().with_extension("away");
    fs::rename(rig.path("d"), &away).unwrap();
    fs::rename(&away, rig.path("d")).unwrap();
    rig.one("d/sub/f");
    fs::write(rig.path("d/sub/g"), b"x").unwrap();
    rig.until("it waits", || rig.explain("d/sub/g")["state"] == "waiting");
    fs::rename(rig.root(), &away).unwrap();
    rig.until("it is absent", || rig.status()["sources"][0]["state"] == "absent");
    fs::rename(&away, rig.root()).unwrap();
    rig.one("d/sub/g");
    rig.rescan();
    assert_eq!(rig.events("d/sub/f").len(), 1);
    assert_eq!(rig.events("d/sub/g").len(), 1);
}

/// P7: however often an empty directory in the place of the root is scanned, nothing is removed.
#[test]
fn a_swapped_root_removes_nothing_however_often_it_is_scanned() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"x").unwrap();
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/b"), b"x").unwrap();
    rig.one("a");
    rig.one("d/b");
    let away = rig.root().with_extension("away");
    fs::rename(rig.root(), &away).unwrap();
    fs::create_dir(rig.root()).unwrap();
    for _ in 0..3 {
        rig.rescan();
    }
    let other = rig.root().with_extension("other");
    fs::rename(rig.root(), &other).unwrap();
    fs::rename(&away, rig.root()).unwrap();
    for _ in 0..3 {
        rig.rescan();
    }
    assert_eq!((rig.events("a").len(), rig.events("d/b").len()), (1, 1));
}

fn polled(plan: &mut config::Plan) {
    plan.sources[0].backend = config::Backend::Poll;
    plan.sources[0].poll_interval = Duration::from_millis(50);
}

/// What goes away is forgotten, so that its memory is free and its return is news.
fn what_goes_unheard_is_forgotten(rig: &Rig) {
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/b"), b"x").unwrap();
    fs::write(rig.path("a"), b"x").unwrap();
    rig.one("d/b");
    let first = rig.one("a");
    let known = || rig.status()["sources"][0]["known"].clone();
    rig.until("both are known", || known() == 2);
    let away = rig.root().with_extension("away");
    fs::rename(rig.path("a"), &away).unwrap();
    fs::remove_dir_all(rig.path("d")).unwrap();
    rig.until("neither is known", || known() == 0);
    fs::rename(&away, rig.path("a")).unwrap();
    let second = &rig.wait("a", 2)[1];
    assert_ne!(first["id"], second["id"], "it is another arrival");
    assert_eq!(known(), 1);
}

#[test]
fn a_removal_that_nobody_heard_of_is_found_by_a_scan() {
    what_goes_unheard_is_forgotten(&Rig::start(polled));
}

#[test]
fn a_removal_that_nobody_heard_of_is_found_by_a_scan_in_memory_too() {
    what_goes_unheard_is_forgotten(&Rig::in_memory(polled));
}

/// What a source knew before its thread was replaced is known to the next one.
#[test]
fn a_source_that_is_set_up_anew_repeats_nothing_in_memory_either() {
    let rig = Rig::in_memory(|_| {});
    fs::write(rig.path("a"), b"x").unwrap();
    rig.one("a");
    fs::write(rig.path("b"), b"x").unwrap();
    rig.one("b");
    rig.reload(polled);
    rig.until("both are known", || rig.status()["sources"][0]["known"] == 2);
    fs::write(rig.path("c"), b"x").unwrap();
    rig.one("c");
    rig.rescan_only();
    assert_eq!((rig.events("a").len(), rig.events("b").len()), (1, 1));
}

#[test]
fn what_a_rule_excludes_for_a_while_is_not_removed() {
    let rig = Rig::start(|_| {});
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/a"), b"x").unwrap();
    fs::write(rig.path("b.log"), b"x").unwrap();
    rig.one("d/a");
    rig.one("b.log");
    rig.rescan();
    rig.reload(|plan| {
        let excluded = ["d", "*.log"].map(|glob| Pattern::parse(glob).unwrap());
        plan.sources[0].rules.rules[0].exclude = excluded.to_vec();
    });
    for _ in 0..3 {
        rig.rescan();
    }
    rig.reload(|_| {});
    rig.rescan();
    assert_eq!((rig.events("d/a").len(), rig.events("b.log").len()), (1, 1));
}

/// A name that was a file and is a directory now waits for nothing.
#[test]
fn a_directory_in_the_place_of_a_waiting_file_ends_its_wait() {
    let rig = Rig::start(quiet);
    fs::write(rig.path("x"), b"x").unwrap();
    rig.until("it waits", || rig.explain("x")["state"] == "waiting");
    fs::remove_file(rig.path("x")).unwrap();
    fs::create_dir(rig.path("x")).unwrap();
    rig.until("nothing waits", || rig.status()["counts"]["waiting"] == 0);
}

/// The new times of a file that is rewritten in place are heard of before its close: they must not
/// pass for a mere change of times.
#[test]
fn a_rewrite_that_sets_times_before_its_close_is_never_missed() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"0000").unwrap();
    rig.one("a");
    for number in 1..400_u32 {
        let mut file = fs::OpenOptions::new().write(true).open(rig.path("a")).unwrap();
        file.write_all(format!("{number:04}").as_bytes()).unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000 + u64::from(number));
        // Both: the kernel does not tell of a change of one of them.
        file.set_times(fs::FileTimes::new().set_accessed(time).set_modified(time)).unwrap();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_micros(u64::from(number) % 40 * 10) {
            std::hint::spin_loop();
        }
        drop(file);
        rig.wait("a", number as usize + 1);
    }
}

#[test]
fn temporary_names_that_are_gone_are_not_counted() {
    let rig = Rig::start(|_| {});
    for number in 0..50 {
        fs::write(rig.path("a.tmp"), b"x").unwrap();
        fs::rename(rig.path("a.tmp"), rig.path(&format!("f{number}"))).unwrap();
        fs::write(rig.path(&format!("{number}.tmp")), b"x").unwrap();
        fs::remove_file(rig.path(&format!("{number}.tmp"))).unwrap();
    }
    rig.one("f49");
    rig.barrier();
    assert_eq!(rig.status()["counts"]["ignored"], 0);
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/x.tmp"), b"x").unwrap();
    rig.until("it is ignored", || rig.status()["counts"]["ignored"] == 1);
    fs::rename(rig.path("d"), rig.root().with_extension("away")).unwrap();
    rig.rescan();
    assert_eq!(rig.status()["counts"]["ignored"], 0, "ignored in a directory that is gone");
}

#[test]
fn a_directory_renamed_to_an_excluded_name_falls_silent() {
    let rig = Rig::start(|plan| {
        plan.sources[0].rules.rules[0].exclude = vec![Pattern::parse("trash").unwrap()];
    });
    fs::create_dir_all(rig.path("d/sub")).unwrap();
    fs::write(rig.path("d/sub/f"), b"x").unwrap();
    rig.one("d/sub/f");
    fs::rename(rig.path("d"), rig.path("trash")).unwrap();
    rig.barrier();
    fs::write(rig.path("trash/sub/g"), b"x").unwrap();
    rig.barrier();
    assert!(rig.events("trash/sub/g").is_empty(), "announced below an excluded directory");
    fs::rename(rig.path("trash"), rig.path("d")).unwrap();
    rig.one("d/sub/g");
}

/// Whole directories that a consumer removes are forgotten without waiting for a scan.
#[test]
fn files_that_go_with_their_directory_are_forgotten() {
    let rig = Rig::start(|_| {});
    let known = || rig.status()["sources"][0]["known"].as_u64().unwrap();
    for number in 0..20 {
        let dir = rig.path(&format!("d{number}"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("f"), b"x").unwrap();
        rig.one(&format!("d{number}/f"));
        fs::remove_dir_all(&dir).unwrap();
    }
    rig.barrier();
    assert_eq!(known(), 2, "only the barrier's files are known");
}

/// A directory whose path is longer than one system call takes is a directory like any other.
#[test]
fn paths_longer_than_the_kernel_takes_at_once() {
    use rustix::fs::{Mode, OFlags};
    let rig = Rig::start(quiet);
    let name = "n".repeat(250);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut dir = rustix::fs::open(rig.root(), flags, Mode::empty()).unwrap();
    let mut path = String::new();
    for _ in 0..20 {
        rustix::fs::mkdirat(&dir, name.as_str(), Mode::from_raw_mode(0o755)).unwrap();
        dir = rustix::fs::openat(&dir, name.as_str(), flags, Mode::empty()).unwrap();
        path.push_str(&name);
        path.push('/');
    }
    let create = OFlags::CREATE | OFlags::WRONLY;
    let file = rustix::fs::openat(&dir, "f", create, Mode::from_raw_mode(0o644)).unwrap();
    rustix::io::write(&file, b"x").unwrap();
    drop(file);
    path.push('f');
    rig.one(&path);
}
