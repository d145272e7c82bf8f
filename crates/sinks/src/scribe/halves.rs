//! The order of lines that two scribes write about one rename.
//!
//! A rename from one watched tree into another is told by two watches, and each has a scribe of its own. The line that
//! puts both halves together belongs behind both, so whoever writes it lets the other one's line come first.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::{Detail, Kind, Parcel};
use tokio::time::{sleep, timeout};

use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// So long at most, for all events of one call: the other half may have gone where no scribe writes it down.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(5);
/// So many halves are remembered as written.
const LIMIT: usize = 4096;

/// Cookies of first halves that were written, by any scribe of this process, oldest first.
static WRITTEN: Mutex<VecDeque<u32>> = Mutex::new(VecDeque::new());

/// A scribe that lets first halves come first.
pub(super) struct InTurn(pub(super) Box<dyn Sink>);

/// The cookies of halves in a batch: those that say both paths, or the others.
fn cookies(batch: &[Parcel], moved: bool) -> impl Iterator<Item = u32> {
    let happenings = batch.iter().filter(|parcel| matches!(parcel.kind, Kind::Happening(_)));
    let details = happenings.map(|parcel| Detail::unpack(parcel.size));
    details.filter(move |detail| detail.cookie != 0 && detail.moved == moved).map(|detail| detail.cookie)
}

async fn let_others_write(batch: &[Parcel]) {
    let mut missing: HashSet<u32> = cookies(batch, true).collect();
    for own in cookies(batch, false) {
        missing.remove(&own);
    }
    let wait = async {
        loop {
            {
                let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
                missing.retain(|cookie| !written.contains(cookie));
            }
            if missing.is_empty() {
                return;
            }
            sleep(LOOK).await;
        }
    };
    if cookies(batch, true).next().is_some() {
        let _ = timeout(PATIENCE, wait).await;
    }
}

fn remember(written: &[Parcel]) {
    let mut all = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    all.extend(cookies(written, false));
    let surplus = all.len().saturating_sub(LIMIT);
    all.drain(..surplus);
}

impl Sink for InTurn {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let_others_write(batch).await;
            let outcomes = self.0.deliver(batch).await?;
            remember(&batch[..outcomes.len().min(batch.len())]);
            Ok(outcomes)
        })
    }

    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        self.0.prepare()
    }

    fn batch_limit(&self) -> usize {
        self.0.batch_limit()
    }

    fn takes_whole_batches(&self) -> bool {
        self.0.takes_whole_batches()
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        self.0.ping()
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        self.0.backlog()
    }

    fn reopen(&mut self) {
        self.0.reopen();
    }

    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        self.0.close(within)
    }
}
