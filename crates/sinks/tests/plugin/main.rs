//! The `plugin` sink with real child processes, through the trait `Sink` and nothing else.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod deaths;
mod delivery;
mod examples;
mod floods;
mod limits;
mod old_plugins;
mod rate;
mod rig;
mod schema;
