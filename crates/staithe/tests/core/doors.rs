//! Who can reach the program. There is no web interface and no other server in it, so nothing that a page in somebody's browser
//! sends can arrive; what there is, is one local socket, for its owner.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::proof::{Row, size, skip};
use testkit::{Landing, Scratch, wait_until};

use crate::{STEP, landing};

/// All kinds of sinks, and a port on which nobody listens where one needs a server.
const SINKS: &str = r#"
    plugin_dir = "{out}/plugins"

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"

    [sink.told]
    type = "jsonl"
    path = "{out}/told.jsonl"

    [sink.queue]
    type = "queue"

    [sink.list]
    type = "redis-list"
    url = "redis://127.0.0.1:1/0"
    key = "k"

    [sink.bus]
    type = "amqp"
    url = "amqp://127.0.0.1:1/v"
    routing_key = "k"

    [sink.tasks]
    type = "celery"
    url = "redis://127.0.0.1:1/0"
    results = "redis://127.0.0.1:1/1"
    task = "a.b"

    [sink.rabbit-tasks]
    type = "celery"
    url = "amqp://127.0.0.1:1/v"
    task = "a.b"

    [sink.plugin]
    type = "plugin"
    plugin = "echo"
    arrivals = true

    [sink.log]
    type = "scribe"
    log = "{out}/scribe.log"

    [sink.copy]
    type = "mirror"
    destination = "{out}/mirror"

    [sink.services]
    type = "dlm"
    storage = "s"
    target = "t"
    ingest_url = "http://127.0.0.1:1"
    storage_url = "http://127.0.0.1:1"
    migration_url = "http://127.0.0.1:1"

    [source.trees]
    path = "{out}/tree"
    [[source.trees.rule]]
    complete = "local"
    to = ["copy"]

    [source.products]
    path = "{out}/products"
    [[source.products.rule]]
    complete = "data-product"
    to = ["services"]

    [source.inbox]
    path = "{in}"
"#;

/// The last rule: it takes what no preset takes.
const REST: &str = r#"
    [[source.inbox.rule]]
    name = "happenings"
    events = "all"
    arrivals = false
    to = ["log", "told", "plugin"]
"#;

/// Everything that the configuration can say: each sink, each preset.
fn everything() -> String {
    let mut text = SINKS.to_owned();
    for preset in settle::PRESETS {
        let name = preset.name;
        let unit = if preset.datasets { "dataset = " } else { "include = " };
        let pattern = if preset.datasets { format!("\"*.{name}\"") } else { format!("[\"*.{name}\"]") };
        let _ = write!(
            text,
            "[[source.inbox.rule]]\nname = \"{name}\"\n{unit}{pattern}\ncomplete = \"{name}\"\n\
             to = [\"lines\", \"queue\", \"list\", \"bus\", \"tasks\", \"rabbit-tasks\", \"plugin\"]\n"
        );
    }
    text + REST
}

const PLUGIN: &str = r#"read line
echo '{"type":"hello","protocol":1,"name":"echo","version":"0"}'
while read line; do :; done
"#;

/// The inodes of a process's sockets.
fn sockets(process: u32) -> BTreeSet<String> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
    let links = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    let name = |link: PathBuf| {
        let text = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned();
        Some(text)
    };
    links.filter_map(name).collect()
}

/// Lines of the kernel's tables about sockets of that process over which somebody else may begin to speak. Of TCP those that
/// listen (state 0A), of all others each.
fn open_doors(process: u32) -> Vec<String> {
    let ours = sockets(process);
    let mut doors = Vec::new();
    for (table, only) in [
        ("tcp", Some("0A")),
        ("tcp6", Some("0A")),
        ("udp", None),
        ("udp6", None),
        ("raw", None),
        ("raw6", None),
    ] {
        let text = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_door = only.is_none_or(|state| fields.get(3) == Some(&state));
            if is_door && fields.get(9).is_some_and(|inode| ours.contains(*inode)) {
                doors.push(format!("{table} {}", fields[1]));
            }
        }
    }
    doors
}

/// The local sockets at which it listens (flag 10000), by their paths.
fn local_doors(process: u32) -> Vec<PathBuf> {
    let ours = sockets(process);
    let text = fs::read_to_string(format!("/proc/{process}/net/unix")).unwrap();
    let listening = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening = listening.filter(|fields| fields[3] == "00010000" && ours.contains(fields[6]));
    listening.map(|fields| PathBuf::from(fields.get(7).copied().unwrap_or("(no name)"))).collect()
}

/// A daemon with everything that can be configured, after a file for each rule.
fn with_everything() -> Landing {
    let mut landing = landing(Scratch::on_disk("doors"));
    for folder in ["plugins", "tree", "products"] {
        fs::create_dir(landing.out(folder)).unwrap();
    }
    fs::write(landing.out("plugins/echo.toml"), "command = \"/bin/sh\"\nargs = [\"echo.sh\"]\n").unwrap();
    fs::write(landing.out("plugins/echo.sh"), PLUGIN).unwrap();
    landing.configure(&everything());
    landing.call(&["check", "-c", landing.config().to_str().unwrap()]).assert_code(0);
    landing.start();
    for preset in settle::PRESETS {
        let at = landing.root().join(format!("a.{}", preset.name));
        if preset.datasets {
            fs::create_dir(&at).unwrap();
            fs::write(at.join("member"), b"x").unwrap();
        } else {
            fs::write(at, b"x").unwrap();
        }
    }
    for folder in ["tree", "products"] {
        fs::write(landing.out(folder).join("a"), b"x").unwrap();
    }
    wait_until(STEP, "each sink to be tried", || {
        let sinks = landing.status()["sinks"].as_array().unwrap().clone();
        ["list", "bus", "tasks", "rabbit-tasks", "services"]
            .iter()
            .all(|name| sinks.iter().any(|sink| sink["name"] == *name && sink["last_error"].is_string()))
    });
    wait_until(STEP, "the mirror to have a file", || landing.out("mirror/a").exists());
    landing
}

/// Sends something, and reads what comes for it until the other end closes or says nothing for a while.
fn say(socket: &Path, what: &[u8]) -> Vec<u8> {
    let Ok(mut stream) = UnixStream::connect(socket) else { return Vec::new() };
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    // Who is not listened to cannot write either.
    let _ = stream.write_all(what);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    heard
}

/// What another user hears who has come as far as the socket.
fn heard_by_somebody_else(socket: &Path) -> Vec<u8> {
    let somebody = rustix::process::Uid::from_raw(65_534);
    std::thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            // Of this thread alone: the kernel tells the other end who connects, by thread.
            rustix::thread::set_thread_res_uid(somebody, somebody, somebody).expect("root may be anybody");
            say(socket, b"{\"cmd\":\"status\"}\n")
        });
        stranger.join().unwrap()
    })
}

/// Everybody may reach the socket, as far as modes go. Gives the modes that were.
fn open_wide(socket: &Path) {
    // Not the places that are everybody's anyway.
    for folder in socket.ancestors().skip(1).take_while(|folder| folder.components().count() > 3) {
        let mode = folder.metadata().unwrap().mode();
        fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o555)).unwrap();
    }
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
}

/// What no client sends.
fn garbage() -> Vec<Vec<u8>> {
    let deep = [vec![b'['; 100_000], b"\n".to_vec()].concat();
    let mut frames = vec![
        b"\n".to_vec(),
        b"\0\0\0\0\n".to_vec(),
        b"{\n".to_vec(),
        b"null\n[]\n7\n\"cmd\"\n".to_vec(),
        b"{\"cmd\":7}\n{\"cmd\":\"\"}\n{\"cmd\":\"status\",\"cmd\":[]}\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n".to_vec(),
        b"POST /api/pause HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
        b"\xff\xfe\xfd\n".to_vec(),
        deep,
        // Larger than any request may be, and without an end.
        vec![b'x'; 6 << 20],
    ];
    frames.extend((0..256).map(|byte| vec![byte as u8; 3]));
    frames
}

fn peak_kb(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn nothing_listens_but_a_socket_for_its_owner_whom_no_frame_disturbs() {
    let row = Row::new("H05");
    let mut landing = with_everything();
    let process = landing.daemon().id();
    assert_eq!(open_doors(process), Vec::<String>::new(), "somebody can reach it over the network");
    let doors = local_doors(process);
    let [socket] = doors.as_slice() else { panic!("local sockets: {doors:?}") };
    assert_eq!(socket.metadata().unwrap().mode() & 0o777, 0o600, "the control socket's mode");
    let before = landing.status();

    if rustix::process::geteuid().is_root() {
        open_wide(socket);
        let heard = heard_by_somebody_else(socket);
        let heard = String::from_utf8_lossy(&heard);
        assert!(!heard.contains("sources"), "another user was answered: {heard}");
        assert!(
            heard.starts_with('!') && heard.contains("and root are served"),
            "it was not said why: {heard:?}"
        );
    } else {
        skip("H05", "only root can become another user, who must not be answered");
    }

    // Clients that begin a request and never end it.
    let slow: Vec<UnixStream> = (0..size(40, 60))
        .map(|_| {
            let mut stream = UnixStream::connect(socket).unwrap();
            stream.write_all(b"{\"cmd\":").unwrap();
            stream
        })
        .collect();
    let peak = peak_kb(process);
    let frames = garbage();
    for frame in &frames {
        let _answer = say(socket, frame);
    }
    let begun = Instant::now();
    let after = landing.status();
    let answered = begun.elapsed();
    assert!(answered < STEP, "status took {answered:?}");
    assert_eq!(after["sources"].as_array().unwrap().len(), before["sources"].as_array().unwrap().len());
    let paused = after["sinks"].as_array().unwrap().iter().any(|sink| sink["state"] == "paused");
    assert!(!paused && landing.daemon().is_running(), "{after}");
    let more = peak_kb(process).saturating_sub(peak);
    assert!(more < 64 << 10, "the frames took {more} kB");
    fs::write(landing.root().join("b.local"), b"x").unwrap();
    wait_until(STEP, "a file to be delivered afterwards", || {
        fs::read_to_string(landing.out("events.jsonl")).unwrap_or_default().contains("b.local")
    });
    let row = row.figure("sinks", before["sinks"].as_array().unwrap().len());
    let row = row
        .figure("presets", settle::PRESETS.len())
        .figure("network doors", 0)
        .figure("local doors", doors.len());
    let row = row.figure("bad frames", frames.len()).figure("slow clients", slow.len());
    row.milliseconds("status meanwhile", answered).figure("peak kB more", more).print();
}
