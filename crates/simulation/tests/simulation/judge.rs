//! The naive reference: what was announced, delivered and left over, compared with the truth.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::{EventId, Parcel};

use crate::peer::Taken;
use crate::script::{RuleSet, is_temporary};
use crate::world::{Content, Print, State};

/// What a path was announced with last.
#[derive(Clone, Debug)]
struct Announced {
    seq: u64,
    content: Option<Content>,
    print: Print,
    generation: u32,
    /// How often the name had been taken away by then, and when the inode had changed.
    leavings: u32,
    ctime: Option<i64>,
    /// A power cut came since: the ledger may have lost it.
    forgotten: bool,
}

/// What all cases have seen, for figures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) announced: u64,
    pub(crate) delivered: u64,
    pub(crate) repeated: u64,
    pub(crate) crashes: u64,
    pub(crate) overflows: u64,
    pub(crate) turns: u64,
    pub(crate) calls: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.announced += other.announced;
        self.delivered += other.delivered;
        self.repeated += other.repeated;
        self.crashes += other.crashes;
        self.overflows += other.overflows;
        self.turns += other.turns;
        self.calls += other.calls;
    }
}

/// The reference.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Whether the rules promise that nothing is early: not where only time tells, or nobody knows of writers.
    exact: bool,
    rules: RuleSet,
    latest: BTreeMap<String, Announced>,
    ids: HashMap<EventId, String>,
    /// Admissions that the ledger holds, by number.
    admitted: BTreeMap<u64, EventId>,
    delivered: HashSet<EventId>,
    /// May come again: the peer had them and nobody was told.
    doubtful: HashSet<EventId>,
    /// The number of the last first delivery of each path.
    order: HashMap<String, u64>,
    /// A power cut came: events from before may come again.
    cut: bool,
    pub(crate) tally: Tally,
}

impl Judge {
    pub(crate) fn new(exact: bool, rules: RuleSet) -> Self {
        Self {
            exact,
            rules,
            latest: BTreeMap::new(),
            ids: HashMap::new(),
            admitted: BTreeMap::new(),
            delivered: HashSet::new(),
            doubtful: HashSet::new(),
            order: HashMap::new(),
            cut: false,
            tally: Tally::default(),
        }
    }

    /// The source has admitted this in the turn that is ending.
    pub(crate) fn admitted(&mut self, world: &State, parcel: &Parcel) -> Result<(), String> {
        let path = String::from_utf8_lossy(&parcel.path).into_owned();
        let print = Print { size: parcel.size, mtime: parcel.mtime.as_nanos() };
        self.tally.announced += 1;
        if self.exact && !world.was_complete(&path, print) {
            return Err(format!("early: {path} was announced as {print:?}, which nobody had finished then"));
        }
        if world.rested(print) < self.rules.rest(&path) {
            return Err(format!("hasty: {path} had rested for {:?} only", world.rested(print)));
        }
        let now = Announced {
            seq: parcel.seq,
            content: world.contents.get(&print.mtime).copied(),
            print,
            generation: parcel.generation,
            leavings: world.leavings.get(&path).copied().unwrap_or_default(),
            ctime: world.ctime(&path),
            forgotten: false,
        };
        if let Some(before) = self.latest.get(&path).filter(|before| !before.forgotten) {
            let untouched = before.leavings == now.leavings && before.ctime == now.ctime;
            if before.print == print && untouched {
                return Err(format!("again: {path} was announced twice as {print:?}"));
            }
            if before.generation >= now.generation {
                return Err(format!("generation {} of {path} after {}", now.generation, before.generation));
            }
        }
        let id = parcel.event.id;
        if self.ids.insert(id, path.clone()).is_some() && !self.cut {
            return Err(format!("one id for two events: {id} of {path}"));
        }
        self.admitted.insert(parcel.seq, id);
        self.latest.insert(path, now);
        Ok(())
    }

    /// The peer has got this.
    pub(crate) fn taken(&mut self, taken: &[Taken]) -> Result<(), String> {
        for Taken { id, seq, path, unanswered } in taken {
            let again = !self.delivered.insert(*id);
            self.tally.delivered += 1;
            if again {
                self.tally.repeated += 1;
                if !self.cut && !self.doubtful.contains(id) {
                    return Err(format!("repeated: {path} ({id}) was delivered and acknowledged before"));
                }
            } else if self.order.insert(path.clone(), *seq).is_some_and(|before| before > *seq) && !self.cut {
                return Err(format!("order: {path} came after a later generation"));
            }
            if *unanswered {
                self.doubtful.insert(*id);
            } else {
                self.doubtful.remove(id);
            }
        }
        Ok(())
    }

    /// The machine has lost power: everything behind `end` is out of the ledger.
    pub(crate) fn power_is_cut(&mut self, end: u64) {
        self.cut = true;
        self.admitted.retain(|seq, _| *seq <= end);
        self.latest.values_mut().for_each(|latest| latest.forgotten = true);
    }

    /// All is quiet: nothing is lost, and every event has come.
    ///
    /// What is written by another name is found by the comparisons alone.
    pub(crate) fn end(&self, world: &State, compares: bool) -> Result<(), String> {
        for (path, inode, file) in world.files() {
            if is_temporary(&path) || (file.linked && !compares) {
                continue;
            }
            let truth = Content { inode, version: file.version };
            let told = self.latest.get(&path);
            if told.and_then(|told| told.content) != Some(truth) {
                return Err(format!("lost: {path} is {file:?} ({truth:?}) and was announced as {told:?}"));
            }
        }
        let missing: BTreeSet<u64> = self
            .admitted
            .iter()
            .filter(|(_, id)| !self.delivered.contains(id))
            .map(|(seq, _)| *seq)
            .collect();
        if !missing.is_empty() {
            return Err(format!("undelivered: the events {missing:?}"));
        }
        let temporary = self.latest.iter().find(|(path, _)| is_temporary(path));
        temporary
            .map_or(Ok(()), |(path, told)| Err(format!("{path} is temporary and was announced: {told:?}")))
    }

    /// How many files the source must know; only what went away while it was down may be among them besides.
    pub(crate) fn count(world: &State) -> u64 {
        world.files().into_iter().filter(|(path, ..)| !is_temporary(path)).count() as u64
    }

    /// Whether the path was announced as it is.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.latest.get(path).is_some_and(|told| told.seq > 0)
    }
}
