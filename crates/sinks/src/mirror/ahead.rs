//! Copying several files at once: each copy waits for the disk before it gets its name, and several wait hardly
//! longer than one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirror::{Brought, Content, Difference, EntryKind, Look, Pair, Sample, What};

use super::item::{Complete, Hint, Item};
use super::marks::Copied;
use super::pulse::Pulse;
use super::work::{Step, Stop, Work, is_copy, parent, stamp};

/// So many files are copied at once.
const HANDS: usize = 8;

/// A file that is complete and that the destination lacks, or has with other content.
struct Wanted<'i> {
    path: &'i [u8],
    /// How it lay there before it was copied.
    look: Look,
    /// When it may be copied.
    content: Content,
}

impl Work {
    /// Copies what the first items announce, before they are gone through one by one: then they are found to be equal.
    /// What fails here fails again, and is told, when its turn comes. Items behind a rename, a removal or a comparison
    /// wait for that.
    pub(super) fn copy_ahead(&mut self, items: &[Item]) -> Step<()> {
        let simple = |item: &&Item| {
            matches!(item.what, Hint::Complete(_) | Hint::Look | Hint::Closed { .. } | Hint::Nothing)
        };
        let mut wanted = Vec::new();
        for item in items.iter().take_while(simple) {
            if let Hint::Complete(complete) = &item.what {
                let found = self.wanted(&item.path, complete);
                wanted.extend(unless_it_fails(found)?.flatten());
            }
        }
        self.copy_wanted(&wanted).map(drop)
    }

    /// The same for what a comparison has found; answers how many were copied.
    pub(super) fn copy_found(&mut self, found: &[Difference]) -> Step<u64> {
        let Some(still) = self.place.origin.still else { return Ok(0) };
        let is_content =
            |what: &What| matches!(what, What::MissingThere { directory: false } | What::Content { .. });
        let now = (self.hands.now)();
        let content = Content::IfStill { now: (now.sec, now.nsec), still };
        let mut wanted = Vec::new();
        for difference in found.iter().filter(|difference| is_content(&difference.what)) {
            let look = unless_it_fails(self.source(&difference.path))?.flatten();
            let look = look.filter(|look| look.kind() == EntryKind::File);
            wanted.extend(look.map(|look| Wanted { path: &difference.path, look, content }));
        }
        self.copy_wanted(&wanted)
    }

    fn copy_wanted(&mut self, wanted: &[Wanted<'_>]) -> Step<u64> {
        if wanted.len() < 2 {
            return Ok(0);
        }
        let parents: BTreeSet<&[u8]> = wanted.iter().map(|wanted| parent(wanted.path)).collect();
        for path in parents {
            unless_it_fails(self.look(path))?;
        }
        let (at, pulse) = ((self.hands.now)(), self.pulse.clone());
        let pair = self.open().map_err(Stop::Trouble)?;
        let copied = copy_all(pair, wanted, &pulse);
        let count = copied.len() as u64;
        for Wanted { path, look, .. } in copied {
            self.marks.copied(path, Copied { inode: look.inode, ctime: look.ctime, at });
        }
        Ok(count)
    }

    /// Nothing where there is any doubt, or nothing to copy.
    fn wanted<'i>(&mut self, path: &'i [u8], complete: &Complete) -> Step<Option<Wanted<'i>>> {
        // A mark says that a copy may be old; here there is none of this size and time.
        if complete.renamed || complete.rewritten {
            return Ok(None);
        }
        let Some(look) = self.source(path)? else { return Ok(None) };
        let same_inode = complete.inode == 0 || complete.inode == look.inode;
        let same = look.kind() == EntryKind::File
            && look.size == complete.size
            && stamp(look.mtime) == complete.mtime
            && same_inode;
        if !same || is_copy(&look, self.destination(path)?.as_ref()) {
            return Ok(None);
        }
        // Its turn may come long after this look, and somebody may be writing it again by then.
        let content =
            Content::IfDiffersFrom(Sample { size: look.size, mtime: look.mtime, inode: look.inode });
        Ok(Some(Wanted { path, look, content }))
    }
}

/// One path that fails does not keep the others: it fails again when its turn comes, and is told then.
fn unless_it_fails<T>(step: Step<T>) -> Step<Option<T>> {
    match step {
        Ok(done) => Ok(Some(done)),
        Err(Stop::Path(_)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Gives back those that were copied.
fn copy_all<'w, 'i>(pair: &Pair, wanted: &'w [Wanted<'i>], pulse: &Pulse) -> Vec<&'w Wanted<'i>> {
    let next = AtomicUsize::new(0);
    let hand = || {
        let mut copied = Vec::new();
        while let Some(wanted) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = pair.bring(wanted.path, wanted.content, &|_| pulse.beat());
            copied.extend(matches!(done, Ok(Brought::Copied { .. })).then_some(wanted));
            if !pulse.beat() {
                break;
            }
        }
        copied
    };
    std::thread::scope(|scope| {
        let spawn = || std::thread::Builder::new().name("staithe-copy".into()).spawn_scoped(scope, hand);
        // Where no thread is to be had, fewer hands do it.
        let others: Vec<_> = (1..HANDS.min(wanted.len())).filter_map(|_| spawn().ok()).collect();
        let mut copied = hand();
        for other in others {
            copied.extend(other.join().unwrap_or_default());
        }
        copied
    })
}
