//! A file that gets one line for each event.

use std::path::PathBuf;
use std::time::Duration;

use config::Format;
use model::Parcel;

use crate::blocking::Bench;
use crate::file_fault::FileFault;
use crate::line_file::LineFile;
use crate::lines::Wording;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// Appends to a file. Only [`Jsonl::deliver`] and [`Jsonl::ping`] touch the disk.
#[derive(Debug)]
pub struct Jsonl {
    path: PathBuf,
    wording: Wording,
    timeout: Duration,
    /// The file must be opened anew before the next write.
    reopen: bool,
    bench: Bench<LineFile>,
}

impl Jsonl {
    /// A sink for `path`, which is created with its directories by the first delivery.
    #[must_use]
    pub fn new(path: PathBuf, format: Format, timeout: Duration) -> Self {
        Self::in_words(path, Wording::Format(format), timeout)
    }

    /// The same with lines of any wording.
    pub(crate) fn in_words(path: PathBuf, wording: Wording, timeout: Duration) -> Self {
        let bench = Bench::new(LineFile::new(path.clone()));
        Self { path, wording, timeout, reopen: false, bench }
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
            let draft = self.wording.draft(batch);
            let count = self.work(move |file| file.append(&draft.finish())).await?;
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
        Box::pin(self.work(LineFile::ready))
    }

    fn reopen(&mut self) {
        self.reopen = true;
    }
}

#[cfg(test)]
mod tests;
