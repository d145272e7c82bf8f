//! The command line of the drop-in for sendit's watcher.
#![expect(clippy::doc_markdown, reason = "it is the text of --help, and these are names of settings")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Client, ClientJson, duration};

#[derive(Debug, Subcommand)]
pub(crate) enum SenditCommand {
    /// Start the watcher in the background; returns when it is ready there
    #[command(aliases = ["watcher_start", "start_watcher"], after_help = START)]
    Start(SenditStart),
    /// Stop the watcher
    #[command(aliases = ["watcher_stop", "stop_watcher"], after_help = STOP)]
    Stop(SenditStop),
    /// Stop the watcher, if it runs, and start it again
    #[command(after_help = RESTART)]
    Restart(SenditStart),
    /// Whether the watcher runs, and how everything stands
    #[command(after_help = STATUS)]
    Status(SenditStatus),
}

/// Which watcher is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct SenditPlace {
    /// The settings: a Django module, a directory of them, or a native configuration (*.toml); else the module
    /// that $DJANGO_SETTINGS_MODULE names, else sendit/settings
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(crate) config: Option<PathBuf>,
    /// The pid file; else watcher.pid in the settings' BASE_DIR, and with TOML in the state directory
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, and none excludes another")]
pub(crate) struct SenditStart {
    #[command(flatten)]
    pub(crate) place: SenditPlace,
    /// Stay in the foreground, with the logs on standard output and error: for containers
    #[arg(long)]
    pub(crate) foreground: bool,
    /// Where standard output goes, the lines about folders; else INOTIFIER_DAEMON_STDOUT
    #[arg(long, value_name = "FILE")]
    pub(crate) log_out: Option<PathBuf>,
    /// Where standard error goes; else INOTIFIER_DAEMON_STDERR
    #[arg(long, value_name = "FILE")]
    pub(crate) log_err: Option<PathBuf>,
    /// A folder that was made at its place is finished when nothing in it has changed for so long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "2s")]
    pub(crate) quiet: Duration,
    /// A folder is finished the moment that its name is there, as for the old watcher, even if it is still being filled
    #[arg(long)]
    pub(crate) strict: bool,
    /// Queue also the folders that are there at the very first start
    #[arg(long)]
    pub(crate) existing: bool,
    /// Queue nothing, remember nothing: print what would be queued
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The task's name; else the original's
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// The broker, as Celery writes it; else BROKER_URL of the settings
    #[arg(long, value_name = "URL")]
    pub(crate) broker: Option<String>,
    /// The queue; else CELERY_DEFAULT_QUEUE of the settings
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<String>,
    /// With restart: kill the old one when it has not ended after this time
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) grace: Duration,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Args, Debug)]
pub(crate) struct SenditStop {
    #[command(flatten)]
    pub(crate) place: SenditPlace,
    /// Kill it when it has not ended after this time
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) grace: Duration,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Args, Debug)]
pub(crate) struct SenditStatus {
    #[command(flatten)]
    pub(crate) place: SenditPlace,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

const START: &str = "Each finished folder of the watched directories (its last extension does not begin with tmp) becomes a Celery \
task. One that is renamed in is finished at once; one that is made there, when nobody writes into it any more. The settings \
module is read, never run; what would need Python is an error that says where.

Examples:
  staithe compat sendit start -c sendit/settings
  staithe compat sendit start -c watcher.py --foreground
  staithe compat sendit start -c watcher.py --dry-run --foreground --existing
  staithe compat sendit start -c staithe.toml           a native configuration

Exit codes: 0 it is ready, 1 it cannot start, 2 usage or a bad configuration.";

const STOP: &str = "Examples:
  staithe compat sendit stop -c sendit/settings

Exit codes: 0 stopped, 1 it does not run or cannot be stopped.";

const RESTART: &str =
    "A watcher that runs is started again with the words, the directory and the environment of its first \
start. Folders that are finished in between are found and queued once.

Examples:
  staithe compat sendit restart -c sendit/settings

Exit codes: 0 the new one is ready, 1 it cannot start.";

const STATUS: &str = "Examples:
  staithe compat sendit status -c sendit/settings
  staithe compat sendit status -c sendit/settings --json | jq .sinks

Exit codes: 0 all is well, 3 it does not run, 5 something needs an eye.";
