//! What arrives, when, how often, under which id.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use crate::rig::Rig;
use config::{Announce, Initial};
use settle::{Clause, Completion, Expr, Pattern};

#[test]
fn a_closed_file_arrives_once() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"hello").unwrap();
    let event = rig.one("a");
    assert_eq!(event["data"]["size"], 5);
    assert_eq!(event["data"]["generation"], 1);
    rig.barrier();
    assert_eq!(rig.events("a").len(), 1);
}

/// A unit that is heard of again while its own time comes is looked at once.
#[test]
fn many_files_arrive_once_each() {
    let rig = Rig::start(|_| {});
    for number in 0..2000 {
        fs::write(rig.path(&format!("f{number}")), b"x").unwrap();
        if number % 100 == 0 {
            fs::create_dir(rig.path(&format!("d{number}"))).unwrap();
        }
    }
    for number in 0..2000 {
        rig.one(&format!("f{number}"));
    }
    rig.barrier();
    rig.rescan();
    for number in 0..2000 {
        assert_eq!(rig.events(&format!("f{number}")).len(), 1, "f{number}");
    }
}

#[test]
fn an_open_file_does_not_arrive() {
    let rig = Rig::start(|_| {});
    let mut file = fs::File::create(rig.path("a")).unwrap();
    file.write_all(b"half").unwrap();
    rig.barrier();
    assert!(rig.events("a").is_empty(), "announced while its writer had it open");
    file.write_all(b" and half").unwrap();
    drop(file);
    assert_eq!(rig.one("a")["data"]["size"], 13);
}

#[test]
fn a_file_with_a_second_writer_waits_for_both() {
    let rig = Rig::start(|_| {});
    let first = fs::File::create(rig.path("a")).unwrap();
    let mut second = fs::OpenOptions::new().append(true).open(rig.path("a")).unwrap();
    drop(first);
    rig.barrier();
    assert!(rig.events("a").is_empty(), "announced after the first of two closes");
    second.write_all(b"x").unwrap();
    drop(second);
    assert_eq!(rig.one("a")["data"]["size"], 1);
}

/// The last write and the close may fall between the look at a file and the question for writers:
/// what was there at the look is then no event. Each of the many files has a small chance to meet that.
#[test]
fn a_file_closed_while_it_is_looked_at_arrives_once_and_whole() {
    let rig = Rig::start(|_| {});
    let write = &|number: u64| {
        let mut file = fs::File::create(rig.path(&format!("f{number}"))).unwrap();
        let (begun, mut size) = (Instant::now(), 0);
        while size == 0 || begun.elapsed() < Duration::from_micros(100 + number * 37 % 1500) {
            size += file.write(b"x").unwrap() as u64;
        }
        (format!("f{number}"), size)
    };
    let written: HashMap<String, u64> = std::thread::scope(|scope| {
        let writers = [0, 1, 2]
            .map(|writer| scope.spawn(move || (0..2500).map(|n| write(3 * n + writer)).collect::<Vec<_>>()));
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    rig.until("all files", || rig.received() >= written.len());
    rig.barrier();
    let mut seen = HashSet::new();
    for event in rig.all() {
        let path = event["data"]["path"].as_str().unwrap().to_owned();
        let Some(size) = written.get(&path) else { continue };
        assert_eq!(event["data"]["size"], *size, "{path}");
        assert!(seen.insert(path), "twice: {event}");
    }
    assert_eq!(seen.len(), written.len());
}

#[test]
fn a_renamed_file_arrives_under_its_final_name_only() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a.part"), b"x").unwrap();
    fs::rename(rig.path("a.part"), rig.path("a")).unwrap();
    let event = rig.one("a");
    assert_eq!(event["data"]["complete"]["signals"], serde_json::json!(["renamed_in"]));
    rig.barrier();
    assert!(rig.events("a.part").is_empty());
}

#[test]
fn link_and_unlink_publishes_at_once() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a.part"), b"x").unwrap();
    fs::hard_link(rig.path("a.part"), rig.path("a")).unwrap();
    fs::remove_file(rig.path("a.part")).unwrap();
    let event = rig.one("a");
    assert_eq!(event["data"]["complete"]["signals"], serde_json::json!(["writer_gone"]));
    // Without a close to come it would wait for the quiet of a minute, or for ever.
    assert!(event["data"]["complete"]["waited_ms"].as_u64().unwrap() < 15_000);
    rig.barrier();
    assert_eq!(rig.events("a").len(), 1);
}

#[test]
fn a_nameless_file_that_gets_a_name_arrives_at_once() {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags};
    use std::os::fd::AsRawFd as _;
    let rig = Rig::start(|_| {});
    let flags = OFlags::TMPFILE | OFlags::RDWR;
    let file = match rustix::fs::open(rig.root(), flags, Mode::from_raw_mode(0o644)) {
        Ok(file) => file,
        Err(error) => return println!("SKIPPED: no O_TMPFILE here: {error}"),
    };
    rustix::io::write(&file, b"content").unwrap();
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, own, CWD, rig.path("a"), AtFlags::SYMLINK_FOLLOW).unwrap();
    rig.barrier();
    assert!(rig.events("a").is_empty(), "announced while its writer had it open");
    drop(file);
    assert_eq!(rig.one("a")["data"]["size"], 7);
}

#[test]
fn a_changed_file_is_a_new_generation_that_names_the_old() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"one").unwrap();
    let first = rig.one("a");
    fs::write(rig.path("a"), b"second").unwrap();
    let events = rig.wait("a", 2);
    assert_eq!(events[1]["data"]["generation"], 2);
    assert_eq!(events[1]["data"]["supersedes"], first["id"]);
    assert_ne!(events[1]["id"], first["id"]);
}

#[test]
fn new_times_alone_are_no_new_generation() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"one").unwrap();
    rig.one("a");
    let file = fs::File::open(rig.path("a")).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000)))
        .unwrap();
    drop(file);
    fs::set_permissions(rig.path("a"), fs::Permissions::from_mode(0o600)).unwrap();
    rig.barrier();
    rig.rescan();
    assert_eq!(rig.events("a").len(), 1);
}

#[test]
fn a_rewrite_that_restores_the_time_is_a_new_generation() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"one").unwrap();
    rig.one("a");
    let before = fs::metadata(rig.path("a")).unwrap().modified().unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(rig.path("a")).unwrap();
    file.write_all(b"two").unwrap();
    file.set_times(fs::FileTimes::new().set_modified(before)).unwrap();
    drop(file);
    let events = rig.wait("a", 2);
    assert_ne!(events[0]["id"], events[1]["id"]);
}

#[test]
fn away_and_back_is_news() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("x"), b"one").unwrap();
    rig.one("x");
    fs::rename(rig.path("x"), rig.path("x.t")).unwrap();
    rig.barrier();
    fs::rename(rig.path("x.t"), rig.path("x")).unwrap();
    let events = rig.wait("x", 2);
    assert_ne!(events[0]["id"], events[1]["id"]);
    // Also when both renames are read together.
    for _ in 0..20 {
        fs::rename(rig.path("x"), rig.path("x.t")).unwrap();
        fs::rename(rig.path("x.t"), rig.path("x")).unwrap();
    }
    rig.wait("x", 3);
}

#[test]
fn directories_made_and_renamed_lose_no_file() {
    let rig = Rig::start(|_| {});
    for number in 0..100 {
        let dir = rig.path(&format!("d{number}/a/b/c"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("f"), b"x").unwrap();
    }
    for number in 0..100 {
        rig.one(&format!("d{number}/a/b/c/f"));
    }
    fs::rename(rig.path("d7"), rig.path("e7")).unwrap();
    rig.one("e7/a/b/c/f");
    fs::write(rig.path("e7/a/b/c/g"), b"x").unwrap();
    rig.one("e7/a/b/c/g");
}

/// A write through a name outside the tree raises no event in it.
#[test]
fn what_no_event_tells_of_is_found_by_the_next_reconciliation() {
    let rig = Rig::start(|plan| plan.sources[0].rescan = Some(Duration::from_millis(300)));
    let outside = rig.root().with_extension("outside");
    fs::write(&outside, b"one").unwrap();
    fs::hard_link(&outside, rig.path("a")).unwrap();
    rig.one("a");
    rig.barrier();
    fs::write(&outside, b"second").unwrap();
    let events = rig.wait("a", 2);
    assert_eq!(events[1]["data"]["size"], 6);
    assert_eq!(events[1]["data"]["observer"]["from_scan"], true);
}

#[test]
fn links_and_pipes_are_no_units_and_pipes_are_not_opened() {
    let rig = Rig::start(|_| {});
    fs::write(rig.root().join("../outside"), b"secret").unwrap();
    symlink("../outside", rig.path("link")).unwrap();
    let fifo = rig.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    rig.barrier();
    assert!(rig.events("link").is_empty() && rig.events("pipe").is_empty());
    assert_eq!(rig.explain("link")["reason"], "ignored.symlink");
    assert_eq!(rig.explain("pipe")["reason"], "ignored.special-file");
}

#[test]
fn a_directory_is_explained_as_one() {
    let rig = Rig::start(|_| {});
    fs::create_dir(rig.path("d")).unwrap();
    for path in ["d", ""] {
        let explained = rig.explain(path);
        assert_eq!(explained["reason"], "ignored.directory", "{explained}");
        assert_eq!(explained["rule"], serde_json::Value::Null);
    }
}

#[test]
fn links_to_files_are_followed_where_that_is_asked_for() {
    let rig = Rig::start(|plan| plan.sources[0].follow_symlinks = true);
    let outside = rig.root().join("../outside");
    fs::write(&outside, b"linked").unwrap();
    symlink("../outside", rig.path("link")).unwrap();
    symlink("..", rig.path("up")).unwrap();
    symlink("nowhere", rig.path("broken")).unwrap();
    assert_eq!(rig.one("link")["data"]["size"], 6);
    rig.barrier();
    assert!(rig.events("up").is_empty() && rig.events("broken").is_empty());
}

#[test]
fn what_lay_there_is_adopted_or_delivered_as_configured() {
    for (initial, expected) in
        [(Initial::Deliver, 2), (Initial::Adopt, 0), (Initial::NewerThan(Duration::from_hours(1)), 1)]
    {
        let rig = Rig::prepared(
            |root| {
                for (name, age) in [("old", 7200), ("new", 60)] {
                    fs::write(root.join(name), b"x").unwrap();
                    let time = std::time::SystemTime::now() - Duration::from_secs(age);
                    let file = fs::File::options().write(true).open(root.join(name)).unwrap();
                    file.set_times(fs::FileTimes::new().set_modified(time)).unwrap();
                }
                // The coarse clock of change times must have gone on.
                std::thread::sleep(Duration::from_millis(50));
            },
            |plan| plan.sources[0].initial = initial,
        );
        fs::write(rig.path("later"), b"x").unwrap();
        rig.one("later");
        rig.barrier();
        assert_eq!(rig.events("old").len() + rig.events("new").len(), expected, "{initial:?}");
        if initial == Initial::Adopt {
            assert_eq!(rig.explain("old")["state"], "adopted");
            fs::write(rig.path("old"), b"changed").unwrap();
            rig.one("old");
        }
    }
}

#[test]
fn quiet_and_min_age_wait_and_say_so() {
    let rig = Rig::start(|plan| {
        let rule = &mut plan.sources[0].rules.rules[0];
        rule.completion = Completion::network(Duration::from_millis(1500));
    });
    fs::write(rig.path("a"), b"x").unwrap();
    rig.until("it waits", || rig.explain("a")["reason"] == "waiting.quiet");
    let event = rig.one("a");
    assert!(event["data"]["complete"]["waited_ms"].as_u64().unwrap() >= 1500);
    let rig = Rig::start(|plan| {
        let rule = &mut plan.sources[0].rules.rules[0];
        rule.completion.expr = Expr::Clause(Clause::MinAge(Duration::from_millis(1200)));
    });
    fs::write(rig.path("a"), b"x").unwrap();
    rig.until("it waits", || rig.explain("a")["reason"] == "waiting.min-age");
    rig.one("a");
}

#[test]
fn the_first_rule_that_takes_a_path_decides() {
    let rig = Rig::start(|plan| {
        let mut special = plan.sources[0].rules.rules[0].clone();
        special.name = "special".into();
        special.include = vec![Pattern::parse("*.dat").unwrap()];
        special.exclude = vec![Pattern::parse("x*").unwrap()];
        plan.sources[0].rules.rules.insert(0, special);
        plan.sources[0].rules.rules[1].exclude = vec![Pattern::parse("*.log").unwrap()];
    });
    for name in ["a.dat", "x.dat", "b.log", "c"] {
        fs::write(rig.path(name), b"x").unwrap();
    }
    assert_eq!(rig.one("a.dat")["data"]["complete"]["rule"], "special");
    assert_eq!(rig.one("x.dat")["data"]["complete"]["rule"], "all");
    rig.one("c");
    rig.barrier();
    assert!(rig.events("b.log").is_empty());
    let explained = rig.explain("b.log");
    assert_eq!(explained["reason"], "ignored.filter");
    assert_eq!(explained["reason_args"]["pattern"], "*.log");
}

#[test]
fn an_absent_root_is_waited_for_and_a_lost_one_repeats_nothing() {
    let rig = Rig::start(|_| {});
    fs::write(rig.path("a"), b"x").unwrap();
    rig.one("a");
    let away = rig.root().with_extension("away");
    fs::rename(rig.root(), &away).unwrap();
    rig.until("it is absent", || rig.status()["sources"][0]["state"] == "absent");
    fs::create_dir(rig.root()).unwrap();
    fs::write(rig.path("b"), b"x").unwrap();
    rig.one("b");
    fs::remove_dir_all(rig.root()).unwrap();
    rig.until("it is absent", || rig.status()["sources"][0]["state"] == "absent");
    fs::rename(&away, rig.root()).unwrap();
    fs::write(rig.path("c"), b"x").unwrap();
    rig.one("c");
    rig.rescan();
    assert_eq!(rig.events("a").len(), 1, "a file was announced again because its root was away");
}

/// Without events only its inode tells that the root is another directory.
#[test]
fn a_root_swapped_between_two_looks_removes_nothing() {
    let rig = Rig::start(|plan| {
        plan.sources[0].backend = config::Backend::Poll;
        plan.sources[0].poll_interval = Duration::from_millis(100);
    });
    fs::write(rig.path("a"), b"x").unwrap();
    rig.one("a");
    let (away, other) = (rig.root().with_extension("away"), rig.root().with_extension("other"));
    fs::create_dir(&other).unwrap();
    fs::write(other.join("b"), b"x").unwrap();
    fs::rename(rig.root(), &away).unwrap();
    fs::rename(&other, rig.root()).unwrap();
    rig.one("b");
    rig.rescan();
    rig.rescan();
    fs::rename(rig.root(), &other).unwrap();
    fs::rename(&away, rig.root()).unwrap();
    fs::write(rig.path("c"), b"x").unwrap();
    rig.one("c");
    rig.rescan();
    assert_eq!(rig.events("a").len(), 1, "another root was taken for an emptied one");
}

#[test]
fn arrivals_are_told_each_time_even_when_the_file_is_gone() {
    let rig = Rig::start(|plan| {
        plan.sources[0].announce = Announce::Arrivals;
        plan.sources[0].recursive = false;
        plan.sources[0].rules.temp_names.clear();
    });
    fs::write(rig.path("a"), b"x").unwrap();
    rig.one("a");
    fs::rename(rig.path("a"), rig.path("b")).unwrap();
    fs::rename(rig.path("b"), rig.path("a")).unwrap();
    rig.wait("a", 2);
    rig.one("b");
    fs::write(rig.path("a"), b"rewritten").unwrap();
    fs::write(rig.path("gone"), b"x").unwrap();
    fs::remove_file(rig.path("gone")).unwrap();
    rig.one("gone");
    rig.barrier();
    assert_eq!(rig.events("a").len(), 2, "rewriting in place is no arrival");
}

#[test]
fn a_polled_tree_finds_the_same() {
    let rig = Rig::start(|plan| {
        plan.sources[0].backend = config::Backend::Poll;
        plan.sources[0].poll_interval = Duration::from_millis(100);
    });
    assert_eq!(rig.status()["sources"][0]["backend"], "poll");
    fs::create_dir_all(rig.path("d/e")).unwrap();
    let mut file = fs::File::create(rig.path("d/e/open")).unwrap();
    fs::write(rig.path("d/e/f"), b"x").unwrap();
    rig.one("d/e/f");
    assert!(rig.events("d/e/open").is_empty());
    file.write_all(b"x").unwrap();
    drop(file);
    rig.one("d/e/open");
    fs::write(rig.path("d/e/f"), b"changed").unwrap();
    rig.wait("d/e/f", 2);
}

/// `late = "ignore"`: what was announced, or adopted, and only changes is no news; what takes its name is.
#[test]
fn a_rule_may_ignore_changes_of_what_it_has_announced() {
    let ignoring = |plan: &mut config::Plan| {
        plan.sources[0].rules.rules[0].shape.late = settle::Late::Ignore;
        plan.sources[0].initial = Initial::Adopt;
    };
    let old = |root: &std::path::Path| {
        fs::write(root.join("old"), b"1").unwrap();
        // What changed within the kernel's clock tick before the start counts as new.
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut rig = Rig::prepared(old, ignoring);
    rig.until("the old one is taken over", || rig.status()["counts"]["adopted"] == 1);
    fs::write(rig.path("a"), b"1").unwrap();
    rig.one("a");
    for name in ["a", "old"] {
        let mut file = fs::OpenOptions::new().append(true).open(rig.path(name)).unwrap();
        file.write_all(b"23").unwrap();
    }
    rig.barrier();
    rig.rescan();
    assert_eq!((rig.events("a").len(), rig.events("old").len()), (1, 0));
    rig.down();
    rig.up();
    rig.barrier();
    rig.rescan();
    assert_eq!((rig.events("a").len(), rig.events("old").len()), (1, 0));
    fs::write(rig.path("new"), b"123").unwrap();
    rig.one("new");
    fs::rename(rig.path("new"), rig.path("a")).unwrap();
    rig.wait("a", 2);
}

/// Where links are followed, what leads nowhere is told, once.
#[test]
fn a_link_that_leads_nowhere_is_told_where_links_are_followed() {
    let rig = Rig::start(|plan| plan.sources[0].follow_symlinks = true);
    symlink("nowhere", rig.path("dangling")).unwrap();
    rig.until("the link is told", || {
        rig.said().iter().any(|text| text.contains("dangling is a link that leads"))
    });
    rig.rescan();
    assert_eq!(rig.said().iter().filter(|text| text.contains("leads to nothing")).count(), 1);
    fs::remove_file(rig.path("dangling")).unwrap();
    fs::write(rig.path("dangling"), b"x").unwrap();
    rig.one("dangling");
}
