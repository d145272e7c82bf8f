//! The plan: a configuration after validation. The engine runs this and nothing else; every
//! drop-in translates its old configuration into one.

mod argument;
mod celery;
mod dlm;
mod mirror;
mod plugin;
mod scribe;
mod stream;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use settle::Rules;

pub use argument::{FieldError, Piece};
pub use celery::{AmqpSink, Argument, CeleryBroker, CelerySink, TaskProtocol};
pub use dlm::{DlmDialect, DlmPlace, DlmSink};
pub use mirror::{MirrorOrigin, MirrorSink};
pub use plugin::{PluginManifest, PluginSink};
pub use scribe::{ScribeLog, ScribeSink, ScribeStyle};
pub use stream::StreamPlan;

/// Everything that `run` needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Part of every event's `source` and id.
    pub site: String,
    /// What a commit of the ledger survives.
    pub durability: Durability,
    /// Whether the configuration is read again whenever its files' content changes.
    pub watch_config: bool,
    /// Where the manifests of plugins lie; `None` where nobody asks for one.
    pub plugin_dir: Option<PathBuf>,
    /// The watched trees.
    pub sources: Vec<SourcePlan>,
    /// Where events go.
    pub sinks: Vec<SinkPlan>,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process; the operating system writes to disk when it likes.
    Process,
    /// The loss of power: a commit is on disk before the send of its events begins.
    Power,
}

/// One watched tree.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own, and none excludes another")]
pub struct SourcePlan {
    /// Its name; part of every event's `source` and id.
    pub name: String,
    /// The directory, as configured.
    pub path: PathBuf,
    /// Whether the directories below are watched too.
    pub recursive: bool,
    /// How arrivals are noticed.
    pub backend: Backend,
    /// How often a polled tree is looked at.
    pub poll_interval: Duration,
    /// How often a polled tree is looked at in full; `None`: the larger of 5 s and 20 × the last duration.
    pub poll_full: Option<Duration>,
    /// Whether a short-lived file may be made in the tree to see that events come.
    pub canary: bool,
    /// How often tree and ledger are compared; `None`: only when needed.
    pub rescan: Option<Duration>,
    /// What happens to files that were complete before the first start.
    pub initial: Initial,
    /// Whether symbolic links below the root are followed.
    pub follow_symlinks: bool,
    /// Whether inode numbers tell generations apart.
    pub identity: IdentityRule,
    /// What is announced: states of the tree, or each arrival of a name.
    pub announce: Announce,
    /// Whether what still lies there is announced again from time to time.
    pub reannounce: Option<Reannounce>,
    /// Whether gaps (times in which something may have been missed) are announced to the rules' sinks.
    pub gap_events: bool,
    /// Which paths are taken, and when they are complete.
    pub rules: Rules,
    /// What rules ask for of the tree's event stream; usually nothing.
    pub streams: Vec<StreamPlan>,
}

/// How arrivals are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Chosen for each file system.
    Auto,
    /// inotify.
    Inotify,
    /// One fanotify mark for each whole file system; needs privilege.
    Fanotify,
    /// Scans at an interval.
    Poll,
}

/// What happens to files that were complete before a source's first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// They are delivered.
    Deliver,
    /// They are taken over without delivery.
    Adopt,
    /// Those modified within this time are delivered, the others taken over.
    NewerThan(Duration),
}

/// Whether inode numbers tell generations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityRule {
    /// Yes where the file system keeps them.
    Auto,
    /// Always.
    Inode,
    /// Never.
    NoInode,
}

/// What is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announce {
    /// Each state of a path once: a new or changed complete file.
    Generations,
    /// Each arrival of a name (created, linked or renamed in), even of one seen before and even
    /// when the file is gone again by the time it is looked at; rewriting in place is no arrival.
    Arrivals,
}

/// Announcing again what still lies in a source: a safety net for consumers that lose messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reannounce {
    /// The period; `None`: only at each start.
    pub every: Option<Duration>,
    /// No more than fits into the sink's queue up to this length (`None`: no limit).
    pub queue_limit: Option<u64>,
}

/// One place where events go.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkPlan {
    /// Its name.
    pub name: String,
    /// What it is, with its own settings.
    pub kind: SinkKind,
    /// How an event is written.
    pub format: Format,
    /// After how many refusals an event becomes a dead letter; 0: never.
    pub max_attempts: u32,
    /// How long one request may take.
    pub timeout: Duration,
}

impl SinkPlan {
    /// Whether removals and gaps can be told to it, so that nobody takes them for arrivals.
    #[must_use]
    pub fn tells_events_apart(&self) -> bool {
        match self.kind {
            // The services know of items that are there, and of nothing else; a task is for something that came.
            SinkKind::Dlm(_) | SinkKind::Celery(_) => false,
            // They read what an event says, whatever its format.
            SinkKind::Scribe(_) | SinkKind::Mirror(_) | SinkKind::Plugin(_) => true,
            _ => self.format.tells_events_apart(),
        }
    }
}

/// How an event is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// The native event.
    CloudEvents,
    /// The `data` member's fields and the id in one flat object.
    Flat,
    /// The absolute path and nothing else.
    Path,
    /// The message of MetWork's `directory_observer`.
    Metwork,
    /// A text with `{path}`, `{name}`, `{root}`, `{id}`, `{size}`, `{mtime}`, `{source}`, `{generation}`, `{type}`,
    /// `{kind}` replaced.
    Template(String),
}

impl Format {
    /// Whether a reader can tell a removal or a gap from an arrival. One that only names the path cannot:
    /// it would be taken for a file that came.
    #[must_use]
    pub fn tells_events_apart(&self) -> bool {
        match self {
            Format::CloudEvents | Format::Flat | Format::Metwork => true,
            Format::Path => false,
            Format::Template(template) => template.contains("{type}"),
        }
    }
}

/// The kinds of sink.
#[derive(Clone, Debug, PartialEq)]
pub enum SinkKind {
    /// The embedded queue.
    Queue(QueueSink),
    /// Standard output, one event per line.
    Stdout,
    /// A file, one event per line.
    Jsonl(JsonlSink),
    /// A Redis list.
    RedisList(RedisSink),
    /// The SKA Data Lifecycle Management services.
    Dlm(Box<DlmSink>),
    /// A log for people.
    Scribe(ScribeSink),
    /// A second tree that is kept equal.
    Mirror(Box<MirrorSink>),
    /// A child process.
    Plugin(Box<PluginSink>),
    /// Tasks for Celery workers.
    Celery(Box<CelerySink>),
    /// An exchange of an AMQP broker.
    Amqp(AmqpSink),
}

impl SinkKind {
    /// The name of the kind, as in configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            SinkKind::Queue(_) => "queue",
            SinkKind::Stdout => "stdout",
            SinkKind::Jsonl(_) => "jsonl",
            SinkKind::RedisList(_) => "redis-list",
            SinkKind::Dlm(_) => "dlm",
            SinkKind::Scribe(_) => "scribe",
            SinkKind::Mirror(_) => "mirror",
            SinkKind::Plugin(_) => "plugin",
            SinkKind::Celery(_) => "celery",
            SinkKind::Amqp(_) => "amqp",
        }
    }

    /// Whether it takes the happenings of an event stream.
    #[must_use]
    pub const fn takes_happenings(&self) -> bool {
        match self {
            SinkKind::Stdout
            | SinkKind::Jsonl(_)
            | SinkKind::Scribe(_)
            | SinkKind::Mirror(_)
            | SinkKind::Plugin(_) => true,
            SinkKind::Queue(_)
            | SinkKind::RedisList(_)
            | SinkKind::Dlm(_)
            | SinkKind::Celery(_)
            | SinkKind::Amqp(_) => false,
        }
    }

    /// Whether it takes units that arrived complete.
    #[must_use]
    pub fn takes_arrivals(&self) -> bool {
        match self {
            SinkKind::Scribe(_) => false,
            SinkKind::Plugin(plugin) => plugin.arrivals,
            _ => true,
        }
    }
}

/// Settings of the embedded queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSink {
    /// How long acknowledged entries are kept.
    pub retain: Duration,
}

/// Settings of a line file.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonlSink {
    /// The file; created with its directory, appended to.
    pub path: PathBuf,
}

/// Settings of a Redis list.
#[derive(Clone, Debug, PartialEq)]
pub struct RedisSink {
    /// `redis://[user:password@]host[:port][/db]`, `rediss://…`, `redis+unix:///path[?db=&user=&pass=]`.
    pub url: Secret,
    /// The list's key.
    pub key: Vec<u8>,
    /// A key that counts the pushes.
    pub counter: Option<Vec<u8>>,
    /// Which end is pushed to.
    pub push: Push,
    /// A file with the certificates of the private authority to trust, for `rediss`.
    pub ca_file: Option<PathBuf>,
    /// A client certificate and its key, for `rediss`.
    pub client_cert: Option<(PathBuf, PathBuf)>,
}

/// Which end of the list is pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// `LPUSH`: consumers pop with `BRPOP`.
    Left,
    /// `RPUSH`: consumers pop with `BLPOP`.
    Right,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; every use of this is a place to review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
