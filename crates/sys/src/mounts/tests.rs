use super::*;
use crate::Dir;
use std::path::Path;

/// A table of `id parent point kind`.
fn table(rows: &[(u64, u64, &str, &str)]) -> Vec<Mount> {
    let lines: Vec<_> = rows
        .iter()
        .map(|(id, parent, point, kind)| format!("{id} {parent} 8:1 / {point} rw - {kind} src rw"))
        .collect();
    parse(lines.join("\n").as_bytes())
}

fn ids_below(mounts: &[Mount], root: &str) -> Vec<(String, u64)> {
    below(mounts, root.as_bytes())
        .into_iter()
        .map(|(path, mount)| (String::from_utf8(path).unwrap(), mount.id))
        .collect()
}

#[test]
fn a_line_with_everything() {
    let line =
        b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 unbindable - fuse.sshfs me@host:/x rw,errors=continue";
    let expected = Mount {
        id: 36,
        parent: 35,
        device: (98, 0),
        root: b"/mnt1".to_vec(),
        point: b"/mnt2".to_vec(),
        kind: "fuse.sshfs".into(),
        source: b"me@host:/x".to_vec(),
        read_only: false,
        propagated: true,
    };
    assert_eq!(parse(line), [expected]);
}

#[test]
fn odd_lines() {
    let one = |line: &str| parse(line.as_bytes()).pop();
    let blanks = one(r"1 0 0:5 / /a\040b\011c\012d\134e\043 rw - tmpfs \134\0 rw").unwrap();
    assert_eq!(blanks.point, b"/a b\tc\nd\\e#");
    // Neither too short nor too large an escape is one.
    assert_eq!(blanks.source, b"\\\\0");
    assert_eq!(one(r"1 0 0:5 / /\777\9 rw - tmpfs t rw").unwrap().point, br"/\777\9");
    // A source may be the empty word, and a dash may be a name.
    assert_eq!(one("1 0 0:5 / /x rw - tmpfs  rw").unwrap().source, b"");
    let dash = one("1 0 0:5 - - rw - - - ro").unwrap();
    assert_eq!((&*dash.point, &*dash.kind, &*dash.source, dash.read_only), (&b"-"[..], "-", &b"-"[..], true));
    assert!(!dash.propagated);
    // Read-only by the mount alone; "errors=remount-ro" is not.
    assert!(one("1 0 0:5 / /x ro,nosuid shared:7 - tmpfs t rw").unwrap().read_only);
    assert!(!one("1 0 0:5 / /x rw - ext4 t rw,errors=remount-ro").unwrap().read_only);
    assert!(one("1 0 0:5 / /x rw shared:7 - ext4 t rw").unwrap().propagated);
    for broken in [
        "",
        "\n\n",
        "1 0 0:5 / /x rw",
        "1 0 0:5 / /x rw - tmpfs t",
        "x 0 0:5 / / rw - a b rw",
        "1 0 05 / / rw - a b rw",
        "1 0 0:5 / /x rw shared:7 tmpfs t rw",
    ] {
        assert_eq!(one(broken), None, "{broken}");
    }
    let bytes = b"1 0 0:5 / /\xff rw - \xfe t rw";
    assert_eq!(parse(bytes)[0].point, b"/\xff");
}

#[test]
fn what_is_below_a_directory() {
    let mounts = table(&[
        (1, 99, "/", "ext4"),
        (2, 1, "/data/zz", "nfs4"),
        (3, 1, "/data/in", "xfs"),
        (4, 3, "/data/in/deep/er", "tmpfs"),
        (5, 1, "/database", "tmpfs"),
        (6, 1, "/other", "tmpfs"),
    ]);
    let expected = [("deep/er", 4)].map(|(path, id)| (path.to_owned(), id));
    assert_eq!(ids_below(&mounts, "/data/in"), expected);
    let expected = [("in", 3), ("in/deep/er", 4), ("zz", 2)].map(|(path, id)| (path.to_owned(), id));
    assert_eq!(ids_below(&mounts, "/data"), expected);
    assert_eq!(ids_below(&mounts, "/data/"), expected);
    assert_eq!(ids_below(&mounts, "/").len(), 5);
    assert_eq!(by_id(&mounts, 4).unwrap().kind, "tmpfs");
    assert!(by_id(&mounts, 99).is_none());
}

#[test]
fn of_several_on_one_point_the_uppermost_counts() {
    // As the kernel has it: each stands on the one before.
    let stacked =
        table(&[(1, 0, "/", "ext4"), (2, 1, "/r/m", "xfs"), (3, 2, "/r/m", "nfs"), (4, 3, "/r/m/x", "fuse")]);
    let ids: Vec<_> = ids_below(&stacked, "/r").into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, [3, 4]);
    // Mounted on the lower one before it was covered: not reached.
    let hidden =
        table(&[(1, 0, "/", "ext4"), (2, 1, "/r/m", "xfs"), (4, 2, "/r/m/x", "fuse"), (3, 2, "/r/m", "nfs")]);
    let ids: Vec<_> = ids_below(&hidden, "/r").into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, [3]);
    // Were both on the same parent, the later one.
    let twice = table(&[(1, 0, "/", "ext4"), (2, 1, "/r/m", "xfs"), (3, 1, "/r/m", "nfs")]);
    assert_eq!(ids_below(&twice, "/r"), [("m".to_owned(), 3)]);
}

#[test]
fn what_a_mount_on_an_ancestor_hides_is_left_out() {
    let over = table(&[
        (1, 0, "/", "ext4"),
        (2, 1, "/r/a/b", "xfs"),
        (3, 2, "/r/a/b/c", "xfs"),
        (4, 1, "/r/a", "tmpfs"),
        (5, 4, "/r/a/new", "tmpfs"),
    ]);
    let expected = [("a", 4), ("a/new", 5)].map(|(path, id)| (path.to_owned(), id));
    assert_eq!(ids_below(&over, "/r"), expected);
    // The root of everything is mounted over (as in an initial RAM disk).
    let rootfs =
        table(&[(1, 1, "/", "rootfs"), (2, 1, "/", "ext4"), (3, 2, "/r/x", "nfs"), (4, 1, "/r/y", "nfs")]);
    assert_eq!(ids_below(&rootfs, "/r"), [("x".to_owned(), 3)]);
    assert_eq!(holding(&rootfs, b"/r/y/z").unwrap().id, 2);
}

#[test]
fn a_circle_ends() {
    let circle = table(&[(1, 2, "/a", "x"), (2, 1, "/b", "x")]);
    assert_eq!(ids_below(&circle, "/"), []);
}

#[test]
fn the_mount_that_holds_a_path() {
    let mounts = table(&[(1, 0, "/", "ext4"), (2, 1, "/r", "xfs"), (3, 2, "/r/m", "nfs")]);
    let holder = |path: &str| holding(&mounts, path.as_bytes()).map(|mount| mount.id);
    assert_eq!(holder("/r/m/x"), Some(3));
    assert_eq!(holder("/r/m"), Some(3));
    assert_eq!(holder("/r/mm"), Some(2));
    assert_eq!(holder("/"), Some(1));
}

#[test]
fn the_table_of_this_process_knows_its_directories() {
    let mut own = MountTable::open().unwrap();
    let mounts = own.read().unwrap();
    for path in ["/proc", "/dev/shm", "/tmp"] {
        let look = Dir::open_root(Path::new(path)).unwrap().look_closely().unwrap();
        let mount = by_id(&mounts, look.mount.unwrap()).unwrap();
        assert_eq!(holding(&mounts, path.as_bytes()), Some(mount));
    }
    assert_eq!(of_process(std::process::id()).unwrap(), mounts);
}

/// Set where the test runs a second time, in a mount namespace of its own.
const INSIDE: &str = "SYS_TEST_MOUNT_NAMESPACE";

#[test]
fn a_table_tells_that_it_changed() {
    if let Some(place) = std::env::var_os(INSIDE) {
        return inside_a_mount_namespace(Path::new(&place));
    }
    let place = tempfile::tempdir().unwrap();
    let done = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "mounts::tests::a_table_tells_that_it_changed"])
        .env(INSIDE, std::fs::canonicalize(place.path()).unwrap())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
}

fn inside_a_mount_namespace(place: &Path) {
    let run = |program: &str, arguments: &[&str]| {
        let status = std::process::Command::new(program).args(arguments).arg(place).status();
        assert!(status.unwrap().success(), "{program}");
    };
    let root = place.parent().unwrap().as_os_str().as_encoded_bytes();
    let mine = |mounts: &[Mount]| {
        let mut all = below(mounts, root);
        all.retain(|(path, _)| path == place.file_name().unwrap().as_encoded_bytes());
        all.into_iter().map(|(_, mount)| String::from_utf8(mount.source.clone()).unwrap()).collect::<Vec<_>>()
    };
    let mut table = MountTable::open().unwrap();
    assert!(!table.changed());
    let before = table.read().unwrap();
    assert!(!table.changed());
    run("mount", &["-t", "tmpfs", "the lower"]);
    run("mount", &["-t", "tmpfs", "the upper"]);
    assert!(table.changed());
    assert!(!table.changed());
    assert_eq!(mine(&table.read().unwrap()), ["the upper"]);
    run("umount", &[]);
    assert!(table.changed());
    assert_eq!(mine(&table.read().unwrap()), ["the lower"]);
    run("umount", &[]);
    assert!(table.changed());
    assert_eq!(table.read().unwrap(), before);
}

/// A machine with many containers. Each pair compared would take minutes.
#[test]
fn tens_of_thousands_of_mounts_are_no_burden() {
    let line = |number| format!("{number} 1 0:{number} / /w/{number} rw - tmpfs none rw\n");
    let text: String = (2..60_002).map(line).collect();
    let text = format!("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n{text}");
    let mounts = parse(text.as_bytes());
    let begun = std::time::Instant::now();
    assert_eq!(below(&mounts, b"/w").len(), 60_000);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}
