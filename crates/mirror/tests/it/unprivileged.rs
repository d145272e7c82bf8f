//! Without privilege: modes that forbid their owner to do what the mirror has to.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use mirror::{Content, Fault, Pair, Reach};

use crate::rig::{Rig, bring, chmod, equalize, walk, write};

const AS_NOBODY: &str = "STAITHE_TEST_AS_NOBODY";
const NOBODY: u32 = 65534;

/// Where to play, when this process is nobody; otherwise the test is run again as nobody, and has to succeed.
fn as_nobody(test: &str) -> Option<PathBuf> {
    if let Ok(place) = std::env::var(AS_NOBODY) {
        return Some(place.into());
    }
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "--nocapture", &format!("unprivileged::{test}")]);
    again.env(AS_NOBODY, dir.path()).current_dir(dir.path());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        again.uid(NOBODY).gid(NOBODY);
    }
    assert!(again.status().unwrap().success());
    None
}

fn pair_in(place: &Path) -> (PathBuf, PathBuf, Pair) {
    let (source, destination) = (place.join("source"), place.join("mirror"));
    fs::create_dir(&source).unwrap();
    let pair = Pair::open(&source, &destination, Rig::options()).unwrap();
    (source, destination, pair)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn read_only_directories_are_mirrored_changed_and_removed() {
    let Some(place) = as_nobody("read_only_directories_are_mirrored_changed_and_removed") else { return };
    let (source, destination, pair) = pair_in(&place);
    write(&source, "d/e/f", "text");
    write(&source, "d/e/g", "text");
    chmod(&source.join("d/e/g"), 0o200);
    for dir in ["d/e", "d"] {
        chmod(&source.join(dir), 0o555);
    }
    bring(&pair, "d/e/f", Content::IfDiffers);
    assert_eq!((mode(&destination.join("d/e")), mode(&destination.join("d"))), (0o555, 0o555));
    chmod(&source.join("d/e/g"), 0o400);
    equalize(&pair);
    let again = |dir: &str, act: &dyn Fn()| {
        chmod(&source.join(dir), 0o755);
        act();
        chmod(&source.join(dir), 0o555);
    };
    again("d/e", &|| fs::rename(source.join("d/e/f"), source.join("d/e/h")).unwrap());
    assert_eq!(pair.rename(b"d/e/f", b"d/e/h").unwrap(), mirror::Renamed::Done);
    again("d/e", &|| fs::remove_file(source.join("d/e/h")).unwrap());
    bring(&pair, "d/e/h", Content::Never);
    assert!(walk(&pair, 10, false).is_empty());
    // What nobody can open, not even its owner.
    chmod(&source.join("d/e/g"), 0);
    assert_eq!(bring(&pair, "d/e/g", Content::Never), mirror::Brought::Attributes);
    chmod(&source.join("d"), 0);
    bring(&pair, "d", Content::Never);
    assert_eq!(mode(&destination.join("d")), 0);
    chmod(&source.join("d"), 0o755);
    bring(&pair, "d", Content::Never);
    again("d", &|| {
        chmod(&source.join("d/e"), 0o755);
        fs::remove_dir_all(source.join("d/e")).unwrap();
    });
    bring(&pair, "d/e", Content::Never);
    assert!(walk(&pair, 10, false).is_empty());
    assert!(!destination.join("d/e").exists());
}

#[test]
fn what_cannot_be_read_is_a_fault_of_its_own_and_deletes_nothing() {
    let Some(place) = as_nobody("what_cannot_be_read_is_a_fault_of_its_own_and_deletes_nothing") else {
        return;
    };
    let (source, destination, pair) = pair_in(&place);
    write(&source, "d/f", "text");
    write(&source, "g", "text");
    equalize(&pair);
    chmod(&source.join("d"), 0o300);
    let told = walk(&pair, 10, false);
    assert_eq!(told, ["unreadable d"]);
    chmod(&source.join("d"), 0);
    let fault = pair.bring(b"d/f", Content::Always, &|_| true).unwrap_err();
    assert!(matches!(fault, Fault::Source { .. }) && fault.reach() == Reach::Path, "{fault}");
    chmod(&source.join("d"), 0o755);
    write(&source, "g", "other text");
    chmod(&source.join("g"), 0);
    let fault = pair.bring(b"g", Content::Always, &|_| true).unwrap_err();
    assert_eq!(fault.to_string(), "read \"g\" in the source: Permission denied (os error 13)");
    assert_eq!(fs::read(destination.join("g")).unwrap(), b"text");
}

#[test]
fn an_owner_that_may_not_be_given_is_a_fault_with_its_fix() {
    let Some(place) = as_nobody("an_owner_that_may_not_be_given_is_a_fault_with_its_fix") else { return };
    // Its own group is nobody's; the source is a directory of root's.
    let options = mirror::Options { owner: true, ..Rig::options() };
    let pair = Pair::open("/usr".as_ref(), &place.join("mirror"), options).unwrap();
    let fault = pair.bring(b"", Content::Never, &|_| true).unwrap_err();
    assert!(fault.to_string().contains("CAP_CHOWN"), "{fault}");
}

/// A file system of a megabyte, in a namespace of its own.
const ON_A_SMALL_DISK: &str = "STAITHE_TEST_ON_A_SMALL_DISK";

#[test]
fn a_full_disk_is_a_fault_of_the_destination_and_leaves_what_was_there() {
    let test = "unprivileged::a_full_disk_is_a_fault_of_the_destination_and_leaves_what_was_there";
    if std::env::var(ON_A_SMALL_DISK).is_err() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let exe = std::env::current_exe().unwrap();
        let script = r#"mount -t tmpfs -o size=1m none "$1" && mkdir "$1/sub" "$2/bound" && mount --bind "$2" "$1/sub" &&
            exec "$3" --exact --nocapture "$4""#;
        let (small, other) = (dir.path().join("small"), dir.path().join("other"));
        fs::create_dir(&small).unwrap();
        fs::create_dir(&other).unwrap();
        let done = std::process::Command::new("unshare")
            .args(["-r", "-m", "sh", "-c", script, "sh"])
            .args([small.as_os_str(), other.as_os_str(), exe.as_os_str(), test.as_ref()])
            .env(ON_A_SMALL_DISK, dir.path())
            .status();
        assert!(done.unwrap().success());
        return;
    }
    let root = PathBuf::from(std::env::var(ON_A_SMALL_DISK).unwrap());
    overlaps_by_mounts(&root);
    let source = root.join("source");
    fs::create_dir(&source).unwrap();
    let destination = root.join("small/mirror");
    let pair = Pair::open(&source, &destination, Rig::options()).unwrap();
    fs::write(source.join("f"), "old").unwrap();
    bring(&pair, "f", Content::IfDiffers);
    fs::write(source.join("f"), vec![7; 3 << 20]).unwrap();
    let fault = pair.bring(b"f", Content::IfDiffers, &|_| true).unwrap_err();
    assert_eq!((fault.reach(), fault.errno()), (Reach::Destination, Some(sys::Errno::NOSPC)), "{fault}");
    assert!(fault.to_string().contains("make room"), "{fault}");
    assert_eq!(fs::read(destination.join("f")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&destination).unwrap().count(), 2);
}

/// `other` is seen at `small/sub`, too.
fn overlaps_by_mounts(root: &Path) {
    let refused = |source: &str, destination: &str| {
        let error = Pair::open(&root.join(source), &root.join(destination), Rig::options()).unwrap_err();
        assert!(matches!(error, mirror::OpenError::Overlap { .. }), "{error}");
    };
    refused("small", "other/mirror");
    refused("other", "small/sub/mirror");
    refused("small/sub", "other");
    refused("other/bound", "small/sub");
    refused("other/bound", "small");
    // Nothing that is mounted into the destination is emptied.
    fs::create_dir_all(root.join("source2")).unwrap();
    let adopt = mirror::Options { adopt: true, ..Rig::options() };
    let pair = Pair::open(&root.join("source2"), &root.join("small"), adopt).unwrap();
    assert_eq!(pair.remove(b"sub").unwrap_err().errno(), Some(sys::Errno::BUSY));
    assert!(root.join("other/bound").exists());
}
