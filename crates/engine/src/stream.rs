//! The event stream of a source: one thread that tells what happens in its tree.
//!
//! The file side of it is [`watch::stream`]. This thread owns the root (there, absent, gone, back), says when it was,
//! and who is told, and hands it to the ledger. It may wait for the ledger (then the kernel's queue overflows, which is
//! told, and the tree is compared); it never waits for a sink.

pub(crate) mod front;
pub(crate) mod orders;
pub(crate) mod pairing;
pub(crate) mod selecting;
pub(crate) mod telling;

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::{Backend, SourcePlan};
use ledger::SinkId;
use model::Happening;
use settle::Mono;
use sys::filesystem::{self, FileSystem, Trust};
use sys::{Dir, Errno};
use watch::stream::{Existing, Root, Stream, StreamBackend, StreamSettings};

use crate::notice::{Notice, Observer};
use crate::standing::{SourceState, StreamStanding};
use front::Front;
use orders::{StreamOrder, StreamOrders};
use selecting::Wishes;
use telling::{Post, Teller};

/// How often a root that is not there is looked for.
const LOOK: Duration = Duration::from_millis(250);
/// How often a root that is there is looked at: whether it is still the same.
const ROOT_CHECK: Duration = Duration::from_secs(1);
/// How long the thread sleeps at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long, at the end, what the kernel has by then is read.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The same before other wishes are taken over: less than a reload waits for its streams.
const CATCH_UP: Duration = Duration::from_secs(1);
/// The first and the longest time after which a stream that failed is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What a stream needs from the engine.
pub(crate) struct Berth {
    pub(crate) plan: SourcePlan,
    pub(crate) wishes: Wishes,
    pub(crate) post: Post,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) orders: Arc<StreamOrders>,
    pub(crate) standing: Arc<StreamStanding>,
    /// The source itself, if nobody looks for files in it.
    pub(crate) front: Option<Front>,
}

/// What tells one root from another at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    is_dir: bool,
}

/// Whether the root is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is looked for.
    Sought,
    /// This one is heard.
    Heard(Identity),
}

/// The thread's state.
struct Listener<'a> {
    berth: &'a mut Berth,
    teller: Teller,
    ear: Option<Stream>,
    place: Place,
    /// What lies there when the root is found is told: it was not there before.
    tells_existing: bool,
    next_look: Mono,
    failures: u32,
    overflows: u64,
    /// What is wrong, as it was told last.
    error: Option<String>,
    state: SourceState,
    stopping: bool,
}

/// The thread's life. A fault of it is its own: the others go on, and it begins anew after a while.
pub(crate) fn live(mut berth: Berth) {
    let mut failures = 0;
    while catch_unwind(AssertUnwindSafe(|| Listener::new(&mut berth).run())).is_err() {
        failures += 1;
        let wait = retry_after(failures);
        let error = "its thread has failed; please report this".to_owned();
        berth.tell_of_failure(&error, wait);
        berth.standing.update(|row| {
            (row.state, row.error) = (SourceState::Failed, Some(error));
        });
        if berth.rest(wait) {
            return;
        }
    }
}

fn retry_after(failures: u32) -> Duration {
    (RETRY.0 * 2u32.saturating_pow(failures.saturating_sub(1).min(16))).min(RETRY.1)
}

impl Berth {
    fn now(&self) -> Mono {
        self.post.clock.mono()
    }

    fn tell_of_failure(&self, error: &str, retry_in: Duration) {
        let (source, path) = (self.plan.name.as_str(), self.plan.path.as_path());
        self.observer.notice(&Notice::StreamFailed { source, path, error, retry_in });
    }

    /// Waits after a fault; true when the thread is to end.
    fn rest(&mut self, time: Duration) -> bool {
        let until = self.now() + time;
        while self.now() < until {
            for order in self.orders.take() {
                match order {
                    StreamOrder::Stop => return true,
                    StreamOrder::Replan { plan, wishes, .. } => (self.plan, self.wishes) = (*plan, wishes),
                    StreamOrder::Front(front) => self.front = front,
                }
            }
            let now = self.now();
            self.standing.update(|row| row.heartbeat = now);
            self.show_front();
            std::thread::sleep(LOOK.min(time));
        }
        false
    }

    fn show_front(&self) {
        if let Some(front) = &self.front {
            front.answer();
            front.publish(&self.standing.row());
        }
    }

    fn settings(&self, filesystem: &FileSystem) -> StreamSettings {
        let unheard = matches!(filesystem.trust, Trust::Remote | Trust::Unknown);
        let polled = self.plan.backend == Backend::Poll || (self.plan.backend == Backend::Auto && unheard);
        let backend = if polled {
            StreamBackend::Polled { every: self.plan.poll_interval }
        } else {
            StreamBackend::Events
        };
        StreamSettings { recursive: self.plan.recursive, wanted: self.wishes.wanted(), backend }
    }
}

/// What lies at the root's path. Links in it are followed.
fn identify(path: &Path) -> Result<Identity, std::io::Error> {
    let meta = std::fs::metadata(path)?;
    Ok(Identity { device: meta.dev(), inode: meta.ino(), is_dir: meta.is_dir() })
}

/// The file system that a root lies on. It is reached, not opened: nobody hears of that.
fn filesystem_of(path: &Path, is_dir: bool) -> Result<FileSystem, Errno> {
    let dir = if is_dir { Some(path) } else { path.parent() };
    Dir::reach_root(dir.unwrap_or(path)).map(|dir| filesystem::of(&dir))
}

impl<'a> Listener<'a> {
    fn new(berth: &'a mut Berth) -> Self {
        let teller = Teller::new(berth.post.clone(), berth.wishes.clone());
        Self {
            berth,
            teller,
            ear: None,
            place: Place::Sought,
            tells_existing: false,
            next_look: Mono::ZERO,
            failures: 0,
            overflows: 0,
            error: None,
            state: SourceState::Starting,
            stopping: false,
        }
    }

    fn run(mut self) {
        loop {
            self.take_orders();
            if self.stopping || self.teller.is_closed() {
                break;
            }
            let now = self.berth.now();
            match self.place {
                Place::Sought if now >= self.next_look => self.seek(now),
                Place::Sought => {}
                Place::Heard(identity) => self.listen(identity, now),
            }
            self.publish();
            self.wait();
        }
        self.say_last_words();
    }

    fn wait(&self) {
        let until = match self.place {
            Place::Sought => self.next_look,
            Place::Heard(_) => self.berth.now() + LONGEST_SLEEP,
        };
        let time = until.saturating_sub(self.berth.now()).min(LONGEST_SLEEP);
        match &self.ear {
            Some(ear) if self.place != Place::Sought => ear.wait(time),
            _ => self.berth.orders.wait(time),
        }
    }

    fn take_orders(&mut self) {
        for order in self.berth.orders.take() {
            match order {
                StreamOrder::Stop => self.stopping = true,
                StreamOrder::Replan { plan, wishes, renewed, done } => {
                    self.replan(*plan, wishes, &renewed);
                    drop(done);
                }
                StreamOrder::Front(front) => self.berth.front = front,
            }
        }
    }

    /// Takes over other wishes. Whoever is new hears of the watch's beginning, whoever is wished no more of its end,
    /// and whoever is told something else from now on, or is itself another one, hears of that. The others hear nothing.
    fn replan(&mut self, plan: SourcePlan, wishes: Wishes, renewed: &[SinkId]) {
        let (before, after) = (self.teller.wishes().sinks(), wishes.sinks());
        let changed: Vec<SinkId> = after
            .iter()
            .copied()
            .filter(|sink| before.contains(sink))
            .filter(|sink| renewed.contains(sink) || !wishes.same_for(self.teller.wishes(), *sink))
            .collect();
        let new: Vec<SinkId> = after.iter().copied().filter(|sink| !before.contains(sink)).collect();
        let gone: Vec<SinkId> = before.into_iter().filter(|sink| !after.contains(sink)).collect();
        // What happened until now is told as it was wished until now.
        if matches!(self.place, Place::Heard(_)) {
            let root = self.catch_up(CATCH_UP);
            if root != Root::Alive {
                self.lose(root, self.berth.now());
            }
        }
        self.berth.plan = plan;
        self.berth.wishes = wishes.clone();
        self.teller.wish(wishes);
        if matches!(self.place, Place::Heard(_)) {
            self.retune();
            self.teller.tell(Happening::WatchDead, &gone);
            self.teller.tell(Happening::WatchReconfig, &changed);
            self.teller.tell(Happening::WatchInit, &new);
            self.teller.flush();
        }
    }

    /// Other bits or another pace, for the tree that is heard already.
    fn retune(&mut self) {
        let Place::Heard(Identity { is_dir, .. }) = self.place else { return };
        let Ok(filesystem) = filesystem_of(&self.berth.plan.path, is_dir) else { return };
        if let Some(ear) = &mut self.ear {
            ear.set(self.berth.settings(&filesystem));
        }
    }

    /// Looks for the root, and begins when it is there.
    fn seek(&mut self, now: Mono) {
        let path = self.berth.plan.path.clone();
        let identity = match identify(&path) {
            Ok(identity) => identity,
            Err(error) => return self.miss(&error, now),
        };
        match self.begin(&path, identity, now) {
            Ok(()) => {
                (self.failures, self.error) = (0, None);
                self.place = Place::Heard(identity);
                self.next_look = now + ROOT_CHECK;
                self.tell_of_beginning();
            }
            Err(error) => self.miss(&error, now),
        }
    }

    fn begin(&mut self, path: &Path, identity: Identity, now: Mono) -> Result<(), std::io::Error> {
        let filesystem = filesystem_of(path, identity.is_dir)?;
        let real = path.canonicalize()?;
        let settings = self.berth.settings(&filesystem);
        let ear = match &mut self.ear {
            Some(ear) => {
                ear.set(settings);
                ear
            }
            none => none.insert(Stream::new(settings, Arc::clone(self.berth.orders.bell()))?),
        };
        self.berth.standing.update(|row| row.filesystem = filesystem.name);
        let teller = &mut self.teller;
        teller.root_is(real.as_os_str().as_bytes(), identity.is_dir);
        let existing = if self.tells_existing { Existing::Told } else { Existing::Silent };
        let all = teller.wishes().sinks();
        let mut begun = false;
        let heard = ear.begin(path, existing, now, &mut |told| {
            if !std::mem::replace(&mut begun, true) {
                teller.tell(Happening::WatchInit, &all);
            }
            teller.hear(told);
        });
        // From what is heard on, it is in order: first that the watch began, and whatever was told, that it ended.
        teller.heard_by(ear.standing().backend);
        match heard {
            Ok(()) if !begun => teller.tell(Happening::WatchInit, &all),
            Err(_) if begun => teller.tell(Happening::WatchDead, &all),
            _ => {}
        }
        teller.flush();
        heard.map_err(|error| {
            ear.end();
            error.into()
        })
    }

    /// The root is not there, or cannot be heard.
    fn miss(&mut self, error: &std::io::Error, now: Mono) {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        self.place = Place::Sought;
        let absent = matches!(error.kind(), NotFound | NotADirectory);
        let text = error.to_string();
        let news = self.error.as_ref() != Some(&text);
        let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
        if absent {
            (self.state, self.failures, self.tells_existing) = (SourceState::Absent, 0, true);
            self.next_look = now + LOOK;
            if news {
                self.berth.observer.notice(&Notice::StreamAbsent { source, path, error: &text });
            }
        } else {
            self.state = SourceState::Failed;
            self.failures += 1;
            let wait = retry_after(self.failures);
            self.next_look = now + wait;
            if news {
                self.berth.tell_of_failure(&text, wait);
            }
        }
        self.error = Some(text);
    }

    fn tell_of_beginning(&self) {
        let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
        let backend = self.ear.as_ref().map_or("", |ear| ear.standing().backend);
        let filesystem = self.berth.standing.row().filesystem;
        self.berth.observer.notice(&Notice::StreamBegun { source, path, backend, filesystem });
        if self.teller.passes_over_own() {
            self.berth.observer.notice(&Notice::StreamOwn { source, path });
        }
    }

    /// Tells what the kernel has, and looks now and then whether the root is still the one that is heard.
    fn listen(&mut self, identity: Identity, now: Mono) {
        let mut root = self.turn(now);
        if root == Root::Alive && now >= self.next_look {
            self.next_look = now + ROOT_CHECK;
            if identify(&self.berth.plan.path).ok() != Some(identity) {
                // The kernel may have told why, and nobody has read it yet.
                root = match self.turn(now) {
                    Root::Alive => Root::Unmounted,
                    told => told,
                };
            }
        }
        if root != Root::Alive {
            self.lose(root, now);
        }
    }

    fn turn(&mut self, now: Mono) -> Root {
        let Some(ear) = &mut self.ear else { return Root::Unmounted };
        let teller = &mut self.teller;
        let root = ear.turn(now, &mut |told| teller.hear(told));
        teller.heard_by(ear.standing().backend);
        teller.flush();
        root
    }

    /// Tells all that the kernel has by now, however much that is and whether or not anybody asked for it, as long as
    /// there is time.
    fn catch_up(&mut self, patience: Duration) -> Root {
        let until = self.berth.now() + patience;
        loop {
            let now = self.berth.now();
            let root = self.turn(now);
            let Some(ear) = self.ear.as_ref().filter(|ear| ear.has_more()) else { return root };
            if root != Root::Alive || self.teller.is_closed() || now >= until {
                return root;
            }
            // The second half of a rename may still come.
            ear.wait(until.saturating_sub(now));
        }
    }

    /// The root is gone: the watch has an end, and another beginning when it is back.
    fn lose(&mut self, root: Root, now: Mono) {
        let all = self.teller.wishes().sinks();
        self.teller.tell(Happening::WatchDead, &all);
        self.teller.flush();
        if let Some(ear) = &mut self.ear {
            ear.end();
        }
        (self.place, self.state, self.tells_existing) = (Place::Sought, SourceState::Absent, true);
        self.next_look = now;
        let error = match root {
            Root::Deleted => "it was deleted",
            Root::Moved => "it was renamed",
            Root::Alive | Root::Unmounted => "it was unmounted or replaced",
        };
        let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
        self.berth.observer.notice(&Notice::StreamAbsent { source, path, error });
        self.error = Some(error.to_owned());
    }

    /// What the kernel has by now is told, and then that this is the end.
    fn say_last_words(&mut self) {
        if !matches!(self.place, Place::Heard(_)) {
            return;
        }
        let root = self.catch_up(LAST_WORDS);
        let all = self.teller.wishes().sinks();
        if root == Root::Alive && self.ear.as_ref().is_some_and(Stream::has_more) {
            // Time was up. What is left is lost, and that is what this word means.
            self.teller.tell(Happening::Overflow, &all);
            let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
            self.berth.observer.notice(&Notice::StreamCutOff { source, path });
        }
        self.teller.tell(Happening::WatchDead, &all);
        self.teller.flush();
        if let Some(ear) = &mut self.ear {
            ear.end();
        }
        self.berth.observer.notice(&Notice::Stopped { path: &self.berth.plan.path });
    }

    /// Tells the others how the stream stands.
    fn publish(&mut self) {
        let now = self.berth.now();
        let heard = self.ear.as_ref().filter(|_| self.place != Place::Sought).map(Stream::standing);
        let standing = heard.unwrap_or_default();
        if self.place != Place::Sought {
            let short = standing.unwatched > 0;
            self.state = if short { SourceState::Degraded } else { SourceState::Ok };
            if standing.overflows > self.overflows {
                let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
                self.berth.observer.notice(&Notice::StreamOverflow { source, path });
            }
            self.overflows = standing.overflows;
        }
        let (state, error, told) = (self.state, &self.error, self.teller.told());
        let overflows = self.overflows;
        self.berth.standing.update(|row| {
            if row.told != told {
                row.last_event = now;
            }
            (row.state, row.told, row.overflows, row.heartbeat) = (state, told, overflows, now);
            row.error.clone_from(error);
            row.backend = if standing.backend.is_empty() { "none" } else { standing.backend };
            row.watches = standing.watches as u64;
            row.polled = standing.polled_directories as u64;
            row.unwatched = standing.unwatched as u64;
            row.unwatched_named = standing.unwatched_first;
            // As arrivals do: a root that is not there holds up nobody.
            row.ready |= state != SourceState::Starting;
        });
        self.berth.show_front();
    }
}
