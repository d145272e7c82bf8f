//! Settings of a plugin: a child process that takes events as JSON lines.

use std::path::PathBuf;
use std::time::Duration;

/// A plugin and how it is bound.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginSink {
    /// The plugin's name: that of its manifest, `NAME.toml` in the plugin directory.
    pub plugin: String,
    /// What the manifest says, or why there is none: then the sink is failed until it comes.
    pub manifest: Result<PluginManifest, String>,
    /// The options of this binding, a JSON object as text.
    pub options: String,
    /// Whether units that arrived complete are given to it, too, beside the event stream.
    pub arrivals: bool,
}

/// What a manifest says.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginManifest {
    /// The program; relative to the manifest's directory if it has a slash, else looked for in `PATH`.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to its environment.
    pub env: Vec<(String, String)>,
    /// Its working directory: that of the manifest.
    pub directory: PathBuf,
    /// Address space in bytes; `None`: as much as the system gives.
    pub memory: Option<u64>,
    /// How long it may take to say hello.
    pub hello_within: Duration,
    /// How long it may take to acknowledge an event.
    pub ack_within: Duration,
    /// How many events are sent ahead of its acknowledgements.
    pub window: u32,
    /// How long a line of its output may be, in bytes.
    pub line_limit: usize,
    /// A number that changes with the manifest's and the program's content, so that a new version is loaded.
    pub version: u64,
}

/// What holds where a manifest says nothing.
impl PluginManifest {
    /// How long it may take to say hello.
    pub const HELLO_WITHIN: Duration = Duration::from_secs(5);
    /// How long it may take to acknowledge an event.
    pub const ACK_WITHIN: Duration = Duration::from_secs(30);
    /// How many events are sent ahead of its acknowledgements.
    pub const WINDOW: u32 = 256;
    /// How long a line of its output may be, in bytes.
    pub const LINE_LIMIT: usize = 1 << 20;
}
