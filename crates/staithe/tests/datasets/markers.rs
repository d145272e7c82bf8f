//! Files that say when others are complete: markers, and locks that say when not.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, SystemTime};

use testkit::redis::Redis;
use testkit::{Landing, wait_until};

use crate::STEP;
use crate::stage::{Dataset, Stage};

const FILES: &str = r#"
    [[source.inbox.rule]]
    name = "by-name"
    include = ["name/*"]
    complete = { all = ["writer_gone", { marker = "{name}.done" }] }

    [[source.inbox.rule]]
    name = "by-stem"
    include = ["stem/*"]
    complete = { all = ["writer_gone", { marker = "{stem}.ok" }] }

    [[source.inbox.rule]]
    name = "by-prefix"
    include = ["prefix/*"]
    complete = { all = ["writer_gone", { marker = "done-{name}" }] }

    [[source.inbox.rule]]
    name = "locked"
    include = ["locked/*"]
    complete = { all = ["closed", "writer_gone", { lock_gone = "{name}.lock" }] }
"#;

/// Longer than the coarsest tick with which kernels stamp files: what is written after it is younger, and
/// the times say so.
const GRAIN: Duration = Duration::from_millis(20);

fn touch(stage: &Stage, name: &str) -> SystemTime {
    let before = SystemTime::now();
    assert!(Command::new("touch").arg(stage.path(name)).status().is_ok_and(|status| status.success()));
    before
}

fn folders(stage: &Stage, names: &[&str]) {
    for name in names {
        fs::create_dir_all(stage.path(name)).expect("the tree takes directories");
    }
}

#[test]
fn a_marker_that_was_there_before_the_data_counts_when_it_is_made_again() {
    let mut stage = Stage::start("stale", "", FILES);
    folders(&stage, &["name"]);
    for name in ["name/a.done", "name/b.done", "name/alone.done"] {
        stage.landing.write_old(name, b"");
    }
    stage.write("name/a", "data");
    stage.write("name/b", "data");
    for (name, marker) in [("name/a", "a.done"), ("name/b", "b.done")] {
        let args = stage.wait_reason(name, "waiting.marker");
        assert_eq!((&args["marker"], &args["stale"]), (&marker.into(), &true.into()), "{args}");
        assert_eq!(stage.wait_state(&format!("{name}.done"), "ignored")["reason"], "ignored.marker");
    }
    let touched = touch(&stage, "name/a.done");
    stage.wait_event("name/a", 1).is_first().is_after(touched).is_by(&["marker", "writer_gone"]);
    // Written after the marker once more: that is the next generation, and it wants the next marker.
    std::thread::sleep(GRAIN);
    stage.write("name/a", "other data");
    assert_eq!(stage.wait_reason("name/a", "waiting.marker")["stale"], true);
    let rewritten = stage.write("name/b.done", "again");
    stage.wait_event("name/b", 1).is_after(rewritten);
    stage.hear();
    touch(&stage, "name/a.done");
    let first = &stage.of("name/a")[0];
    stage.wait_event("name/a", 2).follows(first);
    stage.assert_only(&[("name/a", 2), ("name/b", 1)]);
}

#[test]
fn a_marker_that_is_gone_again_says_nothing() {
    let mut stage = Stage::start("unmarked", "", FILES);
    folders(&stage, &["name"]);
    let mut open = File::create(stage.path("name/a")).unwrap();
    open.write_all(b"half").unwrap();
    stage.write("name/a.done", "");
    stage.wait_reason("name/a", "waiting.writer-open");
    fs::remove_file(stage.path("name/a.done")).unwrap();
    open.write_all(b" and half").unwrap();
    drop(open);
    let args = stage.wait_reason("name/a", "waiting.marker");
    assert_eq!((&args["marker"], &args["stale"]), (&"a.done".into(), &false.into()), "{args}");
    // It counts as soon as it is there.
    let marked = SystemTime::now();
    stage.write("name/a.done", "");
    stage.wait_event("name/a", 1).is_after(marked);
    stage.assert_only(&[("name/a", 1)]);
}

#[test]
fn markers_have_names_in_three_forms() {
    let mut stage = Stage::start("forms", "", FILES);
    let units = ["name/x.tar.gz", "stem/x.tar.gz", "stem/y.tar.gz", "stem/z.tar.gz", "prefix/x.tar.gz"];
    for unit in units {
        stage.write(unit, "data");
        assert_eq!(stage.wait_reason(unit, "waiting.marker")["stale"], false);
    }
    // Each is no marker of any of them.
    for wrong in
        ["name/x.tar.done", "name/x.done", "stem/z.tar.gz.ok", "prefix/x.tar.gz-done", "prefix/done-x"]
    {
        stage.write(wrong, "");
    }
    let right = ["name/x.tar.gz.done", "stem/x.tar.ok", "stem/y.ok", "prefix/done-x.tar.gz"];
    stage.hear();
    for (marker, unit) in
        right.iter().zip(["name/x.tar.gz", "stem/x.tar.gz", "stem/y.tar.gz", "prefix/x.tar.gz"])
    {
        let marked = SystemTime::now();
        stage.write(marker, "");
        stage.wait_event(unit, 1).is_first().is_after(marked).is_by(&["marker"]);
    }
    let expected = units.map(|unit| (unit, usize::from(unit != "stem/z.tar.gz")));
    stage.assert_only(&expected);
}

#[test]
fn a_lock_holds_up_until_it_is_gone() {
    let mut stage = Stage::start("lock", "", FILES);
    stage.write("locked/a.lock", "");
    stage.write("locked/a", "data");
    assert_eq!(stage.wait_reason("locked/a", "waiting.lock")["lock"], "a.lock");
    stage.write("locked/b", "data");
    stage.wait_event("locked/b", 1);
    let unlocked = SystemTime::now();
    fs::remove_file(stage.path("locked/a.lock")).unwrap();
    stage.wait_event("locked/a", 1).is_after(unlocked).is_by(&["lock_gone"]);
    stage.assert_only(&[("locked/a", 1), ("locked/b", 1)]);
}

const INSIDE: &str = r#"
    [[source.inbox.rule]]
    name = "tables"
    dataset = "*.tab"
    complete = { all = ["members", { marker = "_SUCCESS" }, { lock_gone = ".writing" }] }
"#;

#[test]
fn a_marker_inside_a_dataset_is_no_member_and_must_come_last() {
    let mut stage = Stage::start("success", "", INSIDE);
    let mut tab = Dataset::at(stage.path("a.tab"));
    stage.write("a.tab/.writing", "");
    tab.member("part-0", "data").member("deep/part-1", "more data");
    let mut straggler = tab.open("part-2");
    assert_eq!(stage.wait_reason("a.tab", "waiting.lock")["lock"], ".writing");
    fs::remove_file(stage.path("a.tab/.writing")).unwrap();
    assert_eq!(stage.wait_reason("a.tab", "waiting.marker")["stale"], false);
    stage.write("a.tab/_SUCCESS", "");
    stage.wait_blocked("a.tab", "waiting.members", &["part-2"]);
    std::thread::sleep(GRAIN);
    tab.append(&mut straggler, b"written after the marker");
    tab.close(straggler);
    let args = stage.wait_reason("a.tab", "waiting.marker");
    assert_eq!((&args["marker"], &args["stale"]), (&"_SUCCESS".into(), &true.into()), "{args}");
    tab.finished = stage.write("a.tab/_SUCCESS", "");
    tab.is_in(stage.wait_event("a.tab", 1).is_by(&["members", "marker", "lock_gone"]));
    stage.assert_only(&[("a.tab", 1)]);
}

const SPENT: &str = r#"
    [[source.inbox.rule]]
    name = "files"
    include = ["*.dat"]
    complete = { all = ["writer_gone", { marker = { name = "{name}.done", after = "delete" } }] }

    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members", { marker = { name = "{name}.done", after = "delete" } }] }
"#;

fn is_retrying(landing: &Landing) -> bool {
    let status = landing.status();
    let mut sinks = status["sinks"].as_array().into_iter().flatten();
    sinks.any(|sink| sink["name"] == "redis" && sink["state"] == "retrying")
}

fn spent_after_all_have_it(restart: bool) {
    let mut redis = Redis::start();
    let sink = format!("[sink.redis]\ntype = \"redis-list\"\nurl = \"{}\"\nkey = \"k\"\n", redis.url());
    let mut stage = Stage::with_sinks("spent", "", SPENT, &sink);
    stage.landing.start();
    redis.stop();
    let mut set = Dataset::at(stage.path("a.ms"));
    set.member("one", "1").member("two", "22");
    stage.write("a.dat", "data");
    for unit in ["a.dat", "a.ms"] {
        stage.wait_reason(unit, "waiting.marker");
        stage.write(&format!("{unit}.done"), "");
        stage.wait_event(unit, 1);
    }
    wait_until(STEP, "the sink to be in trouble", || is_retrying(&stage.landing));
    stage.assert_only(&[("a.dat", 1), ("a.ms", 1)]);
    assert!(stage.path("a.dat.done").exists() && stage.path("a.ms.done").exists());
    if restart {
        stage.kill_and_start();
        stage.assert_only(&[("a.dat", 1), ("a.ms", 1)]);
        assert!(stage.path("a.dat.done").exists() && stage.path("a.ms.done").exists());
        stage.landing.kill();
        redis.start_again();
        stage.landing.start();
    } else {
        redis.start_again();
    }
    stage.wait_absent("a.dat.done");
    stage.wait_absent("a.ms.done");
    assert_eq!(stage.wait_state("a.ms", "delivered")["sinks"][0]["state"], "delivered");
    // The data stays, and that its marker is gone is no news.
    assert!(stage.path("a.dat").exists() && stage.path("a.ms/one").exists());
    stage.assert_only(&[("a.dat", 1), ("a.ms", 1)]);
}

#[test]
fn a_marker_is_deleted_when_every_sink_has_its_unit_and_not_before() {
    spent_after_all_have_it(false);
}

#[test]
fn a_marker_is_deleted_after_a_restart_too() {
    spent_after_all_have_it(true);
}
