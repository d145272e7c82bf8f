use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Instant;

use super::super::{Change, Snapshot, compare};
use super::*;

const LONG: Duration = Duration::from_secs(20);

fn plan(root: &std::path::Path) -> Plan {
    Plan { root: root.to_owned(), recursive: true, exclude: Vec::new(), listen: true }
}

fn tour(plan: Plan) -> Tour {
    Tour::new(plan, Arc::default())
}

fn paths(snapshot: &Snapshot) -> Vec<String> {
    snapshot.entries().map(|(path, _)| String::from_utf8_lossy(path).into_owned()).collect()
}

/// What is heard by now.
fn heard(tour: &mut Tour) -> Vec<String> {
    let mut heard = Vec::new();
    tour.listen(Duration::ZERO, &mut |path| {
        heard.push(path.map_or("?".to_owned(), |path| String::from_utf8_lossy(path).into_owned()));
    });
    heard
}

#[test]
fn it_comes_by_everything_and_follows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("d/e")).unwrap();
    fs::write(dir.path().join("d/e/f"), b"x").unwrap();
    symlink("..", dir.path().join("d/up")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    let mut tour = tour(plan(dir.path()));
    let snapshot = tour.take().unwrap();
    assert_eq!(paths(&snapshot), ["", "d", "d/e", "d/e/f", "d/up", "dangling"]);
    assert_eq!(tour.ears(), Ears::Open { heard: 3, refused: None });
    assert!(compare(&snapshot, &tour.take().unwrap()).is_empty());
}

#[test]
fn what_happens_after_a_tour_is_heard_and_tours_are_not() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    let mut tour = tour(plan(dir.path()));
    tour.take().unwrap();
    tour.take().unwrap();
    assert_eq!(heard(&mut tour), Vec::<String>::new());
    fs::write(dir.path().join("d/f"), b"x").unwrap();
    fs::remove_file(dir.path().join("d/f")).unwrap();
    let all = heard(&mut tour);
    assert!(!all.is_empty() && all.iter().all(|path| path == "d/f"), "{all:?}");
}

#[test]
fn a_directory_that_has_left_the_tree_is_not_heard_any_more() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(dir.path().join("d")).unwrap();
    let mut tour = tour(plan(dir.path()));
    tour.take().unwrap();
    fs::rename(dir.path().join("d"), other.path().join("d")).unwrap();
    tour.take().unwrap();
    heard(&mut tour);
    fs::write(other.path().join("d/f"), b"x").unwrap();
    assert_eq!(heard(&mut tour), Vec::<String>::new());
    assert_eq!(tour.ears(), Ears::Open { heard: 1, refused: None });
}

#[test]
fn what_is_excluded_is_neither_seen_nor_heard_nor_told_by_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("d/cache")).unwrap();
    let exclude = ["*.log", "cache"].map(|text| Pattern::parse(text).unwrap()).to_vec();
    let mut tour = tour(Plan { exclude, ..plan(dir.path()) });
    let before = tour.take().unwrap();
    fs::write(dir.path().join("d/x.log"), b"x").unwrap();
    fs::write(dir.path().join("d/cache/x"), b"x").unwrap();
    assert_eq!(heard(&mut tour), Vec::<String>::new());
    let after = tour.take().unwrap();
    assert_eq!(paths(&after), ["", "d"]);
    assert_eq!(compare(&before, &after), []);
}

#[test]
fn without_recursion_what_lies_below_is_of_no_interest() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    let mut tour = tour(Plan { recursive: false, ..plan(dir.path()) });
    let before = tour.take().unwrap();
    fs::write(dir.path().join("d/f"), b"x").unwrap();
    assert_eq!(heard(&mut tour), Vec::<String>::new());
    let after = tour.take().unwrap();
    assert_eq!(paths(&after), ["", "d"]);
    assert_eq!(compare(&before, &after), []);
    fs::write(dir.path().join("f"), b"x").unwrap();
    let words: Vec<&str> = compare(&after, &tour.take().unwrap()).iter().map(Change::word).collect();
    assert_eq!(words, ["created", "modified"], "the file, and the directory that it lies in");
}

#[test]
fn without_listening_it_only_compares() {
    let dir = tempfile::tempdir().unwrap();
    let mut tour = tour(Plan { listen: false, ..plan(dir.path()) });
    let before = tour.take().unwrap();
    fs::write(dir.path().join("f"), b"x").unwrap();
    assert_eq!(heard(&mut tour), Vec::<String>::new());
    assert_eq!(tour.ears(), Ears::None);
    assert_eq!(compare(&before, &tour.take().unwrap()).len(), 2);
}

/// On this kernel's own file systems: the number of a deleted inode is given again at once on ext4.
#[test]
fn a_real_rename_is_a_move_and_a_real_replacement_is_not() {
    for base in [std::env::temp_dir(), "/dev/shm".into()] {
        let dir = tempfile::tempdir_in(base).unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), b"x").unwrap();
        fs::write(path("b"), b"y").unwrap();
        let mut tour = tour(plan(dir.path()));
        let before = tour.take().unwrap();
        fs::rename(path("a"), path("c")).unwrap();
        // Later than the grain of the file system's clock.
        let old = fs::metadata(path("b")).unwrap().created().unwrap();
        fs::remove_file(path("b")).unwrap();
        let deadline = Instant::now() + LONG;
        loop {
            fs::write(path("d"), b"y").unwrap();
            if fs::metadata(path("d")).unwrap().created().unwrap() != old {
                break;
            }
            fs::remove_file(path("d")).unwrap();
            assert!(Instant::now() < deadline);
        }
        let changes = compare(&before, &tour.take().unwrap());
        let told: Vec<(&str, &[u8])> = changes.iter().map(|change| (change.word(), change.path())).collect();
        let expected: [(&str, &[u8]); 4] =
            [("deleted", b"b"), ("moved", b"c"), ("created", b"d"), ("modified", b"")];
        assert_eq!(told, expected);
    }
}

#[test]
fn the_root_must_stay_the_same_directory() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    assert_eq!(tour(plan(&root)).take().unwrap_err(), TourError::Open(Errno::NOENT));
    fs::create_dir(&root).unwrap();
    let mut tour = tour(plan(&root));
    tour.take().unwrap();
    fs::rename(&root, dir.path().join("elsewhere")).unwrap();
    assert_eq!(tour.take().unwrap_err(), TourError::Gone);
    fs::create_dir(&root).unwrap();
    assert_eq!(tour.take().unwrap_err(), TourError::Replaced);
}

#[test]
fn what_cannot_be_entered_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/f"), b"x").unwrap();
    fs::set_permissions(dir.path().join("d"), fs::Permissions::from_mode(0o000)).unwrap();
    let readable = fs::read_dir(dir.path().join("d")).is_ok();
    let snapshot = tour(plan(dir.path())).take().unwrap();
    fs::set_permissions(dir.path().join("d"), fs::Permissions::from_mode(0o700)).unwrap();
    // Root reads it all the same; the program's own tests are another user there.
    let expected: &[(Vec<u8>, Errno)] = &[(b"d".to_vec(), Errno::ACCESS)];
    assert_eq!(snapshot.unread(), if readable { &[] } else { expected });
}

#[test]
fn waiting_ends_when_something_happens() {
    let dir = tempfile::tempdir().unwrap();
    let mut tour = tour(plan(dir.path()));
    tour.take().unwrap();
    let path = dir.path().join("f");
    let writer = std::thread::spawn(move || fs::write(path, b"x").unwrap());
    let begun = Instant::now();
    let mut paths = Vec::new();
    while paths.is_empty() && begun.elapsed() < LONG {
        tour.listen(LONG, &mut |path| paths.push(path.map(<[u8]>::to_vec)));
    }
    writer.join().unwrap();
    assert_eq!(paths[0].as_deref(), Some(&b"f"[..]));
    assert!(begun.elapsed() < LONG, "it waited for nothing");
}

#[test]
fn a_write_that_hides_behind_its_time_is_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, b"one").unwrap();
    let mut tour = tour(plan(dir.path()));
    let before = tour.take().unwrap();
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let begun = Instant::now();
    // The clock of file systems moves with the timer, not with every call.
    while compare(&before, &tour.take().unwrap()).is_empty() && begun.elapsed() < LONG {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &file, b"two").unwrap();
        file.set_modified(time).unwrap();
    }
    assert!(begun.elapsed() < LONG, "nothing told of it");
}
