//! The plugins that are shipped as examples, each in its own language, and every message of theirs and ours against
//! the schema.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use model::{Detail, Happening, Moved};
use serde_json::Value;
use sinks::Sink as _;

use crate::rig::{
    PATIENCE, Rig, arrival, creates, deliver_all, detailed, happening, install, parcel, repository,
};
use crate::schema::Schema;

/// Runs the program behind it and keeps what goes in and what comes out.
const TAPS: &str = r#"tee in.jsonl | "$@" | tee out.jsonl"#;

fn tapped(program: &[&str]) -> Rig {
    let mut args = vec!["-c", TAPS, "sh"];
    args.extend(program);
    let mut rig = Rig::command("sh", &args);
    rig.env("PYTHONPATH", repository().join("plugins/python"));
    rig
}

/// One of everything, twice, and a farewell.
async fn run_through(rig: &Rig) {
    let mut sink = rig.sink();
    let moved = Moved { from: b"/data/w0/old".as_slice().into(), to: b"/data/w1/n\xff".as_slice().into() };
    let mut batch: Vec<_> = Happening::ALL
        .into_iter()
        .enumerate()
        .map(|(seq, what)| happening(seq as u64 + 1, what, b"a \"quoted\\\" name\\"))
        .collect();
    let detail = Detail { cookie: 7, moved: true, ..Detail::default() };
    batch.push(detailed(50, Happening::MovedTo, b"n\xff", detail, Some(&moved)));
    batch.push(arrival(51, b"data.bin"));
    let removal = model::Kind::Removal { dataset: true };
    batch.push(parcel(52, b"data.ms", removal, 5, None));
    batch.push(parcel(53, b"", model::Kind::Gap { closed: false }, 1, None));
    deliver_all(&mut sink, &batch).await;
    deliver_all(&mut sink, &creates(100, 400)).await;
    sink.close(PATIENCE).await;
    let remarks = rig.remarks();
    assert!(!remarks.iter().any(|text| text.starts_with("W-") || text.starts_with("E-")), "{remarks:?}");
}

fn messages(rig: &Rig, file: &str) -> Vec<Value> {
    let text = fs::read(rig.path(file)).unwrap();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn hold_against_the_schema(rig: &Rig) {
    let schema = Schema::read();
    for (file, definition) in [("in.jsonl", "from_host"), ("out.jsonl", "from_plugin")] {
        let messages = messages(rig, file);
        assert!(messages.len() > 2, "{file}");
        for message in messages {
            assert_eq!(schema.faults(definition, &message), None, "{file}: {message}");
        }
    }
    assert_eq!(messages(rig, "in.jsonl").last().unwrap()["type"], "bye");
}

#[test]
fn the_manifests_that_are_shipped_are_good() {
    for (folder, name) in [("python", "count"), ("shell", "notify"), ("rust", "tally")] {
        let folder = repository().join("plugins/examples").join(folder);
        let manifest = config::read_manifest(&folder, name).unwrap();
        assert_eq!(manifest.directory, folder);
    }
}

#[tokio::test]
async fn count_in_python() {
    let mut rig = tapped(&["python3", "count.py"]);
    install("plugins/examples/python/count.py", &rig.path("count.py"));
    rig.plan.options = r#"{"file": "table.json"}"#.into();
    run_through(&rig).await;
    hold_against_the_schema(&rig);
    let table: Value = serde_json::from_slice(&fs::read(rig.path("table.json")).unwrap()).unwrap();
    assert_eq!(table["w1"]["create"], 401);
    assert_eq!((&table["w1"]["moved_to"], &table["w1"]["complete"]), (&2.into(), &1.into()));
    assert!(rig.remarks().iter().any(|text| text == "counted 420 events"), "{:?}", rig.remarks());
}

#[tokio::test]
async fn notify_in_shell() {
    let mut rig = tapped(&["./notify.sh"]);
    install("plugins/examples/shell/notify.sh", &rig.path("notify.sh"));
    rig.plan.options = r#"{"file": "lines"}"#.into();
    run_through(&rig).await;
    hold_against_the_schema(&rig);
    let lines = fs::read_to_string(rig.path("lines")).unwrap();
    assert_eq!(lines, "close_write a \\\"quoted\\\\\\\" name\\\\\ncomplete data.bin\n");
}

#[tokio::test]
async fn tally_in_rust() {
    let program = built("plugin_tally");
    let mut rig = tapped(&[program.to_str().unwrap()]);
    rig.plan.options = r#"{"file": "sum"}"#.into();
    run_through(&rig).await;
    hold_against_the_schema(&rig);
    let sum = fs::read_to_string(rig.path("sum")).unwrap();
    assert!(sum.starts_with("bytes 1239\n") && sum.contains("\ncreate 401\n"), "{sum}");
}

/// The example beside this test's program; a run of this test alone does not build it.
fn built(example: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.ancestors().nth(2).unwrap().join("examples").join(example);
    if !path.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let target = deps.ancestors().nth(3).unwrap();
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "sinks", "--example", example]);
        build.current_dir(repository()).env("CARGO_TARGET_DIR", target);
        assert!(build.status().unwrap().success());
    }
    path
}
