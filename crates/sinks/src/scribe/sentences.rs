//! The sentences of `iobserver`'s Scribe.
//!
//! Names are written as they are, byte for byte, but for control bytes and backslashes, which are escaped
//! (`\n`, `\x1b`, `\\`): a name can neither begin a line of its own nor speak to a terminal, and the bytes can be
//! had back.

use std::io::Write as _;

use jiff::tz::TimeZone;
use model::{Detail, Happening, Kind, Parcel, Stamp, text};
use serde_json::Value;

use crate::format::absolute;
use crate::lines::push_one_line;

/// Appends the event's lines, each with its newline: one, two, or none.
pub(crate) fn push(parcel: &Parcel, zone: &TimeZone, out: &mut Vec<u8>) {
    let detail = Detail::unpack(parcel.size);
    match parcel.kind {
        // Its readers know of no such thing.
        Kind::Happening(Happening::WatchReconfig) => {}
        Kind::Happening(what) => {
            sentence(parcel, zone, out, |out| push_message(out, parcel, what, detail));
            if detail.moved {
                push_matched(parcel, zone, detail, out);
            }
        }
        // It takes none, unless its name was that of another sink before.
        _ => sentence(parcel, zone, out, |out| {
            out.extend_from_slice(parcel.type_name().as_bytes());
            out.push(b' ');
            push_quoted(out, place(parcel).1);
        }),
    }
}

/// A line about something at the event's place.
fn sentence(parcel: &Parcel, zone: &TimeZone, out: &mut Vec<u8>, message: impl FnOnce(&mut Vec<u8>)) {
    push_head(parcel.mtime, zone, out);
    let root = absolute(&parcel.root);
    let root = root.strip_suffix(b"/").unwrap_or(&root);
    let dir = place(parcel).0;
    // Of the root of all only the slash is left to say.
    if !root.is_empty() || dir.is_empty() {
        push_one_line(if root.is_empty() { b"/" } else { root }, out);
    }
    if !dir.is_empty() {
        out.push(b'/');
        push_one_line(dir, out);
    }
    out.extend_from_slice(b": ");
    message(out);
    out.push(b'\n');
}

/// `… scribe: `
fn push_head(at: Stamp, zone: &TimeZone, out: &mut Vec<u8>) {
    let instant = jiff::Timestamp::new(at.sec, 0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let local = instant.to_zoned(zone.clone()).datetime();
    let (date, time) = (local.date(), local.time());
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    match at.nsec / 1000 {
        0 => {}
        micros => drop(write!(out, ".{micros:06}")),
    }
    out.extend_from_slice(b" scribe: ");
}

/// The directory below the root that the event is heard in, and the name there; the root is `.` in itself.
fn place(parcel: &Parcel) -> (&[u8], &[u8]) {
    let path = parcel.path.as_slice();
    if path.is_empty() {
        return (b"", b".");
    }
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

const fn object(detail: Detail) -> &'static str {
    if detail.is_dir { "directory" } else { "file" }
}

fn push_message(out: &mut Vec<u8>, parcel: &Parcel, what: Happening, detail: Detail) {
    let (before, after) = match what {
        Happening::Create => ("", " was CREATED"),
        Happening::Open => ("", " was OPENED"),
        Happening::Access => ("", " was ACCESSED"),
        Happening::Modify => ("", " was MODIFIED"),
        Happening::Attrib => ("The METADATA for ", " was changed"),
        Happening::CloseWrite => ("", " was CLOSED"),
        // The words of the original.
        Happening::CloseNowrite => ("", " was CLOSED without been written to"),
        Happening::MovedFrom => ("", " just MOVED OUT"),
        Happening::MovedTo => ("", " just MOVED IN"),
        Happening::Delete => ("", " was DELETED"),
        Happening::DeleteSelf => ("watched ", " was itself DELETED"),
        Happening::MoveSelf => ("watched ", " was itself MOVED"),
        Happening::WatchInit => return out.extend_from_slice(b"WATCH STARTED"),
        Happening::WatchDead => return out.extend_from_slice(b"WATCH STOPPED"),
        Happening::WatchReconfig => return out.extend_from_slice(b"WATCH RECONFIGURED"),
        Happening::Overflow => return out.extend_from_slice(LOST),
    };
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(object(detail).as_bytes());
    out.push(b' ');
    push_quoted(out, place(parcel).1);
    out.extend_from_slice(after.as_bytes());
}

/// The original says nothing where events are missing.
const LOST: &[u8] = b"EVENTS WERE LOST by the kernel (queue overflow); what changed meanwhile follows";

fn push_quoted(out: &mut Vec<u8>, name: &[u8]) {
    out.push(b'\'');
    push_one_line(name, out);
    out.push(b'\'');
}

/// The line behind the second half of a rename.
fn push_matched(parcel: &Parcel, zone: &TimeZone, detail: Detail, out: &mut Vec<u8>) {
    // Both paths stand only in the frozen event.
    let Ok(event) = serde_json::from_slice::<Value>(&parcel.event.line(parcel.attempt)) else { return };
    let moved = &event["data"]["event"]["moved"];
    let (Some(from), Some(to)) = (text::json_path(moved, "from"), text::json_path(moved, "to")) else {
        return;
    };
    push_head(parcel.mtime, zone, out);
    out.extend_from_slice(b"MOVE events matched: ");
    out.extend_from_slice(object(detail).as_bytes());
    out.push(b' ');
    push_quoted(out, &from);
    out.extend_from_slice(b" was moved to ");
    push_quoted(out, &to);
    out.push(b'\n');
}
