//! Checks that need more than one table.

mod dlm;

use std::path::{Component, Path, PathBuf};

use std::os::unix::ffi::OsStrExt as _;

use settle::{Rule, RuleMask, Selection};

use super::{Named, sink, source};
use crate::fields::Report;
use crate::plan::{SinkKind, SourcePlan};
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
    if report.has_errors() {
        // A misspelt `to` would make its sink look unused.
        return;
    }
    for named in named {
        if let Some(sink) = sinks.iter().find(|sink| sink.plan.name == named.name) {
            untellable(sources, sink, named, report);
            dlm::check(sources, sink, named, report);
        }
        let used = sources.iter().any(|source| bound(source, named.name).next().is_some());
        if !used && !sources.is_empty() {
            let message = format!("no rule delivers to the sink \"{}\"", shown(named.name));
            report.warn(&named.place, message, Some("add it to the `to` of a rule, or remove it".into()));
        }
    }
}

/// What a sink has from the sources that deliver to it, where nothing is said.
pub(super) fn fill(sources: &[source::Read], sinks: &mut [sink::Read]) {
    for sink in sinks {
        dlm::root(sources, sink);
    }
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
    let Some((file, place)) = &sink.writes else { return };
    let each = if matches!(sink.plan.kind, SinkKind::Jsonl(_)) { "every line" } else { "it" };
    for source in sources {
        if takes(&source.plan, file) {
            let message = format!(
                "this file lies in the source \"{}\" ({}), which would take {each} for an arrival",
                shown(&source.plan.name),
                report.where_is(&source.path_place),
            );
            let help = "write it somewhere else, or exclude it in the source's rules".to_owned();
            report.error(place, message, Some(help));
        }
    }
}

fn takes(source: &SourcePlan, file: &Path) -> bool {
    let (root, file) = (plain(&source.path), plain(file));
    let Ok(below) = file.strip_prefix(&root) else { return false };
    let path = below.as_os_str().as_bytes();
    let deep = path.contains(&b'/');
    if path.is_empty() || (deep && !source.recursive) {
        return false;
    }
    let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
    let mask = slashes.fold(RuleMask::EMPTY, |mask, (at, _)| source.rules.directory_mask(&path[..at], mask));
    matches!(source.rules.select(path, mask), Selection::Taken(_) | Selection::Member { .. })
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
