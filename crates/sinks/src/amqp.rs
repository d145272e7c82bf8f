//! An exchange of an AMQP 0-9-1 broker.

use config::{AmqpSink, SinkPlan};

use crate::registry::BuildError;
use crate::sink::Sink;

/// Builds the sink. Nothing is opened and nobody is asked.
pub(crate) fn build(plan: &SinkPlan, amqp: &AmqpSink) -> Result<Box<dyn Sink>, BuildError> {
    let _ = amqp;
    Err(BuildError::NoSource(plan.name.clone()))
}
