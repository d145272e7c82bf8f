//! Starting again, and other rules while it runs: nothing is announced before its members are known again, and
//! nothing twice.

use std::fs::{self, File};

use crate::BY_KEY;
use crate::stage::Stage;

fn reload(stage: &Stage, changes: &[(&str, &str)]) {
    let config = stage.landing.config();
    let text = fs::read_to_string(&config).expect("the configuration can be read");
    let text = changes.iter().fold(text, |text, (from, to)| text.replace(from, to));
    fs::write(&config, text).expect("and written");
    let finished = stage.landing.call(&["reload"]);
    assert!(finished.code == Some(0), "{finished:?}");
}

#[test]
fn a_group_waits_for_its_open_member_also_after_a_reload() {
    let mut stage = Stage::start("reloaded", "", BY_KEY);
    stage.write("k_1", "one");
    let open = File::create(stage.path("k_2")).expect("the tree takes files");
    stage.wait_blocked("k/", "waiting.members", &["k_2"]);
    reload(&stage, &[("400ms", "500ms")]);
    stage.settle();
    stage.wait_blocked("k/", "waiting.members", &["k_2"]);
    drop(open);
    stage.wait_event("k/", 1).is_first().is_complete(2, 3);
}

#[test]
fn a_member_that_is_a_plain_file_now_waits_for_what_its_rule_wants() {
    let mut stage = Stage::start("plain", "", BY_KEY);
    let open = File::create(stage.path("k_2")).expect("the tree takes files");
    stage.wait_reason("k/", "waiting.members");
    let plain = ("group = \"re:(?<key>[^_]+)_.*\"", "include = [\"k*\"]");
    reload(&stage, &[plain, ("\"members\", { quiet = \"400ms\" }", "\"closed\", { quiet = \"1h\" }")]);
    drop(open);
    stage.settle();
    stage.wait_reason("k_2", "waiting.quiet");
}

#[test]
fn a_large_group_is_not_announced_again_by_a_reload_or_a_restart() {
    let mut stage = Stage::new("large", "", BY_KEY);
    for number in 0..6_000 {
        stage.write(&format!("k_{number}"), "x");
    }
    stage.landing.start();
    stage.wait_event("k/", 1).is_first().is_complete(6_000, 6_000);
    reload(&stage, &[("400ms", "500ms")]);
    stage.assert_only(&[("k/", 1)]);
    stage.kill_and_start();
    stage.assert_only(&[("k/", 1)]);
}

#[test]
fn a_member_that_is_open_at_a_restart_is_not_taken_for_a_removed_one() {
    let mut stage = Stage::start("opened", "", BY_KEY);
    stage.write("k_1", "one");
    stage.write("k_2", "second");
    stage.wait_event("k/", 1).is_complete(2, 9);
    // Or the kill may come before its delivery is recorded, and it comes again.
    stage.wait_state("k/", "delivered");
    stage.landing.kill();
    let open = File::options().append(true).open(stage.path("k_2")).expect("it can be opened");
    stage.landing.start();
    stage.settle();
    drop(open);
    stage.assert_only(&[("k/", 1)]);
}

const NESTED: &str = r#"
    [[source.inbox.rule]]
    name = "studies"
    dataset = "*.study"
    complete = { all = ["members"] }

    [[source.inbox.rule]]
    name = "series"
    of = "studies"
    dataset = "*.series"
    complete = { all = ["members", { marker = "{name}.done" }] }
"#;

#[test]
fn a_study_waits_for_the_series_that_grew_while_nobody_looked() {
    let mut stage = Stage::start("grown", "", NESTED);
    stage.write("a.study/b.series/x", "1");
    stage.wait_reason("a.study", "waiting.children");
    stage.write("a.study/b.series.done", "");
    let first = stage.wait_event("a.study/b.series", 1);
    let study = stage.wait_event("a.study", 1);
    // Or the kill may come before a delivery is recorded, and it comes again.
    for unit in ["a.study/b.series", "a.study"] {
        stage.wait_state(unit, "delivered");
    }
    stage.landing.kill();
    stage.write("a.study/b.series/y", "2");
    stage.landing.start();
    stage.wait_reason("a.study/b.series", "waiting.marker");
    stage.wait_reason("a.study", "waiting.children");
    stage.assert_only(&[("a.study", 1), ("a.study/b.series", 1)]);
    stage.write("a.study/b.series.done", "");
    stage.wait_event("a.study/b.series", 2).follows(&first);
    stage.wait_event("a.study", 2).follows(&study);
}

#[test]
fn the_removal_of_a_group_is_told_at_once_and_also_after_a_restart() {
    let rules = format!("{BY_KEY}    removed = true\n");
    let mut stage = Stage::start("removed", "", &rules);
    for (name, restart) in [("a", false), ("b", true)] {
        let (one, other, group) = (format!("{name}_1"), format!("{name}_2"), format!("{name}/"));
        stage.write(&one, "1");
        stage.write(&other, "2");
        stage.wait_event(&group, 1).is_complete(2, 2);
        if restart {
            stage.kill_and_start();
            stage.settle();
        }
        fs::remove_file(stage.path(&one)).expect("it can be removed");
        fs::remove_file(stage.path(&other)).expect("it can be removed");
        assert_eq!(stage.wait_event(&group, 2).type_name(), "staithe.file.removed");
        stage.wait_state(&group, "delivered");
    }
}
