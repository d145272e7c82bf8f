//! Commands that are one request.

use serde_json::json;

use crate::args::{Client, RescanArgs, SinkArgs};
use crate::client;
use crate::exit::Exit;

pub(crate) fn rescan(args: &RescanArgs) -> anyhow::Result<Exit> {
    client::call(&args.client, &json!({"cmd": "rescan", "source": args.source}))?;
    Ok(Exit::Done)
}

pub(crate) fn reload(args: &Client) -> anyhow::Result<Exit> {
    let done = client::call(args, &json!({"cmd": "reload"}))?;
    client::print_line(&serde_json::to_vec(&done)?)?;
    Ok(Exit::Done)
}

pub(crate) fn switch(args: &SinkArgs, cmd: &str) -> anyhow::Result<Exit> {
    client::call(&args.client, &json!({"cmd": cmd, "sink": args.sink}))?;
    Ok(Exit::Done)
}
