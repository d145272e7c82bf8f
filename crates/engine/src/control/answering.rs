//! What each request does.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ledger::{LedgerError, SinkId};
use model::{EventId, Stamp, State};
use serde_json::{Value, json};

use super::Host;
use super::wire::{Answer, Said, Talk};
use crate::engine::Engine;
use crate::explain::Explained;
use crate::listing::dead_value;

/// The command failed.
pub const EXIT_FAILED: u8 = 1;
/// The command was used wrongly.
pub const EXIT_USAGE: u8 = 2;
/// The daemon cannot be reached: it serves others.
pub(super) const EXIT_UNREACHED: u8 = 3;
/// Nothing was found.
pub const EXIT_NOTHING: u8 = 4;

/// A client may wait so long for something to happen in one request.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How often a waiting request looks.
const LOOK: Duration = Duration::from_millis(25);
/// How many events one request gives at most.
const MOST: usize = 1024;
/// Requests of those who follow what happens, here or at their own end, and come back when there is something.
const FOLLOWING: [&str; 3] = ["tail", "take", "notify"];

/// Why a request was not done.
enum Refused {
    /// The client is gone.
    Gone(io::Error),
    /// The request cannot be done; the code is the command's exit code.
    Failed(String, u8),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<LedgerError> for Refused {
    fn from(error: LedgerError) -> Self {
        Self::Failed(format!("failed to use the ledger: {error}"), EXIT_FAILED)
    }
}

impl From<ledger::Closed> for Refused {
    fn from(_: ledger::Closed) -> Self {
        Self::Failed("the daemon is stopping".into(), EXIT_FAILED)
    }
}

fn usage(text: impl Into<String>) -> Refused {
    Refused::Failed(text.into(), EXIT_USAGE)
}

fn nothing(text: impl Into<String>) -> Refused {
    Refused::Failed(text.into(), EXIT_NOTHING)
}

/// Answers a client until it goes.
pub(super) fn converse(connection: &UnixStream, engine: &Weak<Engine>, host: &dyn Host) -> io::Result<()> {
    connection.set_write_timeout(Some(LONGEST_WAIT))?;
    let Some(clock) = engine.upgrade().map(|engine| engine.clock) else { return Ok(()) };
    let mut talk = Talk::new(connection, clock);
    loop {
        let said = talk.request()?;
        let Some(engine) = engine.upgrade() else { return Ok(()) };
        let done = match said {
            Said::Request(request) => answer(&mut talk, &engine, host, &request),
            Said::Garbage(error) => Err(usage(error)),
            Said::TooLate(error) => return talk.close(&Answer::Failed { error, code: EXIT_FAILED }),
            Said::Gone => return Ok(()),
        };
        let closing = match done {
            Ok(value) => Answer::Done(value),
            Err(Refused::Failed(error, code)) => Answer::Failed { error, code },
            Err(Refused::Gone(error)) => return Err(error),
        };
        talk.close(&closing)?;
    }
}

fn answer(
    talk: &mut Talk<'_>,
    engine: &Arc<Engine>,
    host: &dyn Host,
    request: &Value,
) -> Result<Value, Refused> {
    let command = request["cmd"].as_str().unwrap_or_default();
    talk.may_rest |= FOLLOWING.contains(&command);
    match command {
        "ping" => Ok(json!({"version": env!("CARGO_PKG_VERSION"), "pid": std::process::id()})),
        "status" => status(engine, host),
        "ls" => ls(talk, engine, request),
        "explain" => explain(engine, request),
        "notify" => notify(engine, request),
        "tail" => tail(talk, engine, request),
        "take" => take(talk, engine, request),
        "ack" => ack(engine, request),
        "release" => release(engine, request),
        "dead" => dead(talk, engine, request),
        "dead-retry" => dead_act(engine, request, true),
        "dead-purge" => dead_act(engine, request, false),
        "rescan" => rescan(engine, request),
        "reload" => host.reload().map_err(|error| Refused::Failed(error, EXIT_USAGE)),
        "pause" => switch(engine, request, true),
        "resume" => switch(engine, request, false),
        other => Err(usage(format!("this daemon does not know the request \"{other}\""))),
    }
}

fn status(engine: &Engine, host: &dyn Host) -> Result<Value, Refused> {
    let mut status = engine.status()?;
    if let (Some(status), config @ Value::Object(_)) = (status.as_object_mut(), host.config()) {
        status.insert("config".into(), config);
    }
    Ok(status)
}

fn text<'a>(request: &'a Value, name: &str) -> Result<&'a str, Refused> {
    request[name].as_str().ok_or_else(|| usage(format!("the request lacks \"{name}\"")))
}

fn wait_of(request: &Value) -> Duration {
    Duration::from_millis(request["wait_ms"].as_u64().unwrap_or(0)).min(LONGEST_WAIT)
}

fn most_of(request: &Value) -> usize {
    request["max"].as_u64().map_or(MOST, |max| usize::try_from(max).unwrap_or(MOST).min(MOST))
}

/// Asks again until there is something or the time is up.
fn wait_for<T>(
    engine: &Engine,
    patience: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, Refused>,
) -> Result<Option<T>, Refused> {
    let until = engine.clock.mono() + patience;
    loop {
        if let Some(found) = ask()? {
            return Ok(Some(found));
        }
        if engine.clock.mono() >= until {
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

fn ls(talk: &mut Talk<'_>, engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let state = match request["state"].as_str() {
        None => None,
        Some(name) => Some(State::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
            usage(format!("there is no state \"{name}\"; there are {}", known.join(", ")))
        })?),
    };
    let mut count = 0u64;
    let mut gone = None;
    engine.units(state, &mut |unit| {
        count += 1;
        gone = talk.value(unit).err();
        gone.is_none()
    })?;
    match gone {
        Some(error) => Err(error.into()),
        None => Ok(json!({"count": count})),
    }
}

fn path_of(request: &Value) -> Result<PathBuf, Refused> {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = model::text::json_path(request, "path").ok_or_else(|| usage("the request lacks \"path\""))?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

fn explain(engine: &Engine, request: &Value) -> Result<Value, Refused> {
    match engine.explain(&path_of(request)?)? {
        Explained::Found(value) => Ok(json!({"found": true, "explain": value})),
        Explained::NeverSeen(value) => Ok(json!({"found": false, "explain": value})),
    }
}

/// A refused word is an answer, not a failed request: the client may have more to say.
fn notify(engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let notified = engine.notify(&path_of(request)?)?;
    Ok(json!({"exit": notified.outcome.exit(), "notified": notified.value}))
}

fn tail(talk: &mut Talk<'_>, engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let after = match request["after"].as_u64() {
        Some(after) => after,
        None => engine.ledger.end()?,
    };
    let found = wait_for(engine, wait_of(request), || {
        let fetch = engine.ledger.tail(after, most_of(request))?;
        Ok((fetch.scanned_to > after).then_some(fetch))
    })?;
    let Some(fetch) = found else { return Ok(json!({"after": after})) };
    for parcel in &fetch.parcels {
        talk.data(&parcel.event.line(parcel.attempt))?;
    }
    Ok(json!({"after": fetch.scanned_to}))
}

fn queue_of(engine: &Engine, request: &Value) -> Result<SinkId, Refused> {
    let state = engine.lock();
    let queues = || state.sinks.iter().filter(|sink| matches!(sink.plan.kind, config::SinkKind::Queue(_)));
    let names: Vec<&str> = queues().map(|sink| sink.plan.name.as_str()).collect();
    let found = match request["queue"].as_str() {
        Some(name) => queues().find(|sink| sink.plan.name == name),
        None if names.len() == 1 => queues().next(),
        None => None,
    };
    found.map(|sink| sink.id).ok_or_else(|| match (request["queue"].as_str(), names.len()) {
        (_, 0) => usage("no sink of type \"queue\" is configured"),
        (Some(name), _) => usage(format!("there is no queue \"{name}\"; there are {}", names.join(", "))),
        (None, _) => usage(format!("say which queue with --queue; there are {}", names.join(", "))),
    })
}

fn later(now: Stamp, seconds: f64) -> Stamp {
    Stamp::from_nanos(now.as_nanos().saturating_add((seconds * 1e9) as i64))
}

fn take(talk: &mut Talk<'_>, engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let queue = queue_of(engine, request)?;
    let lease = request["lease_s"].as_f64().unwrap_or(60.0);
    let taken = wait_for(engine, wait_of(request), || {
        let now = engine.clock.wall();
        let taken = engine.ledger.queue_take(queue, most_of(request), Some(later(now, lease)), now)?;
        Ok((!taken.is_empty()).then_some(taken))
    })?
    .unwrap_or_default();
    let mut ids = Vec::with_capacity(taken.len());
    for parcel in &taken {
        talk.data(&parcel.event.line(parcel.attempt))?;
        ids.push(Value::from(parcel.event.id.to_string()));
    }
    Ok(json!({"ids": ids}))
}

fn ids_of(request: &Value) -> Result<Vec<EventId>, Refused> {
    let listed = request["ids"].as_array().ok_or_else(|| usage("the request lacks \"ids\""))?;
    let read = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        EventId::from_hex(text).ok_or_else(|| usage(format!("\"{text}\" is no event id (32 hex digits)")))
    };
    listed.iter().map(read).collect()
}

fn ack(engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let queue = request["queue"].as_str().map(|_| queue_of(engine, request)).transpose()?;
    let ids = ids_of(request)?;
    let unknown = engine.ledger.queue_ack(queue, &ids, engine.clock.wall())?;
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    Ok(json!({"acked": ids.len() - unknown.len(), "unknown": unknown}))
}

/// Puts back what was taken and not written, so that the next reader gets it at once.
fn release(engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let queue = request["queue"].as_str().map(|_| queue_of(engine, request)).transpose()?;
    engine.ledger.queue_release(queue, &ids_of(request)?)?;
    Ok(json!({}))
}

fn dead(talk: &mut Talk<'_>, engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let whole = request["whole"].as_bool().unwrap_or(false);
    let wanted = request["ids"].is_array().then(|| ids_of(request)).transpose()?;
    let mut count = 0u64;
    for row in engine.ledger.dead(request["sink"].as_str())? {
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(&row.parcel.event.id)) {
            count += 1;
            talk.value(&dead_value(&row, whole))?;
        }
    }
    Ok(json!({"count": count}))
}

/// Retries or purges letters: those with the given ids, or all of a sink, or all.
fn dead_act(engine: &Engine, request: &Value, retry: bool) -> Result<Value, Refused> {
    let wanted = request["ids"].is_array().then(|| ids_of(request)).transpose()?;
    let mut by_sink: Vec<(String, Vec<u64>)> = Vec::new();
    for row in engine.ledger.dead(request["sink"].as_str())? {
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&row.parcel.event.id)) {
            continue;
        }
        match by_sink.iter_mut().find(|(name, _)| *name == row.sink) {
            Some((_, seqs)) => seqs.push(row.parcel.seq),
            None => by_sink.push((row.sink, vec![row.parcel.seq])),
        }
    }
    let mut count = 0;
    for (name, seqs) in by_sink {
        let id = engine.sink_id(&name).ok_or_else(|| {
            usage(format!("sink \"{name}\" is no longer configured; its letters are kept until it is"))
        })?;
        count += seqs.len();
        if retry {
            engine.ledger.dead_retry(id, &seqs, engine.clock.wall())?;
            if switch::is_off("letters-stay-until-delivered") {
                engine.ledger.dead_purge(id, &seqs)?;
            }
            engine.dispatch.wake(id);
        } else {
            engine.ledger.dead_purge(id, &seqs)?;
        }
    }
    if count == 0 && wanted.is_some() {
        return Err(nothing("no dead letter has that id"));
    }
    Ok(json!({"count": count}))
}

fn rescan(engine: &Engine, request: &Value) -> Result<Value, Refused> {
    let source = request["source"].as_str();
    if engine.rescan(source, LONGEST_WAIT) {
        return Ok(json!({}));
    }
    let names: Vec<String> = engine.lock().sources.iter().map(|source| source.plan.name.clone()).collect();
    let asked = source.unwrap_or_default();
    Err(usage(format!("there is no source \"{asked}\"; there are {}", names.join(", "))))
}

fn switch(engine: &Engine, request: &Value, pause: bool) -> Result<Value, Refused> {
    let name = text(request, "sink")?;
    let Some(id) = engine.sink_id(name) else {
        let names: Vec<String> = engine.lock().sinks.iter().map(|sink| sink.plan.name.clone()).collect();
        return Err(usage(format!("there is no sink \"{name}\"; there are {}", names.join(", "))));
    };
    if pause {
        engine.dispatch.pause(id);
    } else {
        engine.dispatch.resume(id);
    }
    Ok(json!({}))
}
