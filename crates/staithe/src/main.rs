//! The `staithe` binary: parses, builds, calls, and ends with an exit code.

mod args;
mod client;
mod commands;
mod exit;
mod log;
mod names;
mod places;
mod show;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    match commands::dispatch(&words) {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error).into(),
    }
}
