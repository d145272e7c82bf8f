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
        members: None,
        moved: None,
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

#[test]
fn a_file_event_is_this_to_the_byte() {
    let line = Event { supersedes: Some(EventId([7; 16])), ..event(b"a\xff") }.freeze().line(1);
    let expected = concat!(
        r#"{"specversion":"1.0","id":"25aceed88c641873a1f9128da4aa41b5","source":"urn:staithe:obs1:stage1","#,
        r#""type":"staithe.file.complete","subject":"a%FF","time":"2026-11-21T01:59:04.123456789Z","#,
        r#""datacontenttype":"application/json","data":{"root":"/data/stage1","path":"a"#,
        "\u{fffd}",
        r#"","path_b64":"Yf8=","kind":"file","size":1234,"mtime":"2026-11-21T01:59:03.9Z","mode":"0644","#,
        r#""inode":1311,"generation":1,"supersedes":"07070707070707070707070707070707","#,
        r#""complete":{"rule":"bulletins","signals":["closed","writer_gone"],"waited_ms":3},"#,
        r#""observer":{"backend":"inotify","from_scan":false},"delivery":{"attempt":1}}}"#
    );
    assert_eq!(String::from_utf8(line).unwrap(), expected);
}

fn json(event: &Event<'_>) -> serde_json::Value {
    serde_json::from_slice(&event.freeze().line(1)).unwrap()
}

fn of_kind(path: &[u8], kind: Kind) -> Event<'_> {
    let event = event(path);
    Event { identity: Identity { kind, ..event.identity }, ..event }
}

fn names(names: &[&[u8]]) -> Vec<Box<[u8]>> {
    names.iter().map(|name| (*name).into()).collect()
}

#[test]
fn every_kind_has_a_type_and_an_id_of_its_own() {
    let said = |kind, cause| Event { cause, ..of_kind(b"x", kind) }.type_name();
    assert_eq!(said(Kind::Symlink, Cause::Found), "staithe.file.complete");
    assert_eq!(said(Kind::Dataset, Cause::Reannounced), "staithe.dataset.complete");
    assert_eq!(said(Kind::Dataset, Cause::Overdue), "staithe.dataset.incomplete");
    assert_eq!(said(Kind::Removal { dataset: true }, Cause::Arrived), "staithe.file.removed");
    assert_eq!(said(Kind::Gap { closed: false }, Cause::Arrived), "staithe.gap.opened");
    assert_eq!(said(Kind::Gap { closed: true }, Cause::Arrived), "staithe.gap.closed");
    let mut ids: Vec<EventId> = Kind::all().map(|kind| of_kind(b"x", kind).freeze().id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Kind::all().count());
    assert_eq!(json(&of_kind(b"x", Kind::Dataset))["type"], "staithe.dataset.complete");
}

#[test]
fn a_dataset_names_its_members_and_no_inode() {
    let members = Members { count: 5, listed: names(&[b"a/1", b"\"2"]), key: Some("run7".into()) };
    let value = json(&Event { members: Some(&members), ..of_kind(b"x.ms", Kind::Dataset) });
    let data = &value["data"];
    assert_eq!(
        (&data["kind"], &data["size"], &data["mode"]),
        (&"dataset".into(), &1234.into(), &"0644".into())
    );
    let expected = serde_json::json!({
        "count": 5, "size": 1234, "key": "run7", "fold": "000000000000051f", "listed": ["a/1", "\"2"], "more": 3,
    });
    assert_eq!(data["members"], expected);
    assert_eq!(data["complete"]["rule"], "bulletins");
    assert!(data.get("inode").is_none());
    let bare = json(&Event { mode: 0, ..of_kind(b"x.ms", Kind::Dataset) });
    assert!(bare["data"].get("mode").is_none() && bare["data"].get("members").is_none());
}

#[test]
fn names_that_are_no_text_come_twice_and_all_of_them() {
    let members = Members { count: 2, listed: names(&[b"plain", b"b\xff"]), key: None };
    let value = json(&Event { members: Some(&members), ..of_kind(b"x.ms", Kind::Dataset) });
    assert_eq!(value["data"]["members"]["listed"], serde_json::json!(["plain", "b\u{fffd}"]));
    assert_eq!(value["data"]["members"]["listed_b64"], serde_json::json!(["cGxhaW4=", "Yv8="]));
    assert!(value["data"]["members"].get("more").is_none());
}

#[test]
fn long_names_do_not_make_a_long_event() {
    for byte in [b'n', b'\x01', b'\xff'] {
        let listed = (0..256).map(|_| vec![byte; 900].into()).collect();
        let members = Members { count: 100_000, listed, key: None };
        let path = vec![byte; 200];
        let event = Event { members: Some(&members), ..of_kind(&path, Kind::Dataset) };
        let line = event.freeze().line(u32::MAX);
        assert!(line.len() <= EVENT_LIMIT, "{} bytes", line.len());
        assert!(line.len() > EVENT_LIMIT - 8192, "the room is used: {} bytes", line.len());
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let members = &value["data"]["members"];
        let shown = members["listed"].as_array().unwrap().len() as u64;
        assert_eq!(members["more"], 100_000 - shown);
        let encoded = members["listed_b64"].as_array().map(|list| list.len() as u64);
        assert_eq!(encoded, (byte == b'\xff').then_some(shown));
    }
}

#[test]
fn only_names_that_are_shown_decide_about_their_second_form() {
    let mut listed = names(&[b"plain"]);
    listed.push(vec![b'\xff'; 60_000].into());
    let members = Members { count: 2, listed, key: None };
    let value = json(&Event { members: Some(&members), ..of_kind(b"x.ms", Kind::Dataset) });
    let members = &value["data"]["members"];
    assert_eq!(members["listed"], serde_json::json!(["plain"]));
    assert_eq!((&members["more"], members.get("listed_b64")), (&1.into(), None));
}

#[test]
fn a_removal_says_what_is_gone() {
    let supersedes = Some(EventId([7; 16]));
    let event = Event { generation: 3, supersedes, ..of_kind(b"a", Kind::Removal { dataset: false }) };
    let data = json(&event)["data"].clone();
    assert_eq!(
        (&data["kind"], &data["size"], &data["generation"]),
        (&"file".into(), &1234.into(), &3.into())
    );
    assert_eq!(
        (&data["supersedes"], &data["removed"]["rule"]),
        (&"07".repeat(16).into(), &"bulletins".into())
    );
    assert!(["mode", "inode", "complete", "members"].iter().all(|name| data.get(name).is_none()));
    assert_eq!(json(&of_kind(b"a", Kind::Removal { dataset: true }))["data"]["kind"], "dataset");
}

#[test]
fn a_gap_is_about_the_whole_source() {
    let gap = |closed| json(&Event { rule: "overflow", ..of_kind(b"", Kind::Gap { closed }) });
    let opened = gap(false);
    assert_eq!((&opened["subject"], &opened["data"]["path"]), (&"".into(), &"".into()));
    let expected =
        serde_json::json!({"number": 1234, "opened": "2026-11-21T01:59:03.9Z", "cause": "overflow"});
    assert_eq!((&opened["data"]["gap"], &opened["data"]["kind"]), (&expected, &"gap".into()));
    for name in ["size", "mtime", "mode", "inode", "generation", "complete"] {
        assert!(opened["data"].get(name).is_none(), "{name}");
    }
    assert_eq!(gap(true)["data"]["gap"]["closed"], "2026-11-21T01:59:04.123456789Z");
    assert_eq!(opened["data"]["delivery"]["attempt"], 1);
}

#[test]
fn what_was_announced_late_was_not_found_by_a_scan() {
    let from_scan = |cause| json(&Event { cause, ..event(b"a") })["data"]["observer"]["from_scan"].clone();
    assert_eq!([Cause::Arrived, Cause::Found, Cause::Overdue].map(from_scan), [false, true, false]);
}
