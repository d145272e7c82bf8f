//! What is wanted of a lane, and waiting that heeds it.

use std::time::Instant;

use tokio::sync::watch;
use tokio::time::sleep_until;

/// What is wanted of a lane. The newest wish counts; nothing queues up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    pub(crate) paused: bool,
    /// Counts the calls to look again at once.
    pub(crate) wakes: u64,
    /// Counts the calls to let go of files and connections.
    pub(crate) reopens: u64,
    /// End, and what is in hand may take until then.
    pub(crate) stop: Option<Instant>,
}

/// Waits for the call, but not beyond the end of the task.
pub(crate) async fn until_stopped<T>(
    orders: &mut watch::Receiver<Orders>,
    call: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(call);
    let mut no_more_orders = false;
    loop {
        let stop = orders.borrow_and_update().stop;
        if no_more_orders && stop.is_none() {
            // Nobody could ever stop it: whoever started the task is gone.
            return None;
        }
        tokio::select! {
            biased;
            result = &mut call => return Some(result),
            () = moment(stop) => return None,
            changed = orders.changed(), if !no_more_orders => no_more_orders = changed.is_err(),
        }
    }
}

/// That moment; never without one.
pub(crate) async fn moment(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
