//! Requests whose callers wait until they are committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::answer::Health;
use crate::error::{Closed, LedgerError};

use super::desk::Desk;
use super::shared::Shared;

/// How long a caller waits on a ledger that cannot be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request. It may be run more than once: a round that cannot be committed is run again.
pub(crate) trait Ask: Send {
    /// Does the work within the round's transaction.
    fn run(&mut self, desk: &mut Desk<'_>) -> rusqlite::Result<()>;

    /// The round was committed.
    fn answer(&mut self);
}

struct Request<R, W> {
    work: W,
    result: Option<Result<R, LedgerError>>,
    reply: SyncSender<Result<R, LedgerError>>,
    withdrawn: Arc<AtomicBool>,
}

impl<R, W> Ask for Request<R, W>
where
    R: Send,
    W: FnMut(&mut Desk<'_>) -> rusqlite::Result<Result<R, LedgerError>> + Send,
{
    fn run(&mut self, desk: &mut Desk<'_>) -> rusqlite::Result<()> {
        if !self.withdrawn.load(Ordering::Acquire) {
            self.result = Some((self.work)(desk)?);
        }
        Ok(())
    }

    fn answer(&mut self) {
        if let Some(result) = self.result.take() {
            // The caller may have gone.
            let _ = self.reply.try_send(result);
        }
    }
}

/// Runs `work` in the next round and returns what it gave once that is committed. On a ledger
/// that cannot be written the request is withdrawn after a while, unless it must wait.
pub(crate) fn ask<R, W>(shared: &Shared, must_wait: bool, work: W) -> Result<R, LedgerError>
where
    R: Send + 'static,
    W: FnMut(&mut Desk<'_>) -> rusqlite::Result<Result<R, LedgerError>> + Send + 'static,
{
    // One answer to one caller: it is never full.
    let (reply, answer) = sync_channel(1);
    let withdrawn = Arc::new(AtomicBool::new(false));
    let request = Request { work, result: None, reply, withdrawn: Arc::clone(&withdrawn) };
    shared.intake.ask(Box::new(request))?;
    loop {
        match answer.recv_timeout(PATIENCE) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(Closed.into()),
            Err(RecvTimeoutError::Timeout) => {
                if let Health::Degraded(why) = shared.health()
                    && !must_wait
                {
                    withdrawn.store(true, Ordering::Release);
                    return Err(LedgerError::Degraded(why));
                }
            }
        }
    }
}
