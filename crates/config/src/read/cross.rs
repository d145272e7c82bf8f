//! Checks that need more than one table.

use std::path::{Component, Path, PathBuf};

use std::os::unix::ffi::OsStrExt as _;

use settle::{RuleMask, Selection};

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
        untellable(sources, sinks, named, report);
        let used = sources
            .iter()
            .flat_map(|source| &source.plan.rules.rules)
            .any(|rule| rule.to.iter().any(|to| to == named.name));
        if !used && !sources.is_empty() {
            let message = format!("no rule delivers to the sink \"{}\"", shown(named.name));
            report.warn(&named.place, message, Some("add it to the `to` of a rule, or remove it".into()));
        }
    }
}

/// A removal or a gap written by a format that only names paths would be taken for an arrival, so such a sink
/// does not get them.
fn untellable(sources: &[source::Read], sinks: &[sink::Read], named: &Named<'_>, report: &mut Report<'_>) {
    let tells = |sink: &sink::Read| sink.plan.format.tells_events_apart();
    if sinks.iter().any(|sink| sink.plan.name == named.name && tells(sink)) {
        return;
    }
    let asks = |source: &source::Read| {
        let rules = source.plan.rules.rules.iter();
        let mut bound = rules.filter(|rule| rule.to.iter().any(|to| to == named.name));
        bound.any(|rule| rule.shape.removed || source.plan.gap_events)
    };
    if sources.iter().any(asks) {
        let message = format!(
            "the sink \"{}\" gets no removals and gaps: its format cannot tell them from arrivals",
            shown(named.name)
        );
        let help = "use the format \"cloudevents\" or \"flat\", or a template with {type}".to_owned();
        report.warn(&named.place, message, Some(help));
    }
}

/// A line file that a source takes would announce itself with every line.
fn feedback(sources: &[source::Read], sink: &sink::Read, report: &mut Report<'_>) {
    let (SinkKind::Jsonl(jsonl), Some(place)) = (&sink.plan.kind, &sink.path_place) else { return };
    for source in sources {
        if takes(&source.plan, &jsonl.path) {
            let message = format!(
                "this file lies in the source \"{}\" ({}), which would take every line for an arrival",
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
