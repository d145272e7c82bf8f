//! Which file system is mounted where, as `/proc/self/mountinfo` tells.
//!
//! A mount can be judged by this table without touching it, which on a dead network mount would block.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its number: that of [`CloseLook::mount`](crate::CloseLook::mount).
    pub id: u64,
    /// The number of the mount it is mounted on; of a process's uppermost mount, one not in the table.
    pub parent: u64,
    /// Major and minor device number.
    pub device: (u32, u32),
    /// The path inside the file system that is mounted: of a bind mount often not `/`.
    pub root: Vec<u8>,
    /// Where it is mounted, seen from the root of the process.
    pub point: Vec<u8>,
    /// The type: `ext4`, `nfs4`, `fuse.sshfs`.
    pub kind: String,
    /// What is mounted: a device, `server:/path`, or any word.
    pub source: Vec<u8>,
    /// Whether nothing can be changed through this mount.
    pub read_only: bool,
    /// Whether what is mounted or unmounted elsewhere at this place happens here, too (a shared
    /// mount, or a slave of one).
    pub propagated: bool,
}

/// The table of mounts of this process.
#[derive(Debug)]
pub struct MountTable(File);

impl MountTable {
    /// Opens the table.
    pub fn open() -> io::Result<Self> {
        File::open("/proc/self/mountinfo").map(Self)
    }

    /// Whether a mount came, went or changed since this was asked last, or since the table was opened.
    /// Ask before reading: what changes during the reading is then told the next time.
    pub fn changed(&mut self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::PRI)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A poll that fails tells nothing, so the table is read.
        rustix::event::poll(&mut polled, Some(&at_once)) != Ok(0)
    }

    /// Reads the table as it is now.
    pub fn read(&mut self) -> io::Result<Vec<Mount>> {
        let mut bytes = Vec::new();
        self.0.rewind()?;
        self.0.read_to_end(&mut bytes)?;
        Ok(parse(&bytes))
    }
}

/// To wait for changes together with other descriptors: it is ready for `PRI`. The readiness is
/// used up by the poll that tells it.
impl AsFd for MountTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The table of another process; that of process 1 shows what a hardened service cannot see.
/// Needs the right to trace that process.
pub fn of_process(pid: u32) -> io::Result<Vec<Mount>> {
    std::fs::read(format!("/proc/{pid}/mountinfo")).map(|bytes| parse(&bytes))
}

/// Reads the lines of a mount table; lines that cannot be understood are left out.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Mount> {
    bytes.split(|&byte| byte == b'\n').filter_map(parse_line).collect()
}

/// The mount with this number.
#[must_use]
pub fn by_id(mounts: &[Mount], id: u64) -> Option<&Mount> {
    mounts.iter().find(|mount| mount.id == id)
}

/// The mounts that are reached below the directory `real_root` (an absolute path without links), by
/// their paths relative to it, in the order of these. What is mounted at `real_root` itself is not
/// below it. What is hidden by a mount on top of it or on one of its ancestors is left out.
#[must_use]
pub fn below<'a>(mounts: &'a [Mount], real_root: &[u8]) -> Vec<(Vec<u8>, &'a Mount)> {
    let index = Index::of(mounts);
    let mut found: Vec<_> = (0..mounts.len())
        .filter_map(|at| {
            let rest = path_below(&mounts[at].point, real_root)?;
            (!rest.is_empty() && index.is_reached(at)).then(|| (rest.to_vec(), &mounts[at]))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// The mount by which `real_path` (absolute, without links) is reached.
#[must_use]
pub fn holding<'a>(mounts: &'a [Mount], real_path: &[u8]) -> Option<&'a Mount> {
    let index = Index::of(mounts);
    (0..mounts.len())
        .filter(|&at| path_below(real_path, &mounts[at].point).is_some() && index.is_reached(at))
        .max_by_key(|&at| mounts[at].point.len())
        .map(|at| &mounts[at])
}

/// What remains of `path` below `ancestor`, without a leading slash: empty when they are the same,
/// `None` when it is not there.
fn path_below<'a>(path: &'a [u8], ancestor: &[u8]) -> Option<&'a [u8]> {
    let ancestor = ancestor.strip_suffix(b"/").unwrap_or(ancestor);
    match path.strip_prefix(ancestor)? {
        [] | b"/" => Some(&[]),
        [b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// The table by what is asked of it: there may be tens of thousands of mounts.
struct Index<'a> {
    mounts: &'a [Mount],
    by_id: HashMap<u64, usize>,
    /// By parent and point, the last one: it lies over the others.
    standing: HashMap<(u64, &'a [u8]), usize>,
}

impl<'a> Index<'a> {
    fn of(mounts: &'a [Mount]) -> Self {
        let mut by_id = HashMap::with_capacity(mounts.len());
        let mut standing = HashMap::with_capacity(mounts.len());
        for (at, mount) in mounts.iter().enumerate() {
            by_id.entry(mount.id).or_insert(at);
            // The very first mount stands on itself and has no siblings.
            if mount.parent != mount.id {
                standing.insert((mount.parent, mount.point.as_slice()), at);
            }
        }
        Self { mounts, by_id, standing }
    }

    /// The mounts on `parent` whose points are `point` or above it, each with whether it is above.
    fn over(&self, parent: u64, point: &'a [u8]) -> impl Iterator<Item = (usize, bool)> {
        let ends = (0..point.len()).filter(move |&at| point[at] == b'/').map(|at| at.max(1));
        let above = ends.filter(move |&end| end < point.len()).map(move |end| (&point[..end], true));
        let all = above.chain([(point, false)]);
        all.filter_map(move |(at, above)| Some((*self.standing.get(&(parent, at))?, above)))
    }

    /// Whether walking to its point ends in this mount: nothing is mounted over its root, and nothing
    /// hides it or a mount that it stands on.
    fn is_reached(&self, at: usize) -> bool {
        let mount = &self.mounts[at];
        if self.over(mount.id, &mount.point).next().is_some() {
            return false;
        }
        let mut at = at;
        // A table has no circles; if a broken one had, the steps would end.
        for _ in 0..self.mounts.len() {
            if self.is_hidden_by_sibling(at) {
                return false;
            }
            let mount = &self.mounts[at];
            match self.by_id.get(&mount.parent) {
                Some(parent) if mount.parent != mount.id => at = *parent,
                _ => return true,
            }
        }
        false
    }

    /// Whether another mount on the same mount lies over the way to this one. (One that was there before
    /// on an ancestor would be this one's parent, so it came later.)
    fn is_hidden_by_sibling(&self, at: usize) -> bool {
        let mount = &self.mounts[at];
        mount.parent != mount.id
            && self.over(mount.parent, &mount.point).any(|(other, above)| above || other > at)
    }
}

/// Reads one line: `36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw`.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let device = device(fields.next()?)?;
    let root = decode(fields.next()?);
    let point = decode(fields.next()?);
    let options = fields.next()?;
    let propagated = fields
        .by_ref()
        .take_while(|&field| field != b"-")
        .fold(false, |seen, tag| seen || tag.starts_with(b"shared:") || tag.starts_with(b"master:"));
    let kind = String::from_utf8_lossy(&decode(fields.next()?)).into_owned();
    let source = decode(fields.next()?);
    let read_only = [options, fields.next()?].iter().any(|list| has_word(list, b"ro"));
    Some(Mount { id, parent, device, root, point, kind, source, read_only, propagated })
}

fn number<N: std::str::FromStr>(field: &[u8]) -> Option<N> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn device(field: &[u8]) -> Option<(u32, u32)> {
    let colon = field.iter().position(|&byte| byte == b':')?;
    Some((number(&field[..colon])?, number(&field[colon + 1..])?))
}

fn has_word(list: &[u8], word: &[u8]) -> bool {
    list.split(|&byte| byte == b',').any(|entry| entry == word)
}

/// Undoes the kernel's `\040`: blank, tab, line feed, backslash and `#` are written as three octal digits.
fn decode(mut field: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(field.len());
    while let Some((&first, rest)) = field.split_first() {
        let digits = rest.first_chunk().copied().filter(|_| first == b'\\').and_then(octal);
        decoded.push(digits.unwrap_or(first));
        field = if digits.is_some() { &rest[3..] } else { rest };
    }
    decoded
}

fn octal(digits: [u8; 3]) -> Option<u8> {
    let value = digits.iter().try_fold(0u32, |value, digit| {
        let digit = char::from(*digit).to_digit(8)?;
        Some(value * 8 + digit)
    })?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests;
