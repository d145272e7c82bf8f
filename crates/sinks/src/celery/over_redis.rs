//! Tasks over Redis: one push of one command for a batch, as Celery's own producers do it for each.

use std::time::Duration;

use config::{CelerySink, Push, RedisSink, Secret, SinkPlan};
use model::Parcel;

use super::envelope::{element, key};
use super::maker::{Made, Maker, rejected};
use crate::redis_list::{COMMAND_BYTES, COMMAND_EVENTS, Pusher};
use crate::registry::BuildError;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// Builds the sink. Nothing is opened and nobody is asked.
pub(crate) fn build(
    plan: &SinkPlan,
    celery: &CelerySink,
    (url, key_prefix): (&Secret, &str),
    maker: Maker,
) -> Result<OverRedis, BuildError> {
    let list = RedisSink {
        url: url.clone(),
        key: key(key_prefix, &celery.queue, celery.priority.unwrap_or(0)),
        counter: None,
        push: Push::Left,
        ca_file: celery.ca_file.clone(),
        client_cert: celery.client_cert.clone(),
    };
    let pusher = Pusher::new(&list, plan.timeout)
        .map_err(|error| BuildError::Url { name: plan.name.clone(), error })?;
    Ok(OverRedis { maker, pusher, timeout: plan.timeout })
}

/// Tasks for the workers of a Redis server.
#[derive(Debug)]
pub(crate) struct OverRedis {
    maker: Maker,
    pusher: Pusher,
    timeout: Duration,
}

/// The beginning of a batch: what goes, and what becomes of each event when that has gone.
#[derive(Debug, Default)]
struct Load {
    elements: Vec<Vec<u8>>,
    outcomes: Vec<Outcome>,
}

impl OverRedis {
    /// Whether TLS files were given to a connection that uses none.
    pub(crate) fn ignores_tls_files(&self) -> bool {
        self.pusher.ignores_tls_files()
    }

    async fn load(&mut self, batch: &[Parcel]) -> Load {
        let (mut load, mut bytes) = (Load::default(), 0);
        let most = batch.len().min(COMMAND_EVENTS);
        for (parcel, made) in batch.iter().zip(self.maker.make(&batch[..most]).await) {
            let element = match made {
                Made::Not(outcome) => Err(outcome),
                Made::Message(message) => {
                    element(&message).map_err(|unfit| Outcome::Rejected(rejected(parcel, &unfit.to_string())))
                }
            };
            bytes += element.as_ref().map_or(0, Vec::len);
            if !load.outcomes.is_empty() && bytes > COMMAND_BYTES {
                break;
            }
            match element {
                Ok(element) => {
                    load.elements.push(element);
                    load.outcomes.push(Outcome::Delivered);
                }
                Err(outcome) => load.outcomes.push(outcome),
            }
        }
        load
    }
}

impl Sink for OverRedis {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let Load { elements, outcomes } = self.load(batch).await;
            let time = self.timeout.saturating_sub(self.maker.share());
            self.pusher.push_within(&elements, time).await?;
            Ok(outcomes)
        })
    }

    fn batch_limit(&self) -> usize {
        COMMAND_EVENTS
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
