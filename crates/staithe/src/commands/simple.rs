//! Commands that are one request.

use serde_json::{Value, json};

use crate::args::{Client, RescanArgs, SinkArgs};
use crate::client;
use crate::exit::Exit;

pub(crate) fn rescan(args: &RescanArgs) -> anyhow::Result<Exit> {
    client::call(&args.client, &json!({"cmd": "rescan", "source": args.source}))?;
    Ok(Exit::Done)
}

pub(crate) fn reload(args: &Client) -> anyhow::Result<Exit> {
    let done = client::call(args, &json!({"cmd": "reload"}))?;
    client::print_line(reloaded(&done).as_bytes())?;
    Ok(Exit::Done)
}

/// What a reload did, for people.
pub(crate) fn reloaded(done: &Value) -> String {
    let named = |what: &str| {
        let names = done[what].as_array()?.iter().filter_map(Value::as_str).collect::<Vec<_>>();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let parts: Vec<String> = ["added", "changed", "removed"].into_iter().filter_map(named).collect();
    if parts.is_empty() {
        return "reloaded; nothing that runs has changed".into();
    }
    format!("reloaded; {}", parts.join("; "))
}

pub(crate) fn switch(args: &SinkArgs, cmd: &str) -> anyhow::Result<Exit> {
    client::call(&args.client, &json!({"cmd": cmd, "sink": args.sink}))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_says_what_it_did() {
        let done = json!({"added": ["a", "b"], "changed": [], "removed": ["c"]});
        assert_eq!(reloaded(&done), "reloaded; added a, b; removed c");
        assert_eq!(reloaded(&json!({"added": []})), "reloaded; nothing that runs has changed");
    }
}
