//! What is said of a path, for people.

use std::fmt::Write as _;

use engine::explain::reason_detail;
use model::text::safe;
use settle::companion::Of;
use settle::{Completion, PRESETS, Pattern, Rule, Say, Take};

use super::finding::{Companion, Finding, Key};
use crate::show::table;

pub(super) fn of(finding: &Finding<'_>) -> String {
    let shown = if finding.path.is_empty() { ".".to_owned() } else { safe(finding.path) };
    let mut out = format!("{shown} (source {})\n", name(&finding.source.name));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<10}{value}");
    };
    line("taken", &verdict(finding));
    for dataset in &finding.datasets {
        let by =
            format!("{} by \"{}\" (rule {})", safe(dataset.path), text(dataset.pattern), rule(dataset.rule));
        line("dataset", &by);
    }
    if let Some(group) = &finding.group {
        line("group", &key(&group.key));
    }
    if let Some(pattern) = finding.temp_name.filter(|_| !finding.datasets.is_empty()) {
        line("note", &format!("as a plain file its name would be temporary (\"{}\")", text(pattern.text())));
    }
    if let Some(rule) = finding.taken {
        line("complete", &text(&config::completion_to_toml(&rule.completion)));
        if let Some(meaning) = meaning(&rule.completion) {
            line("", &format!("which is {meaning}"));
        }
        line("to", &told(rule));
    }
    if let Some(taken) = finding.taken
        && !finding.withheld.is_empty()
    {
        line("note", &withheld(taken, &finding.withheld));
    }
    if !finding.says.is_empty() {
        out.push_str("  rules, as they are asked\n");
        let rows: Vec<Vec<String>> = finding
            .says
            .iter()
            .map(|(asked, say)| vec![rule(asked), said(asked, *say, finding.path)])
            .collect();
        for line in table(&rows).lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}

/// Which rule takes it, or why none does: one sentence.
pub(super) fn verdict(finding: &Finding<'_>) -> String {
    if finding.too_deep {
        return "no: it lies in a directory below, and the source has recursive = false".to_owned();
    }
    if let Some(marker) = &finding.marker_of {
        return companion(marker);
    }
    match (finding.taken, &finding.reason) {
        (Some(taken), _) if finding.datasets.first().is_some_and(|dataset| dataset.path == finding.path) => {
            format!("as a dataset by rule {}", rule(taken))
        }
        (Some(taken), _) if !finding.datasets.is_empty() => {
            format!("as part of a dataset by rule {}", rule(taken))
        }
        (Some(taken), _) => format!("by rule {}", rule(taken)),
        (None, Some(reason)) => format!("no: {}", reason_detail(reason)),
        (None, None) => "no: no rule includes it".to_owned(),
    }
}

/// What a rule wants that names a preset, in the configuration's language.
pub(super) fn meaning(completion: &Completion) -> Option<&'static str> {
    let preset = PRESETS.iter().find(|preset| Some(preset.name) == completion.preset)?;
    (preset.completion().expr == completion.expr).then_some(preset.meaning)
}

fn told(taken: &Rule) -> String {
    if taken.to.is_empty() {
        return "nobody: by this rule no sink is told of what arrives".to_owned();
    }
    text(&taken.to.join(", "))
}

fn withheld(taken: &Rule, from: &[&Rule]) -> String {
    let names: Vec<String> = from.iter().map(|one| rule(one)).collect();
    let (rules, include) = if names.len() == 1 { ("rule", "includes") } else { ("rules", "include") };
    format!(
        "{rules} {} {include} it, too, but {} stands before and takes it; move {} behind",
        names.join(", "),
        rule(taken),
        rule(taken)
    )
}

fn companion(companion: &Companion<'_>) -> String {
    let whose = match companion.of {
        Of::All => String::new(),
        Of::Name(unit) => format!(", about \"{}\"", safe(unit)),
        Of::Stem(stem) => format!(", about what is called \"{}\" without its extension", safe(stem)),
    };
    format!("no: it is a {} of rule {}{whose}", companion.is, rule(companion.rule))
}

fn key(key: &Key<'_>) -> String {
    match key {
        Key::Name { key, total, pattern } => {
            let total = total.map_or_else(String::new, |total| format!(", {total} members by its name"));
            format!("\"{}\"{total}, by \"{}\"", safe(key), text(pattern))
        }
        Key::Header(field) => format!("by its header: {field}"),
    }
}

fn said(rule: &Rule, say: Say<'_>, path: &[u8]) -> String {
    match say {
        Say::Takes(pattern) => format!("takes it: include \"{}\"", text(pattern.text())),
        Say::TakesDataset { len, pattern } => format!(
            "takes it: \"{}\" is a dataset by \"{}\"",
            safe(path.get(..len).unwrap_or_default()),
            text(pattern.text())
        ),
        Say::Excluded(pattern) => format!("excludes it: \"{}\"", text(pattern.text())),
        Say::ExcludedBelow { directory, pattern } => {
            format!("excludes the directory \"{}\" above it: \"{}\"", safe(directory), text(pattern.text()))
        }
        Say::NotIncluded => not_included(rule, path),
    }
}

fn not_included(rule: &Rule, path: &[u8]) -> String {
    match &rule.shape.take {
        Take::Dataset(patterns) => match left_out(rule, patterns, path) {
            Some(pattern) => format!("excludes the dataset that it lies in: \"{}\"", text(pattern.text())),
            None => format!("it lies in no dataset {}", list(patterns)),
        },
        Take::Group(settle::Grouping::Name(pattern)) if rule.include.iter().any(|one| one.matches(path)) => {
            format!("includes it, but finds no key in its name: group \"{}\"", text(pattern.text()))
        }
        Take::File | Take::Group(_) => format!("does not include it: include {}", list(&rule.include)),
    }
}

/// The pattern that excludes a directory which would be a dataset.
fn left_out<'a>(rule: &'a Rule, patterns: &[Pattern], path: &[u8]) -> Option<&'a Pattern> {
    let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| at);
    let directories = slashes.chain([path.len()]).filter_map(|len| path.get(..len));
    let dataset = directories.clone().find(|dir| patterns.iter().any(|pattern| pattern.matches(dir)))?;
    let mut above = directories.take_while(|dir| dir.len() <= dataset.len());
    above.find_map(|dir| rule.exclude.iter().find(|pattern| pattern.matches(dir)))
}

fn list(patterns: &[Pattern]) -> String {
    let patterns: Vec<String> =
        patterns.iter().map(|pattern| format!("\"{}\"", text(pattern.text()))).collect();
    patterns.join(", ")
}

fn rule(rule: &Rule) -> String {
    name(&rule.name)
}

fn name(name: &str) -> String {
    format!("\"{}\"", text(name))
}

/// Text of the configuration, as it stands there: backslashes of a regex are not doubled.
fn text(text: &str) -> String {
    text.split('\\').map(|part| safe(part.as_bytes())).collect::<Vec<_>>().join("\\")
}
