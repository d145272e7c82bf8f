//! What the reference says about events is what the program sends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::{fs, io};

use serde_json::Value;
use testkit::{Landing, wait_until};

use crate::{STEP, landing};

const RULES: &str = r#"
    [source.inbox]
    path = "{in}"
    backend = "inotify"
    gap_events = true

    [[source.inbox.rule]]
    name = "files"
    include = ["*.dat"]
    removed = true

    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    removed = true
    complete = { all = ["members", { quiet = "100ms" }] }

    [[source.inbox.rule]]
    name = "series"
    include = ["*.fits"]
    group = 're:^(?<key>[^_]+)_[0-9]+of(?<total>[0-9]+)'
    removed = true
    complete = { all = ["members", { count = "captured" }], deadline = "1s", on_deadline = "announce_incomplete" }
"#;

/// The formats of the page, each into a line file of its name.
const FORMATS: [&str; 5] = ["cloudevents", "flat", "metwork", "path", "template"];

/// Fields that this test's tree does not bring about: the root's name is plain, and not every file system has
/// inode numbers that last.
const UNSEEN: [&str; 2] = ["root_b64", "inode"];

fn page() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/events.md");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// From the heading to the next one of its level or above.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    let level = heading.chars().take_while(|&c| c == '#').count();
    let ends = (1..=level).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// The rows of a section's first table, in cells.
fn rows(section: &str) -> Vec<Vec<String>> {
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The sections about one type each: its name and its text.
fn types(page: &str) -> Vec<(String, String)> {
    let text = section(page, "## The types");
    let sections = text.split("\n### ").skip(1).filter_map(|section| section.split_once('\n'));
    sections.map(|(name, text)| (name.trim_matches('`').to_owned(), text.to_owned())).collect()
}

/// The JSON texts of the blocks; several may stand in one.
fn examples(section: &str) -> Vec<Value> {
    let blocks = section.split("```json\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let read = |block: &str| -> Vec<Value> {
        let texts = serde_json::Deserializer::from_str(block).into_iter();
        texts.map(|text| text.unwrap_or_else(|error| panic!("{error} in:\n{block}"))).collect()
    };
    blocks.flat_map(|(block, _)| read(block)).collect()
}

/// One row of the table of fields.
struct Field {
    name: String,
    form: String,
    families: BTreeSet<String>,
    always: bool,
}

fn fields(page: &str, heading: &str) -> Vec<Field> {
    let read = |row: &Vec<String>| Field {
        name: quoted(&row[0]).concat(),
        form: row[1].split(',').next().unwrap_or_default().to_owned(),
        families: row[2].split(", ").map(str::to_owned).collect(),
        always: row[3] == "always",
    };
    rows(section(page, heading)).iter().map(read).collect()
}

/// What the column "in" calls the type.
fn family(type_name: &str) -> &str {
    match type_name.split('.').collect::<Vec<_>>()[1..] {
        ["file", "removed"] => "removed",
        ["file", "complete"] => "file",
        [family, _] => family,
        _ => panic!("{type_name}"),
    }
}

fn has_form(value: &Value, form: &str) -> bool {
    match form {
        "number" => value.is_u64(),
        "flag" => value.is_boolean(),
        "object" => value.is_object(),
        list if list.starts_with("list") => value.is_array(),
        "text" | "time" | "path" | "base64" => value.is_string(),
        _ => false,
    }
}

/// Each member with its name as the table writes it.
fn flattened<'a>(object: &'a Value, prefix: &str, into: &mut BTreeMap<String, &'a Value>) {
    for (name, value) in object.as_object().expect("an object") {
        let name = format!("{prefix}{name}");
        if value.is_object() {
            flattened(value, &format!("{name}."), into);
        }
        into.insert(name, value);
    }
}

/// Fails unless the object's members are those that the table gives to its type; their names.
fn assert_told(object: &Value, type_name: &str, table: &[Field], nested: bool) -> BTreeSet<String> {
    let mut members = BTreeMap::new();
    if nested {
        flattened(object, "", &mut members);
    } else {
        members = object.as_object().expect("an object").iter().map(|(name, v)| (name.clone(), v)).collect();
    }
    let of_type =
        |field: &&Field| ["all", family(type_name)].iter().any(|name| field.families.contains(*name));
    let told: BTreeMap<&str, &Field> =
        table.iter().filter(of_type).map(|field| (field.name.as_str(), field)).collect();
    for (name, value) in &members {
        let field =
            told.get(name.as_str()).unwrap_or_else(|| panic!("no row `{name}` for {type_name}: {object}"));
        assert!(has_form(value, &field.form), "`{name}` is no {}: {value}", field.form);
    }
    for field in told.values().filter(|field| field.always) {
        assert!(members.contains_key(&field.name), "`{}` is not in {type_name}: {object}", field.name);
    }
    members.into_keys().collect()
}

fn type_of(event: &Value) -> &str {
    event["type"].as_str().expect("an event has a type")
}

fn lines(landing: &Landing, format: &str) -> Vec<String> {
    let bytes = fs::read(landing.out(format)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

fn parsed(landing: &Landing, format: &str) -> Vec<Value> {
    // Lone surrogates, as Python writes bytes that are not UTF-8, are none to a strict reader.
    let plain = |line: &String| line.replace("\\udce9", "?");
    let read = |line| serde_json::from_str(&plain(line)).expect("a line is JSON");
    lines(landing, format).iter().map(read).collect()
}

fn wait_event(landing: &Landing, type_name: &str, path: &str, least: usize) {
    wait_until(STEP, &format!("{least} × {type_name} of `{path}`"), || {
        let events = lines(landing, "cloudevents");
        let kind = format!("\"type\":\"{type_name}\"");
        let path = format!("\"path\":\"{path}\"");
        events.iter().filter(|line| line.contains(&kind) && line.contains(&path)).count() >= least
    });
}

/// A daemon with a sink for each format; the template asks for all that the page names.
fn start(page: &str) -> Landing {
    let placeholders =
        section(page, "## Other formats").split("| placeholder | is |").nth(1).expect("a table");
    let names: Vec<&str> =
        placeholders.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert!(names.len() >= 8, "{names:?}");
    let sink = |format: &str| {
        let template =
            if format == "template" { format!("template = \"{}\"", names.join("|")) } else { String::new() };
        format!(
            "[sink.{format}]\ntype = \"jsonl\"\npath = \"{{out}}/{format}\"\nformat = \"{format}\"\n{template}\n"
        )
    };
    let mut landing = landing();
    landing.configure(&format!("{RULES}\n{}", FORMATS.map(sink).concat()));
    landing.start();
    landing
}

/// Brings about each type, and each field that is not always there.
fn live(landing: &mut Landing) -> io::Result<()> {
    let root = landing.root();
    fs::write(root.join("a.dat"), "1")?;
    fs::write(root.join(OsStr::from_bytes(b"caf\xe9.dat")), "1")?;
    wait_event(landing, "staithe.file.complete", "a.dat", 1);
    wait_event(landing, "staithe.file.complete", "caf\u{fffd}.dat", 1);
    fs::write(root.join("a.dat"), "22")?;
    wait_event(landing, "staithe.file.complete", "a.dat", 2);

    let set = landing.out("x.ms");
    fs::create_dir(&set)?;
    fs::write(set.join(OsStr::from_bytes(b"0\xe9")), "")?;
    for number in 0..300 {
        fs::write(set.join(number.to_string()), "")?;
    }
    fs::rename(set, root.join("x.ms"))?;
    wait_event(landing, "staithe.dataset.complete", "x.ms", 1);

    fs::write(root.join("m51_1of2.fits"), "1")?;
    wait_event(landing, "staithe.dataset.incomplete", "m51/", 1);
    fs::write(root.join("m51_2of2.fits"), "22")?;
    wait_event(landing, "staithe.dataset.complete", "m51/", 1);

    for name in ["a.dat", "m51_1of2.fits", "m51_2of2.fits"] {
        fs::remove_file(root.join(name))?;
    }
    fs::remove_dir_all(root.join("x.ms"))?;
    for name in ["a.dat", "m51/", "x.ms"] {
        wait_event(landing, "staithe.file.removed", name, 1);
    }
    overflow(landing)?;
    wait_event(landing, "staithe.gap.closed", "", 1);
    // The other sinks may be behind.
    landing.wait_idle(lines(landing, "cloudevents").len() as u64, STEP);
    landing.stop();
    Ok(())
}

/// Each file is at least two events for the queue of a program that stands still.
fn overflow(landing: &mut Landing) -> io::Result<()> {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?;
    let files = limit.trim().parse::<usize>().expect("a number") / 2 + 100;
    let root = landing.root();
    landing.daemon().freeze();
    for number in 0..files {
        let file = root.join(format!("{number}.log"));
        fs::write(&file, "")?;
        fs::remove_file(&file)?;
    }
    landing.daemon().resume();
    Ok(())
}

#[test]
fn each_example_is_of_the_type_of_its_section() {
    let page = page();
    let (envelope, data) = (fields(&page, "### The envelope"), fields(&page, "### `data`"));
    for (name, text) in types(&page) {
        let found = examples(&text);
        assert!(!found.is_empty(), "no example of {name}");
        for event in found {
            assert_eq!(type_of(&event), name, "{event}");
            assert_told(&event, &name, &envelope, false);
            assert_told(&event["data"], &name, &data, true);
        }
    }
    assert!(examples(&page).len() > 12, "the other examples are JSON, too");
}

#[test]
fn the_signals_are_those_that_there_are() {
    let page = page();
    let named: Vec<String> =
        rows(section(&page, "## Signals")).iter().map(|row| quoted(&row[0]).concat()).collect();
    assert_eq!(named, model::Signal::ALL.map(model::Signal::name));
}

#[test]
fn what_is_sent_stands_in_the_reference() {
    let page = page();
    let mut landing = start(&page);
    live(&mut landing).expect("the tree takes files");
    let events = parsed(&landing, "cloudevents");

    let sent: BTreeSet<&str> = events.iter().map(type_of).collect();
    let types = types(&page);
    assert_eq!(sent, types.iter().map(|(name, _)| name.as_str()).collect());
    let overview = rows(&page);
    assert_eq!(sent, overview.iter().map(|row| quoted(&row[0])[0]).collect());

    let (envelope, data) = (fields(&page, "### The envelope"), fields(&page, "### `data`"));
    let mut seen: BTreeSet<String> = UNSEEN.map(str::to_owned).into();
    for event in &events {
        assert_told(event, type_of(event), &envelope, false);
        seen.extend(assert_told(&event["data"], type_of(event), &data, true));
    }
    assert_eq!(seen, data.iter().map(|field| field.name.clone()).collect(), "rows without a field");
    assert_formats(&page, &landing, &events);
}

/// The other formats say of each event what the page says that they say.
fn assert_formats(page: &str, landing: &Landing, events: &[Value]) {
    let table = rows(section(page, "## Other formats"));
    let row = |event: &Value| {
        table.iter().find(|row| quoted(&row[0]) == [type_of(event)]).unwrap_or_else(|| panic!("{event}"))
    };
    let (flat, metwork) = (parsed(landing, "flat"), parsed(landing, "metwork"));
    assert_eq!((flat.len(), metwork.len()), (events.len(), events.len()));
    for ((event, flat), metwork) in events.iter().zip(&flat).zip(&metwork) {
        let mut members = BTreeMap::new();
        flattened(&event["data"], "", &mut members);
        let leaves = members.iter().filter(|(_, value)| !value.is_object());
        let mut names: BTreeSet<String> = leaves.map(|(name, _)| name.replace('.', "_")).collect();
        names.extend(["id", "source", "type", "time"].map(str::to_owned));
        assert_eq!(flat.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>(), names);
        let word = metwork["event"].as_str().expect("a word");
        assert!(quoted(&row(event)[2]).contains(&word), "{word}: {event}");
    }
    let paths = events.iter().filter(|event| row(event)[3] == "yes").count();
    assert_eq!(lines(landing, "path").len(), paths, "what `path` tells");
    let filled = lines(landing, "template");
    assert_eq!(filled.len(), events.len());
    assert!(filled.iter().all(|line| !line.contains('{')), "{filled:?}");
}
