//! The members of a list: looking at each, and what is known of it then.

use sys::{Dir, EntryKind, Errno, Links, Look, Writer};

use super::checked::Checked;
use crate::error::InspectError;
use crate::manifest::Line;
use crate::place::split;
use crate::walk::vanished;

/// `stop` is asked once for so many members.
const MEMBERS_BETWEEN_STOPS: usize = 256;

/// What is known of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Missing,
    Wrong,
    Open,
    Unreadable,
    /// All is well so far, but the sum is not known.
    ToHash,
}

/// The unit's directory and its list.
pub(super) struct Unit<'a> {
    pub(super) top: &'a Dir,
    pub(super) lines: &'a [Line],
    /// The lines in the order of their paths, so that neighbours share their directory.
    pub(super) order: Vec<u32>,
}

impl<'a> Unit<'a> {
    pub(super) fn new(top: &'a Dir, lines: &'a [Line]) -> Self {
        let mut order: Vec<u32> = (0..lines.len() as u32).collect();
        order.sort_unstable_by_key(|&at| &lines[at as usize].path);
        Self { top, lines, order }
    }

    /// Whether the list has this path.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.order.binary_search_by(|&at| (*self.lines[at as usize].path).cmp(path)).is_ok()
    }

    /// Looks at every member; none is read.
    pub(super) fn look(
        &self,
        checked: &Checked,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Verdict>, InspectError> {
        let mut verdicts = vec![Verdict::Missing; self.lines.len()];
        let mut way = Way::new(self.top);
        for (count, &at) in self.order.iter().enumerate() {
            if count % MEMBERS_BETWEEN_STOPS == 0 && stop() {
                return Err(InspectError::Stopped);
            }
            let line = &self.lines[at as usize];
            verdicts[at as usize] = match way.to(&line.path) {
                Ok((dir, name)) => judge(dir, name, line, checked),
                Err(error) => failed(error),
            };
        }
        Ok(verdicts)
    }
}

/// What an error of opening or looking says of a member.
pub(super) fn failed(error: Errno) -> Verdict {
    if vanished(error) { Verdict::Missing } else { Verdict::Unreadable }
}

fn judge(dir: &Dir, name: &[u8], line: &Line, checked: &Checked) -> Verdict {
    let look = match dir.look_at(name) {
        Ok(look) => look,
        Err(error) => return failed(error),
    };
    if look.kind() != EntryKind::File {
        // A list of names has its directories and links too. They are there, and that is all it says.
        return if line.hash.is_none() && line.size.is_none() { Verdict::Good } else { Verdict::Wrong };
    }
    let (writer, probed) = dir.probe(name, Links::Refuse);
    let look: Look = probed.unwrap_or(look);
    if writer == Writer::Open {
        return Verdict::Open;
    }
    if line.size.is_some_and(|size| size != look.size) {
        return Verdict::Wrong;
    }
    match (&line.hash, checked.recall(line, &look)) {
        (None, _) | (_, Some(true)) => Verdict::Good,
        (_, Some(false)) => Verdict::Wrong,
        (Some(_), None) => Verdict::ToHash,
    }
}

/// The way to a member. The last directory stays open, because the next member is probably in it too.
pub(super) struct Way<'a> {
    top: &'a Dir,
    last: Option<(&'a [u8], Dir)>,
}

impl<'a> Way<'a> {
    pub(super) fn new(top: &'a Dir) -> Self {
        Self { top, last: None }
    }

    /// The directory of the member at `path`, and its name there.
    pub(super) fn to(&mut self, path: &'a [u8]) -> Result<(&Dir, &'a [u8]), Errno> {
        let (parent, name) = split(path);
        if parent.is_empty() {
            return Ok((self.top, name));
        }
        if self.last.as_ref().is_none_or(|(last, _)| *last != parent) {
            self.last = Some((parent, self.top.open_below(parent)?));
        }
        Ok((self.last.as_ref().map_or(self.top, |(_, dir)| dir), name))
    }
}
