//! Four hundred hostile names, in every place where a name comes out: tables on a terminal, JSON, the embedded queue, line files,
//! a plugin's input, a mirror, a log for people, the daemon's own log.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use testkit::chance::Chance;
use testkit::proof::{Row, size};
use testkit::{Landing, Scratch, Terminal, Truth, wait_until};

use crate::names::{assert_harmless, corpus, event_paths, on_terminal, paths};
use crate::{LONG, STEP, landing};

const NAMES: usize = 400;

/// What is code, a command or an end of text to somebody.
const WORDS: &[&str] = &[
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "\"><svg onload=alert(1)>",
    "&lt;b&gt;",
    "{{7*7}}",
    "{% x %}",
    "${7*7}",
    "#{7*7}",
    "<%= 1 %>",
    "${jndi:ldap:x}",
    "$(reboot)",
    "`reboot`",
    "; reboot",
    "| reboot",
    "&& reboot",
    "> out",
    "%00",
    "%2e%2e%2f",
    "..\\..\\x",
    "...",
    "~root",
    "-rf",
    "--help",
    "-o",
    "@SUM(1)",
    "=1+1",
    "+1",
    "-1+1",
    "\",\"x\":\"y",
    "\"}",
    "\\u0000",
    "\\x1b[2J",
    "\\",
    "'",
    "\"",
    "`",
    "' OR 1=1 --",
    "*3",
    "$-1",
    "+OK",
    ":1",
    "%s%s%n",
    "%d",
    "CON",
    "nul.txt",
    "a:b",
    "a?b*c",
    "[a-z]",
    "{a,b}",
    "!x",
    "#x",
    " ",
    "  ",
    "\u{a0}",
    "\u{3000}",
    "x ",
    " x",
    ".x.",
    "..x",
    "x..",
];

/// What is not seen, or turns what is seen around.
const HIDDEN: &[char] = &[
    '\u{ad}',
    '\u{61c}',
    '\u{180e}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202b}',
    '\u{202c}',
    '\u{202d}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2067}',
    '\u{2068}',
    '\u{2069}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{10ffff}',
];

/// The corpus of the other tests and more of its kinds; what is missing to the number is drawn.
fn names(chance: &mut Chance) -> BTreeSet<Vec<u8>> {
    let mut names: BTreeSet<Vec<u8>> = corpus().into_iter().collect();
    names.extend(WORDS.iter().map(|word| word.replace('/', "\u{2215}").into_bytes()));
    names.extend(HIDDEN.iter().map(|hidden| format!("a{hidden}b.dat").into_bytes()));
    // C1 controls: as one byte, which some terminals obey, and in UTF-8.
    names.extend((0x80..=0x9f).map(|byte| [b"c1 ", &[byte][..], b"31m.dat"].concat()));
    names.extend(('\u{80}'..='\u{9f}').map(|c| format!("c1 {c}31m.dat").into_bytes()));
    for end in ["\x07", "\x1b\\", ""] {
        names.extend([0, 2, 4, 8, 52, 1337].map(|code| format!("\x1b]{code};x{end}").into_bytes()));
    }
    // What begins with a dot is hidden, and taken for temporary by the mirror's source.
    names.retain(|name| name[0] != b'.');
    while names.len() < NAMES {
        let length = 1 + chance.below(60);
        let name: Vec<u8> =
            chance.bytes(length).into_iter().filter(|byte| ![0, b'/'].contains(byte)).collect();
        names.extend((!name.is_empty() && name[0] != b'.').then_some(name));
    }
    names
}

const CONFIG: &str = r#"
    plugin_dir = "{out}/plugins"

    [source.inbox]
    path = "{in}"
    temp_names = false
    [[source.inbox.rule]]
    name = "all"
    include = ["*"]
    complete = "local"
    to = ["lines", "queue", "plugin"]
    [[source.inbox.rule]]
    name = "told"
    events = ["close_write"]
    arrivals = false
    to = ["log"]

    [source.tree]
    path = "{in}"
    temp_names = false
    [[source.tree.rule]]
    complete = "local"
    to = ["copy"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"

    [sink.queue]
    type = "queue"

    [sink.log]
    type = "scribe"
    log = "{out}/scribe.log"

    [sink.copy]
    type = "mirror"
    destination = "{out}/mirror"

    [sink.plugin]
    type = "plugin"
    plugin = "parrot"
    arrivals = true
"#;

/// Writes down what it hears, and repeats each name in a line for the daemon's log.
const PARROT: &str = r#"
import json, os, sys
heard = open("heard.jsonl", "a", buffering=1)
def say(**message):
    print(json.dumps(message), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "hello":
        say(type="hello", protocol=1, name="parrot", version="0")
    elif message["type"] == "event":
        heard.write(line)
        say(type="log", level="warning", message="heard: " + message["path"])
        say(type="ack", seq=message["seq"])
    elif message["type"] == "bye":
        break
"#;

fn started() -> Landing {
    let mut landing = landing(Scratch::on_disk("hostile"));
    fs::create_dir(landing.out("plugins")).expect("the folder is new");
    fs::write(landing.out("plugins/parrot.toml"), "command = \"python3\"\nargs = [\"-u\", \"parrot.py\"]\n")
        .expect("it takes files");
    fs::write(landing.out("plugins/parrot.py"), PARROT).expect("it takes files");
    landing.configure(CONFIG);
    landing.start();
    landing
}

/// The names in a folder.
fn listed(folder: &Path) -> BTreeSet<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().as_bytes().to_vec());
    names.filter(|name| name != b".staithe-mirror").collect()
}

fn lines_of(file: &Path) -> Vec<Vec<u8>> {
    let text = fs::read(file).unwrap_or_default();
    text.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// A log has one line for each record: nothing in a line but its end is a control byte.
#[track_caller]
fn assert_lines_are_whole(what: &str, lines: &[Vec<u8>]) {
    for line in lines {
        let inside = line.strip_suffix(b"\n").unwrap_or(line);
        let control = inside.iter().find(|byte| byte.is_ascii_control());
        assert_eq!(control, None, "a raw control byte in {what}: {}", inside.escape_ascii());
    }
}

/// A character of the last line may have come in part only.
fn whole_lines(screen: &[u8]) -> &[u8] {
    &screen[..screen.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)]
}

/// Everything that prints names for people, on a terminal.
fn assert_screens_are_harmless(landing: &Landing, names: &BTreeSet<Vec<u8>>, chance: &mut Chance) -> usize {
    let mut ls = landing.command();
    ls.arg("ls");
    let table = Terminal::spawn(&mut ls);
    let lines = |screen: &[u8]| screen.split(|&byte| byte == b'\n').count() - 1;
    wait_until(STEP, "a table of all names", || lines(&table.received()) >= NAMES);
    assert_harmless(whole_lines(&table.received()));
    let mut asked: Vec<&Vec<u8>> = names.iter().collect();
    chance.shuffle(&mut asked);
    let asked = &asked[..size(30, NAMES)];
    for name in asked {
        for word in ["explain", "notify"] {
            let mut command = landing.command();
            command.arg(word).arg(landing.root().join(OsStr::from_bytes(name)));
            let last = if word == "explain" { "delivered" } else { "known" };
            assert_harmless(whole_lines(&on_terminal(command, last)));
        }
    }
    1 + 2 * asked.len()
}

#[test]
fn four_hundred_hostile_names_do_no_harm_wherever_they_come_out() {
    let mut chance = Chance::from_environment();
    let row = Row::new("H04").seed(chance.seed());
    let names = names(&mut chance);
    assert_eq!(names.len(), NAMES);
    let mut landing = started();
    let mut truth = Truth::default();
    for name in &names {
        truth.write(&landing.root(), name, b"content");
    }
    // Two sources look at each file.
    landing.wait_idle(2 * NAMES as u64, LONG);

    // As JSON, by every way out, to the same bytes.
    let lines = fs::read(landing.out("events.jsonl")).expect("there are lines");
    assert_eq!(event_paths(&lines), paths(&truth), "the line file");
    let consumed = landing.call(&["consume", "--max", "1000", "--json"]);
    consumed.assert_code(0);
    assert_eq!(event_paths(&consumed.stdout), paths(&truth), "the queue");
    let heard = lines_of(&landing.out("plugins/heard.jsonl"));
    let heard: BTreeSet<Vec<u8>> = heard.iter().map(|line| path_of(line)).collect();
    assert_eq!(heard, paths(&truth), "the plugin");
    wait_until(STEP, "the mirror to have every name", || listed(&landing.out("mirror")) == names);

    // For people, as lines that stay lines.
    let scribed = lines_of(&landing.out("scribe.log"));
    assert_lines_are_whole("the scribe's log", &scribed);
    let closed = scribed.iter().filter(|line| line.ends_with(b"was CLOSED\n")).count();
    assert_eq!(closed, NAMES, "lines of the scribe");
    let logged: Vec<Vec<u8>> =
        landing.daemon().stderr().split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
    assert_lines_are_whole("the daemon's log", &logged);
    let repeated = logged.iter().filter(|line| String::from_utf8_lossy(line).contains("heard: ")).count();
    assert!(repeated > 0, "no name has come into the daemon's log");
    let screens = assert_screens_are_harmless(&landing, &names, &mut chance);
    let row = row.figure("names", names.len()).figure("screens", screens).figure("ways out", 8);
    row.figure("log lines", repeated + scribed.len()).count("unknown", 0).print();
}

/// The path in a line that a plugin got.
fn path_of(line: &[u8]) -> Vec<u8> {
    let message: serde_json::Value = serde_json::from_slice(line).expect("a line is JSON");
    model::text::json_path(&message, "path").expect("it is about a path")
}
