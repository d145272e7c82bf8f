//! What the units of a rule are: `dataset`, `group`, `late`, `of`, `removed`.

use settle::{Completion, Expr, Grouping, KeyPattern, Late, Shape, Take};
use toml::de::DeValue;

use super::choices::{DICOM_KEYS, LATES};
use super::source::{patterns, shown_all};
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::{GROUP, KEY_PATTERN_LIMIT};

/// What a rule's units are, as far as `complete` depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Dataset,
    Group {
        /// Whether the members' names say how many there are.
        total: bool,
        /// Whether their headers do.
        headers: bool,
    },
}

impl Kind {
    /// How the completion is written that holds where `complete` is left out, without its braces.
    pub(super) const fn usual(self) -> &'static str {
        match self {
            Kind::File => "preset = \"local\"",
            Kind::Dataset => "preset = \"measurement-set\"",
            Kind::Group { headers: true, .. } => "preset = \"dicom-series\"",
            Kind::Group { .. } => "all = [\"members\", { quiet = \"10s\" }]",
        }
    }
}

/// A shape before it is known which rule `of` means.
pub(super) struct Read {
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    pub(super) of: Option<Text>,
}

pub(super) fn read(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Read {
    let (take, kind) = take(fields, report);
    let removed = fields.flag(report, "removed").unwrap_or(false);
    let late = fields.entry("late");
    let of = fields.entry("of");
    if let (Kind::File, Some((place, _))) = (kind, &of) {
        let help = "say what the rule takes: dataset = \"*.ms\", or group = \"re:(?<key>…)\"".to_owned();
        report.error(place, "`of` is for datasets and groups", Some(help));
    }
    let late = late.and_then(|(_, value)| {
        let text = value.text(report, "one of generation, ignore")?;
        text.one_of(report, "late", &LATES, &[])
    });
    let of = of.and_then(|(_, value)| value.text(report, "the name of a rule"));
    let of = of.filter(|_| kind != Kind::File);
    let shape = Shape { take, late: late.unwrap_or(Late::Generation), of: None, removed };
    Read { shape, kind, of }
}

/// What holds where `complete` is left out.
pub(crate) fn default_completion(take: &Take) -> Completion {
    let preset = match take {
        Take::File => "local",
        Take::Dataset(_) => "measurement-set",
        Take::Group(Grouping::Dicom(_)) => "dicom-series",
        Take::Group(Grouping::Name(_)) => return name_group(),
    };
    Completion::preset(preset).unwrap_or_else(Completion::local)
}

fn name_group() -> Completion {
    use settle::{Clause, Quiet};
    let quiet = Clause::Quiet(Quiet::For(super::choices::GROUP_QUIET));
    Completion::of(Expr::All(vec![Expr::Clause(Clause::Members), Expr::Clause(quiet)]))
}

fn take(fields: &mut Fields<'_>, report: &mut Report<'_>) -> (Take, Kind) {
    match (fields.entry("dataset"), fields.entry("group")) {
        (None, None) => (Take::File, Kind::File),
        (Some((_, value)), None) => (Take::Dataset(dataset(&value, report)), Kind::Dataset),
        (None, Some((_, value))) => match group(&value, report) {
            Some(grouping) => {
                let kind = match &grouping {
                    Grouping::Name(pattern) => Kind::Group { total: pattern.has_total(), headers: false },
                    Grouping::Dicom(_) => Kind::Group { total: false, headers: true },
                };
                (Take::Group(grouping), kind)
            }
            // Nothing more is said of what cannot be known now.
            None => (Take::File, Kind::Group { total: true, headers: true }),
        },
        (Some((_, value)), Some((place, _))) => {
            let help = "keep one of them, or make two rules".to_owned();
            report.error(&place, "a rule takes datasets or groups, not both", Some(help));
            (Take::Dataset(dataset(&value, report)), Kind::Dataset)
        }
    }
}

/// A pattern, or a list of them.
fn dataset(value: &Value<'_>, report: &mut Report<'_>) -> Vec<settle::Pattern> {
    const EXPECTED: &str = "a pattern such as \"*.ms\", or a list of patterns";
    let texts = match value.value {
        DeValue::Array(_) => value.texts(report).unwrap_or_default(),
        _ => value.text(report, EXPECTED).into_iter().collect(),
    };
    if value.is_empty_list() {
        let help = "name the directories: dataset = \"*.ms\"".to_owned();
        report.error(&value.place, "the list is empty: no directory would be a dataset", Some(help));
    }
    patterns(texts, report)
}

fn group(value: &Value<'_>, report: &mut Report<'_>) -> Option<Grouping> {
    const EXPECTED: &str = "\"re:(?<key>…)\" or { dicom = \"series\" }";
    if let DeValue::Table(table) = value.value {
        let mut fields = Fields::of(table, &GROUP, "`group`".into(), value.place.clone());
        let dicom = fields.required(report, "dicom").and_then(|value| {
            let text = value.text(report, "one of series, study")?;
            text.one_of(report, "DICOM key", &DICOM_KEYS, &[])
        });
        fields.finish(report);
        return dicom.map(Grouping::Dicom);
    }
    let text = value.text(report, EXPECTED)?;
    let why = if text.value.len() > KEY_PATTERN_LIMIT {
        format!("it is longer than {KEY_PATTERN_LIMIT} bytes")
    } else {
        match KeyPattern::parse(&text.value) {
            Ok(pattern) => return Some(Grouping::Name(pattern)),
            Err(error) => shown_all(&error.to_string()),
        }
    };
    let help = "the group named `key` says what belongs together: \"re:^(?<key>[^_]+)_[0-9]+\\\\.fits$\"";
    let message = format!("the group pattern {} cannot be used: {why}", text.quoted());
    report.error(&text.place, message, Some(help.into()));
    None
}
