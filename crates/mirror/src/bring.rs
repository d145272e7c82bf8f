//! Making one path of the destination equal to what the source has there now.

use std::fs::File;
use std::time::Duration;

use sys::dir::Links;
use sys::lease::Writer;
use sys::{Dir, EntryKind, Errno, FullLook, Look};

use crate::answers::{Brought, Content, How, LeftOut};
use crate::attributes::Measure;
use crate::copy::{self, Broken, Copied, Means};
use crate::fault::Fault;
use crate::options::Options;
use crate::remove;
use crate::root::Identity;
use crate::route::Route;
use crate::temp::{self, Temps};
use crate::trees::{Place, Trees, found};

/// What is at hand for one path.
pub(crate) struct Bringing<'a> {
    pub(crate) trees: &'a Trees,
    pub(crate) options: &'a Options,
    pub(crate) temps: &'a Temps,
    pub(crate) means: &'a Means,
    pub(crate) route: Route<'a>,
    pub(crate) content: Content,
    pub(crate) keep_going: &'a dyn Fn(u64) -> bool,
}

/// What was done, and whether directories on the way have to be put right.
pub(crate) struct Done {
    pub(crate) brought: Brought,
    pub(crate) paved: bool,
}

impl From<Brought> for Done {
    fn from(brought: Brought) -> Self {
        Self { brought, paved: false }
    }
}

/// What the source has at the path: the directory that holds it, and the look.
struct Found {
    dir: Dir,
    look: FullLook,
}

impl Bringing<'_> {
    /// Does it, all but the parent's attributes.
    pub(crate) fn act(&self) -> Result<Done, Fault> {
        let Some(found) = self.find()? else { return self.clear(None) };
        let kind = found.look.look.kind();
        if kind == EntryKind::Special {
            return self.clear(Some(LeftOut::Special));
        }
        if let Some(why) = self.options.leave_out_kind(self.route, kind) {
            return Ok(Brought::LeftOut(why).into());
        }
        match kind {
            EntryKind::Directory => self.directory(&found),
            EntryKind::Symlink => self.link(&found),
            _ => self.file(&found),
        }
    }

    /// A time of access changes with each reading, ours too. So it counts only where nothing else is to be brought: then
    /// somebody has set it, perhaps.
    fn measure(&self, kind: EntryKind) -> Measure {
        let only_attributes = matches!(self.content, Content::Never | Content::OnlyTimesOf(_));
        Measure { owner: self.options.owner, atime: only_attributes && kind == EntryKind::File }
    }

    fn find(&self) -> Result<Option<Found>, Fault> {
        let Some(dir) = self.trees.source_dir(self.route.parent())? else { return Ok(None) };
        let look = found(dir.full_look_at(self.route.name())).map_err(|errno| self.unreadable(errno))?;
        Ok(look.map(|look| Found { dir, look }))
    }

    /// Removes what the destination has there, unless that is left out for its kind.
    fn clear(&self, why: Option<LeftOut>) -> Result<Done, Fault> {
        let answer = |brought| why.map_or(brought, Brought::LeftOut);
        let Some(dir) = self.trees.destination_dir(self.route.parent())? else {
            return Ok(answer(Brought::Same).into());
        };
        let name = self.route.name();
        let Some(here) = found(dir.look_at(name)).map_err(|errno| self.fault("look at", errno))? else {
            return Ok(answer(Brought::Same).into());
        };
        if let Some(other) = self.options.leave_out_kind(self.route, here.kind()) {
            return Ok(Brought::LeftOut(why.unwrap_or(other)).into());
        }
        let entries = remove::tree(&dir, name).map_err(|errno| self.fault("remove", errno))?;
        Ok(answer(Brought::Removed { entries }).into())
    }

    fn directory(&self, found: &Found) -> Result<Done, Fault> {
        let there = &found.look;
        if is_root(&there.look, self.trees.destination_root) {
            return Ok(Brought::LeftOut(LeftOut::Overlap).into());
        }
        let Some(Place { dir, paved }) = self.pave()? else { return Ok(Brought::Changing.into()) };
        let name = self.route.name();
        let here = self.look_here(&dir)?;
        let made = here.is_none_or(|here| here.look.kind() != EntryKind::Directory);
        if made {
            let done = self.temps.make_directory(&dir, name, here.is_some());
            done.map_err(|errno| self.fault("make the directory", errno))?;
        }
        let set = self.apply(self.hold_directory(&dir)?, there)?;
        let brought = match (made, set) {
            (true, _) => Brought::Made,
            (false, true) => Brought::Attributes,
            (false, false) => Brought::Same,
        };
        Ok(Done { brought, paved })
    }

    /// Holds the directory that is there now, and nothing else that may take its name.
    fn hold_directory(&self, dir: &Dir) -> Result<sys::Grip, Fault> {
        let grip = dir.grip(self.route.name()).map_err(|errno| self.fault("open", errno))?;
        let look = Look::of(&grip).map_err(|errno| self.fault("look at", errno))?;
        if look.kind() == EntryKind::Directory { Ok(grip) } else { Err(self.fault("open", Errno::NOTDIR)) }
    }

    fn link(&self, found: &Found) -> Result<Done, Fault> {
        let name = self.route.name();
        let Some(text) = link_text(&found.dir, name).map_err(|errno| self.unreadable(errno))? else {
            return Ok(Brought::Changing.into());
        };
        let Some(Place { dir, paved }) = self.pave()? else { return Ok(Brought::Changing.into()) };
        let measure = self.measure(EntryKind::Symlink);
        let same = self.look_here(&dir)?.is_some_and(|here| {
            here.look.kind() == EntryKind::Symlink
                && !measure.differs(&found.look, &here)
                && dir.read_link(name).is_ok_and(|its| its == text)
        });
        if same {
            return Ok(Done { brought: Brought::Same, paved });
        }
        // A link's text cannot be changed, and its times are not touched by name: it is always a fresh one.
        let made = self.temps.make(&dir, |temp| dir.make_link(temp, &text));
        let (temp, ()) = made.map_err(|errno| self.fault("make the link", errno))?;
        let dressed = dir
            .grip(&temp)
            .map_err(|errno| self.fault("open", errno))
            .and_then(|grip| self.apply(&grip, &found.look));
        self.publish(&dir, &temp, dressed.map(drop), Done { brought: Brought::Made, paved })
    }

    fn file(&self, found: &Found) -> Result<Done, Fault> {
        let there = &found.look;
        let here = match self.trees.destination_dir(self.route.parent())? {
            Some(dir) => self.look_here(&dir)?.map(|look| (dir, look)),
            None => None,
        };
        if let Some((dir, here)) = here
            && let Some(brought) = self.dress(&dir, there, &here)?
        {
            return Ok(brought.into());
        }
        match self.content {
            Content::Never | Content::OnlyTimesOf(_) => Ok(Brought::ContentDiffers.into()),
            _ if !self.is_complete(found) => Ok(Brought::Changing.into()),
            _ => self.copy(found),
        }
    }

    /// Whether the source's file is the one that was asked for, and still.
    fn is_complete(&self, found: &Found) -> bool {
        let look = &found.look.look;
        match self.content {
            Content::IfDiffersFrom(sample) | Content::AlwaysOf(sample) => sample.fits(look),
            Content::IfStill { now, still } => {
                lies_still(look, now, still)
                    && found.dir.probe_writer(self.route.name(), Links::Refuse) != Writer::Open
            }
            _ => true,
        }
    }

    /// Gives the file that is there its attributes, if its content counts as the same; `None`: it does not.
    ///
    /// A file with several names was not made by us, and one of these may lie outside: it is never changed but replaced.
    fn dress(&self, dir: &Dir, there: &FullLook, here: &FullLook) -> Result<Option<Brought>, Fault> {
        let same_size = there.look.size == here.look.size;
        let counts_as_same = match self.content {
            Content::Always | Content::AlwaysOf(_) => false,
            Content::OnlyTimesOf(sample) => same_size && sample.fits(&there.look),
            _ => same_size && there.look.mtime == here.look.mtime,
        };
        if here.look.kind() != EntryKind::File || !counts_as_same {
            return Ok(None);
        }
        if !self.measure(EntryKind::File).differs(there, here) {
            return Ok(Some(Brought::Same));
        }
        let name = self.route.name();
        let grip = dir.grip(name).map_err(|errno| self.fault("open", errno))?;
        let held = Look::of(&grip).map_err(|errno| self.fault("look at", errno))?;
        let named = dir.look_at(name).map_err(|errno| self.fault("look at", errno))?;
        let own = held.links == 1
            && held.kind() == EntryKind::File
            && (held.device, held.inode) == (named.device, named.inode)
            && (held.size, held.mtime) == (here.look.size, here.look.mtime);
        if !own {
            return Ok(None);
        }
        self.apply(&grip, there)?;
        Ok(Some(Brought::Attributes))
    }

    fn copy(&self, found: &Found) -> Result<Done, Fault> {
        let name = self.route.name();
        let from = match found.dir.open_regular(name) {
            Ok(file) => file,
            // It went, or is something else now: whoever told of it will tell of that.
            Err(Errno::NOENT | Errno::INVAL | Errno::LOOP) => return Ok(Brought::Changing.into()),
            Err(errno) => return Err(self.unreadable(errno)),
        };
        if !self.is_as_before(&from, &found.look.look)? {
            return Ok(Brought::Changing.into());
        }
        let Some(Place { dir, paved }) = self.pave()? else { return Ok(Brought::Changing.into()) };
        let made = self.temps.make(&dir, |temp| dir.make_file(temp));
        let (temp, to) = made.map_err(|errno| self.fault("make a file beside", errno))?;
        let filled = self.fill(&from, &to, &found.look);
        match filled {
            Ok(Ok(how)) => {
                let brought = Brought::Copied { bytes: found.look.look.size, how };
                self.publish(&dir, &temp, Ok(()), Done { brought, paved })
            }
            Ok(Err(unfinished)) => {
                discard(&dir, &temp);
                Ok(Done { brought: unfinished, paved })
            }
            Err(fault) => {
                discard(&dir, &temp);
                Err(fault)
            }
        }
    }

    /// Copies the bytes, the attributes and then makes both survive a power cut. The inner error: the source moved on.
    fn fill(&self, from: &File, to: &File, there: &FullLook) -> Result<Result<How, Brought>, Fault> {
        let copied = copy::content(from, to, there.look.size, self.means, self.keep_going);
        let how = match copied.map_err(|broken| self.broken(&broken))? {
            Copied::Whole(how) => how,
            Copied::Short => return Ok(Err(Brought::Changing)),
            Copied::Stopped => return Ok(Err(Brought::Stopped)),
        };
        if !self.is_as_before(from, &there.look)? {
            return Ok(Err(Brought::Changing));
        }
        self.apply(to, there)?;
        to.sync_all().map_err(|error| self.fault("write", copy::errno_of(&error)))?;
        Ok(Ok(how))
    }

    /// Whether the open file is the one that was looked at, unchanged since. The ctime cannot be set, so it
    /// tells of every write.
    fn is_as_before(&self, file: &File, before: &Look) -> Result<bool, Fault> {
        let now = Look::of(file).map_err(|errno| self.unreadable(errno))?;
        let facts = |look: &Look| (look.device, look.inode, look.size, look.mtime, look.ctime);
        Ok(facts(&now) == facts(before))
    }

    /// Gives what has a temporary name its own, if it came out well.
    fn publish(&self, dir: &Dir, temp: &[u8], ready: Result<(), Fault>, done: Done) -> Result<Done, Fault> {
        if let Err(fault) = ready {
            discard(dir, temp);
            return Err(fault);
        }
        temp::put(dir, temp, self.route.name()).map_err(|errno| self.fault("replace", errno))?;
        Ok(done)
    }

    fn pave(&self) -> Result<Option<Place>, Fault> {
        self.trees.pave(self.route.parent(), self.temps)
    }

    fn look_here(&self, dir: &Dir) -> Result<Option<FullLook>, Fault> {
        found(dir.full_look_at(self.route.name())).map_err(|errno| self.fault("look at", errno))
    }

    fn apply(&self, fd: impl std::os::fd::AsFd, there: &FullLook) -> Result<bool, Fault> {
        let here = FullLook::of(&fd).map_err(|errno| self.fault("look at", errno))?;
        let measure = self.measure(there.look.kind());
        measure.apply(&fd, there, &here).map_err(|(doing, errno)| self.fault(doing, errno))
    }

    fn fault(&self, doing: &'static str, errno: Errno) -> Fault {
        Fault::destination(doing, self.route.bytes(), errno)
    }

    fn unreadable(&self, errno: Errno) -> Fault {
        Fault::source("read", self.route.bytes(), errno)
    }

    fn broken(&self, broken: &Broken) -> Fault {
        match *broken {
            Broken::Reading(errno) => self.unreadable(errno),
            Broken::Writing(errno) => self.fault("write", errno),
        }
    }
}

/// A leftover that cannot be removed now is removed by the next comparison.
fn discard(dir: &Dir, temp: &[u8]) {
    let _ = dir.remove(temp);
}

/// Whether a directory is that root.
pub(crate) fn is_root(look: &Look, root: Identity) -> bool {
    (look.device, look.inode) == (root.device, root.inode)
}

/// The text of the link that is there; `None`: none is any more.
pub(crate) fn link_text(dir: &Dir, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    match dir.read_link(name) {
        Err(Errno::INVAL) => Ok(None),
        text => found(text),
    }
}

/// Whether nothing of the file changed for a while. A ctime cannot be set, so it is the one that counts; an mtime in
/// the future was set by somebody and says nothing.
fn lies_still(look: &Look, now: (i64, u32), still: Duration) -> bool {
    let nanos = |(seconds, nanos): (i64, u32)| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let since = |time| nanos(now) - nanos(time);
    let still = i128::try_from(still.as_nanos()).unwrap_or(i128::MAX);
    since(look.ctime) >= still && (since(look.mtime) >= still || since(look.mtime) < 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stillness_is_counted_from_the_last_change() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), b"").unwrap();
        let mut look = Dir::open_root(dir.path()).unwrap().look_at(b"f").unwrap();
        let second = Duration::from_secs(1);
        (look.mtime, look.ctime) = ((10, 5), (10, 6));
        assert!(!lies_still(&look, (11, 5), second));
        assert!(lies_still(&look, (11, 6), second));
        assert!(!lies_still(&look, (9, 0), Duration::ZERO), "a change in the future is no rest");
        look.mtime = (99, 0);
        assert!(lies_still(&look, (11, 6), second));
        look.mtime = (11, 0);
        assert!(!lies_still(&look, (11, 6), second), "a file system may keep no ctime");
    }
}
