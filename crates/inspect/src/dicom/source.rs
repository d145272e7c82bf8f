//! Bytes of a file, with its size in mind.

use std::io::{BufRead as _, BufReader, ErrorKind, Read, Seek, SeekFrom};

use super::Trouble;

/// As much is read at once. Most headers fit.
const BUFFER: usize = 8 * 1024;

/// A file that is read from front to back.
pub(super) struct Source<S> {
    reader: BufReader<S>,
    at: u64,
    /// What it had when it was opened.
    size: u64,
}

impl<S: Read + Seek> Source<S> {
    pub(super) fn new(file: S, size: u64) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, file), at: 0, size }
    }

    /// The next bytes, which stay; nothing when there are not so many. Only for what fits into the buffer
    /// after it was filled anew: in front of the data set and its first elements.
    pub(super) fn peek<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Trouble> {
        if self.size - self.at < N as u64 {
            return Ok(None);
        }
        if self.reader.buffer().len() < N {
            // Seeking, even to where it is, empties the buffer, so that the next filling begins here.
            self.reader.seek(SeekFrom::Start(self.at)).map_err(Trouble::Disk)?;
        }
        Ok(self.reader.fill_buf().map_err(Trouble::Disk)?.first_chunk().copied())
    }

    /// Whether nothing is left.
    pub(super) const fn is_empty(&self) -> bool {
        self.at == self.size
    }

    /// Fills `bytes` with what comes next, which stays; false when it does not fit. Only in front.
    pub(super) fn peek_into(&mut self, bytes: &mut [u8]) -> Result<bool, Trouble> {
        let front = self.reader.fill_buf().map_err(Trouble::Disk)?;
        Ok(front.get(..bytes.len()).map(|front| bytes.copy_from_slice(front)).is_some())
    }

    /// How many bytes were passed.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes are left.
    pub(super) const fn left(&self) -> u64 {
        self.size - self.at
    }

    /// How many bytes there were when it was opened.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Fills `bytes`.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<(), Trouble> {
        self.step(bytes.len() as u64)?;
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            // It was shortened since it was opened.
            ErrorKind::UnexpectedEof => Trouble::Cut(1),
            _ => Trouble::Disk(error),
        })
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// Passes over `count` bytes without reading them.
    pub(super) fn pass(&mut self, count: u32) -> Result<(), Trouble> {
        self.step(count.into())?;
        self.reader.seek_relative(count.into()).map_err(Trouble::Disk)
    }

    fn step(&mut self, count: u64) -> Result<(), Trouble> {
        let left = self.left();
        if count > left {
            return Err(Trouble::Cut(count - left));
        }
        self.at += count;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn into_inner(self) -> S {
        self.reader.into_inner()
    }
}
