//! Which rule takes a path, and why no other does.
//!
//! The question is asked for every hint, so the answer for a taken path allocates nothing; what
//! an ignored path costs is the text of its reason.

use crate::pattern::{Pattern, Subject};
use crate::rule::{Rule, Rules, Selection};
use model::Reason;

/// A set of rules of one source, by their index.
///
/// Kept for each watched directory: the rules that exclude it or one of its ancestors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleMask(u64);

impl RuleMask {
    /// No rule.
    pub const EMPTY: Self = Self(0);

    /// Whether the rule of that index is in the set.
    #[must_use]
    pub const fn contains(self, rule: usize) -> bool {
        rule < Rules::LIMIT && self.0 >> rule & 1 == 1
    }

    /// The set with that rule in it; an index beyond [`Rules::LIMIT`] changes nothing.
    #[must_use]
    pub const fn with(self, rule: usize) -> Self {
        if rule < Rules::LIMIT { Self(self.0 | 1 << rule) } else { self }
    }

    /// Whether no rule is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What one rule says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say<'a> {
    /// It takes the path, because of this include pattern.
    Takes(&'a Pattern),
    /// None of its include patterns matches.
    NotIncluded,
    /// An exclude pattern matches the path itself.
    Excluded(&'a Pattern),
    /// An exclude pattern matches a directory above the path.
    ExcludedBelow {
        /// The directory, relative to the source.
        directory: &'a [u8],
        /// The pattern.
        pattern: &'a Pattern,
    },
}

/// How a path fares under the rules, for `explain`.
#[derive(Clone, Debug)]
pub struct Why<'a> {
    /// The temporary-name pattern that matches; then no rule is asked for a plain file.
    pub temp_name: Option<&'a Pattern>,
    /// What each rule says, in order, up to and including the one that takes the path.
    pub says: Vec<(&'a Rule, Say<'a>)>,
}

impl Rules {
    /// How many rules a source can have: one bit each in a [`RuleMask`].
    pub const LIMIT: usize = 64;

    /// Which rule takes the file `path`; `pruned` are the rules that exclude a directory above
    /// it, from [`Rules::directory_mask`].
    #[must_use]
    pub fn select(&self, path: &[u8], pruned: RuleMask) -> Selection {
        let subject = Subject::of(path);
        if let Some(pattern) = first_match(&self.temp_names, subject) {
            return Selection::Ignored(Reason::IgnoredTempName { pattern: pattern.text().to_owned() });
        }
        let takes = |(index, rule): (usize, &Rule)| {
            let takes = !pruned.contains(index)
                && first_match(&rule.include, subject).is_some()
                && first_match(&rule.exclude, subject).is_none();
            takes.then_some(index)
        };
        match self.rules.iter().enumerate().find_map(takes) {
            Some(index) => Selection::Taken(index),
            None => Selection::Ignored(self.last_excluder(path)),
        }
    }

    /// Which rules exclude the directory `dir` or one above it, given those that exclude its
    /// parent. The source's own directory (an empty path) is never excluded.
    #[must_use]
    pub fn directory_mask(&self, dir: &[u8], parent: RuleMask) -> RuleMask {
        if dir.is_empty() {
            return parent;
        }
        let subject = Subject::of(dir);
        let excludes = |&(index, rule): &(usize, &Rule)| {
            !parent.contains(index) && first_match(&rule.exclude, subject).is_some()
        };
        self.rules.iter().enumerate().filter(excludes).fold(parent, |mask, (index, _)| mask.with(index))
    }

    /// Whether every rule excludes a directory with this mask: it need not be watched or listed.
    #[must_use]
    pub fn prunes(&self, mask: RuleMask) -> bool {
        !self.rules.is_empty() && (0..self.rules.len()).all(|index| mask.contains(index))
    }

    /// What each rule says of `path`, with the pattern that decides; works without a mask by
    /// asking about each directory above the path.
    #[must_use]
    pub fn why<'a>(&'a self, path: &'a [u8]) -> Why<'a> {
        let mut says = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let say = rule.say(path);
            says.push((rule, say));
            if matches!(say, Say::Takes(_)) {
                break;
            }
        }
        Why { temp_name: first_match(&self.temp_names, Subject::of(path)), says }
    }

    fn last_excluder(&self, path: &[u8]) -> Reason {
        let excluded = self.rules.iter().rev().find_map(|rule| match rule.say(path) {
            Say::Excluded(pattern) | Say::ExcludedBelow { pattern, .. } => Some((rule, pattern)),
            Say::Takes(_) | Say::NotIncluded => None,
        });
        let (rule, pattern) =
            excluded.map_or(("", ""), |(rule, pattern)| (rule.name.as_str(), pattern.text()));
        Reason::IgnoredFilter { rule: rule.to_owned(), pattern: pattern.to_owned() }
    }
}

impl Rule {
    /// What this rule alone says of `path`.
    #[must_use]
    pub fn say<'a>(&'a self, path: &'a [u8]) -> Say<'a> {
        let subject = Subject::of(path);
        let Some(include) = first_match(&self.include, subject) else {
            return Say::NotIncluded;
        };
        for directory in ancestors(path) {
            if let Some(pattern) = first_match(&self.exclude, Subject::of(directory)) {
                return Say::ExcludedBelow { directory, pattern };
            }
        }
        first_match(&self.exclude, subject).map_or(Say::Takes(include), Say::Excluded)
    }
}

fn first_match<'a>(patterns: &'a [Pattern], subject: Subject<'_>) -> Option<&'a Pattern> {
    patterns.iter().find(|pattern| pattern.takes(subject))
}

/// The directories above a path, the outermost first, without the source's own.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests;
