//! `staithe status`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::args::ClientJson;
use crate::client;
use crate::exit::Exit;
use crate::show::{self, age, number, paint, path, state_colour, text};

pub(crate) fn run(args: &ClientJson) -> anyhow::Result<Exit> {
    let status = client::call(&args.client, &json!({"cmd": "status"}))?;
    if args.json {
        client::print_line(&serde_json::to_vec(&status)?)?;
    } else {
        client::print_line(screen(&status).trim_end().as_bytes())?;
    }
    Ok(if status["state"] == "ok" { Exit::Done } else { Exit::Degraded })
}

fn screen(status: &Value) -> String {
    let colour = show::colour();
    let state = text(status, "state");
    let ready = if status["ready"] == true { "ready" } else { "first scan under way" };
    let up = age(status["uptime_s"].as_u64().unwrap_or(0));
    let mut out = format!(
        "{} staithe {}, {}, {ready}, up {up}\n\n",
        paint("●", state_colour(&state), colour),
        text(status, "version"),
        paint(&state.to_uppercase(), state_colour(&state), colour),
    );
    out.push_str(&sources(status));
    status["sources"].as_array().into_iter().flatten().for_each(|source| remarks(&mut out, source));
    out.push('\n');
    out.push_str(&sinks(status));
    out.push('\n');
    out.push_str(&counts(status));
    if let Some(error) = status["ledger_error"].as_str() {
        let _ = writeln!(out, "! the ledger cannot be written: {error}; intake is paused, nothing is lost");
    }
    for sink in status["sinks"].as_array().into_iter().flatten() {
        if let Some(error) = sink["last_error"].as_str() {
            let name = text(sink, "name");
            let queued = number(sink, "queued");
            let error = model::text::safe(error.as_bytes());
            let _ = writeln!(out, "! sink {name}: {error}; {queued} events are kept in the ledger");
        }
    }
    out
}

fn sources(status: &Value) -> String {
    let head = ["SOURCE", "STATE", "FS", "MODE", "WATCHES", "WAITING", "GAPS", "LAST SCAN", "PATH"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for source in status["sources"].as_array().into_iter().flatten() {
        rows.push(vec![
            text(source, "name"),
            text(source, "state"),
            text(source, "filesystem"),
            text(source, "backend"),
            number(source, "watches"),
            number(source, "waiting"),
            number(source, "gaps_open"),
            text(source, "last_scan").get(..19).unwrap_or("-").to_owned(),
            path(source, "path"),
        ]);
    }
    show::table(&rows)
}

/// What of a source is not as it should be, and why something is polled.
fn remarks(out: &mut String, source: &Value) {
    let name = text(source, "name");
    for mount in source["mounts"].as_array().into_iter().flatten() {
        let Some(why) = mount["why"].as_str() else { continue };
        let at = match path(mount, "path") {
            at if at.is_empty() => name.clone(),
            at => format!("{name}/{at}"),
        };
        let (filesystem, backend) = (text(mount, "filesystem"), text(mount, "backend"));
        let why = model::text::safe(why.as_bytes());
        let _ = writeln!(out, "  {at} ({filesystem}) is noticed by {backend}: {why}");
    }
    let count = |field: &str| source[field].as_u64().unwrap_or(0);
    if count("unwatched") > 0 {
        let named = source["unwatched_named"].as_array().into_iter().flatten();
        let named: Vec<String> = named.take(3).map(|entry| path(entry, "path")).collect();
        let _ = writeln!(
            out,
            "! {name}: {} directories cannot be watched and are polled (first: {}); `staithe doctor` has the fix",
            count("unwatched"),
            named.join(", ")
        );
    }
    if count("unreadable") > 0 {
        let _ = writeln!(out, "! {name}: {} directories cannot be read, see the log", count("unreadable"));
    }
    if count("stuck") > 0 {
        let _ = writeln!(out, "! {name}: {} directories do not answer; is their server up?", count("stuck"));
    }
    if source["state"] == "hidden" {
        let _ = writeln!(
            out,
            "! {name}: its directory is empty and not the one before; is a file system not mounted?"
        );
    }
}

fn sinks(status: &Value) -> String {
    let head = ["SINK", "TYPE", "STATE", "QUEUED", "IN FLIGHT", "DELIVERED", "DEAD", "OLDEST"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for sink in status["sinks"].as_array().into_iter().flatten() {
        rows.push(vec![
            text(sink, "name"),
            text(sink, "type"),
            text(sink, "state"),
            number(sink, "queued"),
            number(sink, "in_flight"),
            number(sink, "delivered"),
            number(sink, "dead"),
            age(sink["oldest_s"].as_u64().unwrap_or(0)),
        ]);
    }
    show::table(&rows)
}

fn counts(status: &Value) -> String {
    let mut parts = Vec::new();
    for state in model::State::ALL {
        let count = status["counts"][state.name()].as_u64().unwrap_or(0);
        if count > 0 || state == model::State::Seen {
            parts.push(format!("{} {count}", state.name()));
        }
    }
    format!("{}\n", parts.join(" · "))
}
