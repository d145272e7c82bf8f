//! Single files, brought into each state.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use testkit::proof::size;
use testkit::wait_until;

use crate::truth::Case;
use crate::world::{World, write};
use crate::{STEP, configuration};

/// What must be there when the daemon starts.
pub(crate) fn before_the_start(world: &mut World) {
    for directory in configuration::directories().chain(["stray", "sets", "exposures"]) {
        fs::create_dir(world.main(directory.as_bytes())).unwrap();
    }
    fs::create_dir_all(world.at("filtering", b"private")).unwrap();
    fs::create_dir_all(world.at("flat", b"deep")).unwrap();
    for _ in 0..4 {
        let path = world.name("old");
        write(&world.at("adopting", &path), b"old");
        world.know(Case::adopted(&path));
        // Of a younger file nobody can tell whether it was complete before the start.
        let at = world.at("adopting", &path);
        wait_until(STEP, "the file to be old", || {
            at.metadata()
                .and_then(|data| data.modified())
                .unwrap()
                .elapsed()
                .is_ok_and(|age| age.as_millis() > 200)
        });
    }
}

/// All of them, each a few times.
pub(crate) fn fill(world: &mut World) {
    let makers: [fn(&mut World); 14] = [
        local,
        renamed_and_closed,
        by_time,
        done,
        stems,
        fixed,
        locked,
        summed,
        described,
        announced,
        at_deadline,
        held_up,
        unwanted,
        elsewhere,
    ];
    for maker in makers {
        for _ in 0..size(2, 22) + world.chance.below(2) {
            maker(world);
        }
    }
    never_seen(world);
}

/// A new path in the directory of a rule, sometimes in one below.
fn path(world: &mut World, rule: &str, ending: &str) -> Vec<u8> {
    let name = world.name("f");
    let deep = if world.chance.below(4) == 0 { "/deep" } else { "" };
    [rule.as_bytes(), deep.as_bytes(), b"/", &name, ending.as_bytes()].concat()
}

/// The same in the rule's directory itself, which was watched before anything was written in it.
fn flat_path(world: &mut World, rule: &str) -> Vec<u8> {
    let name = world.name("f");
    [rule.as_bytes(), b"/", &name].concat()
}

fn beside(path: &[u8], ending: &str) -> Vec<u8> {
    [path, ending.as_bytes()].concat()
}

fn local(world: &mut World) {
    let rule = "local";
    let written = path(world, rule, "");
    world.fill(&written);
    world.know(Case::delivered(rule, &written));

    let renamed = path(world, rule, "");
    let temporary = beside(&renamed, ".part");
    world.fill(&temporary);
    fs::rename(world.main(&temporary), world.main(&renamed)).unwrap();
    world.know(Case::delivered(rule, &renamed));

    let open = path(world, rule, "");
    world.hold(&open);
    world.know(Case::waiting(rule, &open, "waiting.writer-open"));

    let removed = path(world, rule, "");
    world.fill(&removed);
    world.know(Case::delivered(rule, &removed).saying("seen to be gone at"));
    let at = world.main(&removed);
    world.when(&removed, "delivered", move |_| fs::remove_file(at).unwrap());

    let again = path(world, rule, "");
    world.fill(&again);
    world.know(Case::delivered(rule, &again).after(1));
    let path = again.clone();
    world.when(&again, "delivered", move |world| world.write(&path, b"another content"));
}

fn renamed_and_closed(world: &mut World) {
    let in_place = flat_path(world, "renamed");
    world.fill(&in_place);
    world.know(Case::waiting("renamed", &in_place, "waiting.renamed-in"));

    let (from, to) = (flat_path(world, "stray"), flat_path(world, "renamed"));
    world.fill(&from);
    fs::rename(world.main(&from), world.main(&to)).unwrap();
    world.know(Case::delivered("renamed", &to));

    let open = flat_path(world, "closed");
    world.hold(&open);
    world.know(Case::waiting("closed", &open, "waiting.closed"));
}

fn by_time(world: &mut World) {
    for (rule, reason) in
        [("quiet", "waiting.quiet"), ("adaptive", "waiting.quiet"), ("closed", "waiting.min-age")]
    {
        let path = path(world, rule, "");
        world.fill(&path);
        world.know(Case::waiting(rule, &path, reason));
    }
    let gone = path(world, "quiet", "");
    world.fill(&gone);
    world.know(Case::gone("quiet", &gone));
    let at = world.main(&gone);
    world.when(&gone, "waiting", move |_| fs::remove_file(at).unwrap());
}

fn last_name(path: &[u8]) -> String {
    String::from_utf8_lossy(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()).into_owned()
}

fn marker(world: &mut World, rule: &'static str, path: &[u8]) {
    world.write(path, b"");
    world.know(Case::ignored(path, "ignored.marker").with("rule", rule));
}

/// Waits until whatever is written now is younger than that file.
fn grow_older(world: &World, than: &Path) {
    let change = |path: &Path| path.metadata().map(|data| (data.ctime(), data.ctime_nsec())).unwrap();
    let probe = world.landing.out("tick");
    wait_until(STEP, "the clock of the file system", || {
        fs::write(&probe, b"").unwrap();
        change(&probe) > change(than)
    });
}

fn done(world: &mut World) {
    let rule = "done";
    let missing = path(world, rule, "");
    world.fill(&missing);
    let name = last_name(&missing) + ".done";
    world.know(Case::waiting(rule, &missing, "waiting.marker").with("marker", name).with("stale", false));

    let stale = path(world, rule, "");
    let early = beside(&stale, ".done");
    marker(world, rule, &early);
    grow_older(world, &world.main(&early));
    world.fill(&stale);
    world.know(Case::waiting(rule, &stale, "waiting.marker").with("stale", true));

    let open = path(world, rule, "");
    world.hold(&open);
    marker(world, rule, &beside(&open, ".done"));
    // A marker that is there while somebody writes is believed when nobody does.
    world.know(Case::waiting(rule, &open, "waiting.writer-open"));

    let good = path(world, rule, "");
    world.fill(&good);
    marker(world, rule, &beside(&good, ".done"));
    world.know(Case::delivered(rule, &good));
}

fn stems(world: &mut World) {
    let missing = path(world, "stem", ".tar.gz");
    world.fill(&missing);
    let usual = last_name(&missing).replace(".gz", ".ready");
    world.know(Case::waiting("stem", &missing, "waiting.marker").with("marker", usual).with("stale", false));

    let good = path(world, "stem", ".tar.gz");
    world.fill(&good);
    let stem = good.strip_suffix(b".tar.gz").unwrap();
    let ending = if world.chance.flip() { ".ready" } else { ".tar.ready" };
    marker(world, "stem", &beside(stem, ending));
    world.know(Case::delivered("stem", &good));

    let missing = path(world, "prefix", "");
    world.fill(&missing);
    let name = format!("done-{}", last_name(&missing));
    world.know(Case::waiting("prefix", &missing, "waiting.marker").with("marker", name));
}

fn fixed(world: &mut World) {
    for is_there in [false, true] {
        let directory = flat_path(world, "fixed");
        let path = beside(&directory, "/data");
        world.fill(&path);
        world.know(Case::ignored(&directory, "ignored.directory").no_unit());
        if is_there {
            marker(world, "fixed", &beside(&directory, "/_SUCCESS"));
            world.know(Case::delivered("fixed", &path));
        } else {
            let case = Case::waiting("fixed", &path, "waiting.marker");
            world.know(case.with("marker", "_SUCCESS").with("stale", false));
        }
    }
}

fn locked(world: &mut World) {
    let held = path(world, "locked", "");
    marker(world, "locked", &beside(&held, ".lock"));
    world.fill(&held);
    let lock = last_name(&held) + ".lock";
    world.know(Case::waiting("locked", &held, "waiting.lock").with("lock", lock));

    let free = path(world, "locked", "");
    world.fill(&free);
    world.know(Case::delivered("locked", &free));
}

fn summed(world: &mut World) {
    let missing = path(world, "summed", "");
    world.fill(&missing);
    let file = last_name(&missing) + ".sums";
    let case = Case::waiting("summed", &missing, "waiting.manifest").with("file", file);
    world.know(case.with("problem", "it is not there"));

    for is_right in [false, true] {
        let path = path(world, "summed", "");
        let content = world.content();
        let promised: &[u8] = if is_right { &content } else { b"something else" };
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap().to_vec();
        let line = [blake3::hash(promised).to_hex().as_bytes(), b"  ", &name, b"\n"].concat();
        world.write(&path, &content);
        world.write(&beside(&path, ".sums"), &line);
        world.know(Case::ignored(&beside(&path, ".sums"), "ignored.marker").with("rule", "summed"));
        world.know(if is_right {
            Case::delivered("summed", &path)
        } else {
            let case = Case::waiting("summed", &path, "waiting.manifest").with("problem", ());
            case.with("total", 1).with("good", 0).with("missing", 0).with("wrong", 1).with("extra", 0)
        });
    }
}

fn described(world: &mut World) {
    let abouts = [None, Some("{\"a\": "), Some("a: {b: 1}\n"), Some("a: {ready: true}\n")];
    for (at, about) in abouts.into_iter().enumerate() {
        let path = path(world, "described", "");
        world.fill(&path);
        if let Some(about) = about {
            let beside = beside(&path, ".about");
            world.write(&beside, about.as_bytes());
            world.know(Case::ignored(&beside, "ignored.marker").with("rule", "described"));
        }
        let file = last_name(&path) + ".about";
        let waiting = Case::waiting("described", &path, "waiting.metadata").with("file", file);
        world.know(match at {
            0 => waiting.with("problem", "it is not there"),
            2 => waiting.with("problem", "it has no key `a.ready`"),
            3 => Case::delivered("described", &path),
            _ => waiting,
        });
    }
}

fn announced(world: &mut World) {
    let unsaid = path(world, "announced", "");
    world.fill(&unsaid);
    world.know(Case::waiting("announced", &unsaid, "waiting.announce"));

    let said = path(world, "announced", "");
    world.fill(&said);
    world.know(Case::delivered("announced", &said));
    let at = world.main(&said);
    world.when(&said, "waiting", move |world| {
        let done = world.landing.command().arg("notify").arg(at).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    });
}

fn at_deadline(world: &mut World) {
    for (rule, reason) in [("held", "waiting.deadline"), ("alerting", "waiting.quiet")] {
        let path = path(world, rule, "");
        world.fill(&path);
        world.know(Case::waiting(rule, &path, reason));
    }
    let path = path(world, "forced", "");
    world.fill(&path);
    world.know(Case::delivered("forced", &path));
}

fn held_up(world: &mut World) {
    let kinds = [
        ("down", "blocked.sink-down", "down"),
        ("refused", "blocked.sink-configuration", "refusing"),
        ("parked", "blocked.paused", "parked"),
    ];
    for (rule, reason, sink) in kinds {
        let path = path(world, rule, "");
        world.fill(&path);
        world.know(Case::blocked(rule, &path, reason, sink));
    }
}

fn unwanted(world: &mut World) {
    for (ending, pattern) in [(".part", "*.part"), (".tmp", "*.tmp"), ("~", "*~")] {
        let path = path(world, "local", ending);
        world.fill(&path);
        world.know(Case::ignored(&path, "ignored.temp-name").with("pattern", pattern));
    }
    let filtered = |path: &[u8], rule: &'static str, pattern: &'static str| {
        Case::ignored(path, "ignored.filter").with("rule", rule).with("pattern", pattern)
    };
    let log = path(world, "local", ".log");
    let private = flat_path(world, "local/private");
    let stray = path(world, "stray", "");
    for (path, rule, pattern) in
        [(&log, "local", "*.log"), (&private, "local", "re:^local/private/"), (&stray, "", "")]
    {
        world.fill(path);
        world.know(filtered(path, rule, pattern));
    }
    let link = flat_path(world, "local");
    std::os::unix::fs::symlink("nowhere", world.main(&link)).unwrap();
    world.know(Case::ignored(&link, "ignored.symlink"));
    let fifo = flat_path(world, "quiet");
    assert!(Command::new("mkfifo").arg(world.main(&fifo)).status().unwrap().success());
    world.know(Case::ignored(&fifo, "ignored.special-file"));
    let directory = flat_path(world, "local");
    fs::create_dir(world.main(&directory)).unwrap();
    world.know(Case::ignored(&directory, "ignored.directory").no_unit());
}

/// Other sources.
fn elsewhere(world: &mut World) {
    let new = world.name("new");
    write(&world.at("adopting", &new), b"new");
    world.know(Case::delivered("taken-over", &new).in_source("adopting"));

    let plain = world.name("plain");
    write(&world.at("filtering", &plain), b"x");
    world.know(Case::delivered("public", &plain).in_source("filtering"));
    let filtered = |path: &[u8], pattern: &'static str| {
        let case = Case::ignored(path, "ignored.filter").in_source("filtering");
        case.with("rule", "public").with("pattern", pattern)
    };
    let log = beside(&world.name("x"), ".log");
    write(&world.at("filtering", &log), b"x");
    world.know(filtered(&log, "*.log"));
    let inside = [b"private/".as_slice(), &world.name("x")].concat();
    write(&world.at("filtering", &inside), b"x");
    // Nobody goes into a directory that is excluded: what is there is not counted.
    world.know(filtered(&inside, "private").no_unit());

    let top = world.name("top");
    write(&world.at("flat", &top), b"x");
    world.know(Case::delivered("top", &top).in_source("flat"));
    let deep = [b"deep/".as_slice(), &world.name("x")].concat();
    write(&world.at("flat", &deep), b"x");
    world.know(Case::never(&deep).in_source("flat").saying("not recursive"));
}

fn never_seen(world: &mut World) {
    for rule in configuration::directories() {
        let path = flat_path(world, rule);
        world.know(Case::never(&path).saying("nothing lies there now"));
    }
    world.know(Case::never(b"x").in_source("absent").saying("is not there at the moment"));
    world.know(Case::never(b"x").in_source("nobodys").saying("no source covers"));
    let private = Case::ignored(b"private", "ignored.filter").with("pattern", "private");
    world.know(private.in_source("filtering").no_unit());
    world.know(Case::ignored(b"", "ignored.directory").no_unit());
    drop(File::create(world.landing.root().join("nobodys")));
}
