//! Datasets on their way: stragglers, metadata, many at once, units inside units.

use std::fs;
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, size};

use crate::stage::{Dataset, Event, POLLING, Stage, with_each_backend};

/// Longer than the quiet time of the rules here.
const PAUSE: Duration = Duration::from_millis(1_300);

const WITH_METADATA: &str = r#"
    [[source.inbox.rule]]
    name = "products"
    dataset = "*.ms"
    complete = { all = ["members", { quiet = "1s" }, { metadata = { file = "meta.yaml", key = "a.block" } }] }
"#;
const METADATA: &str = "a:\n  block: eb-1\n";

#[test]
fn of_5000_members_the_straggler_and_the_metadata_decide() {
    let row = Row::new("A09");
    let mut stage = Stage::start("straggler", "", WITH_METADATA);
    let mut chance = Chance::from_environment();
    let mut early = Dataset::at(stage.path("deep/early.ms"));
    early.member("meta.yaml", METADATA);
    let mut straggler = early.open("sub1/late/straggler.dat");
    early.fill(5_000, &mut chance);
    let mut late = Dataset::at(stage.path("late.ms"));
    late.fill(5_000, &mut chance);
    let mut wrong = Dataset::at(stage.path("wrong.ms"));
    wrong.member("meta.yaml", "a: [").fill(500, &mut chance);
    let mut never = Dataset::at(stage.path("never.ms"));
    never.fill(500, &mut chance);

    // Everything else holds: the one that is open is named, although all is quiet.
    for _ in 0..2 {
        early.append(&mut straggler, b"some more");
        std::thread::sleep(PAUSE);
        let args = stage.wait_blocked("deep/early.ms", "waiting.members", &["sub1/late/straggler.dat"]);
        assert_eq!((&args["present"], &args["expected"]), (&5_001.into(), &5_002.into()), "{args}");
    }
    let missing = stage.wait_reason("late.ms", "waiting.metadata");
    assert_eq!((&missing["file"], &missing["problem"]), (&"meta.yaml".into(), &"it is not there".into()));
    let invalid = stage.wait_reason("wrong.ms", "waiting.metadata");
    assert_ne!(invalid["problem"], "it is not there", "{invalid}");
    assert!(stage.events().is_empty());

    early.close(straggler);
    let closed = Instant::now();
    early.is_in(stage.wait_event("deep/early.ms", 1).is_by(&["members", "quiet", "metadata"]));
    let row = row.seed(chance.seed()).milliseconds("last of 5 002 members to event", closed.elapsed());
    late.member("meta.yaml", METADATA);
    wrong.finished = stage.write("wrong.ms/meta.yaml", "a: {}\n");
    wrong.size += 2;
    late.is_in(&stage.wait_event("late.ms", 1));
    let keyless = stage.wait_answer("wrong.ms", "without key", |it| {
        it["reason_args"]["problem"].as_str().is_some_and(|problem| problem.contains("a.block"))
    });
    assert_eq!(keyless["reason"], "waiting.metadata");
    wrong.size += METADATA.len() as u64 - 6;
    wrong.finished = stage.write("wrong.ms/meta.yaml", METADATA);
    wrong.is_in(&stage.wait_event("wrong.ms", 1));

    let count = size(40, 400);
    let rate = many_at_once(&stage, count, &mut chance);
    let row = row.figure(&format!("datasets/s of {count} at once, 1 s of quiet included"), rate);

    let many: Vec<String> = (0..count).map(many).collect();
    let mut expected = vec![("deep/early.ms", 1), ("late.ms", 1), ("wrong.ms", 1)];
    expected.extend(many.iter().map(|name| (&**name, 1)));
    stage.assert_only(&expected);
    stage.wait_reason("never.ms", "waiting.metadata");
    let row = row.count("receipts", expected.len()).count("lost", 0).count("early", 0).count("again", 0);
    row.count("waits for its metadata, explained", 1).print();
}

fn many(number: usize) -> String {
    format!("many/{number:03}.ms")
}

/// Datasets of 20 members that end one right after the other. From the first end to the last event: so many a second.
fn many_at_once(stage: &Stage, count: usize, chance: &mut Chance) -> f64 {
    let mut sets: Vec<Dataset> = (0..count).map(|number| Dataset::at(stage.path(&many(number)))).collect();
    for set in &mut sets {
        set.fill(20, chance);
    }
    let begun = Instant::now();
    for set in &mut sets {
        set.member("meta.yaml", METADATA);
    }
    for (number, set) in sets.iter().enumerate() {
        set.is_in(&stage.wait_event(&many(number), 1));
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

const MEMBERS: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members", { quiet = "600ms" }] }
"#;

/// They are finished in batches of so many.
fn twelve_at_once(source: &str, batch: usize) {
    let mut stage = Stage::start("twelve", source, MEMBERS);
    let mut chance = Chance::from_environment();
    let names: Vec<String> = (0..12).map(|number| format!("d{}/{number}.ms", number % 3)).collect();
    let mut sets: Vec<Dataset> = names.iter().map(|name| Dataset::at(stage.path(name))).collect();
    let mut open: Vec<Option<fs::File>> =
        sets.iter_mut().enumerate().map(|(at, set)| Some(set.open(&format!("sub/straggler{at}")))).collect();
    // All grow at the same time, each in an order of its own.
    let mut turns: Vec<usize> = (0..12 * 50).collect();
    chance.shuffle(&mut turns);
    for turn in turns {
        sets[turn % 12].member(&format!("sub/t{}/{turn}", turn % 5), vec![b'x'; turn % 100]);
    }
    let mut order: Vec<usize> = (0..12).collect();
    chance.shuffle(&mut order);
    let mut done: Vec<usize> = Vec::new();
    for batch in order.chunks(batch) {
        for (at, name) in names.iter().enumerate().filter(|(at, _)| !done.contains(at)) {
            let blocking = format!("sub/straggler{at}");
            stage.wait_blocked(name, "waiting.members", &[&blocking]);
        }
        assert_eq!(stage.events().len(), done.len());
        for &at in batch {
            let mut straggler = open[at].take().expect("each is closed once");
            sets[at].append(&mut straggler, b"the end");
            sets[at].close(straggler);
        }
        for &at in batch {
            sets[at].is_in(stage.wait_event(&names[at], 1).is_by(&["members", "quiet"]));
        }
        done.extend(batch);
    }
    let expected: Vec<(&str, usize)> = names.iter().map(|name| (&**name, 1)).collect();
    stage.assert_only(&expected);
}

#[test]
fn twelve_at_once_come_one_by_one() {
    // A poller hears of no close, and looks at a dataset ever more rarely the longer it waits: there all end
    // together.
    with_each_backend(|source| twelve_at_once(source, if source == POLLING { 12 } else { 5 }));
}

const STUDY: &str = r#"
    [[source.inbox.rule]]
    name = "study"
    dataset = "study_*"
    complete = { all = ["members", { quiet = "1s" }] }

    [[source.inbox.rule]]
    name = "series"
    dataset = "study_*/series_*"
    of = "study"
    complete = { all = ["members", { quiet = "500ms" }] }
"#;

#[test]
fn a_study_waits_for_the_slowest_of_four_series() {
    let mut stage = Stage::start("study", "", STUDY);
    let mut chance = Chance::from_environment();
    let mut study = Dataset::at(stage.path("study_1"));
    study.member("order.txt", "four series");
    let series = |number: usize| format!("study_1/series_{number}");
    let mut sets: Vec<Dataset> = (0..4).map(|number| Dataset::at(stage.path(&series(number)))).collect();
    let mut straggler = sets[3].open("0");
    for (number, set) in sets.iter_mut().enumerate().take(3) {
        set.fill(50 + number, &mut chance);
    }
    // Ten times slower: a part in each tenth of the time that the others are announced in.
    for number in 0..3 {
        sets[number].is_in(&stage.wait_event(&series(number), 1));
        sets[3].append(&mut straggler, b"a part");
    }
    for _ in 0..2 {
        stage.wait_blocked("study_1", "waiting.children", &["study_1/series_3"]);
        std::thread::sleep(PAUSE);
        sets[3].append(&mut straggler, b"another");
    }
    assert_eq!(stage.events().len(), 3);
    sets[3].close(straggler);
    sets[3].is_in(&stage.wait_event(&series(3), 1));
    let whole: Event = stage.wait_event("study_1", 1);
    for set in &sets {
        study.count += set.count;
        study.size += set.size;
        study.finished = study.finished.max(set.finished);
    }
    study.is_in(whole.is_by(&["children", "members", "quiet"]));
    let paths: Vec<String> = (0..4).map(series).collect();
    let mut expected: Vec<(&str, usize)> = paths.iter().map(|path| (&**path, 1)).collect();
    expected.push(("study_1", 1));
    stage.assert_only(&expected);
}
