//! What really lay where, and when it was whole: the oracle. It is told by looks at the tree after each
//! step, never by the scenario's author, and is the same for every way of noticing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::Stamp;
use model::text::{json_path, safe};
use rustix::fs::Stat;
use serde_json::Value;

/// A path below the root.
pub(crate) type Below = Vec<u8>;

/// How a path stood from one step on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// No regular file.
    Absent,
    /// A file of this inode that somebody has open for writing.
    Unfinished(u64),
    /// A file that nobody writes.
    Whole(Version),
}

/// A whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    size: u64,
    mtime: String,
    inode: u64,
    /// How often the inode was written to.
    writes: u64,
    demand: Demand,
}

/// Whether a version has to be announced if it is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Demand {
    /// It may be: nothing but times or permissions changed, and only some ways of noticing can tell.
    May,
    /// When everything has been compared: no event tells a directory of a write through a name
    /// elsewhere.
    OnceCompared,
    /// Always.
    Must,
}

/// All paths that ever were below the root.
#[derive(Default)]
pub(crate) struct Truth {
    paths: BTreeMap<Below, Vec<Phase>>,
    writes: HashMap<u64, u64>,
    /// Went away while nobody watched: nobody can know.
    unwitnessed: HashSet<Below>,
}

impl Truth {
    /// Somebody wrote to an inode.
    pub(crate) fn wrote(&mut self, inode: u64) {
        *self.writes.entry(inode).or_default() += 1;
    }

    /// The paths that had this inode last.
    pub(crate) fn names_of(&self, inode: u64) -> Vec<Below> {
        let has = |phases: &Vec<Phase>| match phases.last() {
            Some(Phase::Whole(version)) => version.inode == inode,
            Some(Phase::Unfinished(other)) => *other == inode,
            Some(Phase::Absent) | None => false,
        };
        self.paths.iter().filter(|(_, phases)| has(phases)).map(|(path, _)| path.clone()).collect()
    }

    /// Takes in a look at a file.
    pub(crate) fn saw(&mut self, path: &[u8], stat: &Stat, being_written: bool, demand: Demand) {
        self.unwitnessed.remove(path);
        let writes = self.writes.get(&stat.st_ino).copied().unwrap_or_default();
        let mtime = Stamp::new(stat.st_mtime, stat.st_mtime_nsec as u32).to_string();
        let version = Version { size: stat.st_size as u64, mtime, inode: stat.st_ino, writes, demand };
        let phase = if being_written { Phase::Unfinished(stat.st_ino) } else { Phase::Whole(version) };
        let phases = self.paths.entry(path.to_vec()).or_default();
        if !phases.last().is_some_and(|last| last.is_like(&phase)) {
            phases.push(phase);
        }
    }

    /// Nothing lies at or below `path` but what is in `there`.
    pub(crate) fn only(&mut self, path: &[u8], there: &BTreeSet<Below>, witnessed: bool) {
        let unwitnessed = &mut self.unwitnessed;
        for (known, phases) in &mut self.paths {
            let within = path.is_empty()
                || known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
            if within && !there.contains(known) && phases.last() != Some(&Phase::Absent) {
                phases.push(Phase::Absent);
                if !witnessed {
                    unwitnessed.insert(known.clone());
                }
            }
        }
    }

    /// What should have been announced and was not, as sentences.
    pub(crate) fn missing(
        &self,
        events: &[Value],
        least: Demand,
        taken: impl Fn(&[u8]) -> bool,
    ) -> Vec<String> {
        let told: HashMap<Below, &Value> = events.iter().map(|event| (path_of(event), event)).collect();
        let mut missing = Vec::new();
        for (path, phases) in &self.paths {
            let Some(demanded) = demanded(phases, least).filter(|_| taken(path)) else { continue };
            let done =
                told.get(path).is_some_and(|event| demanded.iter().any(|phase| phase.is_told_by(event)));
            if !done {
                missing.push(format!("{}: wanted {demanded:?}, last {:?}", safe(path), told.get(path)));
            }
        }
        missing
    }

    /// What was announced and should not have been, as sentences.
    pub(crate) fn wrong(&self, events: &[Value]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut ids: HashMap<&str, &Value> = HashMap::new();
        let mut at: HashMap<Below, (usize, u64)> = HashMap::new();
        for event in events {
            let path = path_of(event);
            if let Some(earlier) = ids.insert(event["id"].as_str().unwrap(), event) {
                wrong.push(format!("the same id twice: {earlier} and {event}"));
            }
            let phases = self.paths.get(&path).map_or(&[][..], Vec::as_slice);
            let (from, generation) = at.get(&path).copied().unwrap_or_default();
            let Some(next) = place(&phases[from..], event) else {
                wrong.push(format!("never so, or too late, or twice: {event}; it was {phases:?}"));
                continue;
            };
            let number = event["data"]["generation"].as_u64().unwrap();
            if number <= generation {
                wrong.push(format!("generation {number} after {generation}: {event}"));
            }
            at.insert(path, (from + next, number));
        }
        wrong
    }

    /// Paths whose file went away and was announced before; all of them, if that was watched.
    pub(crate) fn gone(&self, events: &[Value]) -> Vec<Below> {
        let told: HashSet<Below> = events.iter().map(path_of).collect();
        let is_gone = |path: &Below, phases: &Vec<Phase>| {
            phases.last() == Some(&Phase::Absent) && told.contains(path) && !self.unwitnessed.contains(path)
        };
        let gone = self.paths.iter().filter(|(path, phases)| is_gone(path, phases));
        gone.map(|(path, _)| path.clone()).collect()
    }

    /// The paths that must be known at the end, and those that may be.
    pub(crate) fn known(&self, taken: impl Fn(&[u8]) -> bool) -> (BTreeSet<Below>, &HashSet<Below>) {
        let there = |phases: &Vec<Phase>| !matches!(phases.last(), Some(Phase::Absent));
        let must = self.paths.iter().filter(|(path, phases)| there(phases) && taken(path));
        (must.map(|(path, _)| path.clone()).collect(), &self.unwitnessed)
    }
}

impl Phase {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Phase::Whole(one), Phase::Whole(two)) => Version { demand: two.demand, ..one.clone() } == *two,
            _ => self == other,
        }
    }

    fn is_before_what_is_told_by(&self, event: &Value) -> bool {
        let inode = match self {
            Phase::Whole(version) => version.inode,
            Phase::Unfinished(inode) => *inode,
            Phase::Absent => return false,
        };
        event["data"]["inode"] == inode
    }

    fn is_told_by(&self, event: &Value) -> bool {
        let Phase::Whole(version) = self else { return false };
        let data = &event["data"];
        data["size"] == version.size
            && data["mtime"] == version.mtime
            && data.get("inode").is_none_or(|inode| *inode == version.inode)
    }
}

/// Behind which of the phases the next event of the path must lie.
///
/// The preset `local` believes a rename to a name, whatever happens to the file afterwards: when it is
/// written to at once, it may be told as it is just then, but only before what it becomes is told.
fn place(phases: &[Phase], event: &Value) -> Option<usize> {
    let whole = phases.iter().position(|phase| phase.is_told_by(event));
    let hasty = || {
        let renamed = event["data"]["complete"]["signals"] == serde_json::json!(["renamed_in"]);
        renamed.then(|| phases.iter().position(|phase| phase.is_before_what_is_told_by(event))).flatten()
    };
    whole.map(|at| at + 1).or_else(hasty)
}

/// The versions of which one must be the last that was announced.
fn demanded(phases: &[Phase], least: Demand) -> Option<&[Phase]> {
    matches!(phases.last(), Some(Phase::Whole(_))).then_some(())?;
    let from = phases.iter().rposition(|phase| match phase {
        Phase::Whole(version) => version.demand >= least,
        Phase::Absent | Phase::Unfinished(_) => false,
    });
    let away = phases.iter().rposition(|phase| *phase == Phase::Absent);
    // What came after its last absence is a new file, whatever changed last.
    let from = from.filter(|from| away.is_none_or(|away| away < *from)).or(away.map(|away| away + 1));
    Some(&phases[from.unwrap_or(0)..])
}

pub(crate) fn path_of(event: &Value) -> Below {
    json_path(&event["data"], "path").expect("an event has a path")
}
