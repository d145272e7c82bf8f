//! The programs that are compared: which there are on this machine, and how each is started.

mod limits;
mod ours;
mod python;
mod raw;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::arguments::Arguments;
use super::workload::Workload;
use crate::workspace::Workspace;

pub(crate) use limits::{FLUSH_EACH, FLUSH_HUNDRED, PUSH_EACH, PUSH_THOUSAND};
pub(crate) use ours::{FULL_PASS, QUICK_PASS, RUN, RUN_POWER, WATCH, WATCH_FANOTIFY, WATCH_POLL};
pub(crate) use python::{
    OBSERVER, PYINOTIFY, STAND_IN, WATCHDOG, WATCHDOG_POLL, WATCHDOG_SNAPSHOT, WATCHFILES,
};
pub(crate) use raw::{DIRECTORIES, FAN, INO, INO_PUSH, STAT};
pub(crate) use tools::{INOTIFYWAIT, NOTIFY, NOTIFY_POLL, built};

/// What a peer is told for one run.
pub(crate) struct Place<'a> {
    /// The tree to watch.
    pub(crate) root: &'a Path,
    /// A folder for its own files.
    pub(crate) scratch: &'a Path,
    /// A folder on a real disk.
    pub(crate) disk: &'a Path,
    /// The port of the Redis server, in the workloads that have one.
    pub(crate) port: Option<u16>,
    /// The number of files, for those who do the work themselves.
    pub(crate) files: usize,
}

/// The key of the Redis list.
pub(crate) const KEY: &str = "bench";

/// How it is known that a program is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It says `ready` on standard error.
    Says,
    /// It uses no more processor time.
    Idle,
}

/// One program.
pub(crate) struct Peer {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// How it is known to be ready.
    pub(crate) ready: Ready,
    /// Whether it works now and then although nothing happens.
    pub(crate) polls: bool,
    make: Make,
}

type Make = Box<dyn Fn(&Place<'_>) -> anyhow::Result<Command>>;

impl Peer {
    /// One that says when it is ready, and is idle when nothing happens.
    fn new(name: &'static str, make: impl Fn(&Place<'_>) -> anyhow::Result<Command> + 'static) -> Self {
        Self { name, ready: Ready::Says, polls: false, make: Box::new(make) }
    }

    /// One that does not say when it is ready.
    fn silent(self) -> Self {
        Self { ready: Ready::Idle, ..self }
    }

    /// One that polls.
    fn polling(self) -> Self {
        Self { polls: true, ..self }
    }

    /// The command for one run.
    pub(crate) fn command(&self, place: &Place<'_>) -> anyhow::Result<Command> {
        (self.make)(place)
    }
}

/// Everything that is to be had.
pub(crate) struct Peers {
    all: Vec<Peer>,
}

impl Peers {
    /// Builds our program and the small ones, and looks for the others.
    pub(crate) fn available(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Self> {
        let me = std::env::current_exe()?;
        let mut all = ours::peers(&arguments.program(workspace)?);
        all.extend(raw::peers(workspace, &me)?);
        all.extend(limits::peers(&me));
        all.extend(tools::peers(workspace)?);
        all.extend(python::peers(workspace)?);
        all.retain(|peer| arguments.only.is_empty() || arguments.only.iter().any(|name| name == peer.name));
        anyhow::ensure!(!all.is_empty(), "none of {:?} is here", arguments.only);
        Ok(Self { all })
    }

    /// The one of that name, if it is here.
    pub(crate) fn named(&self, name: &str) -> Option<&Peer> {
        self.all.iter().find(|peer| peer.name == name)
    }
}

/// Who takes part in a workload, in turn. What the goals speak of comes first; `more` stands for the rest.
pub(crate) fn turns(workload: Workload, more: bool) -> Vec<&'static str> {
    let (first, rest): (&[_], &[_]) = match workload {
        Workload::W1 => {
            (&[INO, WATCH, FAN, WATCH_FANOTIFY, INOTIFYWAIT, NOTIFY, WATCHDOG], &[WATCHFILES, PYINOTIFY])
        }
        Workload::W1Big => (&[INO, WATCH, NOTIFY], &[WATCH_FANOTIFY, INOTIFYWAIT]),
        Workload::W1Stall => (&[INO, WATCH, RUN, NOTIFY], &[WATCH_FANOTIFY, INOTIFYWAIT, WATCHFILES]),
        Workload::W1Stall5 => (&[WATCH, NOTIFY], &[INO, RUN, INOTIFYWAIT]),
        Workload::W1Overflow => (&[INO, WATCH, INOTIFYWAIT, NOTIFY], &[WATCHFILES, PYINOTIFY]),
        Workload::W2 => (&[INO, WATCH, RUN, INOTIFYWAIT, RUN_POWER, NOTIFY], &[FAN, WATCHDOG, PYINOTIFY]),
        Workload::W3 => (&[INO, WATCH, WATCH_FANOTIFY, NOTIFY], &[INOTIFYWAIT]),
        Workload::W4a | Workload::W4b | Workload::W4c => {
            (&[INO, WATCH, WATCH_FANOTIFY, WATCH_POLL, INOTIFYWAIT, NOTIFY], &[PYINOTIFY, WATCHFILES])
        }
        Workload::W5 => (&[STAT, DIRECTORIES, QUICK_PASS, FULL_PASS, WATCHDOG_SNAPSHOT], &[]),
        Workload::W6 | Workload::W6Paced => (&[INO_PUSH, RUN, OBSERVER, STAND_IN], &[]),
        Workload::W6Lat => (&[INO_PUSH, RUN, OBSERVER, STAND_IN, RUN_POWER], &[]),
        Workload::W7 => (&[INO, WATCH, WATCH_FANOTIFY, INOTIFYWAIT, NOTIFY], &[]),
        Workload::W7Poll => (&[WATCH_POLL, NOTIFY_POLL], &[WATCHDOG_POLL]),
        Workload::Journal => (&[FLUSH_EACH, FLUSH_HUNDRED, RUN_POWER], &[]),
        Workload::Push => (&[PUSH_EACH, PUSH_THOUSAND], &[]),
    };
    let rest = if more { rest } else { &[] };
    first.iter().chain(rest).copied().collect()
}

/// Where the interpreter with the Python peers' modules lies, once `--install-peers` has made it.
pub(crate) fn interpreter(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    Ok(workspace.target()?.join("bench-python/bin/python3"))
}
