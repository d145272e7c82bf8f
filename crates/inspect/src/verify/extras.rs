//! Files that are not in the list.

use sys::{Dir, EntryKind, Errno};

use super::members::Unit;
use super::{ManifestAnswer, ManifestRequest};
use crate::error::InspectError;
use crate::walk::{Visit, vanished, walk};

/// Walks through the unit and names what the list does not.
pub(super) fn find(
    unit: &Unit<'_>,
    request: &ManifestRequest<'_>,
    answer: &mut ManifestAnswer,
    stop: &dyn Fn() -> bool,
) -> Result<(), InspectError> {
    // Listing moves a descriptor's position, so the walk gets its own.
    let top = unit.top.open_below(b"").map_err(|error| InspectError::open(b"", error))?;
    let mut search = Search { unit, request, answer };
    let whole = walk(top, &mut search, stop).map_err(|error| InspectError::open(b"", error))?;
    if whole { Ok(()) } else { Err(InspectError::Stopped) }
}

struct Search<'a> {
    unit: &'a Unit<'a>,
    request: &'a ManifestRequest<'a>,
    answer: &'a mut ManifestAnswer,
}

impl Visit for Search<'_> {
    fn entry(&mut self, dir: &Dir, name: &[u8], relative: &[u8], kind: EntryKind) -> bool {
        if relative == self.request.file || (self.request.ignore)(relative) {
            return false;
        }
        let directory = match kind {
            EntryKind::Directory => true,
            EntryKind::Unknown => match dir.look_at(name) {
                Ok(look) => look.kind() == EntryKind::Directory,
                Err(error) => {
                    self.failed(relative, error);
                    return false;
                }
            },
            _ => false,
        };
        if !directory && !self.unit.has(relative) {
            self.answer.extra.add(relative);
        }
        directory
    }

    fn failed(&mut self, relative: &[u8], error: Errno) {
        if !vanished(error) {
            self.answer.unreadable.add(relative);
        }
    }
}
