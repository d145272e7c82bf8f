//! A file system in memory with clocks of its own, and scanners that answer late or never.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use settle::Mono;

use crate::poll::{Book, Pace, Signature, Want};
use crate::tree::{DirId, Tree};

/// Numbers that look random and come again with the same seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// One of `0..below`.
    pub(super) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    pub(super) fn millis(&mut self, below: u64) -> Duration {
        Duration::from_millis(self.roll(below))
    }
}

/// The clock of whoever keeps the file system: it has ticks, and tells another time than ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) tick: Duration,
    /// In nanoseconds.
    pub(super) offset: i64,
}

impl Clock {
    fn at(self, now: Mono) -> (i64, u32) {
        let exact = now.as_nanos() as i64 + self.offset;
        let stamp = exact - exact.rem_euclid(self.tick.as_nanos() as i64);
        (stamp.div_euclid(1_000_000_000), stamp.rem_euclid(1_000_000_000) as u32)
    }
}

#[derive(Clone, Debug)]
pub(super) struct FakeDir {
    pub(super) entries: BTreeSet<u64>,
    signature: Signature,
}

/// Directories side by side; how they hang together is nothing to the book.
pub(super) struct FakeTree {
    clock: Clock,
    pub(super) dirs: BTreeMap<DirId, FakeDir>,
    next: u64,
}

impl FakeTree {
    pub(super) fn new(clock: Clock, dirs: usize) -> Self {
        let mut tree = Tree::new();
        let mut fake = Self { clock, dirs: BTreeMap::new(), next: 1 };
        for number in 0..dirs {
            let dir = fake.make(Mono::ZERO);
            fake.dirs.insert(tree.add(DirId::ROOT, number.to_string().as_bytes()), dir);
        }
        fake
    }

    fn make(&mut self, now: Mono) -> FakeDir {
        self.next += 1;
        let time = self.clock.at(now);
        let signature = Signature { mtime: time, ctime: time, inode: self.next, device: 1 };
        FakeDir { entries: BTreeSet::new(), signature }
    }

    pub(super) fn ids(&self) -> Vec<DirId> {
        self.dirs.keys().copied().collect()
    }

    pub(super) fn signature(&self, dir: DirId) -> Signature {
        self.dirs[&dir].signature
    }

    /// An entry comes.
    pub(super) fn grow(&mut self, dir: DirId, now: Mono) {
        self.next += 1;
        let (entry, time) = (self.next, self.clock.at(now));
        let dir = self.dirs.get_mut(&dir).unwrap();
        dir.entries.insert(entry);
        (dir.signature.mtime, dir.signature.ctime) = (time, time);
    }

    /// Whatever may happen to a directory.
    pub(super) fn change(&mut self, dir: DirId, now: Mono, dice: &mut Dice) {
        let time = self.clock.at(now);
        match dice.roll(8) {
            0..4 => self.grow(dir, now),
            4..6 => {
                let dir = self.dirs.get_mut(&dir).unwrap();
                if dir.entries.pop_first().is_some() {
                    (dir.signature.mtime, dir.signature.ctime) = (time, time);
                }
            }
            // Another directory is renamed to here, perhaps with the same old time.
            6 => {
                let mtime = self.signature(dir).mtime;
                let mut other = self.make(now);
                other.entries.insert(other.signature.inode);
                other.signature.mtime = mtime;
                self.dirs.insert(dir, other);
            }
            // Something comes, and who brought it sets the time back.
            _ => {
                let mtime = self.signature(dir).mtime;
                self.grow(dir, now);
                self.dirs.get_mut(&dir).unwrap().signature.mtime = mtime;
            }
        }
    }
}

/// A question on its way.
#[derive(Debug)]
struct Question {
    dir: DirId,
    want: Want,
    /// When the scanner stats, when it lists, and when the answer is here.
    stat: Mono,
    list: Mono,
    back: Mono,
    found: Option<(Signature, BTreeSet<u64>)>,
    listed: Option<BTreeSet<u64>>,
}

/// How long a scanner takes for a question; `None`: it never comes back.
pub(super) type Delay<'a> = dyn FnMut(DirId, &mut Dice) -> Option<Duration> + 'a;

/// A book, a file system and scanners between them.
pub(super) struct World<'a> {
    pub(super) now: Mono,
    pub(super) fs: FakeTree,
    pub(super) book: Book,
    pub(super) dice: Dice,
    pub(super) delay: Box<Delay<'a>>,
    /// What the last listing of each directory has shown.
    pub(super) seen: BTreeMap<DirId, BTreeSet<u64>>,
    /// Everything that was asked.
    pub(super) asked: Vec<(Mono, DirId, Want)>,
    questions: Vec<Question>,
}

impl<'a> World<'a> {
    pub(super) fn new(seed: u64, clock: Clock, dirs: usize, pace: Pace) -> Self {
        let mut world = Self {
            now: Mono::ZERO,
            fs: FakeTree::new(clock, dirs),
            book: Book::new(pace),
            dice: Dice::new(seed),
            delay: Box::new(|_, _| Some(Duration::ZERO)),
            seen: BTreeMap::new(),
            asked: Vec::new(),
            questions: Vec::new(),
        };
        for dir in world.fs.ids() {
            world.book.take_on(dir, None, Mono::ZERO);
            world.seen.insert(dir, BTreeSet::new());
        }
        world
    }

    pub(super) fn delay(mut self, delay: impl FnMut(DirId, &mut Dice) -> Option<Duration> + 'a) -> Self {
        self.delay = Box::new(delay);
        self
    }

    /// Lets time go on to `until`; whatever is due on the way is done.
    pub(super) fn run(&mut self, until: Mono) {
        loop {
            let moments = self.questions.iter().map(Question::next);
            let next = moments.chain(self.book.next()).min().map_or(until, |next| next.max(self.now));
            if next > until {
                self.now = until;
                return;
            }
            self.now = next;
            self.work();
            let asks = self.book.asks(self.now);
            // Otherwise whoever waits for what is due would wait for nothing, and spin.
            assert!(self.book.next().is_none_or(|next| next > self.now), "due and not done: {:?}", self.book);
            self.give(asks);
        }
    }

    fn give(&mut self, asks: Vec<(DirId, Want)>) {
        for (dir, want) in asks {
            assert!(self.questions.iter().all(|question| question.dir != dir), "asked twice: {dir:?}");
            self.asked.push((self.now, dir, want));
            let took = (self.delay)(dir, &mut self.dice);
            let back = took.map_or(Mono::MAX, |took| self.now + took);
            // The stat comes somewhere on the way, the listing after it.
            let took = took.unwrap_or(Duration::MAX);
            let share = |part: u64| took.saturating_mul(part as u32) / 100;
            let (one, two) = (self.dice.roll(101), self.dice.roll(101));
            let stat = self.now.saturating_add(share(one.min(two)));
            let list = self.now.saturating_add(share(one.max(two)));
            self.questions.push(Question { dir, want, stat, list, back, found: None, listed: None });
        }
    }

    fn work(&mut self) {
        let now = self.now;
        for question in &mut self.questions {
            let dir = &self.fs.dirs[&question.dir];
            if question.stat <= now && question.found.is_none() {
                question.found = Some((dir.signature, dir.entries.clone()));
            }
            if question.list <= now && question.listed.is_none() {
                question.listed = Some(dir.entries.clone());
            }
        }
        while let Some(at) = self.questions.iter().position(|question| question.back <= now) {
            let question = self.questions.swap_remove(at);
            self.answer(question);
        }
    }

    fn answer(&mut self, question: Question) {
        let (Some((signature, entries)), Some(listed)) = (question.found, question.listed) else {
            panic!("an answer before the work");
        };
        if question.want == Want::IfNot(signature) {
            let seen = &self.seen[&question.dir];
            assert_eq!(*seen, entries, "{:?} at {:?}: something went unseen", question.dir, self.now);
            return self.book.answered(question.dir, None, self.now);
        }
        let count = listed.len() as u64;
        self.seen.insert(question.dir, listed);
        self.book.answered(question.dir, Some((signature, count)), self.now);
    }

    /// Answers that never came are here now.
    pub(super) fn unstick(&mut self) {
        let now = self.now;
        for question in &mut self.questions {
            (question.stat, question.list, question.back) =
                (question.stat.min(now), question.list.min(now), question.back.min(now));
        }
        self.delay = Box::new(|_, _| Some(Duration::ZERO));
    }

    /// When the directory was asked for.
    pub(super) fn moments(&self, dir: DirId) -> Vec<Mono> {
        self.asked.iter().filter(|(_, asked, _)| *asked == dir).map(|(at, ..)| *at).collect()
    }
}

impl Question {
    fn next(&self) -> Mono {
        match (&self.found, &self.listed) {
            (None, _) => self.stat,
            (_, None) => self.list,
            _ => self.back,
        }
    }
}
