//! What happens to the tree while the program does not run.

use std::fs;
use std::time::Instant;

use testkit::chance::Chance;
use testkit::proof::{self, Row};
use testkit::redis::Redis;
use testkit::{Landing, Scratch, Truth, judge};

use crate::{LONG, landing, tail, to_redis_and_lines};

/// In folders of fifty.
fn name(number: usize) -> String {
    format!("d{:03}/f{number:05}", number / 50)
}

fn content(chance: &mut Chance) -> Vec<u8> {
    let length = 1 + chance.below(200);
    chance.bytes(length)
}

/// The tree before: so many files.
fn fill(landing: &Landing, files: usize, chance: &mut Chance) -> Truth {
    let mut truth = Truth::default();
    for number in 0..files {
        if number % 50 == 0 {
            fs::create_dir(landing.root().join(format!("d{:03}", number / 50)))
                .expect("the tree takes folders");
        }
        truth.write(&landing.root(), name(number).as_bytes(), &content(chance));
    }
    truth
}

/// Half of the files are replaced, taken away or renamed, in equal parts, and as many as one part are added.
/// What remains is as it was. Gives what is new.
fn change(landing: &Landing, files: usize, chance: &mut Chance) -> Truth {
    let root = landing.root();
    let mut numbers: Vec<usize> = (0..files).collect();
    chance.shuffle(&mut numbers);
    let part = files / 4;
    let mut truth = Truth::default();
    for number in &numbers[..part] {
        let (name, content) = (name(*number), content(chance));
        if chance.flip() {
            truth.write(&root, name.as_bytes(), &content);
        } else {
            fs::write(root.join(".new"), &content).expect("the tree takes files");
            fs::rename(root.join(".new"), root.join(&name)).expect("its own file");
            truth.note(name.as_bytes(), &content);
        }
    }
    for number in &numbers[part..2 * part] {
        fs::remove_file(root.join(name(*number))).expect("it is there");
    }
    for number in &numbers[2 * part..3 * part] {
        let new = format!("{}-renamed", name(*number));
        fs::rename(root.join(name(*number)), root.join(&new)).expect("it is there");
        truth.note(new.as_bytes(), &fs::read(root.join(&new)).expect("it is there"));
    }
    for number in files..files + part {
        let name = format!("d{:03}/new{number}", chance.below(files / 50));
        truth.write(&root, name.as_bytes(), &content(chance));
    }
    truth
}

/// Puts what was delivered so far aside: what comes now comes into a new file.
fn set_aside(landing: &Landing) {
    fs::rename(landing.out("events.jsonl"), landing.out("before.jsonl")).expect("there were events");
}

#[test]
fn of_what_changed_while_it_was_down_only_new_versions_are_delivered() {
    let files = proof::size(2_000, 10_000);
    let mut chance = Chance::from_environment();
    let row = Row::new("B07").seed(chance.seed());
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("downtime"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    let before = fill(&landing, files, &mut chance);
    landing.start();
    landing.wait_idle(files as u64, LONG);
    landing.stop();
    judge(&before, &tail(&landing).finish()).assert_exact();
    set_aside(&landing);

    let news = change(&landing, files, &mut chance);
    let begun = Instant::now();
    let lines = tail(&landing);
    landing.start();
    lines.wait_for(news.paths(), LONG);
    landing.wait_idle((files + news.paths()) as u64, LONG);
    let receipts = lines.finish();
    let judgement = judge(&news, &receipts);
    let caught_up = receipts.iter().map(|receipt| receipt.at).max().unwrap_or(begun) - begun;
    let row = row.judged(&judgement).milliseconds("restart to caught up", caught_up);
    row.figure("unchanged delivered again", judgement.unknown.len()).print();
    assert!(judgement.unknown.is_empty(), "unchanged, and delivered again: {judgement}");
    judgement.assert_exact();
    let replaced = receipts.iter().filter(|receipt| receipt.generation == 2).count();
    assert_eq!(replaced, files / 4, "each that was replaced is the second generation");

    // And where nothing has changed, nothing comes.
    landing.stop();
    set_aside(&landing);
    landing.start();
    landing.wait_idle((files + news.paths()) as u64, LONG);
    landing.stop();
    assert!(
        !landing.out("events.jsonl").exists() || tail(&landing).finish().is_empty(),
        "something came again"
    );
}
