//! A small file as a whole, if nobody is writing it.

use std::io::Read as _;

use sys::{Dir, Errno, Links, Look, Writer};

use crate::error::InspectError;
use crate::place::split;
use crate::walk::vanished;

/// What reading a file gave.
pub(crate) enum Content {
    Absent,
    /// Somebody has it open for writing, or it changed while it was read.
    Busy,
    /// It has more bytes than the limit.
    TooLarge,
    Whole(Vec<u8>),
}

/// Reads the file at `path` below `root`, of at most `limit` bytes.
pub(crate) fn content(root: &Dir, path: &[u8], limit: u64) -> Result<Content, InspectError> {
    let (parent, name) = split(path);
    let opened = root.open_below(parent).and_then(|dir| Ok((dir.open_regular(name)?, dir)));
    let (file, dir) = match opened {
        Ok(opened) => opened,
        Err(error) if vanished(error) => return Ok(Content::Absent),
        Err(error) => return Err(InspectError::open(path, error)),
    };
    let failed = |error| InspectError::Read { path: path.to_vec(), error };
    let before = Look::of(&file).map_err(|error: Errno| failed(error.into()))?;
    if before.size > limit {
        return Ok(Content::TooLarge);
    }
    let mut bytes = Vec::with_capacity(before.size as usize);
    (&file).take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    // Asked afterwards: who finds no writer now, and the file as it was, has read all of it.
    let (writer, after) = dir.probe(name, Links::Refuse);
    let quiet = writer != Writer::Open && after == Some(before) && bytes.len() as u64 == before.size;
    Ok(if quiet { Content::Whole(bytes) } else { Content::Busy })
}
