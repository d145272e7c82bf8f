//! `staithe ls`.

use serde_json::{Value, json};

use crate::args::LsArgs;
use crate::client;
use crate::exit::Exit;
use crate::show::{self, paint, path, state_colour, text};

pub(crate) fn run(args: &LsArgs) -> anyhow::Result<Exit> {
    let mut connection = client::connect(&args.common.client)?;
    let request = json!({"cmd": "ls", "state": args.state});
    let colour = show::colour();
    client::ask(&mut connection, &request, &mut |line| {
        if args.common.json {
            return client::print_line(line);
        }
        let unit: Value = serde_json::from_slice(line)?;
        client::print_line(row(&unit, colour).as_bytes())
    })?;
    Ok(Exit::Done)
}

fn row(unit: &Value, colour: bool) -> String {
    let state = text(unit, "state");
    let padded = format!("{state:<10}");
    let reason = text(unit, "reason");
    let reason = if reason.is_empty() { String::new() } else { format!("  ({reason})") };
    format!(
        "{}  {:<12}  {}{reason}",
        paint(&padded, state_colour(&state), colour),
        text(unit, "source"),
        path(unit, "path")
    )
}
