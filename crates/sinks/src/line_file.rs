//! A file that whole lines are appended to, also when others append to it, rotate it or fill its disk.
//!
//! One batch is one write to the end of the file, which the kernel does not mix with others. Only a disk that
//! takes a part of it tears a line. So that the rest is not written behind somebody else's line, those who write
//! take turns by a lock on the file, and look at how it ends before they begin.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::file_fault::FileFault;
use crate::lines::{LineWriter, Lines};

/// How often somebody else's turn is asked after, and how many times. Nobody else's lock is waited for without
/// end: lines are torn only where a disk is full.
const TURN_PAUSE: Duration = Duration::from_millis(5);
const TURN_TRIES: u32 = 200;

/// The file behind a sink; every method blocks.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    open: Option<Open>,
    writer: LineWriter,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and inode, to notice that the name means another file now.
    identity: (u64, u64),
    /// How long it was after a write of ours that broke off inside a line.
    broken_at: u64,
}

impl LineFile {
    /// For this path; nothing is opened yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, open: None, writer: LineWriter::default() }
    }

    /// Appends the lines; of how many events they are there to their end (at least one).
    pub(crate) fn append(&mut self, lines: &Lines) -> Result<usize, FileFault> {
        self.ready()?;
        // `ready` leaves an open file behind.
        let Some(open) = &mut self.open else { return Ok(0) };
        let turn = Turn::take(&open.file);
        look_at_the_end(open, &mut self.writer).map_err(FileFault::Io)?;
        let written = self.writer.write(&mut &open.file, lines);
        open.broken_at = open.file.metadata().map_or(0, |meta| meta.len());
        drop(turn);
        let Some(error) = written.error else { return Ok(written.events) };
        if !self.writer.is_unfinished() {
            self.open = None;
        }
        // Lines that are there are there: the error shows again with the rest of the batch.
        if written.events > 0 { Ok(written.events) } else { Err(FileFault::Io(error)) }
    }

    /// Sees to it that the file that the path means now is open.
    pub(crate) fn ready(&mut self) -> Result<(), FileFault> {
        if self.open.as_ref().is_some_and(|open| identity_of(&self.path) != Some(open.identity)) {
            self.let_go();
        }
        if self.open.is_none() {
            self.open = Some(open_at(&self.path)?);
        }
        Ok(())
    }

    /// Closes the file; a line that was broken off is completed first where that is still possible.
    pub(crate) fn let_go(&mut self) {
        if let Some(open) = &self.open
            && self.writer.is_unfinished()
        {
            let _turn = Turn::take(&open.file);
            // Its event is offered again, so a rotated file that takes nothing more loses nothing.
            let _ =
                look_at_the_end(open, &mut self.writer).and_then(|()| self.writer.finish(&mut &open.file));
        }
        self.writer.abandon();
        self.open = None;
    }
}

/// What must be done before the next line begins: our own broken line is completed, unless others have written
/// behind it, who have ended it then; a line that others broke off is ended.
fn look_at_the_end(open: &Open, writer: &mut LineWriter) -> io::Result<()> {
    let meta = open.file.metadata()?;
    if !meta.is_file() || (writer.is_unfinished() && meta.len() == open.broken_at) {
        return Ok(());
    }
    writer.abandon();
    let mut last = [b'\n'];
    // A file that was cut meanwhile has no such byte.
    if meta.len() > 0 && open.file.read_at(&mut last, meta.len() - 1)? == 1 && last != *b"\n" {
        writer.ends_inside_a_line();
    }
    Ok(())
}

/// The right to append for a while, among all who ask for it.
struct Turn<'f>(Option<&'f File>);

impl<'f> Turn<'f> {
    fn take(file: &'f File) -> Self {
        for _ in 0..TURN_TRIES {
            match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Self(Some(file)),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {
                    std::thread::sleep(TURN_PAUSE);
                }
                // A file system without locks.
                Err(_) => break,
            }
        }
        Self(None)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Closing the file gives it back, too.
        let _ = self.0.map(|file| flock(file, FlockOperation::Unlock));
    }
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Opens or creates the file.
fn open_at(path: &Path) -> Result<Open, FileFault> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(FileFault::Io)?;
    }
    // Open for reading too: the last byte tells whether the last line is complete. It also keeps
    // the opening of a FIFO from waiting for a reader.
    let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(FileFault::Io)?;
    let meta = file.metadata().map_err(FileFault::Io)?;
    let kind = meta.file_type();
    if !kind.is_file() && !kind.is_char_device() {
        return Err(FileFault::NoFile);
    }
    Ok(Open { file, identity: (meta.dev(), meta.ino()), broken_at: 0 })
}

#[cfg(test)]
mod tests;
