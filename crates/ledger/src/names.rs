//! What was registered: sources, sinks, routes, and the classes that rows share.
//!
//! Numbers are dense, start at 1 and are never given twice. The lists only grow.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Cause, Kind, SignalSet, Stamp};

use crate::entry::{Fate, SourceNote, SourceRecord};
use crate::options::{RouteId, SinkId, SourceId};
use crate::route::Route;

/// A registered source.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    /// Its directory for rows with at least that number, oldest first.
    pub(crate) roots: Vec<(u64, Arc<[u8]>)>,
    pub(crate) first_scan_done: bool,
    pub(crate) inode_in_identity: Option<bool>,
    pub(crate) armed_at: Option<Stamp>,
    pub(crate) incarnation: Option<i64>,
}

impl Source {
    /// Never watched, with no directory yet.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            roots: Vec::new(),
            first_scan_done: false,
            inode_in_identity: None,
            armed_at: None,
            incarnation: None,
        }
    }

    /// Rows from `since` on lie below `root`. Returns whether that is news.
    pub(crate) fn root_is(&mut self, root: &[u8], since: u64) -> bool {
        if self.roots.last().is_some_and(|(_, last)| **last == *root) {
            return false;
        }
        self.roots.retain(|(other, _)| *other != since);
        self.roots.push((since, root.into()));
        true
    }

    /// Its directory when the row with that number was admitted.
    pub(crate) fn root_at(&self, seq: u64) -> Arc<[u8]> {
        let at = self.roots.partition_point(|(since, _)| *since <= seq).saturating_sub(1);
        self.roots.get(at).map_or_else(|| Arc::from(&b""[..]), |(_, root)| Arc::clone(root))
    }

    pub(crate) fn note(&mut self, note: SourceNote) {
        match note {
            SourceNote::FirstScanDone => self.first_scan_done = true,
            SourceNote::InodeInIdentity(yes) => self.inode_in_identity = Some(yes),
            SourceNote::ArmedAt(at) => self.armed_at = Some(at),
            SourceNote::Incarnation(number) => self.incarnation = Some(number),
        }
    }

    pub(crate) fn record(&self, id: SourceId) -> SourceRecord {
        SourceRecord {
            id,
            first_scan_done: self.first_scan_done,
            inode_in_identity: self.inode_in_identity,
            armed_at: self.armed_at,
            incarnation: self.incarnation,
        }
    }
}

/// A registered sink.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) name: String,
    /// What it was when it was registered first.
    pub(crate) kind: String,
}

/// What many rows have in common, kept once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    pub(crate) source: SourceId,
    pub(crate) fate: Fate,
    pub(crate) kind: Kind,
    pub(crate) cause: Cause,
    pub(crate) signals: SignalSet,
    pub(crate) rule: Arc<str>,
    pub(crate) backend: Arc<str>,
}

impl Class {
    /// Whether rows of it are about a path, so that they are looked for by it. Happenings are not: they are
    /// read once, in order, and cleared away.
    pub(crate) fn is_indexed(&self) -> bool {
        !matches!(self.kind, Kind::Happening(_))
    }
}

/// Everything registered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) sources: Vec<Source>,
    pub(crate) sinks: Vec<Sink>,
    pub(crate) routes: Vec<Route>,
    pub(crate) classes: Vec<Arc<Class>>,
    class_numbers: HashMap<Arc<Class>, u32>,
}

/// How long the lists are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    sources: usize,
    sinks: usize,
    routes: usize,
    classes: usize,
}

/// The place of a number in its list; an impossible number is no place.
pub(crate) fn slot(number: u32) -> usize {
    (number as usize).wrapping_sub(1)
}

impl Names {
    /// What there is now, for [`Names::back_to`].
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            sources: self.sources.len(),
            sinks: self.sinks.len(),
            routes: self.routes.len(),
            classes: self.classes.len(),
        }
    }

    /// Takes back the numbers that were given since the mark, as when they were not committed: who
    /// asked for one may have given up, and a number that is not stored would shift all later ones.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.sources.truncate(mark.sources);
        self.sinks.truncate(mark.sinks);
        self.routes.truncate(mark.routes);
        for class in self.classes.drain(mark.classes.min(self.classes.len())..) {
            self.class_numbers.remove(&class);
        }
    }

    pub(crate) fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(slot(id.0))
    }

    pub(crate) fn source_mut(&mut self, id: SourceId) -> Option<&mut Source> {
        self.sources.get_mut(slot(id.0))
    }

    pub(crate) fn source_named(&self, name: &str) -> Option<SourceId> {
        let at = self.sources.iter().position(|source| &*source.name == name)?;
        Some(SourceId(at as u32 + 1))
    }

    pub(crate) fn add_source(&mut self, source: Source) -> SourceId {
        self.sources.push(source);
        SourceId(self.sources.len() as u32)
    }

    pub(crate) fn sink(&self, id: SinkId) -> Option<&Sink> {
        self.sinks.get(slot(id.0))
    }

    pub(crate) fn sink_named(&self, name: &str) -> Option<SinkId> {
        let at = self.sinks.iter().position(|sink| sink.name == name)?;
        Some(SinkId(at as u32 + 1))
    }

    pub(crate) fn add_sink(&mut self, sink: Sink) -> SinkId {
        self.sinks.push(sink);
        SinkId(self.sinks.len() as u32)
    }

    pub(crate) fn sink_ids(&self) -> impl Iterator<Item = SinkId> + use<> {
        (1..=self.sinks.len() as u32).map(SinkId)
    }

    pub(crate) fn route(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(slot(id.0))
    }

    /// The number of a set of sinks, if it has one.
    pub(crate) fn route_of(&self, wanted: &Route) -> Option<RouteId> {
        let at = self.routes.iter().position(|route| route == wanted)?;
        Some(RouteId(at as u32 + 1))
    }

    pub(crate) fn add_route(&mut self, route: Route) -> RouteId {
        self.routes.push(route);
        RouteId(self.routes.len() as u32)
    }

    /// Whether `route` leads to `sink`.
    pub(crate) fn leads_to(&self, route: RouteId, sink: SinkId) -> bool {
        self.route(route).is_some_and(|sinks| sinks.contains(&sink))
    }

    pub(crate) fn class(&self, number: u32) -> Option<&Arc<Class>> {
        self.classes.get(slot(number))
    }

    /// The number of a class, if it has one.
    pub(crate) fn class_number(&self, class: &Class) -> Option<u32> {
        self.class_numbers.get(class).copied()
    }

    pub(crate) fn add_class(&mut self, class: Class) -> u32 {
        let class = Arc::new(class);
        self.classes.push(Arc::clone(&class));
        let number = self.classes.len() as u32;
        self.class_numbers.insert(class, number);
        number
    }
}
