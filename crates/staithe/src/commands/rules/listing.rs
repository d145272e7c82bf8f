//! What there is to choose from: presets, temporary names, and a configuration's rules.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use config::{Plan, SourcePlan, StreamPlan};
use model::text::{insert_json_path, safe};
use model::{Happening, HappeningSet};
use serde_json::{Map, Value, json};
use settle::{DicomKey, Grouping, Late, PRESETS, Pattern, Rule, Rules, Take, temp_names};

/// No line of the list of temporary names is longer.
const WIDTH: usize = 96;

pub(super) fn page(plan: Option<&Plan>) -> String {
    let mut out = String::from("PRESETS, for complete = \"NAME\"\n");
    for preset in &PRESETS {
        let only = if preset.datasets { " (datasets and groups)" } else { "" };
        let _ = writeln!(out, "{}{only}", preset.name);
        let _ = writeln!(out, "  for   {}", preset.purpose);
        let _ = writeln!(out, "  is    {}", preset.meaning);
        let _ = writeln!(out, "  trap  {}", preset.trap);
    }
    out.push_str("\nTEMPORARY NAMES, ignored as plain files; members of datasets may have them\n");
    out.push_str(&wrapped(&temp_names::default_patterns()));
    for source in plan.iter().flat_map(|plan| &plan.sources) {
        push_source(&mut out, source);
    }
    out
}

fn push_source(out: &mut String, source: &SourcePlan) {
    let path = safe(source.path.as_os_str().as_bytes());
    let _ = writeln!(out, "\nSOURCE {}, {path}", safe(source.name.as_bytes()));
    let (usual, extra) = temporary(&source.rules);
    let also = list(extra);
    match (usual, extra.is_empty()) {
        (true, true) => {}
        (true, false) => drop(writeln!(out, "  temporary names: also {also}")),
        (false, true) => out.push_str("  temporary names: none\n"),
        (false, false) => drop(writeln!(out, "  temporary names: only {also}")),
    }
    for rule in in_order(&source.rules) {
        push_rule(out, rule, source);
    }
}

fn push_rule(out: &mut String, rule: &Rule, source: &SourcePlan) {
    let _ = writeln!(out, "  {}", safe(rule.name.as_bytes()));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "    {name:<10}{}", plain(value));
        }
    };
    match &rule.shape.take {
        Take::Dataset(patterns) => line("dataset", &list(patterns)),
        Take::Group(grouping) => line("group", &group(grouping)),
        Take::File => {}
    }
    if !matches!(rule.shape.take, Take::Dataset(_)) {
        line("include", &list(&rule.include));
    }
    line("exclude", &list(&rule.exclude));
    line("of", outer(rule, &source.rules).unwrap_or_default());
    line("complete", &config::completion_to_toml(&rule.completion));
    if rule.shape.late == Late::Ignore {
        line("late", "\"ignore\"");
    }
    if rule.shape.removed {
        line("removed", "true");
    }
    line("to", &rule.to.join(", "));
    for stream in streams(rule, source) {
        line("events", &format!("{} to {}", happenings(stream.what), stream.to.join(", ")));
    }
}

/// What the rule asks for of the event stream.
fn streams<'s>(rule: &'s Rule, source: &'s SourcePlan) -> impl Iterator<Item = &'s StreamPlan> {
    source.streams.iter().filter(|stream| stream.rule == rule.name)
}

fn happenings(set: HappeningSet) -> String {
    if set == HappeningSet::ALL {
        return "all".to_owned();
    }
    let names: Vec<&str> = set.iter().map(Happening::name).collect();
    names.join(", ")
}

pub(super) fn value(plan: Option<&Plan>) -> Value {
    let presets: Vec<Value> = PRESETS
        .iter()
        .map(|preset| {
            json!({"name": preset.name, "purpose": preset.purpose, "meaning": preset.meaning,
                   "trap": preset.trap, "datasets": preset.datasets})
        })
        .collect();
    let sources: Vec<Value> = plan.iter().flat_map(|plan| &plan.sources).map(source_value).collect();
    json!({"presets": presets, "temp_names": texts(&temp_names::default_patterns()), "sources": sources})
}

fn source_value(source: &SourcePlan) -> Value {
    let (usual, extra) = temporary(&source.rules);
    let mut value = Map::new();
    value.insert("name".into(), source.name.as_str().into());
    insert_json_path(&mut value, "path", source.path.as_os_str().as_bytes());
    value.insert("recursive".into(), source.recursive.into());
    value.insert("temp_names".into(), usual.into());
    value.insert("extra_temp_names".into(), texts(extra).into());
    let rules = in_order(&source.rules).map(|rule| rule_value(rule, source));
    value.insert("rules".into(), rules.collect());
    Value::Object(value)
}

fn rule_value(rule: &Rule, source: &SourcePlan) -> Value {
    let (take, dataset, grouped) = match &rule.shape.take {
        Take::File => ("file", None, None),
        Take::Dataset(patterns) => ("dataset", Some(texts(patterns)), None),
        Take::Group(grouping) => ("group", None, Some(group(grouping))),
    };
    let late = if rule.shape.late == Late::Ignore { "ignore" } else { "generation" };
    let events: Vec<Value> = streams(rule, source)
        .map(|stream| {
            let what: Vec<&str> = stream.what.iter().map(Happening::name).collect();
            json!({"what": what, "to": stream.to})
        })
        .collect();
    json!({"name": rule.name, "take": take, "dataset": dataset, "group": grouped,
           "include": texts(&rule.include), "exclude": texts(&rule.exclude), "of": outer(rule, &source.rules),
           "preset": rule.completion.preset, "complete": config::completion_to_toml(&rule.completion),
           "late": late, "removed": rule.shape.removed, "to": rule.to, "events": events})
}

/// The rules as a path meets them: datasets first.
fn in_order(rules: &Rules) -> impl Iterator<Item = &Rule> {
    let is_dataset = |rule: &&Rule| matches!(rule.shape.take, Take::Dataset(_));
    let datasets = rules.rules.iter().filter(is_dataset);
    datasets.chain(rules.rules.iter().filter(move |rule| !is_dataset(rule)))
}

/// Whether the usual temporary names are ignored, and what others.
fn temporary(rules: &Rules) -> (bool, &[Pattern]) {
    let extra = rules.temp_names.strip_prefix(temp_names::default_patterns().as_slice());
    (extra.is_some(), extra.unwrap_or(&rules.temp_names))
}

fn outer<'a>(rule: &Rule, rules: &'a Rules) -> Option<&'a str> {
    rules.rules.get(rule.shape.of?).map(|outer| outer.name.as_str())
}

/// As it is written in the configuration.
fn group(grouping: &Grouping) -> String {
    match grouping {
        Grouping::Name(pattern) => pattern.text().to_owned(),
        Grouping::Dicom(DicomKey::Series) => "{ dicom = \"series\" }".to_owned(),
        Grouping::Dicom(DicomKey::Study) => "{ dicom = \"study\" }".to_owned(),
    }
}

fn texts(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(Pattern::text).collect()
}

fn list(patterns: &[Pattern]) -> String {
    texts(patterns).join("  ")
}

/// Text of the configuration on a terminal: backslashes of a regex are not doubled.
fn plain(text: &str) -> String {
    text.split('\\').map(|part| safe(part.as_bytes())).collect::<Vec<_>>().join("\\")
}

fn wrapped(patterns: &[Pattern]) -> String {
    let mut out = String::new();
    let mut width = 0;
    for pattern in patterns {
        let text = pattern.text();
        if width > 0 && width + 2 + text.len() > WIDTH {
            out.push('\n');
            width = 0;
        }
        out.push_str("  ");
        out.push_str(text);
        width += 2 + text.len();
    }
    out.push('\n');
    out
}
