//! What a task says of the units that its rules announce.

use settle::Take;

use super::bound;
use crate::fields::Report;
use crate::plan::{CelerySink, SinkKind};
use crate::read::{Named, sink, source};
use crate::source_text::shown;

/// The path of a group is no directory: a worker that is given nothing else finds no file.
pub(super) fn check(sources: &[source::Read], sink: &sink::Read, named: &Named<'_>, report: &mut Report<'_>) {
    let SinkKind::Celery(celery) = &sink.plan.kind else { return };
    if !celery.args.is_empty() || celery.kwargs != CelerySink::usual_kwargs() {
        return;
    }
    let mut rules = sources.iter().flat_map(|source| bound(source, named.name));
    let Some(rule) = rules.find(|rule| matches!(rule.shape.take, Take::Group(_))) else { return };
    let message = format!(
        "the rule \"{}\" announces groups, whose path is no directory, and the task gets nothing but dicom_dir = \
         \"{{path}}\"",
        shown(&rule.name)
    );
    let help = "name what the task needs: kwargs = { directory = \"{directory}\", key = \"{key}\" }";
    report.warn(&named.place, message, Some(help.into()));
}
