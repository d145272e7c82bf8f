//! The native event: CloudEvents 1.0 JSON, frozen at admission.

use crate::identity::{EventId, Fingerprint, Identity};
use crate::signal::SignalSet;
use crate::text::{push_json_path, push_json_str, push_percent};
use crate::time::Stamp;
use std::io::Write as _;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One file.
    File,
    /// A symbolic link announced as such (drop-ins only).
    Symlink,
    /// A FIFO, socket or device announced as such (drop-ins only).
    Special,
}

impl Kind {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Special => "special",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Kind::File, Kind::Symlink, Kind::Special].into_iter().find(|kind| kind.name() == name)
    }
}

/// What made the program announce a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cause {
    /// It arrived while the source was watched.
    Arrived = 0,
    /// It lay there when a scan came by.
    Found = 1,
    /// It still lies there and the source's policy says it again.
    Reannounced = 2,
}

impl Cause {
    /// From the number stored in the ledger.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Cause::Arrived),
            1 => Some(Cause::Found),
            2 => Some(Cause::Reannounced),
            _ => None,
        }
    }
}

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
    /// The rule that took it.
    pub rule: &'a str,
    /// The evidence that satisfied the rule.
    pub signals: SignalSet,
    /// From first sight to completeness, in milliseconds.
    pub waited_ms: u64,
    /// Which way of noticing found it.
    pub backend: &'a str,
    /// What made the program announce it.
    pub cause: Cause,
}

/// An event whose bytes will never change again, except for the delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The stable id.
    pub id: EventId,
    /// The JSON up to where the delivery attempt is put in by [`Frozen::line`].
    pub body: Vec<u8>,
}

impl Event<'_> {
    /// Computes the id and writes the bytes once and for all.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        let id = self.identity.id();
        let mut out = Vec::with_capacity(512 + self.identity.path.len() * 2);
        self.push_envelope(&mut out, id);
        self.push_data(&mut out);
        Frozen { id, body: out }
    }

    fn push_envelope(&self, out: &mut Vec<u8>, id: EventId) {
        out.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":\"");
        out.extend_from_slice(&id.hex());
        out.extend_from_slice(b"\",\"source\":\"urn:staithe:");
        push_percent(out, self.identity.site.as_bytes(), b"");
        out.push(b':');
        push_percent(out, self.identity.source.as_bytes(), b"");
        out.extend_from_slice(b"\",\"type\":\"staithe.file.complete\",\"subject\":\"");
        push_percent(out, self.identity.path, b"/");
        let _ = write!(out, "\",\"time\":\"{}\",\"datacontenttype\":\"application/json\",", self.time);
    }

    fn push_data(&self, out: &mut Vec<u8>) {
        let Fingerprint { size, mtime, inode } = self.identity.fingerprint;
        out.extend_from_slice(b"\"data\":{");
        push_json_path(out, "root", self.root);
        out.push(b',');
        push_json_path(out, "path", self.identity.path);
        let kind = self.identity.kind.name();
        let _ = write!(out, ",\"kind\":\"{kind}\",\"size\":{size},\"mtime\":\"{mtime}\"");
        let _ = write!(out, ",\"mode\":\"{:04o}\"", self.mode & 0o7777);
        if inode != 0 {
            let _ = write!(out, ",\"inode\":{inode}");
        }
        let _ = write!(out, ",\"generation\":{}", self.generation);
        if let Some(earlier) = self.supersedes {
            let _ = write!(out, ",\"supersedes\":\"{earlier}\"");
        }
        out.extend_from_slice(b",\"complete\":{\"rule\":");
        push_json_str(out, self.rule);
        out.extend_from_slice(b",\"signals\":[");
        for (at, signal) in self.signals.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(out, "{comma}\"{}\"", signal.name());
        }
        let _ = write!(out, "],\"waited_ms\":{}}},\"observer\":{{\"backend\":", self.waited_ms);
        push_json_str(out, self.backend);
        let from_scan = self.cause != Cause::Arrived;
        let _ = write!(out, ",\"from_scan\":{from_scan}}},\"delivery\":{{\"attempt\":");
    }
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
        let _ = write!(out, "{attempt}}}}}}}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    fn event(path: &[u8]) -> Event<'_> {
        Event {
            identity: Identity {
                site: "obs1",
                source: "stage1",
                path,
                kind: Kind::File,
                fingerprint: Fingerprint {
                    size: 1234,
                    mtime: Stamp::new(1_795_226_343, 900_000_000),
                    inode: 1311,
                },
                recurrence: 0,
            },
            root: b"/data/stage1",
            time: Stamp::new(1_795_226_344, 123_456_789),
            generation: 1,
            supersedes: None,
            mode: 0o100_644,
            rule: "bulletins",
            signals: SignalSet::EMPTY.with(Signal::Closed).with(Signal::WriterGone),
            waited_ms: 3,
            backend: "inotify",
            cause: Cause::Arrived,
        }
    }

    #[test]
    fn has_the_shape_of_the_contract() {
        let value: serde_json::Value = serde_json::from_slice(&event(b"a/b c.dat").freeze().line(2)).unwrap();
        assert_eq!(value["specversion"], "1.0");
        assert_eq!(value["source"], "urn:staithe:obs1:stage1");
        assert_eq!(value["type"], "staithe.file.complete");
        assert_eq!(value["subject"], "a/b%20c.dat");
        assert_eq!(value["time"], "2026-11-21T01:59:04.123456789Z");
        assert_eq!(value["data"]["path"], "a/b c.dat");
        assert_eq!(value["data"]["mtime"], "2026-11-21T01:59:03.9Z");
        assert_eq!(value["data"]["complete"]["signals"], serde_json::json!(["closed", "writer_gone"]));
        assert_eq!(value["data"]["delivery"]["attempt"], 2);
        assert!(value["data"].get("path_b64").is_none());
    }

    #[test]
    fn attempts_differ_only_in_the_attempt() {
        let frozen = event(b"x\xff\n\"").freeze();
        let one = String::from_utf8(frozen.line(1)).unwrap();
        let two = String::from_utf8(frozen.line(17)).unwrap();
        assert_eq!(one.replace("\"attempt\":1}", "\"attempt\":17}"), two);
        let value: serde_json::Value = serde_json::from_str(&two).unwrap();
        assert_eq!(crate::text::json_path(&value["data"], "path").unwrap(), b"x\xff\n\"");
    }
}
