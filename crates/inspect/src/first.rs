//! The header that stands for a whole unit: that of its first file that is a DICOM file.

use std::path::Path;

use sys::{Dir, EntryKind};

use crate::dicom::{DicomHeader, read_dicom};
use crate::few::keep_first;
use crate::place::split;

/// So many files are tried: one that is none is met now and then (a `DICOMDIR`, a note), a directory of none should
/// not be read as a whole.
const TRIES: usize = 32;

/// Where a unit's files are, below the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// It is one file.
    File(Vec<u8>),
    /// They lie in this directory, not deeper.
    Directory(Vec<u8>),
    /// They have these names in this directory.
    Members(Vec<u8>, Vec<Vec<u8>>),
}

/// The header of the unit's first file, in the order of names, that says of which study or series it is; nothing where
/// none of the first 32 does.
#[must_use]
pub fn first_dicom(root: &Path, within: &Within) -> Option<DicomHeader> {
    let root = Dir::open_root(root).ok()?;
    let (dir, names) = match within {
        Within::File(path) => {
            let (dir, name) = split(path);
            (dir, vec![name.into()])
        }
        Within::Directory(dir) => (&dir[..], first_names(&root, dir)),
        Within::Members(dir, names) => {
            let mut first = Vec::new();
            for name in names {
                keep_first(&mut first, name, TRIES);
            }
            (&dir[..], first)
        }
    };
    let dir = root.open_below(dir).ok()?;
    let headers = names.iter().filter_map(|name| read_dicom(&dir, name).ok());
    headers.into_iter().find(|header| header.study.is_some() || header.series.is_some())
}

/// The first names of a directory that may be files.
fn first_names(root: &Dir, path: &[u8]) -> Vec<Box<[u8]>> {
    let mut names = Vec::new();
    if let Ok(dir) = root.open_below(path) {
        // What was listed before an error is as good as the rest.
        let _ = dir.list(|name, kind| {
            if matches!(kind, EntryKind::File | EntryKind::Unknown) {
                keep_first(&mut names, name, TRIES);
            }
        });
    }
    names
}
