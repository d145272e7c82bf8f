//! Renaming in the destination what was renamed in the source.

use sys::{Dir, EntryKind, Errno};

use crate::answers::Renamed;
use crate::fault::Fault;
use crate::options::Options;
use crate::remove;
use crate::route::Route;
use crate::temp::{Temps, writing};
use crate::trees::{Place, Trees, found};

/// What is at hand for one rename.
pub(crate) struct Renaming<'a> {
    pub(crate) trees: &'a Trees,
    pub(crate) options: &'a Options,
    pub(crate) temps: &'a Temps,
    pub(crate) from: Route<'a>,
    pub(crate) to: Route<'a>,
}

impl Renaming<'_> {
    /// Does it, all but the parents' attributes. With whether directories on the way to the new name have to be put
    /// right.
    pub(crate) fn act(&self) -> Result<(Renamed, bool), Fault> {
        let blocked = |why| Ok((Renamed::Blocked(why), false));
        if self.from.is_root() || self.to.is_root() {
            return blocked("a root cannot be renamed");
        }
        if self.from == self.to {
            return blocked("both names are the same");
        }
        if self.from.is_below(self.to) || self.to.is_below(self.from) {
            return blocked("one lies in the other");
        }
        let wanted = self.trees.source_look(self.to)?.map(|look| look.look.kind());
        let Some(dir) = self.trees.destination_dir(self.from.parent())? else {
            return Ok((Renamed::NotThere, false));
        };
        let name = self.from.name();
        let look = found(dir.look_at(name)).map_err(|errno| fault("look at", self.from, errno))?;
        let Some(kind) = look.map(|look| look.kind()) else { return Ok((Renamed::NotThere, false)) };
        if wanted.is_some_and(|wanted| wanted != kind) {
            return blocked("the source has something of another kind there now");
        }
        let out = |route| self.options.leave_out(route).or_else(|| self.options.leave_out_kind(route, kind));
        if out(self.from).is_some() || out(self.to).is_some() {
            return blocked("one of the names is not mirrored");
        }
        let place = match wanted {
            Some(_) => self.trees.pave(self.to.parent(), self.temps)?,
            // It was renamed on. The way is the destination's own then.
            None => self.trees.destination_dir(self.to.parent())?.map(|dir| Place { dir, paved: false }),
        };
        let Some(Place { dir: to, paved }) = place else {
            return blocked("there is no directory for the new name now");
        };
        Ok((self.rename(&dir, &to, kind)?, paved))
    }

    fn rename(&self, dir: &Dir, to: &Dir, kind: EntryKind) -> Result<Renamed, Fault> {
        let (name, new) = (self.from.name(), self.to.name());
        let renamed = writing(to, || writing(dir, || dir.rename(name, to, new)));
        match renamed {
            Ok(()) => Ok(Renamed::Done),
            // Nothing of it is lost: what is in the way stays for the comparison.
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                Ok(Renamed::Blocked("a directory that is not empty has the new name"))
            }
            Err(Errno::XDEV) => Ok(Renamed::Blocked("the names lie on different file systems")),
            Err(Errno::INVAL) => Ok(Renamed::Blocked("one lies in the other")),
            Err(Errno::NOENT) => Ok(Renamed::NotThere),
            Err(Errno::ISDIR | Errno::NOTDIR) => self.exchange(dir, to, kind),
            Err(errno) => Err(fault("rename", self.from, errno)),
        }
    }

    /// Of the two one is a directory. What has the new name gives way, as it did in the source.
    fn exchange(&self, dir: &Dir, to: &Dir, kind: EntryKind) -> Result<Renamed, Fault> {
        let (name, new) = (self.from.name(), self.to.name());
        match dir.exchange(name, to, new) {
            Ok(()) => {
                remove::tree(dir, name).map_err(|errno| fault("remove", self.from, errno))?;
                Ok(Renamed::Done)
            }
            Err(Errno::NOENT) => Ok(Renamed::NotThere),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if kind == EntryKind::Directory => {
                remove::tree(to, new).map_err(|errno| fault("remove", self.to, errno))?;
                dir.rename(name, to, new).map_err(|errno| fault("rename", self.from, errno))?;
                Ok(Renamed::Done)
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                Ok(Renamed::Blocked("a directory has the new name"))
            }
            Err(errno) => Err(fault("exchange", self.from, errno)),
        }
    }
}

fn fault(doing: &'static str, route: Route<'_>, errno: Errno) -> Fault {
    Fault::destination(doing, route.bytes(), errno)
}
