//! Which rule takes a path, and why no other does.
//!
//! The question is asked for every hint, so the answer for a taken path allocates nothing; what
//! an ignored path costs is the text of its reason.

use crate::companion::{Ask, Of};
use crate::group::Grouping;
use crate::pattern::{Pattern, Subject};
use crate::rule::{Rule, Rules, Selection, Take};
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
    /// None of its include patterns matches; or it is about datasets, and this lies in none of them.
    NotIncluded,
    /// It lies in a dataset of the rule, whose path is the first `len` bytes.
    TakesDataset {
        /// How long the dataset's path is.
        len: usize,
        /// The pattern that the dataset matches.
        pattern: &'a Pattern,
    },
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
    /// it, from [`Rules::directory_mask`]. Datasets are asked about first, then markers.
    #[must_use]
    pub fn select(&self, path: &[u8], pruned: RuleMask) -> Selection {
        let subject = Subject::of(path);
        if self.has_datasets() {
            let dir = path.strip_suffix(subject.name).unwrap_or_default();
            let dir = dir.strip_suffix(b"/").unwrap_or(dir);
            if let Some(UnitAbove { rule, len }) = self.outermost(dir)
                && !pruned.contains(rule)
                && self.rules.get(rule).is_some_and(|rule| !excludes(rule, subject))
            {
                return Selection::Member { rule, len };
            }
        }
        if let Some((rule, _)) = self.marker_of(path) {
            let rule = self.rules.get(rule).map(|rule| rule.name.clone()).unwrap_or_default();
            return Selection::Ignored(Reason::IgnoredMarker { rule });
        }
        if let Some(pattern) = first_match(&self.temp_names, subject)
            && !switch::is_off("temporary-names")
        {
            return Selection::Ignored(Reason::IgnoredTempName { pattern: pattern.text().to_owned() });
        }
        let takes = |(index, rule): (usize, &Rule)| {
            let takes = !pruned.contains(index)
                && rule.takes_files(subject.name)
                && first_match(&rule.include, subject).is_some()
                && !excludes(rule, subject);
            takes.then_some(index)
        };
        match self.rules.iter().enumerate().find_map(takes) {
            // What has units of its own inside leaves the file to those.
            Some(index) => Selection::Taken(self.innermost(index, takes)),
            None => Selection::Ignored(self.last_excluder(path)),
        }
    }

    fn innermost(&self, outer: usize, takes: impl Fn((usize, &Rule)) -> Option<usize>) -> usize {
        let mut found = outer;
        // Each step goes to another rule, and none can be met twice: `of` has no circles.
        for _ in 0..self.rules.len() {
            let inside = |&(_, rule): &(usize, &Rule)| rule.shape.of == Some(found);
            match self.rules.iter().enumerate().filter(inside).find_map(&takes) {
                Some(inner) => found = inner,
                None => break,
            }
        }
        found
    }

    /// Whether any rule is about datasets.
    #[must_use]
    pub fn has_datasets(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.shape.take, Take::Dataset(_)))
    }

    /// The dataset that the directory `dir` is or lies in; the outermost wins.
    fn outermost(&self, dir: &[u8]) -> Option<UnitAbove> {
        prefixes(dir, 0).find_map(|directory| {
            let takes = |rule: &Rule| rule.shape.of.is_none() && rule.is_dataset(directory).is_some();
            let rule = self.rules.iter().position(takes)?;
            Some(UnitAbove { rule, len: directory.len() })
        })
    }

    /// The datasets that the directory `dir` is or lies in, the outermost first, then those inside it that
    /// are units of their own.
    #[must_use]
    pub fn units_above(&self, dir: &[u8]) -> Vec<UnitAbove> {
        let mut units: Vec<UnitAbove> = Vec::new();
        let mut next = self.outermost(dir);
        while let Some(unit) = next {
            units.push(unit);
            next = prefixes(dir, unit.len).find_map(|directory| {
                let inside =
                    |rule: &Rule| rule.shape.of == Some(unit.rule) && rule.is_dataset(directory).is_some();
                let rule = self.rules.iter().position(inside)?;
                Some(UnitAbove { rule, len: directory.len() })
            });
        }
        units
    }

    /// Of which rule a file is a companion (marker, lock, manifest, metadata beside its unit), and of which of
    /// its units. Companions inside a dataset are no matter of this.
    #[must_use]
    pub fn marker_of<'a>(&self, path: &'a [u8]) -> Option<(usize, Of<'a>)> {
        self.companions(path).next()
    }

    /// All rules that a file is a companion of, and of which of their units.
    pub fn companions<'a>(&self, path: &'a [u8]) -> impl Iterator<Item = (usize, Of<'a>)> {
        let name = Subject::of(path).name;
        let dir = &path[..path.len() - name.len()];
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| !rule.completion.asks.is_empty());
        rules.filter_map(move |(index, rule)| Some((index, rule.companion(dir, name)?)))
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
        // Rules about datasets are asked first, wherever they stand.
        let datasets = self.rules.iter().filter(|rule| rule.is_about_datasets());
        let others = self.rules.iter().filter(|rule| !rule.is_about_datasets());
        for rule in datasets.chain(others) {
            let say = rule.say(path);
            says.push((rule, say));
            if matches!(say, Say::Takes(_) | Say::TakesDataset { .. }) {
                break;
            }
        }
        Why { temp_name: first_match(&self.temp_names, Subject::of(path)), says }
    }

    fn last_excluder(&self, path: &[u8]) -> Reason {
        let excluded = self.rules.iter().rev().find_map(|rule| match rule.say(path) {
            Say::Excluded(pattern) | Say::ExcludedBelow { pattern, .. } => Some((rule, pattern)),
            Say::Takes(_) | Say::NotIncluded | Say::TakesDataset { .. } => None,
        });
        let (rule, pattern) =
            excluded.map_or(("", ""), |(rule, pattern)| (rule.name.as_str(), pattern.text()));
        Reason::IgnoredFilter { rule: rule.to_owned(), pattern: pattern.to_owned() }
    }
}

/// A dataset that a directory is or lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitAbove {
    /// The index of the rule.
    pub rule: usize,
    /// The dataset's path is the first `len` bytes of the directory's.
    pub len: usize,
}

impl Rule {
    fn is_about_datasets(&self) -> bool {
        matches!(self.shape.take, Take::Dataset(_))
    }

    /// The pattern by which the directory `dir` is a dataset of this rule.
    fn is_dataset(&self, dir: &[u8]) -> Option<&Pattern> {
        let Take::Dataset(patterns) = &self.shape.take else { return None };
        // What lies in an excluded directory is excluded as well.
        let excluded = || prefixes(dir, 0).any(|above| excludes(self, Subject::of(above)));
        first_match(patterns, Subject::of(dir)).filter(|_| !excluded())
    }

    /// Whether a file of that last name may be one of its units or a member of one.
    fn takes_files(&self, name: &[u8]) -> bool {
        match &self.shape.take {
            Take::File | Take::Group(Grouping::Dicom(_)) => true,
            Take::Group(Grouping::Name(pattern)) => pattern.key(name).is_some(),
            Take::Dataset(_) => false,
        }
    }

    /// Whose companion the file `name` in `dir` (which is empty or ends with `/`) is.
    fn companion<'a>(&self, dir: &[u8], name: &'a [u8]) -> Option<Of<'a>> {
        if ancestors(dir).any(|above| excludes(self, Subject::of(above))) {
            return None;
        }
        self.completion.asks.iter().find_map(|ask| {
            let form = match ask {
                Ask::Marker(marker) => &marker.form,
                Ask::Lock(form) => form,
                Ask::Manifest(manifest) => &manifest.form,
                // With `{stem}.json` the metadata of `x.json` is `x.json` itself, if the rule takes it.
                Ask::Metadata(metadata)
                    if metadata.form.is_own(name)
                        && matches!(self.say(&[dir, name].concat()), Say::Takes(_)) =>
                {
                    return None;
                }
                Ask::Metadata(metadata) => &metadata.form,
                Ask::Count(_) | Ask::Whole => return None,
            };
            let of = form.unit_of(name).or_else(|| form.is_below(dir, name).then_some(Of::All))?;
            let is = match (&self.shape.take, of) {
                (Take::Dataset(_), Of::Name(unit)) => self.is_dataset(&[dir, unit].concat()).is_some(),
                (Take::Dataset(_), Of::All) => false,
                (Take::File, Of::Name(unit)) => matches!(self.say(&[dir, unit].concat()), Say::Takes(_)),
                (Take::Dataset(_), Of::Stem(_)) => true,
                // Which of them it is of is not to be said of its name; but some must be possible there.
                (Take::File | Take::Group(_), _) => {
                    let dir = dir.strip_suffix(b"/").unwrap_or(dir);
                    self.include.iter().any(|include| include.may_match_in(dir))
                }
            };
            is.then_some(of)
        })
    }

    /// Whether the file of that path relative to its dataset is a marker or a lock of this rule: no member.
    #[must_use]
    pub fn is_marker_inside(&self, path: &[u8]) -> bool {
        self.completion.asks.iter().any(|ask| match ask {
            Ask::Marker(marker) => !marker.form.is_beside() && marker.form.text().as_bytes() == path,
            Ask::Lock(form) => !form.is_beside() && form.text().as_bytes() == path,
            Ask::Manifest(_) | Ask::Metadata(_) | Ask::Count(_) | Ask::Whole => false,
        })
    }

    /// What this rule alone says of `path`.
    #[must_use]
    pub fn say<'a>(&'a self, path: &'a [u8]) -> Say<'a> {
        let subject = Subject::of(path);
        if let Take::Dataset(_) = &self.shape.take {
            let within = prefixes(path, 0).find_map(|dir| Some((dir.len(), self.is_dataset(dir)?)));
            let Some((len, pattern)) = within else { return Say::NotIncluded };
            return self.excluder(path).unwrap_or(Say::TakesDataset { len, pattern });
        }
        let include = first_match(&self.include, subject).filter(|_| self.takes_files(subject.name));
        let Some(include) = include else {
            return Say::NotIncluded;
        };
        self.excluder(path).unwrap_or(Say::Takes(include))
    }

    /// What keeps the rule from a path that it would take.
    fn excluder<'a>(&'a self, path: &'a [u8]) -> Option<Say<'a>> {
        for directory in ancestors(path) {
            if let Some(pattern) = first_match(&self.exclude, Subject::of(directory)) {
                return Some(Say::ExcludedBelow { directory, pattern });
            }
        }
        first_match(&self.exclude, Subject::of(path)).map(Say::Excluded)
    }
}

fn excludes(rule: &Rule, subject: Subject<'_>) -> bool {
    first_match(&rule.exclude, subject).is_some()
}

/// A directory and those above it, longer than `from`, the outermost first.
fn prefixes(dir: &[u8], from: usize) -> impl Iterator<Item = &[u8]> {
    let slashes = dir.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| at);
    let whole = (!dir.is_empty()).then_some(dir.len());
    slashes.chain(whole).filter(move |len| *len > from).map(|len| &dir[..len])
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

#[cfg(test)]
mod unit_tests;
