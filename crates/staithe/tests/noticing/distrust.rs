//! Events that do not tell everything are found out: by comparisons, and by a canary.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use testkit::{Collector, Landing, Scratch, Truth, judge, wait_until};

use crate::fuse::Server;
use crate::overlay::overlay;
use crate::world::World;
use crate::{STEP, source, to_lines, wait_for_source};

#[test]
fn an_overlay_that_was_to_be_heard_by_events_alone_is_polled_after_three_comparisons() {
    let Some(mut world) = World::new("learned") else { return };
    let Some(upper) = overlay(&world) else { return };
    world.landing.configure(&to_lines("backend = \"inotify\"\nrescan = \"1s\""));
    fs::create_dir(upper.join("sub")).expect("the layer takes folders");
    world.landing.start();
    assert_eq!(source(&world.landing)["backend"], "inotify");
    let lines = world.tail();
    let mut truth = Truth::default();
    let begun = Instant::now();
    let mut number = 0;
    // A new file for each comparison, until it is found out.
    let row = loop {
        truth.write(&upper, format!("sub/f{number}").as_bytes(), b"past the mount");
        number += 1;
        lines.wait_for(number, STEP);
        let row = source(&world.landing);
        if row["backend"] != "inotify" {
            break row;
        }
        assert!(begun.elapsed() < STEP, "it is never found out: {row}");
    };
    eprintln!("distrust: after {number} files, {:?}", begun.elapsed());
    assert_eq!(row["backend"], "inotify+poll", "{row}");
    assert!(row["found_by_scan_only"].as_u64() >= Some(3), "{row}");
    let why = row["mounts"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("comparisons kept finding what events missed"), "{row}");
    let said = world.said();
    assert!(said.contains("do not tell everything") && said.contains("from now on: inotify+poll"), "{said}");
    truth.write(&upper, b"sub/after", b"past the mount");
    lines.wait_for(number + 1, STEP);
    judge(&truth, &lines.finish()).assert_exact();
}

#[test]
fn a_tree_that_tells_everything_stays_trusted() {
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("trusted"));
    landing.configure(&to_lines("rescan = \"500ms\"\ncanary = true"));
    landing.start();
    let lines = Collector::tail(&landing.out("events.jsonl"), &landing.root());
    let mut truth = Truth::default();
    let mut scans = Vec::new();
    for number in 0.. {
        truth.write(&landing.root(), format!("f{number}").as_bytes(), b"heard");
        lines.wait_for(number + 1, STEP);
        let row = source(&landing);
        assert_eq!((&row["backend"], &row["found_by_scan_only"]), (&"inotify".into(), &0.into()), "{row}");
        scans.push(row["last_scan"].clone());
        scans.dedup();
        if scans.len() > 6 {
            break;
        }
    }
    judge(&truth, &lines.finish()).assert_exact();
    assert!(!landing.daemon().stderr().contains("do not tell everything"), "{}", landing.daemon().stderr());
}

/// Everything that an independent watcher hears in a directory.
pub(crate) struct Listener(rustix::fd::OwnedFd);

impl Listener {
    pub(crate) fn on<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Self {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("an instance");
        // What a source may have in its mask: all but openings and readings.
        let mask = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE
            | WatchFlags::MOVE_SELF;
        for directory in directories {
            inotify::add_watch(&fd, directory, mask).expect("a watch");
        }
        Self(fd)
    }

    /// The names and kinds of all events so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        let mut buffer = vec![std::mem::MaybeUninit::uninit(); 1 << 16];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut heard = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
            heard.push(format!("{} {:?}", name.unwrap_or_default(), event.events()));
        }
        heard
    }
}

#[test]
fn a_canary_is_heard_and_leaves_nothing_behind() {
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("canary"));
    landing.configure(&to_lines("canary = true"));
    let listener = Listener::on([&*landing.root()]);
    landing.start();
    let mut heard = Vec::new();
    wait_until(STEP, "a canary and its end", || {
        heard.extend(listener.heard());
        let canary =
            |what: &str| heard.iter().any(|event| event.contains(".staithe-canary-") && event.contains(what));
        canary("CREATE") && canary("DELETE")
    });
    // Longer than a canary is waited for; then it would have been given up.
    std::thread::sleep(Duration::from_millis(2_500));
    let status = landing.status();
    let row = &status["sources"][0];
    assert_eq!((&row["backend"], &row["state"]), (&"inotify".into(), &"ok".into()), "{row}");
    assert!(!landing.daemon().stderr().contains("do not tell"), "{}", landing.daemon().stderr());
    assert_eq!((&status["counts"]["seen"], &row["ignored"]), (&0.into(), &0.into()), "{status}");
    assert_eq!(landing.call(&["ls", "--json"]).text(), "");
    assert_eq!(fs::read_dir(landing.root()).expect("the tree").count(), 0, "something is left behind");
    assert_eq!(fs::read(landing.out("events.jsonl")).unwrap_or_default(), b"");
}

#[test]
fn where_a_canary_is_not_heard_the_tree_is_polled_as_well() {
    let Some(mut world) = World::new("unheard") else { return };
    let far = world.landing.out("far");
    fs::create_dir(&far).expect("a mount point");
    let Some(server) = Server::mount(&world, &far) else { return };
    server.make_directory("sub");
    // A server that forgets its directories: a watch stays on what nobody sees any more.
    server.be_restless();
    let config = to_lines("backend = \"inotify\"\ncanary = true\nrescan = \"1h\"\npoll_interval = \"500ms\"");
    world.landing.configure(&config.replace("path = \"{in}\"", "path = \"{out}/far/sub\""));
    world.landing.start();
    let row = wait_for_source(&world.landing, "it to be found out", |row| row["backend"] == "inotify+poll");
    let why = row["mounts"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("a file made here raised no event"), "{row}");
    assert!(world.said().contains("do not tell everything"), "{}", world.said());
    let lines = Collector::tail(&world.landing.out("events.jsonl"), &world.inside(&far.join("sub")));
    let mut truth = Truth::default();
    server.write("sub/remote", b"by another machine");
    truth.note(b"remote", b"by another machine");
    lines.wait_for(1, STEP);
    judge(&truth, &lines.finish()).assert_exact();
}
