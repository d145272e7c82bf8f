//! What a review of datasets and groups has found: events that came too early, twice or never around reloads,
//! restarts, answers that were out of date, and names that collide.

#[expect(dead_code, reason = "shared with the tests of datasets")]
#[path = "../datasets/stage.rs"]
mod stage;

mod beginnings;
mod collisions;
mod outdated;

use std::time::Duration;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_secs(30);

/// Groups of files by what stands before the first `_`.
const BY_KEY: &str = r#"
    [[source.inbox.rule]]
    name = "groups"
    group = "re:(?<key>[^_]+)_.*"
    complete = { all = ["members", { quiet = "400ms" }] }
"#;
