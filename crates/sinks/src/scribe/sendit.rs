//! The lines of the sendit watcher's processors, `DicomCelery` and `AllEventsPrinter`.
//!
//! Names are written as [`text::safe`] writes them: what is no UTF-8 and what would speak to a terminal is escaped.
//! `2|FINISHED` is about the moment when the line is written, as it was for the original: a directory that is gone by then
//! is not finished.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use model::{Happening, Kind, Parcel, text};

use crate::format::absolute;

/// Appends the lines of `DicomCelery`, each with its newline: two, one, or none. Looks at the tree, so it may block.
pub(crate) fn push_dicom(parcel: &Parcel, out: &mut Vec<u8>) {
    let Kind::Happening(what) = parcel.kind else { return };
    let kind = match what {
        Happening::Create => "CREATE",
        Happening::Modify => "MODIFY",
        Happening::CloseWrite => "CLOSEWRITE",
        Happening::MoveSelf => "MOVE",
        Happening::MovedTo => "MOVEDTO",
        // The original's warning went into another file and said less.
        Happening::Overflow => return out.extend_from_slice(LOST),
        _ => return,
    };
    let path = place(parcel);
    line(out, &format!("LOG 1|{kind} EVENT"), &path);
    let verdict = if is_finished(&path) { "LOG 2|FINISHED" } else { "LOG 2|NOTFINISHED" };
    line(out, verdict, &path);
}

/// Appends the line of `AllEventsPrinter` with its newline, or nothing.
pub(crate) fn push_printed(parcel: &Parcel, out: &mut Vec<u8>) {
    let Kind::Happening(what) = parcel.kind else { return };
    if let Some(words) = printed(what) {
        line(out, words, &place(parcel));
    }
}

const LOST: &[u8] = b"WARNING events were lost by the kernel (queue overflow); the directory is read again\n";

/// What stands in front of the path. Of `attrib` the original said nothing; at `close_nowrite` and `move_self` it failed,
/// and `q_overflow` never had a path.
const fn printed(what: Happening) -> Option<&'static str> {
    Some(match what {
        Happening::Create => "IN CREATE",
        Happening::Open => "IN OPEN",
        Happening::Access => "IN ACCESS",
        Happening::Modify => "IN MODIFY",
        Happening::CloseWrite => "IN CLOSE WRITE",
        Happening::CloseNowrite => "IN CLOSE NOWRITE",
        Happening::MovedFrom => "IN MOVED FROM",
        Happening::MovedTo => "IN MOVED TO",
        Happening::Delete => "IN DELETE",
        Happening::DeleteSelf => "IN DELETE SELF",
        Happening::MoveSelf => "IN MOVE SELF",
        Happening::Overflow => "IN Q OVERFLOW",
        Happening::Attrib | Happening::WatchInit | Happening::WatchReconfig | Happening::WatchDead => {
            return None;
        }
    })
}

fn line(out: &mut Vec<u8>, words: &str, path: &[u8]) {
    // Writing to a Vec cannot fail.
    let _ = writeln!(out, "{words}: {}", text::safe(path));
}

/// The absolute path; of the root itself without a slash at the end.
fn place(parcel: &Parcel) -> Vec<u8> {
    let root = absolute(&parcel.root);
    let root = root.strip_suffix(b"/").unwrap_or(&root);
    match parcel.path.as_slice() {
        b"" if root.is_empty() => b"/".to_vec(),
        b"" => root.to_vec(),
        path => [root, b"/", path].concat(),
    }
}

/// Whether it is a directory now, or a link to one, with the name of a finished folder.
fn is_finished(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    finished_name(name) && Path::new(OsStr::from_bytes(path)).is_dir()
}

/// Whether a folder's name is that of a finished one: what stands behind its last dot does not begin with `tmp`. Dots at
/// the beginning of the name do not count, as in Python's `splitext`.
#[must_use]
pub fn finished_name(name: &[u8]) -> bool {
    let Some(first) = name.iter().position(|&byte| byte != b'.') else { return true };
    let rest = &name[first..];
    let dot = rest.iter().rposition(|&byte| byte == b'.');
    dot.is_none_or(|dot| !rest[dot + 1..].starts_with(b"tmp"))
}

#[cfg(test)]
mod tests;
