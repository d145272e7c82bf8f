//! Tasks for Celery workers.
//!
//! A message is laid out by hand and read again before it leaves: one that lacks a member stops or ends every worker of
//! its queue. `docs/design/celery.md` says why each is as it is.

mod envelope;
mod followed;
mod maker;
mod message;
mod over_amqp;
mod over_redis;
mod reader;
mod step;
mod uids;
mod uuid;
mod value;

#[cfg(test)]
mod tests;

use config::{CeleryBroker, CelerySink, Push, RedisSink, SinkPlan};

use self::followed::{Followed, KEY};
use self::maker::Maker;
pub use self::step::{describe, standing};
use crate::journal::Hands;
use crate::redis_list::Pusher;
use crate::registry::BuildError;
use crate::sink::Sink;

/// Builds the sink. Nothing is opened and nobody is asked.
pub(crate) fn build(
    plan: &SinkPlan,
    celery: &CelerySink,
    hands: &Hands,
) -> Result<Box<dyn Sink>, BuildError> {
    let maker = Maker::new(celery, &plan.name, plan.timeout, hands);
    let backend = backend(plan, celery)?;
    let has_tls = backend.as_ref().is_some_and(Pusher::is_tls);
    let sink: Box<dyn Sink> = match &celery.broker {
        CeleryBroker::Redis { url, key_prefix } => {
            let sink = over_redis::build(plan, celery, (url, key_prefix), maker)?;
            unused_files(plan, sink.ignores_tls_files() && !has_tls)?;
            Box::new(sink)
        }
        CeleryBroker::Amqp { url } => {
            let sink = over_amqp::build(plan, celery, url, maker)?;
            unused_files(plan, sink.ignores_tls_files() && !has_tls)?;
            Box::new(sink)
        }
    };
    Ok(match backend {
        Some(backend) => Box::new(Followed::new(sink, &plan.name, backend, hands)),
        None => sink,
    })
}

/// Files that no connection would use are a mistake. They may be there for the result backend alone.
fn unused_files(plan: &SinkPlan, unused: bool) -> Result<(), BuildError> {
    if unused { Err(BuildError::TlsFilesUnused(plan.name.clone())) } else { Ok(()) }
}

/// Where the workers write results, if anybody looks there.
fn backend(plan: &SinkPlan, celery: &CelerySink) -> Result<Option<Pusher>, BuildError> {
    let Some(url) = &celery.results else { return Ok(None) };
    let place = RedisSink {
        url: url.clone(),
        key: format!("{KEY}*").into_bytes(),
        counter: None,
        push: Push::Left,
        ca_file: celery.ca_file.clone(),
        client_cert: celery.client_cert.clone(),
    };
    let built = Pusher::new(&place, plan.timeout);
    built.map(Some).map_err(|error| BuildError::Url { name: plan.name.clone(), error })
}
