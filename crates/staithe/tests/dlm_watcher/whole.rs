//! What must be true of the services in the end, whatever went wrong on the way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use testkit::dlm::{Dlm, Received};

use crate::stage::{PATIENCE, SOURCE, Stage, TARGET};

/// How often there is what.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    source: BTreeMap<String, usize>,
    target: BTreeMap<String, usize>,
    copies: BTreeMap<String, usize>,
}

impl Counts {
    /// Of what the services have.
    fn there(dlm: &Dlm) -> Self {
        let mut counts = Self::default();
        for (storage, rows) in [(SOURCE, &mut counts.source), (TARGET, &mut counts.target)] {
            for item in dlm.items_on(storage) {
                *rows.entry(item.item_name.unwrap_or_default()).or_default() += 1;
            }
        }
        for copy in dlm.copies() {
            *counts.copies.entry(copy.item_name).or_default() += 1;
        }
        counts
    }

    /// Of what they should have: each entry of the directory is one copy, and everything in it has one row on both
    /// storages.
    fn wanted(watched: &Path) -> Self {
        let mut counts = Self::default();
        for name in names(watched) {
            counts.copies.insert(name.clone(), 1);
            counts.add(watched, name);
        }
        counts
    }

    fn add(&mut self, root: &Path, name: String) {
        let place = root.join(&name);
        let inner = if place.is_dir() && place.extension().is_none_or(|ending| ending != "ms") {
            names(&place)
        } else {
            Vec::new()
        };
        for child in inner.iter().filter(|child| *child != "ska-data-product.yaml") {
            self.add(root, format!("{name}/{child}"));
        }
        self.source.insert(name.clone(), 1);
        self.target.insert(name, 1);
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("it is there");
    entries
        .map(|entry| entry.expect("it can be listed").file_name().into_string().expect("a plain name"))
        .collect()
}

impl Stage {
    /// Waits until every row is there.
    #[track_caller]
    pub(crate) fn wait_all_there(&self) {
        let wanted = Counts::wanted(&self.watched());
        let there = |dlm: &Dlm| {
            let counts = Counts::there(dlm);
            let all = |has: &BTreeMap<String, usize>, wants: &BTreeMap<String, usize>| {
                wants.keys().all(|name| has.contains_key(name))
            };
            all(&counts.source, &wanted.source)
                && all(&counts.target, &wanted.target)
                && all(&counts.copies, &wanted.copies)
        };
        self.dlm.wait_until(PATIENCE * 2, "every row", there);
    }

    /// Every item is registered exactly once, every product copied exactly once, every child has exactly one row on
    /// the target; and nobody had to be told that something is there already, or was in two hands at once.
    #[track_caller]
    pub(crate) fn assert_each_once(&self) {
        assert_eq!(Counts::there(&self.dlm), Counts::wanted(&self.watched()));
        let known = |request: &&Received| request.status == Some(422);
        let known: Vec<String> = self.dlm.requests().iter().filter(known).map(ToString::to_string).collect();
        assert!(known.is_empty(), "asked for again without looking first: {known:#?}");
        let overlapping = self.dlm.overlapping();
        assert!(overlapping.is_empty(), "{overlapping:#?}");
    }
}
