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

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{FsWord, statfs};
use testkit::{Published, Scratch, patience};

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

/// What a program has published there, when its inode changed last.
fn found(root: &Path, below: String, content: &[u8]) -> Published {
    let data = std::fs::metadata(root.join(&below)).expect("it was published");
    let since = Duration::new(data.ctime().cast_unsigned(), data.ctime_nsec() as u32);
    let ago = SystemTime::now().duration_since(UNIX_EPOCH + since).unwrap_or_default();
    let at = Instant::now().checked_sub(ago).expect("the machine has run for longer");
    let (size, hash) = (content.len() as u64, blake3::hash(content));
    Published { path: below.into_bytes(), size, hash, at }
}
