//! The Python libraries, each in a small program below `bench/python`, and the observer of the `MetWork` framework.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{KEY, Peer, Place, interpreter};
use crate::shell;
use crate::workspace::Workspace;

/// `watchdog`, the usual library.
pub(crate) const WATCHDOG: &str = "watchdog";
/// Its poller, each second.
pub(crate) const WATCHDOG_POLL: &str = "watchdog, poll";
/// Two of its snapshots and their difference.
pub(crate) const WATCHDOG_SNAPSHOT: &str = "watchdog snapshot";
/// `pyinotify`, which the observer is built on.
pub(crate) const PYINOTIFY: &str = "pyinotify";
/// `watchfiles`: Python over the crate `notify`.
pub(crate) const WATCHFILES: &str = "watchfiles";
/// `directory_observer` itself.
pub(crate) const OBSERVER: &str = "directory_observer";
/// What `directory_observer` does for each event, written after its description.
pub(crate) const STAND_IN: &str = "observer stand-in";

/// Those whose modules are here.
pub(super) fn peers(workspace: &Workspace) -> anyhow::Result<Vec<Peer>> {
    let python = interpreter(workspace)?;
    if !shell::works(Command::new(&python).args(["-c", "import watchdog, pyinotify, watchfiles, redis"])) {
        println!("{} lacks the peers (cargo xtask bench --install-peers): left out", python.display());
        return Ok(Vec::new());
    }
    let folder = workspace.root.join("bench/python");
    let script = |name, file: &str, words: &'static [&'static str]| {
        let (python, file) = (python.clone(), folder.join(file));
        Peer::new(name, move |place| {
            let mut command = Command::new(&python);
            command.arg(&file).arg(place.root).args(words);
            Ok(command)
        })
    };
    let mut peers = vec![
        script(WATCHDOG, "watchdog_lines.py", &[]),
        script(WATCHDOG_POLL, "watchdog_lines.py", &["poll"]).polling(),
        script(WATCHDOG_SNAPSHOT, "watchdog_snapshot.py", &[]).silent(),
        script(PYINOTIFY, "pyinotify_lines.py", &[]),
        script(WATCHFILES, "watchfiles_lines.py", &[]),
        observer(STAND_IN, python.clone(), folder.join("observer_stand_in.py")).silent(),
    ];
    match original(workspace)? {
        Some(program) => peers.push(observer(OBSERVER, python, program).silent()),
        None => println!("directory_observer.py is not here (STAITHE_BENCH_DIROBS): its stand-in runs"),
    }
    Ok(peers)
}

/// No registry has it: its path is told, or it was put where git does not see it.
fn original(workspace: &Workspace) -> anyhow::Result<Option<PathBuf>> {
    let put = workspace.target()?.join("bench-original/directory_observer.py");
    let told = std::env::var_os("STAITHE_BENCH_DIROBS").map(PathBuf::from);
    Ok(told.or_else(|| put.is_file().then_some(put)))
}

/// It watches single folders, so each gets a section.
fn observer(name: &'static str, python: PathBuf, program: PathBuf) -> Peer {
    Peer::new(name, move |place| {
        let config = place.scratch.join("directory_observer.ini");
        std::fs::write(&config, sections(place)?)?;
        Ok(started(&python, &program, &config))
    })
}

fn started(python: &Path, program: &Path, config: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(program).arg("-c").arg(config);
    command
}

fn sections(place: &Place<'_>) -> anyhow::Result<String> {
    let mut text = format!(
        "[common]\nactive = false\nforced_poll = 300\npoll_queue_limit = 10000\nmonitor_inactivitytimeout = 300\n\
         redis_server = 127.0.0.1\nredis_unix_socket = null\nredis_port = {}\ntimeout = 10\n",
        place.port.unwrap_or(0)
    );
    for (number, entry) in std::fs::read_dir(place.root)?.enumerate() {
        let folder = entry?.path();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[bench{number}]\nactive = true\ndirectory = {}\nqueue = {KEY}\n",
            folder.display()
        );
    }
    Ok(text)
}
