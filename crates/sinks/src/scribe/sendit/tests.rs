use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use config::{ScribeLog, ScribeSink, ScribeStyle};
use model::{Detail, Happening, Moved, Parcel};
use tempfile::TempDir;

use super::{finished_name, push_dicom, push_printed};
use crate::lines::{LineWriter, Wording};
use crate::samples::{happening, parcel};
use crate::scribe::build;

const FILE: Detail = Detail { is_dir: false, synthetic: false, cookie: 0, moved: false };
const DIR: Detail = Detail { is_dir: true, ..FILE };

/// A happening below this root.
fn told(root: &Path, what: Happening, path: &[u8]) -> Parcel {
    let root = root.as_os_str().as_bytes();
    Parcel { root: root.into(), ..happening(1, what, path, DIR, None) }
}

fn written(push: fn(&Parcel, &mut Vec<u8>), parcel: &Parcel) -> String {
    let mut out = Vec::new();
    push(parcel, &mut out);
    String::from_utf8(out).unwrap()
}

fn dicom(parcel: &Parcel) -> String {
    written(push_dicom, parcel)
}

fn printed(parcel: &Parcel) -> String {
    written(push_printed, parcel)
}

/// The names of the specification's table, and more of the kind.
#[test]
fn names_are_finished_as_python_sees_them() {
    for name in ["a.TMP", "tmp", ".tmp", "x.template", "y.tmp.d", "z.part", "test_finished", "ST-1", "p"] {
        assert!(finished_name(name.as_bytes()), "{name}");
    }
    for name in ["b..tmp", "c.tmpl", "in.tmpX", "nf.tmp1234", "a.tmp", ".a.tmp", "..a.tmp", "\u{e9}.tmp"] {
        assert!(!finished_name(name.as_bytes()), "{name}");
    }
    for name in ["", ".", "..", "...", "..tmp", "...tmp", "tmp.", "x.tmp.", "x.Tmp", "x. tmp", ".tmp.x"] {
        assert!(finished_name(name.as_bytes()), "{name}");
    }
    assert!(finished_name(b"\xff") && !finished_name(b"\xff.tmp\xff") && finished_name(b"x.\xfftmp"));
}

/// What Python itself says of 100 000 names that are full of dots.
#[test]
fn names_are_finished_exactly_where_python_says_so() {
    const SCRIPT: &str = "import os, sys\n\
        for name in sys.stdin.buffer.read().split(b'\\0'):\n    \
        print(int(not os.path.splitext(b'/data/' + name)[1].strip(b'.').startswith(b'tmp')))";
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let parts: [&[u8]; 10] = [b".", b".", b"..", b"tmp", b"tmp", b"t", b"TMP", b"x", b"\xff", b" "];
    let mut name = || (0..=roll(6)).flat_map(|_| parts[roll(10) as usize]).copied().collect::<Vec<u8>>();
    let names: Vec<Vec<u8>> = (0..100_000).map(|_| name()).collect();
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let (mut input, all) = (python.stdin.take().unwrap(), names.join(&0));
    let feed = std::thread::spawn(move || input.write_all(&all).unwrap());
    let said = python.wait_with_output().unwrap().stdout;
    feed.join().unwrap();
    let said: Vec<bool> =
        said.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| line == b"1").collect();
    assert_eq!(said.len(), names.len());
    for (name, said) in names.iter().zip(said) {
        assert_eq!(finished_name(name), said, "{}", name.escape_ascii());
    }
}

/// A disk may hang: what is decided before the sink's own thread has the lines must not need it.
#[test]
fn the_tree_is_looked_at_when_the_lines_are_written() {
    let dir = TempDir::new().unwrap();
    let draft = Wording::Dicom.draft(&[told(dir.path(), Happening::Create, b"now")]);
    fs::create_dir(dir.path().join("now")).unwrap();
    let mut out = Vec::new();
    LineWriter::default().write(&mut out, &draft.finish());
    assert!(String::from_utf8(out).unwrap().contains("LOG 2|FINISHED: "));
}

/// The table of the specification, line for line: what is told of each action, with the tree as it is then.
#[test]
fn the_table_of_the_original() {
    use Happening::{CloseWrite, Create, Modify, MovedTo};
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let lines = |what: Happening, name: &str| {
        let written = dicom(&told(at, what, name.as_bytes()));
        written.replace(at.to_str().unwrap(), "D")
    };
    let make = |name: &str| fs::create_dir(at.join(name)).unwrap();
    make("test_finished");
    let created =
        |name: &str, verdict: &str| format!("LOG 1|CREATE EVENT: D/{name}\nLOG 2|{verdict}: D/{name}\n");
    assert_eq!(lines(Create, "test_finished"), created("test_finished", "FINISHED"));
    make("nf.tmp1234");
    assert_eq!(lines(Create, "nf.tmp1234"), created("nf.tmp1234", "NOTFINISHED"));
    fs::rename(at.join("nf.tmp1234"), at.join("ST-1")).unwrap();
    assert_eq!(lines(MovedTo, "ST-1"), "LOG 1|MOVEDTO EVENT: D/ST-1\nLOG 2|FINISHED: D/ST-1\n");
    fs::write(at.join("plain.txt"), "x").unwrap();
    assert_eq!(lines(Create, "plain.txt"), created("plain.txt", "NOTFINISHED"));
    let plain = "EVENT: D/plain.txt\nLOG 2|NOTFINISHED: D/plain.txt\n";
    assert_eq!(lines(CloseWrite, "plain.txt"), format!("LOG 1|CLOSEWRITE {plain}"));
    assert_eq!(lines(Modify, "plain.txt"), format!("LOG 1|MODIFY {plain}"));
    for (names, verdict) in [
        (["a.TMP", "tmp", ".tmp", "x.template", "y.tmp.d", "z.part", "p"].as_slice(), "FINISHED"),
        (["b..tmp", "c.tmpl", "in.tmpX"].as_slice(), "NOTFINISHED"),
    ] {
        for name in names {
            make(name);
            assert_eq!(lines(Create, name), created(name, verdict));
        }
    }
    symlink(at.join("p"), at.join("link")).unwrap();
    assert_eq!(lines(Create, "link"), created("link", "FINISHED"));
    symlink(at.join("p"), at.join("link.tmp")).unwrap();
    assert_eq!(lines(Create, "link.tmp"), created("link.tmp", "NOTFINISHED"));
    symlink(at.join("plain.txt"), at.join("file-link")).unwrap();
    assert_eq!(lines(Create, "file-link"), created("file-link", "NOTFINISHED"));
    symlink(at.join("none"), at.join("dangling")).unwrap();
    assert_eq!(lines(Create, "dangling"), created("dangling", "NOTFINISHED"));
    // Made and removed at once: what is there when the line is written counts.
    assert_eq!(lines(Create, "gone"), created("gone", "NOTFINISHED"));
}

#[test]
fn other_events_give_no_line_of_dicom_celery() {
    use Happening::{
        Access, Attrib, CloseNowrite, Delete, DeleteSelf, MovedFrom, Open, WatchDead, WatchInit,
        WatchReconfig,
    };
    let dir = TempDir::new().unwrap();
    let silent = [
        Access,
        Attrib,
        CloseNowrite,
        Delete,
        DeleteSelf,
        MovedFrom,
        Open,
        WatchDead,
        WatchInit,
        WatchReconfig,
    ];
    for what in silent {
        assert_eq!(dicom(&told(dir.path(), what, b"x")), "", "{what:?}");
    }
    // An arrival is none of its events.
    assert_eq!(dicom(&parcel(b"x")), "");
    assert_eq!(printed(&parcel(b"x")), "");
}

#[test]
fn the_root_itself_and_losses() {
    let dir = tempfile::Builder::new().prefix("root").tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let moved = told(dir.path(), Happening::MoveSelf, b"");
    // The original said `…-unknown-path`, and that of everything from then on.
    let expected = format!("LOG 1|MOVE EVENT: {root}\nLOG 2|FINISHED: {root}\n");
    assert_eq!(dicom(&moved), expected);
    let slash = Parcel { root: format!("{root}/").as_bytes().into(), ..moved };
    assert_eq!(printed(&slash), format!("IN MOVE SELF: {root}\n"));
    let of_all = told(Path::new("/"), Happening::Create, b"x");
    assert_eq!(printed(&of_all), "IN CREATE: /x\n");
    assert_eq!(printed(&told(Path::new("/"), Happening::DeleteSelf, b"")), "IN DELETE SELF: /\n");
    let lost = told(dir.path(), Happening::Overflow, b"");
    assert_eq!(
        dicom(&lost),
        "WARNING events were lost by the kernel (queue overflow); the directory is read again\n"
    );
    assert_eq!(printed(&lost), format!("IN Q OVERFLOW: {root}\n"));
}

#[test]
fn every_event_has_the_words_of_the_printer() {
    let words: Vec<String> = Happening::ALL
        .into_iter()
        .map(|what| printed(&told(Path::new("/S"), what, b"f")))
        .filter(|line| !line.is_empty())
        .collect();
    let mut words: Vec<&str> = words.iter().map(|line| line.strip_suffix(": /S/f\n").unwrap()).collect();
    words.sort_unstable();
    let expected = [
        "IN ACCESS",
        "IN CLOSE NOWRITE",
        "IN CLOSE WRITE",
        "IN CREATE",
        "IN DELETE",
        "IN DELETE SELF",
        "IN MODIFY",
        "IN MOVE SELF",
        "IN MOVED FROM",
        "IN MOVED TO",
        "IN OPEN",
        "IN Q OVERFLOW",
    ];
    assert_eq!(words, expected);
}

#[test]
fn odd_names_stay_one_line_of_text() {
    let dir = TempDir::new().unwrap();
    let name = b"ST-\xff\n\x1b[31m\xc3\xa9";
    fs::create_dir(dir.path().join(OsStr::from_bytes(name))).unwrap();
    let root = dir.path().to_str().unwrap();
    let shown = format!("{root}/ST-\\xff\\n\\x1b[31m\u{e9}\n");
    let expected = format!("LOG 1|CREATE EVENT: {shown}LOG 2|FINISHED: {shown}");
    assert_eq!(dicom(&told(dir.path(), Happening::Create, name)), expected);
}

/// What a scan found after losses is told as it would have been; a rename that was put together has one line, too.
#[test]
fn nothing_is_told_of_where_an_event_comes_from() {
    let moved = Moved { from: (*b"/S/a").into(), to: (*b"/S/b").into() };
    let detail = Detail { cookie: 7, moved: true, synthetic: true, ..DIR };
    let event = happening(1, Happening::MovedTo, b"b", detail, Some(&moved));
    assert_eq!(printed(&event), "IN MOVED TO: /data/stage1/b\n");
    assert_eq!(dicom(&event).lines().count(), 2);
}

/// The whole way: the sink looks at the tree when it writes, and the file has whole lines.
#[tokio::test]
async fn a_file_gets_the_lines() {
    let dir = TempDir::new().unwrap();
    let (tree, log) = (dir.path().join("D"), dir.path().join("logs/watcher.out"));
    fs::create_dir_all(tree.join("now")).unwrap();
    for (style, expected) in [
        (
            ScribeStyle::Dicom,
            "LOG 1|MOVEDTO EVENT: D/now\nLOG 2|FINISHED: D/now\nLOG 1|CREATE EVENT: D/x\nLOG 2|NOTFINISHED: D/x\n",
        ),
        (ScribeStyle::Events, "IN MOVED TO: D/now\nIN CREATE: D/x\n"),
    ] {
        let plan = ScribeSink { log: ScribeLog::File(log.clone()), style };
        let mut sink = build(&plan, std::time::Duration::from_secs(30));
        let batch = [
            told(&tree, Happening::MovedTo, b"now"),
            told(&tree, Happening::Attrib, b"now"),
            told(&tree, Happening::Create, b"x"),
        ];
        assert_eq!(sink.deliver(&batch).await.unwrap().len(), 3);
        let text = fs::read_to_string(&log).unwrap().replace(tree.to_str().unwrap(), "D");
        assert_eq!(text, expected);
        fs::remove_file(&log).unwrap();
    }
}
