//! What the kernel's interfaces can give: readers of our own that decide and remember nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{KEY, Peer, tools};
use crate::workspace::Workspace;

/// A recursive inotify reader with a thread that only drains the kernel's queue.
pub(crate) const INO: &str = "ino-t";
/// The same on one fanotify mark.
pub(crate) const FAN: &str = "fan-t";
/// `ino-t`, whose lines another process pushes into Redis.
pub(crate) const INO_PUSH: &str = "ino|rpush";
/// Lists every directory of a tree and looks at every entry.
pub(crate) const STAT: &str = "stat-1";
/// Looks at each directory that is known, and at nothing else.
pub(crate) const DIRECTORIES: &str = "dirs-1";

/// Those of them that can run here.
pub(super) fn peers(workspace: &Workspace, me: &Path) -> anyhow::Result<Vec<Peer>> {
    let mut peers = vec![
        own(INO, me, "raw-reader"),
        own(STAT, me, "scan-files").silent(),
        own(DIRECTORIES, me, "scan-folders").silent(),
        pair(me.to_path_buf()),
    ];
    match tools::built(workspace, "fan-peer")? {
        Some(program) => peers.push(Peer::new(FAN, move |place| Ok(tools::with_root(&program, place)))),
        None => println!("bench/fan-peer does not build here: left out"),
    }
    Ok(peers)
}

fn own(name: &'static str, me: &Path, word: &'static str) -> Peer {
    let me = me.to_path_buf();
    Peer::new(name, move |place| {
        let mut command = Command::new(&me);
        command.args(["bench", word]).arg(place.root);
        Ok(command)
    })
}

fn pair(me: PathBuf) -> Peer {
    Peer::new(INO_PUSH, move |place| {
        let mut command = Command::new("sh");
        command.args(["-c", "\"$0\" bench raw-reader \"$1\" | \"$0\" bench raw-pusher \"$2\" \"$3\""]);
        command.arg(&me).arg(place.root).arg(place.port.unwrap_or(0).to_string()).arg(KEY);
        Ok(command)
    })
}
