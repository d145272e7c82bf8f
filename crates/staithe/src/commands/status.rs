//! `staithe status`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::args::StatusArgs;
use crate::client;
use crate::exit::Exit;
use crate::holder::Asked;
use crate::show::{self, age, number, paint, path, state_colour, text};

pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let asked = Asked::for_holder_of(args.pid_file.as_deref(), &args.common.client)?;
    let args = &args.common;
    let status = client::call(&asked.client, &json!({"cmd": "status"}))?;
    asked.answered_by(&status)?;
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
        "{} staithe {}, {}, {ready}, process {}, up {up}\n\n",
        paint("●", state_colour(&state), colour),
        text(status, "version"),
        paint(&state.to_uppercase(), state_colour(&state), colour),
        number(status, "pid"),
    );
    out.push_str(&sources(status));
    status["sources"].as_array().into_iter().flatten().for_each(|source| remarks(&mut out, source));
    out.push('\n');
    out.push_str(&sinks(status));
    out.push('\n');
    out.push_str(&counts(status));
    if let Some(error) = status["ledger_error"].as_str() {
        let _ = if status["ledger_state"] == "damaged" {
            writeln!(out, "! {error}")
        } else {
            writeln!(out, "! the ledger cannot be written: {error}; intake is paused, nothing is lost")
        };
    }
    if let Some(error) = status["config"]["last_error"].as_str() {
        // Each line of the diagnosis on a line of its own.
        let error: Vec<String> = error.lines().map(|line| model::text::safe(line.as_bytes())).collect();
        let _ = writeln!(out, "! {}", error.join("\n  "));
    }
    for sink in status["sinks"].as_array().into_iter().flatten() {
        if let Some(error) = sink["last_error"].as_str() {
            let name = text(sink, "name");
            let queued = number(sink, "queued");
            let error = model::text::safe(error.as_bytes());
            let _ = writeln!(out, "! sink {name}: {error}; {queued} events are kept in the ledger");
        }
        if let Some(refused @ 1..) = sink["retrying"].as_u64() {
            let name = text(sink, "name");
            let _ = writeln!(
                out,
                "! sink {name}: it has refused {refused} events for now; they are offered again (why: staithe ls --state retrying, staithe explain PATH)"
            );
        }
    }
    out
}

fn sources(status: &Value) -> String {
    let head = ["SOURCE", "STATE", "FS", "MODE", "WATCHES", "POLLED", "WAITING", "GAPS", "LAST SCAN", "PATH"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for source in status["sources"].as_array().into_iter().flatten() {
        rows.push(vec![
            text(source, "name"),
            text(source, "state"),
            noticed(source, "filesystem"),
            noticed(source, "backend"),
            number(source, "watches"),
            number(source, "polled"),
            number(source, "waiting"),
            number(source, "gaps_open"),
            text(source, "last_scan").get(..19).map_or_else(|| "-".to_owned(), |time| format!("{time}Z")),
            path(source, "path"),
        ]);
    }
    show::table(&rows)
}

/// A field that says how the tree is noticed: nothing while there is none.
fn noticed(source: &Value, field: &str) -> String {
    let there = source["mounts"].as_array().is_some_and(|mounts| !mounts.is_empty());
    if there && source["state"] != "absent" { text(source, field) } else { "-".to_owned() }
}

/// What of a source is not as it should be, and why something is polled.
fn remarks(out: &mut String, source: &Value) {
    let name = text(source, "name");
    // Of a directory that is not there the last answer is no longer true.
    let mounts = source["mounts"].as_array().filter(|_| source["state"] != "absent");
    for mount in mounts.into_iter().flatten() {
        let Some(why) = mount["why"].as_str() else { continue };
        let at = match path(mount, "path") {
            at if at.is_empty() => name.clone(),
            at => format!("{name}/{at}"),
        };
        let (filesystem, backend) = (text(mount, "filesystem"), text(mount, "backend"));
        let why = model::text::safe(why.as_bytes());
        let _ = writeln!(out, "  {at} ({filesystem}) is noticed by {backend}: {why}");
    }
    if let Some(trouble) = state_remark(&text(source, "state")) {
        let _ = writeln!(out, "! {name}: {trouble}");
    }
    count_remarks(out, &name, source);
}

/// What a state of the whole source means.
fn state_remark(state: &str) -> Option<&'static str> {
    match state {
        "absent" => Some(
            "its directory is not there or cannot be opened; nothing is taken as removed, and it is caught up with \
             when it is there",
        ),
        "hidden" => Some(
            "its directory is empty and not the one before; is a file system not mounted? If it is meant to be so, \
             nothing is to be done: what comes arrives",
        ),
        "failed" => {
            Some("its thread has ended by a mistake of the program; restart it, nothing is lost by that")
        }
        _ => None,
    }
}

fn count_remarks(out: &mut String, name: &str, source: &Value) {
    let count = |field: &str| source[field].as_u64().unwrap_or(0);
    if count("gaps_open") > 0 {
        let _ = writeln!(out, "! {name}: the kernel dropped events; the tree is compared, nothing is lost");
    }
    if count("unwatched") > 0 {
        let _ = writeln!(
            out,
            "! {name}: {} directories cannot be watched and are polled (first: {}); `staithe doctor -c FILE` has the fix",
            count("unwatched"),
            first_few(&source["unwatched_named"])
        );
    }
    if count("unreadable") > 0 {
        let _ = writeln!(
            out,
            "! {name}: {} directories cannot be read; `staithe doctor -c FILE` names them",
            count("unreadable")
        );
    }
    if count("stuck") > 0 {
        let _ = writeln!(out, "! {name}: {} directories do not answer; is their server up?", count("stuck"));
    }
    let unmounted = first_few(&source["unmounted"]);
    if !unmounted.is_empty() {
        let _ = writeln!(
            out,
            "! {name}: nothing is mounted any more at {unmounted}; what is known there counts as there until it is \
             mounted again; if it is gone for good, restart staithe"
        );
    }
    if count("found_by_scan_only") > 0 {
        let _ = writeln!(
            out,
            "  {name}: {} files were found by comparing only, no event told of them",
            count("found_by_scan_only")
        );
    }
}

fn first_few(named: &Value) -> String {
    let named = named.as_array().into_iter().flatten();
    named.take(3).map(|entry| path(entry, "path")).collect::<Vec<_>>().join(", ")
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
    show::table(&rows) + &sink_notes(status)
}

/// What a table has no room for.
fn sink_notes(status: &Value) -> String {
    let mut out = String::new();
    for sink in status["sinks"].as_array().into_iter().flatten() {
        let (name, following) = (text(sink, "name"), sink["following"].as_u64().unwrap_or(0));
        if sink["prepared"] == false && sink["type"] == "dlm" {
            let _ = writeln!(out, "  {name}: not prepared: its start-up requests have not gone through yet");
        }
        if following > 0 {
            let _ = writeln!(out, "  {name}: follows {following} deliveries whose outcome is not known yet");
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_damage_nothing_is_said_that_is_true_of_a_full_disk_alone() {
        let full = screen(&json!({"ledger_state": "unwritable", "ledger_error": "disk is full"}));
        assert!(
            full.contains(
                "! the ledger cannot be written: disk is full; intake is paused, nothing is lost\n"
            )
        );
        let damaged =
            screen(&json!({"ledger_state": "damaged", "ledger_error": "the ledger is damaged (event 7)"}));
        assert!(
            damaged.contains("! the ledger is damaged (event 7)\n") && !damaged.contains("paused"),
            "{damaged}"
        );
    }
}
