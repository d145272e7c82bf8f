//! An overlay: what is written into its upper layer raises no event anywhere.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::proof::{Row, skip};
use testkit::{Truth, judge, wait_until};

use crate::world::World;
use crate::{STEP, to_lines};

/// Makes the watched tree an overlay; gives its upper layer, which is not watched by anybody.
pub(crate) fn overlay(world: &World) -> Option<PathBuf> {
    layered(world, &world.landing.root())
}

/// The same at another place.
pub(crate) fn layered(world: &World, point: &Path) -> Option<PathBuf> {
    let layer = |name: &str| {
        let path = world.landing.out(name);
        fs::create_dir(&path).expect("the scratch folder takes layers");
        path.display().to_string()
    };
    let (lower, upper, work) = (layer("lower"), layer("upper"), layer("work"));
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let done = world.try_sh(&format!("mount -t overlay overlay -o {options} {}", point.display()));
    if done.code != Some(0) {
        eprintln!("SKIPPED: no overlays here: {}", done.stderr);
        return None;
    }
    Some(upper.into())
}

fn fill(truth: &mut Truth, upper: &Path, folders: usize, files: usize) {
    for folder in 0..folders {
        let name = format!("d{folder}");
        fs::create_dir_all(upper.join(&name)).expect("the layer takes folders");
        for file in 0..files {
            let content = format!("file {file} of {folder}");
            truth.write(upper, format!("{name}/f{file}").as_bytes(), content.as_bytes());
        }
    }
}

/// The signals by which the event of this path was found complete.
pub(crate) fn signals(world: &World, path: &str) -> String {
    let lines = fs::read_to_string(world.landing.out("events.jsonl")).expect("there were events");
    let mut events = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let of_path = events.rfind(|event| event["data"]["path"] == path);
    of_path.map(|event| event["data"]["complete"]["signals"].to_string()).expect("an event of the path")
}

#[test]
fn files_written_into_the_upper_layer_of_an_overlay_are_found_by_polling() {
    let row = Row::new("B06");
    let Some(mut world) = World::new("overlay") else { return skip("B06", "no namespace of mounts") };
    let Some(upper) = overlay(&world) else { return skip("B06", "no overlays") };
    // No full pass helps: what cheap passes do not find is not found.
    world.landing.configure(&to_lines("poll_interval = \"1s\"\npoll_full = \"1h\"\nrescan = \"1h\""));
    let mut truth = Truth::default();
    fill(&mut truth, &upper, 10, 10);
    world.landing.start();
    let lines = world.tail();
    lines.wait_for(100, STEP);

    // Old and new directories.
    fill(&mut truth, &upper, 50, 100);
    let all = truth.paths();
    assert_eq!(all, 5_000);
    // Some were announced before and are rewritten, so the number of events says nothing.
    wait_until(STEP, "an event of every file", || judge(&truth, &lines.receipts()).lost.is_empty());
    world.landing.wait_idle(all as u64, STEP);
    let status = world.landing.status();
    let source = &status["sources"][0];
    assert_eq!(source["backend"], "inotify+poll", "{source}");
    assert_eq!((&source["state"], &source["overflows"]), (&"ok".into(), &0.into()), "{source}");
    let mount = &source["mounts"][0];
    assert_eq!((&mount["path"], &mount["filesystem"]), (&"".into(), &"overlay".into()), "{mount}");
    assert!(mount["why"].as_str().is_some_and(|why| why.contains("past this mount")), "{mount}");
    assert!(world.said().contains("inotify+poll: what is written past this mount"), "{}", world.said());
    let judgement = judge(&truth, &lines.finish());
    let row = row.judged(&judgement).milliseconds("found after, median", judgement.delay(0.5));
    row.milliseconds("at most", judgement.delay(1.0)).print();
    judgement.assert_exact();
    // 1 s until the next pass, 2 s of quiet; the rest is for two busy cores and a debug build.
    assert!(judgement.delay(1.0) < Duration::from_secs(12), "{judgement}");
}

#[test]
fn files_written_through_the_merged_view_of_an_overlay_are_heard_at_once() {
    let Some(mut world) = World::new("merged") else { return };
    if overlay(&world).is_none() {
        return;
    }
    // Nothing but events finds anything in time.
    world.landing.configure(&to_lines("poll_interval = \"1h\"\npoll_full = \"1h\"\nrescan = \"1h\""));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    for number in 1..=20 {
        truth.write(&world.root(), format!("f{number}").as_bytes(), b"through the mount");
        lines.wait_for(number, STEP);
    }
    let judgement = judge(&truth, &lines.finish());
    judgement.assert_exact();
    assert!(judgement.delay(0.5) < Duration::from_millis(500), "{judgement}");
    assert!(signals(&world, "f7").contains("closed"), "{}", signals(&world, "f7"));
}

#[test]
fn a_file_that_grows_in_the_upper_layer_is_not_announced_half_written() {
    let Some(mut world) = World::new("growing") else { return };
    let Some(upper) = overlay(&world) else { return };
    world.landing.configure(&to_lines("poll_interval = \"200ms\""));
    world.landing.start();
    let lines = world.tail();
    let mut content = Vec::new();
    let mut file = File::create(upper.join("slow")).expect("the layer takes files");
    // Not a wait for luck: this is the writer's speed.
    for piece in 0..10 {
        let piece = format!("piece {piece} ");
        file.write_all(piece.as_bytes()).expect("the layer takes bytes");
        content.extend_from_slice(piece.as_bytes());
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(lines.count(), 0, "announced while it was written");
    drop(file);
    let mut truth = Truth::default();
    truth.note(b"slow", &content);
    lines.wait_for(1, STEP);
    world.landing.wait_idle(1, STEP);
    judge(&truth, &lines.finish()).assert_exact();
}
