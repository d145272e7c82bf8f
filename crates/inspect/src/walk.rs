//! Every entry of a tree once, whatever its depth, without recursion.

use sys::{Dir, EntryKind, Errno};

use crate::trail::Trail;

/// `stop` is asked once for so many entries.
const ENTRIES_BETWEEN_STOPS: u32 = 256;

/// What is told of a walk.
pub(crate) trait Visit {
    /// One entry of `dir`; `relative` is its path below the top. True when it is a directory to visit.
    fn entry(&mut self, dir: &Dir, name: &[u8], relative: &[u8], kind: EntryKind) -> bool;

    /// Something could not be read.
    fn failed(&mut self, relative: &[u8], error: Errno);
}

/// What is gone, or has become something else since it was listed, is nothing to complain of: the next
/// walk sees what is there then.
pub(crate) fn vanished(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

/// Lists every directory of the tree; true when it came to the end, false when it was told to stop. It
/// holds the names of the directories that are still to be visited, and nothing of what was seen.
pub(crate) fn walk(top: Dir, visit: &mut dyn Visit, stop: &dyn Fn() -> bool) -> Result<bool, Errno> {
    let mut trail = Trail::new(top);
    let mut patience = Patience { stop, since_asked: ENTRIES_BETWEEN_STOPS, over: false };
    // For each directory of the way, the names in it that are still to be visited.
    let mut levels = vec![list(&mut trail, visit, &mut patience)?];
    while let Some(level) = levels.last_mut() {
        if patience.is_over() {
            return Ok(false);
        }
        let Some(name) = level.pop() else {
            levels.pop();
            trail.leave();
            continue;
        };
        if let Err(error) = trail.enter(&name) {
            visit.failed(&joined(trail.path(), &name), error);
            continue;
        }
        // After an error the position is inside all the same, and an empty level leads out of it.
        let below = list(&mut trail, visit, &mut patience).unwrap_or_else(|error| {
            visit.failed(trail.path(), error);
            Vec::new()
        });
        levels.push(below);
    }
    Ok(!patience.over)
}

/// Shows the entries of the current directory and gives back the names of the directories to visit.
fn list(
    trail: &mut Trail,
    visit: &mut dyn Visit,
    patience: &mut Patience<'_>,
) -> Result<Vec<Box<[u8]>>, Errno> {
    let mut below = Vec::new();
    let (dir, path) = trail.here()?;
    let mut relative = joined(path, b"");
    let base = relative.len();
    dir.list(|name, kind| {
        // A listing cannot be broken off; the rest of it is passed over.
        if patience.is_over() {
            return;
        }
        relative.truncate(base);
        relative.extend_from_slice(name);
        if visit.entry(dir, name, &relative, kind) {
            below.push(name.into());
        }
    })?;
    Ok(below)
}

fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    let mut joined = path.to_vec();
    if !joined.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    joined
}

/// Asks `stop` now and then, and not again after a yes.
struct Patience<'a> {
    stop: &'a dyn Fn() -> bool,
    since_asked: u32,
    over: bool,
}

impl Patience<'_> {
    fn is_over(&mut self) -> bool {
        self.since_asked += 1;
        if self.since_asked > ENTRIES_BETWEEN_STOPS && !self.over {
            self.since_asked = 0;
            self.over = (self.stop)();
        }
        self.over
    }
}
