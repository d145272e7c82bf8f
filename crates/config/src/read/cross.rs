//! Checks that need more than one table.

mod celery;
mod dlm;
mod mirror;
mod mirrors;

use std::path::{Component, Path, PathBuf};

use std::os::unix::ffi::OsStrExt as _;

use settle::{Rule, RuleMask, Selection};

use super::{Named, sink, source};
use crate::fields::Report;
use crate::plan::{SinkKind, SourcePlan, StreamPlan};
use crate::source_text::shown;

pub(super) fn check(
    sources: &[source::Read],
    sinks: &[sink::Read],
    named: &[Named<'_>],
    report: &mut Report<'_>,
) {
    for sink in sinks {
        feedback(sources, sink, report);
    }
    mirrors::check(sources, sinks, report);
    if report.has_errors() {
        // A misspelt `to` would make its sink look unused.
        return;
    }
    for named in named {
        if let Some(sink) = sinks.iter().find(|sink| sink.plan.name == named.name) {
            untellable(sources, sink, named, report);
            celery::check(sources, sink, named, report);
            dlm::check(sources, sink, named, report);
            mirror::check(sources, sinks, sink, named, report);
            unused(sources, sink, named, report);
        }
    }
}

/// What a sink has from the sources that deliver to it, where nothing is said.
pub(super) fn fill(sources: &mut [source::Read], sinks: &mut [sink::Read]) {
    for sink in sinks.iter_mut() {
        dlm::root(sources, sink);
    }
    mirror::fill(sources, sinks);
}

/// Of a mirror that is said as an error.
fn unused(sources: &[source::Read], sink: &sink::Read, named: &Named<'_>, report: &mut Report<'_>) {
    let told = |source: &source::Read| {
        let mut streams = source.plan.streams.iter().flat_map(|stream| &stream.to);
        bound(source, named.name).next().is_some() || streams.any(|to| to == named.name)
    };
    let mirror = matches!(sink.plan.kind, SinkKind::Mirror(_));
    if mirror || sources.is_empty() || sources.iter().any(told) {
        return;
    }
    let message = format!("no rule delivers to the sink \"{}\"", shown(named.name));
    let help = if sink.plan.kind.takes_arrivals() {
        "add it to the `to` of a rule, or remove it"
    } else {
        "it takes only events: add events = \"all\" to a rule, or remove the sink"
    };
    report.warn(&named.place, message, Some(help.into()));
}

/// A removal or a gap written by a format that only names paths would be taken for an arrival, so such a sink
/// does not get them.
fn untellable(sources: &[source::Read], sink: &sink::Read, named: &Named<'_>, report: &mut Report<'_>) {
    let asks = |source: &source::Read| {
        let mut bound = bound(source, named.name);
        bound.any(|rule| rule.shape.removed || source.plan.gap_events)
    };
    if sink.plan.tells_events_apart() || !sources.iter().any(asks) {
        return;
    }
    let (why, help) = match sink.plan.kind {
        SinkKind::Dlm(_) => (
            "the services know of products that came, and of nothing else",
            "name other sinks in the `to` of that rule, or leave `removed` and `gap_events` out",
        ),
        SinkKind::Celery(_) => (
            "a task is for what came",
            "name other sinks in the `to` of that rule, or leave `removed` and `gap_events` out",
        ),
        _ => (
            "its format cannot tell them from arrivals",
            "use the format \"cloudevents\" or \"flat\", or a template with {type}",
        ),
    };
    let message = format!("the sink \"{}\" gets no removals and gaps: {why}", shown(named.name));
    report.warn(&named.place, message, Some(help.into()));
}

/// The rules of a source that deliver to the sink of that name.
fn bound<'s>(source: &'s source::Read, sink: &'s str) -> impl Iterator<Item = &'s Rule> {
    source.plan.rules.rules.iter().filter(move |rule| rule.to.iter().any(|to| to == sink))
}

/// A file of ours that a source takes would announce itself each time it is written.
fn feedback(sources: &[source::Read], sink: &sink::Read, report: &mut Report<'_>) {
    let Some((file, place)) = &sink.places.writes else { return };
    let lines = matches!(sink.plan.kind, SinkKind::Jsonl(_) | SinkKind::Scribe(_));
    let each = if lines { "every line" } else { "it" };
    for source in sources {
        let what = match heard(&source.plan, file) {
            None => continue,
            Some(Heard::Arrives) => format!("which would take {each} for an arrival"),
            Some(Heard::Streams) => format!("which would tell of {each} in its event stream"),
        };
        let message = format!(
            "this file lies in the source \"{}\" ({}), {what}",
            shown(&source.plan.name),
            report.where_is(&source.path_place),
        );
        let help = "write it somewhere else, or exclude it in the source's rules".to_owned();
        report.error(place, message, Some(help));
    }
}

/// What a source would make of a file.
enum Heard {
    Arrives,
    Streams,
}

fn heard(source: &SourcePlan, file: &Path) -> Option<Heard> {
    let (root, file) = (plain(&source.path), plain(file));
    let path = file.strip_prefix(&root).ok()?.as_os_str().as_bytes();
    let deep = path.contains(&b'/');
    if path.is_empty() || (deep && !source.recursive) {
        return None;
    }
    if takes(source, path) {
        return Some(Heard::Arrives);
    }
    source.streams.iter().any(|stream| hears(stream, path)).then_some(Heard::Streams)
}

fn takes(source: &SourcePlan, path: &[u8]) -> bool {
    let mask = above(path).fold(RuleMask::EMPTY, |mask, dir| source.rules.directory_mask(dir, mask));
    let (Selection::Taken(rule) | Selection::Member { rule, .. }) = source.rules.select(path, mask) else {
        return false;
    };
    // A rule that tells nobody announces nothing.
    source.rules.rules.get(rule).is_some_and(|rule| !rule.to.is_empty())
}

fn hears(stream: &StreamPlan, path: &[u8]) -> bool {
    let excluded = |path: &[u8]| stream.exclude.iter().any(|pattern| pattern.matches(path));
    let included = stream.include.iter().any(|pattern| pattern.matches(path));
    included && !excluded(path) && !above(path).any(excluded)
}

/// The directories above a path, outermost first.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| &path[..at])
}

/// A source for messages.
fn called(source: &source::Read) -> String {
    format!("\"{}\" ({})", shown(&source.plan.name), shown(&source.plan.path.to_string_lossy()))
}

fn lies_in(path: &Path, dir: &Path) -> bool {
    plain(path).starts_with(plain(dir))
}

/// The path without `.` and `..`, by its text alone: what it names may not exist yet.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
