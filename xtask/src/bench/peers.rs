//! The programs that are compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::arguments::Arguments;
use super::workload::Workload;
use crate::shell;
use crate::workspace::Workspace;

/// What a peer is told for one run.
pub(crate) struct Place<'a> {
    /// The tree to watch.
    pub(crate) root: &'a Path,
    /// A folder for its own files.
    pub(crate) scratch: &'a Path,
    /// The port of the Redis server, in the workload that has one.
    pub(crate) port: u16,
}

/// The key of the Redis list.
pub(crate) const KEY: &str = "bench";

/// One program.
pub(crate) struct Peer {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Whether it fills a Redis list; else it prints to its standard output.
    pub(crate) redis: bool,
    /// Whether it says `ready` on standard error.
    pub(crate) says_ready: bool,
    /// Where it lies.
    program: PathBuf,
    command: fn(&Path, &Place<'_>) -> anyhow::Result<Command>,
}

impl Peer {
    /// Whether the workload is for it.
    pub(crate) fn takes(&self, workload: Workload) -> bool {
        self.redis == (workload == Workload::W6)
    }

    /// The command for one run.
    pub(crate) fn command(&self, place: &Place<'_>) -> anyhow::Result<Command> {
        (self.command)(&self.program, place)
    }
}

/// Every program that this machine has, ours and the raw ones built first.
pub(crate) fn available(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Vec<Peer>> {
    anyhow::ensure!(
        shell::passes(workspace.cargo().args(["build", "--release", "--package", "staithe"]))?,
        "our own program does not build"
    );
    let ours = workspace.target()?.join("release/staithe");
    let me = std::env::current_exe()?;
    let peer = |name, redis, says_ready, program: PathBuf, command| Peer {
        name,
        redis,
        says_ready,
        program,
        command,
    };
    let mut peers = vec![
        peer("ino-t", false, true, me.clone(), raw_reader),
        peer("staithe watch", false, true, ours.clone(), staithe_watch),
        peer("ino|rpush", true, true, me, raw_pair),
        peer("staithe run", true, true, ours, staithe_run),
    ];
    match shell::find("inotifywait") {
        Some(program) => peers.push(peer("inotifywait", false, false, program, inotifywait)),
        None => println!("inotifywait is not installed (package inotify-tools): left out"),
    }
    match notify_peer(workspace)? {
        Some(program) => peers.push(peer("notify", false, true, program, with_root)),
        None => println!("bench/notify-peer does not build here: left out"),
    }
    match std::env::var_os("STAITHE_BENCH_DIROBS") {
        Some(script) => {
            peers.push(peer("directory_observer", true, false, script.into(), directory_observer));
        }
        None => println!("STAITHE_BENCH_DIROBS is not set (path of directory_observer.py): left out"),
    }
    peers.retain(|peer| arguments.only.is_empty() || arguments.only.iter().any(|name| name == peer.name));
    anyhow::ensure!(!peers.is_empty(), "none of {:?} is here", arguments.only);
    Ok(peers)
}

/// Builds the crate `notify` as a program; it is no member of the workspace and has a lock file of its own.
fn notify_peer(workspace: &Workspace) -> anyhow::Result<Option<PathBuf>> {
    let target = workspace.target()?.join("notify-peer");
    let mut command = workspace.cargo();
    command
        .args(["build", "--release", "--manifest-path", "bench/notify-peer/Cargo.toml", "--target-dir"])
        .arg(&target);
    Ok(shell::passes(&mut command)?.then(|| target.join("release/notify-peer")))
}

#[expect(clippy::unnecessary_wraps, reason = "all peers share one signature")]
fn raw_reader(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command.args(["bench", "raw-reader"]).arg(place.root);
    Ok(command)
}

#[expect(clippy::unnecessary_wraps, reason = "all peers share one signature")]
fn raw_pair(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" bench raw-reader \"$1\" | \"$0\" bench raw-pusher \"$2\" \"$3\""]);
    command.arg(program).arg(place.root).arg(place.port.to_string()).arg(KEY);
    Ok(command)
}

#[expect(clippy::unnecessary_wraps, reason = "all peers share one signature")]
fn staithe_watch(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command.arg("watch").arg(place.root).arg("--json").env("STAITHE_STATE_DIR", place.scratch);
    Ok(command)
}

/// With the ledger, as a service.
fn staithe_run(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let config = place.scratch.join("staithe.toml");
    let text = format!(
        "[source.bench]\npath = \"{}\"\n\n[[source.bench.rule]]\nname = \"all\"\ninclude = [\"*\"]\n\
         complete = \"local\"\nto = [\"list\"]\n\n[sink.list]\ntype = \"redis-list\"\n\
         url = \"redis://127.0.0.1:{}/0\"\nkey = \"{KEY}\"\n",
        place.root.display(),
        place.port
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(program);
    command.arg("run").arg("-c").arg(config).arg("--state-dir").arg(place.scratch.join("state"));
    Ok(command)
}

#[expect(clippy::unnecessary_wraps, reason = "all peers share one signature")]
fn inotifywait(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command
        .args(["-m", "-r", "-q", "-e", "close_write", "-e", "moved_to", "--format", "%w%f"])
        .arg(place.root);
    Ok(command)
}

#[expect(clippy::unnecessary_wraps, reason = "all peers share one signature")]
fn with_root(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command.arg(place.root);
    Ok(command)
}

/// It watches single folders, so each gets a section; its interpreter is `STAITHE_BENCH_PYTHON` or `python3`.
fn directory_observer(program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
    let mut text = format!(
        "[common]\nactive = false\nforced_poll = 300\npoll_queue_limit = 10000\nmonitor_inactivitytimeout = 300\n\
         redis_server = 127.0.0.1\nredis_unix_socket = null\nredis_port = {}\ntimeout = 10\n",
        place.port
    );
    for (number, entry) in std::fs::read_dir(place.root)?.enumerate() {
        let folder = entry?.path();
        let section = format!(
            "\n[bench{number}:common]\nactive = true\ndirectory = {}\nqueue = {KEY}\n",
            folder.display()
        );
        text.push_str(&section);
    }
    let config = place.scratch.join("directory_observer.ini");
    std::fs::write(&config, text)?;
    let mut command =
        Command::new(std::env::var_os("STAITHE_BENCH_PYTHON").unwrap_or_else(|| "python3".into()));
    command.arg(program).arg("-c").arg(config);
    Ok(command)
}
