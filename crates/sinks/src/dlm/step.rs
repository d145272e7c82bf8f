//! What is written down while a product is made, and what it adds up to.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The first request is about to be sent: from here on one without a record may have been sent.
    Begin,
    /// The item was registered.
    Registered { name: String, uid: String },
    /// The server had it already.
    Known { name: String, uid: String, oid: Option<String> },
    /// The item's object id was learnt.
    Oid { name: String, oid: String },
    /// The item's row on the target storage was made, or found there.
    OnTarget { name: String },
    /// The copy was accepted, or found to have been.
    Copied { name: String, uid: String, migration: Option<i64> },
    /// Something in the directory is no item.
    LeftOut { name: String, why: String },
    /// The server will not take this, or (in strict mode) did not.
    Refused { name: String, why: String },
    /// The outcome of a copy.
    Result { name: String, state: CopyState, why: String, tries: u32 },
    /// Every request sent so far was answered and recorded; the rest follows with another call.
    Pause,
    /// The product was refused as a whole, for what was refused since the last verdict: if it is tried again,
    /// all of it is.
    Verdict,
    /// Nothing is left to do.
    Done,
}

/// How a copy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyState {
    /// It is on the target.
    Finished,
    /// It failed and is asked for again.
    Failed,
    /// It failed and cannot be asked for again.
    GivenUp,
}

impl CopyState {
    const ALL: [(CopyState, &'static str); 3] =
        [(CopyState::Finished, "finished"), (CopyState::Failed, "failed"), (CopyState::GivenUp, "given up")];

    /// The word.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

impl Step {
    /// As it is kept.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let value = match self {
            Step::Begin => json!({"begin": true}),
            Step::Registered { name, uid } => json!({"reg": name, "uid": uid}),
            Step::Known { name, uid, oid } => json!({"known": name, "uid": uid, "oid": oid}),
            Step::Oid { name, oid } => json!({"query": name, "oid": oid}),
            Step::OnTarget { name } => json!({"target": name}),
            Step::Copied { name, uid, migration } => {
                json!({"copy": name, "uid": uid, "migration": migration})
            }
            Step::LeftOut { name, why } => json!({"left": name, "why": why}),
            Step::Refused { name, why } => json!({"refused": name, "why": why}),
            Step::Result { name, state, why, tries } => {
                json!({"result": name, "state": state.name(), "why": why, "tries": tries})
            }
            Step::Pause => json!({"pause": true}),
            Step::Verdict => json!({"verdict": true}),
            Step::Done => json!({"done": true}),
        };
        value.to_string().into_bytes()
    }

    /// From what was kept; nothing where it is of a later version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let (uid, why) = (text("uid"), || text("why").unwrap_or_default());
        if let Some(name) = text("reg") {
            return Some(Step::Registered { name, uid: uid? });
        }
        if let Some(name) = text("known") {
            return Some(Step::Known { name, uid: uid?, oid: text("oid") });
        }
        if let Some(name) = text("query") {
            return Some(Step::Oid { name, oid: text("oid")? });
        }
        if let Some(name) = text("target") {
            return Some(Step::OnTarget { name });
        }
        if let Some(name) = text("copy") {
            return Some(Step::Copied {
                name,
                uid: uid?,
                migration: value.get("migration").and_then(Value::as_i64),
            });
        }
        if let Some(name) = text("left") {
            return Some(Step::LeftOut { name, why: why() });
        }
        if let Some(name) = text("refused") {
            return Some(Step::Refused { name, why: why() });
        }
        if let Some(name) = text("result") {
            let word = text("state")?;
            let (state, _) = CopyState::ALL.into_iter().find(|(_, name)| *name == word)?;
            let tries = value.get("tries").and_then(Value::as_u64).unwrap_or(0) as u32;
            return Some(Step::Result { name, state, why: why(), tries });
        }
        match () {
            () if value.contains_key("begin") => Some(Step::Begin),
            () if value.contains_key("pause") => Some(Step::Pause),
            () if value.contains_key("verdict") => Some(Step::Verdict),
            () if value.contains_key("done") => Some(Step::Done),
            () => None,
        }
    }
}

/// What a step says to a person; nothing where it is of a later version.
#[must_use]
pub fn describe(step: &[u8]) -> Option<String> {
    Some(match Step::decode(step)? {
        Step::Begin => "begun".to_owned(),
        Step::Registered { name, uid } => format!("registered {name} as {uid}"),
        Step::Known { name, uid, .. } => format!("{name} was registered already, as {uid}"),
        Step::Oid { name, oid } => format!("{name} is object {oid}"),
        Step::OnTarget { name } => format!("{name} has its row on the target storage"),
        Step::Copied { name, migration: Some(number), .. } => {
            format!("copy of {name} accepted as migration {number}")
        }
        Step::Copied { name, .. } => format!("copy of {name} accepted"),
        Step::LeftOut { name, why } => format!("{name} left out: {why}"),
        Step::Refused { name, why } => format!("{name} refused: {why}"),
        Step::Result { name, state: CopyState::Finished, .. } => format!("copy of {name} finished"),
        Step::Result { name, state: CopyState::Failed, why, tries } => {
            format!("copy of {name} failed (try {tries}): {why}; it is asked for again")
        }
        Step::Result { name, state: CopyState::GivenUp, why, .. } => {
            format!("copy of {name} given up: {why}")
        }
        Step::Pause => "paused for others".to_owned(),
        Step::Verdict => "refused as a whole".to_owned(),
        Step::Done => "everything is registered".to_owned(),
    })
}

/// How the copies of a delivered product stand, in words; nothing where none was asked for.
#[must_use]
pub fn copy_standing<'a>(steps: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let mut copies: BTreeMap<String, Option<(CopyState, String)>> = BTreeMap::new();
    for step in steps.into_iter().filter_map(Step::decode) {
        match step {
            Step::Copied { name, .. } => drop(copies.insert(name, None)),
            Step::Result { name, state, why, .. } => drop(copies.insert(name, Some((state, why)))),
            _ => {}
        }
    }
    let worst = copies.iter().max_by_key(|(_, ended)| match ended {
        Some((CopyState::GivenUp, _)) => 3,
        Some((CopyState::Failed, _)) => 2,
        None => 1,
        Some((CopyState::Finished, _)) => 0,
    })?;
    Some(match worst {
        (name, Some((CopyState::GivenUp, why))) => format!("the copy of {name} is given up: {why}"),
        (name, Some((CopyState::Failed, why))) => {
            format!("the copy of {name} failed and is asked for again: {why}")
        }
        (name, None) => format!("the copy of {name} was accepted; how it ends is not known yet"),
        (_, Some((CopyState::Finished, _))) => "the copy is finished".to_owned(),
    })
}

/// What the steps of one product add up to.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// It was begun before and not put aside in order: what is not recorded may have been done.
    pub(crate) unsure: bool,
    /// Nothing is left to do.
    pub(crate) done: bool,
    uids: HashMap<String, String>,
    oids: HashMap<String, String>,
    on_target: HashSet<String>,
    copied: HashSet<String>,
    refused: HashMap<String, String>,
    left_out: HashSet<String>,
}

impl Progress {
    /// From the journal.
    pub(crate) fn of<'a>(steps: impl IntoIterator<Item = &'a Vec<u8>>) -> Self {
        let mut progress = Self::default();
        for step in steps.into_iter().filter_map(|step| Step::decode(step)) {
            progress.add(&step);
        }
        progress
    }

    /// Takes a step in.
    pub(crate) fn add(&mut self, step: &Step) {
        match step {
            Step::Begin => self.unsure = true,
            Step::Pause => self.unsure = false,
            Step::Verdict => self.refused.clear(),
            Step::Done => self.done = true,
            Step::Registered { name, uid } => drop(self.uids.insert(name.clone(), uid.clone())),
            Step::Known { name, uid, oid } => {
                self.uids.insert(name.clone(), uid.clone());
                if let Some(oid) = oid {
                    self.oids.insert(name.clone(), oid.clone());
                }
            }
            Step::Oid { name, oid } => drop(self.oids.insert(name.clone(), oid.clone())),
            Step::OnTarget { name } => drop(self.on_target.insert(name.clone())),
            Step::Copied { name, .. } => drop(self.copied.insert(name.clone())),
            Step::Refused { name, why } => drop(self.refused.insert(name.clone(), why.clone())),
            Step::LeftOut { name, .. } => drop(self.left_out.insert(name.clone())),
            Step::Result { .. } => {}
        }
    }

    pub(crate) fn uid(&self, name: &str) -> Option<&str> {
        self.uids.get(name).map(String::as_str)
    }

    pub(crate) fn oid(&self, name: &str) -> Option<&str> {
        self.oids.get(name).map(String::as_str)
    }

    pub(crate) fn is_on_target(&self, name: &str) -> bool {
        self.on_target.contains(name)
    }

    pub(crate) fn is_copied(&self, name: &str) -> bool {
        self.copied.contains(name)
    }

    pub(crate) fn is_left_out(&self, name: &str) -> bool {
        self.left_out.contains(name)
    }

    pub(crate) fn is_refused(&self, name: &str) -> bool {
        self.refused.contains_key(name)
    }

    /// How many items were refused, and what was said of the one that comes first by name.
    pub(crate) fn refusals(&self) -> Option<(usize, &str, &str)> {
        let (name, why) = self.refused.iter().min()?;
        Some((self.refused.len(), name, why))
    }

    /// How many items were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// How many items have an id.
    pub(crate) fn registered(&self) -> usize {
        self.uids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Step> {
        let name = || "dp/a \"ü".to_owned();
        let text = |text: &str| text.to_owned();
        vec![
            Step::Begin,
            Step::Registered { name: name(), uid: text("u1") },
            Step::Known { name: text("k"), uid: text("u2"), oid: Some(text("o2")) },
            Step::Known { name: text("l"), uid: text("u3"), oid: None },
            Step::Oid { name: name(), oid: text("o1") },
            Step::OnTarget { name: name() },
            Step::Copied { name: name(), uid: text("u1"), migration: Some(7) },
            Step::Copied { name: text("k"), uid: text("u2"), migration: None },
            Step::LeftOut { name: text("x"), why: text("dangling link") },
            Step::Refused { name: text("r"), why: text("w") },
            Step::Result { name: name(), state: CopyState::Finished, why: String::new(), tries: 1 },
            Step::Result { name: name(), state: CopyState::GivenUp, why: text("gone"), tries: 2 },
            Step::Pause,
            Step::Done,
        ]
    }

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        for step in all() {
            assert_eq!(Step::decode(&step.encode()), Some(step.clone()));
            assert!(describe(&step.encode()).is_some_and(|text| !text.is_empty()));
        }
        for odd in [&b"{\"later\":1}"[..], b"[]", b"\xff", b"{\"reg\":1}", b""] {
            assert_eq!(Step::decode(odd), None);
        }
    }

    #[test]
    fn the_worst_copy_is_told() {
        let copied = |name: &str| Step::Copied { name: name.into(), uid: "u".into(), migration: None };
        let result = |name: &str, state| Step::Result { name: name.into(), state, why: "w".into(), tries: 1 };
        let told = |steps: &[Step]| {
            let kept: Vec<Vec<u8>> = steps.iter().map(Step::encode).collect();
            copy_standing(kept.iter().map(Vec::as_slice))
        };
        assert_eq!(told(&[Step::Begin]), None);
        assert!(told(&[copied("a")]).unwrap().contains("not known yet"));
        let finished = result("a", CopyState::Finished);
        assert_eq!(told(&[copied("a"), finished.clone()]).unwrap(), "the copy is finished");
        let two = [copied("a"), copied("b"), finished, result("b", CopyState::Failed)];
        assert!(told(&two).unwrap().starts_with("the copy of b failed"));
        assert!(told(&[copied("a"), result("a", CopyState::GivenUp)]).unwrap().contains("given up: w"));
    }

    #[test]
    fn steps_add_up() {
        let kept: Vec<Vec<u8>> = all().iter().map(Step::encode).collect();
        let progress = Progress::of(&kept);
        assert!(progress.done && !progress.unsure && Progress::of(&kept[..1]).unsure);
        assert_eq!(progress.uid("dp/a \"ü"), Some("u1"));
        assert_eq!((progress.uid("k"), progress.oid("k"), progress.oid("l")), (Some("u2"), Some("o2"), None));
        assert!(progress.is_copied("k") && !progress.is_copied("l") && progress.is_on_target("dp/a \"ü"));
        assert_eq!(progress.refusals(), Some((1, "r", "w")));
        assert_eq!(Progress::of(&[]).refusals(), None);
        let tried_again = kept.into_iter().chain([Step::Verdict.encode()]).collect::<Vec<_>>();
        assert_eq!(Progress::of(&tried_again).refusals(), None);
    }
}
