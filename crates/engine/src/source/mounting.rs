//! The mounts below the root: what appears, vanishes or hides, and how each is noticed.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use settle::Mono;
use sys::Dir;
use watch::{Changed, DirId, Region};

use super::Source;
use crate::explain::split;
use crate::notice::Notice;
use crate::standing::MountRow;

impl Source {
    /// Looks whether anything was mounted or unmounted below the root.
    pub(super) fn check_mounts(&mut self) {
        let changed = self.watcher.mount_changes();
        if changed.is_empty() {
            return;
        }
        for change in &changed {
            self.note_mount(change);
        }
        // Of what is covered now, and of what was uncovered, nobody has seen anything.
        self.unsee_below(&changed);
        self.forget_empty_mounts();
        for change in &changed {
            self.walk_point(&change.point);
        }
        self.tell_of_regions();
    }

    fn note_mount(&mut self, change: &Changed) {
        self.lost_mounts.retain(|point| *point != change.point);
        if change.was_mounted && !change.is_mounted {
            self.lost_mounts.push(change.point.clone());
        }
        let source = self.berth.plan.name.as_str();
        let path = self.absolute(&change.point);
        let mounted = change.is_mounted;
        self.berth.observer.notice(&Notice::MountChanged { source, path: &path, mounted });
    }

    /// Whether a look that does not find the path proves that it is gone: not while the file system on
    /// which it was is not mounted.
    pub(super) fn can_be_missed(&self, path: &[u8]) -> bool {
        !self.lost_mounts.iter().any(|point| is_below(path, point))
    }

    /// No scan has seen these files on the mounts as they are now; so none can miss them.
    fn unsee_below(&mut self, changed: &[Changed]) {
        let below = |path: &[u8]| changed.iter().any(|change| is_below(path, &change.point));
        let known = &mut self.known;
        let read = self.berth.ledger.known(self.berth.id, &mut |row| {
            if below(row.path) {
                known.unsee(row.key);
            }
        });
        if let Err(error) = read {
            self.berth.observer.notice(&Notice::LedgerTrouble { error: &error.to_string() });
        }
        let now = self.now();
        for path in self.waiting.all_paths().into_iter().filter(|path| below(path)) {
            if let Some(mut waiting) = self.waiting.take(&path) {
                waiting.unit.miss();
                waiting.next = now + super::ROOT_CHECK;
                self.waiting.insert(path, waiting);
            }
        }
        for (path, known) in &mut self.known_bundles {
            if below(path) {
                known.scan = 0;
            }
        }
        self.unsee_members(below);
        self.miss_bundles();
    }

    /// Where nothing is known nothing can be missed; containers come and go by the thousand.
    fn forget_empty_mounts(&mut self) {
        if self.lost_mounts.is_empty() {
            return;
        }
        let mut lost = std::mem::take(&mut self.lost_mounts);
        let mut in_use = vec![false; lost.len()];
        let mut note = |path: &[u8]| {
            for (point, used) in lost.iter().zip(&mut in_use) {
                *used |= is_below(path, point);
            }
        };
        let read = self.berth.ledger.known(self.berth.id, &mut |row| note(row.path));
        self.waiting.iter().for_each(|(path, _)| note(path));
        self.bundles.iter().for_each(|(path, _)| note(path));
        let mut in_use = in_use.into_iter();
        lost.retain(|_| in_use.next().unwrap_or(true) || read.is_err());
        self.lost_mounts = lost;
    }

    fn walk_point(&mut self, point: &[u8]) {
        let (above, name) = split(point);
        // Where the directory above is not known, it is not walked either.
        if self.berth.plan.recursive
            && let Some(parent) = self.watcher.tree().at(above)
        {
            let dir = self.watcher.add(parent, name);
            self.walk_directory(dir);
        }
    }

    pub(super) fn absolute(&self, below: &[u8]) -> PathBuf {
        if below.is_empty() {
            return self.berth.plan.path.clone();
        }
        self.berth.plan.path.join(std::ffi::OsStr::from_bytes(below))
    }

    /// Says of each mount how it is noticed, once and whenever that changes, and keeps it for `status`.
    pub(super) fn tell_of_regions(&mut self) {
        // What lies in an excluded directory is watched by nobody.
        let walked = |region: &&Region| self.watcher.tree().at(&region.point).is_some();
        let regions = self.watcher.regions().into_iter().filter(walked);
        let rows: Vec<MountRow> = regions.map(|region| self.row(region)).collect();
        let before = self.berth.standing.row().mounts;
        let source = self.berth.plan.name.as_str();
        for row in rows.iter().filter(|row| !row.point.is_empty() && !before.contains(row)) {
            let path = self.absolute(&row.point);
            let (backend, filesystem, why) = (row.backend, row.filesystem.as_str(), row.why.clone());
            self.berth.observer.notice(&Notice::MountWatched {
                source,
                path: &path,
                backend,
                filesystem,
                why,
            });
        }
        self.berth.standing.update(|row| row.mounts = rows);
    }

    fn row(&self, region: &Region) -> MountRow {
        let deaf = self.watcher.deaf().filter(|_| region.ear == Some(watch::Ear::Inotify));
        let why = deaf.map(deaf_because).or_else(|| region.why.clone());
        MountRow {
            point: region.point.clone(),
            filesystem: region.kind.clone(),
            backend: if deaf.is_some() { "poll" } else { region.backend() },
            why,
        }
    }

    /// Whether what a scan finds new in a directory should have been heard of: a whole scan does, the
    /// directory was heard before it began, and nothing is known to have been dropped.
    pub(super) fn should_be_heard(&self, dir: DirId) -> bool {
        let whole = self.scan.as_ref().is_some_and(|scanning| scanning.walk.is_whole());
        let heard = self.watcher.tree().was_armed_before(dir, self.scan_number);
        whole && heard && self.whole_scans > 0 && !self.watcher.is_polled(dir) && self.gap_since.is_none()
    }

    /// A unit was found by a scan though its directory is heard.
    pub(super) fn note_unheard(&mut self, dir: DirId) {
        self.berth.standing.update(|row| row.found_by_scan_only += 1);
        *self.unheard.entry(self.watcher.tree().region(dir)).or_default() += 1;
    }

    /// An event told of a unit.
    pub(super) fn note_heard(&mut self, dir: DirId) {
        self.unheard.entry(self.watcher.tree().region(dir)).or_default();
    }

    /// After a whole scan: regions whose events keep missing things are polled as well.
    pub(super) fn judge_regions(&mut self) {
        let found = std::mem::take(&mut self.unheard);
        // Where not even the mount point is left, nobody will mount anything again.
        let tree = self.watcher.tree();
        self.lost_mounts.retain(|point| tree.at(point).is_some());
        for region in self.watcher.note_unheard(&found) {
            self.tell_distrust(&region);
        }
        self.tell_of_regions();
    }

    /// Tries again what the kernel refused to watch.
    pub(super) fn retry_watches(&mut self, root: &Dir) {
        let was_deaf = self.watcher.deaf().is_some();
        let heard = self.watcher.retry(root, self.now());
        if heard.is_empty() {
            return;
        }
        if was_deaf {
            // Everything is to be armed.
            self.next_whole_scan = Some(self.now());
            self.berth.observer.notice(&Notice::WatchedAgain { source: &self.berth.plan.name });
        }
        for dir in heard {
            self.walk_directory(dir);
        }
    }

    /// Tells when the number of directories that cannot be watched has changed.
    pub(super) fn tell_of_refused(&mut self) {
        let refused = self.watcher.refused();
        let (count, told) = (refused.len() as u64, self.told_refused);
        let settled = self.scan.is_none() && self.berth.standing.row().ready;
        if count == told || !settled {
            return;
        }
        self.told_refused = count;
        let tree = self.watcher.tree();
        let mut named: Vec<Vec<u8>> = refused.keys().take(NAMED).filter_map(|dir| tree.path(*dir)).collect();
        named.sort();
        let source = self.berth.plan.name.as_str();
        let poll_interval = self.berth.plan.poll_interval;
        let error = refused.values().next().map_or_else(String::new, ToString::to_string);
        let (limit, directories) = (sys::limits::watches(), tree.len() as u64);
        let notice =
            Notice::Unwatched { source, count, named: &named, error, limit, directories, poll_interval };
        if count == 0 {
            self.berth.observer.notice(&Notice::WatchedAgain { source });
        } else {
            self.berth.observer.notice(&notice);
        }
        self.berth.standing.update(|row| row.unwatched_named = named);
    }

    /// Tells of scanners that do not come back.
    pub(super) fn tell_of_stuck(&mut self) {
        let stuck = self.watcher.stuck();
        if stuck.len() as u64 == self.berth.standing.row().stuck {
            return;
        }
        let first = stuck.first().and_then(|dir| self.watcher.tree().path(*dir));
        let (source, count) = (self.berth.plan.name.as_str(), stuck.len() as u64);
        if let Some(first) = first {
            let path = self.absolute(&first);
            self.berth.observer.notice(&Notice::Stuck { source, count, first: &path });
        }
        self.berth.standing.update(|row| row.stuck = count);
    }

    /// When anything of this is due.
    pub(super) fn next_of_mounts(&self) -> Option<Mono> {
        [self.watcher.next(), self.canaries.next()].into_iter().flatten().min()
    }
}

/// So many directories are named.
const NAMED: usize = 16;

fn is_below(path: &[u8], point: &[u8]) -> bool {
    path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The kernel says "too many open files" for two limits; which one it was shows in their numbers.
fn deaf_because(error: &str) -> String {
    let descriptors = sys::limits::descriptors();
    let fix = if descriptors.used + 2 >= descriptors.soft {
        format!(
            "E-NOFILE: {} of {} descriptors are in use; set LimitNOFILE=65536 in the unit",
            descriptors.used, descriptors.soft
        )
    } else if let Some(limit) = sys::limits::instances() {
        const USUAL: &str = "fs.inotify.max_user_instances";
        let need = (limit.value * 4).max(512);
        // A user namespace has a limit of its own below the usual one.
        let usual = if limit.name == USUAL { String::new() } else { format!(" {USUAL}={need}") };
        format!(
            "E-INOTIFY-INSTANCES: this user has used up its {} inotify instances, which are not files: sudo sysctl -w \
             {}={need}{usual}; keep it in /etc/sysctl.d/60-staithe.conf",
            limit.value, limit.name
        )
    } else {
        "raise fs.inotify.max_user_instances".to_owned()
    };
    format!("inotify cannot be opened ({error}). Polled instead, nothing is lost. {fix}")
}
