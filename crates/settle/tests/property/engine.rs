//! Plays the engine's part with the real types: hears, looks, asks the rules, answers their questions, and
//! announces. It decides nothing that `settle` is there to decide.

mod judging;
mod looks;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use model::{Cause, Reason, Stamp};
use settle::group::group_path;
use settle::{
    Answer, Beside, Completion, Group, Grouping, Questions, RuleMask, Rules, Sample, Selection, Step, Stir,
    Take, Tree, Unit, View, What, WriterFact,
};

use crate::rng::Rng;
use crate::world::{Content, Event, Fact, Inode, Ms, Print, WALL, World, is_below, last, parent};

/// How this case's file system is noticed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// No events; scans come by.
    pub(crate) deaf: bool,
    /// The kernel tells of writers.
    pub(crate) leases: bool,
}

pub(crate) enum State {
    File(Unit),
    Tree(Tree),
    Group(Group),
}

pub(crate) struct Waiting {
    pub(crate) state: State,
    pub(crate) rule: usize,
    pub(crate) next: Ms,
    /// The number of the last thing that was heard of it.
    heard: u64,
    job: Option<Job>,
    jobs_in_a_row: u32,
    /// The members that it waited for last.
    blocking: Vec<Box<[u8]>>,
}

struct Job {
    number: u64,
    asked: Ms,
    walk: Ms,
    done: Ms,
    questions: Questions,
    /// Members that are asked first; if one is still written, nobody else is.
    ask_first: Vec<Box<[u8]>>,
    found: Option<Found>,
}

struct Found {
    view: View,
    content: Content,
    answers: Vec<(usize, Answer)>,
}

struct Member {
    unit: Unit,
    group: String,
    next: Ms,
}

#[derive(Default)]
pub(crate) struct Known {
    pub(crate) content: Content,
    samples: BTreeMap<String, Sample>,
}

/// What was announced, for the checks.
pub(crate) struct Announcement {
    pub(crate) unit: String,
    pub(crate) rule: usize,
    pub(crate) content: Content,
    /// Size, time, and a fold or an inode.
    pub(crate) print: Print,
    /// From when on the facts were found out that led to it.
    pub(crate) since: Ms,
    pub(crate) at: Ms,
    /// How much of the log there was.
    pub(crate) logged: usize,
}

pub(crate) struct Engine {
    rules: Rc<Rules>,
    pub(crate) mode: Mode,
    pub(crate) waiting: BTreeMap<String, Waiting>,
    members: BTreeMap<String, Member>,
    pub(crate) known: BTreeMap<String, Known>,
    pub(crate) announced: Vec<Announcement>,
    pub(crate) scan: Option<Ms>,
    number: u64,
    rng: Rng,
    local: Rc<Completion>,
}

/// A complete unit before the last look into the queue.
struct Candidate {
    unit: String,
    heard: u64,
    since: Ms,
    content: Content,
    print: Print,
}

const POLL: Ms = 5_000;

pub(crate) fn mono(ms: Ms) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn stamp(ms: Ms) -> Stamp {
    Stamp::new((ms / 1000) as i64, (ms % 1000) as u32 * 1_000_000)
}

fn sample(print: &Print, inode: &Inode) -> Sample {
    Sample {
        size: inode.size,
        mtime: stamp(inode.mtime),
        ctime: stamp(inode.ctime),
        inode: print.inode,
        links: inode.links,
    }
}

fn text(path: &[u8]) -> String {
    String::from_utf8(path.to_vec()).expect("a name of the script")
}

fn single(print: Print) -> Content {
    Content::from([(String::new(), print)])
}

impl Engine {
    pub(crate) fn new(rules: Rules, mode: Mode, rng: Rng) -> Self {
        Self {
            rules: Rc::new(rules),
            mode,
            waiting: BTreeMap::new(),
            members: BTreeMap::new(),
            known: BTreeMap::new(),
            announced: Vec::new(),
            scan: mode.deaf.then_some(POLL),
            number: 0,
            rng,
            local: Rc::new(Completion::local()),
        }
    }

    fn count(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// The time of the number: no two things happen at the same nanosecond.
    fn tick(now: Ms, number: u64) -> Duration {
        mono(now) + Duration::from_nanos(number)
    }

    /// Lets time pass; does everything when its time has come.
    pub(crate) fn advance(&mut self, world: &mut World, to: Ms) -> Result<(), String> {
        self.turn(world, usize::MAX)?;
        while let Some(wake) = self.wake().filter(|wake| *wake <= to) {
            world.now = world.now.max(wake);
            self.turn(world, usize::MAX)?;
        }
        world.now = to;
        Ok(())
    }

    fn wake(&self) -> Option<Ms> {
        let units = self.waiting.values().map(|waiting| waiting.next);
        let walks = self.waiting.values().filter_map(|waiting| waiting.job.as_ref());
        let walks = walks.filter(|job| job.found.is_none()).map(|job| job.walk);
        let members = self.members.values().map(|member| member.next);
        units.chain(walks).chain(members).chain(self.scan).min()
    }

    /// Reads some events, looks at what is due, reads the rest and announces what is still complete.
    pub(crate) fn turn(&mut self, world: &mut World, read: usize) -> Result<(), String> {
        let mut read = read;
        for _ in 0..30 {
            self.read(world, read);
            read = usize::MAX;
            if self.scan.is_some_and(|scan| scan <= world.now) {
                self.scan_all(world);
            }
            self.walk_jobs(world);
            let members: Vec<String> = self.due_members(world.now);
            members.iter().try_for_each(|path| self.judge_member(world, path))?;
            let due =
                |(unit, waiting): (&String, &Waiting)| (waiting.next <= world.now).then(|| unit.clone());
            let due: Vec<String> = self.waiting.iter().filter_map(due).collect();
            if members.is_empty() && due.is_empty() && world.queue.is_empty() && !world.overflowed {
                return Ok(());
            }
            let mut candidates = Vec::new();
            for unit in due {
                candidates.extend(self.judge(world, &unit)?);
            }
            self.read(world, usize::MAX);
            for candidate in candidates {
                self.admit(world, candidate);
            }
        }
        Err("the driver does not come to rest: something is due again and again".into())
    }

    fn due_members(&self, now: Ms) -> Vec<String> {
        let due = self.members.iter().filter(|(_, member)| member.next <= now);
        due.map(|(path, _)| path.clone()).collect()
    }

    fn read(&mut self, world: &mut World, events: usize) {
        for _ in 0..events {
            let Some(event) = world.queue.pop_front() else { break };
            match event {
                Event::File(path, what) => self.hear_file(world, &path, Some(what)),
                Event::DirIn(path) => self.hear_dir_in(world, &path),
                Event::DirOut(path) => self.hear_dir_out(world, &path),
            }
        }
        if events > 0 && world.queue.is_empty() && std::mem::take(&mut world.overflowed) {
            self.miss(world.now);
            world.log(Fact::Missed);
        }
    }

    fn miss(&mut self, now: Ms) {
        let number = self.count();
        for waiting in self.waiting.values_mut() {
            waiting.heard = number;
            match &mut waiting.state {
                State::File(unit) => unit.miss(),
                State::Tree(tree) => tree.miss(Self::tick(now, number)),
                State::Group(_) => {}
            }
        }
        self.members.values_mut().for_each(|member| member.unit.miss());
        self.scan = Some(now + self.rng.below(2_000) as Ms);
    }

    fn scan_all(&mut self, world: &mut World) {
        self.scan = self.mode.deaf.then_some(world.now + POLL);
        self.find(world, "");
        for path in self.known.keys().chain(self.waiting.keys()).cloned().collect::<Vec<_>>() {
            self.forget_if_gone(world, &path);
        }
        let members = self.members.keys().cloned().chain(self.group_members());
        let gone: Vec<String> = members.filter(|path| !world.files.contains_key(path)).collect();
        for path in gone {
            self.hear_file(world, &path, None);
        }
        if !self.mode.deaf {
            world.log(Fact::Scan);
        }
    }

    fn group_members(&self) -> Vec<String> {
        let known = self.known.values().flat_map(|known| known.samples.keys().cloned());
        let waiting = self.waiting.values().flat_map(|waiting| match &waiting.state {
            State::Group(group) => group.members().map(text).collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        known.chain(waiting).collect()
    }

    fn forget_if_gone(&mut self, world: &World, unit: &str) {
        if unit.ends_with('/') || world.files.contains_key(unit) {
            return;
        }
        if !world.files.keys().any(|path| is_below(path, unit)) {
            self.known.remove(unit);
            self.waiting.remove(unit);
        }
    }

    /// A walk comes by what lies in `dir`.
    fn find(&mut self, world: &mut World, dir: &str) {
        let inside = |path: &&String| dir.is_empty() || is_below(path, dir);
        for path in world.files.keys().filter(inside).cloned().collect::<Vec<_>>() {
            self.hear_file(world, &path, None);
        }
    }

    fn hear_dir_in(&mut self, world: &mut World, dir: &str) {
        self.find(world, dir);
        for unit in self.rules.units_above(dir.as_bytes()) {
            let whole = unit.len == dir.len();
            let stir = if whole { Stir::MovedIn } else { Stir::Changed };
            if world.files.keys().any(|path| is_below(path, dir)) {
                self.hear_tree(world.now, &dir[..unit.len], unit.rule, stir);
            }
        }
        // It may have brought markers along.
        self.stir_all(world.now);
    }

    fn hear_dir_out(&mut self, world: &mut World, dir: &str) {
        let inside = |path: &&String| path.as_str() == dir || is_below(path, dir);
        self.known.keys().filter(inside).cloned().collect::<Vec<_>>().iter().for_each(|path| {
            self.known.remove(path);
        });
        self.waiting.keys().filter(inside).cloned().collect::<Vec<_>>().iter().for_each(|path| {
            self.waiting.remove(path);
        });
        self.members.retain(|path, _| !is_below(path, dir));
        // Perhaps another one has taken its place already.
        self.find(world, dir);
        self.stir_all(world.now);
    }

    fn stir_all(&mut self, now: Ms) {
        let number = self.count();
        for waiting in self.waiting.values_mut() {
            (waiting.next, waiting.heard) = (now, number);
            match &mut waiting.state {
                State::File(unit) => unit.stir(),
                State::Tree(tree) => tree.stir(),
                State::Group(group) => group.stir(),
            }
        }
    }

    /// `what` is nothing when a scan came by.
    fn hear_file(&mut self, world: &mut World, path: &str, what: Option<What>) {
        match self.rules.select(path.as_bytes(), RuleMask::EMPTY) {
            Selection::Member { rule, len } => {
                let (unit, rest) = (&path[..len], &path[len + 1..]);
                if self.rules.rules[rule].is_marker_inside(rest.as_bytes()) {
                    return self.stir_all(world.now);
                }
                let stir = if what.is_some() { Stir::Changed } else { Stir::Scanned };
                let is_news = || {
                    let content = looks::dataset(world, &self.rules, rule, unit);
                    self.known.get(unit).is_none_or(|known| known.content != content)
                };
                if what.is_some() || self.waiting.contains_key(unit) || is_news() {
                    self.hear_tree(world.now, unit, rule, stir);
                }
            }
            Selection::Ignored(Reason::IgnoredMarker { .. }) => self.stir_all(world.now),
            Selection::Ignored(_) => {}
            Selection::Taken(rule) => match &Rc::clone(&self.rules).rules[rule].shape.take {
                Take::Group(Grouping::Name(pattern)) => {
                    let (key, total) = pattern.key(last(path).as_bytes()).expect("a key");
                    let group = text(&group_path(parent(path).as_bytes(), key));
                    self.hear_member(world, path, rule, &group, total, what);
                }
                _ => self.hear_plain(world, path, rule, what),
            },
        }
    }

    fn hear_tree(&mut self, now: Ms, unit: &str, rule: usize, stir: Stir) {
        let number = self.count();
        let new =
            || Waiting::new(State::Tree(Tree::new(stir, Self::tick(now, number), stamp(WALL + now))), rule);
        let waiting = self.waiting.entry(unit.to_owned()).or_insert_with(new);
        if let State::Tree(tree) = &mut waiting.state {
            tree.hear(stir, Self::tick(now, number));
        }
        if stir != Stir::Scanned || waiting.heard == 0 {
            (waiting.next, waiting.heard) = (now, number);
        }
    }

    fn hear_plain(&mut self, world: &World, path: &str, rule: usize, what: Option<What>) {
        let now = world.now;
        let Some(print) = world.print(path) else {
            self.known.remove(path);
            self.waiting.remove(path);
            return;
        };
        let is_known = self.known.get(path).is_some_and(|known| known.content == single(print));
        if what.is_none() && (is_known || self.waiting.contains_key(path)) {
            return;
        }
        let number = self.count();
        let new = || Waiting::new(State::File(new_unit(what, now)), rule);
        let waiting = self.waiting.entry(path.to_owned()).or_insert_with(new);
        (waiting.next, waiting.heard) = (now, number);
        if let State::File(unit) = &mut waiting.state {
            hear(unit, what);
        }
    }

    fn hear_member(
        &mut self,
        world: &World,
        path: &str,
        rule: usize,
        group: &str,
        total: Option<u64>,
        what: Option<What>,
    ) {
        let now = world.now;
        let Some(print) = world.print(path) else { return self.member_is_gone(path, group, now) };
        let inode = world.inode(path).expect("the inode of a name");
        let before = match self.waiting.get(group).map(|waiting| &waiting.state) {
            Some(State::Group(group)) => group.member(path.as_bytes()),
            _ => self.known.get(group).and_then(|known| known.samples.get(path).copied()),
        };
        let sample = sample(&print, &inode);
        if before.is_some_and(|before| same_print(&before, &sample)) {
            return self.member_is_the_same(path, group, sample, now);
        }
        if what.is_none() && self.members.contains_key(path) {
            return;
        }
        let waiting = self.group(group, rule, now);
        let State::Group(units) = &mut waiting.state else { return };
        units.member_waits(path.as_bytes(), mono(now));
        if let Some(total) = total {
            units.expect(total);
        }
        let new = || Member { unit: new_unit(what, now), group: group.to_owned(), next: now };
        let member = self.members.entry(path.to_owned()).or_insert_with(new);
        member.next = now;
        hear(&mut member.unit, what);
    }

    /// Its content is as it was; its times may be others.
    fn member_is_the_same(&mut self, path: &str, group: &str, sample: Sample, now: Ms) {
        if let Some(State::Group(group)) = self.waiting.get_mut(group).map(|waiting| &mut waiting.state) {
            group.member_is_complete(path.as_bytes(), sample, mono(now));
        } else if let Some(known) = self.known.get_mut(group) {
            known.samples.insert(path.to_owned(), sample);
        }
    }

    /// The group with all its members; one that was announced is begun anew.
    fn group(&mut self, unit: &str, rule: usize, now: Ms) -> &mut Waiting {
        let number = self.count();
        let known = self.known.get(unit);
        let Take::Group(Grouping::Name(pattern)) = &self.rules.rules[rule].shape.take else {
            panic!("no group")
        };
        let waiting = self.waiting.entry(unit.to_owned()).or_insert_with(|| {
            let mut group = Group::new(Cause::Arrived, mono(now), stamp(WALL + now));
            for (path, sample) in known.into_iter().flat_map(|known| &known.samples) {
                group.member_is_complete(path.as_bytes(), *sample, mono(now));
                let total = pattern.key(last(path).as_bytes()).and_then(|(_, total)| total);
                if let Some(total) = total {
                    group.expect(total);
                }
            }
            Waiting::new(State::Group(group), rule)
        });
        (waiting.next, waiting.heard) = (now, number);
        waiting
    }

    fn member_is_gone(&mut self, path: &str, group: &str, now: Ms) {
        self.members.remove(path);
        let number = self.count();
        if let Some(known) = self.known.get_mut(group) {
            known.samples.remove(path);
            known.content.remove(path);
            if known.samples.is_empty() {
                self.known.remove(group);
            }
        }
        let Some(waiting) = self.waiting.get_mut(group) else { return };
        let State::Group(units) = &mut waiting.state else { return };
        units.member_is_gone(path.as_bytes(), mono(now));
        (waiting.next, waiting.heard) = (now, number);
        if units.is_empty() {
            self.waiting.remove(group);
        }
    }

    /// `staithe notify`.
    pub(crate) fn notify(&mut self, world: &mut World, unit: &str) -> Result<(), String> {
        self.turn(world, usize::MAX)?;
        let Some(waiting) = self.waiting.get_mut(unit) else { return Ok(()) };
        match &mut waiting.state {
            State::File(unit) => unit.announce(),
            State::Tree(tree) => tree.announce(),
            State::Group(group) => group.announce(),
        }
        waiting.next = world.now;
        world.log(Fact::Said { unit: unit.to_owned() });
        Ok(())
    }

    fn probe(&self, world: &World, path: &str) -> WriterFact {
        match world.inode(path) {
            _ if !self.mode.leases => WriterFact::Unknown,
            Some(inode) if inode.writers > 0 => WriterFact::Open,
            _ => WriterFact::Gone,
        }
    }

    fn judge_member(&mut self, world: &World, path: &str) -> Result<(), String> {
        let (now, wall) = (mono(world.now), stamp(WALL + world.now));
        let Some(print) = world.print(path) else {
            let group = self.members[path].group.clone();
            self.member_is_gone(path, &group, world.now);
            return Ok(());
        };
        let writer = self.probe(world, path);
        let local = Rc::clone(&self.local);
        let Some(member) = self.members.get_mut(path) else { return Ok(()) };
        let sample = sample(&print, &world.inode(path).expect("the inode of a name"));
        member.unit.look(sample, now);
        let mut step = member.unit.judge(&local, WriterFact::NotAsked, Beside::NOTHING, now, wall);
        if step == Step::Ask(Questions::WRITER) {
            step = member.unit.judge(&local, writer, Beside::NOTHING, now, wall);
        }
        match step {
            Step::Complete(_) => {
                let group = self.members.remove(path).expect("the member").group;
                let number = self.count();
                let Some(waiting) = self.waiting.get_mut(&group) else { return Ok(()) };
                let State::Group(units) = &mut waiting.state else { return Ok(()) };
                units.member_is_complete(path.as_bytes(), sample, now);
                (waiting.next, waiting.heard) = (world.now, number);
            }
            Step::Wait { again, .. } => member.next = ms(again),
            step => return Err(format!("a member under `local` led to {step:?}")),
        }
        Ok(())
    }

    /// Whether somebody takes care of it, and until when at the latest it is looked at.
    pub(crate) fn next_look(&self, unit: &str) -> Option<Ms> {
        let waiting = self.waiting.get(unit)?;
        let members = self.members.values().filter(|member| member.group == unit).map(|member| member.next);
        Some(members.chain([waiting.next]).min().unwrap_or(waiting.next))
    }
}

enum Judged {
    Nothing,
    Wait,
    Complete(Candidate),
}

impl Waiting {
    fn new(state: State, rule: usize) -> Self {
        Self { state, rule, next: 0, heard: 0, job: None, jobs_in_a_row: 0, blocking: Vec::new() }
    }
}

fn new_unit(what: Option<What>, now: Ms) -> Unit {
    let (now, wall) = (mono(now), stamp(WALL + now));
    if what.is_some() { Unit::heard(now, wall) } else { Unit::scanned(now, wall) }
}

fn hear(unit: &mut Unit, what: Option<What>) {
    match what {
        // Yet it is there: what was heard so far says nothing of it.
        Some(What::Deleted | What::MovedOut) => unit.hear(What::Created),
        Some(what) => unit.hear(what),
        None => {}
    }
}

fn same_print(one: &Sample, two: &Sample) -> bool {
    one.size == two.size && one.mtime == two.mtime && one.inode == two.inode
}

fn nanos(stamp: Stamp) -> u64 {
    stamp.as_nanos() as u64 / 1_000_000
}

fn ms(mono: Duration) -> Ms {
    // A look that is due within a millisecond is due at its end.
    mono.as_nanos().div_ceil(1_000_000) as Ms
}
