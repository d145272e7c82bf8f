//! The native configuration: what it can say, how it is read, and what is wrong with it.

mod amqp_url;
mod authority;
mod diagnostic;
mod expand;
mod fields;
mod http_url;
mod keys;
mod load;
mod manifest;
mod misplaced;
mod nearest;
pub mod plan;
mod print;
mod read;
mod redis_url;
mod reference;
mod source_text;
mod starter;

pub use diagnostic::{ConfigError, Diagnostic, Severity, Snippet};
pub use load::{Loaded, Reading, files, load, parse_str, reading};
pub use manifest::read_manifest;
pub use plan::{
    AmqpSink, Announce, Argument, Backend, CeleryBroker, CelerySink, DlmDialect, DlmPlace, DlmSink,
    Durability, FieldError, Format, IdentityRule, Initial, JsonlSink, MirrorOrigin, MirrorSink, Piece, Plan,
    PluginManifest, PluginSink, Push, QueueSink, Reannounce, RedisSink, ScribeLog, ScribeSink, ScribeStyle,
    Secret, SinkKind, SinkPlan, SourcePlan, StreamPlan, TaskProtocol,
};
pub use print::{completion_to_toml, to_toml};
pub use reference::reference;
pub use starter::starter;
