//! Data products: how long the drop-in for the SKA's directory watcher takes for a backlog, against the double of the
//! services with a fixed time for each answer.
//!
//! The original cannot be installed from the registries. Its pace is in the recordings, and beside them the same
//! program with `--dlm-strict`, which has the original's pauses and does one request at a time.

mod backlog;
mod run;
mod section;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use self::backlog::Backlog;
use super::arguments::Arguments;
use super::report;
use crate::workspace::Workspace;

/// One program with its share of the work.
pub(super) struct Peer {
    /// Its name in the table.
    pub(super) name: String,
    /// Where it lies.
    pub(super) program: PathBuf,
    /// Whether it is the stand-in for the original.
    pub(super) strict: bool,
    /// What it gets to do.
    pub(super) backlog: Backlog,
}

/// Measures, prints, and writes if that was asked for.
pub(super) fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let ours = arguments.program(workspace)?;
    let peers = peers(&ours, arguments);
    let mut samples = Vec::new();
    for round in 1..=arguments.runs {
        for peer in &peers {
            let sample = run::run(peer, &arguments.folder).with_context(|| peer.name.clone())?;
            println!("dlm run {round}: {sample}");
            samples.push(sample);
        }
    }
    let section = section::section(&samples, arguments.runs, &report::machine(arguments));
    println!("\n{section}");
    if arguments.write {
        report::write_products(workspace, &section)?;
    }
    Ok(())
}

fn peers(ours: &Path, arguments: &Arguments) -> Vec<Peer> {
    let whole = match arguments.only_files {
        Some(files) => Backlog { files, directories: 0, members: 0 },
        None => Backlog::whole(arguments.scale),
    };
    let peer = |name: &str, program: &Path, strict, backlog| Peer {
        name: name.to_owned(),
        program: program.to_owned(),
        strict,
        backlog,
    };
    let mut peers = vec![
        peer("staithe", ours, false, whole),
        peer("`--dlm-strict`: files", ours, true, Backlog::STRICT_FILES),
        peer("`--dlm-strict`: a directory", ours, true, Backlog::STRICT_DIRECTORY),
    ];
    if let Some(other) = &arguments.beside {
        peers.push(peer("the other build", other, false, whole));
    }
    peers.retain(|peer| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| peer.name.contains(name.as_str()))
    });
    peers
}
