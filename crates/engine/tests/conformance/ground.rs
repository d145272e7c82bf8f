//! The directories on disk, and the steps done there.
//!
//! Every name is walked to one component at a time, so that no path is too long.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, UTIME_OMIT,
};
use rustix::fs::{linkat, mkdirat, openat, renameat, renameat_with, statat, symlinkat, unlinkat, utimensat};
use rustix::io::Errno;

use crate::script::{Name, Step};

/// The scratch directory with `in` and `outside`, and the writers that are open there.
pub(crate) struct Ground {
    top: OwnedFd,
    writers: HashMap<Name, std::fs::File>,
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::NOFOLLOW);
const NEW_FILE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::TRUNC);

impl Ground {
    /// On a directory that holds `in` already.
    pub(crate) fn new(top: &Path) -> Self {
        let top = openat(CWD, top, DIRECTORY, Mode::empty()).unwrap();
        mkdirat(&top, "outside", Mode::RWXU).unwrap();
        Self { top, writers: HashMap::new() }
    }

    /// The open directory that holds the name, and its last component.
    fn place(&self, name: &[u8]) -> Result<(OwnedFd, Vec<u8>), Errno> {
        let mut parts: Vec<&[u8]> = parts(name).collect();
        let last = parts.pop().unwrap_or_default().to_vec();
        let mut dir = self.top.try_clone().unwrap();
        for part in parts {
            dir = openat(&dir, part, DIRECTORY, Mode::empty())?;
        }
        Ok((dir, last))
    }

    /// What lies under a name.
    pub(crate) fn stat(&self, name: &[u8]) -> Option<Stat> {
        let (dir, last) = self.place(name).ok()?;
        statat(&dir, &last, AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    /// Every regular file under a name, with its path; links are not followed.
    pub(crate) fn files(&self, name: &[u8]) -> Vec<(Name, Stat)> {
        let mut files = Vec::new();
        if let Ok((dir, last)) = self.place(name) {
            collect(&dir, &last, name, &mut files);
        }
        files
    }

    /// The inodes that somebody has open for writing.
    pub(crate) fn is_being_written(&self, inode: u64) -> bool {
        self.writers.values().any(|file| rustix::fs::fstat(file).unwrap().st_ino == inode)
    }

    /// The inode that a writer has open.
    pub(crate) fn inode_of_writer(&self, label: &[u8]) -> u64 {
        rustix::fs::fstat(&self.writers[label]).unwrap().st_ino
    }

    /// Does one step on the disk; the others are not the ground's.
    pub(crate) fn act(&mut self, step: &Step) -> Result<(), Errno> {
        match step {
            Step::Mkdir(name) => self.at(name, |dir, last| mkdirat(dir, last, Mode::RWXU)),
            Step::MkdirAll(name) => self.mkdir_all(name),
            Step::Write(name, content) => self.write(name, NEW_FILE, content).map(drop),
            Step::Append(name, content) => {
                self.write(name, OFlags::WRONLY | OFlags::APPEND, content).map(drop)
            }
            Step::Open(name, content) => {
                let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
                let file = self.write(name, flags, content)?;
                self.writers.insert(name.clone(), file);
                Ok(())
            }
            Step::More(label, content) => {
                self.writers.get_mut(label).expect("it is open").write_all(content).unwrap();
                Ok(())
            }
            Step::Close(label) => {
                self.writers.remove(label).expect("it is open");
                Ok(())
            }
            Step::Tmpfile(name, content) => self.tmpfile(name, content),
            Step::Rename(from, to) => self.at_both(from, to, |f, from, t, to| renameat(f, from, t, to)),
            Step::Exchange(one, two) => {
                let exchange = RenameFlags::EXCHANGE;
                self.at_both(one, two, |f, from, t, to| renameat_with(f, from, t, to, exchange))
            }
            Step::Link(old, new) => {
                self.at_both(old, new, |f, from, t, to| linkat(f, from, t, to, AtFlags::empty()))
            }
            Step::Symlink(target, name) => self.at(name, |dir, last| symlinkat(target.as_slice(), dir, last)),
            Step::Fifo(name) => {
                self.at(name, |dir, last| rustix::fs::mkfifoat(dir, last, Mode::RUSR | Mode::WUSR))
            }
            Step::Rm(name) => self.at(name, |dir, last| unlinkat(dir, last, AtFlags::empty())),
            Step::RmAll(name) => self.at(name, remove_all),
            Step::Chmod(mode, name) => self.at(name, |dir, last| {
                rustix::fs::chmodat(dir, last, Mode::from_raw_mode(*mode), AtFlags::empty())
            }),
            Step::Touch(name) => self.at(name, touch),
            Step::Settle
            | Step::Known
            | Step::Rescan
            | Step::Old(_)
            | Step::State(_)
            | Step::Down
            | Step::Up => Ok(()),
        }
    }

    fn at(&self, name: &[u8], act: impl FnOnce(&OwnedFd, &[u8]) -> Result<(), Errno>) -> Result<(), Errno> {
        let (dir, last) = self.place(name)?;
        act(&dir, &last)
    }

    fn at_both(
        &self,
        one: &[u8],
        two: &[u8],
        act: impl FnOnce(&OwnedFd, &[u8], &OwnedFd, &[u8]) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let ((from, one), (to, two)) = (self.place(one)?, self.place(two)?);
        act(&from, &one, &to, &two)
    }

    fn mkdir_all(&self, name: &[u8]) -> Result<(), Errno> {
        let mut dir = self.top.try_clone().unwrap();
        for part in parts(name) {
            match mkdirat(&dir, part, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => dir = openat(&dir, part, DIRECTORY, Mode::empty())?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write(&self, name: &[u8], flags: OFlags, content: &[u8]) -> Result<std::fs::File, Errno> {
        let (dir, last) = self.place(name)?;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = std::fs::File::from(openat(&dir, last, flags | OFlags::CLOEXEC, mode)?);
        file.write_all(content).unwrap();
        Ok(file)
    }

    fn tmpfile(&self, name: &[u8], content: &[u8]) -> Result<(), Errno> {
        let (dir, last) = self.place(name)?;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = openat(&dir, ".", OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode)?;
        rustix::io::write(&file, content)?;
        let own = format!("/proc/self/fd/{}", file.as_raw_fd());
        linkat(CWD, own, &dir, last, AtFlags::SYMLINK_FOLLOW)
    }
}

fn parts(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|&byte| byte == b'/').filter(|part| !part.is_empty())
}

/// Times of long ago, as an unpacking program sets them. The change time stays true.
fn touch(dir: &OwnedFd, last: &[u8]) -> Result<(), Errno> {
    let before = statat(dir, last, AtFlags::empty())?.st_mtime;
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: before - Duration::from_hours(1).as_secs() as i64, tv_nsec: 7 },
    };
    utimensat(dir, last, &times, AtFlags::empty())
}

fn remove_all(dir: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        done => return done,
    }
    let below = openat(dir, name, DIRECTORY, Mode::empty())?;
    for name in names(&below) {
        remove_all(&below, &name)?;
    }
    unlinkat(dir, name, AtFlags::REMOVEDIR)
}

fn names(dir: &OwnedFd) -> Vec<Vec<u8>> {
    let entries = Dir::read_from(dir).unwrap().map(|entry| entry.unwrap().file_name().to_bytes().to_vec());
    entries.filter(|name| name != b"." && name != b"..").collect()
}

fn collect(dir: &OwnedFd, last: &[u8], path: &[u8], files: &mut Vec<(Name, Stat)>) {
    let Ok(stat) = statat(dir, last, AtFlags::SYMLINK_NOFOLLOW) else { return };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => files.push((path.to_vec(), stat)),
        FileType::Directory => {
            let below = openat(dir, last, DIRECTORY, Mode::empty()).unwrap();
            for name in names(&below) {
                collect(&below, &name, &[path, b"/", &name].concat(), files);
            }
        }
        _ => {}
    }
}
