//! Files of one size and one time of change are not therefore one: what tar unpacks, or one tick of the clock sees
//! written, looks alike. Where a rename depends on which is which, the inode that was copied tells, or else the bytes.

use mirror::Look;

use super::work::{Step, Stop, Work, is_copy};
use crate::sink::Trouble;

impl Work {
    /// Whether the destination has at `path` what the source's file there holds.
    pub(super) fn has_its_bytes(&mut self, path: &[u8]) -> Step<bool> {
        let Some(look) = self.source(path)? else { return Ok(false) };
        self.is_copy_of(path, path, &look)
    }

    /// Whether what the destination has at `here` is a copy of the source's file at `path`, which looks so.
    pub(super) fn is_copy_of(&mut self, here: &[u8], path: &[u8], look: &Look) -> Step<bool> {
        if !is_copy(look, self.destination(here)?.as_ref()) {
            return Ok(false);
        }
        let pulse = self.pulse.clone();
        let known = self.marks.is_copied(here, look.inode) && !self.marks.is_marked(here);
        let equal = known || self.ask(|pair| pair.content_equal_at(path, here, &|_| pulse.beat()))?;
        if !equal && !self.pulse.beat() {
            // They may be: the bytes were not read to the end.
            return Err(Stop::Trouble(Trouble::Down("the mirror is being stopped".into())));
        }
        Ok(equal)
    }
}
