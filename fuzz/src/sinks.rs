//! The parts of the crate `sinks` that read what peers say, from their own files. The whole crate would bring the
//! clients of three protocols and their TLS along, and building them takes longer than the run.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "parts of a crate without the rest of it")]

#[path = "../../crates/sinks/src/sink.rs"]
pub(crate) mod sink;

#[path = "../../crates/sinks/src/peer.rs"]
pub(crate) mod peer;

#[path = "../../crates/sinks/src/plugin/wire.rs"]
pub(crate) mod wire;

/// What the files above want to know of TLS: how reading certificates fails.
pub(crate) mod tls {
    use std::path::PathBuf;

    #[derive(Debug)]
    pub(crate) enum TlsFault {
        File { path: PathBuf, what: String },
        NoAuthorities,
        Library(rustls::Error),
    }
}

pub(crate) mod dlm;
pub(crate) mod redis_list;
