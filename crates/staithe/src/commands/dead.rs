//! `staithe dead`: what sinks refused for good.

use serde_json::{Value, json};

use crate::args::{DeadArgs, DeadCommand};
use crate::client;
use crate::exit::{Exit, failure};
use crate::show::{number, path, text};

pub(crate) fn run(command: &DeadCommand) -> anyhow::Result<Exit> {
    match command {
        DeadCommand::List(args) => list(args, false),
        DeadCommand::Show(args) => list(args, true),
        DeadCommand::Retry(args) => act(args, "dead-retry", "offered again"),
        DeadCommand::Purge(args) if args.which.ids.is_empty() && !args.all => {
            Err(failure(Exit::Usage, "purging removes letters for good: name their ids, or say --all"))
        }
        DeadCommand::Purge(args) => act(&args.which, "dead-purge", "removed"),
    }
}

fn request(args: &DeadArgs, cmd: &str, whole: bool) -> Value {
    let ids = if args.ids.is_empty() { Value::Null } else { json!(args.ids) };
    json!({"cmd": cmd, "sink": args.sink, "ids": ids, "whole": whole})
}

fn list(args: &DeadArgs, whole: bool) -> anyhow::Result<Exit> {
    let mut connection = client::connect(&args.common.client)?;
    client::ask(&mut connection, &request(args, "dead", whole), &mut |line| {
        if args.common.json || whole {
            return client::print_line(line);
        }
        let letter: Value = serde_json::from_slice(line)?;
        let shown = format!(
            "{}  {}  {}  {} attempt{}  {}",
            text(&letter, "id"),
            text(&letter, "sink"),
            path(&letter, "path"),
            number(&letter, "attempts"),
            if letter["attempts"] == 1 { "" } else { "s" },
            text(&letter, "error")
        );
        client::print_line(shown.as_bytes())
    })?;
    Ok(Exit::Done)
}

fn act(args: &DeadArgs, cmd: &str, what: &str) -> anyhow::Result<Exit> {
    let done = client::call(&args.common.client, &request(args, cmd, false))?;
    if args.common.json {
        client::print_line(&serde_json::to_vec(&done)?)?;
    } else {
        let letters = if done["count"] == 1 { "letter" } else { "letters" };
        client::print_line(format!("{} {letters} {what}", done["count"]).as_bytes())?;
    }
    Ok(Exit::Done)
}
