//! Mode, owner and times: what is to be the same, and making it so by descriptor.

use std::os::fd::AsFd;

use sys::{EntryKind, Errno, FullLook, inode};

use crate::fault::SET_OWNER;

/// The bits that are mirrored without `owner`: setuid and setgid would give another user's rights away.
const PLAIN_BITS: u32 = 0o1777;
const ALL_BITS: u32 = 0o7777;

/// How equal attributes are to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Whether owner and group count, and setuid and setgid bits.
    pub(crate) owner: bool,
    /// Whether the time of access counts. It changes with each reading.
    pub(crate) atime: bool,
}

impl Measure {
    /// The bits that are compared.
    pub(crate) fn mode(self, look: &FullLook) -> u32 {
        let bits = look.look.mode & ALL_BITS;
        // A directory may have inherited setgid from the one above it; a file of ours has it only from its source.
        if look.look.kind() == EntryKind::Directory && !self.owner { bits & PLAIN_BITS } else { bits }
    }

    /// The bits that the source's ask for.
    pub(crate) fn wanted_mode(self, source: &FullLook) -> u32 {
        source.look.mode & if self.owner { ALL_BITS } else { PLAIN_BITS }
    }

    /// Whether the mode is to be set; links have none.
    pub(crate) fn mode_differs(self, source: &FullLook, here: &FullLook) -> bool {
        source.look.kind() != EntryKind::Symlink && self.wanted_mode(source) != self.mode(here)
    }

    /// Whether the owner is to be set.
    pub(crate) fn owner_differs(self, source: &FullLook, here: &FullLook) -> bool {
        self.owner && (source.owner, source.group) != (here.owner, here.group)
    }

    fn times_differ(self, source: &FullLook, here: &FullLook) -> bool {
        source.look.mtime != here.look.mtime || (self.atime && source.atime != here.atime)
    }

    /// Whether anything is to be set.
    pub(crate) fn differs(self, source: &FullLook, here: &FullLook) -> bool {
        self.owner_differs(source, here) || self.mode_differs(source, here) || self.times_differ(source, here)
    }

    /// Makes the open entry, which looks like `here`, like the source's. Answers whether anything had to be set; the error
    /// says what was tried.
    pub(crate) fn apply(
        self,
        fd: impl AsFd,
        source: &FullLook,
        here: &FullLook,
    ) -> Result<bool, (&'static str, Errno)> {
        let new_owner = self.owner_differs(source, here);
        if new_owner {
            inode::set_owner(&fd, source.owner, source.group).map_err(|errno| (SET_OWNER, errno))?;
        }
        // A new owner clears setuid and setgid, so the mode comes after it.
        let new_mode = source.look.kind() != EntryKind::Symlink
            && (self.mode_differs(source, here) || (new_owner && source.look.mode & !PLAIN_BITS != 0));
        if new_mode {
            let kept = here.look.mode & ALL_BITS & !self.mode(here);
            let bits = self.wanted_mode(source) | kept;
            inode::set_mode(&fd, bits).map_err(|errno| ("set the mode of", errno))?;
        }
        let new_times = self.times_differ(source, here);
        if new_times {
            let (atime, mtime) = (source.atime, source.look.mtime);
            inode::set_times(&fd, atime, mtime).map_err(|errno| ("set the times of", errno))?;
        }
        Ok(new_owner || new_mode || new_times)
    }
}
