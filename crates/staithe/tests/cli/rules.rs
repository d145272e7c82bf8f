//! `rules`: presets, temporary names, and which rule takes a path and why.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use serde_json::Value;
use testkit::{Finished, Landing, Process};

use crate::{CONFIG, STEP, landing};

/// A tree with files, datasets and a marker.
const RULES: &str = r#"
    [source.data]
    path = "{in}"

    [[source.data.rule]]
    name = "tables"
    include = ["*.csv"]
    exclude = ["skip", "*.bad.csv"]
    complete = { all = [{ marker = "{name}.done" }, "writer_gone"], deadline = "1h" }

    [[source.data.rule]]
    name = "images"
    include = ["*.fits"]
    group = 're:^(?<key>[^_]+)_'

    [[source.data.rule]]
    name = "sets"
    dataset = "*.ms"
    exclude = ["bad*.ms"]
"#;

fn configured(text: &str) -> Landing {
    let landing = landing();
    landing.configure(text);
    landing
}

fn rules(landing: &Landing, words: &[&str]) -> Finished {
    let config = landing.config();
    let all: Vec<&str> =
        ["rules", "-c", config.to_str().expect("a plain name")].iter().chain(words).copied().collect();
    landing.call(&all)
}

fn asked(landing: &Landing, path: &str) -> Value {
    let done = rules(landing, &[path, "--json"]);
    done.assert_code(0);
    done.json()
}

#[test]
fn what_rules_tell_of_event_streams_is_listed() {
    let landing = configured(
        "[source.data]\npath = \"{in}\"\n[[source.data.rule]]\nname = \"log\"\nevents = [\"create\", \"delete\"]\n\
         arrivals = false\nto = [\"log\"]\n[[source.data.rule]]\nname = \"all\"\nevents = \"all\"\n[sink.log]\n\
         type = \"scribe\"\n[sink.q]\ntype = \"queue\"\n",
    );
    let done = rules(&landing, &[]);
    done.assert_code(0);
    let text = done.text();
    for line in ["    events    create, delete to log\n", "    to        q\n    events    all to log\n"] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    let rules = rules(&landing, &["--json"]).json()["sources"][0]["rules"].clone();
    assert_eq!(rules[0]["to"], serde_json::json!([]));
    assert_eq!(rules[0]["events"], serde_json::json!([{"what": ["create", "delete"], "to": ["log"]}]));
}

#[test]
fn a_rule_that_takes_files_from_others_and_tells_nobody_is_told_of() {
    let landing = configured(
        "[source.data]\npath = \"{in}\"\n[[source.data.rule]]\nname = \"log\"\nevents = \"all\"\narrivals = false\n\
         to = [\"log\"]\n[[source.data.rule]]\nname = \"tables\"\ninclude = [\"*.csv\"]\nto = [\"q\"]\n[sink.log]\n\
         type = \"scribe\"\n[sink.q]\ntype = \"queue\"\n",
    );
    let text = rules(&landing, &["in/x.csv"]).text();
    for word in [
        "  to        nobody: by this rule no sink is told of what arrives\n",
        "  note      rule \"tables\" includes it, too, but \"log\" stands before and takes it; move \"log\" behind\n",
    ] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
    assert_eq!(asked(&landing, "in/x.csv")["withheld_from"], serde_json::json!(["tables"]));
    assert_eq!(asked(&landing, "in/x.fits")["withheld_from"], serde_json::json!([]));
    let config = landing.config();
    let done = landing.call(&["check", "-c", config.to_str().expect("a plain name")]);
    done.assert_code(0);
    let said = "the rule \"tables\" is never told of files that the rule \"log\" before it includes as well";
    assert!(done.stderr.contains(said), "{}", done.stderr);
}

#[test]
fn presets_and_temporary_names_are_listed_without_a_configuration() {
    let landing = landing();
    let done = landing.call(&["rules"]);
    done.assert_code(0);
    let text = done.text();
    for word in ["local", "scanner", "trap", "*.filepart", "{ quiet = \"10s\" }"] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
    let listed = landing.call(&["rules", "--json"]).json();
    let names: Vec<&str> =
        listed["presets"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(names, settle::PRESETS.map(|preset| preset.name));
    assert!(listed["temp_names"].as_array().unwrap().contains(&"*.part".into()), "{listed}");
    assert_eq!(listed["sources"], serde_json::json!([]));
}

#[test]
fn the_rules_of_a_configuration_stand_in_the_order_in_which_they_are_asked() {
    let landing = configured(&RULES.replace("path = ", "extra_temp_names = [\"*.busy\"]\npath = "));
    let source = rules(&landing, &["--json"]).json()["sources"][0].clone();
    let names: Vec<&str> =
        source["rules"].as_array().unwrap().iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(names, ["sets", "tables", "images"]);
    assert_eq!(source["extra_temp_names"], serde_json::json!(["*.busy"]));
    let tables = &source["rules"][1];
    assert_eq!((&tables["take"], &tables["preset"]), (&"file".into(), &Value::Null), "{tables}");
    assert!(tables["complete"].as_str().unwrap().contains("marker = \"{name}.done\""), "{tables}");
    let text = rules(&landing, &[]).text();
    for word in ["SOURCE data", "dataset   *.ms", "*.busy", "re:^(?<key>[^_]+)_", "deadline = \"1h\""] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn a_path_is_taken_by_one_rule_and_each_says_why() {
    let landing = configured(RULES);
    let taken = asked(&landing, "in/d/x.csv");
    assert_eq!((&taken["path"], &taken["taken"]), (&"d/x.csv".into(), &"tables".into()), "{taken}");
    let says: Vec<(&str, &str)> = taken["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["rule"].as_str().unwrap(), rule["says"].as_str().unwrap()))
        .collect();
    assert_eq!(says, [("sets", "not-included"), ("tables", "takes")]);
    assert!(taken["complete"].as_str().unwrap().contains("writer_gone"), "{taken}");
    assert!(taken["preset_meaning"].is_null(), "{taken}");

    let below = asked(&landing, "in/skip/x.csv");
    assert_eq!((&below["taken"], &below["reason"]), (&Value::Null, &"ignored.filter".into()), "{below}");
    assert_eq!(below["rules"][1]["directory"], "skip");
    assert_eq!(asked(&landing, "in/x.bad.csv")["reason_args"]["pattern"], "*.bad.csv");
    assert_eq!(asked(&landing, "in/x.csv.part")["reason"], "ignored.temp-name");
    assert_eq!(asked(&landing, "in/x.csv.done")["marker_of"]["unit"], "x.csv");
    assert_eq!(asked(&landing, "in/m31_1.fits")["group"]["key"], "m31");
    let member = asked(&landing, "in/a/x.ms/table.lock");
    assert_eq!(
        (&member["taken"], &member["dataset"]["path"]),
        (&"sets".into(), &"a/x.ms".into()),
        "{member}"
    );
    assert_eq!(member["preset_meaning"], "{ all = [\"members\", { quiet = \"1m\" }] }");

    let text = rules(&landing, &["in/m31.fits"]).text();
    assert!(
        text.contains("includes it, but finds no key in its name: group \"re:^(?<key>[^_]+)_\""),
        "{text}"
    );
    let text = rules(&landing, &["in/skip/x.csv", "in/x.ms/", "in/bad1.ms/x.csv"]).text();
    for word in [
        "excludes the directory \"skip\" above it",
        "as a dataset by rule \"sets\"",
        "excludes the dataset that it lies in: \"bad*.ms\"",
        "complete  \"measurement-set\"",
    ] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn what_lies_below_no_source_is_code_4_with_the_roots() {
    let landing = configured(CONFIG);
    let done = rules(&landing, &["/elsewhere/x", "in/x"]);
    done.assert_code(4);
    let root = landing.root();
    assert!(done.stderr.contains(root.to_str().unwrap()), "{}", done.stderr);
    assert!(done.text().contains("by rule \"all\""), "the other path is answered:\n{}", done.text());
    let done = rules(&landing, &["/elsewhere/x", "--json"]);
    done.assert_code(4);
    assert_eq!(done.json()["roots"], serde_json::json!([root]));
}

#[test]
fn a_relative_source_that_is_not_there_yet_covers_what_would_lie_below_it() {
    let landing = configured(&CONFIG.replace("{in}", "later/inbox"));
    let absolute = landing.root().with_file_name("later").join("inbox/a");
    for path in ["later/inbox/a", "./later/inbox/a", absolute.to_str().expect("a plain name")] {
        let said = asked(&landing, path);
        assert_eq!((&said["path"], &said["taken"]), (&"a".into(), &"all".into()), "{path}: {said}");
    }
    rules(&landing, &["later/other/a"]).assert_code(4);
}

#[test]
fn without_a_configuration_the_command_to_type_is_named() {
    let landing = configured(CONFIG);
    let done = landing.call(&["rules", "in/a b"]);
    done.assert_code(2);
    assert!(done.stderr.contains("staithe rules -c FILE 'in/a b'"), "{}", done.stderr);
    let mut command = landing.command();
    command.args(["rules", "in/x"]).env("STAITHE_CONFIG", landing.config());
    Process::finish("rules", &landing.out(""), &mut command, STEP).assert_code(0);
    landing.call(&["rules", "-c", "absent.toml", "x"]).assert_code(2);
}

#[test]
fn names_come_by_standard_input_whatever_bytes_they_have() {
    let landing = configured(CONFIG);
    for (word, end) in [("-", b'\n'), ("-0", 0)] {
        let input = landing.out("input");
        let names: [&[u8]; 2] = [b"in/caf\xe9.dat", b"in/b\x1b[31m.tmp"];
        fs::write(&input, [names[0], &[end], names[1], &[end]].concat()).unwrap();
        let call = |json: &[&str]| {
            let mut command = landing.command();
            command.args(["rules", word, "-c"]).arg(landing.config()).args(json);
            let done = command.stdin(Stdio::from(fs::File::open(&input).unwrap())).output().unwrap();
            assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
            done.stdout
        };
        let lines: Vec<Value> = call(&["--json"])
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{word}");
        assert_eq!(model::text::json_path(&lines[0], "path").unwrap(), b"caf\xe9.dat");
        assert_eq!(model::text::json_path(&lines[0], "asked").unwrap(), names[0]);
        assert!(lines[0]["path_b64"].is_string() && lines[1].get("path_b64").is_none());
        assert_eq!(lines[1]["temp_name"], "*.tmp");
        let text = String::from_utf8(call(&[])).expect("escaped");
        assert!(text.contains("caf\\xe9.dat") && !text.contains('\u{1b}'), "{text}");
    }
}

/// What it says of a file is what the daemon does with it.
#[test]
fn the_daemon_agrees() {
    let mut landing =
        configured(&CONFIG.replace("include = [\"*\"]", "include = [\"*\"]\nexclude = [\"*.log\", \"no\"]"));
    let names: [&[u8]; 5] = [b"a.dat", b"a.log", b"no/b", b"x.part", b"\xff"];
    fs::create_dir(landing.root().join("no")).unwrap();
    for name in names {
        fs::write(landing.root().join(std::ffi::OsStr::from_bytes(name)), b"x").unwrap();
    }
    landing.start();
    landing.wait_idle(2, STEP);
    for name in names {
        let mut command = landing.command();
        command.args(["rules", "--json", "-c"]).arg(landing.config());
        command.arg(landing.root().join(std::ffi::OsStr::from_bytes(name)));
        let said = Process::finish("rules", &landing.out(""), &mut command, STEP).json();
        let explained = landing.explain(name);
        assert_eq!(said["taken"], explained["rule"], "{said} {explained}");
        if said["taken"].is_null() {
            assert_eq!(
                (&said["reason"], &said["reason_args"]),
                (&explained["reason"], &explained["reason_args"])
            );
        }
    }
}
