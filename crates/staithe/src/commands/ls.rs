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
    let mut named = path(unit, "path");
    for note in notes(unit) {
        named = format!("{named}  {note}");
    }
    let reason = text(unit, "reason");
    let reason = if reason.is_empty() { String::new() } else { format!("  ({reason})") };
    format!("{}  {:<12}  {named}{reason}", paint(&padded, state_colour(&state), colour), text(unit, "source"))
}

/// What a state does not say: that it was no arrival, and that it was not the first.
fn notes(unit: &Value) -> impl Iterator<Item = String> {
    let told = unit["type"].as_str().filter(|told| !told.ends_with(".complete"));
    told.map(|told| show::happened(told).0).into_iter().chain(show::generation(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_first_arrival_says_so() {
        let of = |told: &str, generation: u32| {
            let unit = json!({"state": "delivered", "source": "s", "path": "a b", "type": told,
                "generation": generation, "reason": null});
            row(&unit, false)
        };
        let plain = "delivered   s             a b";
        assert_eq!(of("staithe.file.complete", 1), plain);
        assert_eq!(of("staithe.dataset.complete", 2), format!("{plain}  generation 2"));
        assert_eq!(of("staithe.dataset.incomplete", 1), format!("{plain}  incomplete"));
        assert_eq!(of("staithe.file.removed", 3), format!("{plain}  removed  generation 3"));
        let waiting = json!({"state": "waiting", "source": "s", "path": "x", "reason": "waiting.quiet"});
        assert_eq!(row(&waiting, false), "waiting     s             x  (waiting.quiet)");
    }
}
