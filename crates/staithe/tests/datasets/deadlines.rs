//! What happens to a unit that is not complete at its deadline.

use std::fs;

use crate::stage::{Dataset, Stage};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "announced"
    dataset = "*.inc"
    complete = { all = ["members", { quiet = "300ms" }, { metadata = "meta.json" }], deadline = "1s", on_deadline = "announce_incomplete" }

    [[source.inbox.rule]]
    name = "said"
    dataset = "*.alert"
    complete = { all = ["members", { quiet = "300ms" }, { metadata = "meta.json" }], deadline = "1s", on_deadline = "alert" }

    [[source.inbox.rule]]
    name = "held"
    dataset = "*.hold"
    complete = { all = ["members", { quiet = "300ms" }, { metadata = "meta.json" }], deadline = "1s", on_deadline = "hold" }

    [[source.inbox.rule]]
    name = "delivered"
    dataset = "*.deliver"
    complete = { all = ["members", { quiet = "300ms" }, { metadata = "meta.json" }], deadline = "1s", on_deadline = "deliver" }

    [[source.inbox.rule]]
    name = "group"
    include = ["group/*"]
    group = 're:^(?<key>[a-z]+)_[0-9]+of(?<total>[0-9]+)$'
    complete = { all = ["members", { count = "captured" }], deadline = "1s", on_deadline = "announce_incomplete" }
"#;

const INCOMPLETE: &str = "staithe.dataset.incomplete";

#[test]
fn what_is_announced_as_incomplete_is_announced_once_more_when_it_is_complete() {
    let mut stage = Stage::start("incomplete", "", RULES);
    let names = ["before.inc", "after.inc"];
    let mut sets: Vec<Dataset> = names.iter().map(|name| Dataset::at(stage.path(name))).collect();
    for set in &mut sets {
        set.member("one", "1");
    }
    stage.write("group/run_1of2", "1");
    let group = "group/run/";
    let mut first = Vec::new();
    for name in [names[0], names[1], group] {
        let event = stage.wait_event(name, 1);
        assert_eq!((event.type_name(), &event.members()["count"]), (INCOMPLETE, &1.into()), "{event:?}");
        first.push(event.is_first().clone());
    }
    stage.assert_only(&[("before.inc", 1), ("after.inc", 1), (group, 1)]);
    stage.wait_reason("before.inc", "waiting.metadata");

    sets[0].member("meta.json", "{\"a\":1}");
    let complete = stage.wait_event("before.inc", 2);
    complete.is_complete(2, sets[0].size).follows(&first[0]).is_after(sets[0].finished);
    stage.wait_delivered();
    stage.kill_and_start();
    // The deadline has passed anew by then, and that is not told again.
    stage.assert_only(&[("before.inc", 2), ("after.inc", 1), (group, 1)]);
    stage.wait_reason("after.inc", "waiting.metadata");
    sets[1].member("meta.json", "{\"a\":1}");
    let complete = stage.wait_event("after.inc", 2);
    complete.is_complete(2, sets[1].size).follows(&first[1]).is_after(sets[1].finished);
    let last = stage.write("group/run_2of2", "2");
    stage.wait_event(group, 2).is_complete(2, 2).follows(&first[2]).is_after(last);
    stage.assert_only(&[("before.inc", 2), ("after.inc", 2), (group, 2)]);
}

#[test]
fn other_deadlines_say_so_hold_or_deliver() {
    let mut stage = Stage::start("deadlines", "", RULES);
    let names = ["a.alert", "a.hold", "a.deliver"];
    let mut sets: Vec<Dataset> = names.iter().map(|name| Dataset::at(stage.path(name))).collect();
    for set in &mut sets {
        set.member("one", "1");
    }
    let delivered = stage.wait_event("a.deliver", 1);
    delivered.is_first().is_complete(1, 1);
    assert!(!delivered.signals().contains(&"metadata"), "{delivered:?}");
    stage.wait_reason("a.hold", "waiting.deadline");
    stage.wait_reason("a.alert", "waiting.metadata");
    let said = stage.landing.daemon().stderr();
    let about: Vec<&str> = said.lines().filter(|line| line.contains("a.alert")).collect();
    assert!(about.len() == 1 && about[0].contains("deadline"), "{said}");
    for set in &mut sets {
        set.member("meta.json", "[1]");
    }
    sets[0].is_in(stage.wait_event("a.alert", 1).is_by(&["metadata"]));
    sets[1].is_in(stage.wait_event("a.hold", 1).is_by(&["metadata"]));
    stage.wait_event("a.deliver", 2).is_complete(2, 4).follows(&delivered);
    stage.assert_only(&[("a.alert", 1), ("a.hold", 1), ("a.deliver", 2)]);
}

#[test]
fn a_writer_that_is_still_there_at_the_deadline_does_not_hide_what_is_there() {
    let mut stage = Stage::start("overdue-open", "", RULES);
    let mut set = Dataset::at(stage.path("a.inc"));
    set.member("one", "1").member("meta.json", "{\"a\":1}");
    let mut straggler = set.open("two");
    let early = stage.wait_event("a.inc", 1);
    assert_eq!((early.type_name(), &early.members()["count"]), (INCOMPLETE, &3.into()), "{early:?}");
    set.append(&mut straggler, b"the rest");
    stage.wait_blocked("a.inc", "waiting.members", &["two"]);
    set.close(straggler);
    let complete = stage.wait_event("a.inc", 2);
    complete.is_complete(set.count, set.size).follows(&early).is_after(set.finished);
    fs::remove_dir_all(stage.path("a.inc")).unwrap();
    stage.assert_only(&[("a.inc", 2)]);
}
