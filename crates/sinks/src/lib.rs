//! Sinks: each speaks one protocol and says for each event what became of it.

mod amqp;
mod blocking;
mod celery;
pub mod check;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod dlm;
mod facts;
mod file_fault;
pub mod format;
pub mod journal;
pub mod jsonl;
mod line_file;
mod lines;
pub mod mirror;
mod peer;
pub mod plugin;
pub mod redis_list;
pub mod registry;
pub mod scribe;
pub mod sink;
pub mod stdout;
mod tls;

#[cfg(any(test, feature = "conformance"))]
mod samples;

pub use amqp::AmqpUrlError;
pub use celery::{describe as describe_task, standing as task_standing};
pub use check::check;
pub use dlm::Dlm;
pub use format::{encode, tells};
pub use journal::{Hands, Journal, JournalError, MemoryJournal, Note, Pursuit};
pub use jsonl::Jsonl;
pub use mirror::Mirror;
pub use plugin::Plugin;
pub use redis_list::RedisList;
pub use registry::{BuildError, build};
pub use sink::{BoxFuture, Outcome, Sink, Trouble};
pub use stdout::{LineStream, print_line};
