//! The native event: CloudEvents 1.0 JSON, frozen at admission.

use crate::happening::{self, Detail, Moved};
use crate::identity::{EventId, Fingerprint, Identity};
use crate::kind::{Cause, Kind};
use crate::members::Members;
use crate::signal::SignalSet;
use crate::text::{push_json_path, push_json_str, push_number, push_percent};
use crate::time::Stamp;
use std::sync::Arc;

/// How large an event may get by the names of a dataset's members. Some brokers take no message of
/// more than 64 KiB; what a sink's format puts around it must fit, too.
const EVENT_LIMIT: usize = 48 << 10;

/// As much room as the event of a plain file takes beside its paths, so that it is written without moving.
const USUAL_EVENT: usize = 768;

/// Everything an event says, before it is frozen.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Site, source, path, kind, fingerprint, recurrence.
    pub identity: Identity<'a>,
    /// The source's directory as configured.
    pub root: &'a [u8],
    /// When the unit was admitted.
    pub time: Stamp,
    /// Which generation of the path this is, from 1.
    pub generation: u32,
    /// The id of the generation before, if one was announced.
    pub supersedes: Option<EventId>,
    /// Permission bits and file type, as in `st_mode`.
    pub mode: u32,
    /// The rule that took it; of a gap, what opened it.
    pub rule: &'a str,
    /// The evidence that satisfied the rule.
    pub signals: SignalSet,
    /// From first sight to completeness, in milliseconds.
    pub waited_ms: u64,
    /// Which way of noticing found it.
    pub backend: &'a str,
    /// What made the program announce it.
    pub cause: Cause,
    /// What a dataset consists of.
    pub members: Option<&'a Members>,
    /// Of the second half of a rename in an event stream: both paths.
    pub moved: Option<&'a Moved>,
}

/// An event whose bytes will never change again, except for the delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The stable id.
    pub id: EventId,
    /// The JSON up to where the delivery attempt is put in by [`Frozen::line`].
    ///
    /// Shared: the ledger's window of the newest events and whoever delivers them hold the same bytes.
    pub body: Arc<[u8]>,
}

impl Event<'_> {
    /// What happened, as the envelope's `type` says it.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        self.identity.kind.type_name(self.cause)
    }

    /// Computes the id and writes the bytes once and for all.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        let id = self.identity.id();
        let mut out = Vec::with_capacity(USUAL_EVENT + self.root.len() + self.identity.path.len() * 2);
        self.push_envelope(&mut out, id);
        self.push_data(&mut out);
        Frozen { id, body: out.into() }
    }

    fn push_envelope(&self, out: &mut Vec<u8>, id: EventId) {
        out.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":\"");
        out.extend_from_slice(&id.hex());
        out.extend_from_slice(b"\",\"source\":\"urn:staithe:");
        push_percent(out, self.identity.site.as_bytes(), b"");
        out.push(b':');
        push_percent(out, self.identity.source.as_bytes(), b"");
        out.extend_from_slice(b"\",\"type\":\"");
        out.extend_from_slice(self.type_name().as_bytes());
        out.extend_from_slice(b"\",\"subject\":\"");
        push_percent(out, self.identity.path, b"/");
        out.extend_from_slice(b"\",\"time\":\"");
        self.time.push(out);
        out.extend_from_slice(b"\",\"datacontenttype\":\"application/json\",");
    }

    fn push_data(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"data\":{");
        push_json_path(out, "root", self.root);
        out.push(b',');
        push_json_path(out, "path", self.identity.path);
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(self.identity.kind.noun().as_bytes());
        out.push(b'"');
        match self.identity.kind {
            Kind::File | Kind::Symlink | Kind::Special => self.push_file(out),
            Kind::Dataset => self.push_dataset(out),
            Kind::Removal { .. } => self.push_removal(out),
            Kind::Gap { closed } => self.push_gap(out, closed),
            Kind::Happening(what) => {
                let detail = Detail::unpack(self.identity.fingerprint.size);
                happening::push(out, what, detail, self.moved);
            }
        }
        out.extend_from_slice(b",\"observer\":{\"backend\":");
        push_json_str(out, self.backend);
        let from_scan = matches!(self.cause, Cause::Found | Cause::Reannounced);
        out.extend_from_slice(if from_scan { b",\"from_scan\":true" } else { b",\"from_scan\":false" });
        out.extend_from_slice(b"},\"delivery\":{\"attempt\":");
    }

    fn push_file(&self, out: &mut Vec<u8>) {
        self.push_look(out);
        self.push_mode(out);
        let inode = self.identity.fingerprint.inode;
        if inode != 0 {
            push_member(out, b",\"inode\":", inode);
        }
        self.push_generation(out);
        self.push_complete(out);
    }

    /// Its fingerprint has no inode: there is the fold of what its members look like.
    fn push_dataset(&self, out: &mut Vec<u8>) {
        self.push_look(out);
        // A group of files has no mode of its own.
        if self.mode != 0 {
            self.push_mode(out);
        }
        self.push_generation(out);
        // The names get what room is left: behind them come the rule's name, escaped at worst to
        // six bytes for each, and members of known size.
        let reserved = out.len() + 6 * (self.rule.len() + self.backend.len()) + 1024;
        let room = EVENT_LIMIT.saturating_sub(reserved);
        if let Some(members) = self.members {
            members.push(out, &self.identity.fingerprint, room);
        }
        self.push_complete(out);
    }

    /// What is gone, as it was known last: nothing of it can be looked at any more.
    fn push_removal(&self, out: &mut Vec<u8>) {
        self.push_look(out);
        self.push_generation(out);
        out.extend_from_slice(b",\"removed\":{\"rule\":");
        push_json_str(out, self.rule);
        out.push(b'}');
    }

    fn push_gap(&self, out: &mut Vec<u8>, closed: bool) {
        let Fingerprint { size: number, mtime: opened, .. } = self.identity.fingerprint;
        push_member(out, b",\"gap\":{\"number\":", number);
        push_time(out, b",\"opened\":\"", opened);
        if closed {
            push_time(out, b",\"closed\":\"", self.time);
        }
        if !self.rule.is_empty() {
            out.extend_from_slice(b",\"cause\":");
            push_json_str(out, self.rule);
        }
        out.push(b'}');
    }

    fn push_look(&self, out: &mut Vec<u8>) {
        let Fingerprint { size, mtime, .. } = self.identity.fingerprint;
        push_member(out, b",\"size\":", size);
        push_time(out, b",\"mtime\":\"", mtime);
    }

    fn push_mode(&self, out: &mut Vec<u8>) {
        let digit = |place: u32| b'0' + (self.mode >> (3 * place) & 7) as u8;
        out.extend_from_slice(b",\"mode\":\"");
        out.extend_from_slice(&[digit(3), digit(2), digit(1), digit(0), b'"']);
    }

    fn push_generation(&self, out: &mut Vec<u8>) {
        push_member(out, b",\"generation\":", self.generation.into());
        if let Some(earlier) = self.supersedes {
            out.extend_from_slice(b",\"supersedes\":\"");
            out.extend_from_slice(&earlier.hex());
            out.push(b'"');
        }
    }

    fn push_complete(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"complete\":{\"rule\":");
        push_json_str(out, self.rule);
        out.extend_from_slice(b",\"signals\":[");
        for (at, signal) in self.signals.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(signal.name().as_bytes());
            out.push(b'"');
        }
        push_member(out, b"],\"waited_ms\":", self.waited_ms);
        out.push(b'}');
    }
}

/// What stands before a number, and the number.
fn push_member(out: &mut Vec<u8>, before: &[u8], number: u64) {
    out.extend_from_slice(before);
    push_number(out, number);
}

/// What stands before a time, with its quote, and the time.
fn push_time(out: &mut Vec<u8>, before: &[u8], time: Stamp) {
    out.extend_from_slice(before);
    time.push(out);
    out.push(b'"');
}

impl Frozen {
    /// The whole JSON object for the given delivery attempt (from 1), without a newline.
    #[must_use]
    pub fn line(&self, attempt: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 16);
        self.push_line(attempt, &mut out);
        out
    }

    /// Appends the whole JSON object to `out`.
    pub fn push_line(&self, attempt: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.body);
        push_number(out, attempt.into());
        out.extend_from_slice(b"}}}");
    }
}

#[cfg(test)]
mod tests;
