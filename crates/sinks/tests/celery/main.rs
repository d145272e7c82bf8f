//! The `celery` sink on real Redis servers, through the trait `Sink` and nothing else. Real workers take its messages in
//! `crates/staithe/tests/celery_workers`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod names;
mod redis;
mod results;
mod rig;
mod uids;
