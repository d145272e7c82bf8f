//! The readiness file: there exactly while the watcher is ready.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use engine::Engine;
use serde_json::Value;

/// The file, where one is wanted.
pub(super) struct Probe {
    file: Option<PathBuf>,
    /// What was said of it last: one complaint of a kind is enough.
    said: Option<String>,
}

impl Probe {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { file, said: None }
    }

    /// Makes the file or removes it, also one of an earlier run. Gives what is to be said if that fails.
    pub(super) fn set(&mut self, ready: bool) -> Option<String> {
        let file = self.file.as_ref()?;
        let done = if ready {
            OpenOptions::new().create(true).append(true).open(file).map(drop)
        } else {
            match fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        };
        let error = match done {
            Ok(()) => {
                self.said = None;
                return None;
            }
            Err(error) => error,
        };
        let doing = if ready { "make" } else { "remove" };
        let text = format!(
            "cannot {doing} the readiness file {}: {error}; whoever looks at it is told nothing true. Fix: name \
             another with --readiness-probe-file",
            file.display()
        );
        (self.said.replace(text.clone()).as_ref() != Some(&text)).then_some(text)
    }
}

/// How far everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Readiness {
    /// The watched directory is there and was listed.
    pub(super) watching: bool,
    /// The sink has gone through its start-up requests.
    pub(super) prepared: bool,
    /// Products that are not registered yet.
    pub(super) open: u64,
    /// Products that are.
    pub(super) delivered: u64,
    /// Products that were there at the first start and are not registered.
    pub(super) adopted: u64,
}

impl Readiness {
    /// Nothing where the ledger does not answer: then nothing is known.
    pub(super) fn of(engine: &Engine) -> Option<Self> {
        Some(Self::read(&engine.status().ok()?))
    }

    fn read(status: &Value) -> Self {
        let each = |list: &str, good: &dyn Fn(&Value) -> bool| {
            status[list].as_array().is_some_and(|all| all.iter().all(good))
        };
        let watched = |source: &Value| matches!(source["state"].as_str(), Some("ok" | "degraded"));
        // What an earlier command line delivered to is no part of this one.
        let prepared = |sink: &Value| sink["type"] == "unconfigured" || sink["prepared"] == true;
        let count = |names: &[&str]| names.iter().filter_map(|name| status["counts"][name].as_u64()).sum();
        Self {
            watching: status["ready"] == true && each("sources", &watched),
            prepared: each("sinks", &prepared),
            open: count(&["waiting", "queued", "delivering", "retrying"]),
            delivered: count(&["delivered"]),
            adopted: count(&["adopted"]),
        }
    }

    /// `when_idle`: the original is ready only after what was there has been registered.
    pub(super) const fn is_ready(self, when_idle: bool) -> bool {
        self.watching && self.prepared && !(when_idle && self.open > 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(ready: bool, state: &str, prepared: bool) -> Value {
        json!({
            "ready": ready, "sources": [{"state": state}],
            "sinks": [{"type": "dlm", "prepared": prepared}, {"type": "unconfigured"}],
            "counts": {"waiting": 1, "queued": 2, "delivering": 3, "retrying": 4, "delivered": 5, "seen": 15},
        })
    }

    #[test]
    fn ready_is_what_watches_and_has_been_let_in() {
        let is_ready = |status: &Value, idle| Readiness::read(status).is_ready(idle);
        assert!(is_ready(&status(true, "ok", true), false));
        assert!(is_ready(&status(true, "degraded", true), false));
        assert!(!is_ready(&status(true, "ok", true), true), "something is still to be done");
        for not in [
            status(false, "ok", true),
            status(true, "ok", false),
            status(true, "absent", true),
            status(true, "hidden", true),
            status(true, "failed", true),
            json!({}),
        ] {
            assert!(!is_ready(&not, false), "{not}");
        }
        let counts = Readiness::read(&status(true, "ok", true));
        assert_eq!((counts.delivered, counts.open), (5, 10));
    }

    #[test]
    fn the_file_comes_and_goes_and_a_failure_is_said_once() {
        let scratch = testkit::Scratch::on_disk("probe");
        let file = scratch.path().join("ready");
        std::fs::write(&file, "from an earlier run").unwrap();
        let mut probe = Probe::new(Some(file.clone()));
        for ready in [false, false, true, true, false] {
            assert_eq!(probe.set(ready), None);
            assert_eq!(file.exists(), ready);
        }
        let mut none = Probe::new(None);
        assert_eq!((none.set(true), none.set(false)), (None, None));
        let mut lost = Probe::new(Some(scratch.path().join("no/such/directory")));
        assert!(lost.set(true).unwrap().contains("cannot make the readiness file"));
        assert_eq!((lost.set(true), lost.set(false)), (None, None));
    }
}
