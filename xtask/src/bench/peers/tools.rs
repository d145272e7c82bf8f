//! Programs that others wrote, and the crate `notify` as a program.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, Place};
use crate::shell;
use crate::workspace::Workspace;

/// The tool of the package `inotify-tools`.
pub(crate) const INOTIFYWAIT: &str = "inotifywait";
/// The crate `notify`.
pub(crate) const NOTIFY: &str = "notify";
/// Its poller, each second.
pub(crate) const NOTIFY_POLL: &str = "notify, poll";

/// Those that are here.
pub(super) fn peers(workspace: &Workspace) -> anyhow::Result<Vec<Peer>> {
    let mut peers = Vec::new();
    match shell::find("inotifywait") {
        Some(program) => {
            peers.push(Peer::new(INOTIFYWAIT, move |place| Ok(inotifywait(&program, place))).silent());
        }
        None => println!("inotifywait is not installed (cargo xtask bench --install-peers): left out"),
    }
    match built(workspace, "notify-peer")? {
        Some(program) => {
            let same = program.clone();
            peers.push(Peer::new(NOTIFY, move |place| Ok(with_root(&program, place))));
            let polling = move |place: &Place<'_>| {
                let mut command = with_root(&same, place);
                command.args(["--poll", "1000"]);
                Ok(command)
            };
            peers.push(Peer::new(NOTIFY_POLL, polling).polling());
        }
        None => println!("bench/notify-peer does not build here: left out"),
    }
    Ok(peers)
}

/// Builds a small program below `bench`. It is no member of the workspace, so that what only the comparison needs is not
/// among the product's dependencies.
pub(crate) fn built(workspace: &Workspace, name: &str) -> anyhow::Result<Option<PathBuf>> {
    let target = workspace.target()?.join(name);
    let manifest = format!("bench/{name}/Cargo.toml");
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--manifest-path", &manifest, "--target-dir"]).arg(&target);
    Ok(shell::passes(&mut command)?.then(|| target.join("release").join(name)))
}

/// A program whose one argument is the tree.
pub(super) fn with_root(program: &Path, place: &Place<'_>) -> Command {
    let mut command = Command::new(program);
    command.arg(place.root);
    command
}

fn inotifywait(program: &Path, place: &Place<'_>) -> Command {
    let mut command = Command::new(program);
    command.args(["-m", "-r", "-q", "-e", "close_write", "-e", "moved_to", "--format", "%w%f"]);
    command.arg(place.root);
    command
}
