//! What rules tell of event streams, and the sinks that live on them, as they are read back.

use model::HappeningSet;
use settle::Rule;

use super::{Page, choice, duration, list, options, path, quoted};
use crate::keys::{MIRROR, PLUGIN, RULE, SCRIBE};
use crate::plan::{MirrorSink, PluginSink, ScribeLog, ScribeSink, ScribeStyle, SinkKind, StreamPlan};
use crate::read::choices;

/// What a sink takes, as far as its rules are written differently.
#[derive(Clone, Copy)]
pub(super) struct Taker {
    arrivals: bool,
    mirror: bool,
}

impl Taker {
    pub(super) fn of(kind: &SinkKind) -> Self {
        Self { arrivals: kind.takes_arrivals(), mirror: matches!(kind, SinkKind::Mirror(_)) }
    }
}

/// Whom a rule tells, and of what.
pub(super) struct Told {
    to: Vec<String>,
    /// What it asks for of the event stream; mirrors ask for themselves.
    events: HappeningSet,
    /// Whether nobody is told of arrivals.
    pub(super) events_only: bool,
    /// Whether that must be said: some of the sinks would take them.
    silent: bool,
}

impl Page {
    /// Whom the rule tells, put together from its own sinks and those of its streams.
    pub(super) fn told(&self, rule: &Rule, streams: &[StreamPlan]) -> Told {
        let is_mirror = |name: &String| self.takers.get(name).is_some_and(|taker| taker.mirror);
        let takes_arrivals = |name: &String| self.takers.get(name).is_none_or(|taker| taker.arrivals);
        let (mut to, mut events) = (rule.to.clone(), HappeningSet::EMPTY);
        for stream in streams.iter().filter(|stream| stream.rule == rule.name) {
            if !stream.to.iter().all(is_mirror) {
                events = events.union(stream.what);
            }
            to = merged(&to, &stream.to);
        }
        let events_only = rule.to.is_empty() && !events.is_empty();
        let silent = events_only && to.iter().any(takes_arrivals);
        Told { to, events, events_only, silent }
    }

    pub(super) fn told_of(&mut self, told: &Told) {
        if told.events == HappeningSet::ALL {
            self.entry(&RULE, "events", &quoted("all"));
        } else if !told.events.is_empty() {
            self.entry(&RULE, "events", &list(told.events.iter().map(|what| quoted(what.name()))));
        }
        if told.silent {
            self.entry(&RULE, "arrivals", "false");
        }
        self.entry(&RULE, "to", &list(told.to.iter().map(|name| quoted(name))));
    }

    pub(super) fn scribe(&mut self, scribe: &ScribeSink) {
        match &scribe.log {
            ScribeLog::Stdout => self.entry(&SCRIBE, "log", &quoted("-")),
            ScribeLog::File(file) => self.entry(&SCRIBE, "log", &path(file)),
        }
        self.unless(&SCRIBE, "style", &scribe.style, &ScribeStyle::Text, |style| {
            choice(&choices::SCRIBE_STYLES, style)
        });
    }

    pub(super) fn mirror(&mut self, mirror: &MirrorSink) {
        self.entry(&MIRROR, "destination", &path(&mirror.destination));
        self.unless(&MIRROR, "adopt", &mirror.adopt, &false, bool::to_string);
        self.unless(&MIRROR, "owner", &mirror.owner, &false, bool::to_string);
        self.unless(&MIRROR, "pair_within", &mirror.pair_within, &MirrorSink::PAIR_WITHIN, duration);
    }

    pub(super) fn plugin(&mut self, plugin: &PluginSink) {
        self.entry(&PLUGIN, "plugin", &quoted(&plugin.plugin));
        let written = options::as_toml(&plugin.options);
        if written != options::NONE {
            self.entry(&PLUGIN, "options", &written);
        }
        self.unless(&PLUGIN, "arrivals", &plugin.arrivals, &false, bool::to_string);
    }
}

/// All names of both lists, each once, such that the order of either is kept where they agree on one.
fn merged(one: &[String], other: &[String]) -> Vec<String> {
    let mut merged: Vec<String> = Vec::with_capacity(one.len() + other.len());
    let mut rest = one.iter();
    for name in other {
        if one.contains(name) && !merged.contains(name) {
            merged.extend(rest.by_ref().take_while(|earlier| *earlier != name).cloned());
        }
        if !merged.contains(name) {
            merged.push(name.clone());
        }
    }
    merged.extend(rest.cloned());
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_both_orders() {
        let names = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for (one, other, expected) in [
            ("", "", ""),
            ("a b", "", "a b"),
            ("", "a b", "a b"),
            ("b", "a b c", "a b c"),
            ("a c", "b c", "b a c"),
            ("a b c d", "b x d y", "a b x c d y"),
            ("a b", "b a", "a b"),
        ] {
            assert_eq!(merged(&names(one), &names(other)), names(expected), "{one} + {other}");
        }
    }
}
