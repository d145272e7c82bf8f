//! `complete`: a preset, or a table of what must be seen.

mod clauses;
mod companions;
mod quiet;

use std::time::Duration;

use settle::{Clause, Completion, Expr, OnDeadline, PRESETS};
use toml::de::{DeTable, DeValue};

use self::clauses::{CLAUSE_KEYS, Clauses};
use super::choices::{CLAUSES, ON_DEADLINE, WHOLE};
use super::shape::Kind;
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::COMPLETE;
use crate::source_text::Place;

const EXPECTED: &str = "a preset such as \"local\", or a table such as { quiet = \"10s\" }";

/// Reads when the units of a rule of that kind are complete.
pub(super) fn read(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Completion> {
    match value.value {
        DeValue::Table(table) => from_table(table, value, kind, report),
        DeValue::String(_) => preset(value, kind, report),
        DeValue::Array(_) => {
            value.mismatch(report, EXPECTED, bare_list(value));
            None
        }
        _ => {
            value.mismatch(report, EXPECTED, None);
            None
        }
    }
}

/// A list alone does not say whether one of it will do.
fn bare_list(value: &Value<'_>) -> String {
    let members = value.value.as_array().into_iter().flatten();
    let words: Vec<String> = members.map(|member| Value::of(member, value.place.file).sketch()).collect();
    let words = words.join(", ");
    format!("write {{ all = [{words}] }} for all of them, or {{ any = [{words}] }} for one")
}

/// The keys of `complete` that stand beside it, in the rule: says how they are written.
pub(super) fn misplaced(fields: &mut Fields<'_>, kind: Kind, report: &mut Report<'_>) {
    let beside = match fields.peek("complete") {
        None => Some(kind.usual().to_owned()),
        Some(Value { value: DeValue::String(_), .. }) => {
            fields.peek("complete").map(|preset| format!("preset = {}", preset.sketch()))
        }
        Some(_) => None,
    };
    for key in COMPLETE.keys {
        let Some((place, value)) = fields.stray(key.name) else { continue };
        let pair = format!("{} = {}", key.name, value.sketch());
        let added = ["deadline", "on_deadline", "min_age"].contains(&key.name);
        let help = match &beside {
            None => format!("write it within the braces: complete = {{ …, {pair} }}"),
            Some(beside) if added => format!("write complete = {{ {beside}, {pair} }}"),
            Some(_) => format!("write complete = {{ {pair} }}"),
        };
        report.error(&place, format!("`{}` belongs in `complete`", key.name), Some(help));
    }
}

fn preset(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Completion> {
    let text = value.text(report, EXPECTED)?;
    if text.value == WHOLE || CLAUSES.iter().any(|(word, _)| *word == text.value) {
        let help = format!("write {{ all = [\"{}\"] }}", text.value);
        report.error(&text.place, format!("{} is a signal and no preset", text.quoted()), Some(help));
        return None;
    }
    let presets: Vec<_> = PRESETS.iter().map(|preset| (preset.name, preset)).collect();
    let preset = text.one_of(report, "preset", &presets, &[])?;
    let found = preset.completion();
    let (wrong, help) = match kind {
        Kind::File if preset.datasets => (
            "is for datasets and groups",
            "say which directories are one unit: dataset = \"*.ms\"; files have \"local\", \"network\" and others",
        ),
        Kind::Dataset if preset.name == "local" => (
            "would announce a dataset between two of its files",
            "write \"measurement-set\", or leave `complete` out",
        ),
        Kind::Group { .. } if found.has(Clause::RenamedIn) || found.has(Clause::SeenRenamed) => (
            "is about renames, and a group is never renamed as a whole",
            "write { all = [\"members\", { quiet = \"10s\" }] }, or leave `complete` out",
        ),
        _ => return Some(found),
    };
    report.error(&text.place, format!("the preset {} {wrong}", text.quoted()), Some(help.into()));
    None
}

fn from_table(
    table: &DeTable<'_>,
    value: &Value<'_>,
    kind: Kind,
    report: &mut Report<'_>,
) -> Option<Completion> {
    let mut fields = Fields::of(table, &COMPLETE, "`complete`".into(), value.place.clone());
    let inner = clauses::inner_keys(&mut fields, report);
    let basis = basis(&mut fields, kind, report);
    let aged = fields.has("min_age");
    let min_age = fields.duration(report, "min_age");
    let deadline = deadline(&mut fields, kind, report);
    let words = clauses::words_as_keys(&mut fields, report);
    let known = fields.finish(report) && !words && !inner;
    let basis = match basis {
        Basis::Given(basis) => Some(basis),
        Basis::Absent => None,
        Basis::Wrong => return None,
    };
    if aged && min_age.is_none() {
        return None;
    }
    let aged = min_age.filter(|age| !age.is_zero()).map(|age| Expr::Clause(Clause::MinAge(age)));
    let completion = match (basis, aged) {
        (Some(Completion { expr, preset, asks, .. }), Some(aged)) => {
            Completion { preset, asks, ..Completion::of(Expr::All(vec![expr, aged])) }
        }
        (Some(basis), None) => basis,
        (None, Some(aged)) => Completion::of(aged),
        // Probably what is missing is what was misspelt.
        (None, None) if !known => return None,
        (None, None) => {
            let help = "name a preset, or write any, all, quiet, marker or another signal".to_owned();
            report.error(&value.place, "`complete` does not say what must be seen", Some(help));
            return None;
        }
    };
    Some(Completion { deadline, ..completion })
}

/// What the table says besides age and deadline.
enum Basis {
    Given(Completion),
    Absent,
    Wrong,
}

fn basis(fields: &mut Fields<'_>, kind: Kind, report: &mut Report<'_>) -> Basis {
    let keys = ["preset", "any", "all"].into_iter().chain(CLAUSE_KEYS);
    let mut given: Vec<(&'static str, Place, Value<'_>)> = Vec::new();
    for key in keys {
        given.extend(fields.entry(key).map(|(place, value)| (key, place, value)));
    }
    let found = match given.as_slice() {
        [] => return Basis::Absent,
        [("preset", _, named)] => preset(named, kind, report),
        [("preset", _, named), ("quiet", _, quiet)] => preset_with_quiet(named, quiet, kind, report),
        [(key, place, value)] => {
            let mut clauses = Clauses::of(kind);
            let expr = clauses.keyed(key, place, value, 1, report);
            expr.map(|expr| Completion { asks: clauses.into_asks(), ..Completion::of(expr) })
        }
        several => {
            let keys: Vec<&str> = several.iter().map(|(key, _, _)| *key).collect();
            let message = format!("`complete` has {} side by side", keys.join(" and "));
            report.error(fields.place(), message, Some("put them into one list: { all = [ … ] }".into()));
            None
        }
    };
    found.map_or(Basis::Wrong, Basis::Given)
}

/// `{ preset = "network", quiet = "30s" }`.
fn preset_with_quiet(
    named: &Value<'_>,
    quiet: &Value<'_>,
    kind: Kind,
    report: &mut Report<'_>,
) -> Option<Completion> {
    let period = quiet.period(report, "quiet");
    let found = preset(named, kind, report)?;
    let changed = found.with_quiet(period.unwrap_or(Duration::ZERO));
    if changed.is_none() {
        let with: Vec<&str> = PRESETS
            .iter()
            .filter(|preset| preset.completion().with_quiet(Duration::ZERO).is_some())
            .map(|preset| preset.name)
            .collect();
        let help =
            format!("those with a period of quiet are {}; else write {{ all = [ … ] }}", with.join(", "));
        report.error(&named.place, "this preset has no period of quiet that could be another", Some(help));
    }
    changed.filter(|_| period.is_some())
}

fn deadline(fields: &mut Fields<'_>, kind: Kind, report: &mut Report<'_>) -> Option<(Duration, OnDeadline)> {
    let deadline = fields.period(report, "deadline");
    let asked = fields.has("on_deadline");
    let text = fields.take("on_deadline").and_then(|value| value.text(report, "what to do then"));
    let then = text.and_then(|text| on_deadline(&text, kind, report)).unwrap_or(OnDeadline::Alert);
    if asked && deadline.is_none() {
        let help = "add deadline = \"1h\"".to_owned();
        report.error(fields.place(), "`on_deadline` says what to do, but there is no `deadline`", Some(help));
    }
    deadline.map(|deadline| (deadline, then))
}

fn on_deadline(text: &Text, kind: Kind, report: &mut Report<'_>) -> Option<OnDeadline> {
    let then = text.one_of(report, "on_deadline", &ON_DEADLINE, &[])?;
    if then == OnDeadline::AnnounceIncomplete && kind == Kind::File {
        let help = "write \"alert\", \"deliver\" or \"hold\"".to_owned();
        report.error(&text.place, "only datasets and groups are announced as incomplete", Some(help));
        return None;
    }
    Some(then)
}
