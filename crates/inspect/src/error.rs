//! What can go wrong. Each text reads well after "failed to".

use model::text::safe;
use sys::Errno;

use crate::manifest::ManifestError;

/// Why something could not be read. What is wrong with *one member* is no error but part of the answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The unit itself, or the file that was asked for, is not there.
    #[error("find `{}`", safe(path))]
    Absent {
        /// The path below the root.
        path: Vec<u8>,
    },
    /// It is there and cannot be opened, or is not what it must be (`INVAL`: no regular file).
    #[error("open `{}`: {error}", safe(path))]
    Open {
        /// The path below the root.
        path: Vec<u8>,
        /// What the kernel said.
        error: Errno,
    },
    /// It was opened and cannot be read to its end.
    #[error("read `{}`: {error}", safe(path))]
    Read {
        /// The path below the root.
        path: Vec<u8>,
        /// What the kernel said.
        error: std::io::Error,
    },
    /// The list of checksums cannot be believed.
    #[error("use the list `{}`: {error}", safe(path))]
    Manifest {
        /// The path of the list, relative to the unit.
        path: Vec<u8>,
        /// What is wrong with it.
        error: ManifestError,
    },
    /// The file has no header that can be read: another format, cut off, or damaged.
    #[error("read the header of `{}`: {reason}", safe(path))]
    Header {
        /// The path below the root.
        path: Vec<u8>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `stop` answered true.
    #[error("finish: told to stop")]
    Stopped,
}

impl InspectError {
    /// The error of opening `path`.
    pub(crate) fn open(path: &[u8], error: Errno) -> Self {
        let path = path.to_vec();
        if error == Errno::NOENT { Self::Absent { path } } else { Self::Open { path, error } }
    }
}
