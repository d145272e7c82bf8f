//! Installs what ours is compared with, on request: Debian packages, an interpreter of its own with the Python libraries,
//! and the small programs below `bench`.

use std::process::Command;

use super::peers::interpreter;
use crate::workspace::Workspace;
use crate::{Outcome, shell};

const PACKAGES: [&str; 4] = ["inotify-tools", "redis-server", "valgrind", "python3-venv"];
/// The libraries; and `redis`, `mflog` and `opinionated_configparser`, which `directory_observer` needs, `hiredis`, which makes
/// it faster, and `pyasyncore`, which `pyinotify` needs since Python 3.12.
const MODULES: [&str; 8] = [
    "watchdog",
    "pyinotify",
    "watchfiles",
    "redis",
    "hiredis",
    "pyasyncore",
    "mflog",
    "opinionated_configparser",
];
const CRATES: [&str; 3] = ["notify-peer", "fan-peer", "hot-path"];

/// Installs all of it, as far as that is possible, and says what is missing.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let python = interpreter(workspace)?;
    let mut missing = Vec::new();
    if !packages()? {
        missing.push(format!("packages: apt-get install {}", PACKAGES.join(" ")));
    }
    let folder = workspace.target()?.join("bench-python");
    let made = python.is_file() || shell::passes(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    if !made || !shell::passes(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(MODULES))?
    {
        missing.push(format!("modules for {}: {}", python.display(), MODULES.join(" ")));
    }
    for name in CRATES {
        if super::peers::built(workspace, name)?.is_none() {
            missing.push(format!("bench/{name}: cargo build"));
        }
    }
    for line in &missing {
        println!("missing: {line}");
    }
    Ok(if missing.is_empty() { Outcome::Passed } else { Outcome::Failed })
}

/// Only those that are not there yet.
fn packages() -> anyhow::Result<bool> {
    let makes_environments = shell::works(Command::new("python3").args(["-c", "import venv, ensurepip"]));
    let is_missing = |package: &&&str| match **package {
        "python3-venv" => !makes_environments,
        package => !shell::works(Command::new("dpkg").args(["-s", package])),
    };
    let missing: Vec<&&str> = PACKAGES.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    // apt fetches as a user of its own, who cannot reach the network on every machine where root can.
    let mut command = Command::new("apt-get");
    command.args(["-o", "APT::Sandbox::User=root", "install", "-y", "--no-install-recommends"]).args(missing);
    shell::passes(&mut command)
}
