//! What becomes of datasets after they were announced: late members, consumers, renames, removals of
//! everything. And datasets inside datasets.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use testkit::chance::Chance;

use crate::stage::{Dataset, POLLING, Stage, with_each_backend};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "first-only"
    dataset = "*.once"
    late = "ignore"
    complete = { all = ["members", { quiet = "300ms" }] }

    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members", { quiet = "300ms" }] }
"#;

/// Announced, with four members.
fn announced(stage: &Stage, name: &str) -> Dataset {
    let mut set = Dataset::at(stage.path(name));
    for number in 0..4 {
        set.member(&format!("d{}/{number}", number % 2), format!("member {number}"));
    }
    set.is_in(&stage.wait_event(name, 1));
    set
}

fn late_members(source: &str) {
    let mut stage = Stage::start("late", source, RULES);
    let mut set = announced(&stage, "a.ms");
    announced(&stage, "a.once").member("late", "ignored");
    let first = stage.wait_event("a.ms", 1);
    set.member("d0/late", "one more");
    let second = stage.wait_event("a.ms", 2);
    second.is_complete(5, set.size).follows(&first).is_after(set.finished);
    // Rewritten in place, with as many bytes.
    let rewritten = stage.write("a.ms/d0/late", "another!");
    let third = stage.wait_event("a.ms", 3);
    third.is_complete(5, set.size).follows(&second).is_after(rewritten);
    stage.assert_only(&[("a.ms", 3), ("a.once", 1)]);
    // What was ignored once is known from then on.
    stage.wait_delivered();
    stage.kill_and_start();
    stage.assert_only(&[("a.ms", 3), ("a.once", 1)]);
}

#[test]
fn a_late_member_is_the_next_generation() {
    with_each_backend(late_members);
}

#[test]
fn a_late_member_that_is_open_holds_up_the_next_generation() {
    let mut stage = Stage::start("late-open", "", RULES);
    let mut set = announced(&stage, "a.ms");
    let first = stage.wait_event("a.ms", 1);
    let mut straggler = set.open("late");
    stage.wait_blocked("a.ms", "waiting.members", &["late"]);
    set.append(&mut straggler, b"the rest");
    stage.assert_only(&[("a.ms", 1)]);
    set.close(straggler);
    let second = stage.wait_event("a.ms", 2);
    second.is_complete(5, set.size).follows(&first).is_after(set.finished);
}

#[test]
fn a_consumer_that_takes_members_away_changes_nothing() {
    let mut stage = Stage::start("consumer", "", RULES);
    let names = ["some.ms", "all.ms", "whole.ms", "touched.ms", "after.ms"];
    for name in names {
        announced(&stage, name);
    }
    fs::remove_file(stage.path("some.ms/d0/0")).unwrap();
    fs::remove_file(stage.path("after.ms/d1/1")).unwrap();
    fs::remove_dir_all(stage.path("whole.ms")).unwrap();
    for (dir, number) in [("d0", 0), ("d0", 2), ("d1", 1), ("d1", 3)] {
        fs::remove_file(stage.path(&format!("all.ms/{dir}/{number}"))).unwrap();
        stage.settle();
    }
    assert!(Command::new("touch").arg(stage.path("touched.ms")).status().unwrap().success());
    fs::set_permissions(stage.path("touched.ms/d1/1"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(stage.path("touched.ms"), Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(stage.path("all.ms")).unwrap();
    let once = names.map(|name| (name, 1));
    stage.assert_only(&once);
    assert_eq!(stage.wait_state("some.ms", "delivered")["generation"], 1);
    // It is known as the consumer left it, also after a restart.
    stage.wait_delivered();
    stage.kill_and_start();
    stage.assert_only(&once);
    // And what comes then is news.
    let late = stage.write("after.ms/late", "x");
    let first = stage.of("after.ms").remove(0);
    stage.wait_event("after.ms", 2).follows(&first).is_after(late);
}

#[test]
fn a_consumer_changes_nothing_for_a_poller_either() {
    let mut stage = Stage::start("poll-consumer", POLLING, RULES);
    announced(&stage, "some.ms");
    announced(&stage, "whole.ms");
    fs::remove_file(stage.path("some.ms/d0/0")).unwrap();
    fs::remove_dir_all(stage.path("whole.ms")).unwrap();
    stage.assert_only(&[("some.ms", 1), ("whole.ms", 1)]);
}

const RENAMED: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { any = ["renamed_in", { all = ["members", { quiet = "20s" }] }] }
"#;

fn rename(from: &Path, to: &Path) -> SystemTime {
    let before = SystemTime::now();
    fs::rename(from, to).expect("a directory can be renamed");
    before
}

fn renamed(source: &str) {
    let mut stage = Stage::start("renamed", source, RENAMED);
    let mut chance = Chance::from_environment();
    let mut set = Dataset::at(stage.path("a.tmpdir"));
    set.fill(300, &mut chance);
    stage.hear();
    set.finished = rename(&stage.path("a.tmpdir"), &stage.path("a.ms"));
    set.is_in(stage.wait_event("a.ms", 1).is_by(&["renamed_in"]));
    // Under another name it is another unit.
    set.finished = rename(&stage.path("a.ms"), &stage.path("b.ms"));
    let moved = stage.wait_event("b.ms", 1);
    set.is_in(moved.is_by(&["renamed_in"]));
    // From outside of the tree, populated. Into a directory that is watched by then: in one that was made a moment ago
    // nobody hears of renames (`found.rs`).
    fs::create_dir(stage.path("deep")).expect("the tree takes directories");
    stage.hear_in("deep");
    let outside = stage.landing.out("elsewhere");
    let mut other = Dataset::at(outside.clone());
    other.fill(300, &mut chance);
    other.finished = rename(&outside, &stage.path("deep/c.ms"));
    other.is_in(stage.wait_event("deep/c.ms", 1).is_by(&["renamed_in"]));
    stage.assert_only(&[("a.ms", 1), ("b.ms", 1), ("deep/c.ms", 1)]);
    assert_eq!(stage.wait_state("b.ms", "delivered")["members"], 300);
}

#[test]
fn a_dataset_that_is_renamed_into_place_is_announced_at_once() {
    with_each_backend(|source| {
        if source != POLLING {
            renamed(source);
        }
    });
}

/// No rename is heard there.
#[test]
fn a_dataset_that_is_renamed_is_another_one_for_a_poller() {
    let mut stage = Stage::start("poll-renamed", POLLING, RULES);
    let set = announced(&stage, "a.ms");
    rename(&stage.path("a.ms"), &stage.path("b.ms"));
    stage.wait_event("b.ms", 1).is_first().is_complete(4, set.size);
    stage.assert_only(&[("a.ms", 1), ("b.ms", 1)]);
}

const WRITTEN: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { any = [{ all = ["renamed_in", "writer_gone"] }, { all = ["members", { quiet = "1s" }] }] }

    [[source.inbox.rule]]
    name = "renamed"
    dataset = "*.renamed"
    complete = { any = ["renamed_in"] }
"#;

/// No rename may be taken for the writing that came before it, however late it is heard of.
#[test]
fn many_that_are_filled_and_renamed_at_once_are_all_announced() {
    with_each_backend(|source| {
        let mut stage = Stage::start("renamed-fast", source, WRITTEN);
        let mut chance = Chance::from_environment();
        let names: Vec<String> = (0..40).map(|number| format!("d{}/{number}.renamed", number % 3)).collect();
        let mut sets = Vec::new();
        for name in &names {
            let making = stage.path(&format!("{name}.tmpdir"));
            let mut set = Dataset::at(making.clone());
            set.fill(chance.below(30) + 1, &mut chance);
            set.finished = rename(&making, &stage.path(name));
            sets.push(set);
        }
        for (set, name) in sets.iter().zip(&names) {
            set.is_in(&stage.wait_event(name, 1));
        }
        stage.assert_only(&names.iter().map(|name| (&**name, 1)).collect::<Vec<_>>());
    });
}

/// Written in place, it was not renamed.
#[test]
fn a_dataset_that_is_written_in_place_is_not_taken_for_a_renamed_one() {
    let mut stage = Stage::start("in-place", "", WRITTEN);
    Dataset::at(stage.path("a.renamed")).member("one", "1").member("sub/two", "2");
    stage.wait_reason("a.renamed", "waiting.renamed-in");
    stage.assert_only(&[]);
    rename(&stage.path("a.renamed"), &stage.path("b.renamed"));
    stage.wait_event("b.renamed", 1).is_first().is_complete(2, 2);
}

#[test]
fn a_dataset_that_is_renamed_with_an_open_member_waits_for_its_writer() {
    let mut stage = Stage::start("renamed-open", "", WRITTEN);
    let mut set = Dataset::at(stage.path("a.tmpdir"));
    set.member("one", "1");
    let mut straggler = set.open("two");
    stage.hear();
    rename(&stage.path("a.tmpdir"), &stage.path("a.ms"));
    stage.wait_answer("a.ms", "waiting", |it| it["state"] == "waiting");
    set.append(&mut straggler, b"22");
    set.close(straggler);
    // Who writes after the rename has not finished with it.
    let event = stage.wait_event("a.ms", 1);
    set.is_in(event.is_by(&["members", "quiet"]));
    assert!(!event.signals().contains(&"renamed_in"), "{event:?}");
    stage.assert_only(&[("a.ms", 1)]);
}

#[test]
fn the_outermost_of_nested_datasets_wins() {
    let mut stage = Stage::start("nested", "", RULES);
    let mut outer = Dataset::at(stage.path("outer.ms"));
    outer.member("inner.ms/table", "1").member("inner.ms/deeper.once/x", "2").member("y", "3");
    outer.is_in(&stage.wait_event("outer.ms", 1));
    // A file of that name is no dataset.
    stage.write("file.ms", "x");
    stage.assert_only(&[("outer.ms", 1)]);
    let answer = stage.wait_state("outer.ms/inner.ms/table", "delivered");
    assert_eq!(answer["unit"], "outer.ms", "{answer}");
}
