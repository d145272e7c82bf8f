//! One source: one thread that owns everything about one watched tree.
//!
//! It hears hints, looks at files, asks the rules, and hands what is complete to the ledger. It may
//! wait for the ledger (then the backlog fills, the kernel's queue overflows, and a scan heals it);
//! it never waits for a sink.

mod admitting;
mod admitting_bundles;
mod agenda;
mod answering;
mod asking;
mod backoff;
mod bundles;
mod bundling;
mod canaries;
pub(crate) mod companions;
mod departing;
mod dirty;
mod gaps;
mod grouping;
#[cfg(test)]
mod halves;
mod inquiry;
mod known;
pub(crate) mod looking;
mod mounting;
mod notifying;
mod reannouncing;
mod rooms;
mod rooting;
mod scanning;
mod surveying;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::{Announce, Backend, Initial, SourcePlan};
use ledger::{Ledger, RouteId, SourceId};
use model::{Kind, Reason, Stamp};
use settle::{Completion, Mono, Rule};
use watch::scan::Step;
use watch::{Backlog, DirId, Pace, RegionId, Scan, Settings, Wanted, Watcher};

use crate::clock::Clock;
use crate::inspector::Inspector;
use crate::notice::{Notice, Observer};
use crate::orders::{Order, Orders};
use crate::standing::{MountRow, SourceState, Standing};
use agenda::Agenda;
use backoff::Backoff;
use bundles::{Bundle, KnownBundle};
use canaries::Canaries;
use companions::{HeardBeside, Spent};
use dirty::{Dirty, Folding};
use grouping::MemberOf;
use known::{Known, KnownFiles};
use looking::Redated;
use reannouncing::Listing;
pub(crate) use rooms::Queue;
use rooting::Root;
use scanning::Rescans;
use waiting::WaitingUnits;

/// Asks the sink of that name; the number tells the answer from that to an earlier question.
pub(crate) type AskRoom = Arc<dyn Fn(u32, &str, Arc<Orders>) + Send + Sync>;

/// Where a source's events go.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// Of each rule, by its index.
    pub(crate) rules: Vec<RouteId>,
    /// Of each rule's removals, if somebody is told: the sinks whose format can tell one from an arrival where the rule
    /// asks for it, and mirrors in any case.
    pub(crate) removals: Vec<Option<RouteId>>,
    /// Where gaps are announced, if they are.
    pub(crate) gaps: Option<RouteId>,
}

/// What a source needs from the engine.
pub(crate) struct Berth {
    pub(crate) plan: SourcePlan,
    pub(crate) id: SourceId,
    pub(crate) routes: Routes,
    pub(crate) first_scan_done: bool,
    pub(crate) armed_at: Option<Stamp>,
    pub(crate) inode_in_identity: Option<bool>,
    /// The root directory in which files are known.
    pub(crate) incarnation: Option<i64>,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) standing: Arc<Standing>,
    /// Asks a sink how long its queue is; the answer comes as an order. Never waits.
    pub(crate) ask_room: AskRoom,
}

/// The thread's state.
#[expect(clippy::struct_excessive_bools, reason = "the whole state of a thread, each on its own")]
pub(crate) struct Source {
    berth: Berth,
    /// The rules' names, shared with every admission.
    rule_names: Vec<Arc<str>>,
    backlog: Arc<Backlog>,
    watcher: Watcher,
    root: Root,
    dirty: Dirty,
    known: KnownFiles,
    waiting: WaitingUnits,
    /// Datasets and groups: those that wait, and all groups. Bounded by what lies in the tree.
    bundles: Agenda<Bundle>,
    /// Datasets and groups that were announced.
    known_bundles: HashMap<Box<[u8]>, KnownBundle>,
    /// The group of each member. Bounded by the members that lie in the tree.
    member_of: HashMap<Box<[u8]>, MemberOf>,
    /// From a group to the one around it.
    outer_groups: HashMap<Box<[u8]>, Box<[u8]>>,
    /// Members whose headers are being read.
    headers_pending: usize,
    /// Until then others are perhaps still to be asked for, for which there was no room.
    headers_refused: Mono,
    /// Groups are judged when a whole scan with a higher number is through: before, they may lack members.
    groups_since: u32,
    /// When a member of a group is complete.
    member_completion: Completion,
    /// The rules, for the inspector.
    shared_rules: Vec<Arc<Rule>>,
    inspector: Inspector,
    next_job: u64,
    heard_beside: HeardBeside,
    /// Markers that go when their units are delivered.
    spent: Vec<Spent>,
    /// How many gaps were opened.
    gaps: u64,
    /// When the open gap was opened, by the wall clock.
    gap_since_wall: Option<Stamp>,
    ignored: HashMap<Box<[u8]>, Ignored>,
    /// How many links that lead nowhere, and the like, were told.
    left_out: u32,
    /// Known files with new times, until the last check.
    redated: Vec<Redated>,
    /// What goes to the ledger with the next submit.
    outgoing: Vec<ledger::Entry>,
    scan: Option<Scanning>,
    /// The number of the last scan begun.
    scan_number: u32,
    /// How often the backlog was taken; whatever came together has no order any more.
    hearings: u64,
    /// Scans from this number on saw the present root.
    root_since: u32,
    next_whole_scan: Option<Mono>,
    /// When the last whole scan ended, and how long it took.
    last_scan_ended: Mono,
    last_scan_took: Duration,
    /// The number of the last whole scan that is through.
    last_whole_scan: u32,
    /// When the open gap was opened.
    gap_since: Option<Mono>,
    backoff: Backoff,
    /// Mount points where nothing is mounted any more.
    lost_mounts: Vec<Vec<u8>>,
    canaries: Canaries,
    /// Entries that scanners are to look at, by directory.
    errands: HashMap<DirId, Vec<Box<[u8]>>>,
    /// Units that were found by scans since the last comparison and that no event told of, by region; 0
    /// where events told of some.
    unheard: HashMap<RegionId, u64>,
    /// The first whole scan is through.
    ready: bool,
    /// The root is empty and another directory than the one that files are known in.
    hidden: bool,
    /// How many directories were told to be unwatched.
    told_refused: u64,
    /// The first few that the last whole scan could not read.
    unreadable: Vec<Vec<u8>>,
    next_root_check: Mono,
    listing: Listing,
    rescans: Rescans,
    with_inode: bool,
    armed_at: Stamp,
    first_scan_done: bool,
    /// Whole scans finished by this process since the root was last replaced.
    whole_scans: u32,
    /// Listings of several sources are made one after the other, in the order of the plan; until its
    /// turn has come, a source that lists only listens.
    may_list: bool,
    stopping: bool,
}

/// Why no rule takes a path.
struct Ignored {
    reason: Reason,
    /// The last scan that came by.
    scan: u32,
}

/// A walk that is under way.
struct Scanning {
    walk: Scan,
    since: Mono,
    /// When it is done, every directory has been walked; what was found is being looked at.
    progress: Step,
}

/// How often the root is looked at: whether it is there, and the same directory.
const ROOT_CHECK: Duration = Duration::from_secs(1);
/// How long the thread sleeps at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

impl Source {
    /// Takes over what the ledger knows and is ready to [`Source::run`].
    pub(crate) fn new(berth: Berth) -> Result<Self, ledger::LedgerError> {
        let with_inode = berth.inode_in_identity.unwrap_or(true);
        let mut known = KnownFiles::default();
        let mut known_bundles = HashMap::new();
        berth.ledger.known(berth.id, &mut |row| {
            if row.kind == Kind::Dataset {
                known_bundles.insert(row.path.into(), KnownBundle::of(&row));
                return;
            }
            known.insert(row.key, Known::of(&row.sample, row.ctime, 0));
            if row.adopted {
                known.announced_in(row.key, known::ADOPTED);
            }
        })?;
        let folding = match berth.plan.announce {
            Announce::Generations => Folding::Names,
            Announce::Arrivals => Folding::Arrivals,
        };
        let backlog = Backlog::new();
        let watcher = Watcher::new(settings(&berth.plan), &backlog);
        berth.orders.ring_with(Arc::clone(&backlog));
        Ok(Self {
            rule_names: rule_names(&berth.plan),
            backlog,
            watcher,
            root: Root::Unknown,
            dirty: Dirty::new(folding),
            known,
            waiting: WaitingUnits::default(),
            bundles: Agenda::default(),
            known_bundles,
            member_of: HashMap::new(),
            outer_groups: HashMap::new(),
            headers_pending: 0,
            headers_refused: Mono::ZERO,
            groups_since: 0,
            member_completion: Completion::local(),
            shared_rules: shared_rules(&berth.plan),
            inspector: Inspector::new(Arc::clone(&berth.orders), berth.clock),
            next_job: 0,
            heard_beside: HashMap::new(),
            spent: Vec::new(),
            gaps: 0,
            gap_since_wall: None,
            ignored: HashMap::new(),
            left_out: 0,
            redated: Vec::new(),
            outgoing: Vec::new(),
            scan: None,
            scan_number: 0,
            hearings: 0,
            root_since: 0,
            next_whole_scan: None,
            last_scan_ended: Mono::ZERO,
            last_scan_took: Duration::ZERO,
            last_whole_scan: 0,
            gap_since: None,
            backoff: Backoff::default(),
            lost_mounts: Vec::new(),
            canaries: Canaries::default(),
            errands: HashMap::new(),
            unheard: HashMap::new(),
            ready: false,
            hidden: false,
            told_refused: 0,
            unreadable: Vec::new(),
            next_root_check: Mono::ZERO,
            listing: Listing::new(&berth.plan),
            rescans: Rescans::default(),
            with_inode,
            armed_at: berth.armed_at.unwrap_or_default(),
            first_scan_done: berth.first_scan_done,
            whole_scans: 0,
            may_list: berth.plan.reannounce.is_none(),
            stopping: false,
            berth,
        })
    }

    /// The thread's life.
    pub(crate) fn run(mut self) {
        while !self.stopping {
            let alone = take_turns();
            self.turn();
            drop(alone);
            if !self.stopping {
                self.watcher.wait(self.idle_time());
            }
        }
        self.end();
    }

    /// One round: everything that is to be done by now.
    pub(crate) fn turn(&mut self) {
        self.take_orders();
        if self.inspector.has_died() {
            self.forget_jobs();
        }
        if self.now() >= self.next_root_check {
            self.check_root();
        }
        if let Some(root) = self.open_root() {
            self.retry_watches(&root);
            self.watcher.tick(self.berth.clock.mono());
            self.hear();
            self.begin_due_scans();
            self.walk(&root);
            self.look(&root);
            self.look_at_bundles(&root);
            self.delete_spent(&root);
            // Before any conclusion from what was not found: is everything still mounted?
            self.check_mounts();
            self.finish_scan(&root);
            self.count_canaries();
            self.tell_of_refused();
        }
        self.publish();
    }

    /// Hands over what is in hand.
    pub(crate) fn end(mut self) {
        self.submit();
        if matches!(self.root, Root::Present(_)) {
            self.berth.observer.notice(&Notice::Stopped { path: &self.berth.plan.path });
        }
    }

    fn now(&self) -> Mono {
        self.berth.clock.mono()
    }

    /// Does what the drain thread does whenever it is woken.
    #[cfg(feature = "stage")]
    pub(crate) fn drain(&self) {
        self.watcher.read_now();
    }

    /// How long nothing will have to be done unless something is heard.
    pub(crate) fn idle_time(&self) -> Duration {
        let walking = self.scan.as_ref().is_some_and(|scanning| scanning.progress != Step::Waiting);
        if walking || !self.dirty.is_empty() {
            return Duration::ZERO;
        }
        let now = self.now();
        let mut next = self.next_root_check.min(now + LONGEST_SLEEP);
        if matches!(self.root, Root::Present(_)) {
            // A scan that is under way is not begun again before its end.
            let scan = self.next_whole_scan.filter(|_| self.scan.is_none());
            // Before the source's turn neither is begun, however due; its turn comes as an order.
            let turn = [scan, self.listing.next()].map(|due| due.filter(|_| self.may_list));
            let bundles = [self.bundles.next(), self.next_spent()];
            let due = [self.waiting.next(), turn[0], turn[1], self.next_of_mounts(), bundles[0], bundles[1]];
            next = due.into_iter().flatten().fold(next, Mono::min);
        }
        if self.watcher.has_moves() {
            next = next.min(now + Duration::from_millis(20));
        }
        next.saturating_sub(now)
    }

    fn take_orders(&mut self) {
        for order in self.berth.orders.take() {
            match order {
                Order::Stop => self.stopping = true,
                Order::Begin => self.begin(),
                Order::Rescan { done } => self.rescan_for(done),
                Order::Explain { path, reply } => {
                    let _ = reply.send(self.explain(&path));
                }
                Order::Notify { path, looked, reply } => {
                    let _ = reply.send(self.notify(&path, looked));
                }
                Order::List { reply } => {
                    let _ = reply.send(self.list());
                }
                Order::Replan { plan, routes } => self.replan(*plan, routes),
                Order::Inspected(inspected) => self.take_inspected(*inspected),
                Order::Room(answer) => self.listing.room(answer),
            }
        }
    }

    /// Takes over changed rules and intervals; path, recursion and backend are the same. Nothing
    /// heard is dropped, and a whole scan finds what the new rules take and the old did not.
    fn replan(&mut self, plan: SourcePlan, routes: Routes) {
        self.rule_names = rule_names(&plan);
        self.shared_rules = shared_rules(&plan);
        self.listing.set_policy(plan.reannounce, self.now());
        self.berth.plan = plan;
        self.watcher.set_pace(pace(&self.berth.plan));
        self.berth.routes = routes;
        let rules = &self.berth.plan.rules;
        self.watcher.set_masks(|path, parent| rules.directory_mask(path, parent));
        self.ignored.clear();
        for path in self.waiting.all_paths() {
            if let Some(mut waiting) = self.waiting.take(&path) {
                // The rules are asked again; a unit that none takes any more is forgotten then.
                waiting.next = Mono::ZERO;
                waiting.rule = 0;
                // Nor is it known of which group it is, or what another rule's answers mean for this one.
                (waiting.member, waiting.inquiry) = (false, None);
                self.waiting.insert(path, waiting);
            }
        }
        self.replan_bundles();
        self.next_whole_scan = Some(self.now());
    }

    /// Tells the others how the source stands.
    fn publish(&self) {
        let unwatched = self.watcher.refused().len() as u64;
        let deaf = self.watcher.deaf().is_some();
        let progress = self.scan.as_ref().map(|scan| scan.walk.progress());
        self.berth.standing.update(|row| {
            row.ready = self.ready || matches!(self.root, Root::Absent);
            row.state = match &self.root {
                Root::Unknown => SourceState::Starting,
                Root::Absent => SourceState::Absent,
                Root::Present(_) if !row.ready => SourceState::Starting,
                Root::Present(_) if self.hidden => SourceState::Hidden,
                Root::Present(_) if unwatched > 0 || deaf || row.unreadable > 0 => SourceState::Degraded,
                Root::Present(_) if self.gap_since.is_some() || row.stuck > 0 => SourceState::Degraded,
                Root::Present(_) if !self.lost_mounts.is_empty() => SourceState::Degraded,
                Root::Present(_) => SourceState::Ok,
            };
            row.backend = backend(&row.mounts, unwatched);
            row.watches = self.watcher.tree().watched() as u64;
            row.polled = self.watcher.polled() as u64;
            row.unwatched = unwatched;
            row.unmounted.clone_from(&self.lost_mounts);
            row.gaps_open = u64::from(self.gap_since.is_some());
            row.waiting = (self.waiting.counted() + self.bundles.counted()) as u64;
            row.ignored = self.ignored.len() as u64;
            row.known = (self.known.len() + self.known_bundles.len()) as u64;
            row.progress = progress;
            row.armed |= self.root != Root::Unknown;
            row.heartbeat = self.berth.clock.mono();
        });
    }

    /// Whether files that lay there before the source's first start may be taken over undelivered.
    fn adopts(&self) -> bool {
        !self.first_scan_done && self.berth.plan.initial != Initial::Deliver
    }
}

/// For a negative control: sources go one after the other, as if one thread served them all.
fn take_turns() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    switch::is_off("a-thread-for-each-source").then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

fn settings(plan: &SourcePlan) -> Settings {
    Settings {
        root: plan.path.clone(),
        recursive: plan.recursive,
        follow: plan.follow_symlinks,
        wanted: match plan.backend {
            Backend::Auto => Wanted::Auto,
            Backend::Inotify => Wanted::Inotify,
            Backend::Fanotify => Wanted::Fanotify,
            Backend::Poll => Wanted::Poll,
        },
        pace: pace(plan),
    }
}

fn pace(plan: &SourcePlan) -> Pace {
    Pace { interval: plan.poll_interval, full: plan.poll_full }
}

/// By what a source is noticed: all that is used on any of its mounts.
fn backend(mounts: &[MountRow], unwatched: u64) -> &'static str {
    let uses = |name: &str| mounts.iter().any(|mount| mount.backend.split('+').any(|part| part == name));
    match (uses("inotify"), uses("fanotify"), uses("poll") || unwatched > 0) {
        (true, false, false) => "inotify",
        (false, true, false) => "fanotify",
        (true, true, false) => "inotify+fanotify",
        (true, false, true) => "inotify+poll",
        (false, true, true) => "fanotify+poll",
        (true, true, true) => "inotify+fanotify+poll",
        (false, false, _) => "poll",
    }
}

fn shared_rules(plan: &SourcePlan) -> Vec<Arc<Rule>> {
    plan.rules.rules.iter().cloned().map(Arc::new).collect()
}

fn rule_names(plan: &SourcePlan) -> Vec<Arc<str>> {
    plan.rules.rules.iter().map(|rule| rule.name.as_str().into()).collect()
}
