//! Never early: writers as they really are, a receiver that opens each file when it is told of it, and
//! the same writers under rules that believe too much, which must be seen to fail.
//!
//! The writers mostly wait, and each tree is watched under all rules at once, so that all tests of a
//! module are about one run.

mod dated;
mod habits;
mod http;
mod late;
mod naive;
mod preallocated;
mod protocols;
mod published;
mod reopened;
mod sshd;
mod steps;
mod tools;
mod trace;
mod watched;

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FsWord, statfs};
use testkit::{Scratch, patience};

/// How `statfs` names file systems that have other habits than a disk.
const OVERLAY: FsWord = 0x794c_7630;
const TMPFS: FsWord = 0x0102_1994;

/// Until when things must have happened: longer than any of these runs takes on a busy machine with two
/// cores.
fn soon() -> Instant {
    Instant::now() + patience(Duration::from_mins(2))
}

fn is_on(path: &Path, kind: FsWord) -> bool {
    statfs(path).is_ok_and(|facts| facts.f_type == kind)
}

/// A folder on a disk; in memory where that is an overlay, as in a container, of which the kernel tells
/// less: a mapping does not keep the file open for writing there, and who has only linked a file to its
/// name is not seen.
fn ground(label: &str) -> Scratch {
    let disk = Scratch::on_disk(label);
    if is_on(disk.path(), OVERLAY) { Scratch::in_memory(label) } else { disk }
}
