//! `staithe store`: the state directory.

use std::path::Path;

use serde_json::json;

use super::run::saved;
use crate::args::{StoreArgs, StoreCommand};
use crate::client;
use crate::exit::{Exit, failure};
use crate::places;

pub(crate) fn run(command: &StoreCommand) -> anyhow::Result<Exit> {
    match command {
        StoreCommand::Check(args) => check(args),
        StoreCommand::Repair(args) => repair(args),
        StoreCommand::Export(args) => export(args),
    }
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    failure(Exit::Failed, format!("failed to use the ledger: {error}"))
}

fn say(args: &StoreArgs, value: &serde_json::Value, text: &str) -> anyhow::Result<()> {
    if args.json {
        client::print_line(&serde_json::to_vec(value)?)?;
    } else {
        client::print_line(text.as_bytes())?;
    }
    Ok(())
}

fn check(args: &StoreArgs) -> anyhow::Result<Exit> {
    let dir = places::state_dir(args.state_dir.as_deref());
    let report = ledger::check(&dir).map_err(failed)?;
    let good = report.damage.is_empty();
    let value = json!({"good": good, "damage": report.damage, "records": report.records});
    let text = if good {
        format!("{}: good, {} records", dir.display(), report.records)
    } else {
        let when = if report.is_heeded {
            "The next start puts the damaged files aside and keeps what can be read; `staithe store repair` does it now"
        } else {
            "`staithe store repair` puts the damaged files aside and keeps what can be read; stop the daemon first, and \
             run it as the user that owns the directory. A start after an orderly end may pass the damage over"
        };
        format!("{}: damaged: {}. {when}", dir.display(), report.damage.join("; "))
    };
    say(args, &value, &text)?;
    Ok(if good { Exit::Done } else { Exit::Failed })
}

fn repair(args: &StoreArgs) -> anyhow::Result<Exit> {
    let dir = places::state_dir(args.state_dir.as_deref());
    let report = ledger::repair(&dir).map_err(failed)?;
    let (value, text) = match &report.quarantined {
        None => (json!({"repaired": false}), format!("{}: nothing to repair", dir.display())),
        Some(damaged) => (
            json!({"repaired": true, "salvaged": damaged.salvaged, "lost": damaged.lost, "mended": damaged.mended,
                   "quarantine": damaged.dir.display().to_string()}),
            format!(
                "{}: {}; the damaged files are in {}",
                dir.display(),
                saved(damaged),
                damaged.dir.display()
            ),
        ),
    };
    say(args, &value, &text)?;
    Ok(Exit::Done)
}

fn export(args: &StoreArgs) -> anyhow::Result<Exit> {
    let dir: &Path = &places::state_dir(args.state_dir.as_deref());
    ledger::export(dir, &mut std::io::stdout().lock()).map_err(failed)?;
    Ok(Exit::Done)
}
