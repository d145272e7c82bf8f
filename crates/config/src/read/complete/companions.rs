//! What stands beside a unit: `marker`, `lock_gone`, `manifest`, `metadata`, `count`.

use settle::{After, Ask, Count, Extras, Manifest, ManifestStyle, Marker, Metadata, NameForm};
use toml::de::DeValue;

use crate::fields::{Fields, Report, Text, Value};
use crate::keys::{MANIFEST, MARKER, METADATA};
use crate::read::choices::{AFTERS, COUNTS, EXTRAS, STYLES};
use crate::read::shape::Kind;

/// Longer names are no file's: this leaves room for a few directories.
const NAME_LIMIT: usize = 1024;
/// Longer keys are mistakes.
const KEY_LIMIT: usize = 1024;

pub(super) fn marker(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Ask> {
    let DeValue::Table(table) = value.value else {
        let form = form(value, kind, report)?;
        return Some(Ask::Marker(Marker { form, after: After::Keep }));
    };
    let mut fields = Fields::of(table, &MARKER, "`marker`".into(), value.place.clone());
    let form = fields.required(report, "name").and_then(|value| form(&value, kind, report));
    let (place, after) = match fields.entry("after") {
        Some((_, value)) => {
            let text = value.text(report, "one of keep, delete");
            (Some(value.place), text.and_then(|text| text.one_of(report, "after", &AFTERS, &[])))
        }
        None => (None, None),
    };
    fields.finish(report);
    let marker = Marker { form: form?, after: after.unwrap_or_default() };
    if let (Some(place), After::Delete, false) = (place, marker.after, kind == Kind::Dataset)
        && !marker.form.is_beside()
    {
        let message =
            "this marker is there for everything in its directory; once the first is delivered, it is gone";
        report.warn(&place, message, Some("give each its own marker: {name}.done".into()));
    }
    Some(Ask::Marker(marker))
}

pub(super) fn lock(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Ask> {
    form(value, kind, report).map(Ask::Lock)
}

pub(super) fn manifest(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Ask> {
    let DeValue::Table(table) = value.value else {
        let form = form(value, kind, report)?;
        let (style, extras) = (ManifestStyle::Auto, Extras::Ignore);
        return Some(Ask::Manifest(Manifest { form, style, extras, rate: None }));
    };
    let mut fields = Fields::of(table, &MANIFEST, "`manifest`".into(), value.place.clone());
    let form = fields.required(report, "file").and_then(|value| form(&value, kind, report));
    let style = fields.one_of(report, "style", &STYLES, &[]).unwrap_or_default();
    let extras = fields.one_of(report, "extras", &EXTRAS, &[]).unwrap_or_default();
    let rate = fields.take("rate").and_then(|value| rate(&value, report));
    fields.finish(report);
    Some(Ask::Manifest(Manifest { form: form?, style, extras, rate }))
}

fn rate(value: &Value<'_>, report: &mut Report<'_>) -> Option<u64> {
    let rate = value.size(report)?;
    if rate == 0 {
        let help = "leave the key out to read as fast as it goes".to_owned();
        report.error(&value.place, "`rate` cannot be zero: nothing would ever be read", Some(help));
        return None;
    }
    Some(rate)
}

pub(super) fn metadata(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Ask> {
    let DeValue::Table(table) = value.value else {
        let form = form(value, kind, report)?;
        return Some(Ask::Metadata(Metadata { form, key: None }));
    };
    let mut fields = Fields::of(table, &METADATA, "`metadata`".into(), value.place.clone());
    let form = fields.required(report, "file").and_then(|value| form(&value, kind, report));
    let key = match fields.text(report, "key") {
        None => Some(None),
        Some(text) => key(text, report).map(Some),
    };
    fields.finish(report);
    Some(Ask::Metadata(Metadata { form: form?, key: key? }))
}

/// A key with dots between its parts.
fn key(text: Text, report: &mut Report<'_>) -> Option<String> {
    let why = if text.value.len() > KEY_LIMIT {
        "it is too long"
    } else if text.value.split('.').any(str::is_empty) {
        "a part is empty"
    } else {
        return Some(text.value);
    };
    let help = "write the names of the keys with dots between them: \"product.state\"".to_owned();
    report.error(&text.place, format!("the key {} cannot be used: {why}", text.quoted()), Some(help));
    None
}

pub(super) fn count(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Ask> {
    if let DeValue::Integer(_) = value.value {
        let least = value.integer(report)?;
        if least == 0 {
            let help = "leave it out, or write how many members there must be".to_owned();
            report.error(&value.place, "`count` cannot be zero", Some(help));
            return None;
        }
        return Some(Ask::Count(Count::Least(least)));
    }
    let text = value.text(report, "a number, \"captured\" or \"header\"")?;
    let count = text.one_of(report, "count", &COUNTS, &[])?;
    let (message, help) = match (count, kind) {
        (Count::Captured, Kind::Group { total: false, .. }) => (
            "nothing is captured that says how many there are",
            "capture it in the rule's group: \"re:^(?<key>[^_]+)_[0-9]+of(?<total>[0-9]+)\"",
        ),
        (Count::Header, Kind::Group { headers: false, .. }) => (
            "only groups by DICOM headers are counted by them",
            "write group = { dicom = \"series\" }, or count what the names say: count = \"captured\"",
        ),
        _ => return Some(Ask::Count(count)),
    };
    report.error(&text.place, message, Some(help.into()));
    None
}

/// The name of a companion.
fn form(value: &Value<'_>, kind: Kind, report: &mut Report<'_>) -> Option<NameForm> {
    let text = value.text(report, "a file name such as \"{name}.done\"")?;
    let why = if text.value.len() > NAME_LIMIT {
        "the name is too long".to_owned()
    } else {
        match NameForm::parse(&text.value) {
            Ok(form) if kind == Kind::Dataset || !form.text().contains('/') => return Some(form),
            Ok(_) => "only in datasets a name may lead into a directory".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let help = match kind {
        Kind::Dataset => {
            "\"_SUCCESS\" and \"meta/info.yaml\" lie inside of the dataset, \"{name}.done\" beside it"
        }
        _ => "\"{name}.done\" and \"{stem}.ok\" belong to one unit, \"_SUCCESS\" to all in its directory",
    };
    report.error(&text.place, format!("the name {} cannot be used: {why}", text.quoted()), Some(help.into()));
    None
}
