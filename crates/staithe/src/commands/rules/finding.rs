//! What a source's rules say of one path.

use config::SourcePlan;
use model::Reason;
use settle::companion::Of;
use settle::group::Grouping;
use settle::{Ask, DicomKey, Pattern, Rule, RuleMask, Rules, Say, Selection, Take, UnitAbove};

/// What lies at the path now; the rules do not care, but a directory is another question than a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lies {
    Nothing,
    File,
    Directory,
    Symlink,
    Special,
}

/// Everything that is said of one path under one source.
#[derive(Debug)]
pub(super) struct Finding<'a> {
    pub(super) source: &'a SourcePlan,
    /// Below the source's root.
    pub(super) path: &'a [u8],
    pub(super) taken: Option<&'a Rule>,
    /// The innermost dataset first, then those around it.
    pub(super) datasets: Vec<Dataset<'a>>,
    pub(super) group: Option<Group<'a>>,
    pub(super) marker_of: Option<Companion<'a>>,
    pub(super) temp_name: Option<&'a Pattern>,
    /// Rules that include it as well and would tell somebody, while the one that takes it tells nobody.
    pub(super) withheld: Vec<&'a Rule>,
    /// Why no rule takes it.
    pub(super) reason: Option<Reason>,
    /// It lies below a directory of a source that looks at its own directory only.
    pub(super) too_deep: bool,
    /// What each rule says, in the order in which they are asked.
    pub(super) says: Vec<(&'a Rule, Say<'a>)>,
}

/// A dataset that the path is or lies in.
#[derive(Debug)]
pub(super) struct Dataset<'a> {
    pub(super) rule: &'a Rule,
    /// Below the source's root.
    pub(super) path: &'a [u8],
    pub(super) pattern: &'a str,
}

/// A group that the path belongs to.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) rule: &'a Rule,
    pub(super) key: Key<'a>,
}

/// Where a group's key comes from.
#[derive(Debug)]
pub(super) enum Key<'a> {
    /// The name says it, by this pattern.
    Name { key: &'a [u8], total: Option<u64>, pattern: &'a str },
    /// The file's header says it: this field.
    Header(&'static str),
}

/// A file that tells of others.
#[derive(Debug)]
pub(super) struct Companion<'a> {
    pub(super) rule: &'a Rule,
    /// `marker`, `lock`, `manifest` or `metadata`.
    pub(super) is: &'static str,
    /// Whose it is.
    pub(super) of: Of<'a>,
}

impl<'a> Finding<'a> {
    pub(super) fn of(source: &'a SourcePlan, path: &'a [u8], lies: Lies) -> Self {
        let rules = &source.rules;
        let around = datasets(rules, path, lies);
        let selection = selection(source, path, lies, &around);
        let datasets = if matches!(selection, Selection::Member { .. }) { around } else { Vec::new() };
        let marker_of = match datasets.first() {
            Some(dataset) => inside_marker(dataset, path),
            None => beside_marker(rules, path),
        };
        let too_deep = !source.recursive && datasets.is_empty() && path.contains(&b'/');
        let (taken, reason) = match (selection, &marker_of) {
            _ if too_deep => (None, None),
            (Selection::Member { .. }, Some(marker)) => {
                (None, Some(Reason::IgnoredMarker { rule: marker.rule.name.clone() }))
            }
            (Selection::Member { .. }, None) => (datasets.first().map(|dataset| dataset.rule), None),
            (Selection::Taken(rule), _) => (rules.rules.get(rule), None),
            (Selection::Ignored(reason), _) => (None, Some(reason)),
        };
        let says = says(rules, path, taken, lies == Lies::Directory && datasets.is_empty());
        let temp_name = rules.why(path).temp_name;
        let group = taken.and_then(|rule| group(rule, path));
        let withheld = taken.map(|taken| withheld(rules, taken, path)).unwrap_or_default();
        Self { source, path, taken, datasets, group, marker_of, temp_name, withheld, reason, too_deep, says }
    }
}

/// What the engine would do with it; the kinds of things that no rule is asked about come first.
fn selection(source: &SourcePlan, path: &[u8], lies: Lies, around: &[Dataset<'_>]) -> Selection {
    let rules = &source.rules;
    let itself = around.first().filter(|dataset| dataset.path.len() == path.len());
    if itself.is_some() {
        return Selection::Member { rule: 0, len: path.len() };
    }
    let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
    let mask = slashes.fold(RuleMask::EMPTY, |mask, (at, _)| rules.directory_mask(&path[..at], mask));
    match (rules.select(path, mask), lies) {
        (member @ Selection::Member { .. }, _) => member,
        (_, Lies::Directory) => Selection::Ignored(Reason::IgnoredDirectory),
        (Selection::Taken(_), Lies::Special) => Selection::Ignored(Reason::IgnoredSpecialFile),
        (Selection::Taken(_), Lies::Symlink) if !source.follow_symlinks => {
            Selection::Ignored(Reason::IgnoredSymlink)
        }
        (selection, _) => selection,
    }
}

/// The datasets that the path lies in; itself too, unless something else than a directory lies there.
fn datasets<'a>(rules: &'a Rules, path: &'a [u8], lies: Lies) -> Vec<Dataset<'a>> {
    let above = path.iter().rposition(|&byte| byte == b'/').map_or(&path[..0], |at| &path[..at]);
    let from = if matches!(lies, Lies::Directory | Lies::Nothing) { path } else { above };
    let mut datasets: Vec<Dataset<'a>> =
        rules.units_above(from).iter().filter_map(|unit| dataset(rules, path, *unit)).collect();
    datasets.reverse();
    datasets
}

fn dataset<'a>(rules: &'a Rules, path: &'a [u8], unit: UnitAbove) -> Option<Dataset<'a>> {
    let (rule, path) = (rules.rules.get(unit.rule)?, path.get(..unit.len)?);
    let Take::Dataset(patterns) = &rule.shape.take else { return None };
    let pattern = patterns.iter().find(|pattern| pattern.matches(path)).map_or("", Pattern::text);
    Some(Dataset { rule, path, pattern })
}

fn inside_marker<'a>(dataset: &Dataset<'a>, path: &'a [u8]) -> Option<Companion<'a>> {
    // The dataset itself has nothing below it.
    let below = path.get(dataset.path.len() + 1..)?;
    let rule = dataset.rule;
    let is = rule
        .completion
        .asks
        .iter()
        .find(|ask| form(ask).is_some_and(|form| !form.is_beside() && form.text().as_bytes() == below))?;
    // A manifest and metadata inside a dataset are members like others.
    rule.is_marker_inside(below).then_some(Companion { rule, is: kind(is), of: Of::All })
}

fn beside_marker<'a>(rules: &'a Rules, path: &'a [u8]) -> Option<Companion<'a>> {
    let (rule, of) = rules.marker_of(path)?;
    let rule = rules.rules.get(rule)?;
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let ask =
        rule.completion.asks.iter().find(|ask| form(ask).is_some_and(|form| form.unit_of(name) == Some(of)));
    Some(Companion { rule, is: ask.map_or("marker", kind), of })
}

const fn form(ask: &Ask) -> Option<&settle::NameForm> {
    match ask {
        Ask::Marker(marker) => Some(&marker.form),
        Ask::Lock(form) => Some(form),
        Ask::Manifest(manifest) => Some(&manifest.form),
        Ask::Metadata(metadata) => Some(&metadata.form),
        Ask::Count(_) | Ask::Whole => None,
    }
}

const fn kind(ask: &Ask) -> &'static str {
    match ask {
        Ask::Marker(_) | Ask::Count(_) | Ask::Whole => "marker",
        Ask::Lock(_) => "lock",
        Ask::Manifest(_) => "manifest",
        Ask::Metadata(_) => "metadata",
    }
}

fn group<'a>(rule: &'a Rule, path: &'a [u8]) -> Option<Group<'a>> {
    let Take::Group(grouping) = &rule.shape.take else { return None };
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let key = match grouping {
        Grouping::Name(pattern) => {
            let (key, total) = pattern.key(name)?;
            Key::Name { key, total, pattern: pattern.text() }
        }
        Grouping::Dicom(DicomKey::Series) => Key::Header("SeriesInstanceUID"),
        Grouping::Dicom(DicomKey::Study) => Key::Header("StudyInstanceUID"),
    };
    Some(Group { rule, key })
}

/// Who would be told if the rule that takes the file, and tells nobody, did not stand before them.
fn withheld<'a>(rules: &'a Rules, taken: &Rule, path: &'a [u8]) -> Vec<&'a Rule> {
    if !taken.to.is_empty() {
        return Vec::new();
    }
    let behind = rules.rules.iter().skip_while(|rule| !std::ptr::eq(*rule, taken)).skip(1);
    behind.filter(|rule| !rule.to.is_empty() && matches!(rule.say(path), Say::Takes(_))).collect()
}

/// What each rule says up to the one that takes the path. Of a directory that is no dataset: which rules
/// leave it out.
fn says<'a>(
    rules: &'a Rules,
    path: &'a [u8],
    taken: Option<&'a Rule>,
    directory: bool,
) -> Vec<(&'a Rule, Say<'a>)> {
    if directory {
        let says = |rule: &'a Rule| (rule, rule.exclude.iter().find(|pattern| pattern.matches(path)));
        let says = rules.rules.iter().map(says);
        return says
            .map(|(rule, pattern)| (rule, pattern.map_or_else(|| rule.say(path), Say::Excluded)))
            .collect();
    }
    let mut says = rules.why(path).says;
    // What has units of its own inside leaves the path to those.
    if let Some(rule) = taken.filter(|taken| !says.iter().any(|(rule, _)| std::ptr::eq(*rule, *taken))) {
        says.push((rule, rule.say(path)));
    }
    says
}

#[cfg(test)]
#[path = "finding/tests.rs"]
mod tests;
