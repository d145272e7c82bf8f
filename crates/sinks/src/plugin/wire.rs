//! The messages between the host and a plugin: one JSON object on each line.

use std::io::Write as _;

use model::text::{push_json_path, push_json_str};
use model::{Cause, Detail, Happening, Kind, Parcel};
use serde_json::{Map, Value};

/// The version of the protocol that is spoken here.
pub(crate) const PROTOCOL: u64 = 1;
/// Texts that a plugin sends are cut to so many bytes.
const TEXT_LIMIT: usize = 2048;

/// What a plugin says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) protocol: u64,
    pub(crate) name: String,
    pub(crate) version: String,
    /// The kinds of events that it wants; `None`: all.
    pub(crate) events: Option<Vec<String>>,
    /// So many events it may hold back unacknowledged until it is told to flush.
    pub(crate) batch: u64,
}

impl Hello {
    /// Whether events of this kind are to be sent.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.iter().any(|wanted| wanted == kind))
    }

    /// Names that it asks for and that no event has: a misspelling, or a newer version's.
    pub(crate) fn unknown_kinds(&self) -> Vec<&str> {
        let known = |name: &str| {
            OF_UNITS.contains(&name) || Happening::ALL.into_iter().any(|what| what.name() == name)
        };
        self.events.iter().flatten().map(String::as_str).filter(|name| !known(name)).collect()
    }
}

/// What a plugin says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Hello(Hello),
    /// Everything up to this event is done, except what was refused before.
    Ack(u64),
    Error(SaidError),
    Log {
        level: String,
        message: String,
    },
    /// A message of a later version: passed over.
    Unknown(String),
}

/// An error that a plugin tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SaidError {
    /// The event that is refused; without one it is about the plugin.
    pub(crate) seq: Option<u64>,
    pub(crate) message: String,
    /// The plugin cannot go on.
    pub(crate) fatal: bool,
    /// The event will be refused each time.
    pub(crate) permanent: bool,
}

/// Reads one line of a plugin's output.
pub(crate) fn parse(line: &[u8]) -> Result<Said, &'static str> {
    let Ok(Value::Object(object)) = serde_json::from_slice(line) else { return Err("no JSON object") };
    let kind = text(&object, "type").ok_or("an object without a \"type\"")?;
    Ok(match kind.as_str() {
        "ack" => Said::Ack(number(&object, "seq").ok_or("an ack without a number as \"seq\"")?),
        "hello" => Said::Hello(hello(&object)?),
        "error" => Said::Error(SaidError {
            seq: number(&object, "seq"),
            message: text(&object, "message").unwrap_or_else(|| "no message".into()),
            fatal: flag(&object, "fatal"),
            permanent: flag(&object, "permanent"),
        }),
        "log" => Said::Log {
            level: text(&object, "level").unwrap_or_else(|| "info".into()),
            message: text(&object, "message").ok_or("a log without a \"message\"")?,
        },
        _ => Said::Unknown(kind),
    })
}

fn hello(object: &Map<String, Value>) -> Result<Hello, &'static str> {
    let events = match object.get("events") {
        None | Some(Value::Null) => None,
        Some(Value::Array(names)) => {
            let names = names.iter().map(|name| name.as_str().map(str::to_owned));
            Some(names.collect::<Option<_>>().ok_or("a hello whose \"events\" are no texts")?)
        }
        Some(_) => return Err("a hello whose \"events\" are no list"),
    };
    Ok(Hello {
        protocol: number(object, "protocol").ok_or("a hello without a number as \"protocol\"")?,
        name: text(object, "name").ok_or("a hello without a \"name\"")?,
        version: text(object, "version").unwrap_or_default(),
        events,
        batch: number(object, "batch").unwrap_or(1).max(1),
    })
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    let end = text.floor_char_boundary(TEXT_LIMIT);
    Some(text[..end].to_owned())
}

fn number(object: &Map<String, Value>, name: &str) -> Option<u64> {
    object.get(name)?.as_u64()
}

fn flag(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Appends the host's greeting.
pub(crate) fn push_hello(out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail, here and below.
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(out, "{{\"type\":\"hello\",\"protocol\":{PROTOCOL},\"host_version\":\"{version}\"}}");
}

/// Appends what a plugin must know of a watch before its first event.
pub(crate) fn push_configure(watch: &str, root: &[u8], options: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"configure\",\"watch\":");
    push_json_str(out, watch);
    out.push(b',');
    push_json_path(out, "root", root);
    out.extend_from_slice(b",\"options\":");
    out.extend_from_slice(one_line(options).as_bytes());
    out.extend_from_slice(b"}\n");
}

/// Options as an object on one line, however they were written.
fn one_line(options: &str) -> String {
    let options = serde_json::from_str(options).ok().filter(Value::is_object);
    options.map_or_else(|| "{}".into(), |options| options.to_string())
}

/// Appends the wish that everything seen so far be acknowledged.
pub(crate) fn push_flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"flush\"}\n");
}

/// Appends the farewell.
pub(crate) fn push_bye(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"bye\"}\n");
}

/// The kinds of events that are not of an event stream.
const OF_UNITS: [&str; 5] = ["complete", "incomplete", "removed", "gap_opened", "gap_closed"];

/// The event's kind in this protocol.
pub(crate) const fn kind_of(kind: Kind, cause: Cause) -> &'static str {
    match (kind, cause) {
        (Kind::Happening(what), _) => what.name(),
        (Kind::Dataset, Cause::Overdue) => "incomplete",
        (Kind::File | Kind::Symlink | Kind::Special | Kind::Dataset, _) => "complete",
        (Kind::Removal { .. }, _) => "removed",
        (Kind::Gap { closed: false }, _) => "gap_opened",
        (Kind::Gap { closed: true }, _) => "gap_closed",
    }
}

/// Appends an event. `type`, `seq` and `kind` stand first in that order, so that a shell can cut them out.
pub(crate) fn push_event(seq: u64, parcel: &Parcel, out: &mut Vec<u8>) {
    let kind = kind_of(parcel.kind, parcel.cause);
    let _ = write!(out, "{{\"type\":\"event\",\"seq\":{seq},\"kind\":\"{kind}\",\"watch\":");
    push_json_str(out, &parcel.source);
    out.push(b',');
    push_json_path(out, "root", &parcel.root);
    out.push(b',');
    push_json_path(out, "path", &parcel.path);
    let id = parcel.event.id;
    let _ = write!(out, ",\"id\":\"{id}\"");
    if parcel.attempt > 1 {
        let _ = write!(out, ",\"attempt\":{}", parcel.attempt);
    }
    match parcel.kind {
        Kind::Happening(_) => push_happening(parcel, out),
        _ => push_unit(parcel, out),
    }
    out.extend_from_slice(b"}\n");
}

fn push_happening(parcel: &Parcel, out: &mut Vec<u8>) {
    let Detail { is_dir, synthetic, cookie, moved } = Detail::unpack(parcel.size);
    let time = parcel.mtime;
    let _ = write!(out, ",\"is_dir\":{is_dir},\"synthetic\":{synthetic},\"time\":\"{time}\"");
    if cookie != 0 {
        let _ = write!(out, ",\"cookie\":{cookie}");
    }
    if moved && let Some(from) = moved_from(parcel) {
        out.push(b',');
        push_json_path(out, "old_path", &from);
    }
}

/// Where the other half of a rename was; only the event itself says that.
fn moved_from(parcel: &Parcel) -> Option<Vec<u8>> {
    let event: Value = serde_json::from_slice(&parcel.event.line(1)).ok()?;
    model::text::json_path(event.get("data")?.get("event")?.get("moved")?, "from")
}

/// The native event comes last: it is as long as it likes.
fn push_unit(parcel: &Parcel, out: &mut Vec<u8>) {
    let is_dir = matches!(parcel.kind, Kind::Dataset | Kind::Removal { dataset: true });
    let synthetic = parcel.cause != Cause::Arrived;
    let time = parcel.admitted;
    let _ = write!(out, ",\"is_dir\":{is_dir},\"synthetic\":{synthetic},\"time\":\"{time}\"");
    if !matches!(parcel.kind, Kind::Gap { .. }) {
        let _ = write!(out, ",\"size\":{},\"mtime\":\"{}\"", parcel.size, parcel.mtime);
    }
    out.extend_from_slice(b",\"event\":");
    parcel.event.push_line(parcel.attempt, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::parcel;

    fn object(line: &[u8]) -> Value {
        assert_eq!(line.split(|&byte| byte == b'\n').count(), 2);
        serde_json::from_slice(line).unwrap()
    }

    #[test]
    fn what_a_plugin_says_is_read_and_what_is_no_message_is_told_apart() {
        let hello =
            parse(br#"{"type":"hello","protocol":1,"name":"n","version":"2","events":["open","opne"]}"#);
        let Ok(Said::Hello(hello)) = hello else { panic!("{hello:?}") };
        assert!(hello.wants("open") && !hello.wants("create") && hello.batch == 1);
        assert_eq!(hello.unknown_kinds(), ["opne"]);
        assert_eq!(parse(br#"{"type":"ack","seq":7}"#), Ok(Said::Ack(7)));
        let Ok(Said::Error(error)) = parse(br#"{"type":"error","seq":3,"message":"m","permanent":true}"#)
        else {
            panic!("no error")
        };
        assert!(error.permanent && !error.fatal && error.seq == Some(3));
        assert_eq!(parse(br#"{"type":"progress"}"#), Ok(Said::Unknown("progress".into())));
        for broken in
            ["", "x", "7", "[]", "{}", r#"{"type":"ack"}"#, r#"{"type":"ack","seq":-1}"#, "{\"type\":"]
        {
            assert!(parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_long_text_is_cut_where_a_character_ends() {
        let line = format!(r#"{{"type":"log","message":"{}"}}"#, "é".repeat(5000));
        let Ok(Said::Log { message, .. }) = parse(line.as_bytes()) else { panic!("no log") };
        assert_eq!(message, "é".repeat(TEXT_LIMIT / 2));
    }

    #[test]
    fn options_stay_on_one_line() {
        let mut out = Vec::new();
        push_configure("w", b"/a\xff", "{\n \"x\": \"a\\nb\"\n}", &mut out);
        let configure = object(&out);
        assert_eq!(configure["options"]["x"], "a\nb");
        assert_eq!(model::text::json_path(&configure, "root").unwrap(), b"/a\xff");
        out.clear();
        push_configure("w", b"/", "no json", &mut out);
        assert_eq!(object(&out)["options"], serde_json::json!({}));
    }

    #[test]
    fn a_unit_brings_its_native_event_and_any_name_is_one_line() {
        let mut out = Vec::new();
        push_event(5, &parcel(b"a\n\"\xff"), &mut out);
        assert!(out.starts_with(b"{\"type\":\"event\",\"seq\":5,\"kind\":\"complete\",\"watch\":\"stage1\""));
        let event = object(&out);
        assert_eq!(model::text::json_path(&event, "path").unwrap(), b"a\n\"\xff");
        assert_eq!((&event["size"], &event["is_dir"]), (&1234.into(), &false.into()));
        assert_eq!(event["event"]["id"], event["id"]);
    }

    #[test]
    fn every_kind_has_a_name_and_no_two_share_one() {
        let mut names: Vec<_> = Kind::all().map(|kind| kind_of(kind, Cause::Arrived)).collect();
        names.dedup();
        // Files, links, special files and datasets are all `complete`; removals are one, too.
        assert_eq!(names.len(), OF_UNITS.len() - 1 + Happening::ALL.len());
        assert_eq!(kind_of(Kind::Dataset, Cause::Overdue), "incomplete");
    }
}
