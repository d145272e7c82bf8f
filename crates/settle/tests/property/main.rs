//! Random operations against a naive reference.
//!
//! A simulated file system with writers, clock and event queue (`world`), random rules (`spec`), the engine's part played with
//! `settle`'s own types (`engine`), and what the rules mean, read off the log of all that happened (`reference`).
//! Whatever is announced was complete (P2), is new and has an id of its own (P3), nothing is forgotten (P8), and at
//! the end, when all is quiet, everything that is complete was announced with its last content.
//!
//! `STAITHE_SEED=… cargo test -p settle --test property` replays one case; `STAITHE_CASES=…` asks for more of them.

mod engine;
mod reference;
mod rng;
mod script;
mod spec;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use model::{Fingerprint, Identity, Kind};

use engine::{Announcement, Engine, Mode, stamp};
use reference::{Asked, Must, Past, Whole, went_away};
use rng::Rng;
use script::Op;
use spec::{Spec, Takes};
use world::{Content, Ms, World};

const CASES: u64 = 4_000;
/// So long after the last writer has gone everything is decided.
const END: Ms = 420_000;

struct Case {
    specs: Vec<Spec>,
    mode: Mode,
    ops: Vec<Op>,
    seed: u64,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let specs = Spec::random(&mut rng);
        let mode = Mode { deaf: rng.chance(25), leases: rng.chance(70) };
        let ops = (0..5 + rng.below(50)).map(|_| Op::random(&mut rng)).collect();
        Self { specs, mode, ops, seed }
    }
}

/// Everything about one run: the world, the driver, and the reference that reads along.
struct Run<'a> {
    case: &'a Case,
    world: World,
    engine: Engine,
    past: Past,
    read: usize,
    checked: usize,
    ids: BTreeSet<String>,
    folds: BTreeMap<(String, u64), Content>,
}

impl<'a> Run<'a> {
    fn new(case: &'a Case) -> Self {
        let rng = Rng::new(case.seed ^ 0xABCD);
        Self {
            case,
            world: World::new(case.mode.deaf),
            engine: Engine::new(spec::rules(&case.specs), case.mode, rng),
            past: Past::default(),
            read: 0,
            checked: 0,
            ids: BTreeSet::new(),
            folds: BTreeMap::new(),
        }
    }

    fn whole(&mut self, ops: &[Op]) -> Result<(), String> {
        for op in ops {
            self.world.now += 1;
            op.happen(&mut self.world);
            match op {
                Op::Sleep(ms) => {
                    let to = self.world.now + ms;
                    self.engine.advance(&mut self.world, to)?;
                }
                Op::Read(events) => self.engine.turn(&mut self.world, *events)?,
                Op::Notify(unit) => self.engine.notify(&mut self.world, unit)?,
                _ => {}
            }
            self.check()?;
        }
        while self.world.has_writers() {
            self.world.now += 1;
            self.world.close(0);
        }
        for _ in 0..4 {
            let to = self.world.now + END / 4;
            self.engine.advance(&mut self.world, to)?;
            self.check()?;
        }
        self.check_end()
    }

    /// After each step: what was announced was complete, and nothing is forgotten.
    fn check(&mut self) -> Result<(), String> {
        for at in self.checked..self.engine.announced.len() {
            self.read_log(self.engine.announced[at].logged);
            self.check_announcement(at)?;
        }
        self.checked = self.engine.announced.len();
        self.read_log(self.world.log.len());
        for unit in self.past.units(&self.case.specs).keys() {
            if self.past.overdue(unit) > 1 {
                return Err(format!("{unit} was announced as incomplete twice"));
            }
        }
        self.check_nothing_is_forgotten()
    }

    fn read_log(&mut self, to: usize) {
        for (at, fact) in &self.world.log[self.read..to] {
            self.past.apply(*at, fact);
        }
        self.read = self.read.max(to);
    }

    /// P2 and P3 of one announcement; the reference stands just before it.
    fn check_announcement(&mut self, number: usize) -> Result<(), String> {
        let announcement = &self.engine.announced[number];
        let Announcement { unit, content, at, .. } = announcement;
        let asked = Asked { specs: &self.case.specs, mode: self.case.mode, must: Must::No };
        let now = (self.past.clone(), *at);
        if !self.was_so(&asked, &[now], announcement) {
            let states = self.states(announcement);
            if !self.was_so(&asked, &states, announcement) {
                let there = self.past.units(&self.case.specs);
                let there = there.get(unit).map(|there| &there.content);
                return Err(format!(
                    "P2: at {at} {unit} was announced, too early\n  as {content:?}\n  is {there:?}"
                ));
            }
        }
        let before = self.engine.announced[..number].iter().rev().find(|before| before.unit == *unit);
        if let Some(before) = before
            && before.content == *content
            && !went_away(&self.world.log[before.logged..announcement.logged], unit)
        {
            return Err(format!("P3: at {at} {unit} was announced again as {content:?}"));
        }
        self.check_identity(number)
    }

    fn was_so(&self, asked: &Asked<'_>, states: &[(Past, Ms)], announcement: &Announcement) -> bool {
        let spec = &self.case.specs[announcement.rule];
        let delivered = matches!(spec.deadline, Some((_, settle::OnDeadline::Deliver)));
        let same = |unit: &Whole| {
            let subset =
                announcement.content.iter().all(|(path, print)| unit.content.get(path) == Some(print));
            unit.content == announcement.content || delivered && spec.takes == Takes::Group && subset
        };
        let units: Vec<Whole> = states
            .iter()
            .filter_map(|(past, _)| past.units(&self.case.specs).remove(&announcement.unit))
            // Without events new members are found by scans only.
            .map(|unit| {
                let polled = self.case.mode.deaf && spec.takes == Takes::Group;
                if polled { unit.only(&announcement.content) } else { unit }
            })
            .filter(same)
            .collect();
        // What is written by another name is not heard under this one; only a look at a file itself tells.
        let unheard = |unit: &Whole| {
            matches!(spec.takes, Takes::Dataset | Takes::Group)
                && states.iter().any(|(past, _)| past.is_linked(unit))
        };
        units.iter().any(|unit| unheard(unit) || asked.holds(states, unit))
    }

    /// The states of the world while the facts were found out that led to the announcement.
    fn states(&self, announcement: &Announcement) -> Vec<(Past, Ms)> {
        let mut past = Past::default();
        let mut states = Vec::new();
        for (at, fact) in &self.world.log[..announcement.logged] {
            if *at >= announcement.since {
                states.push((past.clone(), *at));
            }
            past.apply(*at, fact);
        }
        states.push((past, announcement.at));
        states
    }

    /// Equal fingerprints give the same identity, other ones another; a fold is of one content only.
    fn check_identity(&mut self, number: usize) -> Result<(), String> {
        let announcement = &self.engine.announced[number];
        let print = announcement.print;
        let earlier = self.engine.announced[..number].iter();
        let recurrence =
            earlier.filter(|one| one.unit == announcement.unit && one.print == print).count() as u32;
        let takes = self.case.specs[announcement.rule].takes;
        let kind = if matches!(takes, Takes::Dataset | Takes::Group) { Kind::Dataset } else { Kind::File };
        let fingerprint = Fingerprint { size: print.size, mtime: stamp(print.mtime), inode: print.inode };
        let path = announcement.unit.as_bytes();
        let identity = Identity { site: "s", source: "t", path, kind, fingerprint, recurrence };
        if !self.ids.insert(identity.id().to_string()) {
            return Err(format!("P3: {} was announced under an id that was there before", announcement.unit));
        }
        if kind == Kind::Dataset {
            let fold = (announcement.unit.clone(), print.inode);
            let content = self.folds.entry(fold).or_insert_with(|| announcement.content.clone());
            if *content != announcement.content {
                return Err(format!("P3: two contents of {} have one fold", announcement.unit));
            }
        }
        let folds = self
            .folds
            .iter()
            .filter(|((unit, _), content)| *unit == announcement.unit && **content == announcement.content);
        if folds.count() > 1 {
            return Err(format!("P3: one content of {} has two folds", announcement.unit));
        }
        Ok(())
    }

    /// P8: what is there was announced as it is, or is looked at again.
    fn check_nothing_is_forgotten(&self) -> Result<(), String> {
        let world = &self.world;
        if !world.queue.is_empty() || world.overflowed {
            return Ok(());
        }
        for (name, unit) in self.past.units(&self.case.specs) {
            let longest = self.case.specs[unit.spec].say.longest().max(30_000);
            match self.engine.next_look(&name) {
                Some(next) if next <= world.now + longest + 1 => {}
                Some(next) => return Err(format!("P8: at {} {name} is looked at at {next} only", world.now)),
                // What no event tells of (a write under way) is found when it ends.
                None if self.is_announced(&unit) || world.has_writers() || self.engine.scan.is_some() => {}
                None => return Err(format!("P8: at {} {name} is forgotten: {:?}", world.now, unit.content)),
            }
        }
        Ok(())
    }

    fn is_announced(&self, unit: &Whole) -> bool {
        let Some(announced) = self.past.announced(&unit.name) else { return false };
        // Less than what was announced is nothing new.
        unit.content.iter().all(|(path, print)| announced.get(path) == Some(print))
            || self.past.is_linked(unit)
    }

    fn check_end(&mut self) -> Result<(), String> {
        let asked = Asked { specs: &self.case.specs, mode: self.case.mode, must: Must::Yes };
        let state = [(self.past.clone(), self.world.now)];
        for unit in self.past.units(&self.case.specs).values() {
            if asked.holds(&state, unit) && !self.is_announced(unit) {
                return Err(format!(
                    "P1: {} is complete and was never announced: {:?}",
                    unit.name, unit.content
                ));
            }
        }
        Ok(())
    }
}

fn run(case: &Case, ops: &[Op]) -> Result<(), String> {
    Run::new(case).whole(ops)
}

/// Leaves out what is not needed for the failure.
fn shrink(case: &Case) -> (Vec<Op>, String) {
    let mut ops = case.ops.clone();
    let mut error = run(case, &ops).err().unwrap_or_default();
    let mut chunk = ops.len().max(1);
    while chunk > 0 {
        let mut at = 0;
        while at < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + chunk).min(ops.len()));
            if let Err(still) = run(case, &fewer) {
                (ops, error) = (fewer, still);
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    (ops, error)
}

fn check(seed: u64) -> (usize, usize) {
    let case = Case::new(seed);
    let mut run = Run::new(&case);
    let Err(_) = run.whole(&case.ops) else {
        let waiting = run.engine.waiting.len();
        return (run.engine.announced.len(), waiting);
    };
    let (ops, error) = shrink(&case);
    let mut run = Run::new(&case);
    let _ = run.whole(&ops);
    let log: Vec<String> = run.world.log.iter().map(|(at, fact)| format!("    {at:>7} {fact:?}")).collect();
    let lines = |all: Vec<String>| all.join("\n    ");
    let specs = lines(case.specs.iter().map(|spec| format!("{spec:?}")).collect());
    let ops = lines(ops.iter().map(|op| format!("{op:?}")).collect());
    panic!(
        "{error}\n  rules:\n    {specs}\n  {:?}\n  operations:\n    {ops}\n  what happened:\n{}\n  replay: STAITHE_SEED={seed} \
         cargo test -p settle --test property",
        case.mode,
        log.join("\n"),
    );
}

#[test]
fn random_writers_are_never_early_never_twice_and_never_forgotten() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("STAITHE_SEED") {
        check(seed);
        return;
    }
    let totals = (0..number("STAITHE_CASES").unwrap_or(CASES)).map(check);
    let (announced, waiting) = totals.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{announced} announced, {waiting} waiting at the end");
    // A test that announces nothing, or lets nothing wait, would see little.
    assert!(announced > 1_000 && waiting > 100, "{announced} announced, {waiting} waiting");
}
