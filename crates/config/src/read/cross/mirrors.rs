//! What mirrors do to one another's trees, and to files of ours.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::{bound, plain};
use crate::fields::Report;
use crate::plan::SinkKind;
use crate::read::{sink, source};
use crate::source_text::{Place, shown};

pub(super) fn check(sources: &[source::Read], sinks: &[sink::Read], report: &mut Report<'_>) {
    let trees: Vec<Tree<'_>> = sinks.iter().filter_map(|sink| Tree::of(sink, sources)).collect();
    one_in_another(&trees, report);
    in_circles(&trees, report);
    ours(&trees, sinks, report);
}

/// A mirror's two trees, by their text.
struct Tree<'s> {
    mirror: &'s str,
    source: Option<PathBuf>,
    destination: PathBuf,
    place: &'s Place,
}

impl<'s> Tree<'s> {
    fn of(sink: &'s sink::Read, sources: &[source::Read]) -> Option<Self> {
        let SinkKind::Mirror(mirror) = &sink.plan.kind else { return None };
        let name = sink.plan.name.as_str();
        let source = sources.iter().find(|source| bound(source, name).next().is_some());
        Some(Self {
            mirror: name,
            source: source.map(|source| plain(&source.plan.path)),
            destination: plain(&mirror.destination),
            place: sink.places.destination.as_ref()?,
        })
    }
}

/// Two destinations of which one holds the other: each mirror deletes what its own source does not have.
fn one_in_another(trees: &[Tree<'_>], report: &mut Report<'_>) {
    let mut sorted: Vec<&Tree<'_>> = trees.iter().collect();
    // What lies in a directory comes right behind it.
    sorted.sort_by(|a, b| a.destination.cmp(&b.destination));
    let mut outer: Option<&Tree<'_>> = None;
    for tree in sorted {
        match outer.filter(|outer| tree.destination.starts_with(&outer.destination)) {
            None => outer = Some(tree),
            Some(outer) => {
                let message = format!(
                    "the mirrors \"{}\" and \"{}\" write into one tree, where each deletes what the other made",
                    shown(outer.mirror),
                    shown(tree.mirror)
                );
                let help = "give each a destination that the other does not touch".to_owned();
                report.error(tree.place, message, Some(help));
            }
        }
    }
}

/// Trees that are mirrored into one another by several mirrors. What holds nobody up is taken away until only
/// circles are left, and what connects them.
fn in_circles(trees: &[Tree<'_>], report: &mut Report<'_>) {
    let next = followers(trees);
    let mut left: Vec<bool> = vec![true; trees.len()];
    loop {
        let led: Vec<bool> = {
            let mut led = vec![false; trees.len()];
            let leading = next.iter().enumerate().filter(|(at, _)| left[*at]);
            leading.flat_map(|(_, next)| next).for_each(|&to| led[to] = true);
            led
        };
        let leads = |at: usize| next[at].iter().any(|&to| left[to]);
        let stay: Vec<bool> = (0..trees.len()).map(|at| left[at] && led[at] && leads(at)).collect();
        if stay == left {
            break;
        }
        left = stay;
    }
    let mut circle = trees.iter().zip(&left).filter(|(_, left)| **left).map(|(tree, _)| tree).peekable();
    let Some(place) = circle.peek().map(|tree| tree.place) else { return };
    let names: Vec<String> = circle.take(5).map(|tree| format!("\"{}\"", shown(tree.mirror))).collect();
    let message = format!("the mirrors {} mirror one another's destinations in a circle", names.join(", "));
    let help = "a mirror goes one way: what its source does not have is deleted in the destination";
    report.error(place, message, Some(help.into()));
}

/// For each mirror those others whose source its destination touches.
fn followers(trees: &[Tree<'_>]) -> Vec<Vec<usize>> {
    let mut sources: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for (at, tree) in trees.iter().enumerate() {
        if let Some(source) = &tree.source {
            sources.entry(source).or_default().push(at);
        }
    }
    let of = |(at, tree): (usize, &Tree<'_>)| {
        let to = tree.destination.as_path();
        let above = to.ancestors().filter_map(|dir| sources.get(dir));
        let below = sources.range::<Path, _>((Bound::Excluded(to), Bound::Unbounded));
        let below = below.take_while(|(source, _)| source.starts_with(to)).map(|(_, mirrors)| mirrors);
        above.chain(below).flatten().copied().filter(|&other| other != at).collect()
    };
    trees.iter().enumerate().map(of).collect()
}

/// A file that a sink writes would be deleted in the destination of a mirror.
fn ours(trees: &[Tree<'_>], sinks: &[sink::Read], report: &mut Report<'_>) {
    for (file, place) in sinks.iter().filter_map(|sink| sink.places.writes.as_ref()) {
        let file = plain(file);
        if let Some(tree) = trees.iter().find(|tree| file.starts_with(&tree.destination)) {
            let message = format!(
                "this file lies in the destination of the mirror \"{}\", which deletes what its source does not have",
                shown(tree.mirror)
            );
            report.error(place, message, Some("write it somewhere else".into()));
        }
    }
}
