//! Datasets and groups, and their members.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::json;

use testkit::proof::size;

use crate::truth::Case;
use crate::world::{World, write};

/// All of them, each a few times.
pub(crate) fn fill(world: &mut World) {
    let makers: [fn(&mut World); 7] = [runs, measurements, described, summed, marked, studies, groups];
    for maker in makers {
        for _ in 0..size(2, 16) {
            maker(world);
        }
    }
}

/// A dataset that is put together elsewhere and renamed to its place.
struct Set {
    /// Below the source.
    path: Vec<u8>,
    files: Vec<(Vec<u8>, Vec<u8>)>,
    open: Vec<Vec<u8>>,
}

impl Set {
    fn new(world: &mut World, begin: &str, end: &str) -> Self {
        let name = world.name(begin);
        Self {
            path: [b"sets/".as_slice(), &name, end.as_bytes()].concat(),
            files: Vec::new(),
            open: Vec::new(),
        }
    }

    fn file(mut self, name: &[u8], content: &[u8]) -> Self {
        self.files.push((name.to_vec(), content.to_vec()));
        self
    }

    /// A few members with random content.
    fn some(mut self, world: &mut World, count: usize) -> Self {
        for number in 0..count {
            let name = if number % 2 == 0 { format!("m{number}") } else { format!("sub/m{number}") };
            self = self.file(name.as_bytes(), &world.content());
        }
        self
    }

    /// One that is being written.
    fn held(mut self, name: &[u8]) -> Self {
        self.open.push(name.to_vec());
        self.file(name, b"half")
    }

    fn of(&self, name: &[u8]) -> Vec<u8> {
        [&self.path, b"/".as_slice(), name].concat()
    }

    /// It appears, as a whole. What is so is also true of some of its members.
    fn publish(&self, world: &mut World, case: Case) {
        let name = self.path.strip_prefix(b"sets/").unwrap();
        let built = world.landing.out("built").join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(&built).unwrap();
        for (name, content) in &self.files {
            write(&built.join(std::ffi::OsStr::from_bytes(name)), content);
        }
        for name in &self.open {
            let mut file =
                OpenOptions::new().append(true).open(built.join(std::ffi::OsStr::from_bytes(name))).unwrap();
            file.write_all(b" of it").unwrap();
            world.keep_open(file);
        }
        fs::rename(&built, world.main(&self.path)).unwrap();
        if let Some((member, _)) = self.files.first() {
            world.know(case.within(&self.path, &self.of(member)));
        }
        let never = Case::never(&self.of(b"nobody")).saying("nothing lies there now");
        world.know(never.within(&self.path, &self.of(b"nobody")));
        world.know(case);
    }
}

fn ignored(set: &Set, name: &[u8], reason: &'static str) -> Case {
    Case::ignored(&set.of(name), reason)
}

fn runs(world: &mut World) {
    let count = 2 + world.chance.below(5);
    let set = Set::new(world, "open", ".run").some(world, count).held(b"sub/late").file(b"noise.log", b"x");
    let case = Case::waiting("run", &set.path, "waiting.members").with("present", count as u64);
    let case = case.with("expected", count as u64 + 1).with("blocking", json!(["sub/late"]));
    set.publish(world, case);
    world.know(ignored(&set, b"noise.log", "ignored.filter").with("rule", "run").with("pattern", "*.log"));

    // What is excluded is no member, and nobody waits for it.
    let set = Set::new(world, "whole", ".run").some(world, 3).held(b"busy.log").held(b"scratch/busy");
    let case = Case::delivered("run", &set.path);
    set.publish(world, case);
    for (name, pattern) in [(b"busy.log".as_slice(), "*.log"), (b"scratch/busy", "scratch")] {
        world.know(ignored(&set, name, "ignored.filter").with("rule", "run").with("pattern", pattern));
    }

    let set = Set::new(world, "removed", ".run").some(world, 2);
    let case = Case::delivered("run", &set.path).saying("seen to be gone at");
    // Its members go with it.
    set.publish(world, case.clone());
    world.forget_members(&set.path);
    let at = world.main(&set.path);
    world.when(&set.path, "delivered", move |_| fs::remove_dir_all(at).unwrap());
}

fn measurements(world: &mut World) {
    let set = Set::new(world, "obs", ".ms").some(world, 4);
    let case = Case::waiting("ms", &set.path, "waiting.quiet");
    set.publish(world, case.clone());
    world.know(case.within(&set.path, &set.of(b"sub")));

    let set = Set::new(world, "lost", ".ms").some(world, 2);
    set.publish(world, Case::gone("ms", &set.path));
    world.forget_members(&set.path);
    let at = world.main(&set.path);
    world.when(&set.path, "waiting", move |_| fs::remove_dir_all(at).unwrap());
}

fn described(world: &mut World) {
    let metas = [None, Some("{\"done\": "), Some("{\"do\": 1}"), Some("{\"done\": 1}")];
    for (at, meta) in metas.into_iter().enumerate() {
        let mut set = Set::new(world, "z", ".zarr").some(world, 2);
        if let Some(meta) = meta {
            set = set.file(b"meta.json", meta.as_bytes());
        }
        let waiting = Case::waiting("zarr", &set.path, "waiting.metadata").with("file", "meta.json");
        let case = match at {
            0 => waiting.with("problem", "it is not there"),
            2 => waiting.with("problem", "it has no key `done`"),
            3 => Case::delivered("zarr", &set.path),
            _ => waiting,
        };
        set.publish(world, case);
    }
}

fn summed(world: &mut World) {
    let line = |name: &str, content: &[u8]| format!("{}  {name}\n", blake3::hash(content).to_hex());
    let set = Set::new(world, "bare", ".set").some(world, 2);
    let case = Case::waiting("set", &set.path, "waiting.manifest").with("file", "B3SUMS");
    set.publish(world, case.with("problem", "it is not there"));

    let list = [line("a", b"a"), line("b", b"b"), line("c", b"c")].concat();
    let set = Set::new(world, "gap", ".set").file(b"a", b"a").file(b"c", b"C").file(b"d", b"d");
    let set = set.file(b"B3SUMS", list.as_bytes());
    let case = Case::waiting("set", &set.path, "waiting.manifest").with("problem", ());
    let case = case.with("total", 3).with("good", 1).with("missing", 1).with("wrong", 1).with("extra", 1);
    set.publish(world, case.with("blocking", json!(["b", "c", "d"])));

    let set = Set::new(world, "right", ".set").file(b"a", b"a").file(b"b", b"b").file(b"c", b"c");
    let set = set.file(b"B3SUMS", list.as_bytes());
    set.publish(world, Case::delivered("set", &set.path));
}

fn marked(world: &mut World) {
    let set = Set::new(world, "part=", "").some(world, 2);
    let case = Case::waiting("part", &set.path, "waiting.marker").with("marker", "_SUCCESS");
    set.publish(world, case.with("stale", false));

    let set = Set::new(world, "part=", "").some(world, 2).file(b"_SUCCESS", b"").file(b".writing", b"");
    set.publish(world, Case::waiting("part", &set.path, "waiting.lock").with("lock", ".writing"));

    let set = Set::new(world, "part=", "").some(world, 2).file(b"_SUCCESS", b"");
    set.publish(world, Case::delivered("part", &set.path));
    world.know(ignored(&set, b"_SUCCESS", "ignored.marker").with("rule", "part").no_unit());
}

fn studies(world: &mut World) {
    for is_whole in [false, true] {
        let set = Set::new(world, "study-", "").file(b"about.txt", b"x");
        let set = set.file(b"series-a/1", b"1").file(b"series-a/_COMPLETE", b"");
        let set = set.file(b"series-b/1", b"1").file(b"series-b/2", b"2");
        let set = if is_whole { set.file(b"series-b/_COMPLETE", b"") } else { set };
        let case = if is_whole {
            Case::delivered("study", &set.path)
        } else {
            let slow = String::from_utf8_lossy(&set.of(b"series-b")).into_owned();
            let case = Case::waiting("study", &set.path, "waiting.children").with("count", 1);
            case.with("blocking", json!([slow]))
        };
        set.publish(world, case);
        for name in ["series-a", "series-b"] {
            let path = set.of(name.as_bytes());
            let case = if is_whole || name == "series-a" {
                Case::delivered("series", &path)
            } else {
                Case::waiting("series", &path, "waiting.marker").with("marker", "_COMPLETE")
            };
            world.know(case.within(&path, &[&path, b"/1".as_slice()].concat()));
            world.know(case);
        }
    }
}

fn groups(world: &mut World) {
    let count = 3 + world.chance.below(3);
    for (there, is_open) in [(count - 1, false), (count, true), (count, false)] {
        let directory = world.name("exposures/d");
        let key = world.name("key");
        let group = [&directory, b"/".as_slice(), &key].concat();
        let unit = [&group, b"/".as_slice()].concat();
        let member = |number: usize| [&group, format!("_{number}of{count}").as_bytes()].concat();
        let last = member(there);
        let case = if is_open {
            let case = Case::waiting("exposures", &group, "waiting.members");
            case.with("present", there as u64 - 1).with("expected", there as u64)
        } else if there < count {
            let case = Case::waiting("exposures", &group, "waiting.count");
            case.with("present", there as u64).with("expected", count as u64)
        } else {
            Case::delivered("exposures", &group)
        };
        for number in 1..there {
            world.fill(&member(number));
            world.know(case.within(&unit, &member(number)));
        }
        if is_open {
            world.hold(&last);
            let own = Case::waiting("exposures", &last, "waiting.writer-open");
            world.know(own.within(&unit, &last));
        } else {
            world.fill(&last);
            world.know(case.within(&unit, &last));
        }
        world.know(case.named(&unit));
        let keyless = [&directory, b"/keyless".as_slice()].concat();
        world.fill(&keyless);
        world.know(Case::ignored(&keyless, "ignored.filter").with("rule", "").with("pattern", ""));
    }
}
