//! How an event is written for a sink: one function for all formats.

mod flat;
mod metwork;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use config::{Format, SinkPlan};
use model::{Kind, Parcel};

/// Appends the event as `format` writes it. There is no newline at the end, and nothing is put
/// between two events: framing is the sink's business.
pub fn encode(format: &Format, parcel: &Parcel, out: &mut Vec<u8>) {
    match format {
        Format::CloudEvents => parcel.event.push_line(parcel.attempt, out),
        Format::Flat => flat::push(parcel, out),
        Format::Path => push_absolute(parcel, out),
        Format::Metwork => metwork::push(parcel, out),
        Format::Template(template) => push_template(template, parcel, out),
    }
}

/// Whether the sink can tell an event of this kind from a unit that is complete. One that only
/// names the path cannot: whoever reads it would take a file that is gone for one that came. Such
/// sinks are not to get removals and gaps.
#[must_use]
pub fn tells(plan: &SinkPlan, kind: Kind) -> bool {
    match kind {
        Kind::Happening(_) => plan.kind.takes_happenings() && plan.tells_events_apart(),
        kind if kind.is_unit() => plan.kind.takes_arrivals(),
        _ => plan.kind.takes_arrivals() && plan.tells_events_apart(),
    }
}

/// Whether the format gives raw bytes of names, which may hold newlines and control bytes.
pub(crate) fn is_raw(format: &Format) -> bool {
    matches!(format, Format::Path | Format::Template(_))
}

/// The path as the system would resolve it: a root that was configured relative to the working
/// directory is completed, nothing else is normalised.
fn push_absolute(parcel: &Parcel, out: &mut Vec<u8>) {
    let root = absolute(&parcel.root);
    out.extend_from_slice(&root);
    if !root.ends_with(b"/") && !parcel.path.is_empty() {
        out.push(b'/');
    }
    out.extend_from_slice(&parcel.path);
}

pub(crate) fn absolute(root: &[u8]) -> Cow<'_, [u8]> {
    if root.starts_with(b"/") {
        return Cow::Borrowed(root);
    }
    match std::path::absolute(OsStr::from_bytes(root)) {
        Ok(path) => Cow::Owned(path.into_os_string().into_vec()),
        // Only when the working directory is gone: then there is no absolute path to tell.
        Err(_) => Cow::Borrowed(root),
    }
}

/// Replaces the known names in braces. Everything else stays as it stands, other braces too, so
/// that a template may itself look like JSON.
fn push_template(template: &str, parcel: &Parcel, out: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.extend_from_slice(&rest.as_bytes()[..open]);
        rest = &rest[open..];
        let known = rest.find('}').is_some_and(|close| push_field(&rest[1..close], parcel, out));
        let used = if known { rest.find('}').map_or(1, |close| close + 1) } else { 1 };
        if !known {
            out.push(b'{');
        }
        rest = &rest[used..];
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Appends the value of one template name; false when there is no such name.
fn push_field(name: &str, parcel: &Parcel, out: &mut Vec<u8>) -> bool {
    match name {
        "path" => out.extend_from_slice(&parcel.path),
        "name" => {
            // A group's path ends with a slash; its name is its key.
            let path = parcel.path.strip_suffix(b"/").unwrap_or(&parcel.path);
            out.extend_from_slice(path.rsplit(|&b| b == b'/').next().unwrap_or_default());
        }
        "root" => out.extend_from_slice(&parcel.root),
        "id" => out.extend_from_slice(&parcel.event.id.hex()),
        "source" => out.extend_from_slice(parcel.source.as_bytes()),
        "type" => out.extend_from_slice(parcel.type_name().as_bytes()),
        "kind" => out.extend_from_slice(parcel.kind.noun().as_bytes()),
        // Writing to a Vec cannot fail.
        "size" => drop(write!(out, "{}", parcel.size)),
        "mtime" => drop(write!(out, "{}", parcel.mtime)),
        "generation" => drop(write!(out, "{}", parcel.generation)),
        _ => return false,
    }
    true
}
