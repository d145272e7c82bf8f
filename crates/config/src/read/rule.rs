//! `[[source.NAME.rule]]`.

use std::collections::BTreeSet;

use settle::{Completion, Pattern, Rule, Rules, Shape};

use super::shape::{self, Kind};
use super::source::patterns;
use super::{complete, name, of, same_keys, unreachable};
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::RULE;
use crate::nearest::nearest;
use crate::source_text::shown;

/// What holds for a source without rules: it takes every file, and every sink is told.
pub(crate) fn default_rule(sinks: &[String]) -> Rule {
    Rule {
        name: "default".into(),
        include: everything(),
        exclude: Vec::new(),
        completion: Completion::local(),
        to: sinks.to_vec(),
        shape: Shape::default(),
    }
}

fn everything() -> Vec<Pattern> {
    Pattern::parse("*").into_iter().collect()
}

pub(super) fn read_all(
    value: &Value<'_>,
    source: &str,
    sinks: &[String],
    report: &mut Report<'_>,
) -> Vec<Rule> {
    let Some(values) = list_of_tables(value, report) else {
        return Vec::new();
    };
    if values.len() > Rules::LIMIT {
        let message = format!("{source} has {} rules; at most {} are possible", values.len(), Rules::LIMIT);
        report.error(
            &value.place,
            message,
            Some("join patterns, or make a second source of the same path".into()),
        );
    }
    let mut names = BTreeSet::new();
    let (mut rules, mut outer) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    for (at, value) in values.iter().enumerate() {
        let Some((rule, of)) = read(value, at, source, sinks, report) else { continue };
        if !names.insert(rule.name.clone()) {
            let message = format!("{source} has two rules named \"{}\"", shown(&rule.name));
            report.error(&value.place, message, Some("`explain` names rules: give each its own name".into()));
        }
        rules.push(rule);
        outer.push(of);
    }
    of::resolve(&mut rules, &outer, source, report);
    unreachable::warn(&rules, &values, report);
    same_keys::warn(&rules, &values, report);
    rules
}

fn list_of_tables<'d>(value: &Value<'d>, report: &mut Report<'_>) -> Option<Vec<Value<'d>>> {
    if value.value.is_table() {
        value.mismatch(report, "a list of tables", "write [[source.NAME.rule]] with two brackets".to_owned());
        return None;
    }
    value.list(report)
}

fn read(
    value: &Value<'_>,
    at: usize,
    source: &str,
    sinks: &[String],
    report: &mut Report<'_>,
) -> Option<(Rule, Option<Text>)> {
    let table = value.table(report)?;
    let given = table.get("name").and_then(|name| name.get_ref().as_str());
    let what = match given {
        Some(given) => format!("rule \"{}\" of {source}", shown(given)),
        None => format!("rule {} of {source}", at + 1),
    };
    let mut fields = Fields::of(table, &RULE, what, value.place.clone());
    let given = fields.text(report, "name").and_then(|text| name(report, "rule", &text.value, &text.place));
    let shape::Read { shape, kind, of } = shape::read(&mut fields, report);
    let include = include(&mut fields, kind, report);
    let exclude = fields.texts(report, "exclude").unwrap_or_default();
    complete::misplaced(&mut fields, kind, report);
    let completion = fields.take("complete").and_then(|value| complete::read(&value, kind, report));
    let to = fields.take("to");
    let to = to.map_or_else(|| sinks.to_vec(), |value| targets(&value, &fields, sinks, report));
    fields.finish(report);
    let rule = Rule {
        name: given.unwrap_or_else(|| format!("rule-{}", at + 1)),
        include,
        exclude: patterns(exclude, report),
        completion: completion.unwrap_or_else(|| shape::default_completion(&shape.take)),
        to,
        shape,
    };
    Some((rule, of))
}

fn include(fields: &mut Fields<'_>, kind: Kind, report: &mut Report<'_>) -> Vec<Pattern> {
    let Some((place, value)) = fields.entry("include") else {
        return if kind == Kind::Dataset { Vec::new() } else { everything() };
    };
    if kind == Kind::Dataset {
        let help = "the pattern of `dataset` says which directories; `exclude` names what is no member";
        report.error(&place, "`include` says nothing in a rule for datasets", Some(help.into()));
        return Vec::new();
    }
    if value.is_empty_list() {
        let help = "leave the key out, or write include = [\"*\"]".to_owned();
        report.error(fields.place(), format!("{} includes nothing", fields.what()), Some(help));
    }
    value.texts(report).map_or_else(everything, |texts| patterns(texts, report))
}

fn targets(value: &Value<'_>, fields: &Fields<'_>, sinks: &[String], report: &mut Report<'_>) -> Vec<String> {
    if value.is_empty_list() {
        let help = "leave the key out for all sinks, or exclude what nobody wants".to_owned();
        report.error(fields.place(), format!("{} delivers to no sink", fields.what()), Some(help));
    }
    let mut to: Vec<String> = Vec::new();
    for text in value.texts(report).unwrap_or_default() {
        if !sinks.contains(&text.value) {
            unknown_sink(&text, sinks, report);
        } else if to.contains(&text.value) {
            report.error(&text.place, format!("the sink {} is named twice", text.quoted()), None);
        } else {
            to.push(text.value);
        }
    }
    to
}

fn unknown_sink(text: &Text, sinks: &[String], report: &mut Report<'_>) {
    let help = match nearest(&text.value, sinks.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{}\"?", shown(near)),
        None if text.value == super::LOCAL_SINK => {
            "it is there by itself only when no sink is configured; add [sink.local] with type = \"queue\""
                .into()
        }
        None => format!("there are: {}", shown(&sinks.join(", "))),
    };
    report.error(&text.place, format!("there is no sink {}", text.quoted()), Some(help));
}
