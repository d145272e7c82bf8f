//! Files that have their final size from the beginning.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use testkit::Truth;
use testkit::chance::Chance;
use testkit::proof::{Row, is_long, size};

use crate::watched::{POLLED, Watched, heard};
use crate::{ground, soon};

/// In so many pieces each file is filled.
const PIECES: usize = 20;

#[test]
fn files_of_their_final_size_from_the_beginning_come_when_they_are_filled() {
    let row = Row::new("A06");
    let chance = Chance::from_environment();
    let filling = Duration::from_secs(if is_long() { 20 } else { 6 });
    let mut rules = heard();
    rules.push(POLLED);
    let watched = Watched::start(ground("preallocated"), &rules, |_| ());
    let root = watched.root();
    let mut truth = Truth::default();
    std::thread::scope(|scope| {
        let write = |number: usize| {
            let (root, chance) = (&root, chance.fork(number as u64));
            scope.spawn(move || fill(root, number, chance, filling))
        };
        let writers: Vec<_> = (0..size(60, 200)).map(write).collect();
        for writer in writers {
            truth.merge(writer.join().expect("it wrote"));
        }
    });
    let seen = watched.finish_with(&truth, soon());

    seen.is_never_early(&rules, &truth, row.seed(chance.seed()).figure("filled in s", filling.as_secs()));
}

/// Made in full size, by every other writer with a descriptor of its own that is closed; then filled piece by piece in
/// any order.
fn fill(root: &Path, number: usize, mut chance: Chance, filling: Duration) -> Truth {
    let name = format!("whole{number:03}.dat");
    let length = 20_000 + chance.below(200_000);
    let content = chance.bytes(length);
    let file = File::create(root.join(&name)).expect("the tree takes files");
    if number.is_multiple_of(2) {
        allocate(&OpenOptions::new().write(true).open(root.join(&name)).expect("it is there"), length);
    } else {
        allocate(&file, length);
    }
    let step = length.div_ceil(PIECES);
    let mut pieces: Vec<usize> = (0..length.div_ceil(step)).collect();
    chance.shuffle(&mut pieces);
    for piece in pieces {
        sleep(chance.up_to(2 * filling / PIECES as u32));
        let at = piece * step;
        let end = (at + step).min(length);
        file.write_all_at(&content[at..end], at as u64).expect("there is room");
    }
    drop(file);
    let mut truth = Truth::default();
    truth.note(name.as_bytes(), &content);
    truth
}

fn allocate(file: &File, length: usize) {
    match fallocate(file, FallocateFlags::empty(), 0, length as u64) {
        // Some file systems cannot; the size is what matters here.
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(length as u64).expect("it is ours"),
        result => result.expect("there is room"),
    }
}
