//! A file that comes after its series was announced.

use crate::images::{Wanted, made};
use crate::stage::{Stage, timeline};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "once"
    include = ["once/*"]
    group = { dicom = "series" }
    late = "ignore"
    complete = { preset = "dicom-series", quiet = "500ms" }

    [[source.inbox.rule]]
    name = "again"
    include = ["again/*"]
    group = { dicom = "series" }
    complete = { preset = "dicom-series", quiet = "500ms" }
"#;

const SERIES: &str = "1.2.826.0.1.3680043.8.498.77.3";

#[test]
fn a_late_file_is_told_of_and_makes_no_second_task() {
    let mut stage = Stage::start("s22", RULES);
    let wanted: Vec<Wanted<'_>> =
        (0..6).map(|number| Wanted { syntax: "explicit", series: SERIES, number }).collect();
    let images = made(&stage.work(), &wanted);
    let (once, again) = (format!("once/{SERIES}/"), format!("again/{SERIES}/"));
    for (at, image) in images[..5].iter().enumerate() {
        stage.write(&format!("once/{at}"), image);
        stage.write(&format!("again/{at}"), image);
    }
    for path in [&once, &again] {
        assert_eq!(stage.wait_event(path, 1)["data"]["members"]["count"], 5);
    }
    stage.write("once/5", &images[5]);
    stage.write("again/5", &images[5]);
    // Where nothing is said, it is the next generation.
    let second = stage.wait_event(&again, 2);
    assert_eq!((&second["data"]["generation"], &second["data"]["members"]["count"]), (&2.into(), &6.into()));
    let is_late = |line: &String| line.starts_with("late: 6 members");
    let answer = stage.wait_answer(&once, "told of as late", |it| timeline(it).iter().any(is_late));
    assert_eq!(answer["state"], "delivered", "{answer}");
    stage.settle();
    assert_eq!(stage.of(&once).len(), 1);
    let log = stage.landing.daemon().stderr();
    let told: Vec<&str> = log.lines().filter(|line| line.contains(SERIES) && line.contains("late")).collect();
    assert!(told.len() == 1 && told[0].contains("once/") && told[0].contains("6 members"), "{log}");
    // It is known after a restart, and so is what was told of it.
    stage.landing.kill();
    stage.landing.start();
    stage.wait_answer(&once, "told of as late", |it| timeline(it).iter().any(is_late));
    assert_eq!(stage.of(&once).len(), 1);
}
