//! What is written down about tasks whose end is looked at, and the words for it.

use model::Stamp;
use serde_json::{Value, json};

/// A result that is not there after so long will not come: workers' backends keep it no longer.
pub(crate) const GIVEN_UP: i64 = 86_400;

/// What is known of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The broker has it.
    Sent { task: String },
    /// The workers say how it ended: their word for it, and what they say more.
    Ended { task: String, status: String, why: String },
    /// Nobody has said anything in time.
    GivenUp { task: String },
}

impl Step {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let value = match self {
            Step::Sent { task } => json!({"task": task}),
            Step::Ended { task, status, why } => json!({"task": task, "status": status, "why": why}),
            Step::GivenUp { task } => json!({"task": task, "given_up": true}),
        };
        value.to_string().into_bytes()
    }

    /// From what was kept; nothing where it is another sink's.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let task = text("task")?;
        Some(match text("status") {
            Some(status) => Step::Ended { task, status, why: text("why").unwrap_or_default() },
            None if value.get("given_up").is_some() => Step::GivenUp { task },
            None => Step::Sent { task },
        })
    }

    fn words(&self) -> String {
        match self {
            Step::Sent { task } => format!("task {task}: no result yet"),
            Step::Ended { task, status, why } if why.is_empty() => format!("task {task}: {status}"),
            Step::Ended { task, status, why } => format!("task {task}: {status}: {why}"),
            Step::GivenUp { task } => format!("task {task}: no result within {} hours", GIVEN_UP / 3600),
        }
    }
}

/// A step of a task in words; nothing where it is none.
#[must_use]
pub fn describe(step: &[u8]) -> Option<String> {
    Some(match Step::decode(step)? {
        Step::Sent { task } => format!("sent as task {task}"),
        step => step.words(),
    })
}

/// How the task of a delivered unit stands; nothing where nobody looks.
#[must_use]
pub fn standing<'a>(steps: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    steps.into_iter().filter_map(Step::decode).last().map(|step| step.words())
}

/// A task whose end is still to come, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pursued {
    pub(crate) task: String,
    /// What it is about, for people.
    pub(crate) shown: String,
    /// When it was sent, in seconds.
    pub(crate) since: i64,
}

/// The first look comes soon, later ones after a quarter of the time that it has taken already.
const LOOKS: (i64, i64) = (1, 300);

impl Pursued {
    pub(crate) fn encode(&self) -> Vec<u8> {
        json!({"task": self.task, "shown": self.shown, "since": self.since}).to_string().into_bytes()
    }

    /// From what was kept; nothing where it is of a later version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self { task: text("task")?, shown: text("shown")?, since: value.get("since")?.as_i64()? })
    }

    /// When to look again after a look that found nothing.
    pub(crate) fn next(&self, now: Stamp) -> i64 {
        now.sec + ((now.sec - self.since) / 4).clamp(LOOKS.0, LOOKS.1)
    }

    /// Whether the moment has come. One further away than any pause was set by a clock that was ahead.
    pub(crate) fn is_due(next: i64, now: Stamp) -> bool {
        next <= now.sec || next - now.sec > LOOKS.1
    }

    /// Whether it is looked at no more.
    pub(crate) fn is_over(&self, now: Stamp) -> bool {
        now.sec - self.since >= GIVEN_UP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let task = "t".to_owned();
        let ended = Step::Ended { task: task.clone(), status: "FAILURE".into(), why: "E: \"x\"".into() };
        let all = [Step::Sent { task: task.clone() }, ended, Step::GivenUp { task: task.clone() }];
        for step in &all {
            assert_eq!(Step::decode(&step.encode()).as_ref(), Some(step));
            assert_eq!(crate::dlm::describe(&step.encode()), None, "it is no step of another sink");
        }
        assert_eq!(Step::decode(br#"{"reg": "x", "uid": "u"}"#), None);
        let pursued = Pursued { task, shown: "a/b".into(), since: 7 };
        assert_eq!(Pursued::decode(&pursued.encode()), Some(pursued));
        let kept: Vec<Vec<u8>> = all.iter().map(Step::encode).collect();
        let told = |count| standing(kept.iter().take(count).map(Vec::as_slice));
        assert_eq!(told(0), None);
        assert_eq!(told(1).unwrap(), "task t: no result yet");
        assert_eq!(told(2).unwrap(), "task t: FAILURE: E: \"x\"");
        assert_eq!(told(3).unwrap(), "task t: no result within 24 hours");
    }

    #[test]
    fn looks_become_rarer_and_end() {
        let pursued = Pursued { task: String::new(), shown: String::new(), since: 1000 };
        let next = |at| pursued.next(Stamp::new(at, 0)) - at;
        assert_eq!([next(1000), next(1003), next(1100), next(50_000)], [1, 1, 25, 300]);
        assert!(!pursued.is_over(Stamp::new(87_399, 0)) && pursued.is_over(Stamp::new(87_400, 0)));
        assert!(Pursued::is_due(5, Stamp::new(5, 0)) && !Pursued::is_due(6, Stamp::new(5, 0)));
        assert!(Pursued::is_due(1000, Stamp::new(5, 0)));
    }
}
