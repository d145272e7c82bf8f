//! What a mirror and its source must be to one another, and mirrors among themselves.

use settle::{Rule, Take};

use super::{bound, called, lies_in};
use crate::fields::Report;
use crate::plan::{MirrorOrigin, MirrorSink, SinkKind};
use crate::read::{Named, sink, source};
use crate::source_text::shown;

pub(super) fn check(
    sources: &[source::Read],
    sinks: &[sink::Read],
    sink: &sink::Read,
    named: &Named<'_>,
    report: &mut Report<'_>,
) {
    let SinkKind::Mirror(mirror) = &sink.plan.kind else { return };
    let name = shown(named.name);
    let delivering = delivering(sources, named.name);
    match delivering.as_slice() {
        [] => {
            let message = format!("no rule delivers to the mirror \"{name}\": it has nothing to be equal to");
            let help = "add it to the `to` of a rule, or remove it".to_owned();
            report.error(&named.place, message, Some(help));
        }
        [source] => {
            of_source(source, mirror, sink, named, report);
            temporary(source, sinks, named, report);
        }
        several => {
            let all: Vec<String> = several.iter().map(|source| called(source)).collect();
            let message = format!("the mirror \"{name}\" has more than one source: {}", all.join(" and "));
            let help = "make a mirror for each, and name it in the `to` of that source's rule".to_owned();
            report.error(&named.place, message, Some(help));
        }
    }
}

/// The sources that have a rule which delivers to the sink.
fn delivering<'s>(sources: &'s [source::Read], sink: &str) -> Vec<&'s source::Read> {
    sources.iter().filter(|source| bound(source, sink).next().is_some()).collect()
}

fn of_source(
    source: &source::Read,
    mirror: &MirrorSink,
    sink: &sink::Read,
    named: &Named<'_>,
    report: &mut Report<'_>,
) {
    let name = shown(named.name);
    let rules: Vec<&Rule> = bound(source, named.name).collect();
    if let [one, other, ..] = rules.as_slice() {
        let message = format!(
            "the rules \"{}\" and \"{}\" of the source {} both deliver to the mirror \"{name}\"",
            shown(&one.name),
            shown(&other.name),
            called(source)
        );
        let help = "join their patterns into one rule, or make a mirror for each".to_owned();
        report.error(&named.place, message, Some(help));
    }
    if let Some(place) = source.follow.as_ref() {
        let message = format!("links are mirrored as links by \"{name}\", and this source follows them");
        let help = "remove `follow_symlinks`, or make a second source of the same path for the mirror";
        report.error(place, message, Some(help.into()));
    }
    within(source, mirror, sink, named, report);
    if let [rule] = rules.as_slice() {
        taken_before(source, rule, named, report);
    }
}

/// Neither tree may hold the other.
fn within(
    source: &source::Read,
    mirror: &MirrorSink,
    sink: &sink::Read,
    named: &Named<'_>,
    report: &mut Report<'_>,
) {
    let place = sink.places.destination.as_ref().unwrap_or(&named.place);
    let (from, to) = (&source.plan.path, &mirror.destination);
    let message = if lies_in(to, from) {
        format!("the destination lies in the source {}: it would be mirrored into itself", called(source))
    } else if lies_in(from, to) {
        format!(
            "the source {} lies in the destination, where what it does not have is deleted",
            called(source)
        )
    } else {
        return;
    };
    report.error(place, message, Some("name a directory outside of the source, and not above it".into()));
}

/// What another rule takes never arrives by that of the mirror.
fn taken_before(source: &source::Read, rule: &Rule, named: &Named<'_>, report: &mut Report<'_>) {
    let rules = &source.plan.rules.rules;
    let own = rules.iter().position(|other| other.name == rule.name).unwrap_or(rules.len());
    let first = rules.iter().enumerate().find(|(at, other)| {
        let earlier = *at < own || matches!(other.shape.take, Take::Dataset(_));
        *at != own && earlier
    });
    if let Some((_, other)) = first {
        let message = format!(
            "files that the rule \"{}\" takes are copied by the mirror \"{}\" only when trees are compared: each file \
             arrives by one rule",
            shown(&other.name),
            shown(named.name)
        );
        let help = "give the mirror a source of its own, with the same path".to_owned();
        report.warn(&named.place, message, Some(help));
    }
}

/// A mirror leaves nothing out, but others of its source's sinks may rely on that.
fn temporary(source: &source::Read, sinks: &[sink::Read], named: &Named<'_>, report: &mut Report<'_>) {
    let name = shown(named.name);
    if only_mirrored(source, sinks) {
        if let Some(place) = &source.temp_names {
            let message =
                format!("temporary names are mirrored, too, by \"{name}\": nobody else has this source");
            let help = "use `exclude` in the rule for what is not to be mirrored".to_owned();
            report.warn(place, message, Some(help));
        }
    } else if !source.plan.rules.temp_names.is_empty() {
        let message = format!(
            "the mirror \"{name}\" shares the source {} with other sinks: files with temporary names are mirrored only \
             when they are renamed",
            called(source)
        );
        let help =
            "give the mirror a source of its own, with the same path, or write temp_names = false".to_owned();
        report.warn(&named.place, message, Some(help));
    }
}

/// Whether those who are told of the source's arrivals are mirrors, and there is one.
fn only_mirrored(source: &source::Read, sinks: &[sink::Read]) -> bool {
    let mut told = source.plan.rules.rules.iter().flat_map(|rule| &rule.to).peekable();
    let is_mirror = |name: &String| {
        let sink = sinks.iter().find(|sink| sink.plan.name == *name);
        sink.is_some_and(|sink| matches!(sink.plan.kind, SinkKind::Mirror(_)))
    };
    told.peek().is_some() && told.all(is_mirror)
}

/// What a mirror has from its source; and what a source has from being mirrored only.
pub(super) fn fill(sources: &mut [source::Read], sinks: &mut [sink::Read]) {
    for source in sources.iter_mut() {
        if only_mirrored(source, sinks) {
            source.plan.rules.temp_names.clear();
        }
    }
    for sink in sinks {
        let SinkKind::Mirror(mirror) = &mut sink.plan.kind else { continue };
        let mut origins = sources.iter().filter_map(|source| {
            let rule = bound(source, &sink.plan.name).next()?;
            Some(MirrorOrigin::of(&source.plan, rule))
        });
        mirror.origin = origins.next();
    }
}
