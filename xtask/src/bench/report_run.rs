//! Programs that do their work by themselves and print what they found, as one line of JSON with the headings of figures
//! as keys.

use std::process::Stdio;

use anyhow::Context as _;
use testkit::redis::Redis;

use super::arguments::Arguments;
use super::figure::Figure;
use super::peers::{Peer, Place};
use super::sample::Sample;
use super::scratch::Scratch;
use super::tree::Tree;
use super::workload::Workload;

/// Goes through a tree.
pub(crate) fn on_tree(peer: &Peer, tree: &Tree, arguments: &Arguments) -> anyhow::Result<Sample> {
    let scratch = Scratch::new(arguments)?;
    run(peer, tree.workload, &Place { root: &tree.root, ..scratch.place(0) })
}

/// Pushes the disk or the server.
pub(crate) fn on_machine(peer: &Peer, workload: Workload, arguments: &Arguments) -> anyhow::Result<Sample> {
    let scratch = Scratch::new(arguments)?;
    let redis = (workload == Workload::Push).then(Redis::start);
    let port = redis.as_ref().map(Redis::port);
    run(peer, workload, &Place { port, ..scratch.place(arguments.files(workload)) })
}

fn run(peer: &Peer, workload: Workload, place: &Place<'_>) -> anyhow::Result<Sample> {
    let output = peer.command(place)?.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "it failed: {said}");
    let found: serde_json::Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("it printed no figures: {said}"))?;
    let mut sample = Sample::new(workload, peer.name);
    for (heading, value) in found.as_object().into_iter().flatten() {
        let figure = Figure::named(heading).with_context(|| format!("an unknown figure: {heading}"))?;
        sample = sample.with(figure, value.as_f64().context("a figure is a number")?);
    }
    Ok(sample)
}
