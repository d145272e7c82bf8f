//! What happens in one case: random operations of writers, of the kernel, of the machine and of time.

use std::time::Duration;

use testkit::chance::Chance;

use crate::world::Manners;

/// One thing that happens. Paths lie below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Opens for writing: a new file, or one that is there, which is cut off.
    Create(&'static str),
    /// Opens what is there for writing.
    Append(&'static str),
    /// Made, written and closed at once.
    Put(&'static str, u64),
    Write(usize, u64),
    Close(usize),
    /// Writes once more, and closes.
    Finish(usize, u64),
    Rename(&'static str, &'static str),
    Exchange(&'static str, &'static str),
    Link(&'static str, &'static str),
    Unlink(&'static str),
    Chmod(&'static str),
    Touch(&'static str),
    /// New times of which no event tells (`touch -m`).
    TouchUnheard(&'static str),
    Mkdir(&'static str),
    Rmdir(&'static str),
    /// The kernel's queue is full until it is read.
    Overflow,
    /// The last events are lost, and nothing tells of it.
    Lose(usize),
    /// Events of different files change places.
    Reorder,
    /// The drain thread reads so many events.
    Drain(usize),
    Turn,
    /// Time passes; the program does what is due.
    Sleep(u64),
    /// Time passes, and the program gets none of it.
    Stall(u64),
    /// The wall clock is set, by milliseconds.
    StepClock(i64),
    Rescan,
    /// The ledger as it is now is what a power cut leaves.
    Keep,
    Kill,
    PowerCut,
    Restart,
    Sink(Mood),
}

/// How the peer of the sink behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes everything.
    Well,
    /// Takes nothing.
    Down,
    /// Takes everything, and its answer is lost.
    Mute,
    /// Refuses every second event for now.
    Picky,
    /// Takes everything and never answers.
    Stuck,
}

/// An operation and its moment: between two turns, or during the next one after so many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) during: Option<u8>,
    pub(crate) op: Op,
}

/// The rules of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleSet {
    Local,
    Sftp,
    /// Ten seconds of quiet: a heuristic, which may be early.
    Network,
    /// `*.dat` after two seconds of quiet without a writer, everything else as `Local`.
    Mixed,
}

impl RuleSet {
    /// How long a file of that name must have rested, whatever else is known of it.
    pub(crate) fn rest(self, path: &str) -> Duration {
        let seconds = match self {
            RuleSet::Network => 10,
            RuleSet::Mixed if path.rsplit('.').next() == Some("dat") => 2,
            _ => 0,
        };
        Duration::from_secs(seconds)
    }
}

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) manners: Manners,
    pub(crate) rules: RuleSet,
    /// How often the tree is compared, in seconds; nothing: only when needed.
    pub(crate) rescan: Option<u64>,
    pub(crate) durable: bool,
    /// So many events fit into one call of the sink.
    pub(crate) batch: usize,
    pub(crate) steps: Vec<Step>,
}

const FILES: [&str; 16] = [
    "a", "a", "b", "b", "v.dat", "p.tmp", "d/a", "d/a", "d/b", "d/v.dat", "d/p.tmp", "d/e/a", "d/e/b", "x/a",
    "x/a", "x/e/a",
];
const DIRS: [&str; 8] = ["d", "d", "d/e", "x", "x", "x/e", "d/x", "d/e/f"];
/// Directories that may be new, each with a file in it.
const NEW: [(&str, &str); 4] = [("d", "d/a"), ("x", "x/a"), ("d/e", "d/e/a"), ("x/e", "x/e/a")];
const TIMES: [u64; 8] = [1, 20, 150, 300, 1_100, 2_500, 6_000, 14_000];
const STEPS: [i64; 6] = [-86_400_000, -3_600_000, -1_500, 700, 3_600_000, 86_400_000];
/// After so many calls of a turn. A turn without anything to do makes three.
const MOMENTS: [u8; 12] = [0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 8, 11];
const MOODS: [Mood; 7] =
    [Mood::Well, Mood::Well, Mood::Well, Mood::Down, Mood::Mute, Mood::Picky, Mood::Stuck];

/// Whether the rules ignore the name.
pub(crate) fn is_temporary(path: &str) -> bool {
    path.rsplit('.').next() == Some("tmp")
}

impl Case {
    pub(crate) fn random(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let manners = Manners {
            leases: chance.below(5) > 0,
            self_first: chance.flip(),
            room: chance.pick(&[4, 12, 16_384, 16_384, 16_384]),
        };
        let rules = chance.pick(&[
            RuleSet::Local,
            RuleSet::Local,
            RuleSet::Local,
            RuleSet::Sftp,
            RuleSet::Network,
            RuleSet::Mixed,
        ]);
        let rescan = chance.pick(&[None, None, Some(20)]);
        let durable = chance.below(4) == 0;
        let batch = chance.pick(&[1, 2, 5, 256]);
        let swarm = Swarm::random(&mut chance, rescan.is_some(), durable);
        let there: Vec<&str> = ["d", "d/e", "x"].into_iter().filter(|_| chance.below(10) < 8).collect();
        let mut steps: Vec<Step> =
            there.into_iter().map(|dir| Step { during: None, op: Op::Mkdir(dir) }).collect();
        let count = steps.len() + 10 + chance.below(70);
        while steps.len() < count {
            swarm.push(&mut chance, &mut steps);
        }
        Self { manners, rules, rescan, durable, batch, steps }
    }
}

/// How often each kind of operation comes in one case. Cases differ in it: a mixture of everything seldom gets deep
/// into anything.
struct Swarm {
    weights: Vec<(usize, Kind)>,
    total: usize,
    /// Of ten operations on files so many fall into a turn.
    inside: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Write,
    Publish,
    Remove,
    Attributes,
    Folders,
    MoveFolders,
    Overflow,
    Lose,
    Reorder,
    Turn,
    Pass,
    Clock,
    Crash,
    Sink,
    /// Several that belong together.
    Race,
}

/// What single operations hit upon too seldom.
fn race(chance: &mut Chance) -> Vec<Step> {
    let (file, dir, bytes) = (chance.pick(&FILES), chance.pick(&NEW), 1 + chance.below(9) as u64);
    let at_border = |op| Step { during: None, op };
    let inside = |chance: &mut Chance, op| Step { during: Some(1 + chance.below(8) as u8), op };
    let handle = chance.below(4);
    match chance.below(4) {
        // The last of two writers ends while the file is looked at.
        0 => {
            let mut steps: Vec<Step> =
                [Op::Create(file), Op::Append(file), Op::Close(handle)].map(at_border).into();
            let last = Op::Finish(chance.below(4), bytes);
            steps.push(inside(chance, last));
            steps
        }
        // A file appears in a directory that is being walked.
        1 => {
            let (dir, file) = dir;
            vec![at_border(Op::Mkdir(dir)), inside(chance, Op::Put(file, bytes)), at_border(Op::Turn)]
        }
        // A renamed directory takes along what is just being made in it.
        2 => {
            let (dir, file) = dir;
            let to = chance.pick(&DIRS);
            vec![
                inside(chance, Op::Rename(dir, to)),
                inside(chance, Op::Put(file, bytes)),
                at_border(Op::Turn),
            ]
        }
        // Some generations of one path for a peer that refuses now and then.
        _ => [
            Op::Sink(Mood::Picky),
            Op::Put(file, bytes),
            Op::Turn,
            Op::Put(file, bytes),
            Op::Turn,
            Op::Put(file, 1),
        ]
        .map(at_border)
        .into(),
    }
}

impl Swarm {
    fn random(chance: &mut Chance, compares: bool, durable: bool) -> Self {
        let mut weights = vec![(24, Kind::Write), (12, Kind::Turn), (14, Kind::Pass)];
        let optional = [
            (14, Kind::Publish),
            (5, Kind::Remove),
            (4, Kind::Attributes),
            (9, Kind::Folders),
            (9, Kind::MoveFolders),
            (3, Kind::Overflow),
            (3, Kind::Reorder),
            (3, Kind::Clock),
            (6, Kind::Sink),
            (6, Kind::Race),
        ];
        weights.extend(optional.into_iter().filter(|_| chance.below(10) < 6));
        if compares && chance.flip() {
            weights.push((2, Kind::Lose));
        }
        if durable && chance.below(10) < 7 {
            weights.push((8, Kind::Crash));
        }
        let total = weights.iter().map(|(weight, _)| weight).sum();
        Self { weights, total, inside: chance.pick(&[0, 2, 5, 8]) }
    }

    /// One operation more, or a few that belong together.
    fn push(&self, chance: &mut Chance, steps: &mut Vec<Step>) {
        let mut at = chance.below(self.total);
        let kind = self.weights.iter().find_map(|(weight, kind)| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here.then_some(*kind)
        });
        match kind.unwrap_or(Kind::Turn) {
            Kind::Race => steps.extend(race(chance)),
            kind => {
                let op = kind.op(chance);
                let inside = kind.is_of_the_world() && chance.below(10) < self.inside;
                steps.push(Step { during: inside.then(|| chance.pick(&MOMENTS)), op });
            }
        }
    }
}

impl Kind {
    const fn is_of_the_world(self) -> bool {
        !matches!(self, Kind::Turn | Kind::Pass | Kind::Clock | Kind::Crash | Kind::Sink | Kind::Race)
    }

    fn op(self, chance: &mut Chance) -> Op {
        let (file, dir, number) = (chance.pick(&FILES), chance.pick(&DIRS), chance.below(100));
        let bytes = 1 + chance.below(9) as u64;
        match self {
            Kind::Write => match number {
                0..20 => Op::Create(file),
                20..34 => Op::Append(file),
                34..56 => Op::Put(file, bytes),
                56..70 => Op::Write(chance.below(6), bytes),
                70..85 => Op::Finish(chance.below(6), bytes),
                _ => Op::Close(chance.below(6)),
            },
            Kind::Publish => match number {
                0..70 => Op::Rename(chance.pick(&FILES), file),
                70..90 => Op::Link(chance.pick(&FILES), file),
                _ => Op::Exchange(chance.pick(&FILES), file),
            },
            Kind::Remove => Op::Unlink(file),
            Kind::Attributes => match number {
                0..40 => Op::Chmod(file),
                40..80 => Op::Touch(file),
                _ => Op::TouchUnheard(file),
            },
            Kind::Folders => match number {
                0..80 => Op::Mkdir(dir),
                _ => Op::Rmdir(dir),
            },
            Kind::MoveFolders => match number {
                0..85 => Op::Rename(dir, chance.pick(&DIRS)),
                _ => Op::Exchange(dir, chance.pick(&DIRS)),
            },
            Kind::Overflow => Op::Overflow,
            Kind::Lose => Op::Lose(1 + number % 3),
            Kind::Reorder => Op::Reorder,
            Kind::Turn => match number {
                0..60 => Op::Turn,
                60..95 => Op::Drain(number % 5),
                _ => Op::Rescan,
            },
            Kind::Pass => match number {
                0..85 => Op::Sleep(chance.pick(&TIMES)),
                _ => Op::Stall(chance.pick(&TIMES)),
            },
            Kind::Clock => Op::StepClock(chance.pick(&STEPS)),
            Kind::Crash => chance.pick(&[Op::Keep, Op::Keep, Op::Kill, Op::Kill, Op::PowerCut, Op::Restart]),
            Kind::Sink | Kind::Race => Op::Sink(chance.pick(&MOODS)),
        }
    }
}
