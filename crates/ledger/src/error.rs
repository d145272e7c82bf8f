//! What can go wrong, by what happens next.

use std::io;
use std::path::PathBuf;

use crate::options::{RouteId, SinkId, SourceId};

/// The ledger was closed; nothing more is taken or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is closed")]
pub struct Closed;

/// Why a ledger could not be opened. Damage is no reason: it is put into quarantine.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the state directory {} is in use by pid {pid} ({owner}); nothing was touched. \
         Ask that process with `staithe status`, or give this one its own --state-dir", .dir.display()
    )]
    Locked {
        /// The state directory.
        dir: PathBuf,
        /// Who holds it; 0 when the lock does not say.
        pid: u32,
        /// What the holder says it is.
        owner: String,
    },
    /// A newer version of the program wrote it.
    #[error(
        "the ledger {} has schema {found} and this program knows up to {known}; nothing was touched. \
         Run the newer staithe that wrote it, or give this one another --state-dir", .path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The directory cannot be used.
    #[error(
        "the state directory cannot be used: {} {}: {source}; no event is lost, files stay where they are. \
         Give --state-dir a directory that this user may write", .doing, .path.display()
    )]
    Unusable {
        /// What was tried, as a verb ("create", "write").
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A fresh database could not be made or read even after the old one was put aside.
    #[error("the ledger {} cannot be made: {source}", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        source: rusqlite::Error,
    },
}

/// Why a question or a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The ledger was closed.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The request could not be made durable in time and was withdrawn.
    #[error("the ledger cannot be written at the moment ({0}); the request was withdrawn, ask again later")]
    Degraded(String),
    /// The database could not be read.
    #[error("reading {what} from the ledger: {source}")]
    Read {
        /// What was read.
        what: &'static str,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// What was to be read is not what was written.
    #[error(
        "the ledger is damaged ({0}), and what is damaged is not sent; restart staithe: the start mends the ledger or \
         puts it aside, and keeps the rest"
    )]
    Damaged(String),
    /// No such source was registered.
    #[error("no source has the number {}", .0.0)]
    UnknownSource(SourceId),
    /// No such sink was registered.
    #[error("no sink has the number {}", .0.0)]
    UnknownSink(SinkId),
    /// No such route was made.
    #[error("no route has the number {}", .0.0)]
    UnknownRoute(RouteId),
    /// The ledger forgets at exit and does not keep this.
    #[error("{0} needs a ledger on disk; give --state-dir")]
    NeedsStateDir(&'static str),
    /// The export could not be written.
    #[error("writing the export: {0}")]
    Export(#[source] io::Error),
}

/// What an orderly close could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Some entries could not be stored.
    #[error(
        "{entries} entries could not be stored ({reason}); \
         their files stay where they are and the next start finds them"
    )]
    Unsaved {
        /// How many.
        entries: usize,
        /// What the database said last.
        reason: String,
    },
    /// Everything is stored, the files could not be tidied.
    #[error("everything is stored, but the ledger was not closed in order ({0}); the next start checks it")]
    Untidy(String),
}
