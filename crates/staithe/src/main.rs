//! The `staithe` binary: parses, builds, calls, and ends with an exit code.

mod args;
mod client;
mod commands;
mod daemon;
mod exit;
mod holder;
mod log;
mod names;
mod places;
mod show;
mod signals;
mod supervision;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let done = daemon::begin(words).map_err(Into::into).and_then(|words| commands::dispatch(&words));
    let exit = match &done {
        Ok(exit) => *exit,
        Err(error) => exit::report(error),
    };
    daemon::ended(exit, &done.err().map_or_else(String::new, |error| exit::text(&error)));
    exit.into()
}
