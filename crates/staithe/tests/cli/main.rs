//! Every command of the contract, with its exit codes, as scripts and people use it.

mod check;
mod daemon;
mod doctor;
mod events;
mod guide;
mod notify;
mod places;
mod queue;
mod rules;
mod store;
mod watch;

use std::time::Duration;

use testkit::{Landing, Scratch};

/// Longer than one step takes on a busy machine.
const STEP: Duration = Duration::from_mins(1);

/// The smallest useful configuration: one tree into a line file and the embedded queue.
const CONFIG: &str = r#"
    [source.inbox]
    path = "{in}"

    [[source.inbox.rule]]
    name = "all"
    include = ["*"]
    complete = "local"
    to = ["lines", "local"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"

    [sink.local]
    type = "queue"
"#;

/// An installation of the binary under test.
fn landing() -> Landing {
    Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("cli"))
}

/// The same with the daemon running on [`CONFIG`].
fn running() -> Landing {
    let mut landing = landing();
    landing.configure(CONFIG);
    landing.start();
    landing
}

/// Writes files and waits until the daemon has delivered them.
fn deliver(landing: &Landing, names: &[&str]) {
    let before = landing.status()["counts"]["delivered"].as_u64().unwrap_or(0);
    for name in names {
        std::fs::write(landing.root().join(name), name.as_bytes()).expect("the tree takes files");
    }
    landing.wait_idle(before + names.len() as u64, STEP);
}
