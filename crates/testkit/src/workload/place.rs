//! Where the files of a workload go.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Which folders there are and how many files. Writers share the work by *batches*: the files that
/// one writer writes into one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Files spread over a few folders, which [`Layout::prepare`] may make beforehand.
    Burst {
        /// The number of files.
        files: usize,
        /// The number of folders.
        folders: usize,
    },
    /// What unpacking an archive looks like: each folder is made, at once filled, and never used again.
    Unpack {
        /// The number of files.
        files: usize,
        /// Files in each folder.
        per_folder: usize,
    },
    /// A new chain of five folders for each single file, as `mkdir -p a/b/c/d/e` makes it.
    Chains {
        /// The number of chains.
        chains: usize,
    },
}

impl Layout {
    /// The number of batches.
    pub(super) fn batches(self) -> usize {
        match self {
            Layout::Burst { files, .. } => files,
            Layout::Unpack { files, per_folder } => files.div_ceil(per_folder.max(1)),
            Layout::Chains { chains } => chains,
        }
    }

    /// The numbers of the files in a batch.
    pub(super) fn files_of(self, batch: usize) -> Range<usize> {
        match self {
            Layout::Unpack { files, per_folder } => {
                let begin = batch * per_folder.max(1);
                begin..(begin + per_folder.max(1)).min(files)
            }
            Layout::Burst { .. } | Layout::Chains { .. } => batch..batch + 1,
        }
    }

    /// Makes the folders that are there before the first file: those of a burst.
    ///
    /// # Panics
    /// When a folder cannot be made.
    pub fn prepare(self, root: &Path) {
        if let Layout::Burst { folders, .. } = self {
            for folder in 0..folders {
                make(&root.join(format!("d{folder:04}")));
            }
        }
    }

    /// Makes the folder of a batch, and says where it is below the root.
    pub(super) fn make_folder(self, root: &Path, batch: usize) -> PathBuf {
        let below: PathBuf = match self {
            Layout::Burst { folders, .. } => format!("d{:04}", batch % folders.max(1)).into(),
            Layout::Unpack { .. } => format!("t{:03}/u{:03}/v{batch:05}", batch / 400, batch / 20).into(),
            Layout::Chains { .. } => format!("r{batch:05}/a/b/c/d/e").into(),
        };
        make(&root.join(&below));
        below
    }
}

fn make(folder: &Path) {
    fs::create_dir_all(folder)
        .unwrap_or_else(|error| panic!("failed to create {}: {error}", folder.display()));
}
