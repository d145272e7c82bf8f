//! Files that belong together: by their names, and by what their headers say.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::SystemTime;

use testkit::chance::Chance;

use crate::dicom::image;
use crate::stage::{Stage, content};

const BY_NAME: &str = r#"
    [[source.inbox.rule]]
    name = "three"
    include = ["three/*", "three/sub/*"]
    group = 're:^(?<key>[^_]+)_[^.]*\.dat$'
    complete = { all = ["members", { count = 3 }] }

    [[source.inbox.rule]]
    name = "captured"
    include = ["captured/*"]
    group = 're:^(?<key>[^_]+)_[0-9]+of(?<total>[0-9]+)$'
    complete = { all = ["members", { count = "captured" }] }

    [[source.inbox.rule]]
    name = "quiet"
    include = ["quiet/*"]
    group = 're:^(?<key>[^_]+)_.*'
    complete = { all = ["members", { quiet = "500ms" }] }
"#;

#[test]
fn a_group_with_a_count_waits_for_all_its_members() {
    let mut stage = Stage::start("three", "", BY_NAME);
    stage.write("three/a_1.dat", "1");
    stage.write("three/b_1.dat", "1");
    stage.write("three/a_2.dat", "22");
    let args = stage.wait_answer("three/a/", "short of one", |it| it["reason_args"]["present"] == 2);
    assert_eq!(
        (&args["reason"], &args["reason_args"]["expected"]),
        (&"waiting.count".into(), &3.into()),
        "{args}"
    );
    // One that is being written is no member yet, and blocks.
    let mut open = File::create(stage.path("three/a_3.dat")).unwrap();
    open.write_all(b"333").unwrap();
    stage.wait_blocked("three/a/", "waiting.members", &["three/a_3.dat"]);
    let closed = SystemTime::now();
    drop(open);
    let event = stage.wait_event("three/a/", 1);
    event.is_first().is_complete(3, 6).is_after(closed).is_by(&["members", "count"]);
    assert_eq!(event.members()["key"], "a", "{event:?}");
    assert_eq!(event.members()["listed"], serde_json::json!(["a_1.dat", "a_2.dat", "a_3.dat"]));
    // A file without a key is nobody's: no rule takes it.
    stage.write("three/nokey", "x");
    // The same key in another directory is another group.
    stage.write("three/sub/a_1.dat", "1");
    stage.assert_only(&[("three/a/", 1)]);
    stage.wait_reason("three/b/", "waiting.count");
    stage.wait_reason("three/sub/a/", "waiting.count");
}

#[test]
fn the_names_say_how_many_there_are() {
    let mut stage = Stage::start("captured", "", BY_NAME);
    let mut chance = Chance::from_environment();
    let mut parts: Vec<(char, usize)> =
        ['x', 'y'].iter().flat_map(|key| (1..=40).map(|part| (*key, part))).collect();
    chance.shuffle(&mut parts);
    let last = parts.pop().unwrap();
    let write =
        |(key, part): (char, usize)| stage.write(&format!("captured/{key}_{part}of40"), content(part));
    for part in parts {
        write(part);
    }
    let size: u64 = (1..=40).map(|part| content(part).len() as u64).sum();
    let (late, whole) = if last.0 == 'x' { ("x", "y") } else { ("y", "x") };
    stage.wait_event(&format!("captured/{whole}/"), 1).is_first().is_complete(40, size);
    let args = stage.wait_reason(&format!("captured/{late}/"), "waiting.count");
    assert_eq!((&args["present"], &args["expected"]), (&39.into(), &40.into()), "{args}");
    let finished = write(last);
    stage.wait_event(&format!("captured/{late}/"), 1).is_first().is_complete(40, size).is_after(finished);
    stage.assert_only(&[("captured/x/", 1), ("captured/y/", 1)]);
}

#[test]
fn a_late_part_a_part_that_comes_twice_and_a_key_that_is_used_again() {
    let mut stage = Stage::start("keys", "", BY_NAME);
    stage.write("quiet/run_1", "1");
    stage.write("quiet/run_2", "22");
    let first = stage.wait_event("quiet/run/", 1);
    first.is_first().is_complete(2, 3);
    // A late part.
    let late = stage.write("quiet/run_3", "333");
    let second = stage.wait_event("quiet/run/", 2);
    second.is_complete(3, 6).follows(&first).is_after(late);
    // The same part once more, with other bytes: it is written in place, and by a rename.
    let again = stage.write("quiet/run_3", "4444");
    let third = stage.wait_event("quiet/run/", 3);
    third.is_complete(3, 7).follows(&second).is_after(again);
    stage.wait_delivered();
    stage.kill_and_start();
    stage.assert_only(&[("quiet/run/", 3)]);
    // A consumer takes them away, one by one.
    for part in ["quiet/run_2", "quiet/run_1", "quiet/run_3"] {
        fs::remove_file(stage.path(part)).unwrap();
        stage.hear();
    }
    stage.assert_only(&[("quiet/run/", 3)]);
    // And the key is used again.
    let used = stage.write("quiet/run_1", "new content");
    let fourth = stage.wait_event("quiet/run/", 4);
    fourth.is_complete(1, 11).is_after(used);
    assert_ne!(fourth.id(), third.id());
    stage.assert_only(&[("quiet/run/", 4)]);
}

const BY_HEADER: &str = r#"
    [[source.inbox.rule]]
    name = "study"
    include = ["flat/*"]
    group = { dicom = "study" }
    complete = { preset = "dicom-series", quiet = "1500ms" }

    [[source.inbox.rule]]
    name = "series"
    include = ["flat/*"]
    group = { dicom = "series" }
    of = "study"
    complete = { preset = "dicom-series", quiet = "1s" }
"#;

#[test]
fn two_interleaved_series_from_a_flat_drop_and_their_study() {
    let stage = Stage::start("dicom", "", BY_HEADER);
    let mut chance = Chance::from_environment();
    let (study, series) = ("1.2.826.0.1", ["1.2.826.0.1.10", "1.2.826.0.1.20"]);
    let mut images: Vec<(usize, usize)> =
        (0..2).flat_map(|at| (0..300).map(move |number| (at, number))).collect();
    chance.shuffle(&mut images);
    let mut sizes = [0; 2];
    // Half-written and what is none: neither is of a series, and neither holds one up. What is cut off waits by itself.
    stage.write("flat/garbage", chance.bytes(3_000));
    stage.write("flat/cut-off", &image(study, series[0], 1)[..140]);
    stage.write("flat/empty", "");
    let mut finished = SystemTime::now();
    for (at, (of, number)) in images.into_iter().enumerate() {
        let bytes = image(study, series[of], number);
        sizes[of] += bytes.len() as u64;
        finished = stage.write(&format!("flat/IM{at:04}"), bytes);
    }
    let paths = series.map(|uid| format!("flat/{uid}/"));
    for (at, path) in paths.iter().enumerate() {
        let event = stage.wait_event(path, 1);
        event.is_first().is_complete(300, sizes[at]).is_by(&["members", "quiet"]);
        assert_eq!(event.members()["key"], series[at], "{event:?}");
        assert_eq!(event.data()["complete"]["rule"], "series");
    }
    let whole = format!("flat/{study}/");
    let event = stage.wait_event(&whole, 1);
    event.is_first().is_complete(600, sizes[0] + sizes[1]).is_after(finished).is_by(&["children"]);
    assert_eq!(event.members()["key"], study, "{event:?}");
    stage.wait_answer("flat/cut-off/", "waiting for its rest", |it| it["reason"] == "waiting.whole");
    for alone in ["garbage", "empty"] {
        let event =
            stage.wait_answer(&format!("flat/{alone}/"), "delivered", |it| it["state"] == "delivered");
        println!("{alone}: {event}");
        assert_eq!(event["members"], 1, "{event}");
    }
    let events = stage.events();
    let about = |path: &str| events.iter().filter(|event| event.path() == path).count();
    assert_eq!([about(&paths[0]), about(&paths[1]), about(&whole)], [1; 3]);
}
