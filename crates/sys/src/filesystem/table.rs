//! The table: one row for each file system that is judged in its own way.

use super::Trust;

/// One file system.
pub(super) struct Row {
    /// What people call it.
    pub(super) name: &'static str,
    /// Its types in the table of mounts.
    pub(super) kinds: &'static [&'static str],
    /// Its numbers in `statfs`.
    pub(super) magics: &'static [u32],
    /// How far events can be trusted.
    pub(super) trust: Trust,
    /// Whether inode numbers stay.
    pub(super) stable_inodes: bool,
}

const fn row(
    name: &'static str,
    kinds: &'static [&'static str],
    magics: &'static [u32],
    trust: Trust,
    stable_inodes: bool,
) -> Row {
    Row { name, kinds, magics, trust, stable_inodes }
}

/// Inode numbers that are kept on the medium, or given by a server that keeps them.
const STABLE: bool = true;
/// Inode numbers that are made up when a file is looked at, or change when it is copied up.
const MADE_UP: bool = false;

use Trust::{Events, Partly, Remote, Unknown};

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // Local: this kernel makes every change.
    row("ext4", &["ext4", "ext3", "ext2"], &[0xEF53], Events, STABLE),
    row("xfs", &["xfs"], &[0x5846_5342], Events, STABLE),
    row("btrfs", &["btrfs"], &[0x9123_683E], Events, STABLE),
    // devtmpfs has the same number as tmpfs.
    row("tmpfs", &["tmpfs", "devtmpfs"], &[0x0102_1994], Events, STABLE),
    row("ramfs", &["ramfs", "rootfs"], &[0x8584_58F6], Events, STABLE),
    row("f2fs", &["f2fs"], &[0xF2F5_2010], Events, STABLE),
    row("zfs", &["zfs"], &[0x2FC1_2FC1], Events, STABLE),
    row("bcachefs", &["bcachefs"], &[0xCA45_1A4E], Events, STABLE),
    row("reiserfs", &["reiserfs"], &[0x5265_4973], Events, STABLE),
    row("jfs", &["jfs"], &[0x3153_464A], Events, STABLE),
    row("nilfs2", &["nilfs2"], &[0x3434], Events, STABLE),
    row("ubifs", &["ubifs"], &[0x2405_1905], Events, STABLE),
    row("ntfs3", &["ntfs3", "ntfs"], &[0x7366_746E, 0x5346_544E], Events, STABLE),
    row("hfsplus", &["hfsplus"], &[0x482B], Events, STABLE),
    row("udf", &["udf"], &[0x1501_3346], Events, STABLE),
    row("vfat", &["vfat", "msdos"], &[0x4D44], Events, MADE_UP),
    row("exfat", &["exfat"], &[0x2011_BAB0], Events, MADE_UP),
    // A disk read by a FUSE program of this machine: nobody else writes there.
    row("fuseblk", &["fuseblk", "fuse.ntfs-3g", "fuse.exfat-fuse"], &[], Events, MADE_UP),

    // Layers over another directory of this machine.
    row("overlayfs", &["overlay"], &[0x794C_7630], Partly, MADE_UP),
    row("ecryptfs", &["ecryptfs"], &[0xF15F], Partly, STABLE),
    row("fuse-overlayfs", &["fuse.fuse-overlayfs", "fuse.unionfs", "fuse.unionfs-fuse"], &[], Partly, MADE_UP),
    row("mergerfs", &["fuse.mergerfs"], &[], Partly, MADE_UP),
    row("bindfs", &["fuse.bindfs"], &[], Partly, MADE_UP),
    row("gocryptfs", &["fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuse.securefs"], &[], Partly, MADE_UP),

    // A server or the nodes of a cluster.
    row("nfs", &["nfs", "nfs4"], &[0x6969], Remote, STABLE),
    row("cifs", &["cifs"], &[0xFF53_4D42], Remote, MADE_UP),
    row("smb2", &["smb3"], &[0xFE53_4D42], Remote, MADE_UP),
    row("smb", &["smbfs"], &[0x517B], Remote, MADE_UP),
    row("ceph", &["ceph", "fuse.ceph", "fuse.ceph-fuse"], &[0x00C3_6400], Remote, STABLE),
    row("lustre", &["lustre"], &[0x0BD0_0BD0], Remote, STABLE),
    row("gpfs", &["gpfs"], &[0x4750_4653], Remote, STABLE),
    row("beegfs", &["beegfs"], &[0x1983_0326], Remote, STABLE),
    row("panfs", &["panfs"], &[0xAAD7_AAEA], Remote, STABLE),
    row("stornext", &["cvfs", "snfs"], &[0xBEEF_DEAD], Remote, STABLE),
    row("gfs2", &["gfs2"], &[0x0116_1970], Remote, STABLE),
    row("ocfs2", &["ocfs2"], &[0x7461_636F], Remote, STABLE),
    row("acfs", &["acfs"], &[0x6163_6673], Remote, STABLE),
    row("afs", &["afs"], &[0x5346_414F, 0x6B41_4653], Remote, STABLE),
    row("coda", &["coda"], &[0x7375_7245], Remote, MADE_UP),
    row("fuse", &["fuse"], &[0x6573_5546], Remote, MADE_UP),
    row("sshfs", &["fuse.sshfs"], &[], Remote, MADE_UP),
    row("glusterfs", &["fuse.glusterfs"], &[], Remote, STABLE),
    row("rclone", &["fuse.rclone"], &[], Remote, MADE_UP),
    row("s3fs", &["fuse.s3fs", "fuse.goofys", "fuse.mountpoint-s3"], &[], Remote, MADE_UP),
    row("gcsfuse", &["fuse.gcsfuse"], &[], Remote, MADE_UP),
    row("davfs", &["fuse.davfs", "davfs"], &[], Remote, MADE_UP),
    row("juicefs", &["fuse.juicefs"], &[], Remote, STABLE),

    // The host of a virtual machine.
    row("virtiofs", &["virtiofs"], &[], Remote, MADE_UP),
    row("9p", &["9p", "drvfs"], &[0x0102_1997], Remote, MADE_UP),
    row("vboxsf", &["vboxsf"], &[0x786F_4256], Remote, MADE_UP),
    row("vmhgfs", &["vmhgfs", "fuse.vmhgfs-fuse"], &[0xBACB_ACBC], Remote, MADE_UP),
    row("prl_fs", &["prl_fs"], &[0x7C7C_6673], Remote, MADE_UP),
    // A layer, but its branches are often remote, and it does not say.
    row("aufs", &["aufs"], &[0x6175_6673], Remote, MADE_UP),

    // Not made for files that arrive.
    row("proc", &["proc"], &[0x9FA0], Unknown, MADE_UP),
    row("sysfs", &["sysfs"], &[0x6265_6572], Unknown, MADE_UP),
    row("devpts", &["devpts"], &[0x1CD1], Unknown, MADE_UP),
    row("cgroup", &["cgroup", "cgroup2"], &[0x0027_E0EB, 0x6367_7270], Unknown, MADE_UP),
    // Stands for what is mounted as soon as somebody goes there.
    row("autofs", &["autofs"], &[0x0187], Unknown, MADE_UP),
    row("lxcfs", &["fuse.lxcfs"], &[], Unknown, MADE_UP),
];
