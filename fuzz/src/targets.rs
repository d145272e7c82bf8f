//! The targets: bytes in, the program's own reader, and what must hold of the outcome.

use std::io::Cursor;
use std::path::Path;

use compat::Environment;
use compat::directory_observer::{ini::Ini, monitor};
use compat::iobserver::Rc;
use compat::sendit::python;
use inspect::Style;
use products::wire::{Method, Request, Service};

use crate::sinks::redis_list::fault::{Fault, Names};
use crate::sinks::{dlm, sink::Trouble, wire};

/// All of them, by their names.
pub(crate) const ALL: &[(&str, fn(&[u8]))] = &[
    ("toml", toml),
    ("ini", ini),
    ("configobj", configobj),
    ("python", python_settings),
    ("pattern", pattern),
    ("inotify", inotify),
    ("fanotify", fanotify),
    ("manifest", manifest),
    ("yaml", yaml),
    ("metadata", metadata),
    ("dicom", dicom),
    ("plugin", plugin),
    ("redis", redis_answer),
    ("http", http_answer),
];

/// A configuration. What was understood is understood again when it is written down.
fn toml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let env = |name: &str| (name == "HOME").then(|| "/home/x".to_owned());
    if let Ok(loaded) = config::parse_str("fuzz.toml", text, &env) {
        let written = config::to_toml(&loaded.plan);
        // What is secret is not written down, but the name of a file that would have to hold it.
        let whole = !written.contains("_file");
        assert!(!whole || config::parse_str("again.toml", &written, &env).is_ok(), "not understood again:\n{written}");
    }
}

fn environment() -> Environment {
    [("HOME", "/home/x"), ("MFDATA_HOME", "/d"), ("EMPTY", "")].into_iter().collect()
}

/// The directory observer's dialect.
fn ini(data: &[u8]) {
    if let Ok(ini) = Ini::read(data, &environment()) {
        let mut lines = Vec::new();
        let _ = monitor::examine(&ini, "fuzz.ini", &mut lines);
        lines.iter().for_each(|line| drop(line.text()));
    }
}

/// The other dialect with brackets.
fn configobj(data: &[u8]) {
    match Rc::read(data) {
        Ok(_) => {}
        Err(error) => error.explanations("fuzz.rc").iter().for_each(|line| assert!(!line.is_empty())),
    }
}

/// Settings in Python, which are read and not run.
fn python_settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let environment = environment();
    // Nothing lies there that could be imported.
    let world = python::World { environment: &environment, working: Path::new("/nonexistent") };
    if let Ok(names) = python::read_text(Path::new("/nonexistent/settings.py"), text, world) {
        for name in ["SENDIT", "WATCHES", "BROKER_URL", "x"] {
            names.get(name).map(python::Value::shown);
        }
    }
}

/// A pattern, and the rest of the text as the name that it is tried on.
fn pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern, path) = text.split_once('\n').unwrap_or((text, "a/b.dat"));
    if let Ok(pattern) = settle::Pattern::parse(pattern) {
        let _ = pattern.matches(path.as_bytes());
    }
}

fn inotify(data: &[u8]) {
    let seen: usize = sys::inotify::events(data).map(|event| 16 + event.name.len()).sum();
    assert!(seen <= data.len());
}

fn fanotify(data: &[u8]) {
    let seen: usize = sys::fanotify::events(data)
        .map(|event| {
            let _ = event.is_lost();
            event.bytes.len()
        })
        .sum();
    assert!(seen <= data.len());
}

/// A list of checksums: no path that it names leads anywhere else.
fn manifest(data: &[u8]) {
    let lists: [(&[u8], Style); 3] =
        [(b"SHA256SUMS", Style::Auto), (b"x.md5", Style::Auto), (b"list", Style::List)];
    for (name, style) in lists {
        for line in inspect::parse(name, data, style).iter().flatten() {
            let escapes = line.path.starts_with(b"/")
                || line.path.split(|&byte| byte == b'/').any(|part| part == b"..");
            assert!(!escapes && !line.path.contains(&0), "{line:?}");
        }
    }
}

/// A product's metadata: what comes out is JSON.
fn yaml(data: &[u8]) {
    if let Ok(json) = products::yaml::to_json(data) {
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&json);
        // Python writes NaN and Infinity, and nests deeper than others read.
        let odd = read.as_ref().is_err_and(|error| {
            let text = error.to_string();
            text.contains("recursion") || text.contains("number out of range") || contains_odd_number(&json)
        });
        assert!(read.is_ok() || odd, "{:?}: {}", read.err(), String::from_utf8_lossy(&json));
    }
}

fn contains_odd_number(json: &[u8]) -> bool {
    [&b"NaN"[..], b"Infinity"].iter().any(|word| json.windows(word.len()).any(|at| at == *word))
}

fn metadata(data: &[u8]) {
    let questions: [(&[u8], Option<&str>); 3] = [(b"m.yaml", Some("a.b.0")), (b"m.json", None), (b"m", Some("a"))];
    for (path, key) in questions {
        let _ = inspect::has_key_in(path, data, key);
    }
}

fn dicom(data: &[u8]) {
    let size = data.len() as u64;
    let _ = inspect::read_dicom_from(Cursor::new(data), size, b"f.dcm");
    let _ = inspect::shortfall_from(Cursor::new(data), size, b"f.dcm", &|| false);
    // One that was cut after its size was taken.
    let _ = inspect::read_dicom_from(Cursor::new(data), size + 100, b"f.dcm");
}

/// What a plugin says, line by line.
fn plugin(data: &[u8]) {
    for line in data.split(|&byte| byte == b'\n') {
        if let Ok(wire::Said::Hello(hello)) = wire::parse(line) {
            assert!(hello.batch > 0);
            let _ = (hello.wants("create"), hello.unknown_kinds());
        }
    }
}

/// What a server says is told without our password and without anything that a terminal obeys.
fn harmless(text: &str) {
    assert!(!text.contains("hunter2") && !text.chars().any(char::is_control), "{text:?}");
}

/// An answer in Redis's protocol, and what is made of its errors.
fn redis_answer(data: &[u8]) {
    let names = Names {
        server: "h:6379".into(),
        user: "bob".into(),
        password: Some(config::Secret::new("hunter2")),
        key: "queue".into(),
        counter: None,
        command: "lpush",
    };
    let fault = match redis::parse_redis_value(data) {
        Err(error) => Fault::of(error),
        Ok(redis::Value::ServerError(error)) => Fault::server(&error),
        Ok(_) => return,
    };
    let trouble = fault.inside_transaction().trouble(&names);
    let (Trouble::Down(text) | Trouble::Misconfigured(text) | Trouble::Closed(text)) = trouble;
    harmless(&text);
    assert!(text.starts_with("E-SINK-") && text.contains("Fix: "), "{text}");
}

/// A status of two bytes, and the body of an answer of the services.
fn http_answer(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk() else { return };
    let status = u16::from_be_bytes(*status) % 600;
    let request = Request {
        service: Service::Storage,
        method: Method::Get,
        path: "/storage",
        query: Vec::new(),
        body: None,
        content_type: false,
    };
    let fault = dlm::fault::status(&request, status, &String::from_utf8_lossy(body));
    assert!(!fault.text().chars().any(char::is_control), "{:?}", fault.text());
    let Ok(answer) = serde_json::from_slice(body) else { return };
    let _ = (dlm::rows::items(&answer), dlm::rows::storages(&answer), dlm::rows::only_location(&answer));
    let _ = (dlm::rows::id(&answer), dlm::rows::migration_id(&answer), dlm::rows::migration(&answer));
}
