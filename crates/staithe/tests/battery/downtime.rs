//! What happens to the tree while the program does not run.

use std::fs;
use std::path::Path;
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

/// Folders that are renamed, and made anew, as a whole; so many files lie in each.
const RENAMED: &str = "renamed";
const ANEW: &str = "anew";
const IN_EACH: usize = 50;

/// The tree before: so many files, and those of the two folders.
fn fill(landing: &Landing, files: usize, chance: &mut Chance) -> Truth {
    let mut truth = Truth::default();
    for number in 0..files {
        if number % 50 == 0 {
            fs::create_dir(landing.root().join(format!("d{:03}", number / 50)))
                .expect("the tree takes folders");
        }
        truth.write(&landing.root(), name(number).as_bytes(), &content(chance));
    }
    for folder in [RENAMED, ANEW] {
        fill_folder(landing, folder, chance, &mut truth);
    }
    truth
}

fn fill_folder(landing: &Landing, folder: &str, chance: &mut Chance, truth: &mut Truth) {
    fs::create_dir(landing.root().join(folder)).expect("the tree takes folders");
    for number in 0..IN_EACH {
        truth.write(&landing.root(), format!("{folder}/f{number}").as_bytes(), &content(chance));
    }
}

/// Of each four files one is replaced, one taken away, one renamed, and one stays; one is added. Gives what is new.
fn change(landing: &Landing, files: usize, chance: &mut Chance) -> Truth {
    let root = landing.root();
    let mut numbers: Vec<usize> = (0..files).collect();
    chance.shuffle(&mut numbers);
    let part = files / 4;
    let mut truth = Truth::default();
    for pair in numbers[..part].chunks_exact(2) {
        replace(&root, &name(pair[0]), &name(pair[1]), chance, &mut truth);
    }
    for number in &numbers[part..2 * part] {
        fs::remove_file(root.join(name(*number))).expect("it is there");
    }
    for number in &numbers[2 * part..3 * part] {
        let new = format!("{}-renamed", name(*number));
        fs::rename(root.join(name(*number)), root.join(&new)).expect("it is there");
        note(&root, &new, &mut truth);
    }
    for number in files..files + part {
        let name = format!("d{:03}/new{number}", chance.below(files / 50));
        truth.write(&root, name.as_bytes(), &content(chance));
    }
    fs::rename(root.join(RENAMED), root.join("elsewhere")).expect("it is there");
    (0..IN_EACH).for_each(|number| note(&root, &format!("elsewhere/f{number}"), &mut truth));
    fs::remove_dir_all(root.join(ANEW)).expect("it is there");
    fill_folder(landing, ANEW, chance, &mut truth);
    truth
}

/// Notes that what lies there is new there.
fn note(root: &Path, name: &str, truth: &mut Truth) {
    truth.note(name.as_bytes(), &fs::read(root.join(name)).expect("it is there"));
}

/// Both files have another content afterwards, by one of the ways in which that happens.
fn replace(root: &Path, one: &str, other: &str, chance: &mut Chance, truth: &mut Truth) {
    let (first, second, aside) = (root.join(one), root.join(other), root.join(".aside"));
    match chance.below(4) {
        // In place.
        0 => [&first, &second].into_iter().for_each(|path| rewrite(path, chance)),
        // By a new file.
        1 => [&first, &second].into_iter().for_each(|path| {
            rewrite(&aside, chance);
            fs::rename(&aside, path).expect("both are ours");
        }),
        // By a new file with the times of the old one.
        2 => [&first, &second].into_iter().for_each(|path| {
            let before = fs::metadata(path).and_then(|look| look.modified()).expect("it is there");
            rewrite(&aside, chance);
            let new = fs::File::options().write(true).open(&aside).expect("it is ours");
            new.set_modified(before).expect("it is ours");
            fs::rename(&aside, path).expect("both are ours");
        }),
        // By each other.
        _ => {
            for (from, to) in [(&first, &aside), (&second, &first), (&aside, &second)] {
                fs::rename(from, to).expect("all are ours");
            }
        }
    }
    note(root, one, truth);
    note(root, other, truth);
}

fn rewrite(path: &Path, chance: &mut Chance) {
    fs::write(path, content(chance)).expect("the tree takes files");
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
    landing.wait_idle(before.paths() as u64, LONG);
    landing.stop();
    judge(&before, &tail(&landing).finish()).assert_exact();
    set_aside(&landing);

    let news = change(&landing, files, &mut chance);
    let begun = Instant::now();
    let lines = tail(&landing);
    landing.start();
    lines.wait_for(news.paths(), LONG);
    landing.wait_idle((before.paths() + news.paths()) as u64, LONG);
    let receipts = lines.finish();
    let judgement = judge(&news, &receipts);
    let caught_up = receipts.iter().map(|receipt| receipt.at).max().unwrap_or(begun) - begun;
    let row = row.judged(&judgement).milliseconds("restart to caught up", caught_up);
    row.figure("unchanged delivered again", judgement.unknown.len()).print();
    assert!(judgement.unknown.is_empty(), "unchanged, and delivered again: {judgement}");
    judgement.assert_exact();
    let replaced = receipts.iter().filter(|receipt| receipt.generation == 2).count();
    assert_eq!(replaced, files / 4 + IN_EACH, "each that was replaced is the second generation");

    // And where nothing has changed, nothing comes.
    landing.stop();
    set_aside(&landing);
    landing.start();
    landing.wait_idle((before.paths() + news.paths()) as u64, LONG);
    landing.stop();
    assert!(
        !landing.out("events.jsonl").exists() || tail(&landing).finish().is_empty(),
        "something came again"
    );
}
