//! What can go wrong. Each text reads well after "failed to".

use std::path::PathBuf;

use sys::Errno;

/// Why two roots are not opened as a pair. Nothing was changed, but that missing directories above the destination
/// may have been made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The source's root cannot be opened.
    #[error("open the source {path:?}: {errno}")]
    Source {
        /// As configured.
        path: PathBuf,
        /// What the kernel said.
        errno: Errno,
    },
    /// The destination's root cannot be made or opened.
    #[error("{doing} the destination {path:?}: {errno}")]
    Destination {
        /// What was tried.
        doing: &'static str,
        /// As configured.
        path: PathBuf,
        /// What the kernel said.
        errno: Errno,
    },
    /// One root is or holds the other one.
    #[error("mirror {source_root:?} to {destination:?}: {how}")]
    Overlap {
        /// The source, as configured.
        source_root: PathBuf,
        /// The destination, as configured.
        destination: PathBuf,
        /// Which holds which, in words.
        how: &'static str,
    },
    /// The destination holds something and was not made by a mirror.
    #[error(
        "take over the destination {path:?}: it holds {holds:?} and no marker of this mirror (with `adopt = true` it is taken \
         over, and what the source does not have is deleted there)"
    )]
    Foreign {
        /// As configured.
        path: PathBuf,
        /// One thing that is in it.
        holds: String,
    },
    /// The destination belongs to another mirror.
    #[error(
        "take over the destination {path:?}: it belongs to the mirror {name:?} of {source_root:?} (with `adopt = true` it is \
         taken over)"
    )]
    OfAnother {
        /// As configured.
        path: PathBuf,
        /// That mirror's name.
        name: String,
        /// That mirror's source.
        source_root: String,
    },
}

/// Why something was not made equal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The source's root is gone, or its path leads to another directory now. Nothing was removed for that.
    #[error("reach the source {path:?}: {why}")]
    SourceAway {
        /// As configured.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// The same of the destination.
    #[error("reach the destination {path:?}: {why}")]
    DestinationAway {
        /// As configured.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// What was asked for is no path below a root.
    #[error("use {path:?} as a path below a root: {why}")]
    BadPath {
        /// As it was given.
        path: String,
        /// In words.
        why: &'static str,
    },
    /// Something of the source cannot be read.
    #[error("{doing} {path:?} in the source: {errno}")]
    Source {
        /// What was tried.
        doing: &'static str,
        /// The path below the root.
        path: String,
        /// What the kernel said.
        errno: Errno,
    },
    /// Something of the destination cannot be read or changed.
    #[error("{doing} {path:?} in the destination: {errno}{}", hint(*errno, doing))]
    Destination {
        /// What was tried.
        doing: &'static str,
        /// The path below the root.
        path: String,
        /// What the kernel said.
        errno: Errno,
    },
}

/// How much a fault concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This path; others may go well.
    Path,
    /// The source: its root is away.
    Source,
    /// The destination: away, full, read-only, broken.
    Destination,
}

impl Fault {
    /// How much it concerns.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Fault::SourceAway { .. } => Reach::Source,
            Fault::DestinationAway { .. } => Reach::Destination,
            Fault::Destination { errno, .. } if concerns_all(*errno) => Reach::Destination,
            Fault::BadPath { .. } | Fault::Source { .. } | Fault::Destination { .. } => Reach::Path,
        }
    }

    /// What the kernel said, where it was asked.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Fault::Source { errno, .. } | Fault::Destination { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    pub(crate) fn source(doing: &'static str, path: &[u8], errno: Errno) -> Self {
        Self::Source { doing, path: shown(path), errno }
    }

    pub(crate) fn destination(doing: &'static str, path: &[u8], errno: Errno) -> Self {
        Self::Destination { doing, path: shown(path), errno }
    }
}

/// A path for people; the root is `.`.
pub(crate) fn shown(path: &[u8]) -> String {
    if path.is_empty() { ".".to_owned() } else { String::from_utf8_lossy(path).into_owned() }
}

fn concerns_all(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOSPC
            | Errno::DQUOT
            | Errno::ROFS
            | Errno::IO
            | Errno::STALE
            | Errno::NOTCONN
            | Errno::MFILE
            | Errno::NFILE
            | Errno::NOMEM
    )
}

/// What helps.
fn hint(errno: Errno, doing: &str) -> &'static str {
    match errno {
        Errno::NOSPC => " (make room, or point the mirror at a larger file system)",
        Errno::DQUOT => " (the quota of this user or directory is used up)",
        Errno::PERM if doing == SET_OWNER => {
            " (`owner = true` needs CAP_CHOWN: run with it, or leave `owner` out)"
        }
        Errno::PERM => " (it belongs to another user, or is immutable)",
        Errno::ACCESS => " (the destination must be writable for the user that staithe runs as)",
        _ => "",
    }
}

/// Named here because the hint depends on it.
pub(crate) const SET_OWNER: &str = "set the owner of";
