//! The configuration as its users meet it: text in, a plan or findings out.

mod brokers;
mod completeness;
mod dlm;
mod files;
mod generated;
mod hostile;
mod mistakes;
mod plugins;
mod round_trip;
mod settings;
mod streams;

use config::{ConfigError, Diagnostic, Loaded};

/// The environment of all tests.
fn env(name: &str) -> Option<String> {
    match name {
        "HOST" => Some("redis.example".into()),
        "SECRET" => Some("hunter2".into()),
        _ => None,
    }
}

fn load(text: &str) -> Result<Loaded, ConfigError> {
    config::parse_str("c.toml", text, &env)
}

#[track_caller]
fn good(text: &str) -> Loaded {
    load(text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn bad(text: &str) -> Vec<Diagnostic> {
    match load(text) {
        Err(ConfigError::Invalid(found)) => found,
        other => panic!("should be invalid: {other:?}\n{text}"),
    }
}

/// A good source to stand beside what is tested.
const SOURCE: &str = "[source.s]\npath = \"/data\"\n";
