//! One source's ears: arms directories with the backend that suits their mount, and turns what
//! comes back into hints.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use settle::{Mono, RuleMask};
use sys::{Dir, Errno, Wake};

use crate::backlog::{Backlog, Piece};
use crate::drain::Rhythm;
use crate::fanotify::FanotifyBackend;
use crate::ground::{Backend, Departed, Each, Ground};
use crate::hint::Hint;
use crate::inotify::InotifyBackend;
use crate::poll::Pace;
use crate::polling::Polling;
use crate::region::{Changed, Ear, Region, RegionId, Regions, Wanted};
use crate::tree::{DirId, Tree};

/// What a watcher is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root as configured.
    pub root: PathBuf,
    /// Whether directories below the root belong to the source.
    pub recursive: bool,
    /// Whether links to files are followed.
    pub follow: bool,
    /// The backend asked for.
    pub wanted: Wanted,
    /// How often is polled.
    pub pace: Pace,
}

/// The ears on one source's tree.
#[derive(Debug)]
pub struct Watcher {
    settings: Settings,
    backlog: Arc<Backlog>,
    /// By what others wake who waits for the kernel's queue; without it the drain thread goes on listening.
    bell: Option<Arc<Wake>>,
    rhythm: Rhythm,
    ground: Ground,
    regions: Regions,
    inotify: Option<InotifyBackend>,
    /// Why there is no inotify instance though one is wanted.
    deaf: Option<String>,
    fanotify: Option<FanotifyBackend>,
    marked: HashSet<RegionId>,
    polling: Polling,
    refused: HashMap<DirId, Errno>,
    next_retry: Mono,
}

/// So often directories that could not be watched are tried again, and an instance of inotify.
const RETRY: Duration = Duration::from_secs(5);
/// So many directories are tried at a time.
const RETRIED: usize = 256;

impl Watcher {
    /// A watcher that hears nothing yet; what it will hear goes into `backlog`.
    #[must_use]
    pub fn new(settings: Settings, backlog: &Arc<Backlog>) -> Self {
        let polling = Polling::new(&settings.root, settings.follow, settings.pace, backlog);
        Self {
            backlog: Arc::clone(backlog),
            bell: Wake::new().ok().map(Arc::new),
            rhythm: Rhythm::default(),
            ground: Ground::new(settings.recursive),
            regions: Regions::new(settings.wanted),
            inotify: None,
            deaf: None,
            fanotify: None,
            marked: HashSet::new(),
            polling,
            refused: HashMap::new(),
            next_retry: Mono::ZERO,
            settings,
        }
    }

    /// The root is this directory from now on: it is armed, and everything else is forgotten.
    pub fn begin(&mut self, root: &Dir, now: Mono) {
        self.forget();
        self.polling.set_now(now);
        self.regions.begin(root);
        self.note_slow();
        self.next_retry = now + RETRY;
        self.arm(DirId::ROOT, root);
    }

    /// Forgets every directory, as when the root was lost.
    pub fn forget(&mut self) {
        // The instances go too: what they would still say speaks of descriptors that mean nothing.
        (self.inotify, self.fanotify, self.deaf) = (None, None, None);
        self.marked.clear();
        self.ground.start_over();
        self.polling.forget();
        self.refused.clear();
        drop(self.backlog.take());
    }

    fn note_slow(&mut self) {
        let slow = self.regions.ids().filter(|id| self.regions.is_slow(*id)).collect();
        self.ground.slow = slow;
    }

    /// Whether directories below the root belong to the source.
    #[must_use]
    pub const fn is_recursive(&self) -> bool {
        self.settings.recursive
    }

    /// The directories.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.ground.tree
    }

    pub(crate) const fn tree_mut(&mut self) -> &mut Tree {
        &mut self.ground.tree
    }

    /// The mounts that the tree lies on, the root's first.
    #[must_use]
    pub fn regions(&self) -> Vec<&Region> {
        self.regions.all()
    }

    /// The mount that a directory lies on.
    #[must_use]
    pub fn region(&self, dir: DirId) -> Option<&Region> {
        self.regions.get(self.ground.tree.region(dir))
    }

    /// Whether opening the directory would make `autofs` mount something.
    pub(crate) fn is_automount(&self, path: &[u8]) -> bool {
        self.region_at(path).is_some_and(|region| region.kind == "autofs" && !region.point.is_empty())
    }

    /// The names in the directory on the way to what is mounted below it.
    pub(crate) fn mounted_below(&self, path: &[u8]) -> Vec<Box<[u8]>> {
        let next = |region: &&Region| {
            let below = region.point.strip_prefix(path)?.strip_prefix(b"/")?;
            below.split(|&byte| byte == b'/').next().map(Into::into)
        };
        let mut names: Vec<Box<[u8]>> = self.regions.all().iter().filter_map(next).collect();
        names.dedup();
        names
    }

    /// A mount by its number.
    #[must_use]
    pub fn region_of(&self, region: RegionId) -> Option<&Region> {
        self.regions.get(region)
    }

    /// Whether system calls in the directory are left to scanners.
    #[must_use]
    pub fn is_slow(&self, dir: DirId) -> bool {
        self.ground.is_slow(self.ground.tree.region(dir))
    }

    /// The mount that a path below the root lies on, whether or not its directories are known.
    #[must_use]
    pub fn region_at(&self, path: &[u8]) -> Option<&Region> {
        self.regions.get(self.regions.at(path))
    }

    /// Whether anything is heard by events.
    #[must_use]
    pub const fn is_listening(&self) -> bool {
        self.inotify.is_some() || self.fanotify.is_some()
    }

    /// Why there is no inotify instance though one is wanted.
    #[must_use]
    pub fn deaf(&self) -> Option<&str> {
        self.deaf.as_deref()
    }

    /// By what the directory is noticed.
    #[must_use]
    pub fn backend(&self, dir: DirId) -> &'static str {
        match self.ground.tree.armed(dir) {
            crate::tree::Armed::Watch(_) => "inotify",
            crate::tree::Armed::Mark(_) => "fanotify",
            crate::tree::Armed::Not => "poll",
        }
    }

    /// Whether scanners come by the directory.
    #[must_use]
    pub fn is_polled(&self, dir: DirId) -> bool {
        self.polling.has(dir)
    }

    /// How many directories are polled.
    #[must_use]
    pub fn polled(&self) -> usize {
        self.polling.len()
    }

    /// The directories that the kernel refused to watch, with its reasons.
    #[must_use]
    pub const fn refused(&self) -> &HashMap<DirId, Errno> {
        &self.refused
    }

    /// Directories that scanners were sent to long ago and have not come back from.
    #[must_use]
    pub fn stuck(&self) -> Vec<DirId> {
        self.polling.stuck()
    }

    /// Other intervals from now on.
    pub fn set_pace(&mut self, pace: Pace) {
        self.settings.pace = pace;
        self.polling.set_pace(pace);
    }

    /// How long after a full pass that took so long the next one begins.
    #[must_use]
    pub fn full_pause(&self, took: Duration) -> Duration {
        crate::poll::full_pause(self.settings.pace, took)
    }

    /// Reads what the kernel has queued by now into the backlog, whoever else reads: after this,
    /// everything that happened before the call is there.
    pub fn read_now(&self) {
        if let Some(inotify) = &self.inotify {
            inotify.drain().read_now();
        }
        if let Some(fanotify) = &self.fanotify {
            fanotify.read_now();
        }
    }

    /// Waits until something is in the backlog, or a nudge, or the time is up. Meanwhile the calling thread listens
    /// itself: an event that comes alone need not be handed from one thread to the other.
    pub fn wait(&mut self, timeout: Duration) {
        let (Some(inotify), Some(bell)) = (&self.inotify, &self.bell) else {
            return self.backlog.wait(timeout);
        };
        if timeout.is_zero() || !self.backlog.is_quiet() {
            return self.backlog.wait(timeout);
        }
        let drain = inotify.drain();
        drain.relieve();
        let heard = self.rhythm.keep(|| self.backlog.wait_with(bell, drain.queue(), timeout));
        drain.leave();
        match heard {
            Ok(true) => drain.read_now(),
            Ok(false) => {}
            Err(error) => self.backlog.fail(error.to_string()),
        }
    }

    /// Has scanners do what is due. Full passes are left to whole scans where nothing is heard.
    pub fn tick(&mut self, now: Mono) {
        self.polling.set_now(now);
        self.polling.make_full(self.ground.tree.watched() > 0);
        self.polling.ask(&self.ground);
    }

    /// When something is due.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        let retry = (!self.refused.is_empty() || self.deaf.is_some()).then_some(self.next_retry);
        [retry, self.polling.next()].into_iter().flatten().min()
    }

    /// Has scanners look at entries of a directory in a slow region.
    pub fn look(&mut self, dir: DirId, names: Vec<Box<[u8]>>) {
        self.polling.look(&self.ground, dir, names);
    }

    /// Has a scanner list a directory in a slow region.
    pub(crate) fn visit(&mut self, dir: DirId) {
        self.polling.visit(&self.ground, dir);
    }

    /// What is done from now on is done at this time.
    pub(crate) fn set_now(&mut self, now: Mono) {
        self.polling.set_now(now);
    }

    /// Notes on which mount the directory lies; says whether that is slow.
    pub(crate) fn settle_region(&mut self, dir: DirId, path: &[u8]) -> bool {
        let region = self.regions.at(path);
        self.ground.tree.set_region(dir, region);
        self.ground.is_slow(region)
    }

    /// What happens in the open directory from now on is told.
    pub(crate) fn arm(&mut self, id: DirId, dir: &Dir) {
        // What left the tree first: the same watch may be given again.
        self.disarm_removed();
        let region = self.ground.tree.region(id);
        let heard = match self.regions.get(region).and_then(|region| region.ear) {
            Some(Ear::Fanotify) => self.arm_by_mark(id, region, dir),
            Some(Ear::Inotify) => self.arm_by_watch(id, dir),
            None => {
                self.ground.tree.disarm(id);
                false
            }
        };
        let polled = self.regions.get(region).is_some_and(|region| region.polled);
        if polled || (!heard && !switch::is_off("polling-what-cannot-be-watched")) {
            let _ = self.polling.arm(&mut self.ground, id, dir);
        } else {
            self.polling.let_go(id);
        }
    }

    fn arm_by_watch(&mut self, id: DirId, dir: &Dir) -> bool {
        if self.inotify.is_none() && self.deaf.is_none() {
            self.open_inotify();
        }
        let Some(inotify) = &mut self.inotify else { return false };
        match inotify.arm(&mut self.ground, id, dir) {
            Ok(()) => {
                self.refused.remove(&id);
                true
            }
            Err(error) => {
                self.refused.insert(id, error);
                false
            }
        }
    }

    fn open_inotify(&mut self) {
        match InotifyBackend::start(&self.backlog) {
            Ok(inotify) => (self.inotify, self.deaf) = (Some(inotify), None),
            Err(error) => self.deaf = Some(error.to_string()),
        }
    }

    fn arm_by_mark(&mut self, id: DirId, region: RegionId, dir: &Dir) -> bool {
        let marked = self.mark_region(region, dir).and_then(|()| match &mut self.fanotify {
            Some(fanotify) => fanotify.arm(&mut self.ground, id, dir),
            None => Err(Errno::NOSYS),
        });
        if let Err(error) = marked {
            self.regions.refuse_mark(region, error);
            return self.regions.get(region).is_some_and(|region| region.ear.is_some())
                && self.arm_by_watch(id, dir);
        }
        true
    }

    fn mark_region(&mut self, region: RegionId, dir: &Dir) -> Result<(), Errno> {
        if self.marked.contains(&region) {
            return Ok(());
        }
        if self.fanotify.is_none() {
            let started = FanotifyBackend::start(&self.backlog);
            let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
            self.fanotify = Some(started.map_err(errno)?);
        }
        if let Some(fanotify) = &self.fanotify {
            fanotify.mark(dir)?;
        }
        self.marked.insert(region);
        Ok(())
    }

    fn disarm_removed(&mut self) {
        for (dir, wd) in self.ground.take_removed() {
            self.refused.remove(&dir);
            self.polling.disarm(dir, wd);
            if let Some(inotify) = &mut self.inotify {
                inotify.disarm(dir, wd);
            }
            if let Some(fanotify) = &mut self.fanotify {
                fanotify.disarm(dir, wd);
            }
        }
    }

    /// Tries again what the kernel refused: an instance of inotify, and watches. Gives the directories
    /// that are heard now and must be listed.
    pub fn retry(&mut self, root: &Dir, now: Mono) -> Vec<DirId> {
        if now < self.next_retry || (self.refused.is_empty() && self.deaf.is_none()) {
            return Vec::new();
        }
        self.next_retry = now + RETRY;
        if self.deaf.take().is_some() {
            self.open_inotify();
            return if self.inotify.is_some() { vec![DirId::ROOT] } else { Vec::new() };
        }
        let tried: Vec<DirId> = self.refused.keys().copied().collect();
        let mut heard = Vec::new();
        for dir in tried {
            let Some(path) = self.ground.tree.path(dir) else { continue };
            let Ok(open) = root.open_below(&path) else {
                // A comparison will tell whether it is there and readable; it must not stand in others' way.
                self.refused.remove(&dir);
                continue;
            };
            self.arm(dir, &open);
            if self.refused.contains_key(&dir) {
                break;
            }
            heard.push(dir);
            if heard.len() == RETRIED {
                break;
            }
        }
        if heard.len() == RETRIED {
            // The limit was raised: the rest is tried at once, with other work in between.
            self.next_retry = now;
        }
        heard
    }

    /// What has changed in the mount table below the root: what lies at or below these points is other
    /// than it was, and forgotten.
    pub fn mount_changes(&mut self) -> Vec<Changed> {
        if std::mem::take(&mut self.ground.stirred) {
            self.regions.stir();
        }
        for region in std::mem::take(&mut self.ground.unmounted) {
            self.regions.renew(region);
        }
        let Some(changed) = self.regions.changes() else { return Vec::new() };
        for change in &changed {
            if let Some(children) = self.ground.tree.at(&change.point).filter(|dir| *dir != DirId::ROOT) {
                self.ground.drop_dir(children);
            }
        }
        if !changed.is_empty() {
            self.note_slow();
            self.marked.retain(|region| self.regions.get(*region).is_some());
            self.disarm_removed();
            self.polling.retain(|region| self.regions.get(region).is_some());
        }
        self.mark_again();
        changed
    }

    /// An unmount takes the mark with it and says nothing, and a remount may look the same in the table.
    fn mark_again(&self) {
        let Some(fanotify) = &self.fanotify else { return };
        for region in self.marked.iter().filter_map(|region| self.regions.get(*region)) {
            let open = Dir::open_root(&self.settings.root).and_then(|root| root.open_below(&region.point));
            // Where that fails the file system is gone again, and the table tells so next.
            if open.and_then(|open| fanotify.mark_again(&open)) == Ok(true) {
                // What happened between the remount and now was heard by nobody.
                self.backlog.push(Piece::Lost);
            }
        }
    }

    /// Makes a directory known, as a mount point that appeared.
    pub fn add(&mut self, parent: DirId, name: &[u8]) -> DirId {
        self.ground.tree.add(parent, name)
    }

    /// A comparison found so many units in each region that events should have told of; 0 means that
    /// events told of some meanwhile and missed none. Gives the regions that are not trusted any more;
    /// they are polled as well from now on.
    pub fn note_unheard(&mut self, found: &HashMap<RegionId, u64>) -> Vec<Region> {
        let lost = self.regions.note_unheard(found);
        for region in &lost {
            self.distrust(*region, "comparisons kept finding what events missed");
        }
        lost.iter().filter_map(|region| self.regions.get(*region).cloned()).collect()
    }

    /// Events of a region are not enough: it is polled as well from now on.
    pub fn distrust(&mut self, region: RegionId, why: &str) {
        self.regions.distrust(region, why.to_owned());
        let slow = self.ground.is_slow(region);
        let dirs: Vec<DirId> =
            self.ground.tree.all().filter(|(_, of)| *of == region).map(|(dir, _)| dir).collect();
        for dir in dirs {
            self.polling.take_on(dir, region, slow, None);
        }
    }

    /// Notes which rules exclude a directory.
    pub fn set_mask(&mut self, dir: DirId, mask: RuleMask) {
        self.ground.tree.set_mask(dir, mask);
    }

    /// Asks anew which rules exclude each directory, because the rules are others now. `mask` gets a
    /// directory's path and its parent's mask.
    pub fn set_masks(&mut self, mut mask: impl FnMut(&[u8], RuleMask) -> RuleMask) {
        self.ground.tree.set_masks(&mut mask);
    }

    /// Forgets a directory that is gone, with all below it.
    pub(crate) fn drop_dir(&mut self, id: DirId) {
        self.ground.drop_dir(id);
        self.disarm_removed();
    }

    /// Stops watching a directory and all below it, as when no rule wants to hear of it.
    pub fn forget_directory(&mut self, dir: DirId) {
        if dir != DirId::ROOT {
            self.drop_dir(dir);
        }
    }

    /// The directories whose removal was heard of since this was asked last: hints that were given
    /// before speak of names in them.
    pub fn take_departed(&mut self) -> Departed {
        std::mem::take(&mut self.ground.departed)
    }

    /// The directories that came to their places by a rename since this was asked last.
    pub fn take_moved_in(&mut self) -> Vec<DirId> {
        std::mem::take(&mut self.ground.moved_in)
    }

    /// Turns one piece into hints, in order.
    pub fn fold(&mut self, piece: &Piece, each: &mut impl FnMut(&Tree, Hint<'_>)) {
        let (ground, each): (_, &mut Each<'_>) = (&mut self.ground, each);
        match piece {
            Piece::Inotify(_) => fold_by(self.inotify.as_mut(), ground, piece, each),
            Piece::Fanotify(_) => fold_by(self.fanotify.as_mut(), ground, piece, each),
            Piece::Survey(_) => fold_by(Some(&mut self.polling), ground, piece, each),
            Piece::Lost => each(&ground.tree, Hint::Overflow),
        }
        self.disarm_removed();
    }

    /// To be called when all pieces at hand are folded: a directory whose rename has had its other
    /// half nowhere in two batches has left the tree.
    pub fn finish_batch(&mut self, each: &mut impl FnMut(&Tree, Hint<'_>)) {
        if let Some(inotify) = &mut self.inotify {
            inotify.finish_batch(&mut self.ground, each);
        }
        self.disarm_removed();
    }

    /// Whether a directory's rename waits for its other half.
    #[must_use]
    pub fn has_moves(&self) -> bool {
        self.inotify.as_ref().is_some_and(InotifyBackend::has_moves)
    }

    /// To be called after a whole scan: forgets what only old events could speak of.
    pub(crate) fn purge(&self) {
        if let Some(fanotify) = &self.fanotify {
            fanotify.purge(&self.ground);
        }
    }
}

fn fold_by<B: Backend>(backend: Option<&mut B>, ground: &mut Ground, piece: &Piece, each: &mut Each<'_>) {
    if let Some(backend) = backend {
        backend.fold(ground, piece, each);
    }
}
