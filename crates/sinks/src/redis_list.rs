//! A Redis list: one multi-value push for each batch.
//!
//! `LPUSH k v1 v2` puts `v1` nearer to the end that `BRPOP` takes from, so a batch keeps its order.
//! With a counter key the push and the count are one transaction, and the count is taken back
//! where Redis refused the push inside it (it has no roll-back), so that the counter is the number
//! of pushes.

mod advice;
mod endpoint;
mod fault;
mod link;
mod pusher;

use std::time::Duration;

use config::{Format, RedisSink};
use model::Parcel;

pub use self::endpoint::UrlError;
pub(crate) use self::pusher::Pusher;
use crate::format::encode;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// At most so many bytes of events go into one command (one event may be larger).
pub(crate) const COMMAND_BYTES: usize = 1 << 20;
/// At most so many events go into one command.
pub(crate) const COMMAND_EVENTS: usize = 512;

/// Pushes the events themselves, as their format writes them.
#[derive(Debug)]
pub struct RedisList {
    format: Format,
    pusher: Pusher,
}

impl RedisList {
    /// A sink for the list that `plan` names.
    pub fn new(plan: &RedisSink, format: Format, timeout: Duration) -> Result<Self, UrlError> {
        Ok(Self { format, pusher: Pusher::new(plan, timeout)? })
    }

    /// Whether TLS files were given to a connection that uses none.
    #[must_use]
    pub(crate) fn ignores_tls_files(&self) -> bool {
        self.pusher.ignores_tls_files()
    }

    /// As much of the batch as one command carries.
    fn values(&self, batch: &[Parcel]) -> Vec<Vec<u8>> {
        let (mut values, mut bytes) = (Vec::with_capacity(batch.len()), 0);
        for parcel in batch.iter().take(COMMAND_EVENTS) {
            let mut value = Vec::new();
            encode(&self.format, parcel, &mut value);
            bytes += value.len();
            if !values.is_empty() && bytes > COMMAND_BYTES {
                break;
            }
            values.push(value);
        }
        values
    }
}

impl Sink for RedisList {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let values = self.values(batch);
            self.pusher.push(&values).await?;
            Ok(vec![Outcome::Delivered; values.len()])
        })
    }

    fn batch_limit(&self) -> usize {
        COMMAND_EVENTS
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.pusher.ping())
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        Box::pin(self.pusher.backlog())
    }

    fn reopen(&mut self) {
        self.pusher.hang_up();
    }
}

#[cfg(test)]
mod tests;
