//! A daemon that is named by its pid file.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use serde_json::Value;

use crate::args::{Cli, Client, Command};
use crate::daemon::{self, Beginning, Place};
use crate::exit::{Exit, failure};

/// Who is to be asked, and where.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) client: Client,
    /// The process that must answer, where one is named.
    holder: Option<u32>,
}

impl Asked {
    /// The holder of the pid file, if one is given. Where it answers is found by its own words, unless that is said as well.
    pub(crate) fn for_holder_of(pid_file: Option<&Path>, given: &Client) -> anyhow::Result<Self> {
        let holder = pid_file.map(holder).transpose()?;
        let said = given.socket.is_some() || given.state_dir.is_some();
        let found = holder.filter(|_| !said).and_then(client_of);
        Ok(Self { client: found.unwrap_or_else(|| given.clone()), holder })
    }

    /// Fails where somebody else has answered. The answer says the process by `pid`.
    pub(crate) fn answered_by(&self, answer: &Value) -> anyhow::Result<()> {
        let Some(pid) = self.holder.filter(|pid| answer["pid"] != *pid) else { return Ok(()) };
        let text = format!(
            "process {pid} holds the pid file, but process {} answers. Fix: say where the first one answers, with \
             --state-dir or --socket",
            answer["pid"]
        );
        Err(failure(Exit::Failed, text))
    }

    pub(crate) const fn is_named(&self) -> bool {
        self.holder.is_some()
    }
}

fn holder(path: &Path) -> anyhow::Result<u32> {
    let held = daemon::running(&Place::only(path))?;
    held.map(|(_, pid)| pid).ok_or_else(|| {
        let text = format!("no daemon runs with the pid file {}: no process holds it", path.display());
        failure(Exit::NoDaemon, format!("{text}. Start one with `staithe run --daemon -c FILE`"))
    })
}

/// Where that daemon answers, by the words that it was started with; nothing where they are not those of `run`.
pub(crate) fn client_of(pid: u32) -> Option<Client> {
    let beginning = Beginning::of(pid).ok()?;
    let Command::Run(run) = Cli::try_parse_from(beginning.words()).ok()?.command else { return None };
    let client = run.client;
    let state_dir = client.state_dir.or_else(|| beginning.variable("STAITHE_STATE_DIR"));
    let socket = client.socket.or_else(|| beginning.variable("STAITHE_SOCKET"));
    let there = |path: PathBuf| beginning.directory.join(path);
    Some(Client { socket: socket.map(there), state_dir: state_dir.map(there) })
}
