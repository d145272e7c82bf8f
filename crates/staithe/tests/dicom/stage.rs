//! The program with rules for DICOM files, and what it has said.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testkit::{Landing, Scratch, wait_for};

use crate::STEP;

/// A rule that announces single files after more quiet than any rule here takes for a wrong event.
const END: &str = r#"
    [[source.inbox.rule]]
    name = "end"
    include = ["end-*"]
    complete = { quiet = "3500ms" }
"#;

pub(crate) struct Stage {
    pub(crate) landing: Landing,
}

impl Stage {
    pub(crate) fn start(label: &str, rules: &str) -> Self {
        let mut stage = Self { landing: landing(label, rules, "") };
        stage.landing.start();
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.landing.root().join(name)
    }

    /// A directory that nobody watches.
    pub(crate) fn work(&self) -> PathBuf {
        self.landing.out("work")
    }

    /// Writes a file by create, write, close. Says when it was written: not later than the close.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> SystemTime {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a directory")).expect("directories are made");
        let mut file = File::create(&path).expect("the tree takes files");
        file.write_all(content).expect("files can be written");
        SystemTime::now()
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.landing.out("events.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).expect("a line is an event")).collect()
    }

    pub(crate) fn of(&self, path: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["data"]["path"] == path).collect()
    }

    /// Waits for so many events about a path; more are a mistake.
    #[track_caller]
    pub(crate) fn wait_event(&self, path: &str, number: usize) -> Value {
        let found = wait_for(STEP, &format!("event {number} of {path}"), || {
            let events = self.of(path);
            (events.len() >= number).then_some(events)
        });
        assert_eq!(found.len(), number, "{found:#?}");
        found[number - 1].clone()
    }

    pub(crate) fn explain(&self, path: &str) -> Value {
        self.landing.explain(path.as_bytes())
    }

    /// Waits until `explain` says so, and gives its answer.
    #[track_caller]
    pub(crate) fn wait_answer(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(STEP, &format!("{path} to be {what}"), || {
            Some(self.explain(path)).filter(|answer| is_so(answer))
        })
    }

    #[track_caller]
    pub(crate) fn wait_reason(&self, path: &str, reason: &str) -> Value {
        self.wait_answer(path, reason, |it| it["state"] == "waiting" && it["reason"] == reason)
    }

    /// Waits until whatever was to come of what was done so far has come.
    #[track_caller]
    pub(crate) fn settle(&self) {
        self.write("end-0", b"x");
        self.wait_event("end-0", 1);
    }
}

/// An installation that has not been started.
pub(crate) fn landing(label: &str, rules: &str, sinks: &str) -> Landing {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory(label));
    landing.configure(&format!(
        r#"
        [source.inbox]
        path = "{{in}}"
        {rules}
        {END}
        [sink.lines]
        type = "jsonl"
        path = "{{out}}/events.jsonl"
        {sinks}
        "#
    ));
    landing
}

/// How many seconds after `moment` the event was made.
#[track_caller]
pub(crate) fn seconds_after(event: &Value, moment: SystemTime) -> f64 {
    const DAY: f64 = 86_400.0;
    let since = moment.duration_since(UNIX_EPOCH).expect("it is after 1970");
    let made = second_of_day(event["time"].as_str().expect("every event has a time"));
    let passed = made - since.as_secs_f64() % DAY;
    // Midnight may lie between them.
    if passed < -DAY / 2.0 { passed + DAY } else { passed }
}

/// `2026-11-22T04:37:01.5Z`: how many seconds after midnight.
fn second_of_day(text: &str) -> f64 {
    let (_, clock) = text.trim_end_matches('Z').split_once('T').expect("a date and a time");
    clock.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().expect("a number"))
}

/// The lines of a unit's timeline.
pub(crate) fn timeline(answer: &Value) -> Vec<String> {
    let moments = answer["timeline"].as_array().into_iter().flatten();
    moments.filter_map(|moment| moment["what"].as_str().map(str::to_owned)).collect()
}
