//! Which file system a directory lies on, and whether this kernel hears of every change there.

use std::os::fd::AsFd;

mod table;

/// How far events can be trusted: they come for what this kernel does, and only for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Every change raises an event here.
    Events,
    /// Events come for changes through this mount only; below it lies another file system, and what is
    /// changed there directly is unheard.
    Partly,
    /// Other machines, the host or a server change it unheard.
    Remote,
    /// Not in our table, or not made for files that arrive (`proc`).
    Unknown,
}

/// What is known of a file system by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Its usual name; `unknown` where the type is not in our table.
    pub name: &'static str,
    /// How far events can be trusted.
    pub trust: Trust,
    /// Whether events are worth waiting for: whether `trust` is `Events` or `Partly`.
    pub local: bool,
    /// Whether a file keeps its inode number as long as it lives.
    pub stable_inodes: bool,
    /// Whether a read lease tells of writers (where `trust` is `Partly`, of those that came by this
    /// mount). Elsewhere a lease that is granted proves nothing, and one that is refused neither: NFS 4
    /// and CIFS say `EAGAIN`, as for a writer, while they have no delegation or oplock from the server.
    pub leases: bool,
}

const UNKNOWN: FileSystem =
    FileSystem { name: "unknown", trust: Trust::Unknown, local: false, stable_inodes: false, leases: false };

/// The file system that holds `fd`, by the number that `statfs` gives. All FUSE file systems have the
/// same; [`by_kind`] tells them apart.
#[must_use]
pub fn of(fd: impl AsFd) -> FileSystem {
    rustix::fs::fstatfs(fd).map_or(UNKNOWN, |stat| by_magic(stat.f_type as u32))
}

/// The file system of this type as the table of mounts writes it (`nfs4`, `fuse.sshfs`), so that a mount
/// can be judged without touching it.
#[must_use]
pub fn by_kind(kind: &str) -> FileSystem {
    let found = table::ROWS.iter().find(|row| row.kinds.contains(&kind));
    match found {
        Some(row) => FileSystem::from(row),
        // Served by some program; what it serves may change behind the kernel's back.
        None if kind.starts_with("fuse.") => by_kind("fuse"),
        None => UNKNOWN,
    }
}

fn by_magic(magic: u32) -> FileSystem {
    let found = table::ROWS.iter().find(|row| row.magics.contains(&magic));
    found.map_or(UNKNOWN, FileSystem::from)
}

impl From<&table::Row> for FileSystem {
    fn from(row: &table::Row) -> Self {
        let local = matches!(row.trust, Trust::Events | Trust::Partly);
        // All who write to a local file go by this kernel's inode, where leases are kept.
        Self { name: row.name, trust: row.trust, local, stable_inodes: row.stable_inodes, leases: local }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mounts::{self, MountTable};

    #[test]
    fn an_unknown_file_system_is_not_trusted() {
        assert_eq!(by_magic(0x1234_5678), UNKNOWN);
        assert_eq!(by_kind("new-fangled"), UNKNOWN);
        let unheard = by_kind("new-fangled");
        assert!(!unheard.local && !unheard.leases);
    }

    #[test]
    fn each_kind_is_trusted_as_far_as_its_events_go() {
        let trust = |kind: &str| by_kind(kind).trust;
        for kind in ["ext4", "xfs", "btrfs", "tmpfs", "f2fs", "zfs", "vfat", "exfat", "ntfs3", "fuseblk"] {
            assert_eq!(trust(kind), Trust::Events, "{kind}");
            assert!(by_kind(kind).local && by_kind(kind).leases, "{kind}");
        }
        for kind in ["overlay", "fuse.mergerfs", "fuse.fuse-overlayfs", "ecryptfs"] {
            assert_eq!(trust(kind), Trust::Partly, "{kind}");
            assert!(by_kind(kind).local, "{kind}");
        }
        for kind in [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "fuse",
            "fuse.sshfs",
            "fuse.unheard-of",
            "virtiofs",
            "ceph",
            "9p",
            "gfs2",
            "aufs",
            "vboxsf",
            "afs",
        ] {
            assert_eq!(trust(kind), Trust::Remote, "{kind}");
            assert!(!by_kind(kind).local && !by_kind(kind).leases, "{kind}");
        }
        for kind in ["proc", "sysfs", "devpts", "autofs", "cgroup2", "fuse.lxcfs"] {
            assert_eq!(trust(kind), Trust::Unknown, "{kind}");
        }
    }

    #[test]
    fn every_number_of_the_facts_is_in_the_table() {
        let all: &[(&[u32], Trust)] = &[
            (&[0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0xF2F5_2010, 0x2FC1_2FC1], Trust::Events),
            (&[0xCA45_1A4E, 0x4D44, 0x2011_BAB0], Trust::Events),
            (&[0x794C_7630], Trust::Partly),
            (&[0x6969, 0xFF53_4D42, 0x517B, 0xFE53_4D42, 0x6573_5546, 0x00C3_6400], Trust::Remote),
            (&[0x0BD0_0BD0, 0x4750_4653, 0x1983_0326, 0xAAD7_AAEA, 0xBEEF_DEAD, 0x0116_1970], Trust::Remote),
            (&[0x7461_636F, 0x6163_6673, 0x0102_1997, 0x786F_4256, 0xBACB_ACBC, 0x7C7C_6673], Trust::Remote),
            (&[0x5346_414F, 0x6B41_4653, 0x7375_7245, 0x6175_6673], Trust::Remote),
            (&[0x9FA0, 0x6265_6572, 0x1CD1], Trust::Unknown),
        ];
        for (magics, trust) in all {
            for &magic in *magics {
                assert_eq!(by_magic(magic).trust, *trust, "{magic:#x}");
                assert_ne!(by_magic(magic).name, "unknown", "{magic:#x}");
            }
        }
    }

    #[test]
    fn no_type_and_no_number_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        for row in table::ROWS {
            assert!(row.kinds.iter().all(|&kind| seen.insert(kind.to_owned())), "{}", row.name);
            assert!(row.magics.iter().all(|magic| seen.insert(magic.to_string())), "{}", row.name);
        }
    }

    #[test]
    fn type_and_number_of_what_is_mounted_here_agree() {
        let mounts = MountTable::open().unwrap().read().unwrap();
        for path in ["/", "/tmp", "/dev/shm", "/proc", "/sys"] {
            let told = of(std::fs::File::open(path).unwrap());
            let mount = mounts::holding(&mounts, path.as_bytes()).unwrap();
            assert_eq!(by_kind(&mount.kind).trust, told.trust, "{path}: {mount:?}");
        }
    }
}
