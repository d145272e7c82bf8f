//! Tasks for Celery workers.

use config::{CelerySink, SinkPlan};

use crate::journal::Hands;
use crate::registry::BuildError;
use crate::sink::Sink;

/// Builds the sink. Nothing is opened and nobody is asked.
pub(crate) fn build(
    plan: &SinkPlan,
    celery: &CelerySink,
    hands: &Hands,
) -> Result<Box<dyn Sink>, BuildError> {
    let _ = (celery, hands);
    Err(BuildError::NoSource(plan.name.clone()))
}
