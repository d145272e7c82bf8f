//! `staithe store export`: every record as a JSON line.

use std::io::Write;
use std::path::Path;

use model::text::insert_json_path;
use serde_json::{Map, Value, json};

use crate::durable::Durable;
use crate::entry::Moment;
use crate::error::{LedgerError, OpenError};
use crate::options::{Durability, Options};
use crate::record::Record;

/// Why an export ended.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger cannot be read, or the lines cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Writes every record of the ledger in `state_dir`, oldest first. No other process may hold it.
pub fn export(state_dir: &Path, out: &mut dyn Write) -> Result<(), ExportError> {
    let options = Options {
        state_dir: Some(state_dir.into()),
        site: String::new(),
        durability: Durability::Process,
        owner: "staithe store export".into(),
    };
    let (ledger, _) = Durable::open(&options, state_dir)?;
    let mut broken = None;
    ledger.each_record(None, &mut |record| {
        let line = serde_json::to_vec(&value(&record)).unwrap_or_default();
        broken = out.write_all(&line).and_then(|()| out.write_all(b"\n")).err();
        broken.is_none()
    })?;
    match broken {
        Some(error) => Err(LedgerError::Export(error).into()),
        None => Ok(()),
    }
}

fn value(record: &Record) -> Value {
    let mut value = Map::new();
    insert_json_path(&mut value, "path", &record.path);
    let print = record.fingerprint;
    let sinks = record.sinks.iter().map(|sink| {
        json!({"name": sink.name, "state": sink.state.name(), "attempts": sink.attempts,
               "last_error": sink.last_error, "delivered_at": sink.delivered_at.map(|at| at.to_string()),
               "history": sink.history.iter().map(moment).collect::<Vec<_>>()})
    });
    let rest = json!({
        "seq": record.seq, "source": record.source_name, "id": record.id.to_string(), "kind": record.kind.name(),
        "size": print.size, "mtime": print.mtime.to_string(), "inode": print.inode,
        "generation": record.generation, "supersedes": record.supersedes.map(|id| id.to_string()),
        "state": record.state.name(), "rule": record.rule,
        "signals": record.signals.iter().map(model::Signal::name).collect::<Vec<_>>(),
        "waited_ms": record.waited_ms, "first_seen": record.first_seen.to_string(),
        "admitted": record.admitted.to_string(), "absent": record.absent, "sinks": sinks.collect::<Vec<_>>(),
    });
    if let Value::Object(rest) = rest {
        value.extend(rest);
    }
    if let Some(count) = record.members_count {
        value.insert("members".into(), count.into());
    }
    Value::Object(value)
}

fn moment(moment: &Moment) -> Value {
    json!({"time": moment.time.to_string(), "what": moment.what})
}
