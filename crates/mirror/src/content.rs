//! Whether two files hold the same bytes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use sys::{Dir, Errno, Look};

use crate::copy::errno_of;
use crate::fault::Fault;
use crate::route::Route;
use crate::trees::{Trees, found};

const BUFFER: usize = 256 << 10;
/// So many bytes are compared between two questions whether to go on.
const STRETCH: u64 = 8 << 20;

/// Compares the source's file at `path` with the destination's one at `at`; told to stop, they count as different.
pub(crate) fn equal(
    trees: &Trees,
    path: Route<'_>,
    at: Route<'_>,
    keep_going: &dyn Fn(u64) -> bool,
) -> Result<bool, Fault> {
    let there_fault = |errno| Fault::source("read", path.bytes(), errno);
    let here_fault = |errno| Fault::destination("read", at.bytes(), errno);
    let there = open(trees.source_dir(path.parent())?.as_ref(), path.name()).map_err(there_fault)?;
    let here = open(trees.destination_dir(at.parent())?.as_ref(), at.name()).map_err(here_fault)?;
    let (Some(there), Some(here)) = (there, here) else { return Ok(false) };
    let size = Look::of(&there).map_err(there_fault)?.size;
    if Look::of(&here).map_err(here_fault)?.size != size {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut offset = 0;
    while offset < size {
        let room = usize::try_from(size - offset).map_or(BUFFER, |rest| rest.min(BUFFER));
        let (left, right) = (&mut left[..room], &mut right[..room]);
        if !fill(&there, left, offset).map_err(there_fault)?
            || !fill(&here, right, offset).map_err(here_fault)?
            || left != right
        {
            return Ok(false);
        }
        offset += room as u64;
        if offset.is_multiple_of(STRETCH) && !keep_going(offset) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The regular file, if it is there and is one.
fn open(dir: Option<&Dir>, name: &[u8]) -> Result<Option<File>, Errno> {
    let Some(dir) = dir else { return Ok(None) };
    match dir.open_regular(name) {
        Err(Errno::INVAL) => Ok(None),
        opened => found(opened),
    }
}

/// Whether there was enough to fill it.
fn fill(file: &File, buffer: &mut [u8], offset: u64) -> Result<bool, Errno> {
    match file.read_exact_at(buffer, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(errno_of(&error)),
    }
}
