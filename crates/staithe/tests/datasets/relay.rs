//! Writers that relieve each other: one of them is always at work, but whoever asks one member after the other
//! may meet each of them idle. And groups that are there before anybody looks.

use std::fs::File;
use std::time::Duration;

use testkit::chance::Chance;

use crate::dicom::image;
use crate::stage::{Dataset, Stage, content};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members"] }

    [[source.inbox.rule]]
    name = "groups"
    include = ["flat/*"]
    group = 're:^(?<key>[a-z]+)_.*'
    complete = { all = ["members"] }

    [[source.inbox.rule]]
    name = "series"
    include = ["images/*"]
    group = { dicom = "series" }
    complete = { all = ["members"] }
"#;

/// Each member is opened before the one before it is closed, and they lie in two directories in turn.
fn relay(set: &mut Dataset, first: File, members: usize, chance: &mut Chance) {
    let mut open = first;
    for number in 0..members {
        let next = set.open(&format!("d{}/{number}", number % 2));
        set.append(&mut open, &content(number));
        set.close(std::mem::replace(&mut open, next));
        // The instants at which the program looks are what is tested; nothing is waited for.
        std::thread::sleep(chance.up_to(Duration::from_micros(400)));
    }
    set.append(&mut open, b"the last");
    set.close(open);
}

#[test]
fn a_relay_of_writers_is_announced_once_after_the_last() {
    let mut stage = Stage::start("relay", "", RULES);
    let chance = Chance::from_environment();
    let names: Vec<String> = (0..24).map(|number| format!("{number}.ms")).collect();
    for round in names.chunks(4) {
        let dirs: Vec<_> = round.iter().map(|name| stage.path(name)).collect();
        let sets: Vec<Dataset> = std::thread::scope(|scope| {
            let writers: Vec<_> = dirs
                .into_iter()
                .zip(0..)
                .map(|(dir, number)| {
                    let mut chance = chance.fork(number);
                    scope.spawn(move || {
                        let mut set = Dataset::at(dir);
                        let first = set.open("first");
                        relay(&mut set, first, 300, &mut chance);
                        set
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().expect("a writer ends")).collect()
        });
        for (name, set) in round.iter().zip(&sets) {
            set.is_in(&stage.wait_event(name, 1));
        }
    }
    let once: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    stage.assert_only(&once);
}

#[test]
fn a_directory_that_nobody_has_begun_to_fill_waits() {
    let mut stage = Stage::start("empty", "", RULES);
    let mut set = Dataset::at(stage.path("empty.ms"));
    std::fs::create_dir(stage.path("empty.ms/sub")).unwrap();
    let args = stage.wait_reason("empty.ms", "waiting.members");
    assert_eq!((&args["present"], &args["expected"]), (&0.into(), &serde_json::Value::Null), "{args}");
    stage.assert_only(&[]);
    set.member("sub/one", "1");
    set.is_in(&stage.wait_event("empty.ms", 1));
    stage.assert_only(&[("empty.ms", 1)]);
}

#[test]
fn a_group_that_is_there_at_the_start_is_announced_whole_and_once() {
    let mut stage = Stage::new("there", "", RULES);
    let mut finished = std::time::SystemTime::now();
    for number in 0..6000 {
        finished = stage.write(&format!("flat/run_{number}"), "x");
    }
    stage.landing.start();
    stage.wait_event("flat/run/", 1).is_first().is_complete(6000, 6000).is_after(finished);
    stage.wait_delivered();
    stage.kill_and_start();
    stage.assert_only(&[("flat/run/", 1)]);
}

/// More headers than may wait to be read at the same time.
#[test]
fn a_series_that_is_there_at_the_start_waits_until_every_header_is_read() {
    let mut stage = Stage::new("headers", "", RULES);
    let (mut size, mut finished) = (0, std::time::SystemTime::now());
    for number in 0..1000 {
        let image = image("1.2.3", "1.2.3.4", number);
        size += image.len() as u64;
        finished = stage.write(&format!("images/{number}"), image);
    }
    stage.landing.start();
    stage.wait_event("images/1.2.3.4/", 1).is_first().is_complete(1000, size).is_after(finished);
    stage.wait_delivered();
    stage.kill_and_start();
    stage.assert_only(&[("images/1.2.3.4/", 1)]);
}
