//! `staithe tail`: live events.

use serde_json::{Value, json};

use crate::args::ClientJson;
use crate::client;
use crate::exit::Exit;
use crate::show;

pub(crate) fn run(args: &ClientJson) -> anyhow::Result<Exit> {
    let mut connection = client::connect(&args.client)?;
    let mut after = Value::Null;
    let colour = show::colour();
    loop {
        let request = json!({"cmd": "tail", "after": after, "wait_ms": 10_000});
        let done = client::ask(&mut connection, &request, &mut |line| {
            if args.json {
                return client::print_line(line);
            }
            let event: Value = serde_json::from_slice(line)?;
            client::print_line(row(&event, colour).as_bytes())
        })?;
        after = done["after"].clone();
    }
}

fn row(event: &Value, colour: bool) -> String {
    let data = &event["data"];
    let signals: Vec<&str> =
        data["complete"]["signals"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    format!(
        "{}  {}  {}  {}  ({})",
        show::text(event, "time").get(11..19).unwrap_or_default(),
        show::paint("complete", "32", colour),
        show::path(data, "path"),
        show::size(data["size"].as_u64().unwrap_or(0)),
        signals.join(", ")
    )
}
