//! Sinks that talk to message brokers, as they are read back.

use super::Page;
use crate::plan::{AmqpSink, CelerySink};

impl Page {
    pub(super) fn celery(&mut self, name: &str, celery: &CelerySink) {
        let _ = (&self, name, celery);
    }

    pub(super) fn amqp(&mut self, name: &str, amqp: &AmqpSink) {
        let _ = (&self, name, amqp);
    }
}
