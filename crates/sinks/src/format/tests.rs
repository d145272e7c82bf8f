use std::time::Duration;

use config::{Format, SinkKind, SinkPlan};
use model::{Cause, EventId, Frozen, Kind, Members, Parcel, Stamp};

use super::{encode, tells};
use crate::samples::{dataset, parcel};

fn text(format: &Format, parcel: &Parcel) -> String {
    let mut out = Vec::new();
    encode(format, parcel, &mut out);
    String::from_utf8(out).unwrap()
}

fn metwork(root: &[u8], path: &[u8], admitted: Stamp, cause: Cause) -> String {
    let parcel = Parcel { root: root.into(), admitted, cause, ..parcel(path) };
    text(&Format::Metwork, &parcel)
}

#[test]
fn metwork_bytes_are_those_of_the_recordings() {
    let at = Stamp::new(1_795_226_343, 173_061_999);
    assert_eq!(
        metwork(b"in/d1", b"a.txt", at, Cause::Arrived),
        r#"{"directory": "in/d1", "filename": "a.txt", "event": "created", "event_timestamp": 1795226343.173061}"#
    );
    let whole = Stamp::new(1_795_226_343, 0);
    assert_eq!(
        metwork(b"./in//d1/", "\u{e9}t\u{e9}.txt".as_bytes(), whole, Cause::Found),
        r#"{"directory": "./in//d1/", "filename": "\u00e9t\u00e9.txt", "event": "exists", "event_timestamp": 1795226343.0}"#
    );
}

#[test]
fn metwork_escapes_like_python() {
    let name = |path: &[u8]| {
        let line = metwork(b"d", path, Stamp::new(1, 0), Cause::Reannounced);
        line.split("\"filename\": ").nth(1).unwrap().split(", \"event\"").next().unwrap().to_owned()
    };
    assert_eq!(name(b"a\"b"), r#""a\"b""#);
    assert_eq!(name(b"a\\b"), r#""a\\b""#);
    assert_eq!(name(b"a\tb\n\r\x08\x0c"), r#""a\tb\n\r\b\f""#);
    assert_eq!(name(b"a\x01b\x7f"), r#""a\u0001b\u007f""#);
    assert_eq!(name("\u{1f600}.bin".as_bytes()), r#""\ud83d\ude00.bin""#);
    assert_eq!(name(b"b\xffd"), r#""b\udcffd""#);
    assert_eq!(name(b"\xc3\xa9\xc3"), r#""\u00e9\udcc3""#);
    assert_eq!(name(b"\xed\xa0\x80"), r#""\udced\udca0\udc80""#);
    assert_eq!(name(b"</'&>"), r#""</'&>""#);
}

#[test]
fn metwork_times_are_what_python_prints() {
    for (sec, nsec) in
        [(1_795_226_343, 100_000_000), (0, 1_000), (0, 0), (1_800_000_000, 999_999_999), (12, 340_000)]
    {
        let at = Stamp::new(sec, nsec);
        let line = metwork(b"d", b"f", at, Cause::Arrived);
        let shown = line.split("event_timestamp\": ").nth(1).unwrap().trim_end_matches('}');
        assert!((shown.parse::<f64>().unwrap() - at.as_seconds_f64()).abs() < f64::EPSILON, "{shown}");
        assert!(shown.contains('.'), "{shown}");
        if sec > 0 {
            assert_eq!(shown, format!("{:?}", at.as_seconds_f64()));
        }
    }
}

#[test]
fn metwork_times_far_away_do_not_panic() {
    for at in
        [Stamp::new(-1, 5), Stamp::new(i64::MAX, 0), Stamp::new(i64::MIN, 0), Stamp::new(1 << 33, 1_000)]
    {
        assert!(metwork(b"d", b"f", at, Cause::Arrived).ends_with('}'));
    }
}

#[test]
fn the_native_line_carries_the_attempt_and_is_otherwise_frozen() {
    let mut parcel = parcel(b"a/b");
    let one = text(&Format::CloudEvents, &parcel);
    assert_eq!(one.as_bytes(), parcel.event.line(1));
    parcel.attempt = 7;
    assert_eq!(text(&Format::CloudEvents, &parcel).as_bytes(), parcel.event.line(7));
}

#[test]
fn flat_has_every_field_and_no_nesting() {
    let parcel = Parcel { attempt: 3, ..parcel(b"a/b \"{},:[]\\ \xff.dat") };
    let line = text(&Format::Flat, &parcel);
    let flat: serde_json::Value = serde_json::from_str(&line).unwrap();
    let native: serde_json::Value = serde_json::from_slice(&parcel.event.line(3)).unwrap();
    for name in ["id", "source", "type", "time"] {
        assert_eq!(flat[name], native[name]);
    }
    for name in ["root", "path", "path_b64", "kind", "size", "mtime", "inode", "generation"] {
        assert_eq!(flat[name], native["data"][name], "{name}");
        assert!(!flat[name].is_null(), "{name}");
    }
    assert_eq!(flat["complete_rule"], native["data"]["complete"]["rule"]);
    assert_eq!(flat["complete_signals"], serde_json::json!(["closed", "writer_gone"]));
    assert_eq!(flat["observer_from_scan"], false);
    assert_eq!(flat["delivery_attempt"], 3);
    assert!(flat.as_object().unwrap().values().all(|value| !value.is_object()), "{line}");
    assert!(flat.get("data").is_none() && flat.get("subject").is_none());
}

#[test]
fn flat_survives_bytes_that_are_no_event() {
    for body in [&b""[..], b"{", b"{\"id\"", b"{\"id\":", b"{\"data\":{\"a\":", b"[[[", b"{\"a\":\"\\"] {
        let event = Frozen { id: EventId([0; 16]), body: body.into() };
        let parcel = Parcel { event, ..parcel(b"x") };
        assert!(text(&Format::Flat, &parcel).ends_with('}'));
    }
}

#[test]
fn a_path_is_absolute_and_keeps_its_bytes() {
    let line = |root: &[u8], path: &[u8]| {
        let mut out = Vec::new();
        encode(&Format::Path, &Parcel { root: root.into(), ..parcel(path) }, &mut out);
        out
    };
    assert_eq!(line(b"/data/in", b"a/b\xff\n"), b"/data/in/a/b\xff\n");
    assert_eq!(line(b"/data/in/", b"a"), b"/data/in/a");
    assert_eq!(line(b"/", b"a"), b"/a");
    let here = std::env::current_dir().unwrap().join("in/d1/a").into_os_string().into_encoded_bytes();
    assert_eq!(line(b"in/d1", b"a"), here);
}

#[test]
fn a_template_replaces_known_names_only() {
    let template =
        r#"{"p":"{path}","n":{size},"x":{nope},{{name}} {id} {mtime} {generation} {source} {root} {"#;
    let parcel = Parcel { mtime: Stamp::new(0, 0), size: 12, generation: 4, ..parcel(b"a/b.c") };
    let id = parcel.event.id;
    let expected = format!(
        r#"{{"p":"a/b.c","n":12,"x":{{nope}},{{b.c}} {id} 1970-01-01T00:00:00Z 4 stage1 /data/stage1 {{"#
    );
    assert_eq!(text(&Format::Template(template.into()), &parcel), expected);
    assert_eq!(text(&Format::Template("{path".into()), &parcel), "{path");
    assert_eq!(text(&Format::Template(String::new()), &parcel), "");
}

#[test]
fn special_kinds_do_not_change_the_formats() {
    let parcel = Parcel { kind: Kind::Special, ..parcel(b"fifo") };
    assert!(text(&Format::Metwork, &parcel).contains("\"filename\": \"fifo\""));
}

/// Not a benchmark, a guard against an accident: a hundred times slower than it should be.
#[test]
fn encoding_is_cheap() {
    let parcel = parcel("some/directory/that/is/of/usual/length/observation_0001.dat".as_bytes());
    let mut out = Vec::with_capacity(1 << 20);
    for format in [Format::Metwork, Format::CloudEvents] {
        let start = std::time::Instant::now();
        for _ in 0..10_000 {
            out.clear();
            encode(&format, &parcel, &mut out);
        }
        let each = start.elapsed() / 10_000;
        assert!(each < std::time::Duration::from_micros(100), "{format:?}: {each:?} each");
    }
}

fn removal(path: &[u8]) -> Parcel {
    Parcel { kind: Kind::Removal { dataset: false }, ..parcel(path) }
}

#[test]
fn a_format_that_only_names_the_path_tells_nothing_but_arrivals() {
    let template = |text: &str| Format::Template(text.into());
    let all = [
        (Format::CloudEvents, true),
        (Format::Flat, true),
        (Format::Metwork, true),
        (Format::Path, false),
        (template("{path}"), false),
        (template("{type} {path}"), true),
    ];
    for (format, anything) in all {
        let (name, timeout) = ("s".to_owned(), Duration::from_secs(1));
        let plan = SinkPlan { name, kind: SinkKind::Stdout, format, max_attempts: 0, timeout };
        for kind in Kind::all() {
            assert_eq!(tells(&plan, kind), anything || kind.is_unit(), "{plan:?} {kind:?}");
        }
    }
}

#[test]
fn metwork_has_a_word_for_each_kind() {
    let word = |parcel: &Parcel| {
        let value: serde_json::Value = serde_json::from_str(&text(&Format::Metwork, parcel)).unwrap();
        value["event"].as_str().unwrap().to_owned()
    };
    let gap = |closed| Parcel { kind: Kind::Gap { closed }, ..parcel(b"") };
    assert_eq!(word(&removal(b"a")), "deleted");
    assert_eq!([false, true].map(|closed| word(&gap(closed))), ["gap_opened", "gap_closed"]);
    let dataset = |cause| Parcel { kind: Kind::Dataset, cause, ..parcel(b"x.ms") };
    let words = [Cause::Arrived, Cause::Overdue, Cause::Found].map(|cause| word(&dataset(cause)));
    assert_eq!(words, ["created", "created", "exists"]);
}

#[test]
fn a_template_says_what_happened() {
    let said = |parcel: &Parcel| text(&Format::Template("{type} {kind} {path}".into()), parcel);
    assert_eq!(said(&parcel(b"a")), "staithe.file.complete file a");
    assert_eq!(said(&removal(b"a")), "staithe.file.removed file a");
    let late = Parcel { kind: Kind::Dataset, cause: Cause::Overdue, ..parcel(b"x.ms") };
    assert_eq!(said(&late), "staithe.dataset.incomplete dataset x.ms");
    let name = |path: &[u8]| text(&Format::Template("{name}".into()), &parcel(path));
    assert_eq!([name(b"d/k/"), name(b"k/"), name(b"d/x")], ["k", "k", "x"], "a group's name is its key");
}

#[test]
fn flat_has_the_members_of_a_dataset() {
    let listed = vec![b"one".as_slice().into(), b"tw\xff".as_slice().into()];
    let members = Members { count: 3, listed, key: Some("k".into()) };
    let line = text(&Format::Flat, &dataset(&members));
    let flat: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&flat["type"], &flat["kind"]), (&"staithe.dataset.complete".into(), &"dataset".into()));
    assert_eq!(
        (&flat["members_count"], &flat["members_more"], &flat["members_key"]),
        (&3.into(), &1.into(), &"k".into())
    );
    assert_eq!(flat["members_listed"], serde_json::json!(["one", "tw\u{fffd}"]));
    assert_eq!(flat["members_listed_b64"], serde_json::json!(["b25l", "dHf/"]));
    assert!(flat.get("inode").is_none());
}
