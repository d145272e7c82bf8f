//! The embedded queue: a sink whose peer is the ledger itself.

use std::time::Duration;

use ledger::{Ledger, LedgerError, SinkId};
use model::Parcel;
use sinks::{BoxFuture, Outcome, Sink, Trouble};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long one call may wait for the ledger. It answers by itself within 5 s; this is the bound
/// for a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts events into the embedded queue. Delivered means durably enqueued.
#[derive(Debug)]
pub struct QueueSink {
    ledger: Ledger,
    id: SinkId,
}

impl QueueSink {
    /// The queue of the sink with that number.
    #[must_use]
    pub fn new(ledger: Ledger, id: SinkId) -> Self {
        Self { ledger, id }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ledger, SinkId) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (ledger, id) = (self.ledger.clone(), self.id);
        match timeout(PATIENCE, spawn_blocking(move || question(&ledger, id))).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(down(&error.to_string())),
            Ok(Err(_)) => Err(down("the program is stopping")),
            Err(_) => Err(down(&format!("the disk did not answer within {PATIENCE:?}"))),
        }
    }
}

fn down(why: &str) -> Trouble {
    Trouble::Down(format!(
        "E-QUEUE: cannot enqueue durably: {why}; nothing is lost, the events wait and are enqueued when it works \
         again. Fix: free space in the state directory, or see to its disk"
    ))
}

impl Sink for QueueSink {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let seqs: Vec<u64> = batch.iter().map(|parcel| parcel.seq).collect();
            self.ask(move |ledger, id| ledger.queue_put(id, seqs)).await?;
            Ok(vec![Outcome::Delivered; batch.len()])
        })
    }

    fn batch_limit(&self) -> usize {
        512
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        Box::pin(async move {
            let depth = self.ask(Ledger::queue_depth).await?;
            Ok(Some(depth.ready + depth.leased))
        })
    }
}
