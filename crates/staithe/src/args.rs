//! The command line. Help, manual page and completions are made from this and nothing else.

mod daemon;
mod iobserver;
mod mirror;
mod sendit;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use daemon::{DaemonArgs, RestartArgs, StatusArgs, StopArgs, WhichDaemon, usual_pid_file};
pub(crate) use iobserver::IobserverArgs;
pub(crate) use mirror::{MirrorCommand, MirrorName, PruneArgs, VerifyArgs};
pub(crate) use sendit::{SenditCommand, SenditPlace, SenditStart, SenditStatus, SenditStop};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "staithe", version, about, long_about = LONG, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const LONG: &str = "staithe watches directory trees, decides when a file has arrived complete, remembers that \
in a durable ledger, and delivers it at least once, with one stable id, to queues, files and services.";

const EXAMPLES: &str = "Examples:
  staithe watch ./inbox                     report each file when it has arrived complete
  staithe init > staithe.toml               a commented configuration to start from
  staithe check -c staithe.toml             is it good?
  staithe run -c staithe.toml               run it
  staithe run -c staithe.toml --daemon      run it in the background
  staithe stop                              and stop it
  staithe status                            how does it stand?
  staithe explain inbox/scan_001.nc         why is this file where it is?
  staithe rules -c staithe.toml inbox/scan_001.nc     which rule takes it, and what does it want?
  staithe notify inbox/scan_001.nc          this file is finished: look now
  staithe consume --max 10                  take events out of the embedded queue
  staithe quiet ./inbox --for 30s           wait until nothing changes in it any more

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 the daemon is not reachable, 4 nothing found, 5 degraded.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report each file of some directories when it has arrived complete: no server, no configuration
    Watch(WatchArgs),
    /// Wait until nothing has changed in a directory for a while; tell what changes meanwhile
    Quiet(QuietArgs),
    /// Run a configuration until SIGTERM or SIGINT, in the foreground or as a daemon; SIGHUP reloads it
    Run(RunArgs),
    /// Stop a daemon by its pid file
    Stop(StopArgs),
    /// Stop a daemon and start it again as it was started
    Restart(RestartArgs),
    /// Validate a configuration without side effects
    Check(CheckArgs),
    /// Print a commented configuration, or translate an old program's
    Init(InitArgs),
    /// How everything stands; exit code 5 when something needs an eye
    Status(StatusArgs),
    /// List units and their states
    Ls(LsArgs),
    /// Why a path is where it is
    Explain(ExplainArgs),
    /// The presets and temporary names; of a path: which rule takes it and why
    Rules(RulesArgs),
    /// Announce finished files, also of producers on other machines; the source looks and its rule decides
    Notify(NotifyArgs),
    /// Print live events
    #[command(
        after_help = "It shows what happens from now on, to whatever sink it goes; it takes nothing out of a queue.

Examples:
  staithe tail
  staithe tail --json | jq -r .data.path"
    )]
    Tail(ClientJson),
    /// Read the embedded queue; without --max it follows
    Consume(ConsumeArgs),
    /// Acknowledge leased events of the embedded queue
    Ack(AckArgs),
    /// Dead letters: events that a sink refused for good
    #[command(
        subcommand,
        after_help = "Examples:
  staithe dead list
  staithe dead show --sink archive          with the events themselves
  staithe dead retry                        all of them, once the cause is mended
  staithe dead retry ID                     one of them
  staithe dead purge --sink archive --all   removes them for good"
    )]
    Dead(DeadCommand),
    /// Compare a source (or all) with its tree now
    Rescan(RescanArgs),
    /// Make the daemon read its configuration again; a bad one is refused whole
    #[command(after_help = "Examples:
  staithe check -c staithe.toml && staithe reload
  systemctl reload staithe                  the same, where a service runs it")]
    Reload(Client),
    /// Stop delivering to a sink; its events are kept
    #[command(
        after_help = "It holds until `staithe resume`, until a reload in which the sink's own settings have changed, or until the daemon
ends: after a restart the sink gets its events again. Pause it anew then, if it is not to.

Examples:
  staithe pause archive
  staithe status                            shows the sink as paused, and what it keeps"
    )]
    Pause(SinkArgs),
    /// Go on delivering to a sink
    #[command(after_help = "Examples:
  staithe resume archive")]
    Resume(SinkArgs),
    /// Check limits, file systems, permissions and sinks; print the fix for each finding
    Doctor(DoctorArgs),
    /// Second trees that are kept equal
    #[command(
        subcommand,
        after_help = "Examples:
  staithe mirror verify copy -c staithe.toml
  staithe mirror verify copy -c staithe.toml --content --json
  staithe mirror prune copy -c staithe.toml  the source's root was replaced, and that is right"
    )]
    Mirror(MirrorCommand),
    /// The state directory
    #[command(
        subcommand,
        after_help = "Examples:
  staithe store check
  staithe store check --state-dir /var/lib/staithe --json
  staithe store export > records.jsonl
  staithe store repair                      stop the daemon first"
    )]
    Store(StoreCommand),
    /// Take the place of an old program, with its own flags
    #[command(subcommand)]
    Compat(CompatCommand),
    /// Print a shell's completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff), or write all pages into a directory
    Man {
        /// Write one page for each command here
        directory: Option<PathBuf>,
    },
}

const HOLDER: &str =
    "The daemon that holds this pid file; its socket is found by the words that it was started with";

const SOCKET: &str = "The daemon's socket; else $STAITHE_SOCKET";

/// Where the state directory is when nobody names it.
const STATE_DIR: &str =
    "else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others";

/// How a daemon is found.
#[derive(Args, Clone, Debug)]
pub(crate) struct Client {
    #[arg(long, value_name = "PATH", help = SOCKET)]
    pub(crate) socket: Option<PathBuf>,
    #[arg(long, value_name = "DIR", help = format!("The daemon's state directory, where its socket is by default; {STATE_DIR}"))]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ClientJson {
    #[command(flatten)]
    pub(crate) client: Client,
    /// JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendArg {
    Auto,
    Inotify,
    Fanotify,
    Poll,
}

fn duration(text: &str) -> Result<Duration, String> {
    model::measure::parse_duration(text).map_err(|error| error.to_string())
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  staithe watch ./inbox
  staithe watch /data/in /data/late --exclude '*.log' --json
  staithe watch /mnt/nfs --backend poll --settle 10s
  staithe watch /data/obs --dataset '*.ms' --settle 30s    each *.ms directory is one unit
  staithe watch ./inbox --state-dir ./state      remembers what it has reported")]
pub(crate) struct WatchArgs {
    /// The directories; one that is not there yet is watched when it comes
    #[arg(required = true, value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,
    /// One JSON event per line, also on a terminal
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out what lies in directories below
    #[arg(long)]
    pub(crate) no_recursive: bool,
    /// Only paths that match this glob or `re:` regex (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// No paths that match this glob or `re:` regex (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// A directory that matches this glob or `re:` regex is one unit, with all that is in it (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(crate) dataset: Vec<String>,
    /// A file or dataset must also have been unchanged for so long; a dataset without it: 1m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) settle: Option<Duration>,
    /// How arrivals are noticed
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) backend: BackendArg,
    /// Report also what was complete before the start
    #[arg(long)]
    pub(crate) existing: bool,
    /// Remember in this directory what was reported; without it everything is forgotten at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QuietBackend {
    /// Listen where the kernel tells of changes, and compare
    Auto,
    /// Only compare
    Poll,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Quiet: two looks at the whole tree, at least that long apart, found the same, and nothing was heard from the \
beginning of the first to the end of the second. Each difference on the way is a line: created, modified with the old and \
the new size, deleted, moved; `touched` where something was heard that left no difference. The last line says what is there.

Examples:
  staithe quiet /data/in
  staithe quiet /data/in --for 30s && rsync -a /data/in/ archive:/data/in/
  staithe quiet /mnt/nfs/run7 --for 1m --timeout 2h --json
  staithe quiet . --for 10s --exclude '*.log' --exclude cache

Whether one file is complete is another question, and `staithe watch` answers it.

Exit codes: 0 it is quiet, 1 it was not within the time, it is gone, or the wait was interrupted, 2 usage."
)]
pub(crate) struct QuietArgs {
    /// The directory; it must be there
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// How long nothing must have changed
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, default_value = "5s")]
    pub(crate) period: Duration,
    /// Give up after this time, and tell what is still changing
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// One JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out what lies in directories below
    #[arg(long)]
    pub(crate) no_recursive: bool,
    /// Leave out paths that match this glob or `re:` regex, directories with all that is in them (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// How changes are noticed
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) backend: QuietBackend,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  staithe run -c staithe.toml
  staithe run -c /etc/staithe.d             a directory: its *.toml, together
  staithe run -c staithe.toml --state-dir ./state
  staithe run -c staithe.toml --watch-config    takes changes of the file over while it runs
  staithe run -c staithe.toml --daemon          in the background; returns when it is ready there
  staithe run -c staithe.toml --daemon --pid-file /run/staithe.pid --log-err /var/log/staithe.err

The other commands find the daemon by the same --state-dir, or by $STAITHE_STATE_DIR; `staithe stop`, `restart`, \
`status` and `explain` also by --pid-file. SIGHUP opens the logs of a daemon anew, too. A log that cannot be written goes into the \
temporary directory, with a warning.

Exit codes: 0 stopped, or ready in the background, 1 failed or running already, 2 usage or configuration.")]
pub(crate) struct RunArgs {
    /// The configuration: a file, or a directory of *.toml files read in name order
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(crate) config: PathBuf,
    /// Take changes of the configuration over while running, as `watch_config = true` in it does; a bad one is
    /// refused whole
    #[arg(long)]
    pub(crate) watch_config: bool,
    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Args, Debug)]
#[command(after_help = "Paths that are absent and servers that do not answer are warnings: they may come.

Examples:
  staithe check -c staithe.toml
  staithe check -c /etc/staithe.d && staithe reload

Exit codes: 0 good, 2 not.")]
pub(crate) struct CheckArgs {
    /// The configuration: a file, or a directory of *.toml files read in name order
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(crate) config: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OldProgram {
    DirectoryObserver,
    DlmWatcher,
    Iobserver,
    Sendit,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  staithe init > staithe.toml
  staithe init --from directory-observer directory_observer.ini > staithe.toml
  staithe init --from dlm-watcher -d /data/products -s my-storage > staithe.toml
  staithe init --from iobserver iobserverrc > staithe.toml
  staithe init --from sendit sendit/settings > staithe.toml")]
pub(crate) struct InitArgs {
    /// The old program whose configuration is translated
    #[arg(long, value_enum, requires = "old")]
    pub(crate) from: Option<OldProgram>,
    /// The old configuration file, or the old flags
    #[arg(value_name = "FILE-or-flags", allow_hyphen_values = true)]
    pub(crate) old: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "States: waiting (its rule is not satisfied yet), queued, delivering, retrying (a sink refused it for now), \
dead (a sink refused it for good), delivered, adopted (complete before the first start, not delivered), ignored (no \
rule takes it), gone (it vanished before it was complete).

Examples:
  staithe ls
  staithe ls --state waiting                what waits, and for what
  staithe ls --json | jq -r .path"
)]
pub(crate) struct LsArgs {
    /// Only units in this state, one of those below
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  staithe explain inbox/scan_001.nc
  staithe explain /data/in/obs.ms/table.dat           a part of a dataset
  staithe explain inbox/scan_001.nc --json | jq -r .reason
  staithe explain inbox/scan_001.nc --pid-file /run/staithe.pid

Before a file is there, `staithe rules -c FILE PATH` says which rule would take it.

Exit codes: 0 said, 3 the daemon is not reachable, 4 it was never seen.")]
pub(crate) struct ExplainArgs {
    /// The path: absolute, relative to here, or relative to a source
    pub(crate) path: PathBuf,
    #[arg(long, value_name = "FILE", help = HOLDER)]
    pub(crate) pid_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

#[derive(Args, Debug)]
#[command(
    after_help = "It asks the configuration, not the daemon, and the paths need not exist: try names before the first file \
comes. What a file waits for now, `staithe explain` says.

Examples:
  staithe rules                                     presets with their traps, temporary names
  staithe rules -c staithe.toml                     also each source's rules, in their order
  staithe rules -c staithe.toml /data/in/x.tmp      which rule takes it, why, what it wants
  find /data/in -print0 | staithe rules -c staithe.toml -0 --json

The configuration may also be named by $STAITHE_CONFIG.

Exit codes: 0 said, 2 the configuration is bad or not named, 4 a path lies below no source."
)]
pub(crate) struct RulesArgs {
    /// The paths: absolute or relative to here, there or not; `-` reads one a line from standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Paths on standard input end with a zero byte, as `find -print0` writes them
    #[arg(short = '0', long)]
    pub(crate) null: bool,
    /// The configuration: a file, or a directory of *.toml files read in name order
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(crate) config: Option<PathBuf>,
    /// JSON instead of text; one line for each path and source
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "The word is not trusted: the file must be there, a rule must take it, and a writer that is still \
open holds it back. A file that is known and unchanged is not delivered again.

Examples:
  staithe notify /data/in/scan_001.nc
  ssh fileserver staithe notify /data/in/scan_001.nc     from the machine that wrote it
  find /data/in -newer mark -type f -print0 | staithe notify -0

Exit codes: 0 taken (or known and unchanged), 1 not taken, 3 the daemon is not reachable, 4 nothing lies there or no \
source covers it."
)]
pub(crate) struct NotifyArgs {
    /// The files: absolute, relative to here, or relative to a source; `-` reads one a line from standard input
    #[arg(required_unless_present = "null", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Read also paths from standard input that end with a zero byte, as `find -print0` writes them
    #[arg(short = '0', long)]
    pub(crate) null: bool,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

#[derive(Args, Debug)]
#[command(
    after_help = "An event is acknowledged only when standard output has taken its line. With --no-ack it is \
leased and comes back unless `staithe ack ID` is called in time.

Examples:
  staithe consume                           follows
  staithe consume --max 10 | jq -r .data.path
  staithe consume --queue local --max 1 --no-ack --lease 5m

Exit codes: 0 done, 3 the daemon is not reachable, 4 there was none (with --max)."
)]
pub(crate) struct ConsumeArgs {
    /// The queue; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<String>,
    /// Take at most so many of what is there, and end; exit code 4 when there is none
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<u64>,
    /// Lease instead of acknowledging
    #[arg(long)]
    pub(crate) no_ack: bool,
    /// How long a lease lasts
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration, requires = "no_ack")]
    pub(crate) lease: Duration,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  staithe consume --max 1 --no-ack | jq -r .id        leases an event and prints its id
  staithe ack ID                                      when the work is done

Exit codes: 0 done, 3 the daemon is not reachable, 4 an id is in no queue.")]
pub(crate) struct AckArgs {
    /// The events' ids
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// The queue; all queues if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Args, Debug)]
pub(crate) struct DeadArgs {
    /// Only letters of this sink
    #[arg(long, value_name = "SINK")]
    pub(crate) sink: Option<String>,
    /// Only the letters with these ids
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters
    List(DeadArgs),
    /// Show dead letters whole, with their events
    Show(DeadArgs),
    /// Offer them to their sinks again; a letter leaves only when its redelivery is acknowledged
    Retry(DeadArgs),
    /// Remove them for good
    Purge(PurgeArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(crate) which: DeadArgs,
    /// Purge all letters (of the sink) although no id is given
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "It comes by itself when a source may have missed something; this asks for it now.

Examples:
  staithe rescan
  staithe rescan inbox")]
pub(crate) struct RescanArgs {
    /// The source; all if not given
    pub(crate) source: Option<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Args, Debug)]
pub(crate) struct SinkArgs {
    /// The sink
    pub(crate) sink: String,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Run it as the user that the daemon runs as. It changes nothing, unless --canary is given.

Examples:
  staithe doctor -c staithe.toml            everything that can be seen from outside
  staithe doctor -c staithe.toml --canary   also how soon events come, and the clock of a server
  sudo -u staithe staithe doctor --json     for programs

Exit codes: 0 all is well, 2 the configuration is bad, 5 something needs an eye."
)]
pub(crate) struct DoctorArgs {
    /// The configuration whose sources and sinks are looked at
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(crate) config: Option<PathBuf>,
    /// Make a file in each source's directory, gone within a moment, to see whether events come and whether clocks agree
    #[arg(long)]
    pub(crate) canary: bool,
    /// JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Check the ledger; works beside a running daemon
    Check(StoreArgs),
    /// Put a damaged ledger aside and keep what can be read
    Repair(StoreArgs),
    /// Print every record as a JSON line
    Export(StoreArgs),
}

#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    #[arg(long, value_name = "DIR", help = format!("The state directory; {STATE_DIR}"))]
    pub(crate) state_dir: Option<PathBuf>,
    /// JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CompatCommand {
    /// `MetWork`'s `directory_observer`: --config FILE [--log FILE]
    #[command(disable_help_flag = true)]
    DirectoryObserver {
        /// The old program's own flags
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
    /// The SKA's `dlm-directory-watcher`: -d DIR -s STORAGE …, --help lists them
    #[command(disable_help_flag = true)]
    DlmWatcher {
        /// The old program's own flags
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
    /// `iobserver`: [FILE], else ./iobserverrc
    Iobserver(IobserverArgs),
    /// sendit's watcher: start, stop, restart, status
    #[command(subcommand)]
    Sendit(SenditCommand),
}

#[cfg(test)]
mod tests;
