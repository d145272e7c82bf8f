//! Seeded random changes: whoever believes what is told has the tree as it is at each quiet point.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use watch::StreamSettings;

use crate::rig::{ALL, Rig, events, names, polled, tree};

/// A generator that is the same everywhere (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Some path in the tree (the root not among them), and the directories.
fn pick(dice: &mut Dice, root: &Path, directories_only: bool) -> Option<PathBuf> {
    let paths = tree(root);
    let all: Vec<_> = paths.iter().filter(|(_, is_dir)| **is_dir || !directories_only).collect();
    let (path, _) = all.get(dice.roll(all.len().max(1)))?;
    Some(root.join(std::str::from_utf8(path).ok()?))
}

/// One change, which may fail: somebody else may have been faster.
fn step(dice: &mut Dice, root: &Path, outside: &Path) {
    let into = pick(dice, root, true).filter(|_| dice.roll(4) > 0).unwrap_or_else(|| root.to_owned());
    let name = into.join(format!("n{}", dice.roll(12)));
    let some = pick(dice, root, false).unwrap_or_else(|| root.join("n0"));
    let _ = match dice.roll(20) {
        0..4 => fs::write(&name, vec![b'x'; dice.roll(100)]),
        4..7 => fs::create_dir(&name),
        7 => fs::create_dir_all(name.join("p/q/r")).and_then(|()| fs::write(name.join("p/q/r/f"), b"x")),
        8..12 => fs::rename(&some, &name),
        12..14 => fs::remove_file(&some),
        14 => fs::remove_dir_all(&some),
        15 => fs::hard_link(&some, &name),
        16 => std::os::unix::fs::symlink("/etc", &name),
        17 => fs::set_permissions(&some, fs::Permissions::from_mode(0o750)),
        18 => fs::rename(&some, outside.join(format!("o{}", dice.roll(5)))),
        _ => exchange(&some, &name)
            .and_then(|()| fs::rename(outside.join(format!("o{}", dice.roll(5))), name.with_extension("in"))),
    };
}

fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    let (cwd, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
    rustix::fs::renameat_with(cwd, one, cwd, other, flags).or(Ok(()))
}

/// `STREAM_CHURN_SEEDS` makes it a long run.
fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("STREAM_CHURN_SEEDS").ok().and_then(|count| count.parse().ok());
    first..first + asked.unwrap_or(count)
}

/// Changes come from another thread while the stream turns; `deaf` rounds are so long that the queue overflows.
fn churn(settings: StreamSettings, seed: u64, rounds: usize, steps: usize, deaf: bool) -> Rig {
    let mut rig = Rig::new(settings);
    let outside = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        let (root, out) = (rig.dir.path().to_owned(), outside.path().to_owned());
        let mut dice = Dice(seed * 1_000 + round as u64 + 1);
        for _ in 0..20 {
            dice.roll(2);
        }
        let writer = std::thread::spawn(move || {
            for _ in 0..steps {
                step(&mut dice, &root, &out);
            }
        });
        if deaf {
            writer.join().unwrap();
            rig.overflow();
        } else {
            while !writer.is_finished() {
                rig.stream.wait(std::time::Duration::from_millis(1));
                rig.turn();
            }
            writer.join().unwrap();
        }
        rig.until_equal();
    }
    rig
}

#[test]
fn by_events() {
    for seed in seeds(1, 4) {
        let rig = churn(events(names()), seed, 12, 60, false);
        assert_eq!(rig.believer.overflows, 0);
    }
}

#[test]
fn by_all_events() {
    churn(events(ALL), 20, 8, 60, false);
}

#[test]
fn by_events_with_overflows() {
    let rig = churn(events(names()), 30, 3, 120, true);
    assert!(rig.believer.overflows >= 3, "{}", rig.believer.overflows);
}

#[test]
fn by_polling() {
    for seed in seeds(40, 4) {
        churn(polled(names()), seed, 8, 60, false);
    }
}
