//! Settings of sinks that talk to message brokers: tasks for Celery workers, and events as such.

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// Settings of a Celery task queue: each unit becomes one task.
#[derive(Clone, Debug, PartialEq)]
pub struct CelerySink {
    /// Where the messages go.
    pub broker: CeleryBroker,
    /// The registered name of the task; not empty.
    pub task: String,
    /// The task's positional arguments.
    pub args: Vec<Argument>,
    /// Its named ones, each name once.
    pub kwargs: Vec<(String, Argument)>,
    /// The queue: on Redis the list's key, on AMQP the routing key, unless that is given; not empty.
    pub queue: String,
    /// The exchange that the message names (Redis) or is published to (AMQP); `None`: on Redis the queue's name,
    /// on AMQP the default exchange, as Celery does.
    pub exchange: Option<String>,
    /// `None`: the queue's name.
    pub routing_key: Option<String>,
    /// The broker's priority, 0 to 255; Redis has the steps 0, 3, 6, 9, and serves 0 first.
    pub priority: Option<u8>,
    /// The workers drop it when they get it later than so long after it was published.
    pub expires: Option<Duration>,
    /// The workers hold it until so long after it was published.
    pub delay: Option<Duration>,
    /// How a message is laid out.
    pub protocol: TaskProtocol,
    /// Where the workers write results (a Redis URL); they are looked at, never written.
    pub results: Option<Secret>,
    /// A file with the certificates of the private authority to trust.
    pub ca_file: Option<PathBuf>,
    /// A client certificate and its key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
}

impl CelerySink {
    /// The queue, where nothing is said: Celery's own default.
    pub const QUEUE: &'static str = "celery";

    /// The named arguments where nothing is said about arguments: `{"dicom_dir": path}`, as sendit's task has them.
    #[must_use]
    pub fn usual_kwargs() -> Vec<(String, Argument)> {
        vec![("dicom_dir".to_owned(), Argument::Text("{path}".to_owned()))]
    }
}

/// A broker that Celery workers consume from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CeleryBroker {
    /// A Redis server.
    Redis {
        /// As for a Redis list.
        url: Secret,
        /// What the workers' `global_keyprefix` puts in front of every key.
        key_prefix: String,
    },
    /// An AMQP 0-9-1 broker such as `RabbitMQ`.
    Amqp {
        /// `amqp://[user:password@]host[:port][/vhost]`, `amqps://…`.
        url: Secret,
    },
}

/// How a task's message is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskProtocol {
    /// Celery 3.1 and before; every worker reads it.
    V1,
    /// Celery 4 and later; with its headers complete 3.1 reads it, too.
    V2,
}

/// A value of a task's arguments.
///
/// In a text, `{path}` (absolute), `{directory}` (of the path, absolute), `{subject}` (relative to the source),
/// `{name}`, `{root}`, `{id}`, `{source}`, `{site}`, `{type}`, `{kind}`, `{rule}`, `{size}`, `{mtime}`, `{generation}`,
/// `{count}` (a dataset's members), `{key}` (a group's), `{StudyInstanceUID}` and `{SeriesInstanceUID}` (read from
/// the first DICOM file of the unit) are replaced; `{{` and `}}` are braces. A text that is nothing but one of `{size}`,
/// `{generation}`, `{count}` becomes a number; one that is nothing but a field without a value becomes `null`.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A text with fields.
    Text(String),
    /// A number.
    Integer(i64),
    /// A number with a fraction; finite.
    Float(f64),
    /// `true` or `false`.
    Flag(bool),
    /// Several.
    List(Vec<Argument>),
    /// Named ones.
    Table(Vec<(String, Argument)>),
}

/// Settings of an AMQP 0-9-1 exchange that takes the events themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmqpSink {
    /// `amqp://[user:password@]host[:port][/vhost]`, `amqps://…`.
    pub url: Secret,
    /// The exchange; empty: the default one, which routes to the queue named by the key.
    pub exchange: String,
    /// The routing key: a text with the fields of [`Argument::Text`]; dots in their values become `_`.
    pub routing_key: String,
    /// A file with the certificates of the private authority to trust.
    pub ca_file: Option<PathBuf>,
    /// A client certificate and its key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
}
