//! Our own program, in the ways in which it is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{KEY, Peer, Place};

/// Prints whole events; remembers in memory.
pub(crate) const WATCH: &str = "staithe watch";
/// The same by one fanotify mark.
pub(crate) const WATCH_FANOTIFY: &str = "staithe watch, fanotify";
/// The same by polling each second.
pub(crate) const WATCH_POLL: &str = "staithe watch, poll";
/// As a service with its ledger, beside the tree.
pub(crate) const RUN: &str = "staithe run";
/// The same with its ledger on a disk and a flush for each commit.
pub(crate) const RUN_POWER: &str = "staithe run, power";
/// Polls, and looks at directories only.
pub(crate) const QUICK_PASS: &str = "staithe, quick pass";
/// Polls, and looks at every file.
pub(crate) const FULL_PASS: &str = "staithe, full pass";

/// All of them.
pub(super) fn peers(program: &Path) -> Vec<Peer> {
    let watch = |name, backend: Option<&'static str>| {
        let program = program.to_path_buf();
        Peer::new(name, move |place| Ok(watch(&program, place, backend)))
    };
    let run = |name, service: fn(&Place<'_>) -> Service| {
        let program = program.to_path_buf();
        Peer::new(name, move |place| service(place).command(&program, place))
    };
    vec![
        watch(WATCH, None),
        watch(WATCH_FANOTIFY, Some("fanotify")),
        watch(WATCH_POLL, Some("poll")).polling(),
        run(RUN, |place| Service::plain(place.scratch.join("state"))),
        run(RUN_POWER, |place| Service { durability: "power", ..Service::plain(place.disk.join("state")) }),
        // What the other kind of pass does is kept away by an hour between two.
        run(QUICK_PASS, |place| Service::polling(place, "1s", "1h")).polling(),
        run(FULL_PASS, |place| Service::polling(place, "1h", "2s")).polling(),
    ]
}

fn watch(program: &Path, place: &Place<'_>, backend: Option<&str>) -> Command {
    let mut command = Command::new(program);
    command.arg("watch").arg(place.root).arg("--json").env("STAITHE_STATE_DIR", place.scratch);
    command.args(backend.into_iter().flat_map(|backend| ["--backend", backend]));
    command
}

/// What stands in the configuration of one run, beside the tree and the sink.
struct Service {
    state: PathBuf,
    durability: &'static str,
    source: String,
}

impl Service {
    fn plain(state: PathBuf) -> Self {
        Self { state, durability: "process", source: String::new() }
    }

    fn polling(place: &Place<'_>, interval: &str, full: &str) -> Self {
        let source = format!(
            "backend = \"poll\"\npoll_interval = \"{interval}\"\npoll_full = \"{full}\"\nrescan = \"0\"\n\
             initial = \"adopt\"\n"
        );
        Self { source, ..Self::plain(place.scratch.join("state")) }
    }

    fn command(&self, program: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
        let sink = place.port.map_or_else(
            || "type = \"stdout\"\n".to_owned(),
            |port| format!("type = \"redis-list\"\nurl = \"redis://127.0.0.1:{port}/0\"\nkey = \"{KEY}\"\n"),
        );
        let text = format!(
            "durability = \"{}\"\n\n[source.bench]\npath = \"{}\"\n{}\n[[source.bench.rule]]\nname = \"all\"\n\
             include = [\"*\"]\ncomplete = \"local\"\nto = [\"out\"]\n\n[sink.out]\n{sink}",
            self.durability,
            place.root.display(),
            self.source
        );
        let config = place.scratch.join("staithe.toml");
        std::fs::write(&config, text)?;
        let mut command = Command::new(program);
        command.arg("run").arg("-c").arg(config).arg("--state-dir").arg(&self.state);
        Ok(command)
    }
}
