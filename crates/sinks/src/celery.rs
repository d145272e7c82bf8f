//! Tasks for Celery workers.

mod envelope;
mod maker;
mod message;
mod over_amqp;
mod over_redis;
mod reader;
mod uids;
mod uuid;
mod value;

use config::{CeleryBroker, CelerySink, SinkPlan};

use self::maker::Maker;
use crate::journal::Hands;
use crate::registry::BuildError;
use crate::sink::Sink;

/// Builds the sink. Nothing is opened and nobody is asked.
pub(crate) fn build(
    plan: &SinkPlan,
    celery: &CelerySink,
    hands: &Hands,
) -> Result<Box<dyn Sink>, BuildError> {
    let maker = Maker::new(celery, &plan.name, plan.timeout, hands);
    match &celery.broker {
        CeleryBroker::Redis { url, key_prefix } => {
            let sink = over_redis::build(plan, celery, (url, key_prefix), maker)?;
            if sink.ignores_tls_files() {
                return Err(BuildError::TlsFilesUnused(plan.name.clone()));
            }
            Ok(Box::new(sink))
        }
        CeleryBroker::Amqp { url } => over_amqp::build(plan, celery, url, maker),
    }
}
