//! Both roots, open for the time of one call, and the ways below them.

use sys::{Dir, EntryKind, Errno, FullLook};

use crate::attributes::Measure;
use crate::fault::Fault;
use crate::root::Identity;
use crate::route::Route;
use crate::temp::{self, Temps};

/// Both roots.
#[derive(Debug)]
pub(crate) struct Trees {
    pub(crate) source: Dir,
    pub(crate) destination: Dir,
    /// Which directory the destination's root is: a directory of the source may be it by another mount.
    pub(crate) destination_root: Identity,
}

/// A directory of the destination, ready to be changed.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) dir: Dir,
    /// Whether a directory on the way was made, or given its owner's rights, so that all of them have to be put
    /// right afterwards.
    pub(crate) paved: bool,
}

/// What means that a path leads to nothing: a name is missing, or no directory, or a link.
fn is_nowhere(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

/// `None` for what is not there.
pub(crate) fn found<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(thing) => Ok(Some(thing)),
        Err(errno) if is_nowhere(errno) => Ok(None),
        Err(errno) => Err(errno),
    }
}

impl Trees {
    /// The source's directory, if the path leads to one. It is only reached: whoever watches the source would hear of
    /// each opening.
    pub(crate) fn source_dir(&self, dir: Route<'_>) -> Result<Option<Dir>, Fault> {
        found(self.source.reach_below(dir.bytes())).map_err(|errno| Fault::source("open", dir.bytes(), errno))
    }

    /// The destination's directory, if the path leads to one.
    pub(crate) fn destination_dir(&self, dir: Route<'_>) -> Result<Option<Dir>, Fault> {
        found(self.destination.open_below(dir.bytes()))
            .map_err(|errno| Fault::destination("open", dir.bytes(), errno))
    }

    /// How the source has it.
    pub(crate) fn source_look(&self, route: Route<'_>) -> Result<Option<FullLook>, Fault> {
        let fault = |errno| Fault::source("look at", route.bytes(), errno);
        look(self.source_dir(route.parent())?.as_ref(), route).map_err(fault)
    }

    /// How the destination has it.
    pub(crate) fn destination_look(&self, route: Route<'_>) -> Result<Option<FullLook>, Fault> {
        let fault = |errno| Fault::destination("look at", route.bytes(), errno);
        look(self.destination_dir(route.parent())?.as_ref(), route).map_err(fault)
    }

    /// The destination's directory to put something into. What is missing on the way is made, and what is no directory
    /// gives way to one. `None`: the source has no such directory now.
    pub(crate) fn pave(&self, dir: Route<'_>, temps: &Temps) -> Result<Option<Place>, Fault> {
        match found(self.destination.open_below(dir.bytes())) {
            Ok(Some(dir)) => return Ok(Some(Place { dir, paved: false })),
            Ok(None) | Err(Errno::ACCESS) => {}
            Err(errno) => return Err(Fault::destination("open", dir.bytes(), errno)),
        }
        let mut there = self.source.reach_below(b"").map_err(|errno| Fault::source("open", b"", errno))?;
        let mut here =
            self.destination.open_below(b"").map_err(|errno| Fault::destination("open", b"", errno))?;
        for way in dir.ways() {
            let name = way.rsplit(|&byte| byte == b'/').next().unwrap_or(way);
            match found(there.reach_child(name)) {
                Ok(Some(child)) => there = child,
                Ok(None) => return Ok(None),
                Err(errno) => return Err(Fault::source("open", way, errno)),
            }
            here = enter(&here, name, temps)
                .map_err(|errno| Fault::destination("make the directory", way, errno))?;
        }
        Ok(Some(Place { dir: here, paved: true }))
    }

    /// Gives a directory of the destination the source's mode, owner and times; with `paved` all above it, too. Where a
    /// tree does not have it there is nothing to do.
    pub(crate) fn settle(&self, dir: Route<'_>, paved: bool, measure: Measure) -> Result<(), Fault> {
        let mut dir = dir;
        loop {
            self.settle_one(dir, measure)?;
            if !paved || dir.is_root() {
                return Ok(());
            }
            dir = dir.parent();
        }
    }

    /// The same for one directory; answers whether anything had to be set.
    pub(crate) fn settle_one(&self, dir: Route<'_>, measure: Measure) -> Result<bool, Fault> {
        let path = dir.bytes();
        let Some(there) = self.source_dir(dir)? else { return Ok(false) };
        let there = FullLook::of(&there).map_err(|errno| Fault::source("look at", path, errno))?;
        let Some(here) = self.destination_dir(dir)? else { return Ok(false) };
        let look = FullLook::of(&here).map_err(|errno| Fault::destination("look at", path, errno))?;
        let set = measure.apply(&here, &there, &look);
        set.map_err(|(doing, errno)| Fault::destination(doing, path, errno))
    }
}

fn look(dir: Option<&Dir>, route: Route<'_>) -> Result<Option<FullLook>, Errno> {
    match dir {
        None => Ok(None),
        Some(root) if route.is_root() => FullLook::of(root).map(Some),
        Some(dir) => found(dir.full_look_at(route.name())),
    }
}

/// Opens the directory `name`, and makes it first where something else or nothing is.
fn enter(here: &Dir, name: &[u8], temps: &Temps) -> Result<Dir, Errno> {
    match found(here.look_at(name))? {
        Some(look) if look.kind() == EntryKind::Directory => {}
        other => temps.make_directory(here, name, other.is_some())?,
    }
    temp::open_own(here, name).map(|(dir, _)| dir)
}
