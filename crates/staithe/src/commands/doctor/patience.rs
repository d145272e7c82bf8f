//! Asking what may never answer: a mount whose server is away.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Who has not answered by then does not answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Asks in a thread of its own, which is left to itself when it does not answer.
pub(super) fn ask<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    // Room for the one answer, so that a thread that nobody waits for can end.
    let (done, answer) = sync_channel(1);
    let asking = std::thread::Builder::new().name("staithe-doctor".into());
    asking.spawn(move || drop(done.send(question()))).ok()?;
    answer.recv_timeout(PATIENCE).ok()
}
