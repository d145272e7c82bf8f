//! `type = "scribe"`, `"mirror"` and `"plugin"`: sinks that live on event streams.

use super::{Places, file, options};
use crate::fields::{Fields, Report};
use crate::manifest::wrong_name;
use crate::plan::{MirrorSink, PluginSink, ScribeLog, ScribeSink, ScribeStyle};
use crate::read::choices::SCRIBE_STYLES;
use crate::read::source::absolute;

/// What stands for standard output in the place of a file.
const STDOUT: &str = "-";
/// The manifest of a plugin before it was looked for.
const NOT_YET: &str = "the manifest was not looked for yet";

pub(super) fn scribe(fields: &mut Fields<'_>, places: &mut Places, report: &mut Report<'_>) -> ScribeSink {
    let log = fields.text(report, "log").filter(|text| text.value != STDOUT);
    let file = log.and_then(|text| Some((absolute(report, &text)?, text.place)));
    places.writes.clone_from(&file);
    ScribeSink {
        log: file.map_or(ScribeLog::Stdout, |(path, _)| ScribeLog::File(path)),
        style: fields.one_of(report, "style", &SCRIBE_STYLES, &[]).unwrap_or(ScribeStyle::Text),
    }
}

pub(super) fn mirror(
    fields: &mut Fields<'_>,
    places: &mut Places,
    report: &mut Report<'_>,
) -> Option<MirrorSink> {
    places.destination = fields.peek("destination").map(|value| value.place.clone());
    if places.destination.is_none() {
        let help = "add destination = \"/the/second/tree\"".to_owned();
        report.error(fields.place(), format!("{} has no `destination`", fields.what()), Some(help));
    }
    let destination = file(fields, "destination", report);
    let adopt = fields.flag(report, "adopt").unwrap_or(false);
    let owner = fields.flag(report, "owner").unwrap_or(false);
    let pair_within = fields.duration(report, "pair_within").unwrap_or(MirrorSink::PAIR_WITHIN);
    Some(MirrorSink { destination: destination?, adopt, owner, pair_within, origin: None })
}

pub(super) fn plugin(
    fields: &mut Fields<'_>,
    places: &mut Places,
    report: &mut Report<'_>,
) -> Option<PluginSink> {
    let name = fields.required(report, "plugin").and_then(|value| value.text(report, "the name of a plugin"));
    let options = match fields.take("options") {
        None => Some(options::NONE.to_owned()),
        Some(value) => options::read(&value, report),
    };
    let arrivals = fields.flag(report, "arrivals").unwrap_or(false);
    let name = name?;
    if let Some(wrong) = wrong_name(&name.value) {
        let message = format!("the plugin's name {} {wrong}", name.quoted());
        let help = "it is the name of the manifest in `plugin_dir`, without .toml".to_owned();
        report.error(&name.place, message, Some(help));
        return None;
    }
    places.plugin = Some(name.place);
    Some(PluginSink { plugin: name.value, manifest: Err(NOT_YET.to_owned()), options: options?, arrivals })
}
