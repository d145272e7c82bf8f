//! Roots: directories and files that come to an end, and what happens to themselves.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use watch::{Bell, Existing, Root, Stream, StreamBackend, StreamSettings};

use crate::rig::{ALL, Believer, Rig, events, names, polled};

#[test]
fn a_root_that_is_removed_or_renamed_says_so_and_can_begin_again() {
    for settings in [events(names()), polled(names())] {
        let mut rig = Rig::new(settings);
        fs::write(rig.path("f"), b"x").unwrap();
        rig.until_equal();
        fs::remove_dir_all(rig.dir.path()).unwrap();
        rig.until("the root is gone", |rig| rig.root == Root::Deleted);
        assert!(rig.believer.told.last().unwrap().ends_with("delete_self /"));
        rig.stream.end();
        assert_eq!(rig.stream.standing().watches, 0);
        fs::create_dir(rig.dir.path()).unwrap();
        fs::write(rig.path("g"), b"x").unwrap();
        rig.believer.paths.clear();
        rig.begin(Existing::Told);
        rig.until_equal();
        rig.until_told("+create g");
    }
    let mut rig = Rig::new(events(names()));
    let elsewhere = rig.dir.path().with_extension("moved");
    fs::rename(rig.dir.path(), &elsewhere).unwrap();
    rig.until("the root has moved", |rig| rig.root == Root::Moved);
    assert_eq!(rig.take_told(), ["move_self /"]);
    fs::rename(&elsewhere, rig.dir.path()).unwrap();
}

#[test]
fn a_root_whose_parent_is_renamed_is_not_there_any_more() {
    for settings in [events(names()), polled(names())] {
        let above = tempfile::tempdir().unwrap();
        let root = above.path().join("p/root");
        fs::create_dir_all(&root).unwrap();
        let mut stream = Stream::new(settings, Bell::new().unwrap()).unwrap();
        let mut told = Vec::new();
        stream.begin(&root, Existing::Silent, Duration::ZERO, &mut |_| ()).unwrap();
        fs::rename(above.path().join("p"), above.path().join("q")).unwrap();
        let root = stream.turn(Duration::from_secs(5), &mut |word| told.push(word.what.name()));
        let expected = match settings.backend {
            StreamBackend::Events => (Root::Moved, vec!["move_self"]),
            StreamBackend::Polled { .. } => (Root::Deleted, vec!["delete_self"]),
        };
        assert_eq!((root, told), expected);
    }
}

#[test]
fn a_root_that_is_not_there_does_not_begin() {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(events(ALL), Bell::new().unwrap()).unwrap();
    let missing = dir.path().join("missing");
    let begun = stream.begin(&missing, Existing::Told, Duration::ZERO, &mut |_| panic!("nothing is there"));
    assert_eq!(begun, Err(sys::Errno::NOENT));
    assert_eq!(stream.turn(Duration::ZERO, &mut |_| panic!("nothing is there")), Root::Alive);
}

#[test]
fn what_happens_to_the_root_itself_is_told_without_a_path() {
    let mut rig = Rig::new(events(ALL));
    fs::set_permissions(rig.dir.path(), fs::Permissions::from_mode(0o750)).unwrap();
    fs::read_dir(rig.dir.path()).unwrap().count();
    rig.until_told("close_nowrite /");
    assert_eq!(rig.take_told(), ["attrib /", "open /", "access /", "close_nowrite /"]);
    let mut rig = Rig::new(polled(ALL));
    fs::set_permissions(rig.dir.path(), fs::Permissions::from_mode(0o750)).unwrap();
    rig.until_told("+attrib /");
}

fn file_told(settings: StreamSettings, last: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, b"x").unwrap();
    let mut stream = Stream::new(settings, Bell::new().unwrap()).unwrap();
    let mut believer = Believer::default();
    stream.begin(&path, Existing::Silent, Duration::ZERO, &mut |told| believer.hear(told)).unwrap();
    let started = std::time::Instant::now();
    let mut turn = |stream: &mut Stream, until: &str| {
        let mut root = Root::Alive;
        while root == Root::Alive && !believer.told.iter().any(|told| told == until) {
            assert!(started.elapsed() < Duration::from_secs(20), "{until}: {:?}", believer.told);
            stream.wait(Duration::from_millis(20));
            root = stream.turn(started.elapsed(), &mut |told| believer.hear(told));
        }
        (root, believer.told.clone())
    };
    fs::OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"y")).unwrap();
    turn(&mut stream, last);
    fs::remove_file(&path).unwrap();
    let (root, told) = turn(&mut stream, "never");
    assert_eq!(root, Root::Deleted);
    told
}

#[test]
fn a_root_may_be_a_single_file() {
    let told = file_told(events(ALL), "close_write ");
    assert_eq!(told, ["open ", "modify ", "close_write ", "attrib ", "delete_self "]);
    let told = file_told(polled(ALL), "+close_write ");
    assert_eq!(told, ["+modify ", "+close_write ", "+delete_self "]);
}
