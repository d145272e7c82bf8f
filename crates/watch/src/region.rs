//! The mounts that a source's tree lies on, and how each is noticed.

use std::collections::HashMap;

use sys::filesystem::{self, FileSystem, Trust};
use sys::mounts::{self, MountTable};
use sys::{Dir, Errno};

/// A mount at or below the root, as long as the source knows it. Numbers are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionId(u32);

impl RegionId {
    /// The mount of the root.
    pub const ROOT: RegionId = RegionId(0);
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What suits each file system.
    Auto,
    /// inotify everywhere.
    Inotify,
    /// fanotify wherever it can be had.
    Fanotify,
    /// Polling everywhere.
    Poll,
}

/// By which events a region is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ear {
    /// By a watch on each directory.
    Inotify,
    /// By a mark on the file system.
    Fanotify,
}

/// One mount.
#[derive(Clone, Debug)]
pub struct Region {
    /// Where it is mounted below the root; empty for the root's.
    pub point: Vec<u8>,
    /// What lies there.
    pub filesystem: FileSystem,
    /// The mount table's word for it, such as `nfs4` or `fuse.sshfs`.
    pub kind: String,
    /// By which events it is noticed, if any.
    pub ear: Option<Ear>,
    /// Whether scanners come by.
    pub polled: bool,
    /// Why not by events alone, if so.
    pub why: Option<String>,
    mount: u64,
    /// Comparisons in a row that found what events should have told of; those that prove nothing do not count.
    unheard: u8,
}

/// A mount point that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where, below the root.
    pub point: Vec<u8>,
    /// Whether something was mounted there before.
    pub was_mounted: bool,
    /// Whether something is mounted there now.
    pub is_mounted: bool,
}

/// After so many comparisons in a row that found what events missed, a region is polled as well.
const UNHEARD: u8 = 3;

impl Region {
    fn new(point: Vec<u8>, filesystem: FileSystem, kind: String, mount: u64, wanted: Wanted) -> Self {
        let Choice { ear, polled, why } = choose(wanted, &filesystem);
        Self { point, filesystem, kind, ear, polled, why, mount, unheard: 0 }
    }

    /// Whether a system call there may take long, or for ever.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.ear.is_none() && matches!(self.filesystem.trust, Trust::Remote | Trust::Unknown)
    }

    /// How it is noticed, in a word.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        match (self.ear, self.polled) {
            (Some(Ear::Inotify), false) => "inotify",
            (Some(Ear::Fanotify), false) => "fanotify",
            (Some(Ear::Inotify), true) => "inotify+poll",
            (Some(Ear::Fanotify), true) => "fanotify+poll",
            (None, _) => "poll",
        }
    }
}

/// How a region is noticed, and why not by events alone.
struct Choice {
    ear: Option<Ear>,
    polled: bool,
    why: Option<String>,
}

fn choose(wanted: Wanted, filesystem: &FileSystem) -> Choice {
    let ear = if wanted == Wanted::Fanotify { Ear::Fanotify } else { Ear::Inotify };
    let trust = match filesystem.trust {
        Trust::Partly if switch::is_off("polling-blind-mounts") => Trust::Events,
        trust => trust,
    };
    let why = match trust {
        Trust::Events => None,
        Trust::Partly => Some("what is written past this mount raises no events here"),
        Trust::Remote => Some("other machines' writes raise no events here"),
        Trust::Unknown => Some("nobody knows whether this file system tells of every change"),
    };
    let (ear, polled) = match (wanted, trust) {
        (Wanted::Poll, _) => {
            return Choice { ear: None, polled: true, why: Some("as configured".to_owned()) };
        }
        (Wanted::Inotify, _) | (_, Trust::Events) => (Some(ear), false),
        (_, Trust::Partly) => (Some(ear), true),
        (_, Trust::Remote | Trust::Unknown) => (None, true),
    };
    Choice { ear, polled, why: why.map(str::to_owned) }
}

/// A number that tells a mount from the one before at the same point. The kernel uses the numbers of
/// mounts again, at once; another device gives the change away.
fn incarnation(mount: &mounts::Mount) -> u64 {
    let (major, minor) = mount.device;
    mount.id ^ (u64::from(major) << 52) ^ (u64::from(minor) << 32)
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Regions {
    wanted: Wanted,
    table: Option<MountTable>,
    /// The root's real path, by which the mount table knows it.
    real: Option<Vec<u8>>,
    by_id: HashMap<RegionId, Region>,
    points: HashMap<Vec<u8>, RegionId>,
    next: u32,
    /// Something is to be compared with the table, whether or not that has changed.
    stale: bool,
}

impl Regions {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            table: None,
            real: None,
            by_id: HashMap::new(),
            points: HashMap::new(),
            next: 1,
            stale: false,
        }
    }

    /// The root is this directory now: finds its mount and those below it.
    pub(crate) fn begin(&mut self, root: &Dir) {
        self.by_id.clear();
        self.points.clear();
        let filesystem = filesystem::of(root);
        let mount = root.look_closely().ok().and_then(|look| look.mount).unwrap_or(0);
        let mut kind = filesystem.name.to_owned();
        let mounts = self.read();
        if let Some(found) = mounts.as_ref().and_then(|mounts| mounts::by_id(mounts, mount)) {
            kind.clone_from(&found.kind);
        }
        // The sub-type of FUSE stands in the table only.
        let filesystem = if filesystem.name == "fuse" { filesystem::by_kind(&kind) } else { filesystem };
        let region = Region::new(Vec::new(), filesystem, kind, mount, self.wanted);
        self.by_id.insert(RegionId::ROOT, region);
        self.points.insert(Vec::new(), RegionId::ROOT);
        self.real = root.real_path();
        self.update(mounts);
    }

    fn read(&mut self) -> Option<Vec<mounts::Mount>> {
        if self.table.is_none() {
            self.table = MountTable::open().ok();
        }
        self.table.as_mut()?.read().ok()
    }

    /// What has changed in the mount table below the root since this was asked last; nothing if the
    /// table is the same.
    pub(crate) fn changes(&mut self) -> Option<Vec<Changed>> {
        // What could not be read is read again.
        let same = self.table.as_mut().is_some_and(|table| !table.changed());
        if same && !std::mem::take(&mut self.stale) {
            return None;
        }
        let mounts = self.read();
        if mounts.is_none() {
            self.table = None;
        }
        Some(self.update(mounts))
    }

    /// Mounts may be elsewhere now, because directories above them were renamed.
    pub(crate) fn stir(&mut self) {
        self.stale |= self.points.len() > 1;
    }

    /// What is mounted there is another mount than before, also where the table looks the same. (Of the root's
    /// own the root itself tells.)
    pub(crate) fn renew(&mut self, id: RegionId) {
        if id != RegionId::ROOT
            && let Some(region) = self.by_id.get_mut(&id)
        {
            region.mount = !region.mount;
            self.stale = true;
        }
    }

    fn update(&mut self, mounts: Option<Vec<mounts::Mount>>) -> Vec<Changed> {
        let (Some(mounts), Some(real)) = (mounts, &self.real) else { return Vec::new() };
        let mut now: HashMap<Vec<u8>, (u64, String)> = HashMap::new();
        for (point, mount) in mounts::below(&mounts, real) {
            if !point.is_empty() {
                now.insert(point, (incarnation(mount), mount.kind.clone()));
            }
        }
        let mut changed = self.take_vanished(&now);
        for (point, (mount, kind)) in now {
            if self.points.contains_key(&point) {
                continue;
            }
            self.add(point.clone(), mount, kind);
            match changed.iter_mut().find(|change| change.point == point) {
                Some(change) => change.is_mounted = true,
                None => changed.push(Changed { point, was_mounted: false, is_mounted: true }),
            }
        }
        // Outer points first: what is walked anew there comes by the inner ones.
        changed.sort_by(|one, two| one.point.cmp(&two.point));
        changed
    }

    fn take_vanished(&mut self, now: &HashMap<Vec<u8>, (u64, String)>) -> Vec<Changed> {
        let mut changed = Vec::new();
        let by_id = &mut self.by_id;
        self.points.retain(|point, id| {
            let same = by_id.get(id).is_some_and(|region| {
                point.is_empty() || now.get(point).is_some_and(|(mount, _)| *mount == region.mount)
            });
            if !same {
                let gone = by_id.remove(id);
                let is_elsewhere = |region: Region| now.values().any(|(mount, _)| *mount == region.mount);
                if gone.is_some_and(is_elsewhere) {
                    // It came along with a directory above it that was renamed. Nothing is unmounted.
                    return false;
                }
                changed.push(Changed { point: point.clone(), was_mounted: true, is_mounted: false });
            }
            same
        });
        changed
    }

    fn add(&mut self, point: Vec<u8>, mount: u64, kind: String) {
        let id = RegionId(self.next);
        self.next += 1;
        self.points.insert(point.clone(), id);
        let filesystem = filesystem::by_kind(&kind);
        self.by_id.insert(id, Region::new(point, filesystem, kind, mount, self.wanted));
    }

    /// The region of any path below the root.
    pub(crate) fn at(&self, path: &[u8]) -> RegionId {
        if self.points.len() <= 1 {
            return RegionId::ROOT;
        }
        let mut at = path;
        loop {
            if let Some(id) = self.points.get(at) {
                return *id;
            }
            match at.iter().rposition(|&byte| byte == b'/') {
                Some(slash) => at = &at[..slash],
                None => return RegionId::ROOT,
            }
        }
    }

    pub(crate) fn get(&self, id: RegionId) -> Option<&Region> {
        self.by_id.get(&id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = RegionId> {
        self.by_id.keys().copied()
    }

    pub(crate) fn is_slow(&self, id: RegionId) -> bool {
        self.get(id).is_some_and(Region::is_slow)
    }

    /// All regions, the root's first.
    pub(crate) fn all(&self) -> Vec<&Region> {
        let mut all: Vec<_> = self.by_id.values().collect();
        all.sort_by(|one, two| one.point.cmp(&two.point));
        all
    }

    /// The file system cannot be marked: what else suits it.
    pub(crate) fn refuse_mark(&mut self, id: RegionId, error: Errno) {
        if let Some(region) = self.by_id.get_mut(&id) {
            let Choice { ear, polled, why } = choose(Wanted::Auto, &region.filesystem);
            // Whoever was not trusted before is not trusted now.
            (region.ear, region.polled) = (ear, polled || region.polled);
            let hint = if error == Errno::PERM { "; it needs CAP_SYS_ADMIN" } else { "" };
            let refused = format!("fanotify cannot mark it ({error}{hint})");
            region.why = Some(why.map_or(refused.clone(), |why| format!("{refused}; {why}")));
        }
    }

    /// Events cannot be trusted there: it is polled from now on as well.
    pub(crate) fn distrust(&mut self, id: RegionId, why: String) {
        if let Some(region) = self.by_id.get_mut(&id) {
            (region.polled, region.why) = (true, Some(why));
        }
    }

    /// A comparison found this many units there that events should have told of, or none while events
    /// told of some; says whether that has happened so often that the region is not trusted any more.
    /// Where nothing has arrived a comparison proves nothing.
    pub(crate) fn note_unheard(&mut self, found: &HashMap<RegionId, u64>) -> Vec<RegionId> {
        let mut lost = Vec::new();
        for (id, region) in &mut self.by_id {
            match found.get(id) {
                Some(0) => region.unheard = 0,
                Some(_) => region.unheard = region.unheard.saturating_add(1),
                None => {}
            }
            if region.unheard >= UNHEARD && !region.polled {
                lost.push(*id);
            }
        }
        lost
    }
}

#[cfg(test)]
#[path = "region/tests.rs"]
mod tests;
