use std::fs;
use std::path::Path;
use std::time::Duration;

use config::{ScribeLog, ScribeSink, ScribeStyle};
use jiff::tz::TimeZone;
use model::{Detail, Happening, Kind, Moved, Parcel, Stamp};
use tempfile::TempDir;

use super::{build, sentences};
use crate::samples::{happening, parcel};
use crate::sink::{Outcome, Sink, Trouble};

const SOON: Duration = Duration::from_secs(30);
const FILE: Detail = Detail { is_dir: false, synthetic: false, cookie: 0, moved: false };
const DIR: Detail = Detail { is_dir: true, ..FILE };

fn told(what: Happening, path: &[u8], detail: Detail) -> Parcel {
    happening(1, what, path, detail, None)
}

fn lines_in(parcel: &Parcel, zone: &TimeZone) -> String {
    let mut out = Vec::new();
    sentences::push(parcel, zone, &mut out);
    String::from_utf8(out).unwrap()
}

/// The lines without the time.
fn lines(parcel: &Parcel) -> Vec<String> {
    let text = lines_in(parcel, &TimeZone::UTC);
    let without = |line: &str| line["2026-11-21 01:59:03.900000 ".len()..].to_owned();
    text.lines().map(without).collect()
}

fn line(what: Happening, path: &[u8], detail: Detail) -> String {
    let lines = lines(&told(what, path, detail));
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.into_iter().next().unwrap()
}

/// What the original wrote for `touch foo; echo>foo; chmod; mv foo bar; mkdir d` below /S/w.
#[test]
fn the_log_of_the_original_line_for_line() {
    use Happening::{
        Access, Attrib, CloseNowrite, CloseWrite, Create, Modify, MovedFrom, MovedTo, Open, WatchInit,
    };
    let moved = Moved { from: (*b"/S/w/foo").into(), to: (*b"/S/w/bar").into() };
    let mut events: Vec<Parcel> = vec![told(WatchInit, b"", DIR)];
    let of_foo = [Create, Open, Attrib, CloseWrite, Open, Modify, CloseWrite, Attrib, MovedFrom];
    events.extend(of_foo.map(|what| told(what, b"foo", FILE)));
    let second = Detail { cookie: 7, moved: true, ..FILE };
    events.push(happening(1, MovedTo, b"bar", second, Some(&moved)));
    events.extend([Create, Open, Access, CloseNowrite].map(|what| told(what, b"d", DIR)));
    let expected = "\
scribe: /S/w: WATCH STARTED
scribe: /S/w: file 'foo' was CREATED
scribe: /S/w: file 'foo' was OPENED
scribe: /S/w: The METADATA for file 'foo' was changed
scribe: /S/w: file 'foo' was CLOSED
scribe: /S/w: file 'foo' was OPENED
scribe: /S/w: file 'foo' was MODIFIED
scribe: /S/w: file 'foo' was CLOSED
scribe: /S/w: The METADATA for file 'foo' was changed
scribe: /S/w: file 'foo' just MOVED OUT
scribe: /S/w: file 'bar' just MOVED IN
scribe: MOVE events matched: file '/S/w/foo' was moved to '/S/w/bar'
scribe: /S/w: directory 'd' was CREATED
scribe: /S/w: directory 'd' was OPENED
scribe: /S/w: directory 'd' was ACCESSED
scribe: /S/w: directory 'd' was CLOSED without been written to";
    let events = events.into_iter().map(|event| Parcel { root: b"/S/w".as_slice().into(), ..event });
    let written: Vec<String> = events.flat_map(|event| lines(&event)).collect();
    assert_eq!(written.join("\n"), expected);
}

#[test]
fn what_is_not_in_the_original_s_example() {
    assert_eq!(line(Happening::Delete, b"a/b/c", FILE), "scribe: /data/stage1/a/b: file 'c' was DELETED");
    assert_eq!(
        line(Happening::DeleteSelf, b"", DIR),
        "scribe: /data/stage1: watched directory '.' was itself DELETED"
    );
    assert_eq!(
        line(Happening::MoveSelf, b"", FILE),
        "scribe: /data/stage1: watched file '.' was itself MOVED"
    );
    assert_eq!(
        line(Happening::Attrib, b"", DIR),
        "scribe: /data/stage1: The METADATA for directory '.' was changed"
    );
    assert_eq!(line(Happening::WatchDead, b"", DIR), "scribe: /data/stage1: WATCH STOPPED");
    assert_eq!(
        line(Happening::Overflow, b"", DIR),
        "scribe: /data/stage1: EVENTS WERE LOST by the kernel (queue overflow); what changed meanwhile follows"
    );
    let synthetic = Detail { synthetic: true, ..DIR };
    assert_eq!(line(Happening::Create, b"d", synthetic), "scribe: /data/stage1: directory 'd' was CREATED");
    assert_eq!(lines(&told(Happening::WatchReconfig, b"", DIR)), [""; 0]);
    assert_eq!(lines(&parcel(b"x")), ["scribe: /data/stage1: staithe.file.complete 'x'"]);
}

/// Also the half that comes second when it is the one that left.
#[test]
fn a_rename_between_two_trees_is_matched_where_its_second_half_was_seen() {
    let moved = Moved { from: (*b"/w1/f").into(), to: (*b"/w2/g").into() };
    let detail = Detail { cookie: 7, moved: true, ..DIR };
    let event = happening(1, Happening::MovedFrom, b"f", detail, Some(&moved));
    assert_eq!(
        lines(&event),
        [
            "scribe: /data/stage1: directory 'f' just MOVED OUT",
            "scribe: MOVE events matched: directory '/w1/f' was moved to '/w2/g'"
        ]
    );
}

#[test]
fn the_time_is_local_and_whole_seconds_have_no_fraction() {
    let at = |sec, nsec, zone: &TimeZone| {
        let event = Parcel { mtime: Stamp::new(sec, nsec), ..told(Happening::WatchInit, b"", DIR) };
        lines_in(&event, zone).split(" scribe").next().unwrap().to_owned()
    };
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    assert_eq!(at(1_795_226_343, 900_000_000, &berlin), "2026-11-21 02:59:03.900000");
    assert_eq!(at(1_795_226_343, 999, &berlin), "2026-11-21 02:59:03");
    assert_eq!(at(1_782_000_000, 1_000, &berlin), "2026-06-21 02:00:00.000001");
    assert_eq!(at(0, 0, &TimeZone::UTC), "1970-01-01 00:00:00");
    assert!(at(i64::MAX, 0, &TimeZone::UTC).starts_with("1970"), "no clock says that");
}

#[test]
fn no_name_makes_a_line_of_its_own() {
    let moved = Moved { from: (*b"/a\nb").into(), to: (*b"/\xff\x1b[31m").into() };
    let name = b"x\n2026-11-21 01:59:03 scribe: etc: file 'passwd' was DELETED\\\x1b\xff\x7f";
    let detail = Detail { cookie: 1, moved: true, ..FILE };
    let mut event = happening(1, Happening::MovedTo, name, detail, Some(&moved));
    event.root = b"/da\nta/".as_slice().into();
    let mut out = Vec::new();
    sentences::push(&event, &TimeZone::UTC, &mut out);
    let lines: Vec<&[u8]> = out.split(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), 3, "two lines, and nothing after the last newline");
    assert!(lines[0].starts_with(b"2026-11-21 01:59:03.900000 scribe: /da\\nta: file 'x\\n2026"));
    assert!(lines[0].ends_with(b"'passwd' was DELETED\\\\\\x1b\xff\\x7f' just MOVED IN"));
    assert!(lines[1].ends_with(b"matched: file '/a\\nb' was moved to '/\xff\\x1b[31m'"));
    assert!(lines[2].is_empty());
}

#[test]
fn the_root_of_all_is_a_place_too() {
    let at = |path: &[u8]| {
        let event = Parcel { root: b"/".as_slice().into(), ..told(Happening::Create, path, FILE) };
        lines(&event).remove(0)
    };
    assert_eq!(at(b"f"), "scribe: /: file 'f' was CREATED");
    assert_eq!(at(b"d/f"), "scribe: /d: file 'f' was CREATED");
}

fn scribe(path: &Path, style: ScribeStyle) -> Box<dyn Sink> {
    build(&ScribeSink { log: ScribeLog::File(path.to_owned()), style }, SOON)
}

fn batch(first: u64, count: u64) -> Vec<Parcel> {
    let event = |seq| happening(seq, Happening::Create, format!("d/f{seq}").as_bytes(), FILE, None);
    (first..first + count).map(event).collect()
}

/// `YYYY-MM-DD HH:MM:SS.ffffff scribe: /data/stage1/d: file 'fN' was CREATED`
fn is_whole(line: &str) -> bool {
    let shape = "dddd-dd-dd dd:dd:dd.dddddd";
    line.is_char_boundary(shape.len())
        && line.len() > shape.len()
        && shape.bytes().zip(line.bytes()).all(|(want, byte)| match want {
            b'd' => byte.is_ascii_digit(),
            want => byte == want,
        })
        && line[shape.len()..]
            .strip_prefix(" scribe: /data/stage1/d: file 'f")
            .and_then(|rest| rest.strip_suffix("' was CREATED"))
            .is_some_and(|number| number.parse::<u64>().is_ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_scribes_write_whole_lines_into_one_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let write = |first: u64| {
        let mut sink = scribe(&path, ScribeStyle::Text);
        tokio::spawn(async move {
            for at in (first..first + 5000).step_by(100) {
                assert_eq!(sink.deliver(&batch(at, 100)).await, Ok(vec![Outcome::Delivered; 100]));
            }
        })
    };
    let (one, two) = (write(1), write(10_000));
    one.await.unwrap();
    two.await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 10_000);
    for line in text.lines() {
        assert!(is_whole(line), "{line}");
    }
}

#[tokio::test]
async fn lines_that_say_nothing_are_delivered_all_the_same() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let mut sink = scribe(&path, ScribeStyle::Text);
    let silent = vec![told(Happening::WatchReconfig, b"", DIR); 3];
    assert_eq!(sink.deliver(&silent).await, Ok(vec![Outcome::Delivered; 3]));
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[tokio::test]
async fn a_log_that_was_rotated_goes_on_in_a_new_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let mut sink = scribe(&path, ScribeStyle::Text);
    sink.deliver(&batch(1, 2)).await.unwrap();
    fs::rename(&path, dir.path().join("log.1")).unwrap();
    sink.deliver(&batch(3, 1)).await.unwrap();
    sink.reopen();
    sink.deliver(&batch(4, 1)).await.unwrap();
    let count = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap().lines().count();
    assert_eq!((count("log.1"), count("log")), (2, 2));
}

#[tokio::test]
async fn trouble_has_its_fix_and_heals() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut sink = scribe(&path, ScribeStyle::Text);
    let Err(Trouble::Down(text)) = sink.deliver(&batch(1, 2)).await else { panic!("not down") };
    assert!(text.starts_with("E-SINK-DISK-FULL") && text.contains("Fix:"), "{text}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let Err(Trouble::Misconfigured(text)) = sink.deliver(&batch(1, 2)).await else { panic!("a directory") };
    assert!(text.contains("Fix:"), "{text}");
    fs::remove_dir(&path).unwrap();
    sink.deliver(&batch(1, 2)).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn the_same_as_json_lines() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let mut sink = scribe(&path, ScribeStyle::Json);
    sink.deliver(&batch(1, 1)).await.unwrap();
    let event: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(event["type"], "staithe.fs.create");
    assert_eq!((&event["data"]["path"], &event["data"]["event"]["what"]), (&"d/f1".into(), &"create".into()));
    assert_eq!(Kind::Happening(Happening::Create).noun(), event["data"]["kind"]);
}
