//! A file that gets one line for each event.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::Format;
use model::Parcel;

use crate::blocking::Bench;
use crate::file_fault::FileFault;
use crate::lines::{LineWriter, Lines};
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// Appends to a file. Only [`Jsonl::deliver`] and [`Jsonl::ping`] touch the disk.
#[derive(Debug)]
pub struct Jsonl {
    path: PathBuf,
    format: Format,
    timeout: Duration,
    /// The file must be opened anew before the next write.
    reopen: bool,
    bench: Bench<LineFile>,
}

impl Jsonl {
    /// A sink for `path`, which is created with its directories by the first delivery.
    #[must_use]
    pub fn new(path: PathBuf, format: Format, timeout: Duration) -> Self {
        let file = LineFile { path: path.clone(), open: None, writer: LineWriter::default() };
        Self { path, format, timeout, reopen: false, bench: Bench::new(file) }
    }

    async fn work<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut LineFile) -> Result<T, FileFault> + Send + 'static,
    ) -> Result<T, Trouble> {
        let reopen = std::mem::take(&mut self.reopen);
        let result = self
            .bench
            .run(self.timeout, move |file| {
                if reopen {
                    file.let_go();
                }
                job(file)
            })
            .await;
        result
            .unwrap_or_else(|why| Err(FileFault::NoAnswer(why, self.timeout)))
            .map_err(|fault| fault.trouble(&self.path))
    }
}

impl Sink for Jsonl {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let lines = Lines::of(&self.format, batch);
            let count = self.work(move |file| file.append(&lines)).await?;
            Ok(vec![Outcome::Delivered; count])
        })
    }

    fn batch_limit(&self) -> usize {
        512
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.work(|file| file.ready().map(|_| ())))
    }

    fn reopen(&mut self) {
        self.reopen = true;
    }
}

/// The file behind the sink; every method blocks.
#[derive(Debug)]
struct LineFile {
    path: PathBuf,
    open: Option<Open>,
    writer: LineWriter,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and inode, to notice that the name means another file now.
    identity: (u64, u64),
}

impl LineFile {
    /// Appends the lines; how many are there to their end (at least one).
    fn append(&mut self, lines: &Lines) -> Result<usize, FileFault> {
        self.ready()?;
        // `ready` leaves an open file behind.
        let Some(open) = &mut self.open else { return Ok(0) };
        let written = self.writer.write(&mut open.file, lines);
        let Some(error) = written.error else { return Ok(written.lines) };
        if !self.writer.is_unfinished() {
            self.open = None;
        }
        // Lines that are there are there: the error shows again with the rest of the batch.
        if written.lines > 0 { Ok(written.lines) } else { Err(FileFault::Io(error)) }
    }

    /// The file that the path means now, open and ready for whole lines.
    fn ready(&mut self) -> Result<&mut Open, FileFault> {
        if self.open.as_ref().is_some_and(|open| identity_of(&self.path) != Some(open.identity)) {
            self.let_go();
        }
        if self.open.is_none() {
            let (open, torn) = open_at(&self.path)?;
            if torn {
                self.writer.ends_inside_a_line();
            }
            self.open = Some(open);
        }
        self.open.as_mut().ok_or(FileFault::Io(io::ErrorKind::NotFound.into()))
    }

    /// Closes the file; a line that was broken off is completed first where that is still possible.
    fn let_go(&mut self) {
        if let Some(open) = &mut self.open {
            // Its event is offered again, so a rotated file that takes nothing more loses nothing.
            let _ = self.writer.finish(&mut open.file);
        }
        self.writer.abandon();
        self.open = None;
    }
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Opens or creates the file; also whether it ends in the middle of a line.
fn open_at(path: &Path) -> Result<(Open, bool), FileFault> {
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
    let torn = kind.is_file() && meta.len() > 0 && {
        let mut last = [0];
        file.read_exact_at(&mut last, meta.len() - 1).map_err(FileFault::Io)?;
        last != *b"\n"
    };
    Ok((Open { file, identity: (meta.dev(), meta.ino()) }, torn))
}

#[cfg(test)]
mod tests;
