//! Noticing, from the outside: the whole program in namespaces of its own, where file systems tell
//! nothing, limits are small, mounts come and go, and servers hang.
//!
//! A test that needs what this machine does not give says so on standard error and ends.

mod distrust;
mod fuse;
mod hanging;
mod mounts;
mod overlay;
mod pausing;
mod permissions;
mod quiet;
mod reannounced;
mod starving;
mod world;

use std::time::Duration;

use serde_json::Value;
use testkit::{Landing, wait_for};

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);

/// One source, one rule, a line file. `more` is put into the source's table.
fn to_lines(more: &str) -> String {
    format!(
        r#"
        [source.inbox]
        path = "{{in}}"
        {more}

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        complete = "local"
        to = ["lines"]

        [sink.lines]
        type = "jsonl"
        path = "{{out}}/events.jsonl"
        "#
    )
}

/// The part of `status --json` about the first source.
fn source(landing: &Landing) -> Value {
    landing.status()["sources"][0].clone()
}

/// Waits until the first source's row in `status` is as wished, and gives it.
#[track_caller]
fn wait_for_source(landing: &Landing, what: &str, mut wished: impl FnMut(&Value) -> bool) -> Value {
    wait_for(STEP, what, || {
        let row = source(landing);
        wished(&row).then_some(row)
    })
}

/// Waits until so many whole scans have ended that began after this call.
#[track_caller]
fn wait_for_scans(landing: &Landing, count: usize) {
    // The one that is under way began before.
    let mut ends = vec![source(landing)["last_scan"].clone()];
    wait_for(STEP, &format!("{count} whole scans"), || {
        let end = source(landing)["last_scan"].clone();
        if ends.last() != Some(&end) {
            ends.push(end);
        }
        (ends.len() > count + 1).then_some(())
    });
}
