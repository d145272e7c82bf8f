//! The recorded configurations of `directory_observer`, read without running anything: does each
//! start or fail as it did, with the same words and status, and push to the same lists?
//!
//! The recording and the whole behaviour are tested in `crates/staithe/tests/directory_observer`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use compat::directory_observer::{Environment, Loading, Parsed, args, load, plan};
use serde_json::Value;

/// Configurations that start here and did not start there; the guide says why.
const STARTS_HERE: [(&str, &str); 3] =
    [("C01", "queue:stage1"), ("C04", "from_base"), ("C15", "step.p.main")];

#[test]
fn every_recorded_configuration_starts_or_fails_as_it_did() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../staithe/tests/golden/directory_observer.json");
    let golden: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let base = golden["base_config"].as_str().unwrap();
    let scenarios = golden["scenarios"].as_array().unwrap();
    assert!(scenarios.len() > 100);
    for scenario in scenarios {
        let id = scenario["id"].as_str().unwrap();
        let seen = Seen::of(scenario, base);
        let says = |line: &String| line.starts_with("INFO Start Monitoring.");
        let started = scenario["alive_before_sigterm"] == true || texts(&scenario["stdout"]).iter().any(says);
        match STARTS_HERE.iter().find(|(other, _)| *other == id) {
            Some((_, queue)) => assert_eq!(seen.queues(id), BTreeSet::from([(*queue).to_owned()]), "{id}"),
            None if started => seen.assert_started(id, scenario),
            None => seen.assert_failed(id, scenario),
        }
    }
}

/// What `init --from directory-observer` prints is read back to the same plan.
#[test]
fn every_recorded_configuration_can_be_printed_and_read_back() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../staithe/tests/golden/directory_observer.json");
    let golden: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let base = golden["base_config"].as_str().unwrap();
    let mut differ = Vec::new();
    for scenario in golden["scenarios"].as_array().unwrap() {
        let Ok((_, mut monitors)) = Seen::of(scenario, base).loading.outcome else { continue };
        // A native source has a path; `translate` leaves such sections out.
        monitors.list.retain(|monitor| !monitor.directory.is_empty());
        if monitors.list.is_empty() {
            continue;
        }
        let plan = plan(&monitors);
        let text = config::to_toml(&plan);
        let id = scenario["id"].as_str().unwrap();
        match config::parse_str("c.toml", &text, &|_| None) {
            Ok(loaded) if format!("{:?}", loaded.plan) == format!("{plan:?}") => {}
            Ok(loaded) => differ.push(format!("{id}:\n{text}\n{:?}\n{plan:?}", loaded.plan)),
            Err(error) => differ.push(format!("{id}: {error}\n{text}")),
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

struct Seen {
    loading: Loading,
    said: Vec<String>,
}

impl Seen {
    fn of(scenario: &Value, base: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let fill =
            |text: &str| text.replace("@ROOT@", root).replace("@PORT@", "6379").replace("@SOCK@", "/r/s");
        let config = folder.path().join(scenario["config_path"].as_str().unwrap_or("c.ini"));
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(config, fill(scenario["config"].as_str().unwrap_or(base))).unwrap();
        let variables = scenario["env"].as_object().into_iter().flatten();
        let environment: Environment =
            variables.map(|(name, value)| (name.as_str(), fill(value.as_str().unwrap()))).collect();
        let given = texts(&scenario["args"]);
        let given = if given.is_empty() { vec!["--config".into(), "@ROOT@/c.ini".into()] } else { given };
        let Parsed::Run(parsed) = args::parse(given.iter().map(|arg| OsString::from(fill(arg)))) else {
            panic!("{given:?}")
        };
        let loading = load(parsed.config.as_deref(), &environment, folder.path());
        let shown = |line: &compat::directory_observer::Line| {
            let text = String::from_utf8_lossy(&line.text()).replace(root, "<ROOT>");
            format!("{} {text}", line.level().name())
        };
        let said = loading.lines.iter().map(shown).collect();
        Self { loading, said }
    }

    fn queues(&self, id: &str) -> BTreeSet<String> {
        let (_, monitors) =
            self.loading.outcome.as_ref().unwrap_or_else(|stop| panic!("{id}: {stop:?} {:?}", self.said));
        monitors.list.iter().map(|monitor| monitor.queue.clone()).collect()
    }

    fn assert_started(&self, id: &str, scenario: &Value) {
        let queues = self.queues(id);
        let recorded = scenario["queues"].as_object().unwrap().keys();
        for queue in recorded {
            assert!(queues.contains(queue), "{id}: {queue} is not in {queues:?}");
        }
        // Absent where only warnings are logged.
        let Some(start) = texts(&scenario["stdout"]).into_iter().next() else { return };
        let inactivity = self.loading.outcome.as_ref().unwrap().1.inactivity;
        let line = compat::directory_observer::Line::StartMonitoring(inactivity);
        assert_eq!(start, format!("INFO {}", String::from_utf8(line.text()).unwrap()), "{id}");
    }

    fn assert_failed(&self, id: &str, scenario: &Value) {
        let stop = self.loading.outcome.as_ref().err().unwrap_or_else(|| panic!("{id} starts"));
        assert_eq!(i64::from(stop.status), scenario["exit_code"].as_i64().unwrap(), "{id}");
        let traceback = stop.traceback.clone().unwrap_or_default();
        for line in texts(&scenario["stdout"]).iter().chain(&texts(&scenario["stderr"])) {
            let there = match line.as_str() {
                "TRACEBACK" => traceback.starts_with("Traceback (most recent call last):\n"),
                line => {
                    self.said.iter().any(|said| said == line) || traceback.lines().any(|said| said == line)
                }
            };
            assert!(there, "{id}: no `{line}` in {:?} {traceback}", self.said);
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}
