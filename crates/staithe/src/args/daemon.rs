//! The command line of daemons: starting, stopping and starting again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{ClientJson, HOLDER, STATE_DIR, duration};
use crate::daemon::{Files, Place};

/// How a command becomes a daemon.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DaemonArgs {
    /// Go into the background; returns when it is ready there, or says why it cannot be
    #[arg(long)]
    pub(crate) daemon: bool,
    /// Lock this file while running and write the process's number into it; with --daemon else `staithe.pid` in the
    /// state directory
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
    /// Where the daemon's standard output goes, at the file's end; else `staithe.out` in the state directory
    #[arg(long, value_name = "FILE", requires = "daemon")]
    pub(crate) log_out: Option<PathBuf>,
    /// Where the daemon's standard error, its log, goes, at the file's end; else `staithe.err` in the state directory
    #[arg(long, value_name = "FILE", requires = "daemon")]
    pub(crate) log_err: Option<PathBuf>,
}

impl DaemonArgs {
    /// The files of this daemon; nothing in the foreground without a pid file.
    pub(crate) fn files(&self, state_dir: &Path) -> Option<Files> {
        let log = |given: Option<&PathBuf>, name: &str| {
            let place = Place::or_temporary(given.cloned().unwrap_or_else(|| state_dir.join(name)));
            self.daemon.then_some(place)
        };
        let usual = self.daemon.then(|| usual_pid_file(state_dir));
        Some(Files {
            pid_file: Place::only(self.pid_file.clone().or(usual)?),
            log_out: log(self.log_out.as_ref(), "staithe.out"),
            log_err: log(self.log_err.as_ref(), "staithe.err"),
        })
    }
}

/// Where the pid file is when nobody says.
pub(crate) fn usual_pid_file(state_dir: &Path) -> PathBuf {
    state_dir.join("staithe.pid")
}

#[derive(Args, Debug)]
#[command(after_help = STOP)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) which: WhichDaemon,
}

#[derive(Args, Debug)]
#[command(after_help = RESTART)]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    pub(crate) which: WhichDaemon,
}

/// Which daemon is meant, and how long it may take to end.
#[derive(Args, Debug)]
pub(crate) struct WhichDaemon {
    /// Its pid file; else `staithe.pid` in the state directory
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
    /// Kill it when it has not ended after this time
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) grace: Duration,
    #[arg(long, value_name = "DIR", help = format!("The daemon's state directory; {STATE_DIR}"))]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = STATUS)]
pub(crate) struct StatusArgs {
    #[arg(long, value_name = "FILE", help = HOLDER)]
    pub(crate) pid_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: ClientJson,
}

const STOP: &str = "It asks the process that holds the pid file to end, waits for that, and kills it after --grace. A pid file that no \
process holds is removed, and whatever process has the number in it by now is left alone.

Examples:
  staithe stop                              the pid file is in the state directory
  staithe stop --pid-file /run/staithe.pid
  staithe stop --pid-file /run/staithe.pid --grace 2m

Exit codes: 0 stopped, 1 it cannot be stopped, 3 it does not run.";

const RESTART: &str = "The new daemon gets the words, the working directory and the environment that the old one was started with. What \
happens in between is found and delivered.

Examples:
  staithe restart
  staithe restart --pid-file /run/staithe.pid

Exit codes: 0 the new one is ready, 3 none runs, otherwise as `staithe run`.";

const STATUS: &str = "Examples:
  staithe status
  staithe status --json | jq .counts
  staithe status --pid-file /run/staithe.pid     says also which process it is
  staithe status || systemctl status staithe     5: something needs an eye, 3: no daemon

Exit codes: 0 all is well, 3 the daemon is not reachable, 5 something needs an eye.";
