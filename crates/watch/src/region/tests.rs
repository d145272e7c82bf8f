//! Regions by made-up tables of mounts.

use std::fmt::Write as _;

use super::*;

/// A table of mounts below `/w`, which is the root: number, point, type.
fn table(mounts: &[(u64, &str, &str)]) -> Vec<mounts::Mount> {
    let mut text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n".to_owned();
    for (at, (id, point, kind)) in mounts.iter().enumerate() {
        // The parent is the mount that holds the point.
        let holds = |other: &&(u64, &str, &str)| point.starts_with(&format!("{}/", other.1));
        let parent = mounts[..at].iter().rev().find(holds).map_or(1, |other| other.0);
        writeln!(text, "{id} {parent} 0:{id} / /w/{point} rw - {kind} x rw").unwrap();
    }
    let parsed = mounts::parse(text.as_bytes());
    assert_eq!(parsed.len(), mounts.len() + 1, "{text}");
    parsed
}

fn regions(wanted: Wanted, root: &str, mounts: &[(u64, &str, &str)]) -> Regions {
    let mut regions = Regions::new(wanted);
    let filesystem = filesystem::by_kind(root);
    regions.by_id.insert(RegionId::ROOT, Region::new(Vec::new(), filesystem, root.to_owned(), 1, wanted));
    regions.points.insert(Vec::new(), RegionId::ROOT);
    regions.real = Some(b"/w".to_vec());
    regions.update(Some(table(mounts)));
    regions
}

fn changed(point: &str, was_mounted: bool, is_mounted: bool) -> Changed {
    Changed { point: point.as_bytes().to_vec(), was_mounted, is_mounted }
}

/// Backend, whether it is slow, and whether a reason is given.
fn noticed(wanted: Wanted, kind: &str) -> (&'static str, bool, bool) {
    let region = Region::new(Vec::new(), filesystem::by_kind(kind), kind.to_owned(), 1, wanted);
    (region.backend(), region.is_slow(), region.why.is_some())
}

#[test]
fn each_file_system_is_noticed_as_suits_it() {
    for kind in ["ext4", "xfs", "tmpfs", "vfat"] {
        assert_eq!(noticed(Wanted::Auto, kind), ("inotify", false, false), "{kind}");
        assert_eq!(noticed(Wanted::Fanotify, kind), ("fanotify", false, false), "{kind}");
    }
    for kind in ["overlay", "fuse.mergerfs"] {
        assert_eq!(noticed(Wanted::Auto, kind), ("inotify+poll", false, true), "{kind}");
        assert_eq!(noticed(Wanted::Fanotify, kind), ("fanotify+poll", false, true), "{kind}");
    }
    for kind in ["nfs4", "cifs", "fuse.sshfs", "fuse", "proc", "new-fangled"] {
        assert_eq!(noticed(Wanted::Auto, kind), ("poll", true, true), "{kind}");
        assert_eq!(noticed(Wanted::Fanotify, kind), ("poll", true, true), "{kind}");
    }
}

#[test]
fn what_is_configured_is_done_and_what_it_misses_is_said() {
    assert_eq!(noticed(Wanted::Inotify, "ext4"), ("inotify", false, false));
    // Who asks for it knows that only this machine writes there. Then nothing is left to scanners.
    for kind in ["overlay", "nfs4", "new-fangled"] {
        assert_eq!(noticed(Wanted::Inotify, kind), ("inotify", false, true), "{kind}");
    }
    assert_eq!(noticed(Wanted::Poll, "ext4"), ("poll", false, true));
    assert_eq!(noticed(Wanted::Poll, "nfs4"), ("poll", true, true));
}

#[test]
fn a_region_that_cannot_be_marked_is_noticed_by_what_is_next_best() {
    for (kind, backend) in [("ext4", "inotify"), ("overlay", "inotify+poll"), ("nfs4", "poll")] {
        let mut regions = regions(Wanted::Fanotify, kind, &[]);
        regions.refuse_mark(RegionId::ROOT, Errno::PERM);
        let region = regions.get(RegionId::ROOT).unwrap();
        assert_eq!(region.backend(), backend, "{kind}");
        let why = region.why.clone().unwrap();
        assert!(why.starts_with("fanotify cannot mark it") && why.contains("CAP_SYS_ADMIN"), "{why}");
        assert_eq!(why.contains("no events here"), kind != "ext4", "{why}");
    }
    let mut regions = regions(Wanted::Fanotify, "ext4", &[]);
    regions.refuse_mark(RegionId::ROOT, Errno::OPNOTSUPP);
    let why = regions.get(RegionId::ROOT).unwrap().why.clone().unwrap();
    assert!(!why.contains("CAP_SYS_ADMIN"), "no right would help: {why}");
}

#[test]
fn a_region_that_is_not_trusted_stays_polled_when_it_cannot_be_marked() {
    let mut regions = regions(Wanted::Fanotify, "ext4", &[]);
    regions.distrust(RegionId::ROOT, "the canary was not heard".to_owned());
    assert_eq!(regions.get(RegionId::ROOT).unwrap().backend(), "fanotify+poll");
    regions.refuse_mark(RegionId::ROOT, Errno::NODEV);
    assert_eq!(regions.get(RegionId::ROOT).unwrap().backend(), "inotify+poll");
}

#[test]
fn only_comparisons_in_a_row_that_find_something_cost_the_trust() {
    let mut regions = regions(Wanted::Auto, "ext4", &[(2, "a", "xfs"), (3, "o", "overlay")]);
    let (a, o) = (regions.at(b"a"), regions.at(b"o"));
    let found = HashMap::from([(a, 1), (o, 5)]);
    let (heard, nothing) = (HashMap::from([(a, 0)]), HashMap::new());
    for comparison in [&found, &found, &heard, &found, &nothing, &found, &nothing] {
        assert_eq!(regions.note_unheard(comparison), [], "too early");
    }
    assert_eq!(regions.note_unheard(&found), [a], "the overlay is polled anyhow, and the root was heard");
    regions.distrust(a, "unheard".to_owned());
    // For as long as it may run.
    for _ in 0..300 {
        assert_eq!(regions.note_unheard(&found), []);
    }
}

#[test]
fn mounts_that_appear_vanish_or_are_replaced_are_told() {
    let mut regions = regions(Wanted::Auto, "ext4", &[(2, "a", "xfs"), (3, "b", "nfs4")]);
    assert_eq!(regions.update(Some(table(&[(2, "a", "xfs"), (3, "b", "nfs4")]))), []);
    let (a, b) = (regions.at(b"a"), regions.at(b"b"));
    assert!(regions.is_slow(b) && !regions.is_slow(a));

    // One appears, one vanishes, one is mounted anew as something else.
    let now = table(&[(2, "a", "xfs"), (4, "c/d", "overlay")]);
    assert_eq!(regions.update(Some(now)), [changed("b", true, false), changed("c/d", false, true)]);
    assert_eq!(regions.at(b"b"), RegionId::ROOT);
    assert!(regions.get(b).is_none(), "what vanished is forgotten");
    let again = table(&[(5, "a", "tmpfs"), (4, "c/d", "overlay")]);
    assert_eq!(regions.update(Some(again)), [changed("a", true, true)]);
    let new = regions.at(b"a");
    assert!(new != a && new != b && regions.get(a).is_none(), "numbers are not used twice");
    assert_eq!(regions.get(new).unwrap().kind, "tmpfs");
}

#[test]
fn a_remounted_share_is_a_region_of_its_own() {
    let mut regions = regions(Wanted::Auto, "ext4", &[(2, "a", "nfs4")]);
    let first = regions.at(b"a");
    assert_eq!(regions.update(Some(table(&[]))), [changed("a", true, false)]);
    // The kernel uses numbers of mounts again.
    assert_eq!(regions.update(Some(table(&[(2, "a", "nfs4")]))), [changed("a", false, true)]);
    assert_ne!(regions.at(b"a"), first);
}

#[test]
fn outer_points_are_told_before_inner_ones() {
    let mounts =
        [(6, "z", "xfs"), (4, "a-b", "xfs"), (2, "a", "xfs"), (5, "a/b", "xfs"), (3, "a/b/c", "xfs")];
    let mut regions = regions(Wanted::Auto, "ext4", &[]);
    let told = regions.update(Some(table(&mounts)));
    let at = |point: &str| told.iter().position(|change| change.point == point.as_bytes()).unwrap();
    assert_eq!(told.len(), 5);
    assert!(at("a") < at("a/b") && at("a/b") < at("a/b/c"));
    let gone = regions.update(Some(table(&[(4, "a-b", "xfs")])));
    let points: Vec<&[u8]> = gone.iter().map(|change| &*change.point).collect();
    assert_eq!(points, [&b"a"[..], b"a/b", b"a/b/c", b"z"]);
}

#[test]
fn a_table_that_cannot_be_read_changes_nothing() {
    let mut regions = regions(Wanted::Auto, "ext4", &[(2, "a", "xfs")]);
    let a = regions.at(b"a");
    assert_eq!(regions.update(None), []);
    assert_eq!(regions.at(b"a"), a);
}

#[test]
fn a_path_belongs_to_the_innermost_mount_above_it() {
    let mounts = [(2, "a", "xfs"), (3, "a/b/c", "nfs4"), (4, "x/y", "tmpfs")];
    let regions = regions(Wanted::Auto, "ext4", &mounts);
    let point =
        |path: &[u8]| String::from_utf8(regions.get(regions.at(path)).unwrap().point.clone()).unwrap();
    for (path, expected) in [
        ("", ""),
        ("a", "a"),
        ("a/b", "a"),
        ("a/b/cc", "a"),
        ("a/b/c", "a/b/c"),
        ("a/b/c/d/e", "a/b/c"),
        ("ab", ""),
        ("a.d/b/c", ""),
        ("x", ""),
        ("x/y/z", "x/y"),
        ("y", ""),
        ("b/a", ""),
    ] {
        assert_eq!(point(path.as_bytes()), expected, "{path}");
    }
    let order: Vec<&[u8]> = regions.all().iter().map(|region| &*region.point).collect();
    assert_eq!(order, [&b""[..], b"a", b"a/b/c", b"x/y"], "the root's first");
}

#[test]
fn a_real_root_knows_its_mount() {
    let mut regions = Regions::new(Wanted::Auto);
    regions.begin(&Dir::open_root(std::path::Path::new("/dev/shm")).unwrap());
    let root = regions.get(RegionId::ROOT).unwrap();
    assert_eq!((root.kind.as_str(), root.backend()), ("tmpfs", "inotify"));
    assert_eq!(regions.at(b"anything/below"), RegionId::ROOT);
    assert_eq!(regions.changes(), None);
    // A tree that has mounts below it.
    regions.begin(&Dir::open_root(std::path::Path::new("/")).unwrap());
    let proc = regions.get(regions.at(b"proc/self")).unwrap();
    assert_eq!((proc.kind.as_str(), proc.is_slow()), ("proc", true));
}

#[test]
fn a_mount_that_was_gone_between_two_looks_is_another_one_though_the_table_looks_the_same() {
    let same: &[(u64, &str, &str)] = &[(2, "a", "xfs")];
    let mut regions = regions(Wanted::Auto, "ext4", same);
    let id = regions.at(b"a");
    regions.renew(id);
    regions.renew(RegionId::ROOT);
    assert!(regions.changes().is_some(), "the table is read");
    assert!(regions.get(id).is_none(), "no such mount here");
    regions.update(Some(table(same)));
    let id = regions.at(b"a");
    regions.renew(id);
    assert_eq!(regions.update(Some(table(same))), [changed("a", true, true)]);
    assert_eq!(regions.update(Some(table(same))), []);
}

#[test]
fn a_mount_below_a_renamed_directory_is_elsewhere_and_not_unmounted() {
    let mut regions = regions(Wanted::Auto, "ext4", &[(2, "a/m", "nfs4"), (3, "b", "xfs")]);
    let now = table(&[(2, "c/m", "nfs4"), (3, "b", "xfs")]);
    assert_eq!(regions.update(Some(now)), [changed("c/m", false, true)]);
    assert_eq!(regions.at(b"a/m"), RegionId::ROOT);
    assert!(regions.is_slow(regions.at(b"c/m/d")));
}
