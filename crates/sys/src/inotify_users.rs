//! Who uses up the inotify limits: every process of this user counts against the same.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A process with inotify instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InotifyUser {
    /// Its number.
    pub pid: u32,
    /// Its short name (15 bytes at most), invalid text replaced.
    pub command: String,
    /// Its inotify instances.
    pub instances: u64,
    /// The watches of all of them.
    pub watches: u64,
}

/// The processes of this (real) user that have inotify instances, those with the most watches first. An
/// instance that a parent and its child share is told for both. Processes that may not be looked into
/// (those of other user namespaces, or that may not be traced) are missing.
#[must_use]
pub fn inotify_users() -> Vec<InotifyUser> {
    let own = rustix::process::getuid().as_raw();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut users: Vec<_> = processes
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let process = entry.path();
            (real_user(&process)? == own).then(|| look_into(pid, &process))?
        })
        .collect();
    most_first(&mut users);
    users
}

fn most_first(users: &mut [InotifyUser]) {
    users.sort_by(|one, other| other.watches.cmp(&one.watches).then(one.pid.cmp(&other.pid)));
}

/// The user whose limits a process counts against.
fn real_user(process: &Path) -> Option<u32> {
    let status = std::fs::read(process.join("status")).ok()?;
    let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_whitespace().next()?.parse().ok()
}

/// `None` if it has no instance, is gone or may not be looked into.
fn look_into(pid: u32, process: &Path) -> Option<InotifyUser> {
    let (mut instances, mut watches) = (0, 0);
    for descriptor in std::fs::read_dir(process.join("fd")).ok()?.flatten() {
        let leads_to = std::fs::read_link(descriptor.path()).unwrap_or_default();
        if leads_to.as_os_str().as_bytes() == b"anon_inode:inotify" {
            instances += 1;
            watches += count_watches(&process.join("fdinfo").join(descriptor.file_name()));
        }
    }
    let command = std::fs::read(process.join("comm")).unwrap_or_default();
    let command = String::from_utf8_lossy(command.trim_ascii_end()).into_owned();
    (instances > 0).then_some(InotifyUser { pid, command, instances, watches })
}

/// One line for each watch; there may be a million, so they are not held at once.
fn count_watches(info: &Path) -> u64 {
    let Ok(info) = File::open(info) else { return 0 };
    let lines = BufReader::new(info).split(b'\n').map_while(Result::ok);
    lines.filter(|line| line.starts_with(b"inotify ")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dir, Inotify};

    #[test]
    fn our_own_watches_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let inotify = Inotify::open().unwrap();
        let own = |users: Vec<InotifyUser>| users.into_iter().find(|user| user.pid == std::process::id());
        let before = own(inotify_users()).unwrap();
        for name in 0..3_000 {
            let path = dir.path().join(name.to_string());
            std::fs::create_dir(&path).unwrap();
            inotify.arm(&Dir::open_root(&path).unwrap()).unwrap();
        }
        let after = own(inotify_users()).unwrap();
        // Other tests of this process have a few of their own, and come and go.
        assert!(after.instances >= 1);
        assert!((2_900..3_100).contains(&(after.watches - before.watches)), "{before:?} {after:?}");
        assert!(after.command.starts_with("sys"), "{after:?}");
    }

    #[test]
    fn those_with_the_most_watches_come_first() {
        let user = |pid, watches| InotifyUser { pid, command: "x".into(), instances: 1, watches };
        let mut users = [user(1, 5), user(3, 9), user(2, 9), user(4, 0)];
        most_first(&mut users);
        assert_eq!(users.map(|user| user.pid), [2, 3, 1, 4]);
    }
}
