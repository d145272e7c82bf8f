//! `complete`: a preset, or a table of what must be seen.

use std::time::Duration;

use settle::{Clause, Completion, Expr, OnDeadline, PRESETS, Quiet};
use toml::de::{DeTable, DeValue};

use super::choices::{CLAUSES, ON_DEADLINE};
use crate::fields::{Fields, Report, Value};
use crate::keys::COMPLETE;

/// Deeper expressions are no rules but mistakes.
const DEPTH_LIMIT: usize = 8;
const EXPECTED: &str = "a preset such as \"local\", or a table such as { quiet = \"10s\" }";

const LATER_CLAUSES: [&str; 6] = ["marker", "manifest", "count", "members", "metadata", "announce"];

pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<Completion> {
    match value.value {
        DeValue::Table(table) => from_table(table, value, report),
        DeValue::String(_) => preset(value, report),
        _ => {
            value.mismatch(report, EXPECTED, None);
            None
        }
    }
}

fn preset(value: &Value<'_>, report: &mut Report<'_>) -> Option<Completion> {
    let presets: Vec<_> = PRESETS.iter().map(|preset| (preset.name, preset.completion())).collect();
    value.text(report, EXPECTED)?.one_of(report, "preset", &presets, &[])
}

fn from_table(table: &DeTable<'_>, value: &Value<'_>, report: &mut Report<'_>) -> Option<Completion> {
    let mut fields = Fields::of(table, &COMPLETE, "`complete`".into(), value.place.clone());
    let basis = basis(&mut fields, report);
    let min_age = fields.duration(report, "min_age");
    let deadline = deadline(&mut fields, report);
    let known = fields.finish(report);
    let (preset, expr) = match basis {
        Basis::Given(preset, expr) => (preset, Some(expr)),
        Basis::Absent => (None, None),
        Basis::Wrong => return None,
    };
    let aged = min_age.filter(|age| !age.is_zero()).map(|age| Expr::Clause(Clause::MinAge(age)));
    let expr = match (expr, aged) {
        (Some(expr), Some(aged)) => Expr::All(vec![expr, aged]),
        (Some(expr), None) => expr,
        (None, Some(aged)) => aged,
        // Probably what is missing is what was misspelt.
        (None, None) if !known => return None,
        (None, None) => {
            let help = "name a preset, or write any, all, quiet or min_age".to_owned();
            report.error(&value.place, "`complete` does not say what must be seen", Some(help));
            return None;
        }
    };
    Some(Completion { preset, deadline, ..Completion::of(expr) })
}

/// What the table says besides age and deadline.
enum Basis {
    Given(Option<&'static str>, Expr),
    Absent,
    Wrong,
}

fn basis(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Basis {
    let given: Vec<&str> =
        ["preset", "any", "all", "quiet"].into_iter().filter(|key| fields.has(key)).collect();
    let (named, any) = (fields.take("preset"), fields.take("any"));
    let (all, quiet) = (fields.take("all"), fields.period(report, "quiet"));
    let found = match given.as_slice() {
        [] => return Basis::Absent,
        ["preset"] => named.and_then(|value| preset(&value, report)).map(|found| (found.preset, found.expr)),
        ["preset", "quiet"] => named.and_then(|value| network(&value, quiet, report)),
        ["any"] => {
            any.and_then(|value| members(&value, 1, report)).map(|list| (None, joined(list, Expr::Any)))
        }
        ["all"] => {
            all.and_then(|value| members(&value, 1, report)).map(|list| (None, joined(list, Expr::All)))
        }
        ["quiet"] => quiet.map(|quiet| (None, Expr::Clause(Clause::Quiet(Quiet::For(quiet))))),
        several => {
            let message = format!("`complete` has {} side by side", several.join(" and "));
            report.error(fields.place(), message, Some("put them into one list: { all = [ … ] }".into()));
            None
        }
    };
    found.map_or(Basis::Wrong, |(preset, expr)| Basis::Given(preset, expr))
}

/// `{ preset = "network", quiet = "30s" }`.
fn network(
    named: &Value<'_>,
    quiet: Option<Duration>,
    report: &mut Report<'_>,
) -> Option<(Option<&'static str>, Expr)> {
    let found = preset(named, report)?;
    if found.preset != Some("network") {
        let help = "write { all = [ … ] } for more than a preset".to_owned();
        report.error(&named.place, "only the preset \"network\" takes `quiet`", Some(help));
        return None;
    }
    let found = Completion::network(quiet?);
    Some((found.preset, found.expr))
}

fn deadline(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<(Duration, OnDeadline)> {
    let deadline = fields.period(report, "deadline");
    let asked = fields.has("on_deadline");
    let then = fields.one_of(report, "on_deadline", &ON_DEADLINE, &[]).unwrap_or(OnDeadline::Alert);
    if asked && deadline.is_none() {
        let help = "add deadline = \"1h\"".to_owned();
        report.error(fields.place(), "`on_deadline` says what to do, but there is no `deadline`", Some(help));
    }
    deadline.map(|deadline| (deadline, then))
}

fn members(value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<Vec<Expr>> {
    if depth > DEPTH_LIMIT {
        report.error(&value.place, format!("lists nest deeper than {DEPTH_LIMIT}"), None);
        return None;
    }
    let values = value.list(report)?;
    if values.is_empty() {
        report.error(&value.place, "the list is empty and says nothing", None);
        return None;
    }
    let members: Vec<Expr> = values.iter().filter_map(|value| member(value, depth, report)).collect();
    (members.len() == values.len()).then_some(members)
}

/// A list of one is its member.
fn joined(mut members: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    if members.len() == 1 { members.swap_remove(0) } else { join(members) }
}

fn member(value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<Expr> {
    let DeValue::Table(table) = value.value else {
        let text = value.text(report, "a name such as \"closed\", or { quiet = \"2s\" }")?;
        if text.value == "quiet" || text.value == "min_age" {
            let help = format!("write {{ {} = \"2s\" }}", text.value);
            report.error(&text.place, format!("{} needs a duration", text.quoted()), Some(help));
            return None;
        }
        return text.one_of(report, "signal", &CLAUSES, &LATER_CLAUSES).map(Expr::Clause);
    };
    let mut fields = Fields::of(table, &COMPLETE, "a member of `complete`".into(), value.place.clone());
    for key in ["preset", "deadline", "on_deadline"] {
        if let Some((place, _)) = fields.entry(key) {
            report.error(&place, format!("`{key}` stands outside of the lists"), None);
        }
    }
    let quiet = fields.period(report, "quiet").map(|quiet| Expr::Clause(Clause::Quiet(Quiet::For(quiet))));
    let min_age = fields.period(report, "min_age").map(|age| Expr::Clause(Clause::MinAge(age)));
    let any = fields
        .take("any")
        .and_then(|value| members(&value, depth + 1, report))
        .map(|list| joined(list, Expr::Any));
    let all = fields
        .take("all")
        .and_then(|value| members(&value, depth + 1, report))
        .map(|list| joined(list, Expr::All));
    let place = fields.place().clone();
    let known = fields.finish(report);
    if known && table.len() != 1 {
        let help = "write each as a member of its own: { quiet = \"2s\" }, { min_age = \"1m\" }".to_owned();
        report.error(&place, "a member holds exactly one key", Some(help));
        return None;
    }
    quiet.or(min_age).or(any).or(all)
}
