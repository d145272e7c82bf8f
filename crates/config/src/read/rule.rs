//! `[[source.NAME.rule]]`.

use std::collections::BTreeSet;

use model::{Happening, HappeningSet};
use settle::{Completion, Pattern, Rule, Rules, Shape};
use toml::de::DeValue;

use super::shape::{self, Kind};
use super::source::patterns;
use super::{complete, name, of, same_keys};
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::RULE;
use crate::nearest::nearest;
use crate::source_text::{Place, shown};

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

/// What a rule says of its sinks, for when it is known what those take.
pub(super) struct Asked {
    /// Where the rule stands, or its source if no rule is written.
    pub(super) place: Place,
    /// Where each of the sinks is named; `None`: nobody is, and all that take what the rule gives are meant.
    pub(super) to: Option<Vec<Place>>,
    /// What it asks for of the event stream.
    pub(super) events: Option<(HappeningSet, Place)>,
    /// Whether it announces what arrived complete.
    pub(super) arrivals: bool,
    /// Where that is said.
    pub(super) arrivals_place: Option<Place>,
    /// Keys that are about announcing only.
    pub(super) announcing: Vec<(&'static str, Place)>,
}

impl Asked {
    /// For a source without rules.
    pub(super) fn nothing(place: Place) -> Self {
        Self { place, to: None, events: None, arrivals: true, arrivals_place: None, announcing: Vec::new() }
    }
}

pub(super) fn read_all(
    value: &Value<'_>,
    source: &str,
    sinks: &[String],
    report: &mut Report<'_>,
) -> (Vec<Rule>, Vec<Asked>) {
    let Some(values) = list_of_tables(value, report) else {
        return (Vec::new(), Vec::new());
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
    let (mut rules, mut asked) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    let mut outer = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let Some(read) = read(value, at, source, sinks, report) else { continue };
        if !names.insert(read.rule.name.clone()) {
            let message = format!("{source} has two rules named \"{}\"", shown(&read.rule.name));
            report.error(&value.place, message, Some("`explain` names rules: give each its own name".into()));
        }
        rules.push(read.rule);
        outer.push(read.of);
        asked.push(read.asked);
    }
    of::resolve(&mut rules, &outer, source, report);
    same_keys::warn(&rules, &values, report);
    (rules, asked)
}

fn list_of_tables<'d>(value: &Value<'d>, report: &mut Report<'_>) -> Option<Vec<Value<'d>>> {
    if value.value.is_table() {
        value.mismatch(report, "a list of tables", "write [[source.NAME.rule]] with two brackets".to_owned());
        return None;
    }
    value.list(report)
}

/// A rule, and what is to be said of it when all rules and sinks are known.
struct Read {
    rule: Rule,
    of: Option<Text>,
    asked: Asked,
}

fn read(
    value: &Value<'_>,
    at: usize,
    source: &str,
    sinks: &[String],
    report: &mut Report<'_>,
) -> Option<Read> {
    let table = value.table(report)?;
    let given = table.get("name").and_then(|name| name.get_ref().as_str());
    let what = match given {
        Some(given) => format!("rule \"{}\" of {source}", shown(given)),
        None => format!("rule {} of {source}", at + 1),
    };
    let mut fields = Fields::of(table, &RULE, what, value.place.clone());
    let given = fields.text(report, "name").and_then(|text| name(report, "rule", &text.value, &text.place));
    let announcing = ["complete", "late", "removed"];
    let announcing = announcing.into_iter().filter_map(|key| Some((key, fields.peek(key)?.place.clone())));
    let announcing = announcing.collect();
    let shape::Read { shape, kind, of } = shape::read(&mut fields, report);
    let include = include(&mut fields, kind, report);
    let exclude = fields.texts(report, "exclude").unwrap_or_default();
    complete::misplaced(&mut fields, kind, report);
    let completion = fields.take("complete").and_then(|value| complete::read(&value, kind, report));
    let events = fields.entry("events").map(|(place, value)| {
        // What is wrong is asked for all the same: no sink is to be told that it gets nothing.
        (events(&place, &value, kind, report).unwrap_or_default(), place)
    });
    let arrivals = fields.entry("arrivals");
    let (arrivals_place, arrivals) = arrivals.map(|(place, value)| (place, value.flag(report))).unzip();
    let to = fields.take("to").map(|value| targets(&value, &fields, sinks, report));
    fields.finish(report);
    let (to, to_places) = match to {
        None => (sinks.to_vec(), None),
        Some(to) => {
            let (names, places) = to.into_iter().unzip();
            (names, Some(places))
        }
    };
    let rule = Rule {
        name: given.unwrap_or_else(|| format!("rule-{}", at + 1)),
        include,
        exclude: patterns(exclude, report),
        completion: completion.unwrap_or_else(|| shape::default_completion(&shape.take)),
        to,
        shape,
    };
    let arrivals = arrivals.flatten().unwrap_or(true);
    let place = value.place.clone();
    let asked = Asked { place, to: to_places, events, arrivals, arrivals_place, announcing };
    Some(Read { rule, of, asked })
}

/// Which happenings the rule asks for; `None` where that is wrong. `place` is where the key stands.
fn events(place: &Place, value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<HappeningSet> {
    if kind != Kind::File {
        let help = "make a second rule for the events, without `dataset` and `group`".to_owned();
        report.error(place, "events are of files and directories, not of datasets and groups", Some(help));
        return None;
    }
    if let DeValue::String(_) = value.value {
        let text = value.text(report, "\"all\" or a list")?;
        if text.value == "all" {
            return Some(HappeningSet::ALL);
        }
        let help = match Happening::from_name(&text.value) {
            Some(what) => format!("write [\"{}\"]", what.name()),
            None => "write \"all\", or a list such as [\"create\", \"delete\"]".to_owned(),
        };
        report.error(
            &text.place,
            format!("`events` is \"all\" or a list, not {}", text.quoted()),
            Some(help),
        );
        return None;
    }
    if value.is_empty_list() {
        let help = "leave the key out for no events, or write \"all\"".to_owned();
        report.error(&value.place, "the list of events is empty", Some(help));
        return None;
    }
    let choices = Happening::ALL.map(|what| (what.name(), what));
    let texts = value.texts(report)?;
    let named = texts.iter().filter_map(|text| text.one_of(report, "event", &choices, &[]));
    Some(named.fold(HappeningSet::EMPTY, HappeningSet::with))
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

/// The sinks that are named, and where.
fn targets(
    value: &Value<'_>,
    fields: &Fields<'_>,
    sinks: &[String],
    report: &mut Report<'_>,
) -> Vec<(String, Place)> {
    if value.is_empty_list() {
        let help = "leave the key out for all sinks, or exclude what nobody wants".to_owned();
        report.error(fields.place(), format!("{} delivers to no sink", fields.what()), Some(help));
    }
    let mut to: Vec<(String, Place)> = Vec::new();
    for text in value.texts(report).unwrap_or_default() {
        if !sinks.contains(&text.value) {
            unknown_sink(&text, sinks, report);
        } else if to.iter().any(|(name, _)| *name == text.value) {
            report.error(&text.place, format!("the sink {} is named twice", text.quoted()), None);
        } else {
            to.push((text.value, text.place));
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
