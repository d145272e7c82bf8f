//! Copies that bring the time of their original along: old as they are born, and not finished for that.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
use testkit::chance::Chance;
use testkit::proof::{Row, size};
use testkit::{Scratch, Truth};

use crate::watched::{POLLED, Rule, Watched, heard};
use crate::{found, ground, soon};

/// The originals are as old as this: 2001-09-09.
const OLD: Duration = Duration::from_secs(1_000_000_000);
/// Between two pieces of a file it is never longer.
const PAUSE: Duration = Duration::from_millis(800);
const PIECES: usize = 5;
/// Kilobytes a second.
const RATE: &str = "--bwlimit=300";

/// It compares each second.
const COMPARED: Rule = Rule { source: r#"rescan = "1s""#, ..Rule::new("compared", r#""local""#) };
/// It wants files to have been left alone for longer than any pause here, and nothing else.
const AGED: Rule = Rule::new("aged", r#"{ min_age = "3s" }"#);

/// A way of copying: all originals into a folder of its own.
type Copy = fn(&Originals, &Path);

const COPIES: [(&str, Copy); 5] = [
    ("cp-p", Originals::cp),
    ("rsync-t", |originals, to| originals.rsync(to, &[])),
    ("rsync-t-inplace", |originals, to| originals.rsync(to, &["--inplace"])),
    ("tar-x", Originals::tar),
    ("dated-at-once", Originals::date_at_once),
];

#[test]
fn copies_with_times_of_2001_come_whole_and_once() {
    let row = Row::new("A07");
    let chance = Chance::from_environment();
    let originals = Originals::new(size(8, 60), chance.clone());
    let rules = [heard(), vec![POLLED, COMPARED, AGED]].concat();
    let watched = Watched::start(ground("dated"), &rules, |landing| {
        for (name, _) in COPIES {
            fs::create_dir(landing.root().join(name)).expect("the tree takes folders");
        }
    });
    let root = watched.root();
    std::thread::scope(|scope| {
        for (name, copy) in COPIES {
            let (originals, to) = (&originals, root.join(name));
            scope.spawn(move || copy(originals, &to));
        }
    });
    let truth = originals.truth(&root);
    let seen = watched.finish_with(&truth, soon());

    let row = row.seed(chance.seed()).figure("ways of copying", COPIES.len());
    seen.is_never_early(&rules, &truth, row);
}

/// Files that have not been touched since 2001.
struct Originals {
    folder: Scratch,
    names: Vec<String>,
    chance: Chance,
}

impl Originals {
    fn new(count: usize, chance: Chance) -> Self {
        let folder = Scratch::on_disk("originals");
        let names: Vec<String> = (0..count).map(|number| format!("o{number:02}.dat")).collect();
        for (number, name) in names.iter().enumerate() {
            let mut chance = chance.fork(number as u64);
            let length = 50_000 + chance.below(300_000);
            let path = folder.path().join(name);
            fs::write(&path, chance.bytes(length)).expect("a scratch folder takes files");
            age(&path);
        }
        Self { folder, names, chance }
    }

    fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.names.iter().map(|name| self.folder.path().join(name))
    }

    /// What must have been made of them. The copies are as old as they are.
    fn truth(&self, root: &Path) -> Truth {
        let mut truth = Truth::default();
        for (folder, _) in COPIES {
            for (name, original) in self.names.iter().zip(self.paths()) {
                let below = format!("{folder}/{name}");
                let copied = fs::metadata(root.join(&below)).and_then(|data| data.modified());
                assert_eq!(copied.expect("it was copied"), SystemTime::UNIX_EPOCH + OLD, "{below}");
                truth.published.push(found(root, below, &fs::read(original).expect("it was made")));
            }
        }
        truth
    }

    /// As slow as its original, which comes through a pipe.
    fn cp(&self, to: &Path) {
        let pipes = Scratch::on_disk("pipes");
        std::thread::scope(|scope| {
            for (number, (name, original)) in self.names.iter().zip(self.paths()).enumerate() {
                let pipe = pipes.path().join(name);
                run(Command::new("mkfifo").arg(&pipe));
                age(&pipe);
                let mut chance = self.chance.fork(1_000 + number as u64);
                let mut cp = Command::new("cp");
                let mut cp = cp.arg("-p").arg(&pipe).arg(to).spawn().expect("cp is there");
                scope.spawn(move || {
                    // It waits for the other end, which has looked at the pipe's times by then.
                    let mut pipe = OpenOptions::new().write(true).open(pipe).expect("it was made");
                    slowly(&mut pipe, &fs::read(original).expect("it was made"), &mut chance);
                    drop(pipe);
                    assert!(cp.wait().expect("it is our child").success());
                });
            }
        });
    }

    fn rsync(&self, to: &Path, more: &[&str]) {
        run(Command::new("rsync").args(["-t", RATE]).args(more).args(self.paths()).arg(to));
    }

    /// The archive comes slowly.
    fn tar(&self, to: &Path) {
        let mut archive = Command::new("tar");
        archive.args(["-cf", "-", "-C"]).arg(self.folder.path()).args(&self.names);
        let archive = archive.output().expect("tar is there").stdout;
        let mut tar = Command::new("tar").args(["-xf", "-", "-C"]).arg(to).stdin(Stdio::piped()).spawn();
        let tar = tar.as_mut().expect("tar is there");
        let mut input = tar.stdin.take().expect("it was asked for");
        let mut chance = self.chance.fork(2_000);
        for part in archive.chunks(archive.len().div_ceil(4)) {
            slowly(&mut input, part, &mut chance);
        }
        drop(input);
        assert!(tar.wait().expect("it is our child").success());
    }

    /// Old from the first byte on, and dated once more when it is closed.
    fn date_at_once(&self, to: &Path) {
        std::thread::scope(|scope| {
            for (number, (name, original)) in self.names.iter().zip(self.paths()).enumerate() {
                let mut chance = self.chance.fork(3_000 + number as u64);
                scope.spawn(move || {
                    let mut file = Dated(File::create(to.join(name)).expect("the tree takes files"));
                    slowly(&mut file, &fs::read(original).expect("it was made"), &mut chance);
                    drop(file);
                    sleep(PAUSE);
                    age(&to.join(name));
                });
            }
        });
    }
}

/// A file that is dated back with each piece.
struct Dated(File);

impl std::io::Write for Dated {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        let count = self.0.write(piece)?;
        self.0.set_times(old())?;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn old() -> FileTimes {
    FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + OLD)
}

/// By its name, as copying programs do it: opening it for writing, as `touch` does, would be another close.
fn age(path: &Path) {
    let at = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times =
        Timestamps { last_access: at(0, UTIME_OMIT), last_modification: at(OLD.as_secs().cast_signed(), 0) };
    utimensat(CWD, path, &times, AtFlags::empty()).expect("it is ours");
}

fn slowly(to: &mut impl std::io::Write, content: &[u8], chance: &mut Chance) {
    for piece in content.chunks(content.len().div_ceil(PIECES).max(1)) {
        to.write_all(piece).expect("somebody takes it");
        sleep(chance.up_to(PAUSE));
    }
}

/// Runs a program to its end; fails the test if it fails.
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}
