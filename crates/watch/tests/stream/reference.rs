//! What the original's reference session tells, what our own listing does not, and that nothing is told twice.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use model::{Happening, HappeningSet};
use watch::Existing;

use crate::rig::{ALL, Rig, events, names};

#[test]
fn the_session_of_the_reference_is_told_word_by_word() {
    let mut rig = Rig::new(events(ALL));
    rig.turn();
    assert_eq!(rig.take_told(), [""; 0], "nothing of the stream's own looking around");
    // touch foo; echo > foo; chmod; mv foo bar; mkdir d
    let file = fs::File::create(rig.path("foo")).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    file.set_times(fs::FileTimes::new().set_modified(long_ago).set_accessed(long_ago)).unwrap();
    drop(file);
    fs::OpenOptions::new().append(true).open(rig.path("foo")).and_then(|mut f| f.write_all(b"\n")).unwrap();
    fs::set_permissions(rig.path("foo"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(rig.path("foo"), rig.path("bar")).unwrap();
    fs::create_dir(rig.path("d")).unwrap();
    rig.until_told("close_nowrite d/");
    let expected = [
        "create foo",
        "open foo",
        "attrib foo",
        "close_write foo",
        "open foo",
        "modify foo",
        "close_write foo",
        "attrib foo",
        "moved_from foo",
        "moved_to bar",
        "create d/",
        "open d/",
        "access d/",
        "close_nowrite d/",
    ];
    assert_eq!(rig.take_told(), expected);
    rig.turn();
    assert_eq!(rig.take_told(), [""; 0]);
}

#[test]
fn what_lies_there_is_told_only_if_asked_for_and_our_listing_never() {
    for existing in [Existing::Silent, Existing::Told] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/f"), b"x").unwrap();
        let mut rig = Rig::in_dir(dir, events(ALL));
        rig.believer.paths.clear();
        rig.take_told();
        rig.begin(existing);
        for _ in 0..3 {
            rig.turn();
        }
        match existing {
            Existing::Silent => assert_eq!(rig.take_told(), [""; 0]),
            Existing::Told => {
                assert_eq!(rig.take_told(), ["+create a/", "+create a/b/", "+create a/b/f"]);
            }
        }
    }
}

#[test]
fn a_chain_of_directories_made_at_once_is_told_once_in_each_of_100_runs() {
    let mut rig = Rig::new(events(names()));
    for run in 0..100 {
        let chain = rig.path(&format!("p{run}/q/r"));
        // The stream listens all the while, so that each run meets it at another moment.
        let writer = std::thread::spawn(move || {
            fs::create_dir_all(&chain).unwrap();
            fs::write(chain.join("f0"), b"x").unwrap();
        });
        rig.until_equal_to(run * 4 + 4);
        writer.join().unwrap();
        let mut told: Vec<String> =
            rig.take_told().iter().map(|told| told.trim_start_matches('+').into()).collect();
        told.sort();
        let expected = ["/", "/q/", "/q/r/", "/q/r/f0"].map(|rest| format!("create p{run}{rest}"));
        assert_eq!(told, expected, "run {run}");
    }
}

#[test]
fn only_what_is_wanted_is_told() {
    let wanted = HappeningSet::EMPTY.with(Happening::CloseWrite);
    let mut rig = Rig::new(events(wanted));
    fs::create_dir(rig.path("d")).unwrap();
    rig.turn();
    fs::write(rig.path("d/f"), b"x").unwrap();
    fs::rename(rig.path("d"), rig.path("e")).unwrap();
    fs::write(rig.path("e/f"), b"x").unwrap();
    rig.until_told("close_write e/f");
    // The first one was read when the directory had its new name already, or before.
    assert_eq!(rig.take_told().len(), 2);
}

#[test]
fn other_settings_hold_from_the_next_turn_and_nothing_is_lost_meanwhile() {
    let mut rig = Rig::new(events(names()));
    fs::create_dir_all(rig.path("a/b")).unwrap();
    rig.until_equal();
    rig.take_told();
    fs::write(rig.path("a/b/before"), b"x").unwrap();
    rig.stream.set(events(names().with(Happening::CloseWrite)));
    rig.turn();
    fs::write(rig.path("a/b/after"), b"x").unwrap();
    let told = rig.told_by_now();
    assert_eq!(told, ["create a/b/before", "create a/b/after", "close_write a/b/after"]);

    rig.stream.set(watch::StreamSettings { recursive: false, ..events(names()) });
    rig.turn();
    assert_eq!(rig.stream.standing().watches, 1);
    fs::write(rig.path("a/b/unheard"), b"x").unwrap();
    fs::write(rig.path("heard"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["create heard"]);

    rig.stream.set(events(ALL));
    rig.turn();
    assert_eq!(rig.take_told(), [""; 0], "neither what lies below nor our listing of it");
    assert_eq!(rig.stream.standing().watches, 3);
    fs::remove_file(rig.path("a/b/unheard")).unwrap();
    rig.believer.paths.insert(b"a/b/unheard".to_vec(), false);
    assert_eq!(rig.told_by_now()[..1], ["delete a/b/unheard"]);
}

#[test]
fn the_bell_and_the_kernel_end_a_wait() {
    let bell = watch::Bell::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut stream = watch::Stream::new(events(names()), std::sync::Arc::clone(&bell)).unwrap();
    stream.begin(dir.path(), Existing::Silent, std::time::Duration::ZERO, &mut |_| ()).unwrap();
    stream.turn(std::time::Duration::ZERO, &mut |_| ());
    let most = std::time::Duration::from_mins(1);
    let started = std::time::Instant::now();
    bell.ring();
    stream.wait(most);
    fs::write(dir.path().join("f"), b"").unwrap();
    stream.wait(most);
    assert!(started.elapsed() < most / 4, "{:?}", started.elapsed());
}
