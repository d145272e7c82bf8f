//! Who is told of what: the rules' wishes, asked about one happening. Pure.

use std::sync::Arc;

use config::StreamPlan;
use ledger::SinkId;
use model::{Happening, HappeningSet};
use settle::Pattern;

/// What one rule asks for, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    rule: Arc<str>,
    what: HappeningSet,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    sinks: Vec<SinkId>,
}

/// All rules' wishes, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wishes(Vec<Wish>);

/// A happening, as far as wishes are about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// What happened.
    pub(crate) what: Happening,
    /// Below the root; empty: the root itself.
    pub(crate) path: &'a [u8],
    /// Whether it is about a directory.
    pub(crate) is_dir: bool,
}

impl Wish {
    fn takes(&self, asked: Asked<'_>) -> bool {
        asked.what.is_of_the_watch()
            || (self.what.contains(asked.what)
                && self.includes(asked.path, asked.is_dir)
                && !self.excludes(asked.path))
    }

    /// Directories are told whatever they are called, so that what lies in them has a place.
    fn includes(&self, path: &[u8], is_dir: bool) -> bool {
        is_dir || path.is_empty() || self.include.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether the path or a directory above it is excluded.
    fn excludes(&self, path: &[u8]) -> bool {
        if self.exclude.is_empty() || path.is_empty() {
            return false;
        }
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.chain([path.len()]).any(|end| self.exclude.iter().any(|pattern| pattern.matches(&path[..end])))
    }
}

impl Wishes {
    /// Those of the plan; `sinks` gives the numbers of the named sinks that take happenings.
    pub(crate) fn of(plans: &[StreamPlan], sinks: impl Fn(&[String]) -> Vec<SinkId>) -> Self {
        let wish = |plan: &StreamPlan| Wish {
            rule: plan.rule.as_str().into(),
            what: plan.what,
            include: plan.include.clone(),
            exclude: plan.exclude.clone(),
            sinks: sinks(&plan.to),
        };
        Self(plans.iter().map(wish).collect())
    }

    /// What has to be listened for.
    pub(crate) fn wanted(&self) -> HappeningSet {
        self.0.iter().fold(HappeningSet::EMPTY, |set, wish| set.union(wish.what))
    }

    /// Every sink of the stream, sorted.
    pub(crate) fn sinks(&self) -> Vec<SinkId> {
        let mut all: Vec<SinkId> = self.0.iter().flat_map(|wish| &wish.sinks).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Gives the first rule that asks for it, and every sink, sorted, that any rule asks for.
    pub(crate) fn select(&self, asked: Asked<'_>, sinks: &mut Vec<SinkId>) -> Option<&Arc<str>> {
        sinks.clear();
        let mut first = None;
        for wish in self.0.iter().filter(|wish| wish.takes(asked)) {
            first = first.or(Some(&wish.rule));
            sinks.extend_from_slice(&wish.sinks);
        }
        sinks.sort_unstable();
        sinks.dedup();
        first
    }

    /// Whether both ask for the same for that sink.
    pub(crate) fn same_for(&self, other: &Self, sink: SinkId) -> bool {
        let part = |wish: &&Wish| wish.sinks.contains(&sink);
        let ours = self.0.iter().filter(part);
        let theirs = other.0.iter().filter(part);
        let view = |wish: &Wish| (wish.what, wish.include.clone(), wish.exclude.clone());
        ours.map(view).eq(theirs.map(view))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    fn wish(what: &[Happening], include: &[&str], exclude: &[&str], sinks: &[u32]) -> Wish {
        Wish {
            rule: format!("rule{}", sinks[0]).into(),
            what: what.iter().fold(HappeningSet::EMPTY, |set, what| set.with(*what)),
            include: patterns(include),
            exclude: patterns(exclude),
            sinks: sinks.iter().map(|number| SinkId(*number)).collect(),
        }
    }

    fn told(wishes: &Wishes, what: Happening, path: &str, is_dir: bool) -> Vec<u32> {
        let mut sinks = Vec::new();
        let first = wishes.select(Asked { what, path: path.as_bytes(), is_dir }, &mut sinks).cloned();
        assert_eq!(first.is_some(), !sinks.is_empty());
        sinks.iter().map(|sink| sink.0).collect()
    }

    #[test]
    fn each_sink_is_told_once_of_what_a_rule_asks_for() {
        use Happening::{Create, Open, Overflow};
        let wishes = Wishes(vec![
            wish(&[Create, Open], &["*"], &[], &[2, 1]),
            wish(&[Create], &["*.dat"], &[], &[2, 3]),
        ]);
        assert_eq!(told(&wishes, Create, "a/b.dat", false), [1, 2, 3]);
        assert_eq!(told(&wishes, Open, "a/b.dat", false), [1, 2]);
        assert_eq!(told(&wishes, Create, "b.txt", false), [1, 2]);
        assert_eq!(told(&wishes, Create, "dir", true), [1, 2, 3], "directories need not match");
        assert_eq!(told(&wishes, Overflow, "", true), [1, 2, 3], "whatever was asked for");
        assert!(told(&wishes, Happening::Delete, "a", false).is_empty());
        assert_eq!(wishes.sinks(), [SinkId(1), SinkId(2), SinkId(3)]);
    }

    #[test]
    fn what_lies_below_an_excluded_directory_is_not_told() {
        use Happening::Create;
        let wishes = Wishes(vec![wish(&[Create], &["*"], &["cache", "x/*.tmp"], &[1])]);
        for (path, is_dir) in
            [("cache", true), ("a/cache", true), ("a/cache/b/c", false), ("x/d.tmp/e", false)]
        {
            assert!(told(&wishes, Create, path, is_dir).is_empty(), "{path}");
        }
        for (path, is_dir) in [("cached", false), ("x/d.tmp2", false), ("d.tmp", false), ("", true)] {
            assert_eq!(told(&wishes, Create, path, is_dir), [1], "{path}");
        }
    }

    #[test]
    fn what_changes_for_one_sink_is_no_change_for_another() {
        use Happening::{Create, Open};
        let old = Wishes(vec![wish(&[Create], &["*"], &[], &[1]), wish(&[Open], &["*"], &[], &[2])]);
        let new = Wishes(vec![wish(&[Create], &["*"], &[], &[1, 3]), wish(&[Create], &["*"], &[], &[2])]);
        assert!(old.same_for(&new, SinkId(1)));
        assert!(!old.same_for(&new, SinkId(2)));
    }
}
