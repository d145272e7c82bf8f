//! `[source.NAME]`.

use std::path::PathBuf;
use std::time::Duration;

use settle::{Pattern, Rules, Take, temp_names};

use super::choices::{ANNOUNCES, BACKENDS, IDENTITIES, POLL_INTERVAL, RESCAN};
use super::{Named, rooted, rule};
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::{INITIAL, REANNOUNCE, SOURCE};
use crate::plan::{Announce, Backend, IdentityRule, Initial, Reannounce, SourcePlan};
use crate::source_text::{Place, shown};

/// A source and the places that later checks point at.
pub(super) struct Read {
    pub(super) plan: SourcePlan,
    pub(super) path_place: Place,
    /// What each rule says of its sinks.
    pub(super) asked: Vec<rule::Asked>,
    /// Where it is said that links are followed.
    pub(super) follow: Option<Place>,
    /// Where temporary names are asked for that would be ignored.
    pub(super) temp_names: Option<Place>,
}

pub(super) fn read(named: &Named<'_>, sinks: &[String], report: &mut Report<'_>) -> Option<Read> {
    let what = format!("source \"{}\"", shown(named.name));
    let table = named.value.table(report)?;
    let mut fields = Fields::of(table, &SOURCE, what, named.place.clone());
    let path = fields.required(report, "path").and_then(|value| value.text(report, "a directory"));
    let path_place = path.as_ref().map_or_else(|| named.place.clone(), |path| path.place.clone());
    if let Some(path) = &path {
        rooted::warn(table, path, report);
    }
    let path = path.and_then(|text| absolute(report, &text));
    let (follow, temp_names) = (asked_for(&fields, "follow_symlinks"), temp_names_asked_for(&fields));
    let (rules, asked) = rules(&mut fields, sinks, report);
    let recursive = recursive(&mut fields, &rules, report);
    let plan = SourcePlan {
        name: named.name.to_owned(),
        // Without a path there is an error, and no plan in the end.
        path: path.clone().unwrap_or_default(),
        recursive,
        backend: fields.one_of(report, "backend", &BACKENDS, &[]).unwrap_or(Backend::Auto),
        poll_interval: fields.period(report, "poll_interval").unwrap_or(POLL_INTERVAL),
        poll_full: fields.period(report, "poll_full"),
        canary: fields.flag(report, "canary").unwrap_or(false),
        rescan: rescan(&mut fields, report),
        initial: fields.take("initial").and_then(|value| initial(&value, report)).unwrap_or(Initial::Deliver),
        follow_symlinks: fields.flag(report, "follow_symlinks").unwrap_or(false),
        identity: fields.one_of(report, "identity", &IDENTITIES, &[]).unwrap_or(IdentityRule::Auto),
        announce: fields.one_of(report, "announce", &ANNOUNCES, &[]).unwrap_or(Announce::Generations),
        reannounce: fields.take("reannounce").and_then(|value| reannounce(&value, report)),
        gap_events: fields.flag(report, "gap_events").unwrap_or(false),
        streams: Vec::new(),
        rules,
    };
    fields.finish(report);
    path.map(|_| Read { plan, path_place, asked, follow, temp_names })
}

/// Where a flag is set.
fn asked_for(fields: &Fields<'_>, flag: &str) -> Option<Place> {
    fields.peek(flag).filter(|value| value.value.as_bool() == Some(true)).map(|value| value.place.clone())
}

fn temp_names_asked_for(fields: &Fields<'_>) -> Option<Place> {
    let extra = fields.peek("extra_temp_names").filter(|value| !value.is_empty_list());
    extra.map(|value| value.place.clone()).or_else(|| asked_for(fields, "temp_names"))
}

/// A path that means the same wherever the program is started; others get a warning.
pub(super) fn absolute(report: &mut Report<'_>, text: &Text) -> Option<PathBuf> {
    let wrong = if text.value.is_empty() {
        ("the path is empty", "write an absolute path")
    } else if text.value.contains('\0') {
        ("the path contains a zero byte, which no path does", "write an absolute path")
    } else if text.value.starts_with('~') {
        ("`~` is not replaced here", "write ${HOME}/… instead")
    } else {
        if !text.value.starts_with('/') {
            let message =
                format!("{} is relative to the directory that staithe is started in", text.quoted());
            report.warn(&text.place, message, Some("write an absolute path".into()));
        }
        return Some(PathBuf::from(&text.value));
    };
    report.error(&text.place, wrong.0, Some(wrong.1.into()));
    None
}

/// Whether the directories below are watched; a dataset is one of them.
fn recursive(fields: &mut Fields<'_>, rules: &Rules, report: &mut Report<'_>) -> bool {
    let Some(value) = fields.take("recursive") else { return true };
    let recursive = value.flag(report).unwrap_or(true);
    if let (false, Some(rule)) =
        (recursive, rules.rules.iter().find(|rule| matches!(rule.shape.take, Take::Dataset(_))))
    {
        let message = format!("the datasets of the rule \"{}\" lie in directories below", shown(&rule.name));
        report.error(&value.place, message, Some("leave `recursive` out: it is true by itself".into()));
    }
    recursive
}

/// `"0"` means that only a gap or an operator asks for a scan.
fn rescan(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let period = fields.duration(report, "rescan").unwrap_or(RESCAN);
    (!period.is_zero()).then_some(period)
}

fn initial(value: &Value<'_>, report: &mut Report<'_>) -> Option<Initial> {
    if let toml::de::DeValue::Table(table) = value.value {
        let mut fields = Fields::of(table, &INITIAL, "`initial`".into(), value.place.clone());
        let newer = fields.required(report, "newer_than").and_then(|value| value.duration(report));
        fields.finish(report);
        return newer.map(Initial::NewerThan);
    }
    let choices = [("deliver", Initial::Deliver), ("adopt", Initial::Adopt)];
    value.text(report, "\"deliver\", \"adopt\" or { newer_than = \"2d\" }")?.one_of(
        report,
        "initial",
        &choices,
        &[],
    )
}

fn reannounce(value: &Value<'_>, report: &mut Report<'_>) -> Option<Reannounce> {
    if let toml::de::DeValue::Table(table) = value.value {
        let mut fields = Fields::of(table, &REANNOUNCE, "`reannounce`".into(), value.place.clone());
        let start = Reannounce { every: None, queue_limit: None };
        let again = fields.take("every").map_or(Some(start), |value| period(&value, report));
        let queue_limit = fields.integer(report, "queue_limit").filter(|&limit| limit > 0);
        fields.finish(report);
        return again.map(|again| Reannounce { queue_limit, ..again });
    }
    period(value, report)
}

/// A period, or `"start"`; without a limit.
fn period(value: &Value<'_>, report: &mut Report<'_>) -> Option<Reannounce> {
    if value.value.as_str() == Some("start") {
        return Some(Reannounce { every: None, queue_limit: None });
    }
    let every = value.duration(report)?;
    if every.is_zero() {
        let help = "write \"start\" for only at each start, or leave the key out for never".to_owned();
        report.error(&value.place, "the period of `reannounce` cannot be zero", Some(help));
        return None;
    }
    Some(Reannounce { every: Some(every), queue_limit: None })
}

fn rules(fields: &mut Fields<'_>, sinks: &[String], report: &mut Report<'_>) -> (Rules, Vec<rule::Asked>) {
    let mut temp_names = match fields.flag(report, "temp_names") {
        None | Some(true) => temp_names::default_patterns(),
        Some(false) => Vec::new(),
    };
    temp_names.extend(patterns(fields.texts(report, "extra_temp_names").unwrap_or_default(), report));
    let (rules, asked) = match fields.take("rule") {
        None => (vec![rule::default_rule(sinks)], vec![rule::Asked::nothing(fields.place().clone())]),
        Some(value) => rule::read_all(&value, fields.what(), sinks, report),
    };
    (Rules { rules, temp_names }, asked)
}

/// Compiles patterns; those that are wrong are reported and left out.
pub(super) fn patterns(texts: Vec<Text>, report: &mut Report<'_>) -> Vec<Pattern> {
    let mut patterns = Vec::with_capacity(texts.len());
    for text in texts {
        match Pattern::parse(&text.value) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                let message = format!(
                    "the pattern {} cannot be used: {}",
                    text.quoted(),
                    shown_all(&error.to_string())
                );
                report.error(&text.place, message, None);
            }
        }
    }
    patterns
}

/// The reason may hold parts of the pattern, and is longer than what `shown` gives.
pub(super) fn shown_all(text: &str) -> String {
    text.chars().map(|c| shown(c.encode_utf8(&mut [0; 4]))).collect()
}
