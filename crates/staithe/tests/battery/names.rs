//! Names that attack: they pass through ledger, JSON, Redis and commands to the same bytes, and no
//! terminal receives a raw control byte.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use model::text::json_path;
use serde_json::Value;
use testkit::redis::Redis;
use testkit::{Landing, Scratch, Terminal, Truth, judge, wait_until};

use crate::{LONG, STEP, landing, pop, tail, to_redis_and_lines};

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"plain.dat"[..],
        b"new\nline.dat",
        b"ends with newline\n",
        b"carriage\rreturn.dat",
        b"tab\there.dat",
        b"quote\"and'apostrophe.dat",
        b"back\\slash\\n.dat",
        b"\x1b[31mred\x1b[0m.dat",
        b"\x1b]0;title\x07.dat",
        b"\x1b[2Jcleared.dat",
        b"bell\x07delete\x7f.dat",
        b"\x9b31m one byte CSI.dat",
        b"invalid \xff\xfe utf8.dat",
        b"cut \xe2\x82.dat",
        b"overlong \xc0\xaf.dat",
        b"--json",
        b"-rf.dat",
        b"$(id) `id` ${HOME} %s %n.dat",
        b"{path} {{ name }}.dat",
        b"<img src=x onerror=alert(1)>.dat",
        b"=cmd|' -C calc'!A0.dat",
        b"*3\r\n$5\r\nLPUSH\r\n.dat",
        b" leading and trailing ",
        "bidi \u{202e}txt.exe".as_bytes(),
        "separator \u{2028}\u{2029}\u{85}.dat".as_bytes(),
        "e\u{301} is not \u{e9}.dat".as_bytes(),
        "\u{e9} is not e\u{301}.dat".as_bytes(),
    ]
    .iter()
    .map(|name| name.to_vec())
    .collect();
    names.push(vec![b'a'; 255]);
    names.push([&[0xff; 251][..], b".dat"].concat());
    names.extend((1..=31).map(|byte| [b"control", &[byte][..], b".dat"].concat()));
    names
}

/// Every name in a folder whose own name is hostile as well, and once at the top.
fn write_corpus(landing: &Landing) -> Truth {
    let folder = b"dir \x1b[7m\n\xff";
    let mut truth = Truth::default();
    std::fs::create_dir_all(landing.root().join(OsStr::from_bytes(folder)))
        .expect("any byte but two may be in a name");
    for (number, name) in corpus().iter().enumerate() {
        let content = format!("content {number}");
        truth.write(&landing.root(), name, content.as_bytes());
        truth.write(&landing.root(), &[&folder[..], b"/", name].concat(), content.as_bytes());
    }
    truth
}

pub(crate) fn paths(truth: &Truth) -> BTreeSet<Vec<u8>> {
    truth.published.iter().map(|version| version.path.clone()).collect()
}

/// The paths in the lines of a machine output, where each line is an event.
pub(crate) fn event_paths(output: &[u8]) -> BTreeSet<Vec<u8>> {
    let lines = output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let event: Value = serde_json::from_slice(line).expect("each line is JSON");
            json_path(&event["data"], "path").expect("an event has a path")
        })
        .collect()
}

/// Control bytes that a terminal must not get, after our own colours, which end in `m` or `K`.
fn raw_control_bytes(screen: &[u8]) -> Vec<u8> {
    let mut rest = screen;
    let mut found = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == 0x1b {
            let length =
                after.iter().skip(1).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            if after.first() == Some(&b'[') && matches!(after.get(1 + length), Some(b'm' | b'K')) {
                rest = &after[length + 2..];
                continue;
            }
        }
        if (byte < 0x20 && !b"\r\n".contains(&byte)) || byte == 0x7f {
            found.push(byte);
        }
    }
    // The C1 controls are two bytes in UTF-8; a lone continuation byte must not come through either.
    let text = String::from_utf8_lossy(screen);
    found.extend(
        text.chars()
            .filter(|c| ('\u{80}'..='\u{9f}').contains(c) || *c == '\u{fffd}')
            .map(|c| c as u32 as u8),
    );
    found
}

#[test]
fn the_check_for_control_bytes_can_fail() {
    assert_eq!(raw_control_bytes(b"\x1b[31mred\x1b[0m\x1b[K plain \\x1b\r\n"), b"");
    let hostile: [(&[u8], &[u8]); 5] = [
        (b"\x1b[2J", b"\x1b"),
        (b"\x1b]0;t\x07", b"\x1b\x07"),
        (b"a\tb\x7f", b"\t\x7f"),
        ("\u{9b}".as_bytes(), b"\x9b"),
        (b"\xff", b"\xfd"),
    ];
    for (screen, found) in hostile {
        assert_eq!(raw_control_bytes(screen), found, "{screen:?}");
    }
}

#[track_caller]
pub(crate) fn assert_harmless(screen: &[u8]) {
    let found = raw_control_bytes(screen);
    assert!(
        found.is_empty(),
        "raw control bytes on a screen: {found:x?} in {}",
        String::from_utf8_lossy(screen).escape_debug()
    );
}

#[test]
fn hostile_names_reach_every_machine_output_unchanged() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("names"));
    let queue = "\n[sink.local]\ntype = \"queue\"\n";
    let text = to_redis_and_lines(&redis, queue).replace("to = [", "to = [\"local\", ");
    landing.configure(&text);
    landing.start();
    let (list, lines) = (pop(&redis, &landing), tail(&landing));
    let truth = write_corpus(&landing);
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);

    // What the ledger has kept comes out of it after a restart.
    landing.kill();
    landing.start();
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
    judge(&truth, &lines.finish()).assert_exact();
    let consumed = landing.call(&["consume", "--max", "1000", "--json"]);
    consumed.assert_code(0);
    assert_eq!(event_paths(&consumed.stdout), paths(&truth));
    for path in paths(&truth) {
        let why = landing.explain(&path);
        assert_eq!(why["state"], "delivered", "{why}");
        assert!(json_path(&why, "path").expect("explain has a path").ends_with(&path), "{why}");
    }
}

/// A command that prints for people, on a terminal, until it has shown `last`.
pub(crate) fn on_terminal(mut command: Command, last: &str) -> Vec<u8> {
    let terminal = Terminal::spawn(&mut command);
    wait_until(STEP, &format!("{last:?} on the terminal of {command:?}"), || {
        String::from_utf8_lossy(&terminal.received()).contains(last)
    });
    terminal.received()
}

#[test]
fn no_raw_control_byte_reaches_a_terminal() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("screen"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    landing.start();
    let truth = write_corpus(&landing);
    landing.wait_idle(truth.paths() as u64, LONG);
    let mut screens = Vec::new();
    let mut ls = landing.command();
    ls.arg("ls");
    screens.push(on_terminal(ls, "plain.dat"));
    for name in corpus().iter().filter(|name| name.iter().any(u8::is_ascii_control)) {
        let mut explain = landing.command();
        explain.arg("explain").arg(landing.root().join(OsStr::from_bytes(name)));
        screens.push(on_terminal(explain, "delivered"));
    }
    for screen in screens {
        assert_harmless(&screen);
    }
}

#[test]
fn watch_shows_hostile_names_safely_and_pipes_them_unchanged() {
    let landing = landing(Scratch::on_disk("watch"));
    let mut shown = landing.command();
    shown.arg("watch").arg(landing.root());
    let terminal = Terminal::spawn(&mut shown);
    let mut piped = landing.command();
    piped.arg("watch").arg(landing.root()).arg("--json");
    let mut process = testkit::Process::spawn("watch", &landing.out(""), &mut piped);
    process.wait_for_line("ready", STEP);
    wait_until(STEP, "the terminal to say ready", || {
        String::from_utf8_lossy(&terminal.received()).contains("ready")
    });
    let mut truth = write_corpus(&landing);
    truth.write(&landing.root(), b"the-very-last.dat", b"x");
    let complete = || event_paths_so_far(&process.stdout()) == paths(&truth);
    wait_until(LONG, "every name in the pipe", complete);
    wait_until(STEP, "the last name on the terminal", || {
        String::from_utf8_lossy(&terminal.received()).contains("the-very-last.dat")
    });
    let screen = terminal.received();
    assert_harmless(&screen);
}

/// As [`event_paths`], of an output whose last line may be unfinished.
fn event_paths_so_far(output: &[u8]) -> BTreeSet<Vec<u8>> {
    let end = output.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    event_paths(&output[..end])
}
