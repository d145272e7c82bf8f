//! `status`: how everything stands, on one screen and as JSON.

use std::time::Duration;

use dispatch::SinkState;
use ledger::{Counts, Health, LedgerError};
use model::State;
use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::standing::{MountRow, SourceRow, SourceState, StreamRow};

/// A source thread that has not come round for so long is stuck.
const STUCK_AFTER: Duration = Duration::from_mins(1);

/// The verdict over everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overall {
    /// All is well.
    Ok,
    /// Something needs an eye; nothing is lost.
    Degraded,
    /// Something does not move at all.
    Stuck,
}

impl Overall {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Overall::Ok => "ok",
            Overall::Degraded => "degraded",
            Overall::Stuck => "stuck",
        }
    }
}

impl Engine {
    /// The contract's `status --json`.
    pub fn status(&self) -> Result<Value, LedgerError> {
        let rows = self.source_rows();
        let mut overall = rows.iter().map(|source| self.source_verdict(source)).max().unwrap_or(Overall::Ok);
        let (sinks, worst) = self.sinks_status()?;
        overall = overall.max(worst);
        let health = self.ledger.health();
        if health != Health::Ok {
            overall = overall.max(Overall::Degraded);
        }
        let (ledger_state, ledger_error) = match health {
            Health::Ok => ("ok", Value::Null),
            Health::Degraded(error) => ("unwritable", error.into()),
            Health::Damaged(what) => ("damaged", LedgerError::Damaged(what).to_string().into()),
        };
        let sources: Vec<Value> = rows.iter().map(source_value).collect();
        Ok(json!({
            "state": overall.name(),
            "ready": self.is_ready(),
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "uptime_s": self.clock.mono().as_secs(),
            "counts": self.counts(&rows)?,
            "sources": sources,
            "sinks": sinks,
            "ledger_state": ledger_state,
            "ledger_error": ledger_error,
        }))
    }

    fn source_rows(&self) -> Vec<Row> {
        use std::os::unix::ffi::OsStrExt as _;
        let state = self.lock();
        let row = |source: &crate::engine::RunningSource| {
            let path = source.plan.path.as_os_str().as_bytes().to_vec();
            let (standing, stream) = (source.standing.row(), source.stream_row());
            Row { name: source.plan.name.clone(), path, standing, stream, looks: source.looks() }
        };
        state.sources.iter().map(row).collect()
    }

    fn source_verdict(&self, source: &Row) -> Overall {
        let stuck = |heartbeat: settle::Mono| self.clock.mono() > heartbeat + STUCK_AFTER;
        let Row { standing: row, stream, looks, .. } = source;
        // A thread that looks for files does not come back once it has failed; one that tells what happens does.
        if stuck(row.heartbeat) || (*looks && row.state == SourceState::Failed) {
            return Overall::Stuck;
        }
        let of_stream = stream.as_ref().map_or(Overall::Ok, |stream| {
            if stuck(stream.heartbeat) { Overall::Stuck } else { verdict(stream.state) }
        });
        verdict(row.state).max(of_stream)
    }

    /// Seen is by definition the sum of the others.
    fn counts(&self, rows: &[Row]) -> Result<Value, LedgerError> {
        let ledger: Counts = self.ledger.counts()?;
        let counted = |_: &&Row| !switch::is_off("count-what-is-ignored");
        let ignored: u64 = rows.iter().filter(counted).map(|source| source.standing.ignored).sum();
        let waiting: u64 = rows.iter().map(|source| source.standing.waiting).sum();
        let mut seen = 0;
        let mut counts = Map::new();
        for state in State::ALL {
            let count = ledger.get(state)
                + match state {
                    State::Ignored => ignored,
                    State::Waiting => waiting,
                    _ => 0,
                };
            if state != State::Seen {
                seen += count;
                counts.insert(state.name().into(), count.into());
            }
        }
        counts.insert(State::Seen.name().into(), seen.into());
        Ok(Value::Object(counts))
    }

    fn sinks_status(&self) -> Result<(Vec<Value>, Overall), LedgerError> {
        let sinks: Vec<(String, &'static str, ledger::SinkId)> = {
            let state = self.lock();
            state.sinks.iter().map(|sink| (sink.plan.name.clone(), sink.plan.kind.name(), sink.id)).collect()
        };
        let configured: Vec<ledger::SinkId> = sinks.iter().map(|(_, _, id)| *id).collect();
        let mut overall = Overall::Ok;
        let mut values = Vec::new();
        for (name, kind, id) in sinks {
            let counts = self.ledger.sink_counts(id)?;
            let status = self.dispatch.status(id);
            if status.state != SinkState::Ok {
                overall = overall.max(Overall::Degraded);
            }
            let now = self.clock.wall().as_nanos();
            let oldest =
                counts.oldest_admitted.map(|at| (now.saturating_sub(at.as_nanos())).max(0) / 1_000_000_000);
            values.push(json!({
                "name": name, "type": kind, "state": status.state.name(),
                "queued": counts.queued, "in_flight": status.in_flight, "delivered": counts.delivered,
                "retrying": counts.retrying, "dead": counts.dead, "oldest_s": oldest.unwrap_or(0),
                "last_error": status.last_error, "prepared": status.prepared,
                "following": self.ledger.pursuits_count(id)?,
            }));
        }
        for (name, waiting) in self.ledger.orphan_sinks(&configured)? {
            overall = overall.max(Overall::Degraded);
            values.push(json!({
                "name": name, "type": "unconfigured", "state": "failed", "queued": waiting, "in_flight": 0,
                "delivered": 0, "retrying": 0, "dead": 0, "oldest_s": 0,
                "last_error": "no longer configured, its events are kept; configure it again to deliver them",
            }));
        }
        Ok((values, overall))
    }
}

/// What is known of one source.
struct Row {
    name: String,
    path: Vec<u8>,
    standing: SourceRow,
    stream: Option<StreamRow>,
    /// Somebody looks for files there.
    looks: bool,
}

const fn verdict(state: SourceState) -> Overall {
    match state {
        SourceState::Ok | SourceState::Starting => Overall::Ok,
        SourceState::Degraded | SourceState::Absent | SourceState::Hidden | SourceState::Failed => {
            Overall::Degraded
        }
    }
}

fn source_value(Row { name, path, standing: row, stream, looks }: &Row) -> Value {
    let mut value = Map::new();
    value.insert("name".into(), name.as_str().into());
    model::text::insert_json_path(&mut value, "path", path);
    let filesystem = row.mounts.first().map_or("unknown", |root| root.filesystem.as_str());
    let rest = json!({
        "backend": row.backend, "filesystem": filesystem, "state": row.state.name(),
        "watches": row.watches, "unwatched": row.unwatched, "overflows": row.overflows,
        "gaps_open": row.gaps_open, "found_by_scan_only": row.found_by_scan_only,
        "last_scan": row.last_scan.map(|at| at.to_string()),
        "polled": row.polled, "stuck": row.stuck,
        "unmounted": row.unmounted.iter().map(|path| path_value(path)).collect::<Vec<_>>(),
        "unwatched_named": row.unwatched_named.iter().map(|path| path_value(path)).collect::<Vec<_>>(),
        "mounts": row.mounts.iter().map(mount_value).collect::<Vec<_>>(),
        "known": row.known, "waiting": row.waiting, "ignored": row.ignored, "unreadable": row.unreadable,
        "ready": row.ready,
        "scanning": row.progress.map(|(done, left)| json!({"directories_done": done, "directories_left": left})),
    });
    if let Value::Object(rest) = rest {
        value.extend(rest);
    }
    if let Some(stream) = stream {
        value.insert("stream".into(), stream_value(stream));
        value.insert("arrivals".into(), (*looks).into());
    }
    Value::Object(value)
}

fn stream_value(row: &StreamRow) -> Value {
    json!({
        "state": row.state.name(), "backend": row.backend, "watches": row.watches, "polled": row.polled,
        "unwatched": row.unwatched, "overflows": row.overflows, "told": row.told, "ready": row.ready,
        "unwatched_named": row.unwatched_named.iter().map(|path| path_value(path)).collect::<Vec<_>>(),
        "last_error": row.error,
    })
}

fn path_value(path: &[u8]) -> Value {
    let mut value = Map::new();
    model::text::insert_json_path(&mut value, "path", path);
    Value::Object(value)
}

fn mount_value(mount: &MountRow) -> Value {
    let mut value = Map::new();
    model::text::insert_json_path(&mut value, "path", &mount.point);
    value.insert("filesystem".into(), mount.filesystem.as_str().into());
    value.insert("backend".into(), mount.backend.into());
    value.insert("why".into(), mount.why.as_deref().into());
    Value::Object(value)
}
