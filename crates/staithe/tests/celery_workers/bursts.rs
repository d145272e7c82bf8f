//! More folders at once than the kernel can tell of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::redis::Redis;
use testkit::{Landing, wait_until};

use crate::rig::{PATIENCE, bytes, landing};

const FOLDERS: usize = 20_000;

/// Makes so many folders that are not finished yet.
fn prepare(root: &Path) {
    for number in 0..FOLDERS {
        fs::create_dir(root.join(format!("in-{number}.tmp"))).expect("it takes folders");
    }
}

fn rename_all(root: &Path) {
    for number in 0..FOLDERS {
        let (from, to) = (format!("in-{number}.tmp"), format!("ST-{number}"));
        fs::rename(root.join(from), root.join(to)).expect("one folder");
    }
}

/// Waits until there is a task for each, and fails when there are others or more.
#[track_caller]
fn assert_exactly_all(redis: &Redis, landing: &Landing) {
    landing.wait_idle(FOLDERS as u64, PATIENCE * 2);
    let messages = redis.pop_all(b"default");
    assert_eq!(messages.len(), FOLDERS);
    let distinct: BTreeSet<String> = messages.iter().map(|message| folder(message)).collect();
    let name =
        |number| String::from_utf8(bytes(&landing.root().join(format!("ST-{number}")))).expect("plain");
    let wanted: BTreeSet<String> = (0..FOLDERS).map(name).collect();
    assert!(distinct == wanted, "other folders than those that were renamed");
}

/// What `kwargsrepr` says; names are plain here.
fn folder(message: &[u8]) -> String {
    let message: Value = serde_json::from_slice(message).expect("a message is JSON");
    let text = message["headers"]["kwargsrepr"].as_str().expect("a text").to_owned();
    let path = text.strip_prefix("{'dicom_dir': '").and_then(|text| text.strip_suffix("'}"));
    path.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn s25_20_000_folders_renamed_while_it_does_not_run_are_20_000_tasks() {
    let redis = Redis::start();
    let mut landing = landing(&redis.url(), &["default"]);
    prepare(&landing.root());
    landing.start();
    landing.stop();
    rename_all(&landing.root());
    landing.start();
    assert_exactly_all(&redis, &landing);
    landing.stop();
    landing.start();
    wait_until(PATIENCE, "it to be ready again", || landing.status()["ready"] == true);
    landing.wait_idle(0, PATIENCE);
    assert_eq!(redis.pop_all(b"default").len(), 0, "none comes again");
    landing.stop();
}

/// SIGSTOP: the kernel's queue overflows, and what it dropped is found by reading the directory.
#[test]
fn s25_20_000_folders_renamed_while_it_stands_still_are_20_000_tasks() {
    let redis = Redis::start();
    let mut landing = landing(&redis.url(), &["default"]);
    prepare(&landing.root());
    landing.start();
    landing.daemon().freeze();
    rename_all(&landing.root());
    landing.daemon().resume();
    assert_exactly_all(&redis, &landing);
    let source = landing.status()["sources"][0].clone();
    assert!(source["overflows"].as_u64().is_some_and(|count| count > 0), "no overflow: {source}");
    landing.stop();
}
