//! The two trees.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sys::{Dir, Look};

use crate::answers::{Brought, Content, Renamed};
use crate::attributes::Measure;
use crate::bring::Bringing;
use crate::content;
use crate::copy::Means;
use crate::fault::{Fault, OpenError};
use crate::marker::Marker;
use crate::open;
use crate::options::Options;
use crate::remove;
use crate::rename::Renaming;
use crate::root::Root;
use crate::route::Route;
use crate::temp::Temps;
use crate::touched::Touched;
use crate::trees::Trees;

/// Two trees, the second of which is kept equal to the first. It is `Send` and `Sync`; calls from several threads at
/// once are safe for what lies outside, but may undo one another's work: use one thread.
///
/// Nothing is held open between two calls, so that either file system can be unmounted. Each call opens both roots by
/// their paths and sees whether they are still the directories that were opened first; if not, it is a
/// [`Fault::SourceAway`] or [`Fault::DestinationAway`], and the pair has to be opened anew.
#[derive(Debug)]
pub struct Pair {
    options: Options,
    source: Root,
    destination: Root,
    /// What the destination's marker says; `None`: it has none of ours.
    marker: Mutex<Option<Marker>>,
    temps: Temps,
    means: Means,
    touched: Touched,
}

/// Whose extras may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The source's root is the one that the marker names.
    SameSource,
    /// It is another directory (it was swapped, made anew, or its disk is not mounted), or there is no marker.
    OtherSource,
}

impl Pair {
    /// Opens both roots. Makes the destination (and what is missing above it) and its marker. Refuses roots that
    /// overlap, and a destination that holds something without being ours, unless it may be adopted.
    pub fn open(source: &Path, destination: &Path, options: Options) -> Result<Self, OpenError> {
        let temps = Temps::default();
        let opened = open::open(source, destination, &options, &temps)?;
        Ok(Self::of(opened, options, temps))
    }

    /// Opens both roots to compare them, or to see whether [`Pair::open`] would succeed; makes and changes nothing. A
    /// destination that is missing is [`OpenError::Destination`] with `NOENT`, though `open` would make it.
    pub fn open_unchanged(source: &Path, destination: &Path, options: Options) -> Result<Self, OpenError> {
        let opened = open::open_unchanged(source, destination, &options)?;
        Ok(Self::of(opened, options, Temps::default()))
    }

    fn of(opened: open::Opened, options: Options, temps: Temps) -> Self {
        Self {
            options,
            source: opened.source,
            destination: opened.destination,
            marker: Mutex::new(opened.marker),
            temps,
            means: Means::default(),
            touched: Touched::default(),
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Makes the destination at `path` equal to what the source has there now: a directory (itself, not what is in
    /// it), a link (its text), a file, or nothing: then what the destination has there is removed with all below. An
    /// empty path is the roots: mode, owner and times. Missing parents are made like the source's. The parent's times
    /// are set afterwards.
    ///
    /// While a content is copied, `keep_going` is asked every few MiB with the number of bytes copied so far; false ends it
    /// ([`Brought::Stopped`]).
    pub fn bring(
        &self,
        path: &[u8],
        content: Content,
        keep_going: &dyn Fn(u64) -> bool,
    ) -> Result<Brought, Fault> {
        let route = Route::new(path)?;
        let trees = self.trees()?;
        if route.is_root() {
            let set = trees.settle_one(route, self.measure())?;
            return Ok(if set { Brought::Attributes } else { Brought::Same });
        }
        if let Some(why) = self.options.leave_out(route) {
            return Ok(Brought::LeftOut(why));
        }
        let (options, temps, means) = (&self.options, &self.temps, &self.means);
        let done = Bringing { trees: &trees, options, temps, means, route, content, keep_going }.act();
        // Even after an error: a directory on the way may have got other times by what was tried.
        let paved = done.as_ref().map_or(true, |done| done.paved);
        if !matches!(done.as_ref().map(|done| &done.brought), Ok(Brought::Same | Brought::Attributes)) {
            self.touch(route.parent(), paved);
        }
        let settled = trees.settle(route.parent(), paved, self.measure());
        let brought = done?.brought;
        settled?;
        Ok(brought)
    }

    /// Renames in the destination, without copying a byte. What stands at `to` is replaced as by `rename(2)`; an empty
    /// directory is replaced by a directory, one that is not empty blocks. Refused where the source has something of
    /// another kind at `to` now; where it has nothing there it was renamed on, and the next rename needs it. Missing parents of `to` are made like the source's.
    pub fn rename(&self, from: &[u8], to: &[u8]) -> Result<Renamed, Fault> {
        let (from, to) = (Route::new(from)?, Route::new(to)?);
        let trees = self.trees()?;
        let (options, temps) = (&self.options, &self.temps);
        let (renamed, paved) = Renaming { trees: &trees, options, temps, from, to }.act()?;
        if renamed == Renamed::Done {
            self.touched.moved(from);
            self.touch(from.parent(), false);
            self.touch(to.parent(), paved);
        }
        trees.settle(from.parent(), false, self.measure())?;
        trees.settle(to.parent(), paved, self.measure())?;
        Ok(renamed)
    }

    /// Removes in the destination, with all below, whatever the source has there; answers how many entries. The root
    /// itself, its marker, and what is not there, are none. Of what is left out nothing is removed but our leftovers.
    pub fn remove(&self, path: &[u8]) -> Result<u64, Fault> {
        let route = Route::new(path)?;
        let trees = self.trees()?;
        let leftover = crate::options::is_temp(route.name());
        if route.is_root() || (self.options.leave_out(route).is_some() && !leftover) {
            return Ok(0);
        }
        let Some(dir) = trees.destination_dir(route.parent())? else { return Ok(0) };
        let removed = remove::tree(&dir, route.name());
        self.touch(route.parent(), false);
        let settled = trees.settle(route.parent(), false, self.measure());
        let count = removed.map_err(|errno| Fault::destination("remove", path, errno))?;
        settled?;
        Ok(count)
    }

    /// Whether both trees have a regular file there of the same bytes. `keep_going` as in [`Pair::bring`]; told to stop,
    /// the answer is no.
    pub fn content_equal(&self, path: &[u8], keep_going: &dyn Fn(u64) -> bool) -> Result<bool, Fault> {
        self.content_equal_at(path, path, keep_going)
    }

    /// The same of a file of the source and one that the destination has elsewhere.
    pub fn content_equal_at(
        &self,
        path: &[u8],
        here: &[u8],
        keep_going: &dyn Fn(u64) -> bool,
    ) -> Result<bool, Fault> {
        content::equal(&self.trees()?, Route::new(path)?, Route::new(here)?, keep_going)
    }

    /// How the source has it now; `None` when it is not there, or not below directories that are no links.
    pub fn look_source(&self, path: &[u8]) -> Result<Option<Look>, Fault> {
        Ok(self.trees()?.source_look(Route::new(path)?)?.map(|look| look.look))
    }

    /// How the destination has it now; `None` when it is not there.
    pub fn look_destination(&self, path: &[u8]) -> Result<Option<Look>, Fault> {
        Ok(self.trees()?.destination_look(Route::new(path)?)?.map(|look| look.look))
    }

    /// Makes all that was made, renamed and removed since the last call survive a power cut. (The contents of files
    /// do already.)
    pub fn sync(&self) -> Result<(), Fault> {
        self.touched.sync(&self.trees()?)
    }

    /// Whether the source's root is the one the marker names. If it is not, extras must not be deleted: an unmounted or
    /// swapped source must not empty the mirror. By [`Pair::accept_source`] it becomes the one.
    #[must_use]
    pub fn accepted(&self) -> Accepted {
        match &*self.marker() {
            Some(marker) if marker.names(&self.source) => Accepted::SameSource,
            _ => Accepted::OtherSource,
        }
    }

    /// Whether the destination has, or had when it was opened, the marker of this mirror.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.marker().is_some()
    }

    /// Whether extras that a comparison shows may be deleted: [`Accepted::SameSource`].
    #[must_use]
    pub fn may_delete_extra(&self) -> bool {
        self.accepted() == Accepted::SameSource
    }

    /// Writes the present root of the source into the marker. To be called when somebody asked for it, or when a whole
    /// comparison found no extras (then nothing is lost by it).
    pub fn accept_source(&self) -> Result<(), Fault> {
        let trees = self.trees()?;
        let marker = Marker::of(&self.options.name, &self.source);
        let written = marker.write(&trees.destination, &self.temps);
        written.map_err(|errno| Fault::destination("write the marker in", b"", errno))?;
        *self.marker() = Some(marker);
        trees.settle(Route::ROOT, false, self.measure())
    }

    /// Both roots, if they are still the same directories.
    pub(crate) fn trees(&self) -> Result<Trees, Fault> {
        let away = |root: &Root| -> Result<Dir, (PathBuf, String)> {
            root.again().map_err(|why| (root.path.clone(), why))
        };
        let source = away(&self.source).map_err(|(path, why)| Fault::SourceAway { path, why })?;
        let destination =
            away(&self.destination).map_err(|(path, why)| Fault::DestinationAway { path, why })?;
        Ok(Trees { source, destination, destination_root: self.destination.identity })
    }

    /// What counts when trees are compared, and of directories always: not the time of access.
    pub(crate) fn measure(&self) -> Measure {
        Measure { owner: self.options.owner, atime: false }
    }

    /// The directory's entries changed; with `paved` perhaps those of all above it, too.
    fn touch(&self, dir: Route<'_>, paved: bool) {
        let mut dir = dir;
        self.touched.add(dir);
        while paved && !dir.is_root() {
            dir = dir.parent();
            self.touched.add(dir);
        }
    }

    fn marker(&self) -> MutexGuard<'_, Option<Marker>> {
        self.marker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
