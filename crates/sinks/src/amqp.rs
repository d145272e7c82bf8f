//! AMQP 0-9-1 brokers such as `RabbitMQ`: the sink that gives them events, and what it shares with the one that gives
//! them tasks.
//!
//! One connection with one channel that confirms. A batch is published in one go, each message persistent and
//! mandatory; then every confirmation is waited for. Nothing is declared here.

mod advice;
mod broker;
mod endpoint;
mod events;
mod fault;
mod link;
mod message;
mod tunnel;

use config::{AmqpSink, SinkPlan};

pub(crate) use self::broker::Broker;
pub use self::endpoint::AmqpUrlError;
pub(crate) use self::events::Events;
pub(crate) use self::message::{Fate, Outgoing, short};
use crate::registry::BuildError;
use crate::sink::Sink;
use crate::tls::TlsFiles;

/// Builds the sink. Nothing is opened and nobody is asked.
pub(crate) fn build(plan: &SinkPlan, amqp: &AmqpSink) -> Result<Box<dyn Sink>, BuildError> {
    let tls = TlsFiles { authority: amqp.ca_file.clone(), client: amqp.client_cert.clone() };
    let broker = Broker::new(&amqp.url, tls, &amqp.exchange, plan.timeout)
        .map_err(|error| BuildError::AmqpUrl { name: plan.name.clone(), error })?;
    if broker.ignores_tls_files() {
        return Err(BuildError::TlsFilesUnused(plan.name.clone()));
    }
    Ok(Box::new(Events::new(broker, amqp, plan.format.clone())))
}
