//! The keys of sinks that talk to message brokers.

use super::{MAX_ATTEMPTS, REQUIRED, Section, TEXT, TIMEOUT, key};

/// `type = "celery"`.
pub(crate) const CELERY: Section = Section {
    title: "`[sink.NAME]` with `type = \"celery\"`",
    about: "Tasks for Celery workers, over Redis or an AMQP broker.",
    keys: &[key("type", TEXT, REQUIRED, "`\"celery\"`"), MAX_ATTEMPTS, TIMEOUT],
    later: &[],
};

/// `type = "amqp"`.
pub(crate) const AMQP: Section = Section {
    title: "`[sink.NAME]` with `type = \"amqp\"`",
    about: "An exchange of an AMQP 0-9-1 broker.",
    keys: &[key("type", TEXT, REQUIRED, "`\"amqp\"`"), MAX_ATTEMPTS, TIMEOUT],
    later: &[],
};
