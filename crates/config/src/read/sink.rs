//! `[sink.NAME]`.

mod arguments;
mod brokers;
mod dlm;
mod options;
mod streams;
mod url;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::choices::PUSHES;
use super::source::absolute;
use super::{Named, RETAIN, TIMEOUT, local_sink};
use crate::fields::{Fields, Report, Text};
use crate::keys::{DLM, LATER_SINK_TYPES, SINK_TYPES, Section};
use crate::plan::{DlmSink, Format, JsonlSink, Push, QueueSink, RedisSink, SinkKind, SinkPlan};
use crate::source_text::{Place, shown};
use url::Certificates;

/// A sink and the places that later checks point at.
pub(super) struct Read {
    pub(super) plan: SinkPlan,
    pub(super) places: Places,
}

/// Where some of a sink's settings stand.
#[derive(Default)]
pub(super) struct Places {
    /// A file that it writes, and where that is named.
    pub(super) writes: Option<(PathBuf, Place)>,
    /// The `root` of a `dlm` sink.
    pub(super) root: Option<Place>,
    /// The `destination` of a mirror.
    pub(super) destination: Option<Place>,
    /// The name of the plugin.
    pub(super) plugin: Option<Place>,
}

impl Read {
    /// The embedded queue, which no file mentions.
    pub(super) fn embedded() -> Self {
        Self { plan: local_sink(), places: Places::default() }
    }
}

pub(super) fn read(named: &Named<'_>, report: &mut Report<'_>) -> Option<Read> {
    let what = format!("sink \"{}\"", shown(named.name));
    let table = named.value.table(report)?;
    let Some(kind) = table.get("type") else {
        let help = format!("add type = \"…\"; known: {}", type_names());
        report.error(&named.place, format!("{what} has no `type`"), Some(help));
        return None;
    };
    let kind = crate::fields::Value::of(kind, named.place.file).text(report, "a type of sink")?;
    let section: &'static Section = kind.one_of(report, "type of sink", &SINK_TYPES, &LATER_SINK_TYPES)?;
    let mut fields = Fields::of(table, section, what, named.place.clone());
    fields.take("type");
    let mut places = Places::default();
    let kind = settings(&kind.value, &mut fields, &mut places, report);
    let common = Delivery::read(section, &mut fields, report);
    fields.finish(report);
    let Delivery { format, max_attempts, timeout } = common;
    let plan = SinkPlan { name: named.name.to_owned(), kind: kind?, format, max_attempts, timeout };
    Some(Read { plan, places })
}

/// What a sink of that type has for itself.
fn settings(
    kind: &str,
    fields: &mut Fields<'_>,
    places: &mut Places,
    report: &mut Report<'_>,
) -> Option<SinkKind> {
    match kind {
        "queue" => Some(queue(fields, report)),
        "stdout" => Some(SinkKind::Stdout),
        "jsonl" => jsonl(fields, report).map(|(jsonl, place)| {
            places.writes = Some((jsonl.path.clone(), place));
            SinkKind::Jsonl(jsonl)
        }),
        "dlm" => dlm::read(fields, report).map(|read| {
            places.writes = read.sink.status_file.clone().zip(read.status_file);
            places.root = read.root;
            SinkKind::Dlm(Box::new(read.sink))
        }),
        "scribe" => Some(SinkKind::Scribe(streams::scribe(fields, places, report))),
        "mirror" => streams::mirror(fields, places, report).map(|mirror| SinkKind::Mirror(Box::new(mirror))),
        "plugin" => streams::plugin(fields, places, report).map(|plugin| SinkKind::Plugin(Box::new(plugin))),
        "celery" => brokers::celery(fields, report).map(|celery| SinkKind::Celery(Box::new(celery))),
        "amqp" => brokers::amqp(fields, report).map(SinkKind::Amqp),
        _ => redis_list(fields, report),
    }
}

fn type_names() -> String {
    SINK_TYPES.map(|(name, _)| name).join(", ")
}

/// What most types of sink share.
struct Delivery {
    format: Format,
    max_attempts: u32,
    timeout: Duration,
}

impl Delivery {
    /// What the section knows of it.
    fn read(section: &'static Section, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Self {
        let knows = |name| section.keys.iter().any(|key| key.name == name);
        let max_attempts =
            if knows("max_attempts") { fields.integer(report, "max_attempts").unwrap_or(0) } else { 0 };
        let timeout = if knows("timeout") { fields.period(report, "timeout") } else { None };
        let format = if knows("format") { format(fields, report) } else { None };
        Self {
            format: format.unwrap_or(Format::CloudEvents),
            max_attempts: u32::try_from(max_attempts).unwrap_or(u32::MAX),
            timeout: timeout.unwrap_or(usual_timeout(section)),
        }
    }
}

fn usual_timeout(section: &Section) -> Duration {
    if section.title == DLM.title { DlmSink::TIMEOUT } else { TIMEOUT }
}

fn format(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Format> {
    let choices = [
        ("cloudevents", Some(Format::CloudEvents)),
        ("flat", Some(Format::Flat)),
        ("path", Some(Format::Path)),
        ("metwork", Some(Format::Metwork)),
        ("template", None),
    ];
    let asked = fields.one_of(report, "format", &choices, &[]);
    let template = fields.entry("template");
    match (asked, template) {
        (Some(None), Some((_, value))) => {
            let text = value.text(report, "a string")?;
            check_template(report, &text);
            Some(Format::Template(text.value))
        }
        (Some(None), None) => {
            let help = "add template = \"{path} {size}\"".to_owned();
            report.error(
                fields.place(),
                format!("{} has format \"template\" but no `template`", fields.what()),
                Some(help),
            );
            None
        }
        (_, Some((place, _))) => {
            report.error(&place, "`template` needs format = \"template\"", None);
            None
        }
        (asked, None) => asked.flatten(),
    }
}

/// The names that a template can hold.
const PLACEHOLDERS: [&str; 10] =
    ["path", "name", "root", "id", "size", "mtime", "source", "generation", "type", "kind"];

/// Only what looks like a placeholder is looked at: JSON templates are full of braces.
fn check_template(report: &mut Report<'_>, text: &Text) {
    for part in text.value.split('{').skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        if word && !PLACEHOLDERS.contains(&name) {
            let known = PLACEHOLDERS.join(", ");
            let help = crate::nearest::nearest(name, PLACEHOLDERS)
                .map_or(format!("known: {known}"), |near| format!("did you mean {{{near}}}?"));
            report.warn(&text.place, format!("{{{name}}} in the template is not replaced"), Some(help));
        }
    }
}

fn queue(fields: &mut Fields<'_>, report: &mut Report<'_>) -> SinkKind {
    SinkKind::Queue(QueueSink { retain: fields.duration(report, "retain").unwrap_or(RETAIN) })
}

fn jsonl(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<(JsonlSink, Place)> {
    let text = fields.required(report, "path")?.text(report, "a file")?;
    let path = absolute(report, &text)?;
    Some((JsonlSink { path }, text.place))
}

fn redis_list(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<SinkKind> {
    let url = url::read(&url::REDIS, fields, report);
    let key = fields.required(report, "key").and_then(|value| value.text(report, "a string"));
    let key = key.and_then(|text| filled(text, "the list's key", report));
    let counter = fields.text(report, "counter").and_then(|text| filled(text, "the counter's key", report));
    let push = fields.one_of(report, "push", &PUSHES, &[]).unwrap_or(Push::Left);
    let certificates = Certificates::read(fields, report);
    let url = url?;
    certificates.used_by(&[&url], fields, report);
    let Certificates { ca_file, client_cert, .. } = certificates;
    Some(SinkKind::RedisList(RedisSink { url, key: key?, counter, push, ca_file, client_cert }))
}

fn filled(text: Text, what: &str, report: &mut Report<'_>) -> Option<Vec<u8>> {
    if text.value.is_empty() {
        report.error(&text.place, format!("{what} is empty"), None);
        return None;
    }
    Some(text.value.into_bytes())
}

fn file(fields: &mut Fields<'_>, name: &'static str, report: &mut Report<'_>) -> Option<PathBuf> {
    let text = fields.text(report, name)?;
    absolute(report, &text)
}

/// The file's first line: secrets mounted into a container often end with a newline.
fn first_line(text: &Text, what: &str, report: &mut Report<'_>) -> Option<String> {
    let path = Path::new(&text.value);
    report.looks_at(path);
    match std::fs::read_to_string(path) {
        Ok(content) => Some(content.lines().next().unwrap_or_default().trim().to_owned()),
        Err(error) => {
            // What was taken for the place of the secret is not repeated: it may hold it.
            let is_url = text.value.contains("://");
            let named = if is_url { "(a URL stands there and no path)".into() } else { text.quoted() };
            let message = format!("the file {named} with {what} cannot be read: {error}");
            let help = "without it the sink cannot be reached; create it, readable for staithe".to_owned();
            report.error(&text.place, message, Some(help));
            None
        }
    }
}
