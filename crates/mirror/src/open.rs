//! Opening both roots, and whose the destination is.

use std::fs;
use std::path::{Path, PathBuf};

use sys::{Dir, EntryKind, Errno};

use crate::copy::errno_of;
use crate::fault::{OpenError, shown};
use crate::marker::Marker;
use crate::options::{Options, is_ours};
use crate::overlap;
use crate::root::{Root, Side};
use crate::route::Route;
use crate::temp::Temps;

/// Both roots, seen to be a pair.
pub(crate) struct Opened {
    pub(crate) source: Root,
    pub(crate) destination: Root,
    pub(crate) marker: Option<Marker>,
}

/// Opens both, and makes the destination and its marker.
pub(crate) fn open(
    source: &Path,
    destination: &Path,
    options: &Options,
    temps: &Temps,
) -> Result<Opened, OpenError> {
    let (root, _) = open_source(source)?;
    // Before anything is made: a directory made in the source would be told of by its watch.
    if let Some(how) = overlap::between(source, &nearest(destination), false) {
        return Err(overlapping(source, destination, how));
    }
    fs::create_dir_all(destination).map_err(|error| unusable("make", destination, errno_of(&error)))?;
    let (there, dir) = open_destination(source, destination)?;
    let marker = judge(&dir, destination, options)?;
    let marker = match marker {
        Some(marker) => marker,
        None => mark(&dir, &root, destination, options, temps)?,
    };
    Ok(Opened { source: root, destination: there, marker: Some(marker) })
}

/// Opens both and changes nothing.
pub(crate) fn open_unchanged(
    source: &Path,
    destination: &Path,
    options: &Options,
) -> Result<Opened, OpenError> {
    let (root, _) = open_source(source)?;
    if let Some(how) = overlap::between(source, &nearest(destination), false) {
        return Err(overlapping(source, destination, how));
    }
    let (there, dir) = open_destination(source, destination)?;
    let marker = judge(&dir, destination, options)?;
    Ok(Opened { source: root, destination: there, marker })
}

fn mark(
    dir: &Dir,
    source: &Root,
    destination: &Path,
    options: &Options,
    temps: &Temps,
) -> Result<Marker, OpenError> {
    let marker = Marker::of(&options.name, source);
    let written = marker.write(dir, temps);
    written.map_err(|errno| unusable("write the marker into", destination, errno))?;
    Ok(marker)
}

fn open_source(source: &Path) -> Result<(Root, Dir), OpenError> {
    Root::first(source, Side::Source).map_err(|errno| OpenError::Source { path: source.to_owned(), errno })
}

fn open_destination(source: &Path, destination: &Path) -> Result<(Root, Dir), OpenError> {
    let opened =
        Root::first(destination, Side::Destination).map_err(|errno| unusable("open", destination, errno))?;
    match overlap::between(source, destination, true) {
        Some(how) => Err(overlapping(source, destination, how)),
        None => Ok(opened),
    }
}

/// The destination's marker, if it has ours; `None`: one may be written.
fn judge(dir: &Dir, destination: &Path, options: &Options) -> Result<Option<Marker>, OpenError> {
    let path = || destination.to_owned();
    match Marker::read(dir) {
        Some(marker) if marker.name == options.name.as_bytes() => Ok(Some(marker)),
        _ if options.adopt => Ok(None),
        Some(other) => Err(OpenError::OfAnother {
            path: path(),
            name: shown(&other.name),
            source_root: shown(&other.source),
        }),
        None => match something(dir).map_err(|errno| unusable("list", destination, errno))? {
            Some(name) => Err(OpenError::Foreign { path: path(), holds: shown(&name) }),
            None => Ok(None),
        },
    }
}

/// One name in a directory, but of what is ours or the file system's.
fn something(dir: &Dir) -> Result<Option<Vec<u8>>, Errno> {
    let mut held = None;
    dir.list(|name, _: EntryKind| {
        // A marker that cannot be read is no marker: somebody else's file.
        let ours = Route::new(name).is_ok_and(is_ours) && name != crate::options::MARKER;
        if held.is_none() && !ours {
            held = Some(name.to_vec());
        }
    })?;
    Ok(held)
}

/// The nearest directory that is there.
fn nearest(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find(|above| fs::metadata(above).is_ok());
    there.unwrap_or(&absolute).to_owned()
}

fn unusable(doing: &'static str, path: &Path, errno: Errno) -> OpenError {
    OpenError::Destination { doing, path: path.to_owned(), errno }
}

fn overlapping(source: &Path, destination: &Path, how: &'static str) -> OpenError {
    OpenError::Overlap { source_root: source.to_owned(), destination: destination.to_owned(), how }
}
