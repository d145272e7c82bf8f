//! Files that come to their names before their last byte.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, OFlags, linkat};
use testkit::Truth;
use testkit::chance::Chance;
use testkit::proof::{Row, size};

use crate::watched::{POLLED, Watched, heard};
use crate::{ground, soon};

/// For so long a file is written on after it got its name.
const AFTER: Duration = Duration::from_secs(2);
/// In so many steps.
const STEPS: usize = 8;

#[test]
fn files_linked_before_their_last_byte_come_whole() {
    let row = Row::new("A03");
    let chance = Chance::from_environment();
    let mut rules = heard();
    rules.push(POLLED);
    let watched = Watched::start(ground("late"), &rules, |_| ());
    let root = watched.root();
    let mut truth = Truth::default();
    std::thread::scope(|scope| {
        let write = |number: usize| {
            let (root, chance) = (&root, chance.fork(number as u64));
            scope.spawn(move || write(root, number, chance))
        };
        let writers: Vec<_> = (0..size(100, 500)).map(write).collect();
        for writer in writers {
            truth.merge(writer.join().expect("it wrote"));
        }
    });
    let seen = watched.finish_with(&truth, soon());

    seen.is_never_early(&rules, &truth, row.seed(chance.seed()));
}

/// `O_TMPFILE`, a part or nothing, `linkat`, the rest with pauses, close.
fn write(root: &Path, number: usize, mut chance: Chance) -> Truth {
    let name = format!("late{number:03}.dat");
    let length = 1_000 + chance.below(50_000);
    let content = chance.bytes(length);
    // Every other writer first writes half of it, every fourth says nothing more until the very end.
    let named_at = if number.is_multiple_of(2) { 0 } else { content.len() / 2 };
    let mut file = unnamed(root);
    put(&mut file, &content[..named_at]);
    linkat(
        CWD,
        format!("/proc/self/fd/{}", file.as_raw_fd()),
        CWD,
        root.join(&name),
        AtFlags::SYMLINK_FOLLOW,
    )
    .expect("the tree takes links");
    let rest = &content[named_at..];
    if number.is_multiple_of(4) {
        sleep(AFTER);
        put(&mut file, rest);
    } else {
        for piece in rest.chunks(rest.len().div_ceil(STEPS)) {
            sleep(chance.up_to(2 * AFTER / STEPS as u32));
            put(&mut file, piece);
        }
    }
    drop(file);
    let mut truth = Truth::default();
    truth.note(name.as_bytes(), &content);
    truth
}

fn unnamed(folder: &Path) -> File {
    let flags = OFlags::TMPFILE.bits().cast_signed();
    OpenOptions::new().write(true).custom_flags(flags).open(folder).expect("the file system has O_TMPFILE")
}

fn put(file: &mut File, content: &[u8]) {
    file.write_all(content).expect("there is room");
}
