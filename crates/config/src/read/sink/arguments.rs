//! The arguments of tasks.

use toml::de::{DeTable, DeValue};

use super::options::{DEPTH_LIMIT, EXPECTED, float, integer};
use crate::fields::{Fields, Report, Text, Value};
use crate::plan::{Argument, CelerySink};
use crate::source_text::{Place, shown};

type Named = Vec<(String, Argument)>;

/// `args` and `kwargs`; where neither is there, the usual ones.
pub(super) fn read(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<(Vec<Argument>, Named)> {
    let (args, kwargs) = (fields.take("args"), fields.take("kwargs"));
    if args.is_none() && kwargs.is_none() {
        return Some((Vec::new(), CelerySink::usual_kwargs()));
    }
    // Both are read before either is given up, so that all mistakes are told.
    let args = args.map_or(Some(Vec::new()), |value| several(&value, 0, report));
    let kwargs = kwargs.map_or(Some(Vec::new()), |value| kwargs_of(&value, report));
    Some((args?, kwargs?))
}

fn kwargs_of(value: &Value<'_>, report: &mut Report<'_>) -> Option<Named> {
    let table = value.table(report)?;
    for (key, _) in table {
        let place = Place { file: value.place.file, span: key.span() };
        let name: &str = key.get_ref();
        let identifier = name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_numeric());
        if name.is_empty() {
            report.error(&place, "an argument has no name", None);
        } else if !identifier {
            let message = format!("`{}` is no name of Python", shown(name));
            let help = "only a task that takes **kwargs gets such an argument; others fail".to_owned();
            report.warn(&place, message, Some(help));
        }
    }
    named(table, value.place.file, 0, report)
}

fn several(value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<Vec<Argument>> {
    let read: Vec<_> = value.list(report)?.iter().map(|value| argument(value, depth + 1, report)).collect();
    read.into_iter().collect()
}

/// In the order in which they are written.
fn named(table: &DeTable<'_>, file: usize, depth: usize, report: &mut Report<'_>) -> Option<Named> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let read: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| {
            let value = argument(&Value::of(value, file), depth + 1, report)?;
            Some((key.get_ref().to_string(), value))
        })
        .collect();
    read.into_iter().collect()
}

fn argument(value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<Argument> {
    if depth > DEPTH_LIMIT {
        report.error(&value.place, format!("arguments nest deeper than {DEPTH_LIMIT}"), None);
        return None;
    }
    match value.value {
        DeValue::String(_) => {
            let text = value.text(report, EXPECTED)?;
            with_fields(&text, report).then_some(Argument::Text(text.value))
        }
        DeValue::Boolean(flag) => Some(Argument::Flag(*flag)),
        DeValue::Integer(_) => integer(value, report).map(Argument::Integer),
        DeValue::Float(_) => float(value, report).map(Argument::Float),
        DeValue::Datetime(_) => {
            value.mismatch(report, EXPECTED, "write it in quotes".to_owned());
            None
        }
        DeValue::Array(_) => several(value, depth, report).map(Argument::List),
        DeValue::Table(table) => named(table, value.place.file, depth, report).map(Argument::Table),
    }
}

/// Whether the text's fields can be replaced; what is wrong with them is reported.
pub(super) fn with_fields(text: &Text, report: &mut Report<'_>) -> bool {
    let Err(error) = Argument::check(&text.value) else { return true };
    if text.value == text.written {
        report.error(&text.place, error.to_string(), Some(error.help()));
    } else {
        // What came from the environment may be secret.
        let message = format!("{} does not give a text with fields", text.quoted());
        let help = "braces in a value of the environment stand for fields, too".to_owned();
        report.error(&text.place, message, Some(help));
    }
    false
}
