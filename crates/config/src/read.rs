//! From TOML to a plan.

pub(crate) mod choices;
mod complete;
mod cross;
mod of;
mod plugins;
mod rooted;
mod rule;
mod same_keys;
mod shape;
mod silent;
mod sink;
mod source;
mod streams;
mod unreachable;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use crate::fields::{Fields, Report, Value};
use crate::keys::TOP;
use crate::plan::{Durability, Format, Plan, QueueSink, SinkKind, SinkPlan};
use crate::source_text::{Place, shown};

pub(crate) use shape::default_completion;

/// The name of the sink that is there when none is configured.
pub(crate) const LOCAL_SINK: &str = "local";
/// How long the queue keeps what was acknowledged, where nothing is said.
pub(crate) const RETAIN: Duration = Duration::from_hours(7 * 24);
/// How long one request may take, where nothing is said.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads all files together. There is a plan only when the report holds no error.
pub(crate) fn plan<'d>(documents: &'d [Spanned<DeTable<'d>>], report: &mut Report<'_>) -> Plan {
    let mut top = Top::default();
    for (file, document) in documents.iter().enumerate() {
        top.read(document, file, report);
    }
    let mut sinks: Vec<sink::Read> = top.sinks.iter().filter_map(|named| sink::read(named, report)).collect();
    if top.sinks.is_empty() {
        sinks.push(sink::Read::embedded());
    }
    let names: Vec<String> = match top.sinks.as_slice() {
        [] => vec![LOCAL_SINK.to_owned()],
        // Also those that could not be read: a rule that names one is right.
        named => named.iter().map(|named| named.name.to_owned()).collect(),
    };
    let mut sources: Vec<source::Read> =
        top.sources.iter().filter_map(|named| source::read(named, &names, report)).collect();
    if top.sources.is_empty() && !top.sources_wrong {
        no_source(documents, report);
    }
    let plugin_dir = plugins::fill(&top, &mut sinks, report);
    let tastes = streams::Tastes::of(&sinks);
    for source in &mut sources {
        streams::split(source, &tastes, report);
    }
    cross::check(&sources, &sinks, &top.sinks, report);
    cross::fill(&mut sources, &mut sinks);
    Plan {
        site: top.site.map_or_else(|| "local".into(), |(site, _)| site),
        durability: top.durability.map_or(Durability::Process, |(durability, _)| durability),
        watch_config: top.watch_config.is_some_and(|(watch, _)| watch),
        plugin_dir,
        sources: sources.into_iter().map(|read| read.plan).collect(),
        sinks: sinks.into_iter().map(|read| read.plan).collect(),
    }
}

/// The embedded queue of a configuration without sinks.
pub(crate) fn local_sink() -> SinkPlan {
    SinkPlan {
        name: LOCAL_SINK.to_owned(),
        kind: SinkKind::Queue(QueueSink { retain: RETAIN }),
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout: TIMEOUT,
    }
}

fn no_source(documents: &[Spanned<DeTable<'_>>], report: &mut Report<'_>) {
    let Some(last) = documents.len().checked_sub(1) else { return };
    let end = report.files[last].text.trim_end().len();
    let help = "add one: [source.NAME] with path = \"/the/directory\"".to_owned();
    report.error(
        &Place { file: last, span: end..end },
        "there is no source: nothing would be watched",
        Some(help),
    );
}

/// `[source.NAME]` or `[sink.NAME]`.
pub(crate) struct Named<'d> {
    pub(crate) name: &'d str,
    /// Where the name stands.
    pub(crate) place: Place,
    pub(crate) value: Value<'d>,
}

/// What the files say together, before their tables are read.
#[derive(Default)]
struct Top<'d> {
    site: Option<(String, Place)>,
    durability: Option<(Durability, Place)>,
    watch_config: Option<(bool, Place)>,
    plugin_dir: Option<(PathBuf, Place)>,
    /// Whether a file has a `source` that is no table, which is reported already.
    sources_wrong: bool,
    sources: Vec<Named<'d>>,
    sinks: Vec<Named<'d>>,
}

impl<'d> Top<'d> {
    fn read(&mut self, document: &'d Spanned<DeTable<'d>>, file: usize, report: &mut Report<'_>) {
        let place = Place { file, span: 0..0 };
        let mut fields = Fields::of(document.get_ref(), &TOP, "the top of the file".into(), place);
        if let Some((place, value)) = fields.entry("site") {
            let site = value
                .text(report, "a string")
                .and_then(|text| name(report, "site", &text.value, &text.place));
            once(&mut self.site, "site", site, place, report);
        }
        if let Some((place, value)) = fields.entry("durability") {
            let text = value.text(report, "one of process, power");
            let durability =
                text.and_then(|text| text.one_of(report, "durability", &choices::DURABILITIES, &[]));
            once(&mut self.durability, "durability", durability, place, report);
        }
        if let Some((place, value)) = fields.entry("watch_config") {
            once(&mut self.watch_config, "watch_config", value.flag(report), place, report);
        }
        if let Some((place, value)) = fields.entry("plugin_dir") {
            let dir = value.text(report, "a directory").and_then(|text| plugins::dir(&text, report));
            once(&mut self.plugin_dir, "plugin_dir", dir, place, report);
        }
        if let Some(value) = fields.take("source") {
            self.sources_wrong |= !value.value.is_table();
            collect(&mut self.sources, "source", &value, report);
        }
        if let Some(value) = fields.take("sink") {
            collect(&mut self.sinks, "sink", &value, report);
        }
        fields.finish(report);
    }
}

/// Keeps a value that only one of the files may set.
fn once<T>(
    slot: &mut Option<(T, Place)>,
    key: &str,
    value: Option<T>,
    place: Place,
    report: &mut Report<'_>,
) {
    match (slot.as_ref(), value) {
        (Some((_, first)), _) => {
            let message = format!("`{key}` is already set in {}", report.where_is(first));
            report.error(&place, message, Some("keep one of the two".into()));
        }
        (None, Some(value)) => *slot = Some((value, place)),
        (None, None) => {}
    }
}

fn collect<'d>(into: &mut Vec<Named<'d>>, kind: &str, value: &Value<'d>, report: &mut Report<'_>) {
    let Some(table) = value.table(report) else { return };
    let file = value.place.file;
    let mut found: Vec<Named<'d>> = table
        .iter()
        .map(|(key, value)| Named {
            name: key.get_ref(),
            place: Place { file, span: key.span() },
            value: Value::of(value, file),
        })
        .collect();
    found.sort_by_key(|named| named.place.span.start);
    let earlier: BTreeMap<&str, &Place> = into.iter().map(|named| (named.name, &named.place)).collect();
    for named in &found {
        if let Some(first) = earlier.get(named.name) {
            let message = format!(
                "the {kind} \"{}\" is already there in {}",
                shown(named.name),
                report.where_is(first)
            );
            report.error(&named.place, message, Some("give one of the two another name".into()));
        }
        name(report, kind, named.name, &named.place);
    }
    into.extend(found);
}

/// Names stand in events, ids and on terminals: not empty, one line, not endless.
fn name(report: &mut Report<'_>, kind: &str, text: &str, place: &Place) -> Option<String> {
    let wrong = if text.is_empty() {
        "is empty"
    } else if text.chars().any(char::is_control) {
        "contains a control character"
    } else if text.len() > 200 {
        "is longer than 200 bytes"
    } else {
        return Some(text.to_owned());
    };
    report.error(place, format!("the {kind} name {wrong}"), None);
    None
}
