//! A folder with an image whose pixels are cut off.

use std::fs;
use std::time::SystemTime;

use serde_json::Value;

use crate::images::{Wanted, made};
use crate::stage::{Stage, seconds_after, timeline};

const SERIES: &str = "1.2.826.0.1.3680043.8.498.77.4";
const ALL: [&str; 5] = ["explicit", "implicit", "big", "rle", "deflated"];
/// So much is missing of the pixels.
const MISSING: usize = 300;

fn rules(deadline: &str) -> String {
    let rule = |then: &str| {
        format!(
            r#"
            [[source.inbox.rule]]
            name = "{then}"
            dataset = "*.{then}"
            complete = {{ all = ["members", "whole", {{ quiet = "300ms" }}], deadline = "{deadline}", on_deadline = "{then}" }}
            "#
        )
    };
    ["alert", "deliver", "announce_incomplete", "hold"].map(rule).concat()
}

/// One of each kind.
fn images(stage: &Stage) -> Vec<Vec<u8>> {
    let wanted: Vec<Wanted<'_>> =
        ALL.iter().enumerate().map(|(number, syntax)| Wanted { syntax, series: SERIES, number }).collect();
    made(&stage.work(), &wanted)
}

/// A folder with one image of each kind, a text, and perhaps one image that is cut off. Says when it was through.
fn fill(stage: &Stage, folder: &str, images: &[Vec<u8>], cut: Option<usize>) -> SystemTime {
    for (at, image) in images.iter().enumerate() {
        let length = image.len() - if cut == Some(at) { MISSING } else { 0 };
        stage.write(&format!("{folder}/{}.dcm", ALL[at]), &image[..length]);
    }
    stage.write(&format!("{folder}/README"), b"images, some of them deflated\n")
}

#[track_caller]
fn names_it(answer: &Value, file: &str) {
    let args = &answer["reason_args"];
    let wanted = (&Value::from(file), &Value::from(MISSING), &Value::from(1));
    assert_eq!((&args["file"], &args["missing"], &args["count"]), wanted, "{answer}");
    let detail = answer["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(file) && detail.contains("300 bytes"), "{answer}");
}

fn signals(event: &Value) -> Vec<&str> {
    event["data"]["complete"]["signals"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn it_is_held_until_it_is_whole() {
    let stage = Stage::start("s23-mended", &rules("2m"));
    let images = images(&stage);
    fill(&stage, "good.alert", &images, None);
    let good = stage.wait_event("good.alert", 1);
    assert!(signals(&good).contains(&"whole"), "{good}");
    for (at, kind) in ALL.iter().enumerate().filter(|(_, kind)| **kind != "deflated") {
        let folder = format!("{kind}.hold");
        let file = format!("{kind}.dcm");
        fill(&stage, &folder, &images, Some(at));
        names_it(&stage.wait_reason(&folder, "waiting.whole"), &file);
    }
    stage.settle();
    assert_eq!(stage.events().iter().filter(|event| event["data"]["kind"] == "dataset").count(), 1);
    for (at, kind) in ALL.iter().enumerate().filter(|(_, kind)| **kind != "deflated") {
        let folder = format!("{kind}.hold");
        let mended = stage.write(&format!("{folder}/{kind}.dcm"), &images[at]);
        let event = stage.wait_event(&folder, 1);
        assert!(signals(&event).contains(&"whole") && seconds_after(&event, mended) >= 0.3, "{event}");
    }
}

#[test]
fn at_its_deadline_the_rule_decides() {
    let mut stage = Stage::start("s23", &rules("2s"));
    let images = images(&stage);
    let folders = ["a.alert", "a.deliver", "a.announce_incomplete", "a.hold"];
    let begun: Vec<SystemTime> = folders
        .iter()
        .map(|folder| {
            let begun = SystemTime::now();
            fill(&stage, folder, &images, Some(3));
            begun
        })
        .collect();
    let file = "rle.dcm";
    names_it(&stage.wait_reason("a.alert", "waiting.whole"), file);

    let delivered = stage.wait_event("a.deliver", 1);
    assert_eq!(delivered["type"], "staithe.dataset.complete", "{delivered}");
    assert!(
        !signals(&delivered).contains(&"whole") && seconds_after(&delivered, begun[1]) >= 2.0,
        "{delivered}"
    );
    let incomplete = stage.wait_event("a.announce_incomplete", 1);
    assert_eq!(incomplete["type"], "staithe.dataset.incomplete", "{incomplete}");
    assert!(seconds_after(&incomplete, begun[2]) >= 2.0, "{incomplete}");
    names_it(&stage.wait_reason("a.announce_incomplete", "waiting.whole"), file);
    let held = stage.wait_reason("a.hold", "waiting.deadline");
    assert!(
        timeline(&held).iter().any(|line| line.starts_with("waiting.whole") && line.contains(file)),
        "{held}"
    );
    stage.settle();
    let count = |folder: &str| stage.of(folder).len();
    assert_eq!(folders.map(count), [0, 1, 1, 0]);
    let log = stage.landing.daemon().stderr();
    for folder in folders {
        let told: Vec<&str> =
            log.lines().filter(|line| line.contains(folder) && line.contains("deadline")).collect();
        let wanted = usize::from(folder != "a.deliver");
        assert!(told.len() == wanted && told.iter().all(|line| line.contains(file)), "{folder}: {log}");
    }

    // Whoever waits is told of when it is mended.
    for (folder, number) in [("a.alert", 1), ("a.announce_incomplete", 2), ("a.hold", 1)] {
        let mended = stage.write(&format!("{folder}/{file}"), &images[3]);
        let event = stage.wait_event(folder, number);
        assert_eq!(event["type"], "staithe.dataset.complete", "{event}");
        assert!(signals(&event).contains(&"whole") && seconds_after(&event, mended) >= 0.3, "{event}");
    }
}

const FILES: &str = r#"
    [[source.inbox.rule]]
    name = "files"
    include = ["*.dcm"]
    complete = { all = ["closed", "writer_gone", "whole"] }
"#;

#[test]
fn single_files_are_held_too() {
    let stage = Stage::start("s23-files", FILES);
    let images = images(&stage);
    for (kind, image) in ALL.iter().zip(&images).filter(|(kind, _)| **kind != "deflated") {
        let name = format!("{kind}.dcm");
        stage.write(&name, &image[..image.len() - MISSING]);
        names_it(&stage.wait_reason(&name, "waiting.whole"), &name);
        stage.write(&name, image);
        assert!(signals(&stage.wait_event(&name, 1)).contains(&"whole"));
    }
    // Of a deflated one only its beginning is known.
    stage.write("deflated.dcm", &images[4][..images[4].len() - MISSING]);
    stage.wait_event("deflated.dcm", 1);
    stage.write("short.dcm", &images[0][..40]);
    let answer = stage.wait_reason("short.dcm", "waiting.whole");
    assert_eq!(answer["reason_args"]["missing"], 92, "{answer}");
    fs::remove_file(stage.path("short.dcm")).expect("it can be removed");
}
