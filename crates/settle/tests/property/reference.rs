//! What the rules mean, written naively and without a line of `settle`: every clause is read off the log of all
//! that happened.
//!
//! Each question is asked in two ways. `Must::No`: *may* it hold? Whatever is announced must. `Must::Yes`: does it hold
//! beyond doubt, with time enough for everybody to have seen it? Whatever does must have been announced.

use std::collections::BTreeMap;

use settle::OnDeadline;

use crate::engine::Mode;
use crate::spec::{GOOD, Say, Spec, Takes};
use crate::world::{By, Content, Fact, Ms, Print, WALL, is_below, last, parent};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Must {
    Yes,
    No,
}

#[derive(Clone, Debug)]
struct Life {
    ino: u64,
    born: Ms,
    by: By,
    closes: Vec<Ms>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Body {
    size: u64,
    mtime: Ms,
    changed: Ms,
    writers: u32,
    names: u32,
    /// It had two names at some time.
    linked: bool,
}

/// The state of the world at one time, as the log has it.
#[derive(Clone, Default)]
pub(crate) struct Past {
    files: BTreeMap<String, Life>,
    bodies: BTreeMap<u64, Body>,
    /// When a directory was renamed to this name.
    dir_in: BTreeMap<String, Ms>,
    /// When something appeared or went away in a directory.
    stirred: BTreeMap<String, Ms>,
    said: BTreeMap<String, Ms>,
    announced: BTreeMap<String, (Content, Ms)>,
    overdue: BTreeMap<String, u32>,
    scans: Vec<Ms>,
}

/// A unit as the reference sees it.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) name: String,
    pub(crate) spec: usize,
    pub(crate) content: Content,
    paths: Vec<String>,
}

impl Whole {
    /// Without the members that are not in `content`; for groups.
    pub(crate) fn only(mut self, content: &Content) -> Self {
        self.content.retain(|path, _| content.contains_key(path));
        self.paths.retain(|path| content.contains_key(path));
        self
    }
}

/// All lags together: looks become rarer up to 30 s, what stands in for what cannot be seen takes up to a minute.
const LAG: Ms = 65_000;

impl Past {
    pub(crate) fn apply(&mut self, at: Ms, fact: &Fact) {
        match fact {
            Fact::Name { path, ino, by } => {
                let life = Life { ino: *ino, born: at, by: *by, closes: Vec::new() };
                self.files.insert(path.clone(), life);
                let body = self.bodies.entry(*ino).or_default();
                body.names += 1;
                body.linked |= body.names > 1;
                self.stir(path, at);
            }
            Fact::Unname { path } => {
                if let Some(life) = self.files.remove(path) {
                    self.bodies.entry(life.ino).or_default().names -= 1;
                }
                // What is empty is gone; the next of that name is another one.
                let files = &self.files;
                let lives = |unit: &str, path: &str| {
                    is_below(path, unit) || unit.ends_with('/') && path.starts_with(bare(unit))
                };
                self.overdue.retain(|unit, _| files.keys().any(|path| lives(unit, path)));
                self.stir(path, at);
            }
            Fact::Open { ino } => self.bodies.entry(*ino).or_default().writers += 1,
            Fact::Shut { ino, path } => {
                self.bodies.entry(*ino).or_default().writers -= 1;
                if let Some(life) = path.as_ref().and_then(|path| self.files.get_mut(path)) {
                    life.closes.push(at);
                }
            }
            Fact::Content { ino, size } => {
                let body = self.bodies.entry(*ino).or_default();
                (body.size, body.mtime, body.changed) = (*size, WALL + at, at);
            }
            Fact::Meta { ino, mtime } => {
                let body = self.bodies.entry(*ino).or_default();
                (body.mtime, body.changed) = (mtime.unwrap_or(body.mtime), at);
            }
            Fact::DirIn { path } => {
                self.dir_in.insert(path.clone(), at);
            }
            Fact::Missed | Fact::Scan => self.scans.push(at),
            Fact::Said { unit } => {
                self.said.insert(unit.clone(), at);
            }
            Fact::Announced { unit, content } => {
                self.announced.insert(unit.clone(), (content.clone(), at));
                self.overdue.remove(unit);
            }
            Fact::Overdue { unit } => *self.overdue.entry(unit.clone()).or_default() += 1,
        }
    }

    fn stir(&mut self, path: &str, at: Ms) {
        let is_data = !ends(path, ".log") && last(path) != "_SUCCESS";
        let mut dir = parent(path);
        while is_data && !dir.is_empty() {
            self.stirred.insert(dir.to_owned(), at);
            dir = parent(dir);
        }
    }

    pub(crate) fn overdue(&self, unit: &str) -> u32 {
        self.overdue.get(unit).copied().unwrap_or(0)
    }

    pub(crate) fn announced(&self, unit: &str) -> Option<&Content> {
        self.announced.get(unit).map(|(content, _)| content)
    }

    fn print(&self, ino: u64) -> Print {
        let body = self.bodies[&ino];
        Print { size: body.size, mtime: body.mtime, inode: ino }
    }

    /// All units that there are.
    pub(crate) fn units(&self, specs: &[Spec]) -> BTreeMap<String, Whole> {
        let mut units = BTreeMap::new();
        for (path, life) in &self.files {
            let Some((name, rest, spec)) = place(path, specs) else { continue };
            let new = || Whole { name: name.clone(), spec, content: Content::new(), paths: Vec::new() };
            let unit = units.entry(name.clone()).or_insert_with(new);
            unit.content.insert(rest, self.print(life.ino));
            unit.paths.push(path.clone());
        }
        units
    }
}

/// Of which unit a file is a member, how it is called there, and which rule says so.
fn place(path: &str, specs: &[Spec]) -> Option<(String, String, usize)> {
    let name = last(path);
    let dataset = specs.iter().position(|spec| spec.takes == Takes::Dataset);
    let top = path.find(".ms/").map(|at| &path[..at + 3]);
    if let (Some(spec), Some(top)) = (dataset, top)
        && !ends(name, ".log")
    {
        let rest = &path[top.len() + 1..];
        let is_marker = rest == "_SUCCESS" && specs[spec].say.any(&|say| matches!(say, Say::Success));
        return (!is_marker).then(|| (top.to_owned(), rest.to_owned(), spec));
    }
    if specs.iter().any(|spec| is_companion(path, spec)) || ends(name, ".tmp") {
        return None;
    }
    let spec = specs.iter().position(|spec| takes(path, spec.takes))?;
    match specs[spec].takes {
        Takes::Group => {
            let dir = if parent(path).is_empty() { String::new() } else { format!("{}/", parent(path)) };
            Some((format!("{dir}{}/", &name[..2]), path.to_owned(), spec))
        }
        _ => Some((path.to_owned(), String::new(), spec)),
    }
}

fn takes(path: &str, takes: Takes) -> bool {
    let name = last(path).as_bytes();
    match takes {
        Takes::Dataset => false,
        Takes::Group => name.len() >= 3 && name[0] == b'g' && name[1].is_ascii_digit() && name[2] == b'_',
        Takes::Dat => ends(path, ".dat"),
        Takes::Any => true,
    }
}

fn is_companion(path: &str, spec: &Spec) -> bool {
    let has = |one: &Say| {
        let suffix = match one {
            Say::DoneFile => ".done",
            Say::LockGone => ".lock",
            Say::Success => return spec.takes != Takes::Dataset && last(path) == "_SUCCESS",
            Say::Metadata => return spec.takes != Takes::Dataset && last(path) == "meta.yaml",
            _ => return false,
        };
        path.strip_suffix(suffix).is_some_and(|unit| match spec.takes {
            Takes::Dataset => ends(unit, ".ms"),
            Takes::Group => !last(unit).is_empty(),
            other => takes(unit, other),
        })
    };
    spec.say.any(&has)
}

/// One unit at some times; a rule's clause holds if it does at one of them.
pub(crate) struct Asked<'a> {
    pub(crate) specs: &'a [Spec],
    pub(crate) mode: Mode,
    pub(crate) must: Must,
}

impl Asked<'_> {
    /// Whether the unit's rule holds, in each of the states at its time; one of them is enough for each clause.
    pub(crate) fn holds(&self, states: &[(Past, Ms)], unit: &Whole) -> bool {
        let spec = &self.specs[unit.spec];
        self.say(&spec.say, states, unit)
            || states.iter().any(|(past, at)| self.delivers(past, *at, unit, spec))
    }

    fn delivers(&self, past: &Past, at: Ms, unit: &Whole, spec: &Spec) -> bool {
        let Some((deadline, OnDeadline::Deliver)) = spec.deadline else { return false };
        // A group that was announced at its deadline goes on with those members that were not complete.
        let goes_on = spec.takes == Takes::Group;
        let begun = past.last_announced(unit).filter(|_| !goes_on).unwrap_or(0);
        match self.must {
            Must::No => at >= begun + deadline,
            Must::Yes => past.quiet(at, unit) >= deadline + LAG && !past.is_written(unit),
        }
    }

    fn say(&self, say: &Say, states: &[(Past, Ms)], unit: &Whole) -> bool {
        match say {
            Say::Any(parts) => parts.iter().any(|part| self.say(part, states, unit)),
            // Whatever it asks for, a group is never announced with a member that is not complete.
            Say::All(parts) => parts.iter().all(|part| self.say(part, states, unit)),
            clause => states.iter().any(|(past, at)| self.clause(clause, past, *at, unit)),
        }
    }

    fn clause(&self, say: &Say, past: &Past, at: Ms, unit: &Whole) -> bool {
        let takes = self.specs[unit.spec].takes;
        if takes == Takes::Group && !self.members(past, at, unit) {
            return false;
        }
        let quiet = past.quiet(at, unit);
        let for_sure = self.must == Must::Yes;
        match say {
            Say::Appeared => true,
            Say::Closed if takes != Takes::Group && takes != Takes::Dataset => self.closed(past, at, unit),
            Say::RenamedIn if takes != Takes::Group && takes != Takes::Dataset => {
                self.renamed_in(past, at, unit)
            }
            // Whether a rename could have been heard of is for the settled code to say.
            Say::RenamedIn | Say::SeenRenamed if for_sure && takes == Takes::Dataset => false,
            Say::SeenRenamed if for_sure => false,
            Say::SeenRenamed if takes == Takes::Dat || takes == Takes::Any => self.renamed_in(past, at, unit),
            Say::SeenRenamed | Say::RenamedIn if takes == Takes::Dataset => {
                let moved = past.dir_in.get(&unit.name);
                moved.is_some_and(|moved| past.stirred.get(&unit.name).is_none_or(|stirred| stirred <= moved))
                    || (*say == Say::RenamedIn && self.unheard_rename(past, at, unit))
            }
            Say::Any(_) | Say::All(_) | Say::SeenRenamed => false,
            // Of a group only its members' own completeness is known.
            Say::Closed | Say::RenamedIn | Say::WriterGone | Say::NoWriterKnown if takes == Takes::Group => {
                true
            }
            Say::Closed | Say::RenamedIn | Say::WriterGone => self.no_writer(past, at, unit),
            Say::LinkedIn if takes == Takes::Group || takes == Takes::Dataset => false,
            Say::LinkedIn => self.linked_in(past, at, unit),
            Say::NoWriterKnown if !self.mode.leases && !for_sure => true,
            Say::NoWriterKnown => !past.is_written(unit),
            Say::Quiet(period) | Say::MinAge(period) if for_sure => quiet >= period + LAG,
            Say::Quiet(period) => quiet >= *period,
            Say::MinAge(period) => at - past.changed(unit) >= *period,
            Say::Adaptive(least, most, _) => {
                quiet >= if for_sure { (*most).max(*least) + LAG } else { *least }
            }
            Say::Members => self.members(past, at, unit),
            Say::Announce => self.announced(past, unit),
            Say::DoneFile => past.marker(&format!("{}.done", bare(&unit.name)), unit),
            Say::Success => past.marker(&inside(unit, takes, "_SUCCESS"), unit),
            Say::LockGone => !past.files.contains_key(&format!("{}.lock", bare(&unit.name))),
            Say::Metadata => {
                let life = past.files.get(&inside(unit, takes, "meta.yaml"));
                life.is_some_and(|life| past.bodies[&life.ino].size >= GOOD)
            }
            Say::Whole => unit
                .paths
                .iter()
                .all(|path| past.files.get(path).is_some_and(|life| past.bodies[&life.ino].size >= GOOD)),
            Say::Count(_) | Say::Captured if takes != Takes::Group => false,
            Say::Count(least) => unit.paths.len() as u64 >= *least,
            Say::Captured => unit.paths.len() >= 3 && unit.paths.iter().any(|path| path.contains("_of3_")),
        }
    }

    fn members(&self, past: &Past, at: Ms, unit: &Whole) -> bool {
        match self.specs[unit.spec].takes {
            Takes::Group => {
                let one =
                    |path: &String| Whole { name: path.clone(), paths: vec![path.clone()], ..unit.clone() };
                unit.paths.iter().map(one).all(|file| self.is_locally_complete(past, at, &file))
            }
            Takes::Dataset => !unit.paths.is_empty() && self.no_writer(past, at, unit),
            Takes::Dat | Takes::Any => self.no_writer(past, at, unit),
        }
    }

    /// A member of a group, under the preset `local`.
    fn is_locally_complete(&self, past: &Past, at: Ms, file: &Whole) -> bool {
        let no_writer = self.no_writer(past, at, file);
        let renamed = self.renamed_in(past, at, file) && (!self.mode.leases || !past.is_written(file));
        no_writer && self.closed(past, at, file) || renamed
    }

    fn no_writer(&self, past: &Past, at: Ms, unit: &Whole) -> bool {
        match (self.must, self.mode.leases) {
            (Must::Yes, _) => !past.is_written(unit) && past.quiet(at, unit) >= LAG,
            (Must::No, true) => !past.is_written(unit),
            (Must::No, false) => past.quiet(at, unit) >= 2_000,
        }
    }

    fn closed(&self, past: &Past, at: Ms, unit: &Whole) -> bool {
        if self.must == Must::Yes {
            return self.no_writer(past, at, unit);
        }
        let Some(life) = past.files.get(&unit.paths[0]) else { return false };
        let body = past.bodies[&life.ino];
        let begun = past.last_announced(unit);
        if life.closes.iter().any(|close| begun.is_none_or(|begun| *close > begun)) {
            return true;
        }
        let quiet = past.quiet(at, unit);
        let unheard = self.is_unheard(past, life, unit);
        // A member that was complete and has changed unheard is found, as by a scan.
        let in_group = self.specs[unit.spec].takes == Takes::Group;
        let linked = body.names > 1 || WALL + body.changed > body.mtime;
        if self.mode.leases {
            body.writers == 0 && (unheard || body.size > 0 || body.names > 1 || quiet >= 200)
        } else {
            quiet >= 60_000 || quiet >= 2_000 && (unheard || linked || in_group)
        }
    }

    fn renamed_in(&self, past: &Past, at: Ms, unit: &Whole) -> bool {
        let Some(life) = past.files.get(&unit.paths[0]) else { return false };
        let renamed =
            life.by == By::Rename && past.last_announced(unit).is_none_or(|begun| life.born > begun);
        let dropped = past.scans.iter().any(|scan| *scan >= life.born);
        match self.must {
            Must::Yes => renamed && !dropped || self.mode.deaf && self.no_writer(past, at, unit),
            Must::No => renamed || self.is_unheard(past, life, unit) && self.no_writer(past, at, unit),
        }
    }

    /// What stands in for a dataset's rename that nobody could hear: members, no writer, and as much patience as the
    /// rule has anywhere.
    fn unheard_rename(&self, past: &Past, at: Ms, unit: &Whole) -> bool {
        let (quiet, age) = patience(&self.specs[unit.spec].say);
        self.no_writer(past, at, unit)
            && !unit.paths.is_empty()
            && past.quiet(at, unit) >= quiet.max(2_000)
            && at - past.changed(unit) >= age
    }

    fn linked_in(&self, past: &Past, at: Ms, unit: &Whole) -> bool {
        let Some(life) = past.files.get(&unit.paths[0]) else { return false };
        let body = past.bodies[&life.ino];
        let told = self.mode.leases && body.writers == 0 && !self.mode.deaf;
        match self.must {
            Must::No => told && (body.size > 0 || body.names > 1 || past.quiet(at, unit) >= 200),
            Must::Yes => {
                let begun = past.last_announced(unit);
                let fresh = life.by == By::Link && begun.is_none_or(|begun| life.born > begun);
                let dropped = past.scans.iter().any(|scan| *scan >= life.born);
                told && fresh && life.closes.is_empty() && !dropped && past.quiet(at, unit) >= LAG
            }
        }
    }

    /// Events of it were not to be heard, or may have been dropped.
    fn is_unheard(&self, past: &Past, life: &Life, unit: &Whole) -> bool {
        let begun = past.last_announced(unit).unwrap_or(0).max(life.born);
        self.mode.deaf || life.by == By::Unheard || past.scans.iter().any(|scan| *scan >= begun)
    }

    fn announced(&self, past: &Past, unit: &Whole) -> bool {
        let Some(said) = past.said.get(&unit.name) else { return false };
        let fresh = past.last_announced(unit).is_none_or(|begun| *said > begun);
        let lives = unit.paths.iter().all(|path| past.files.get(path).is_some_and(|life| life.born <= *said));
        match self.must {
            Must::No => fresh,
            Must::Yes => fresh && lives && matches!(self.specs[unit.spec].takes, Takes::Dat | Takes::Any),
        }
    }
}

/// The longest quiet and the greatest age in it, at the least.
fn patience(say: &Say) -> (Ms, Ms) {
    match say {
        Say::Any(parts) | Say::All(parts) => {
            let longer = |(quiet, age): (Ms, Ms), part| {
                let (other, older) = patience(part);
                (quiet.max(other), age.max(older))
            };
            parts.iter().fold((0, 0), longer)
        }
        Say::Quiet(period) | Say::Adaptive(period, _, _) => (*period, 0),
        Say::MinAge(age) => (0, *age),
        _ => (0, 0),
    }
}

impl Past {
    fn last_announced(&self, unit: &Whole) -> Option<Ms> {
        self.announced.get(&unit.name).map(|(_, at)| *at)
    }

    fn bodies_of<'a>(&'a self, unit: &'a Whole) -> impl Iterator<Item = &'a Body> {
        unit.paths.iter().filter_map(|path| self.bodies.get(&self.files.get(path)?.ino))
    }

    /// What is written by another name raises no event under this one; a rescan finds it.
    pub(crate) fn is_linked(&self, unit: &Whole) -> bool {
        self.bodies_of(unit).any(|body| body.linked)
    }

    fn is_written(&self, unit: &Whole) -> bool {
        self.bodies_of(unit).any(|body| body.writers > 0)
    }

    /// When a member changed last.
    fn changed(&self, unit: &Whole) -> Ms {
        self.bodies_of(unit).map(|body| body.changed).max().unwrap_or(0)
    }

    /// For how long nothing has changed, been added or taken away.
    fn quiet(&self, at: Ms, unit: &Whole) -> Ms {
        let stirred = self.stirred.get(&unit.name).copied().unwrap_or(0);
        at.saturating_sub(self.changed(unit).max(stirred))
    }

    fn marker(&self, path: &str, unit: &Whole) -> bool {
        let Some(marker) = self.files.get(path) else { return false };
        let newest = self.bodies_of(unit).map(|body| body.mtime).max().unwrap_or(0);
        WALL + self.bodies[&marker.ino].changed >= newest
    }
}

fn ends(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some()
}

fn bare(unit: &str) -> &str {
    unit.strip_suffix('/').unwrap_or(unit)
}

fn inside(unit: &Whole, takes: Takes, name: &str) -> String {
    if takes == Takes::Dataset {
        return format!("{}/{name}", unit.name);
    }
    let dir = parent(bare(&unit.name));
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Whether a name of the unit went away between two entries of the log.
pub(crate) fn went_away(log: &[(Ms, Fact)], unit: &str) -> bool {
    log.iter().any(|(_, fact)| match fact {
        Fact::Unname { path } => {
            path == unit || is_below(path, unit.trim_end_matches('/')) || unit.ends_with('/')
        }
        _ => false,
    })
}
