//! The root of a stream's tree: entering it, and seeing that it is still the same.

use std::path::{Path, PathBuf};

use model::Happening;
use sys::dir::Place;
use sys::{EntryKind, Errno, Look};

use super::book::{Armed, Entry, NodeId};
use super::compare::renew;
use super::queue::Stamp;
use super::voice::{Voice, Word};
use super::{CHECK, Existing, Root, Stream, mask};

/// Where the tree is and what its root was.
#[derive(Debug)]
pub(super) struct Ground {
    path: PathBuf,
    device: u64,
    inode: u64,
    is_dir: bool,
    /// How the root looked last.
    itself: Entry,
}

impl Ground {
    fn is(&self, look: &Look) -> bool {
        (self.device, self.inode) == (look.device, look.inode)
    }
}

impl Stream {
    /// Arms and lists the tree.
    pub(super) fn enter(
        &mut self,
        root: &Path,
        existing: Existing,
        voice: &mut Voice<'_>,
    ) -> Result<(), Errno> {
        let look = Place::at(root)?.look()?;
        let is_dir = look.kind() == EntryKind::Directory;
        let (path, itself) = (root.to_owned(), Entry::seen(&look));
        self.ground = Some(Ground { path, device: look.device, inode: look.inode, is_dir, itself });
        self.starved = false;
        if is_dir {
            self.enter_directory(existing, voice)?;
        } else {
            self.arm_file();
        }
        if self.book.armed(NodeId::ROOT) != Armed::Polled
            && let Some(ground) = &mut self.ground
        {
            ground.itself = itself.without_prints();
        }
        Ok(())
    }

    /// Our own listing is not told: everything is armed without what that raises first, and with it when all is
    /// listed. Nothing but opening, reading and closing can pass unheard meanwhile.
    fn enter_directory(&mut self, existing: Existing, voice: &mut Voice<'_>) -> Result<(), Errno> {
        let manner = self.of_all(existing == Existing::Told, None);
        let difference = self.visit(NodeId::ROOT, manner)?;
        let mut todo = std::collections::VecDeque::new();
        self.apply(voice, difference, manner, None, &mut todo);
        self.walk(voice, todo.make_contiguous(), manner);
        if self.mask != mask::quiet(self.mask) {
            self.widen();
        }
        Ok(())
    }

    pub(super) fn root_is_dir(&self) -> bool {
        self.ground.as_ref().is_none_or(|ground| ground.is_dir)
    }

    /// The root, as long as its path leads to it.
    pub(super) fn place(&self) -> Result<&Place, Errno> {
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let ground = self.ground.as_ref().ok_or(Errno::NOENT)?;
        let place = Place::at(&ground.path)?;
        if !ground.is(&place.look()?) {
            return Err(Errno::NOENT);
        }
        Ok(self.place.get_or_init(|| place))
    }

    /// Whether the root's path still leads to it. No event tells of what happens above it, and a polled one has
    /// none at all. An error that says nothing of this is no evidence.
    pub(super) fn check_root(&mut self) -> Root {
        self.next_check = self.now + CHECK;
        let Some(ground) = &self.ground else { return Root::Alive };
        // Where it is heard, its end would have been told: so it lives on elsewhere.
        let gone = match self.book.armed(NodeId::ROOT) {
            Armed::Watch(_) => Root::Moved,
            Armed::Polled => Root::Deleted,
        };
        match Place::at(&ground.path).and_then(|place| place.look()) {
            Ok(look) if ground.is(&look) => Root::Alive,
            Ok(look) if look.device != ground.device => Root::Unmounted,
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => gone,
            Err(_) => Root::Alive,
        }
    }

    /// Tells what [`Stream::check_root`] has found.
    pub(super) fn tell_lost(&self, voice: &mut Voice<'_>, root: Root) -> Root {
        let what = match root {
            Root::Deleted => Happening::DeleteSelf,
            Root::Moved => Happening::MoveSelf,
            Root::Alive | Root::Unmounted => return root,
        };
        voice.say_of_root(Word::found(what, self.root_is_dir()));
        root
    }

    /// Compares the root itself with how it looked last, where no event tells of it. A file is armed if it can be.
    pub(super) fn compare_root(&mut self, voice: &mut Voice<'_>) {
        if self.book.armed(NodeId::ROOT) != Armed::Polled {
            return;
        }
        if !self.root_is_dir() {
            self.arm_file();
        }
        self.renew_root(voice, None);
    }

    /// Tells that the root itself changed after `since`.
    pub(super) fn compare_root_since(&mut self, voice: &mut Voice<'_>, since: Option<Stamp>) {
        if since.is_some() {
            self.renew_root(voice, since);
        }
    }

    fn renew_root(&mut self, voice: &mut Voice<'_>, since: Option<Stamp>) {
        let Ok(look) = self.place().and_then(Place::look) else { return };
        let late = since.is_some_and(|since| look.ctime >= since);
        let keeps_prints = self.book.armed(NodeId::ROOT) == Armed::Polled;
        let Some(ground) = &mut self.ground else { return };
        let is_dir = ground.is_dir;
        if let Some(what) = renew(&mut ground.itself, &Entry::seen(&look), late, keeps_prints) {
            voice.say_of_root(Word::found(what, is_dir));
        }
    }

    /// Arms the file that is the root, with the mask as it is now.
    pub(super) fn arm_file(&mut self) {
        let Some(Ok(place)) = self.ground.as_ref().map(|ground| Place::at(&ground.path)) else { return };
        self.arm(NodeId::ROOT, &place, self.mask);
    }
}
