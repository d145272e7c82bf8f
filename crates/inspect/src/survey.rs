//! A tree taken as one unit: how many members, how large, how new, who still writes.

use model::Stamp;
use sys::{Dir, EntryKind, Errno, Links, Look, Writer};

use crate::error::InspectError;
use crate::few::{Few, keep_first};
use crate::fold::{Fold, Tag};
use crate::place::{Found, Place, split};
use crate::walk::{Visit, vanished, walk};

/// So many members are listed by name.
pub const LISTED: usize = 256;

/// A longer path below the unit is not followed but counted as unreadable, so that the names in the
/// answer cannot fill the memory.
const LONGEST_PATH: usize = 64 * 1024;

/// What is to be found out.
pub struct SurveyRequest<'a> {
    /// Whether a file's inode number is part of the fold: a file replaced by an equal one is then a change.
    pub with_inode: bool,
    /// Ask the kernel of each regular file whether a writer has it open (read lease).
    pub probe: bool,
    /// Members that are asked first, by their names relative to the unit; if one of them still has a
    /// writer, nothing else is read.
    pub ask_first: Vec<Box<[u8]>>,
    /// Names (relative to the unit) that are no members: markers, manifests. A directory so named is
    /// left out with everything in it.
    pub ignore: &'a dyn Fn(&[u8]) -> bool,
}

impl Default for SurveyRequest<'_> {
    fn default() -> Self {
        Self { with_inode: false, probe: false, ask_first: Vec::new(), ignore: &|_| false }
    }
}

impl std::fmt::Debug for SurveyRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("SurveyRequest");
        out.field("with_inode", &self.with_inode).field("probe", &self.probe);
        out.field("ask_first", &self.ask_first.len()).finish_non_exhaustive()
    }
}

/// What was found. Members are regular files, links and specials (FIFOs, sockets, devices); directories are
/// in the fold only. A single file is a unit with one member, whose relative name is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many members there are.
    pub count: u64,
    /// The sum of the regular files' sizes.
    pub size: u64,
    /// The newest time of content of a member; the default when there is none.
    pub newest_mtime: Stamp,
    /// The newest time of an inode of a member; the default when there is none.
    pub newest_ctime: Stamp,
    /// The same as long as names, sizes, mtimes, targets of links (and inodes, if asked for) are the same.
    pub fold: u64,
    /// Members that somebody has open for writing.
    pub open: Few,
    /// What could not be looked at: directories that could not be listed, entries that could not be
    /// examined. The survey knows nothing of what is in them.
    pub unreadable: Few,
    /// For at least one member the kernel could not say whether it has a writer.
    pub writers_unknown: bool,
    /// The first [`LISTED`] members by relative name, in byte order.
    pub listed: Vec<Box<[u8]>>,
    /// One of `ask_first` has a writer; only `open` is filled.
    pub stopped_early: bool,
}

/// Walks the tree at `place` once. What vanishes meanwhile is not counted; what was there all the time
/// is. Other mounts in the tree are entered.
pub fn survey(
    place: &Place<'_>,
    request: &SurveyRequest<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<Survey, InspectError> {
    let found = place.find()?;
    let mut tally = Tally::new(request);
    match found {
        Found::Directory(top) => {
            if still_open(&top, request, &mut tally.survey) {
                return Ok(tally.survey);
            }
            let whole = walk(top, &mut tally, stop).map_err(|error| InspectError::open(place.path, error))?;
            if !whole {
                return Err(InspectError::Stopped);
            }
        }
        Found::Entry(parent) => {
            let name = split(place.path).1;
            let look = parent.look_at(name).map_err(|error| InspectError::open(place.path, error))?;
            tally.member(&parent, name, b"", look);
        }
    }
    Ok(tally.finish())
}

/// Asks the members of `ask_first`; true when one of them has a writer.
fn still_open(top: &Dir, request: &SurveyRequest<'_>, survey: &mut Survey) -> bool {
    for member in &request.ask_first {
        let (parent, name) = split(member);
        let Ok(dir) = top.open_below(parent) else { continue };
        let regular = dir.look_at(name).is_ok_and(|look| look.kind() == EntryKind::File);
        if regular && dir.probe_writer(name, Links::Refuse) == Writer::Open {
            survey.open.add(member);
        }
    }
    survey.stopped_early = !survey.open.is_empty();
    survey.stopped_early
}

/// What has been counted so far.
struct Tally<'a> {
    request: &'a SurveyRequest<'a>,
    survey: Survey,
    fold: Fold,
}

impl Visit for Tally<'_> {
    fn entry(&mut self, dir: &Dir, name: &[u8], relative: &[u8], kind: EntryKind) -> bool {
        if (self.request.ignore)(relative) {
            return false;
        }
        if kind == EntryKind::Directory {
            return self.directory(relative);
        }
        match dir.look_at(name) {
            Ok(look) if look.kind() == EntryKind::Directory => self.directory(relative),
            Ok(look) => {
                self.member(dir, name, relative, look);
                false
            }
            Err(error) => {
                self.failed(relative, error);
                false
            }
        }
    }

    fn failed(&mut self, relative: &[u8], error: Errno) {
        if !vanished(error) {
            self.survey.unreadable.add(relative);
        }
    }
}

impl<'a> Tally<'a> {
    fn new(request: &'a SurveyRequest<'a>) -> Self {
        Self { request, survey: Survey::default(), fold: Fold::default() }
    }

    fn finish(mut self) -> Survey {
        self.survey.fold = self.fold.value();
        self.survey
    }

    fn directory(&mut self, relative: &[u8]) -> bool {
        self.fold.add(Tag::Directory, &[relative]);
        let follow = relative.len() <= LONGEST_PATH;
        if !follow {
            self.survey.unreadable.add(relative);
        }
        follow
    }

    fn member(&mut self, dir: &Dir, name: &[u8], relative: &[u8], look: Look) {
        let counted = match look.kind() {
            EntryKind::File => self.file(dir, name, relative, look),
            EntryKind::Symlink => match dir.read_link(name) {
                Ok(target) => {
                    self.fold.add(Tag::Link, &[relative, &target]);
                    Some(look)
                }
                Err(error) => {
                    self.failed(relative, error);
                    None
                }
            },
            _ => {
                self.fold.add(Tag::Special, &[relative, &look.mode.to_le_bytes()]);
                Some(look)
            }
        };
        if let Some(look) = counted {
            self.count(relative, look);
        }
    }

    /// Takes in a regular file; gives how it looked last, or nothing when it has vanished.
    fn file(&mut self, dir: &Dir, name: &[u8], relative: &[u8], mut look: Look) -> Option<Look> {
        if self.request.probe {
            let (writer, probed) = dir.probe(name, Links::Refuse);
            match probed {
                Some(probed) => look = probed,
                None => look = dir.look_at(name).ok()?,
            }
            match writer {
                Writer::Gone => {}
                Writer::Open => self.survey.open.add(relative),
                Writer::Unknown => self.survey.writers_unknown = true,
            }
        }
        let mut parts = Vec::with_capacity(32);
        parts.extend_from_slice(&look.size.to_le_bytes());
        parts.extend_from_slice(&look.mtime.0.to_le_bytes());
        parts.extend_from_slice(&look.mtime.1.to_le_bytes());
        if self.request.with_inode {
            parts.extend_from_slice(&look.inode.to_le_bytes());
        }
        self.fold.add(Tag::File, &[relative, &parts]);
        self.survey.size = self.survey.size.saturating_add(look.size);
        Some(look)
    }

    fn count(&mut self, relative: &[u8], look: Look) {
        let survey = &mut self.survey;
        let (mtime, ctime) = (Stamp::new(look.mtime.0, look.mtime.1), Stamp::new(look.ctime.0, look.ctime.1));
        if survey.count == 0 {
            (survey.newest_mtime, survey.newest_ctime) = (mtime, ctime);
        }
        survey.newest_mtime = survey.newest_mtime.max(mtime);
        survey.newest_ctime = survey.newest_ctime.max(ctime);
        survey.count += 1;
        keep_first(&mut survey.listed, relative, LISTED);
    }
}
