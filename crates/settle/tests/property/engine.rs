//! Plays the engine's part with the real types: hears, looks, asks the rules, answers their questions, and
//! announces. It decides nothing that `settle` is there to decide.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use model::{Cause, Reason, Signal, Stamp};
use settle::companion::{Ask, NameForm};
use settle::group::group_path;
use settle::{
    Answer, Beside, Completion, Group, Grouping, Questions, RuleMask, Rules, Sample, Selection, Step, Stir,
    Take, Tree, Unit, View, What, WriterFact,
};

use crate::rng::Rng;
use crate::spec::GOOD;
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
    String::from_utf8(path.to_vec()).unwrap()
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
            candidates.into_iter().try_for_each(|candidate| self.admit(world, candidate))?;
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
                State::Tree(tree) => tree.miss(mono(now)),
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
                    let content = dataset(world, &self.rules, rule, unit);
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
        let new = || Waiting::new(State::Tree(Tree::new(stir, mono(now), stamp(WALL + now))), rule);
        let waiting = self.waiting.entry(unit.to_owned()).or_insert_with(new);
        if let State::Tree(tree) = &mut waiting.state {
            tree.hear(stir, mono(now));
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
        total.into_iter().for_each(|total| units.expect(total));
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
        let pattern = match &self.rules.rules[rule].shape.take {
            Take::Group(Grouping::Name(pattern)) => pattern,
            _ => panic!("no group"),
        };
        let waiting = self.waiting.entry(unit.to_owned()).or_insert_with(|| {
            let mut group = Group::new(Cause::Arrived, mono(now), stamp(WALL + now));
            for (path, sample) in known.into_iter().flat_map(|known| &known.samples) {
                group.member_is_complete(path.as_bytes(), *sample, mono(now));
                let total = pattern.key(last(path).as_bytes()).and_then(|(_, total)| total);
                total.into_iter().for_each(|total| group.expect(total));
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

    fn walk_jobs(&mut self, world: &World) {
        for (unit, waiting) in &mut self.waiting {
            let rule = &self.rules.rules[waiting.rule];
            let Some(job) = waiting.job.as_mut().filter(|job| job.found.is_none() && job.walk <= world.now)
            else {
                continue;
            };
            let mut found = Found { view: View::default(), content: Content::new(), answers: Vec::new() };
            if let State::Tree(_) = &waiting.state {
                let ask_first = &job.ask_first;
                found.content = dataset(world, &self.rules, waiting.rule, unit);
                found.view = survey(world, unit, &found.content, self.mode.leases, ask_first);
            }
            for at in job.questions.asked() {
                found.answers.push((at, companion(world, unit, rule, &rule.completion.asks[at])));
            }
            job.found = Some(found);
        }
    }

    fn judge(&mut self, world: &mut World, unit: &str) -> Result<Option<Candidate>, String> {
        let now = world.now;
        let Some(mut waiting) = self.waiting.remove(unit) else { return Ok(None) };
        if let Some(scan) = self.scan.filter(|_| !self.mode.deaf)
            && !matches!(waiting.state, State::File(_))
        {
            // A part of the tree proves nothing.
            waiting.next = scan.max(now + 1);
            self.waiting.insert(unit.to_owned(), waiting);
            return Ok(None);
        }
        if waiting.job.as_ref().is_some_and(|job| job.number < waiting.heard) {
            waiting.job = None;
        }
        if let Some(job) = &waiting.job
            && job.done > now
        {
            waiting.next = job.done;
            self.waiting.insert(unit.to_owned(), waiting);
            return Ok(None);
        }
        let candidate = self.judge_now(world, unit, &mut waiting)?;
        match candidate {
            Judged::Nothing => return Ok(None),
            Judged::Wait => {
                self.waiting.insert(unit.to_owned(), waiting);
                Ok(None)
            }
            Judged::Complete(candidate) => {
                waiting.next = now;
                self.waiting.insert(unit.to_owned(), waiting);
                Ok(Some(candidate))
            }
        }
    }

    fn judge_now(&mut self, world: &mut World, unit: &str, waiting: &mut Waiting) -> Result<Judged, String> {
        let now = world.now;
        let wall = stamp(WALL + now);
        let rules = Rc::clone(&self.rules);
        let rule = &rules.rules[waiting.rule];
        let job = waiting.job.take();
        let mut since = job.as_ref().map_or(now, |job| job.asked);
        let found = job.as_ref().and_then(|job| job.found.as_ref());
        let surveyed = found.is_some() && job.as_ref().is_some_and(|job| job.questions.writer);
        let mut content = Content::new();
        let mut print = Print { size: 0, mtime: 0, inode: 0 };
        match &mut waiting.state {
            State::File(file) => {
                let Some(seen) = world.print(unit) else {
                    self.known.remove(unit);
                    return Ok(Judged::Nothing);
                };
                (content, print) = (single(seen), seen);
                if self.known.get(unit).is_some_and(|known| known.content == content) {
                    return Ok(Judged::Nothing);
                }
                let inode = world.inode(unit).expect("the inode of a name");
                file.look(sample(&seen, &inode), mono(now));
            }
            State::Tree(tree) => {
                if let Some(found) = found.filter(|_| surveyed) {
                    tree.look(found.view.clone(), mono(since));
                    if !found.view.partial {
                        content.clone_from(&found.content);
                        let inode = found.view.fold;
                        print = Print { size: found.view.size, mtime: nanos(found.view.newest_mtime), inode };
                        if content.is_empty() || self.is_nothing_new(unit, &content) {
                            return Ok(Judged::Nothing);
                        }
                    }
                }
            }
            State::Group(group) => {
                if let Some(next) = self.scan {
                    // Without events only scans tell of new members.
                    since = since.min(next.saturating_sub(POLL));
                }
                for path in group.members().map(text) {
                    if let Some(sample) = group.member(path.as_bytes()) {
                        let (size, mtime) = (sample.size, nanos(sample.mtime));
                        content.insert(path, Print { size, mtime, inode: sample.inode });
                    }
                }
                let view = group.view(true);
                print = Print { size: view.size, mtime: nanos(view.newest_mtime), inode: view.fold };
                if view.open == 0 && self.is_nothing_new(unit, &content) {
                    return Ok(Judged::Nothing);
                }
            }
        }
        let asks = &rule.completion.asks;
        let mut answers = vec![Answer::NotAsked; asks.len()];
        for (at, answer) in found.iter().flat_map(|found| &found.answers) {
            answers[*at] = answer.clone();
        }
        let is_tree = matches!(waiting.state, State::Tree(_));
        let dear_bit = |(at, ask): (usize, &Ask)| if matches!(ask, Ask::Metadata(_)) { 1 << at } else { 0 };
        let dear = Questions { writer: is_tree, asks: asks.iter().enumerate().map(dear_bit).sum() };
        let mut writer = WriterFact::NotAsked;
        for _ in 0..40 {
            let beside = Beside { answers: &answers, dear, ..Beside::NOTHING };
            let step = match &mut waiting.state {
                State::File(file) => file.judge(&rule.completion, writer, beside, mono(now), wall),
                State::Tree(tree) => {
                    tree.judge(&rule.completion, !self.mode.deaf, surveyed, beside, mono(now), wall)
                }
                State::Group(group) => group.judge(&rule.completion, beside, mono(now), wall),
            };
            match step {
                Step::Complete(signals) => {
                    if signals.iter().next().is_none() {
                        return Err(format!("{unit} is complete without evidence"));
                    }
                    waiting.jobs_in_a_row = 0;
                    if content.is_empty() || self.is_nothing_new(unit, &content) {
                        // At its deadline no member of the group is complete, or none that was not before.
                        waiting.next = now + 30_000;
                        return Ok(Judged::Wait);
                    }
                    let (unit, heard) = (unit.to_owned(), waiting.heard);
                    return Ok(Judged::Complete(Candidate { unit, heard, since, content, print }));
                }
                Step::Wait { again, reason, .. } => {
                    waiting.next = ms(again);
                    waiting.blocking = match reason {
                        Reason::WaitingMembers { blocking, .. } if is_tree => blocking,
                        _ => Vec::new(),
                    };
                    waiting.jobs_in_a_row = 0;
                    return Ok(Judged::Wait);
                }
                Step::Overdue { again, .. } => {
                    match &mut waiting.state {
                        State::Tree(tree) => tree.mark_overdue(),
                        State::Group(group) => group.mark_overdue(),
                        State::File(_) => return Err(format!("the file {unit} is overdue")),
                    }
                    waiting.next = ms(again);
                    waiting.jobs_in_a_row = 0;
                    world.log(Fact::Overdue { unit: unit.to_owned() });
                    return Ok(Judged::Wait);
                }
                Step::Ask(questions) if questions.is_none() => {
                    return Err(format!("{unit} asks for nothing"));
                }
                Step::Ask(questions) => {
                    let mut later = Questions::NONE;
                    if questions.writer && is_tree {
                        later.writer = true;
                    } else if questions.writer {
                        if writer != WriterFact::NotAsked {
                            return Err(format!("{unit} asks for its writer again"));
                        }
                        writer = self.probe(world, unit);
                    }
                    for at in questions.asked() {
                        let known = match &waiting.state {
                            State::Group(group) => group.answer(&asks[at]),
                            _ => None,
                        };
                        match known {
                            _ if answers[at] != Answer::NotAsked => {
                                return Err(format!("{unit} asks for answer {at} again"));
                            }
                            Some(answer) => answers[at] = answer,
                            None if dear.asks >> at & 1 == 1 => later.asks |= 1 << at,
                            None => answers[at] = companion(world, unit, rule, &asks[at]),
                        }
                    }
                    if later.is_none() {
                        continue;
                    }
                    waiting.jobs_in_a_row += 1;
                    if waiting.jobs_in_a_row > 6 {
                        return Err(format!("{unit} asks for ever: {later:?}"));
                    }
                    let before = job.as_ref().map_or(Questions::NONE, |job| job.questions);
                    let writer = later.writer || before.writer;
                    let questions = Questions { writer, asks: later.asks | before.asks };
                    let walk = now + self.rng.below(800) as Ms;
                    let done = walk + self.rng.below(800) as Ms;
                    let number = self.count();
                    // Who was surveyed a moment ago and asks again wants to see everything.
                    let ask_first = if surveyed { Vec::new() } else { waiting.blocking.clone() };
                    waiting.job =
                        Some(Job { number, asked: now, walk, done, questions, ask_first, found: None });
                    waiting.next = walk.max(now + 1);
                    return Ok(Judged::Wait);
                }
            }
        }
        Err(format!("{unit} is asked without end"))
    }

    /// Less than what was announced, or the same.
    fn is_nothing_new(&mut self, unit: &str, content: &Content) -> bool {
        let Some(known) = self.known.get_mut(unit) else { return false };
        let same = content.iter().all(|(path, print)| known.content.get(path) == Some(print));
        if same {
            known.content.clone_from(content);
        }
        same
    }

    fn admit(&mut self, world: &mut World, candidate: Candidate) -> Result<(), String> {
        let Some(waiting) = self.waiting.get(&candidate.unit) else { return Ok(()) };
        if waiting.heard != candidate.heard {
            return Ok(());
        }
        let rule = waiting.rule;
        let mut samples = BTreeMap::new();
        if let State::Group(group) = &waiting.state {
            let stale: Vec<String> = group
                .members()
                .map(text)
                .filter(|path| {
                    let sample = group.member(path.as_bytes());
                    let now = world.print(path).map(|print| (print.size, print.inode, stamp(print.mtime)));
                    let writes = self.probe(world, path) == WriterFact::Open;
                    sample.is_some_and(|sample| {
                        writes || now != Some((sample.size, sample.inode, sample.mtime))
                    })
                })
                .collect();
            if !stale.is_empty() {
                return self.look_at_members_again(world, &candidate.unit, rule, &stale);
            }
            for path in group.members() {
                group.member(path).into_iter().for_each(|sample| {
                    samples.insert(text(path), sample);
                });
            }
        }
        let waiting = self.waiting.remove(&candidate.unit).expect("the unit");
        if matches!(&waiting.state, State::Group(group) if group.view(true).open > 0) {
            // Announced at its deadline as it is; its other members go on.
            self.waiting.insert(candidate.unit.clone(), waiting);
            if let Some(waiting) = self.waiting.get_mut(&candidate.unit) {
                waiting.next = world.now + 30_000;
            }
        }
        let Candidate { unit, since, content, print, .. } = candidate;
        let logged = world.log.len();
        world.log(Fact::Announced { unit: unit.clone(), content: content.clone() });
        self.known.insert(unit.clone(), Known { content: content.clone(), samples });
        self.announced.push(Announcement { unit, rule, content, print, since, at: world.now, logged });
        Ok(())
    }

    fn look_at_members_again(
        &mut self,
        world: &mut World,
        unit: &str,
        rule: usize,
        stale: &[String],
    ) -> Result<(), String> {
        for path in stale {
            if world.files.contains_key(path) {
                let waiting = self.group(unit, rule, world.now);
                let State::Group(group) = &mut waiting.state else { continue };
                group.member_waits(path.as_bytes(), mono(world.now));
                let (group, unit) = (unit.to_owned(), new_unit(None, world.now));
                self.members.insert(path.clone(), Member { unit, group, next: world.now });
            } else {
                self.member_is_gone(path, unit, world.now);
            }
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

fn dataset(world: &World, rules: &Rules, rule: usize, unit: &str) -> Content {
    let mut content = Content::new();
    for path in world.files.keys().filter(|path| is_below(path, unit)) {
        let rest = &path[unit.len() + 1..];
        let taken =
            rules.select(path.as_bytes(), RuleMask::EMPTY) == Selection::Member { rule, len: unit.len() };
        if taken && !rules.rules[rule].is_marker_inside(rest.as_bytes()) {
            content.insert(rest.to_owned(), world.print(path).expect("the inode of a name"));
        }
    }
    content
}

fn survey(world: &World, unit: &str, content: &Content, leases: bool, ask_first: &[Box<[u8]>]) -> View {
    let inode = |rest: &str| world.inode(&format!("{unit}/{rest}"));
    let is_open = |rest: &str| leases && inode(rest).is_some_and(|inode| inode.writers > 0);
    let still: Vec<Box<[u8]>> = ask_first.iter().filter(|rest| is_open(&text(rest))).cloned().collect();
    if !still.is_empty() {
        return View { open: still.len() as u64, blocking: still, partial: true, ..View::default() };
    }
    let mut view = View { writers_unknown: !leases, ..View::default() };
    for (rest, print) in content {
        view.count += 1;
        view.size += print.size;
        view.newest_mtime = view.newest_mtime.max(stamp(print.mtime));
        view.newest_ctime = view.newest_ctime.max(stamp(inode(rest).map_or(0, |inode| inode.ctime)));
        let mut one = Rng::new(print.size ^ print.mtime.rotate_left(20) ^ print.inode.rotate_left(50));
        let name = rest.bytes().fold(one.next(), |fold, byte| fold.rotate_left(9) ^ u64::from(byte));
        view.fold = view.fold.wrapping_add(Rng::new(name).next());
        if is_open(rest) {
            view.open += 1;
            view.blocking.push(rest.as_bytes().into());
        }
    }
    view
}

/// The answer to a rule's question, found out by its own forms.
fn companion(world: &World, unit: &str, rule: &settle::Rule, ask: &Ask) -> Answer {
    let dataset = matches!(rule.shape.take, Take::Dataset(_));
    let whole = unit.strip_suffix('/').unwrap_or(unit);
    let places = |form: &NameForm| -> Vec<String> {
        let dir = if dataset && !form.is_beside() { whole } else { parent(whole) };
        let slash = if dir.is_empty() { "" } else { "/" };
        form.names(last(whole).as_bytes()).iter().map(|name| format!("{dir}{slash}{}", text(name))).collect()
    };
    let newest = newest_mtime(world, unit, rule);
    let missing =
        |form: &NameForm, stale| Answer::Missing(Reason::WaitingMarker { marker: form.text().into(), stale });
    match ask {
        Ask::Marker(marker) => {
            let found: Vec<Inode> =
                places(&marker.form).iter().filter_map(|path| world.inode(path)).collect();
            match found.iter().map(|inode| inode.ctime).max() {
                Some(ctime) if ctime >= newest => Answer::Holds(Signal::Marker),
                found => missing(&marker.form, found.is_some()),
            }
        }
        Ask::Lock(form) => match places(form).iter().find(|path| world.files.contains_key(*path)) {
            Some(lock) => Answer::Missing(Reason::WaitingLock { lock: lock.clone().into() }),
            None => Answer::Holds(Signal::LockGone),
        },
        Ask::Metadata(metadata) => {
            let good = |path: &String| world.inode(path).is_some_and(|inode| inode.size >= GOOD);
            if places(&metadata.form).iter().any(good) {
                return Answer::Holds(Signal::Metadata);
            }
            let file = metadata.form.text().into();
            Answer::Missing(Reason::WaitingMetadata { file, problem: "too short".into() })
        }
        // Nobody can count what is no group.
        Ask::Count(_) | Ask::Manifest(_) => Answer::Missing(Reason::WaitingInspection),
    }
}

fn newest_mtime(world: &World, unit: &str, rule: &settle::Rule) -> Ms {
    let paths: Vec<String> = match &rule.shape.take {
        Take::File => vec![unit.to_owned()],
        Take::Dataset(_) => world.files.keys().filter(|path| is_below(path, unit)).cloned().collect(),
        Take::Group(Grouping::Name(pattern)) => {
            let is_member = |path: &&String| {
                let key = pattern.key(last(path).as_bytes()).map(|(key, _)| key);
                key.is_some_and(|key| group_path(parent(path).as_bytes(), key) == unit.as_bytes().into())
            };
            world.files.keys().filter(is_member).cloned().collect()
        }
        Take::Group(_) => Vec::new(),
    };
    let is_data = |path: &&String| {
        let rest = path.strip_prefix(unit).and_then(|rest| rest.strip_prefix('/'));
        rest.is_none_or(|rest| !rule.is_marker_inside(rest.as_bytes()) && !rest.ends_with(".log"))
    };
    let mtimes = paths.iter().filter(is_data).filter_map(|path| world.inode(path));
    mtimes.map(|inode| inode.mtime).max().unwrap_or(0)
}
