//! `staithe consume` and `staithe ack`: the embedded queue.

use std::io::{self, Write as _};

use serde_json::{Value, json};

use crate::args::{AckArgs, ConsumeArgs};
use crate::client;
use crate::exit::{Exit, failure};
use crate::log;

/// How many events are taken at a time.
const BATCH: u64 = 256;
/// While their lines are being written, events are leased for so long: a reader that dies in the
/// middle gets them again soon.
const WRITE_LEASE_S: f64 = 10.0;

pub(crate) fn run(args: &ConsumeArgs) -> anyhow::Result<Exit> {
    let mut connection = client::connect(&args.common.client)?;
    let mut left = args.max.unwrap_or(u64::MAX);
    let mut taken = 0u64;
    while left > 0 {
        let request = json!({
            "cmd": "take",
            "queue": args.queue,
            "max": left.min(BATCH),
            "lease_s": if args.no_ack { args.lease.as_secs_f64() } else { WRITE_LEASE_S },
            "wait_ms": if args.max.is_some() { 0 } else { 10_000 },
        });
        let mut lines = Vec::new();
        let done = client::ask(&mut connection, &request, &mut |line| {
            lines.push(line.to_vec());
            Ok(())
        })?;
        let ids = done["ids"].as_array().cloned().unwrap_or_default();
        if ids.is_empty() && args.max.is_some() {
            break;
        }
        print(args, &mut connection, &lines, &ids)?;
        taken += ids.len() as u64;
        left = left.saturating_sub(ids.len() as u64);
    }
    Ok(if taken == 0 && args.max.is_some_and(|max| max > 0) { Exit::Nothing } else { Exit::Done })
}

/// Writes the lines, and acknowledges those that standard output has taken.
fn print(
    args: &ConsumeArgs,
    connection: &mut engine::control::Client,
    lines: &[Vec<u8>],
    ids: &[Value],
) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut written = 0;
    let mut broken = Ok(());
    for line in lines {
        broken = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
        if broken.is_err() {
            break;
        }
        written += 1;
    }
    if !args.no_ack && written > 0 {
        let request = json!({"cmd": "ack", "queue": args.queue, "ids": &ids[..written]});
        client::ask(connection, &request, &mut |_| Ok(()))?;
    }
    if !args.no_ack && written < ids.len() {
        let request = json!({"cmd": "release", "queue": args.queue, "ids": &ids[written..]});
        client::ask(connection, &request, &mut |_| Ok(()))?;
    }
    Ok(broken?)
}

pub(crate) fn ack(args: &AckArgs) -> anyhow::Result<Exit> {
    let request = json!({"cmd": "ack", "queue": args.queue, "ids": args.ids});
    let done = client::call(&args.client, &request)?;
    let unknown: Vec<&str> =
        done["unknown"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if unknown.is_empty() {
        return Ok(Exit::Done);
    }
    for id in &unknown {
        log::warning(&format!("{id} is in no queue (it may have been acknowledged before)"));
    }
    Err(failure(Exit::Nothing, format!("{} of {} ids are in no queue", unknown.len(), args.ids.len())))
}
