//! The way from a unit's directory down to the one that is being listed, with few descriptors.

use std::collections::VecDeque;

use sys::{Dir, Errno};

/// So many directories of the way are held open. A deeper tree is opened again by its path on the way back.
const OPEN: usize = 32;

/// A position in a tree. Whatever the depth, it takes [`OPEN`] descriptors and no stack.
#[derive(Debug)]
pub(crate) struct Trail {
    top: Dir,
    /// The path below `top`.
    path: Vec<u8>,
    /// Where each name in `path` ends, outermost first.
    ends: Vec<usize>,
    /// The innermost directories of the way that are still open, the current one last. Bounded: the
    /// outermost is closed when there are too many.
    open: VecDeque<Dir>,
}

impl Trail {
    pub(crate) fn new(top: Dir) -> Self {
        Self { top, path: Vec::new(), ends: Vec::new(), open: VecDeque::with_capacity(OPEN) }
    }

    /// The path below the top.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// The current directory and its path below the top.
    pub(crate) fn here(&mut self) -> Result<(&Dir, &[u8]), Errno> {
        if self.open.is_empty() {
            self.reopen()?;
        }
        Ok((self.open.back().unwrap_or(&self.top), &self.path))
    }

    /// Goes into the directory `name`, never through a link; stays where it is on an error.
    pub(crate) fn enter(&mut self, name: &[u8]) -> Result<(), Errno> {
        let dir = self.here()?.0.open_child(name)?;
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        self.ends.push(self.path.len());
        self.hold(dir);
        Ok(())
    }

    /// Goes back to the parent.
    pub(crate) fn leave(&mut self) {
        self.open.pop_back();
        self.ends.pop();
        self.path.truncate(self.ends.last().copied().unwrap_or(0));
    }

    fn hold(&mut self, dir: Dir) {
        if self.open.len() == OPEN {
            self.open.pop_front();
        }
        self.open.push_back(dir);
    }

    /// Opens the current directory by its path, and its nearest ancestors too: who comes back out of a deep
    /// tree will need them next, and the way from the top is long.
    fn reopen(&mut self) -> Result<(), Errno> {
        let Some(&end) = self.ends.last() else { return Ok(()) };
        let outer = self.ends.len().saturating_sub(OPEN);
        let mut from = self.ends[outer];
        let mut opened = vec![self.top.open_below(&self.path[..from])?];
        for &to in &self.ends[outer + 1..] {
            let parent = opened.last().unwrap_or(&self.top);
            opened.push(parent.open_child(&self.path[from + 1..to])?);
            from = to;
        }
        debug_assert_eq!(from, end, "the last directory is the current one");
        for dir in opened {
            self.hold(dir);
        }
        Ok(())
    }
}
