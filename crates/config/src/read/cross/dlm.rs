//! What the sources that deliver to a `dlm` sink must have in common.

use std::path::{Path, PathBuf};

use settle::{OnDeadline, Take};

use super::{bound, called, lies_in, plain};
use crate::fields::Report;
use crate::plan::SinkKind;
use crate::read::{Named, sink, source};
use crate::source_text::shown;

pub(super) fn check(sources: &[source::Read], sink: &sink::Read, named: &Named<'_>, report: &mut Report<'_>) {
    let SinkKind::Dlm(dlm) = &sink.plan.kind else { return };
    let deliver: Vec<&source::Read> =
        sources.iter().filter(|source| bound(source, named.name).next().is_some()).collect();
    match (&dlm.root, &sink.places.root) {
        (Some(root), Some(place)) => {
            for source in deliver.iter().filter(|source| !lies_in(&source.plan.path, root)) {
                let message = format!(
                    "the path of the source {} does not lie in this directory, below which items are named",
                    called(source)
                );
                let help =
                    "name a directory that the paths of all sources that deliver here lie in".to_owned();
                report.error(place, message, Some(help));
            }
        }
        _ => several(&deliver, named, report),
    }
    for source in deliver {
        products(source, named, report);
    }
}

/// Without a root it is the path that its sources share. A relative one is left to be asked for: the services would
/// take it for one of theirs.
pub(super) fn root(sources: &[source::Read], sink: &mut sink::Read) {
    let source = sources.iter().find(|source| bound(source, &sink.plan.name).next().is_some());
    if let (SinkKind::Dlm(dlm), Some(source)) = (&mut sink.plan.kind, source)
        && dlm.root.is_none()
        && source.plan.path.is_absolute()
    {
        dlm.root = Some(source.plan.path.clone());
    }
}

/// Without a root, items are named by their path in the source: of two sources, two files could get one name.
fn several(deliver: &[&source::Read], named: &Named<'_>, report: &mut Report<'_>) {
    let mut different: Vec<&source::Read> = Vec::new();
    for source in deliver {
        if different.iter().all(|other| plain(&other.plan.path) != plain(&source.plan.path)) {
            different.push(source);
        }
    }
    if different.len() < 2 {
        return;
    }
    let all: Vec<String> = different.iter().map(|source| called(source)).collect();
    let message = format!(
        "{} deliver to the sink \"{}\", and it has no `root` that its items are named below",
        all.join(" and "),
        shown(named.name)
    );
    let help = match common(&different) {
        Some(root) => format!("add root = \"{}\", or make a sink for each", shown(&root.to_string_lossy())),
        None => "make a sink for each, with a `storage` of its own".into(),
    };
    report.error(&named.place, message, Some(help));
}

/// The directory that all of them lie in, if it is more than `/`.
fn common(sources: &[&source::Read]) -> Option<PathBuf> {
    let (first, others) = sources.split_first()?;
    let first = plain(&first.plan.path);
    let holds_all = |dir: &&Path| others.iter().all(|source| lies_in(&source.plan.path, dir));
    let root = first.ancestors().find(holds_all)?;
    (root.parent().is_some()).then(|| root.to_owned())
}

/// What its rules announce must be something that can be registered, once.
fn products(source: &source::Read, named: &Named<'_>, report: &mut Report<'_>) {
    for rule in bound(source, named.name) {
        let (rule_name, sink) = (shown(&rule.name), shown(named.name));
        if matches!(rule.shape.take, Take::Group(_)) {
            let message = format!(
                "the rule \"{rule_name}\" of the source {} makes groups, and the sink \"{sink}\" registers files and \
                 directories",
                called(source)
            );
            let help = "name other sinks in the `to` of that rule".to_owned();
            report.error(&named.place, message, Some(help));
        }
        let incomplete =
            rule.completion.deadline.is_some_and(|(_, then)| then == OnDeadline::AnnounceIncomplete);
        if incomplete && matches!(rule.shape.take, Take::Dataset(_)) {
            let message = format!(
                "what the rule \"{rule_name}\" of the source {} announces as incomplete would be registered by the sink \
                 \"{sink}\", and a product is registered once",
                called(source)
            );
            let help =
                "write on_deadline = \"alert\", or name other sinks in the `to` of that rule".to_owned();
            report.warn(&named.place, message, Some(help));
        }
    }
}
