//! The recording as data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// All scenarios.
pub(crate) struct Golden {
    pub(crate) scenarios: Vec<Scenario>,
}

/// One scenario, and what the original did in it.
pub(crate) struct Scenario {
    pub(crate) id: String,
    /// `contract`, `quirk` or `defect`.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) config: String,
    /// Where the configuration is written, relative to the folder.
    pub(crate) config_path: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Done before the start.
    pub(crate) before: Vec<Vec<Value>>,
    /// Done after it.
    pub(crate) ops: Vec<Vec<Value>>,
    /// Whether the watched directory is made before the start.
    pub(crate) with_directory: bool,
    /// The log text that shows that the program has begun its work; `None`: do not wait.
    pub(crate) ready: Option<String>,
    pub(crate) ready_timeout: Duration,
    /// It needs a mount namespace of its own.
    pub(crate) special: bool,
    /// How closely the messages are compared.
    pub(crate) precision: Precision,
    /// Whether it still ran before the final SIGTERM.
    pub(crate) alive: bool,
    pub(crate) exit_code: i32,
    /// For each list the messages in the order of `BRPOP`.
    pub(crate) queues: BTreeMap<String, Vec<String>>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

/// How closely messages are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Each message in its place.
    Exact,
    /// Which messages came, not in which order nor how often each.
    Kinds,
}

impl Golden {
    pub(crate) fn load() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/directory_observer.json");
        let text = std::fs::read(&file).expect("the recording is part of the repository");
        let golden: Value = serde_json::from_slice(&text).expect("the recording is JSON");
        let base = text_of(&golden, "base_config").expect("there is a base configuration");
        let scenarios = golden["scenarios"].as_array().expect("scenarios are a list");
        Self { scenarios: scenarios.iter().map(|one| Scenario::read(one, &base)).collect() }
    }
}

impl Scenario {
    fn read(value: &Value, base: &str) -> Self {
        let needed = |name: &str| text_of(value, name).unwrap_or_else(|| panic!("no {name} in {value}"));
        let flag = |name: &str, default: bool| value[name].as_bool().unwrap_or(default);
        let args = texts(&value["args"]);
        let ready = text_of(value, "ready").unwrap_or_else(|| "Start Scanning".to_owned());
        Self {
            id: needed("id"),
            kind: needed("kind"),
            title: needed("title"),
            config: text_of(value, "config").unwrap_or_else(|| base.to_owned()),
            config_path: text_of(value, "config_path").unwrap_or_else(|| "c.ini".to_owned()).into(),
            args: if args.is_empty() { vec!["--config".into(), "@ROOT@/c.ini".into()] } else { args },
            environment: pairs(&value["env"]).map(|(name, value)| (name, text(value))).collect(),
            before: operations(&value["before"]),
            ops: operations(&value["ops"]),
            with_directory: !flag("no_in", false),
            ready: flag("wait", true).then_some(ready),
            ready_timeout: Duration::from_secs(value["ready_timeout"].as_u64().unwrap_or(8)),
            special: !value["special"].is_null(),
            precision: precision(value),
            alive: flag("alive_before_sigterm", true),
            exit_code: value["exit_code"].as_i64().expect("exit_code is a number") as i32,
            queues: pairs(&value["queues"]).map(|(key, list)| (key, texts(list))).collect(),
            stdout: texts(&value["stdout"]),
            stderr: texts(&value["stderr"]),
        }
    }

    /// The sum of its pauses.
    pub(crate) fn least_duration(&self) -> Duration {
        let pause = |op: &Vec<Value>| match op[0].as_str() {
            Some("sleep") => op[1].as_f64().unwrap_or(0.0),
            Some("settle") => 0.4,
            Some("idle") => 2.3,
            _ => 0.0,
        };
        Duration::from_secs_f64(self.before.iter().chain(&self.ops).map(pause).sum())
    }
}

fn precision(value: &Value) -> Precision {
    match (value["unordered"].as_bool(), value["count_varies"].as_bool()) {
        (None, None) => Precision::Exact,
        (Some(true), Some(true)) => Precision::Kinds,
        other => panic!("no scenario is only half exact: {other:?}"),
    }
}

fn text_of(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn pairs(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value))
}

fn operations(value: &Value) -> Vec<Vec<Value>> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|op| op.as_array().expect("an operation is a list").clone())
        .collect()
}
