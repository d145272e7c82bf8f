//! Talking to the daemon.

use std::io::{self, Write as _};

use engine::control::{Answer, Client as Connection};
use serde_json::Value;

use crate::args::Client;
use crate::exit::{Exit, failure};
use crate::places;

/// A connection to the daemon, or exit code 3.
pub(crate) fn connect(client: &Client) -> anyhow::Result<Connection> {
    let socket = places::socket(client.socket.as_deref(), &places::state_dir(client.state_dir.as_deref()));
    Connection::connect(&socket).map_err(|error| {
        failure(
            Exit::NoDaemon,
            format!(
                "no daemon answers on {} ({error}). Start one with `staithe run -c FILE`, or say where it is \
                 with --socket or --state-dir",
                socket.display()
            ),
        )
    })
}

/// Asks, and ends with the daemon's exit code if it refuses.
pub(crate) fn ask(
    connection: &mut Connection,
    request: &Value,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> anyhow::Result<Value> {
    let mut is_reader = false;
    let answer = connection.ask(request, &mut |line| each(line).inspect_err(|_| is_reader = true));
    let answer = answer.map_err(|error| match error.kind() {
        // Of the daemon's end. That a reader of ours went away is no failure, and must not be mistaken for it.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            if !is_reader =>
        {
            failure(Exit::NoDaemon, "the daemon went away in the middle of an answer")
        }
        _ => error.into(),
    })?;
    match answer {
        Answer::Done(value) => Ok(value),
        Answer::Failed { error, code } => Err(failure(Exit::from_code(code), error)),
    }
}

/// One request without data lines.
pub(crate) fn call(client: &Client, request: &Value) -> anyhow::Result<Value> {
    ask(&mut connect(client)?, request, &mut |_| Ok(()))
}

/// Writes one line to standard output; a reader that went away is an error of its own kind. Control
/// characters that JSON lets stand are escaped: the reader may be a terminal.
pub(crate) fn print_line(line: &[u8]) -> io::Result<()> {
    let safe = std::str::from_utf8(line).ok().filter(|text| text.chars().any(char::is_control));
    let escaped = safe.map(model::text::escape_json);
    let line = escaped.as_deref().map_or(line, str::as_bytes);
    let mut out = io::stdout().lock();
    out.write_all(line)?;
    out.write_all(b"\n")
}
