//! Which sinks a rule tells of events, and which of arrivals.

use std::collections::BTreeMap;

use model::HappeningSet;
use settle::{Rule, Take};

use super::rule::Asked;
use super::{silent, sink, source, unreachable};
use crate::fields::Report;
use crate::plan::{MirrorSink, SinkKind, StreamPlan};
use crate::source_text::{Place, shown};

/// Those that take events, for messages.
const TAKERS: &str = "those that take events are of the types scribe, plugin, jsonl and stdout";

/// What the sinks take, by their names.
pub(super) struct Tastes<'s>(BTreeMap<&'s str, Taste>);

#[derive(Clone, Copy)]
struct Taste {
    arrivals: bool,
    events: Events,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    Never,
    /// It would take them, but its format cannot tell them from arrivals.
    Mute,
    /// Those that the rule asks for.
    Asked,
    /// Those that a mirror needs, whether the rule asks for them or not.
    Needed,
}

impl Taste {
    fn is_mirror(self) -> bool {
        self.events == Events::Needed
    }
}

impl<'s> Tastes<'s> {
    pub(super) fn of(sinks: &'s [sink::Read]) -> Self {
        let taste = |sink: &'s sink::Read| {
            let (kind, tells) = (&sink.plan.kind, sink.plan.tells_events_apart());
            let events = match kind {
                SinkKind::Mirror(_) => Events::Needed,
                kind if !kind.takes_happenings() => Events::Never,
                _ if !tells => Events::Mute,
                _ => Events::Asked,
            };
            let taste = Taste { arrivals: kind.takes_arrivals(), events };
            (sink.plan.name.as_str(), taste)
        };
        Self(sinks.iter().map(taste).collect())
    }

    /// Nothing is said against a sink that could not be read.
    fn get(&self, sink: &str) -> Taste {
        let unknown = Taste { arrivals: true, events: Events::Asked };
        self.0.get(sink).copied().unwrap_or(unknown)
    }
}

/// Leaves in each rule's `to` those that it tells of arrivals, and makes streams for the others.
pub(super) fn split(source: &mut source::Read, tastes: &Tastes<'_>, report: &mut Report<'_>) {
    let mut streams = Vec::new();
    for (rule, asked) in source.plan.rules.rules.iter_mut().zip(&source.asked) {
        let bound = bound(rule, asked, tastes);
        check(rule, asked, &bound, report);
        streams.extend(streams_of(rule, asked, &bound));
        let told = bound.iter().filter(|bound| asked.arrivals && bound.taste.arrivals);
        rule.to = told.map(|bound| bound.name.clone()).collect();
        if rule.to.is_empty() && asked.events.is_some() {
            says_nothing(asked, report);
        }
    }
    source.plan.streams = streams;
    let warned = silent::warn(&source.plan.rules, &source.asked, report);
    unreachable::warn(&source.plan.rules.rules, &source.asked, &warned, report);
}

/// A sink that a rule delivers to.
struct Bound {
    name: String,
    taste: Taste,
    /// Where it is named.
    place: Option<Place>,
}

/// Those that are named; where nobody is, those that take what the rule gives.
fn bound(rule: &Rule, asked: &Asked, tastes: &Tastes<'_>) -> Vec<Bound> {
    let units = !matches!(rule.shape.take, Take::File);
    let fits = |taste: Taste| {
        let arrivals = asked.arrivals && taste.arrivals && !(units && taste.is_mirror());
        arrivals || (asked.events.is_some() && taste.events == Events::Asked)
    };
    let all = rule.to.iter().enumerate().map(|(at, name)| Bound {
        name: name.clone(),
        taste: tastes.get(name),
        place: asked.to.as_ref().and_then(|places| places.get(at)).cloned(),
    });
    all.filter(|bound| asked.to.is_some() || fits(bound.taste)).collect()
}

fn check(rule: &Rule, asked: &Asked, bound: &[Bound], report: &mut Report<'_>) {
    mirrors(rule, asked, bound, report);
    match &asked.events {
        None => without_events(rule, asked, bound, report),
        // A `to` without names has its own finding.
        Some((_, place)) if !rule.to.is_empty() => with_events(asked, place, bound, report),
        Some(_) => {}
    }
}

/// A mirror needs to know of files when they are complete, and of nothing but files.
fn mirrors(rule: &Rule, asked: &Asked, bound: &[Bound], report: &mut Report<'_>) {
    for mirror in bound.iter().filter(|bound| bound.taste.is_mirror()) {
        let (name, place) = (shown(&mirror.name), mirror.place.as_ref().unwrap_or(&asked.place));
        if !matches!(rule.shape.take, Take::File) {
            let message = format!(
                "the rule \"{}\" makes units of many files, and the mirror \"{name}\" takes them one by one",
                shown(&rule.name)
            );
            let help = "give the mirror a source of its own, with a rule without `dataset` and `group`";
            report.error(place, message, Some(help.into()));
        }
        if let (false, Some(place)) = (asked.arrivals, &asked.arrivals_place) {
            let message = format!("the mirror \"{name}\" copies files when they arrived complete");
            report.error(place, message, Some("remove this key".into()));
        }
    }
}

fn without_events(rule: &Rule, asked: &Asked, bound: &[Bound], report: &mut Report<'_>) {
    // With a mirror that is said already.
    if let (false, Some(place), false) =
        (asked.arrivals, &asked.arrivals_place, bound.iter().any(|bound| bound.taste.is_mirror()))
    {
        let help = "add events = \"all\", or remove this key".to_owned();
        report.error(place, "without arrivals the rule tells nothing: it has no `events`", Some(help));
        return;
    }
    for only in bound.iter().filter(|bound| !bound.taste.arrivals) {
        let message =
            format!("the sink \"{}\" takes only events, and this rule gives none", shown(&only.name));
        report.error(only.place.as_ref().unwrap_or(&asked.place), message, Some(add_events()));
    }
    // A `to` without names has its own finding.
    if bound.is_empty() && asked.to.is_none() && !rule.to.is_empty() {
        let message =
            format!("no sink takes what the rule \"{}\" gives: all take only events", shown(&rule.name));
        report.error(&asked.place, message, Some(add_events()));
    }
}

fn add_events() -> String {
    "add events = \"all\", or a list such as [\"create\", \"delete\"], to the rule".to_owned()
}

fn with_events(asked: &Asked, events: &Place, bound: &[Bound], report: &mut Report<'_>) {
    for mute in bound.iter().filter(|bound| bound.taste.events == Events::Mute) {
        let message = format!(
            "the sink \"{}\" gets no events: its format cannot tell them from arrivals",
            shown(&mute.name)
        );
        let help = "use the format \"cloudevents\" or \"flat\", or a template with {type}".to_owned();
        report.warn(mute.place.as_ref().unwrap_or(events), message, Some(help));
    }
    let others = bound.iter().any(|bound| bound.taste.events == Events::Asked);
    if bound.iter().any(|bound| bound.taste.is_mirror()) && !others {
        let message = "`events` says nothing here: a mirror asks for what it needs by itself";
        report.warn(events, message, Some("remove it, or add a sink that takes events to `to`".into()));
    } else if !others {
        report.error(events, "none of the rule's sinks takes events", Some(TAKERS.to_owned()));
    } else if !asked.arrivals {
        for none in bound.iter().filter(|bound| bound.taste.events == Events::Never) {
            let message = format!(
                "the sink \"{}\" takes no events, and the rule gives nothing else",
                shown(&none.name)
            );
            let help = "take it out of `to`, or remove arrivals = false".to_owned();
            report.error(none.place.as_ref().unwrap_or(&asked.place), message, Some(help));
        }
    }
}

/// What the rule asks for, for those who take it; and for mirrors what they need.
fn streams_of(rule: &Rule, asked: &Asked, bound: &[Bound]) -> Vec<StreamPlan> {
    let stream = |what: HappeningSet, taste: Events| {
        let takers = bound.iter().filter(|bound| bound.taste.events == taste);
        let to: Vec<String> = takers.map(|bound| bound.name.clone()).collect();
        let (include, exclude) = (rule.include.clone(), rule.exclude.clone());
        (!to.is_empty()).then(|| StreamPlan { rule: rule.name.clone(), what, include, exclude, to })
    };
    let events = asked.events.as_ref().and_then(|(what, _)| stream(*what, Events::Asked));
    events.into_iter().chain(stream(MirrorSink::EVENTS, Events::Needed)).collect()
}

/// Keys about arrivals in a rule that announces none.
fn says_nothing(asked: &Asked, report: &mut Report<'_>) {
    for (key, place) in &asked.announcing {
        let message = format!("`{key}` says nothing: nobody is told of what arrives by this rule");
        report.warn(place, message, Some("remove it".into()));
    }
}
