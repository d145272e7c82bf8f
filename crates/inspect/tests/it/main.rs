//! Trees, manifests, metadata and headers on a real file system.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test; clippy knows that of functions marked as tests only"
)]

mod dice;
mod headers;
mod manifests;
mod metadata;
mod surveys;
mod tree;
mod whole;
