//! The end of what was announced, step by step. Whoever removes a directory removes its members first, and the
//! program may look at any moment between the two: what it saw then must not be its last word.

use std::fs;
use std::time::SystemTime;

use crate::stage::{Dataset, Event, Stage, with_each_backend};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    removed = true
    complete = { all = ["members", { quiet = "300ms" }] }

    [[source.inbox.rule]]
    name = "renamed"
    dataset = "*.renamed"
    removed = true
    complete = { any = ["renamed_in"] }

    [[source.inbox.rule]]
    name = "pairs"
    include = ["pairs/*"]
    group = 're:^(?<key>[^_]+)_[0-9]$'
    removed = true
    complete = { all = ["members", { quiet = "300ms" }] }
"#;

/// The announcement is followed by the removal, which is known to whoever asks.
#[track_caller]
fn is_removed(stage: &Stage, announced: &Event, since: SystemTime) {
    let event = stage.wait_event(announced.path(), 2);
    assert_eq!(event.type_name(), "staithe.file.removed", "{event:?}");
    assert_eq!(event.data()["kind"], "dataset", "{event:?}");
    assert_eq!(event.data()["supersedes"], announced.id(), "{event:?}");
    event.is_after(since);
    stage.wait_answer(announced.path(), "known to be removed", |it| it["removed_at"].is_string());
}

/// Removes the members and lets the program draw its conclusions from that.
fn empty(stage: &mut Stage, members: &[&str]) {
    for member in members {
        fs::remove_file(stage.path(member)).expect("a member can be removed");
    }
    stage.settle();
}

#[test]
fn a_dataset_that_was_seen_without_members_is_removed_with_its_directory() {
    with_each_backend(|source| {
        let mut stage = Stage::start("emptied", source, RULES);
        let sets = ["flat.ms", "deep.ms", "dir/inner.ms"];
        let members = ["flat.ms/one", "deep.ms/one", "deep.ms/sub/deeper/two", "dir/inner.ms/one"];
        for member in members {
            stage.write(member, "x");
        }
        let announced = sets.map(|name| stage.wait_event(name, 1));
        empty(&mut stage, &members);
        stage.assert_only(&sets.map(|name| (name, 1)));
        let removed = SystemTime::now();
        for dir in ["flat.ms", "deep.ms/sub/deeper", "deep.ms/sub", "deep.ms", "dir/inner.ms", "dir"] {
            fs::remove_dir(stage.path(dir)).expect("an empty directory can be removed");
        }
        for event in &announced {
            is_removed(&stage, event, removed);
        }
        stage.assert_only(&sets.map(|name| (name, 2)));
    });
}

#[test]
fn a_dataset_that_was_seen_without_members_is_removed_when_it_is_renamed_away() {
    with_each_backend(|source| {
        let mut stage = Stage::start("emptied-away", source, RULES);
        stage.write("a.ms/one", "1");
        let announced = stage.wait_event("a.ms", 1);
        empty(&mut stage, &["a.ms/one"]);
        let removed = SystemTime::now();
        fs::rename(stage.path("a.ms"), stage.landing.out("away.ms")).expect("it can be renamed");
        is_removed(&stage, &announced, removed);
        stage.assert_only(&[("a.ms", 2)]);
    });
}

/// A group has no directory of its own: it ends with its last member.
#[test]
fn a_group_is_removed_with_its_last_member() {
    with_each_backend(|source| {
        let mut stage = Stage::start("emptied-group", source, RULES);
        for member in ["pairs/a_1", "pairs/a_2", "pairs/b_1"] {
            stage.write(member, "x");
        }
        let announced = ["pairs/a/", "pairs/b/"].map(|group| stage.wait_event(group, 1));
        empty(&mut stage, &["pairs/a_1"]);
        stage.assert_only(&[("pairs/a/", 1), ("pairs/b/", 1)]);
        let removed = SystemTime::now();
        fs::remove_dir_all(stage.path("pairs")).expect("a directory can be removed");
        for event in &announced {
            is_removed(&stage, event, removed);
        }
        stage.assert_only(&[("pairs/a/", 2), ("pairs/b/", 2)]);
    });
}

/// What is there again before anybody could look is another generation, and no removal.
#[test]
fn what_is_made_again_at_once_is_the_next_generation() {
    with_each_backend(|source| {
        let mut stage = Stage::start("emptied-again", source, RULES);
        let names = ["made.ms", "moved.ms", "moved.renamed"];
        let outside = |stage: &Stage, name: &str, content: &str| {
            let mut set = Dataset::at(stage.landing.out(name));
            set.member("one", content);
            fs::rename(stage.landing.out(name), stage.path(name)).expect("it can be renamed");
        };
        stage.write("made.ms/one", "1");
        for name in &names[1..] {
            outside(&stage, name, "1");
        }
        let announced = names.map(|name| stage.wait_event(name, 1));

        stage.landing.daemon().freeze();
        for name in names {
            fs::remove_dir_all(stage.path(name)).expect("a dataset can be removed");
        }
        stage.write("made.ms/one", "another");
        for name in &names[1..] {
            outside(&stage, name, "another");
        }
        stage.landing.daemon().resume();
        for (name, before) in names.iter().zip(&announced) {
            stage.wait_event(name, 2).is_complete(1, 7).follows(before);
        }
        stage.assert_only(&names.map(|name| (name, 2)));
    });
}
