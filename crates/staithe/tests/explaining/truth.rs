//! What the generator knows of one path.

use serde_json::Value;

/// A path and where it must stand.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Below the folder in which all sources lie.
    pub(crate) path: Vec<u8>,
    /// How much of `path` is the source's directory.
    pub(crate) source: &'static str,
    /// Any of these.
    pub(crate) states: &'static [&'static str],
    pub(crate) reason: Option<&'static str>,
    pub(crate) args: Vec<(&'static str, Value)>,
    pub(crate) rule: Option<&'static str>,
    /// The dataset or group that it is in, or is; below the source.
    pub(crate) unit: Option<Vec<u8>>,
    /// It is a unit, so `ls` and `status` know it. Else it is a member, a directory, or nothing.
    pub(crate) is_unit: bool,
    /// How many generations of it the ledger has that are delivered, besides what `states` says.
    pub(crate) earlier: u64,
    pub(crate) generation: Option<u64>,
    pub(crate) detail: &'static str,
}

const HELD_UP: &[&str] = &["queued", "retrying", "delivering"];

impl Case {
    fn new(source: &'static str, path: &[u8], states: &'static [&'static str]) -> Self {
        Self {
            path: path.to_vec(),
            source,
            states,
            reason: None,
            args: Vec::new(),
            rule: None,
            unit: None,
            is_unit: true,
            earlier: 0,
            generation: None,
            detail: "",
        }
    }

    pub(crate) fn waiting(rule: &'static str, path: &[u8], reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::new("main", path, &["waiting"]) }.of(rule)
    }

    pub(crate) fn delivered(rule: &'static str, path: &[u8]) -> Self {
        Self::new("main", path, &["delivered"]).of(rule)
    }

    pub(crate) fn gone(rule: &'static str, path: &[u8]) -> Self {
        Self::new("main", path, &["gone"]).of(rule).saying("went away at")
    }

    pub(crate) fn adopted(path: &[u8]) -> Self {
        Self::new("adopting", path, &["adopted"]).of("taken-over")
    }

    pub(crate) fn ignored(path: &[u8], reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::new("main", path, &["ignored"]) }
    }

    /// Complete, and a sink does not take it.
    pub(crate) fn blocked(rule: &'static str, path: &[u8], reason: &'static str, sink: &str) -> Self {
        Self { reason: Some(reason), ..Self::new("main", path, HELD_UP) }.of(rule).with("sink", sink)
    }

    /// Never seen: `explain` ends with 4.
    pub(crate) fn never(path: &[u8]) -> Self {
        Self::new("main", path, &["seen"]).no_unit()
    }

    pub(crate) fn of(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    pub(crate) fn in_source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// The same is true of a member, or of the group under its other name.
    pub(crate) fn within(&self, unit: &[u8], path: &[u8]) -> Self {
        Self { path: path.to_vec(), unit: Some(unit.to_vec()), is_unit: false, ..self.clone() }
    }

    /// A group, which is known by its directory, its key and a slash.
    pub(crate) fn named(mut self, unit: &[u8]) -> Self {
        self.unit = Some(unit.to_vec());
        self
    }

    pub(crate) fn no_unit(mut self) -> Self {
        self.is_unit = false;
        self
    }

    pub(crate) fn saying(mut self, detail: &'static str) -> Self {
        self.detail = detail;
        self
    }

    /// It was delivered so many times before.
    pub(crate) fn after(mut self, earlier: u64) -> Self {
        self.earlier = earlier;
        self.generation = Some(earlier + 1);
        self
    }

    /// As `ls` names it: a group has a slash at its end.
    pub(crate) fn listed(&self) -> Vec<u8> {
        match &self.unit {
            Some(unit) if unit.strip_suffix(b"/") == Some(&self.path) => unit.clone(),
            _ => self.path.clone(),
        }
    }

    pub(crate) fn is(&self, state: &str) -> bool {
        self.is_unit && self.states.contains(&state)
    }

    pub(crate) fn is_never(&self) -> bool {
        self.states == ["seen"]
    }

    /// What is wrong with an answer, if anything is.
    pub(crate) fn mistake(&self, code: Option<i32>, answer: &Value) -> Option<String> {
        let state = answer["state"].as_str().unwrap_or_default();
        let wrong = |what: &str, want: &dyn std::fmt::Debug| Some(format!("{what} should be {want:?}"));
        if code != Some(if self.is_never() { 4 } else { 0 }) {
            return wrong("the exit code", &self.states);
        }
        if !self.states.contains(&state) {
            return wrong("state", &self.states);
        }
        // Of what was never seen the reason tells what would become of it.
        if !self.is_never()
            && (answer["reason"].as_str() != self.reason || answer["rule"].as_str() != self.rule)
        {
            return wrong("reason and rule", &(self.reason, self.rule));
        }
        if let Some((name, want)) = self.args.iter().find(|(name, want)| answer["reason_args"][name] != *want)
        {
            return wrong(name, want);
        }
        let unit = model::text::json_path(answer, "unit").filter(|_| !answer["unit"].is_null());
        if unit != self.unit {
            return wrong("unit", &self.unit.as_ref().map(|unit| String::from_utf8_lossy(unit).into_owned()));
        }
        if self.generation.is_some_and(|generation| answer["generation"] != generation) {
            return wrong("generation", &self.generation);
        }
        if answer["next_check"].is_string() != (state == "waiting") {
            return wrong("next_check", &(state == "waiting"));
        }
        if !answer["detail"].as_str().is_some_and(|detail| !detail.is_empty() && detail.contains(self.detail))
        {
            return wrong("detail", &self.detail);
        }
        mistake_in_story(state, answer)
    }
}

/// What an answer in this state must have, whatever it is about.
fn mistake_in_story(state: &str, answer: &Value) -> Option<String> {
    let steps = answer["timeline"].as_array().map_or(0, Vec::len);
    let has_story = !["ignored", "seen"].contains(&state);
    if has_story != (steps > 0) {
        return Some(format!("the timeline has {steps} moments"));
    }
    let sinks = answer["sinks"].as_array().map_or(0, Vec::len);
    let has_sinks = state == "delivered" || HELD_UP.contains(&state);
    if has_sinks != (sinks > 0) {
        return Some(format!("there are {sinks} sinks"));
    }
    let members = ["path", "source", "state", "reason", "reason_args", "rule", "detail", "next_check"];
    members.iter().find(|name| answer.get(**name).is_none()).map(|name| format!("{name} is not there"))
}
