//! The flat object: `id`, `source`, `type`, `time`, then every field of the event's `data`
//! without nesting (`complete.rule` becomes `complete_rule`).
//!
//! It is cut out of the frozen bytes rather than built anew, so that a field which the native
//! event gains shows up here by itself, and so that the values are the same to the byte.

use model::Parcel;

/// The members of the envelope that are kept. `subject` says again what `path` says.
const KEPT: [&[u8]; 4] = [b"id", b"source", b"type", b"time"];

/// Appends the flat object.
pub(super) fn push(parcel: &Parcel, out: &mut Vec<u8>) {
    let line = parcel.event.line(parcel.attempt);
    out.reserve(line.len());
    out.push(b'{');
    let mut first = true;
    for (name, value) in Members::of(&line) {
        if name == b"data" {
            push_members(value, b"", &mut first, out);
        } else if KEPT.contains(&name) {
            push_member(b"", name, value, &mut first, out);
        }
    }
    out.push(b'}');
}

fn push_members(object: &[u8], prefix: &[u8], first: &mut bool, out: &mut Vec<u8>) {
    for (name, value) in Members::of(object) {
        if value.starts_with(b"{") {
            let deeper = [prefix, name, b"_"].concat();
            push_members(value, &deeper, first, out);
        } else {
            push_member(prefix, name, value, first, out);
        }
    }
}

fn push_member(prefix: &[u8], name: &[u8], value: &[u8], first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(prefix);
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value);
}

/// The members of a JSON object as (name, value) slices of its own bytes. It reads what
/// [`model::Event::freeze`] writes: valid JSON without spaces between the tokens. On anything
/// else it stops early and never panics.
struct Members<'a> {
    rest: &'a [u8],
}

impl<'a> Members<'a> {
    fn of(object: &'a [u8]) -> Self {
        Self { rest: object.strip_prefix(b"{").unwrap_or_default() }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.strip_prefix(b",").unwrap_or(self.rest);
        let name_end = value_end(rest).filter(|_| rest.starts_with(b"\""))?;
        let value = rest.get(name_end..)?.strip_prefix(b":")?;
        let end = value_end(value)?;
        self.rest = &value[end..];
        Some((&rest[1..name_end - 1], &value[..end]))
    }
}

/// Where the value at the front ends: behind its closing quote, its closing bracket, or before
/// the comma or bracket that follows a bare number or word.
fn value_end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => {
                quoted = !quoted;
                if !quoted && depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
