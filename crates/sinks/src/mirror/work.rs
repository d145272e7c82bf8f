//! What each hint leads to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use mirror::{Brought, Content, EntryKind, Fault, Look, OpenError, Pair, Reach, Renamed, Sample};
use model::Stamp;
use model::text::safe;

use super::Place;
use super::again::{self, Again};
use super::comparing::Comparing;
use super::doubts::Doubts;
use super::item::{Complete, Hint, Item};
use super::marks::{Copied, Marks};
use super::names::Names;
use super::pending::{First, Pending, Second};
use super::pulse::Pulse;
use crate::journal::Hands;
use crate::sink::{Outcome, Trouble};

/// One call works so long on its batch, so that what is done is reported while the rest waits.
const SLICE: Duration = Duration::from_secs(2);
/// How long a file that was renamed hither waits for the stream to say so.
const AWAIT: Duration = Duration::from_millis(100);
/// And how often: its halves may wait themselves, behind an event that comes again when it is quiet.
const AWAITS: u32 = 4;
/// How often a file whose times change while it is copied is tried.
const TOUCHED: u32 = 20;
/// So many wait at once; others are copied.
const AWAITED: usize = 4096;
/// Nothing for so long: what is doubtful can be looked at.
const QUIET: Duration = Duration::from_millis(250);

/// The mirror's thread.
#[derive(Debug)]
pub(crate) struct Work {
    pub(super) place: Place,
    timeout: Duration,
    pub(super) hands: Hands,
    pub(super) pulse: Pulse,
    pair: Option<Pair>,
    /// Device and inode of the destination's root that was open last.
    destination: Option<(u64, u64)>,
    /// The tree that is open now was compared as a whole: what is gone from it is gone.
    pub(super) at_home: bool,
    /// The last root was removed, not just out of sight: its successor is the source.
    root_gone: bool,
    pub(super) marks: Marks,
    pub(super) pending: Pending,
    pub(super) doubts: Doubts,
    /// What gets a second look when it is quiet.
    pub(super) again: Again,
    names: Names,
    /// When anything but doubts was worked on last.
    pub(super) worked: Stamp,
    pub(super) comparing: Option<Comparing>,
    /// Those of the last call that are done. Its answer may have come too late for the caller.
    finished: HashSet<u64>,
    /// How often those were put off that wait for a rename.
    awaited: HashMap<u64, u32>,
    /// Directories whose times are to be set when the batch is through.
    pub(super) touched: BTreeSet<Box<[u8]>>,
}

/// Why a batch ends early.
pub(super) enum Stop {
    /// The trees cannot be worked on now.
    Trouble(Trouble),
    /// This one path fails.
    Path(String),
}

pub(super) type Step<T> = Result<T, Stop>;

impl Work {
    pub(crate) fn new(place: Place, timeout: Duration, hands: Hands, pulse: Pulse) -> Self {
        Self {
            place,
            timeout,
            hands,
            pulse,
            pair: None,
            destination: None,
            at_home: false,
            root_gone: false,
            marks: Marks::default(),
            pending: Pending::default(),
            doubts: Doubts::default(),
            again: Again::default(),
            names: Names::default(),
            worked: Stamp::new(0, 0),
            comparing: None,
            finished: HashSet::new(),
            awaited: HashMap::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Whether both trees can be opened.
    pub(crate) fn ready(&mut self) -> Result<(), Trouble> {
        self.open().map(|_| ())
    }

    /// Works through the items in order, or through the first of them: it ends before a later item of a path of which
    /// one is not done.
    pub(crate) fn through(&mut self, items: &[Item]) -> Result<Vec<Outcome>, Trouble> {
        self.forget_other_roots();
        let begun = (self.hands.now)();
        let before = std::mem::take(&mut self.finished);
        let mut outcomes = Vec::with_capacity(items.len());
        let mut undone = HashSet::new();
        if let Err(Stop::Trouble(trouble)) = self.copy_ahead(items) {
            return Err(trouble);
        }
        for (at, item) in items.iter().enumerate() {
            if undone.contains(&item.path) {
                break;
            }
            if item.what.is_about_its_path() {
                self.note(&item.path, item.guessed);
            }
            let outcome = if before.contains(&item.seq) {
                Outcome::Delivered
            } else {
                match self.one(item, &items[at + 1..]) {
                    Ok(outcome) => outcome,
                    Err(Stop::Path(why)) => Outcome::Retry(why),
                    Err(Stop::Trouble(trouble)) => {
                        self.end_batch();
                        return if outcomes.is_empty() { Err(trouble) } else { Ok(outcomes) };
                    }
                }
            };
            if outcome == Outcome::Delivered {
                self.finished.insert(item.seq);
                self.awaited.remove(&item.seq);
            } else {
                undone.insert(&item.path);
            }
            let underway = matches!(outcome, Outcome::Underway(_));
            outcomes.push(outcome);
            if underway || !self.pulse.beat() || since(begun, (self.hands.now)()) > self.slice() {
                break;
            }
        }
        let end = self.end_batch();
        self.hold_ticket(items, &mut outcomes);
        match end {
            Some(trouble) => Err(trouble),
            None => Ok(outcomes),
        }
    }

    /// The last event is not acknowledged before doubts were looked at: it brings us back when it is quiet.
    fn hold_ticket(&mut self, items: &[Item], outcomes: &mut [Outcome]) {
        let Some(item) = outcomes.len().checked_sub(1).and_then(|last| items.get(last)) else { return };
        let Some(last) = outcomes.last_mut().filter(|last| **last == Outcome::Delivered) else { return };
        if self.doubts.needs_ticket(item.seq) {
            self.finished.remove(&item.seq);
            *last = wait_for_quiet();
        }
    }

    /// The event that stands for doubts came again.
    fn settle_doubts(&mut self) -> Step<()> {
        let mut doubts = self.doubts.take();
        while let Some((path, begun)) = doubts.pop_first() {
            match self.settle_doubt(&path, begun) {
                Ok(()) => {}
                Err(Stop::Path(why)) => self.keep_failed(&path, again::Look::default(), &why),
                Err(trouble) => {
                    doubts.insert(path, begun);
                    self.doubts.put_back(doubts);
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }

    fn settle_doubt(&mut self, path: &[u8], begun: Stamp) -> Step<()> {
        let now = (self.hands.now)();
        // A directory on the way may have been made for it, and is gone by now.
        let top = self.first_missing(path)?;
        for path in self.below(top)? {
            self.doubts.keep(&path, begun, now, self.place.origin.still);
        }
        self.learn_names(path)?;
        self.touched.insert(parent(top).into());
        Ok(())
    }

    /// The first directory on the way that the source does not have, or the path itself.
    pub(super) fn first_missing<'p>(&mut self, path: &'p [u8]) -> Step<&'p [u8]> {
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            if self.source(&path[..at])?.is_none() {
                return Ok(&path[..at]);
            }
        }
        Ok(path)
    }

    /// Half the timeout at most, so that the answer comes in time.
    pub(super) fn slice(&self) -> Duration {
        SLICE.min(self.timeout / 2)
    }

    /// Sets the times of directories in which something was done, and makes it all durable.
    pub(super) fn end_batch(&mut self) -> Option<Trouble> {
        for path in std::mem::take(&mut self.touched) {
            // What cannot be set now is set by the next comparison.
            let _ = self.look(&path);
        }
        let synced = self.pair.as_ref().map(Pair::sync)?;
        match synced.map_err(|fault| self.stop(&fault)) {
            Err(Stop::Trouble(trouble)) => {
                self.finished.clear();
                Some(trouble)
            }
            _ => None,
        }
    }

    fn one(&mut self, item: &Item, later: &[Item]) -> Step<Outcome> {
        let path = &item.path;
        let now = (self.hands.now)();
        let busy = since(self.worked, now) < QUIET;
        match self.doubts.is_due(item.seq, busy) {
            Some(true) => return self.settle_doubts().map(|()| Outcome::Delivered),
            Some(false) => return Ok(wait_for_quiet()),
            // What waits itself must not keep waiting what it waits for.
            None if self.awaited.contains_key(&item.seq) => {}
            None => self.worked = now,
        }
        self.touched.insert(parent(path).into());
        match &item.what {
            Hint::Nothing => {}
            Hint::RootGone => {
                // It could be removed because it was empty.
                self.root_gone = true;
                self.pair = None;
            }
            Hint::Complete(complete) => return self.complete(item.seq, path, complete),
            Hint::Look => self.look(path)?,
            Hint::Gone => self.gone(path)?,
            Hint::Doubt => self.doubt(path),
            Hint::Closed { at } => self.closed(path, *at)?,
            Hint::MovedFrom { cookie } => return self.moved_from(path, *cookie, later),
            Hint::MovedTo { cookie, from } => self.moved_to(path, *cookie, from.as_deref())?,
            Hint::Compare => return self.compare(item.seq),
        }
        Ok(Outcome::Delivered)
    }

    fn complete(&mut self, seq: u64, path: &[u8], complete: &Complete) -> Step<Outcome> {
        let Some(look) = self.source(path)? else {
            // It may have been copied ahead.
            self.doubt(path);
            return Ok(Outcome::Delivered);
        };
        let same_inode = complete.inode == 0 || complete.inode == look.inode;
        if look.kind() != EntryKind::File || look.size != complete.size || !same_inode {
            // Another content lies there by now; it is told of when it is complete.
            return Ok(Outcome::Delivered);
        }
        if complete.renamed
            && !self.marks.is_marked(path)
            && !is_copy(&look, self.destination(path)?.as_ref())
        {
            // Arrivals and the stream are heard apart. A rename that the stream has not told of yet saves the copy.
            let times = self.awaited.get(&seq).copied().unwrap_or(0);
            let found = times > 0 && self.find_its_first_half(path, &look)?;
            if !found && times < AWAITS && (times > 0 || self.awaited.len() < AWAITED) {
                self.awaited.insert(seq, times + 1);
                return Ok(Outcome::PutOff(AWAIT, "it was renamed; from where is waited for".into()));
            }
        }
        if self.copy_complete(path, complete)? == Brought::Changing && self.is_awaited(seq, path, complete)? {
            return Ok(Outcome::PutOff(AWAIT, "it changed while it was copied".into()));
        }
        self.doubt_other_names(path)?;
        if complete.polled {
            // Two pollers look at different times: if it goes before the stream's next look, no event tells of that.
            self.doubt(path);
        }
        Ok(Outcome::Delivered)
    }

    /// Whether what could not be copied is tried again: nobody wrote, and no other arrival will come. Its mode was set
    /// during the copy, or its time: that may also be a writer's, who closes it one day and brings another arrival.
    fn is_awaited(&mut self, seq: u64, path: &[u8], complete: &Complete) -> Step<bool> {
        if self.is_as_told(path, complete)? {
            return Ok(true);
        }
        let times = self.awaited.entry(seq).or_default();
        *times += 1;
        let awaited = *times < TOUCHED;
        let look = self.source(path)?.filter(|look| look.kind() == EntryKind::File);
        let same_inode = |inode| complete.inode == 0 || complete.inode == inode;
        Ok(awaited && look.is_some_and(|look| look.size == complete.size && same_inode(look.inode)))
    }

    fn copy_complete(&mut self, path: &[u8], complete: &Complete) -> Step<Brought> {
        let content = if !self.is_as_told(path, complete)? {
            // Only touched, or being written again: then somebody has it open.
            let now = (self.hands.now)();
            Content::IfStill { now: (now.sec, now.nsec), still: Duration::ZERO }
        } else if complete.rewritten || self.marks.is_marked(path) {
            Content::Always
        } else if complete.polled && !self.has_its_bytes(path)? {
            // What was replaced by a rename is not told to be rewritten where it is polled, and may look the same.
            Content::Always
        } else {
            Content::IfDiffers
        };
        self.bring(path, content)
    }

    /// Whether the source's file is the one that arrived.
    fn is_as_told(&mut self, path: &[u8], complete: &Complete) -> Step<bool> {
        let look = self.source(path)?.filter(|look| look.kind() == EntryKind::File);
        Ok(look.is_some_and(|look| look.size == complete.size && stamp(look.mtime) == complete.mtime))
    }

    /// Of the halves that wait for their other one, the one that is this file's. Its own second half stands behind the
    /// event in hand and cannot be seen.
    fn find_its_first_half(&mut self, path: &[u8], look: &Look) -> Step<bool> {
        let halves: Vec<_> = self.pending.waiting().map(|(cookie, from)| (cookie, Box::from(from))).collect();
        for (cookie, from) in halves {
            let from: Box<[u8]> = from;
            if self.source(&from)?.is_none() && self.is_copy_of(&from, path, look)? {
                self.pending.joined(cookie);
                return self.renamed(&from, path).map(|()| true);
            }
        }
        Ok(false)
    }

    /// Makes everything equal that is there, but content that is not said to be complete. What is missing in the
    /// source is left: if it was removed or renamed, that is told, too, and a rename may still need it.
    pub(super) fn look(&mut self, path: &[u8]) -> Step<()> {
        if self.source(path)?.is_none() {
            self.doubt(path);
            return Ok(());
        }
        let brought = self.bring(path, Content::Never)?;
        self.doubt_other_names(path)?;
        if brought != Brought::ContentDiffers {
            return Ok(());
        }
        // Where somebody only set its times no arrival will tell of that.
        let (ours, theirs) = (self.source(path)?, self.destination(path)?);
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return Ok(()) };
        if ours.size != theirs.size || theirs.kind() != EntryKind::File {
            return Ok(());
        }
        let pulse = self.pulse.clone();
        // The close of a writer may not have been told yet: only the bytes say that nobody wrote.
        if self.ask(|pair| pair.content_equal(path, &|_| pulse.beat()))? {
            // What is written from here on is not in the copy.
            let sample = Sample { size: ours.size, mtime: ours.mtime, inode: ours.inode };
            self.bring(path, Content::OnlyTimesOf(sample))?;
        }
        Ok(())
    }

    /// What happens to a file is told of one of its names only.
    pub(super) fn doubt_other_names(&mut self, path: &[u8]) -> Step<()> {
        for other in self.learn_names(path)? {
            self.doubt(&other);
        }
        Ok(())
    }

    /// The file's other names, as far as they are known.
    fn learn_names(&mut self, path: &[u8]) -> Step<Vec<Box<[u8]>>> {
        let look = self.source(path)?.filter(|look| look.kind() == EntryKind::File && look.links > 1);
        Ok(look.map(|look| self.names.learn(look.inode, path)).unwrap_or_default())
    }

    pub(super) fn doubt(&mut self, path: &[u8]) {
        let now = (self.hands.now)();
        self.doubts.add(path, now);
    }

    /// Something was removed from there.
    fn gone(&mut self, path: &[u8]) -> Step<()> {
        if self.source(path)?.is_some() {
            return self.look(path);
        }
        self.bring(path, Content::Never).map(drop)
    }

    /// Something went from there with all that is in it, and something else may be there by now.
    fn left(&mut self, path: &[u8]) -> Step<()> {
        match self.source(path)? {
            Some(look) if look.kind() == EntryKind::Directory => self.below(path).map(drop),
            _ => self.gone(path),
        }
    }

    fn closed(&mut self, path: &[u8], at: Stamp) -> Step<()> {
        let ctime = self.source(path)?.map(|look| look.ctime);
        self.marks.closed(path, at, ctime);
        Ok(())
    }

    /// Both halves at once if the other one is at hand; else it is waited for, and others go first.
    fn moved_from(&mut self, path: &[u8], cookie: u32, later: &[Item]) -> Step<Outcome> {
        let joins = |item: &&Item| matches!(item.what, Hint::MovedTo { cookie: other, .. } if cookie != 0 && other == cookie);
        if let Some(other) = later.iter().find(joins) {
            self.renamed(path, &other.path)?;
            self.pending.joined(cookie);
            return Ok(Outcome::Delivered);
        }
        match self.pending.first(cookie, path) {
            First::Wait => {
                let within = self.place.plan.pair_within;
                Ok(Outcome::PutOff(within, "it was moved; where it is moved to is waited for".into()))
            }
            First::Alone => self.left(path).map(|()| Outcome::Delivered),
            First::Done => self.look(path).map(|()| Outcome::Delivered),
        }
    }

    fn moved_to(&mut self, path: &[u8], cookie: u32, from: Option<&[u8]>) -> Step<()> {
        match (self.pending.second(cookie), from) {
            (Second::From(from), _) => self.renamed(&from, path),
            (Second::Done, _) => self.look(path),
            // The first one waits behind an event of its path that waits for something.
            (Second::Alone, Some(from)) => {
                self.renamed(from, path)?;
                self.pending.joined(cookie);
                Ok(())
            }
            (Second::Alone, None) => {
                self.marks.mark(path);
                self.look(path)
            }
        }
    }

    fn renamed(&mut self, from: &[u8], to: &[u8]) -> Step<()> {
        // Arrivals may have overtaken the stream: what they brought to either name is newer than the rename.
        let (from_is_new, to_is_new) = (self.has_its_bytes(from)?, self.has_its_bytes(to)?);
        let overtaken = self.copies_within(from)?;
        let renamed = if from_is_new || to_is_new {
            Renamed::NotThere
        } else {
            self.ask(|pair| pair.rename(from, to))?
        };
        if renamed == Renamed::Done {
            self.marks.renamed(from, to);
            self.doubts.renamed(from, to);
            self.again.renamed(from, to);
            self.names.renamed(from, to);
            // What was looked at in a directory under its old name may have been another thing, and what is in a new
            // one of that name may have gone with the old one.
            for path in [from, to] {
                if self.source(path)?.is_some_and(|look| look.kind() == EntryKind::Directory) {
                    self.doubt(path);
                }
            }
            for path in overtaken {
                self.bring(&path, Content::IfDiffers)?;
                self.gone(&[to, &path[from.len()..]].concat())?;
            }
            self.look(from)?;
            return self.look(to);
        }
        if !to_is_new {
            self.marks.gone(to);
            self.marks.mark(to);
            self.below(to)?;
            self.doubt(to);
        }
        self.doubt(from);
        if from_is_new { self.look(from) } else { self.left(from) }
    }

    /// Files in the directory that lies at `path` now whose copies have what they hold.
    fn copies_within(&mut self, path: &[u8]) -> Step<Vec<Box<[u8]>>> {
        if self.source(path)?.is_none_or(|look| look.kind() != EntryKind::Directory) {
            return Ok(Vec::new());
        }
        let mut copies = self.marks.copies_within(path);
        for at in (0..copies.len()).rev() {
            if !self.is_known_complete(&copies[at])? {
                copies.swap_remove(at);
            }
        }
        Ok(copies)
    }

    /// Whether the source's file was copied because it was complete, and nothing of it changed since.
    pub(super) fn is_known_complete(&mut self, path: &[u8]) -> Step<bool> {
        let look = self.source(path)?;
        Ok(look.is_some_and(|look| self.marks.has_copy(path, look.ctime)))
    }

    /// Makes the destination at `path` equal, and remembers what that means for the marks.
    pub(super) fn bring(&mut self, path: &[u8], content: Content) -> Step<Brought> {
        let (pulse, now) = (self.pulse.clone(), (self.hands.now)());
        let before = self.source(path)?;
        if before.is_none() && !self.may_remove()? {
            return Ok(Brought::Same);
        }
        let done = self.ask(|pair| pair.bring(path, content, &|_| pulse.beat()))?;
        if matches!(
            done,
            Brought::Made | Brought::Copied { .. } | Brought::Attributes | Brought::Removed { .. }
        ) {
            // It may have gone on since, and the stream, which came there later, never tells of that.
            self.again.note_own(path, now);
        }
        match (&done, before) {
            // Seen before the copy was made: what changed since then is not in it.
            (Brought::Copied { .. }, Some(look)) => {
                self.marks.copied(path, Copied { ctime: look.ctime, inode: look.inode, at: now });
            }
            (Brought::Removed { .. }, _) => self.marks.gone(path),
            (Brought::Stopped, _) => {
                return Err(Stop::Trouble(Trouble::Down("the mirror is being stopped".into())));
            }
            _ => {}
        }
        Ok(done)
    }

    /// What is missing where both roots are as they should be is gone. A root that was swapped, or that is not
    /// mounted, says nothing of what is missing in it.
    fn may_remove(&mut self) -> Step<bool> {
        let at_home = self.at_home;
        self.ask(|pair| Ok(at_home || pair.may_delete_extra()))
    }

    pub(super) fn source(&mut self, path: &[u8]) -> Step<Option<Look>> {
        self.ask(|pair| pair.look_source(path))
    }

    pub(super) fn destination(&mut self, path: &[u8]) -> Step<Option<Look>> {
        self.ask(|pair| pair.look_destination(path))
    }

    pub(super) fn ask<T>(&mut self, question: impl FnOnce(&Pair) -> Result<T, Fault>) -> Step<T> {
        let answer = question(self.open().map_err(Stop::Trouble)?);
        answer.map_err(|fault| self.stop(&fault))
    }

    fn stop(&mut self, fault: &Fault) -> Stop {
        if matches!(fault, Fault::SourceAway { .. } | Fault::DestinationAway { .. }) {
            self.pair = None;
        }
        match fault.reach() {
            Reach::Path => Stop::Path(format!("failed to {fault}")),
            Reach::Source => Stop::Trouble(Trouble::Down(away(fault))),
            Reach::Destination => Stop::Trouble(Trouble::Down(format!(
                "E-MIRROR-DESTINATION: failed to {fault}; the mirror stands still, nothing is lost, it is tried again"
            ))),
        }
    }

    /// Opens both trees, if they are not. A source that is not there is waited for.
    pub(super) fn open(&mut self) -> Result<&Pair, Trouble> {
        let pair = match self.pair.take() {
            Some(pair) => pair,
            None => self.open_anew()?,
        };
        Ok(self.pair.insert(pair))
    }

    /// A root whose path leads to another directory by now is opened anew before the batch, not in the middle of it.
    pub(super) fn forget_other_roots(&mut self) {
        let away = |fault: &Fault| matches!(fault, Fault::SourceAway { .. } | Fault::DestinationAway { .. });
        if self.pair.as_ref().is_some_and(|pair| pair.look_source(b"").is_err_and(|fault| away(&fault))) {
            self.pair = None;
        }
    }

    fn open_anew(&mut self) -> Result<Pair, Trouble> {
        self.at_home = false;
        self.comparing = None;
        self.miss_destination()?;
        let pair = self.place.open().map_err(|error| match error {
            OpenError::Source { .. } => Trouble::Down(away(&error)),
            error => Trouble::Misconfigured(cannot_open(&error)),
        })?;
        self.see_destination(&pair);
        if std::mem::take(&mut self.root_gone) {
            // Where that cannot be written down now, extras stay, and comparisons tell of them.
            let _ = pair.accept_source();
        }
        Ok(pair)
    }

    /// Where the mirror was a while ago and is not now, no other one is begun: it would lie in the empty mount point, and
    /// beneath the disk when that is back.
    fn miss_destination(&self) -> Result<(), Trouble> {
        if self.destination.is_none() {
            return Ok(());
        }
        let Place { plan, origin, options } = &self.place;
        let gone = match Pair::open_unchanged(&origin.path, &plan.destination, options.clone()) {
            Ok(pair) => !pair.is_marked(),
            Err(OpenError::Destination { .. }) => !plan.destination.exists(),
            // What else is wrong is told when it is opened.
            Err(_) => false,
        };
        if gone { Err(Trouble::Down(missed(&plan.destination))) } else { Ok(()) }
    }

    /// What went into the last destination is not in another one, and nobody tells of it again.
    fn see_destination(&mut self, pair: &Pair) {
        let look = pair.look_destination(b"").ok().flatten().map(|look| (look.device, look.inode));
        let before = std::mem::replace(&mut self.destination, look);
        if before.is_some() && before != look {
            self.doubt(b"");
        }
    }
}

fn away(error: &dyn std::fmt::Display) -> String {
    format!(
        "E-MIRROR-SOURCE: failed to {error}; nothing is removed from the mirror, and it goes on when the source is back"
    )
}

fn missed(destination: &Path) -> String {
    format!(
        "E-MIRROR-GONE: {} was a mirror and has no marker now; nothing is lost, and it goes on when the mirror is back. \
         Fix: mount its disk; or, if another mirror is to begin there, restart staithe",
        safe(destination.as_os_str().as_bytes())
    )
}

/// Why a mirror cannot begin, for people.
pub(super) fn cannot_open(error: &OpenError) -> String {
    let fix = match error {
        OpenError::Source { .. } => "make the directory, or mount what belongs there",
        OpenError::Destination { .. } => "make it, or let the user that staithe runs as write there",
        OpenError::Overlap { .. } => "give the mirror a destination outside its source",
        _ => {
            "name another destination; or set adopt = true (iobserver: replica_adopt = yes), and what the source does \
              not have is deleted there"
        }
    };
    format!("E-MIRROR-OPEN: failed to {error}; nothing was changed, and nothing is mirrored. Fix: {fix}")
}

/// Whether what the destination has counts as the file's copy.
pub(super) fn is_copy(look: &Look, copy: Option<&Look>) -> bool {
    let facts = |look: &Look| (look.kind(), look.size, look.mtime);
    look.kind() == EntryKind::File && copy.is_some_and(|copy| facts(copy) == facts(look))
}

pub(super) fn wait_for_quiet() -> Outcome {
    Outcome::PutOff(QUIET, "what was renamed meanwhile is looked at again when it is quiet".into())
}

pub(super) fn stamp((sec, nsec): (i64, u32)) -> Stamp {
    Stamp::new(sec, nsec)
}

pub(super) fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(b"", |at| &path[..at])
}

/// From one time to a later one; nothing if the clock was set back.
pub(super) fn since(begun: Stamp, now: Stamp) -> Duration {
    Duration::from_nanos(u64::try_from(now.as_nanos().saturating_sub(begun.as_nanos())).unwrap_or(0))
}
