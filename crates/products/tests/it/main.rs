//! `products` from the outside: trees on a real file system, and requests against recordings.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod items;
mod wire;
