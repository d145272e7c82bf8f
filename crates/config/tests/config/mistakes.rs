//! What is wrong is said with its place, in words, and with what was probably meant.

mod brokers;
mod dlm;
mod misplaced;
mod rules;
mod streams;

use config::{Diagnostic, Severity};

use crate::{SOURCE, bad, good};

/// Configuration, place, a part of the message, a part of the help.
type Case = (&'static str, &'static str, &'static str, &'static str);

fn summary(found: &[Diagnostic]) -> String {
    found.iter().map(|finding| finding.render(false)).collect()
}

#[track_caller]
fn check(text: &str, place: &str, message: &str, help: &str) {
    let found = bad(text);
    let errors: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let [error] = errors.as_slice() else { panic!("one error expected for\n{text}\n{}", summary(&found)) };
    assert_eq!(format!("{}:{}", error.line, error.column), place, "{}", error.render(false));
    assert_eq!(error.file, "c.toml");
    assert!(error.message.contains(message), "{message:?} expected in\n{}", error.render(false));
    let said = error.help.as_deref().unwrap_or_default();
    assert!(said.contains(help), "{help:?} expected in\n{}", error.render(false));
}

#[track_caller]
fn check_all(before: &str, cases: &[Case]) {
    for (text, place, message, help) in cases {
        check(&format!("{before}{text}"), place, message, help);
    }
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let cases: &[Case] = &[
        (
            "sit = \"x\"\n[source.s]\npath=\"/d\"",
            "1:1",
            "unknown key `sit` in the top of the file",
            "did you mean `site`?",
        ),
        ("[sources.s]\npath=\"/d\"\n[source.t]\npath=\"/d\"", "1:2", "unknown key `sources`", "`source`"),
        ("[source.s]\npath=\"/d\"\npol_interval=\"1s\"", "3:1", "in source \"s\"", "`poll_interval`"),
        ("[source.s]\npath=\"/d\"\nkangaroo=1", "3:1", "`kangaroo`", "known here: path, recursive"),
        (
            "[source.s]\npath=\"/d\"\ninitial={newer=\"1d\",newer_than=\"1d\"}",
            "3:10",
            "`newer`",
            "`newer_than`",
        ),
        ("[source.s]\npath=\"/d\"\nreannounce={evry=\"1d\"}", "3:13", "`evry`", "`every`"),
        (
            "[source.s]\npath=\"/d\"\n[[source.s.rule]]\ncomplete={any=[{quite=\"5s\"}]}",
            "4:17",
            "`quite`",
            "`quiet`",
        ),
        (
            "[source.s]\npath=\"/d\"\n[[source.s.rule]]\nname=\"csv\"\ninclud=[\"*\"]",
            "5:1",
            "unknown key `includ` in rule \"csv\" of source \"s\"",
            "`include`",
        ),
        ("[source.s]\npath=\"/d\"\n[[source.s.rule]]\ncomplete={quite=\"5s\"}", "4:11", "`quite`", "`quiet`"),
        (
            "[source.s]\npath=\"/d\"\n[sink.q]\ntype=\"queue\"\nretian=\"1d\"",
            "5:1",
            "`retian` in sink \"q\"",
            "`retain`",
        ),
        (
            "[source.s]\npath=\"/d\"\n[sink.q]\ntype=\"queue\"\nformat=\"flat\"",
            "5:1",
            "`format`",
            "known here: type, retain",
        ),
        (
            "[source.s]\npath=\"/d\"\n[sink.r]\ntype=\"redis-list\"\nurl=\"redis://h\"\nkeys=\"k\"\nkey=\"k\"",
            "6:1",
            "`keys`",
            "`key`",
        ),
    ];
    check_all("", cases);
}

#[test]
fn unknown_words_name_the_nearest_known_one() {
    let cases: &[Case] = &[
        ("backend=\"inotfy\"", "3:9", "unknown backend \"inotfy\"", "did you mean \"inotify\"?"),
        ("identity=\"x\"", "3:10", "unknown identity", "known: auto, inode, no-inode"),
        ("announce=\"arrival\"", "3:10", "unknown announce", "\"arrivals\""),
        ("initial=\"adapt\"", "3:9", "unknown initial", "\"adopt\""),
        ("[[source.s.rule]]\ncomplete=\"Local\"", "4:10", "unknown preset \"Local\"", "\"local\""),
        ("[[source.s.rule]]\ncomplete={any=[\"close\"]}", "4:16", "unknown signal \"close\"", "\"closed\""),
        (
            "[[source.s.rule]]\ncomplete={quiet=\"1s\",deadline=\"1h\",on_deadline=\"alret\"}",
            "4:48",
            "unknown on_deadline",
            "\"alert\"",
        ),
        ("[[source.s.rule]]\nto=[\"lokal\"]", "4:5", "there is no sink \"lokal\"", "did you mean \"local\"?"),
        (
            "[[source.s.rule]]\nto=[\"a\",\"kangaroo\"]\n[sink.a]\ntype=\"queue\"",
            "4:9",
            "no sink \"kangaroo\"",
            "there are: a",
        ),
        (
            "[[source.s.rule]]\nto=[\"a\",\"local\"]\n[sink.a]\ntype=\"queue\"",
            "4:9",
            "no sink \"local\"",
            "add [sink.local]",
        ),
        ("[sink.a]\ntype=\"que\"", "4:6", "unknown type of sink \"que\"", "\"queue\""),
        ("[sink.a]\ntype=\"stdout\"\nformat=\"cloudevent\"", "5:8", "unknown format", "\"cloudevents\""),
        (
            "[sink.a]\ntype=\"redis-list\"\nurl=\"redis://h\"\nkey=\"k\"\npush=\"top\"",
            "7:6",
            "unknown push",
            "left, right",
        ),
    ];
    check_all(SOURCE, cases);
    check(&format!("durability=\"powr\"\n{SOURCE}"), "1:12", "unknown durability", "\"power\"");
}

#[test]
fn what_is_not_built_yet_says_so() {
    let cases: &[Case] = &[
        (
            "[[source.s.rule]]\nthen=[\"delete\"]",
            "4:1",
            "`then` is not built yet",
            "rule 1 of source \"s\" knows",
        ),
        ("tags=[\"x\"]", "3:1", "`tags` is not built yet", "knows path"),
        (
            "[sink.a]\ntype=\"kafka\"\nbrokers=[\"x\"]",
            "4:6",
            "type of sink \"kafka\" is not built yet",
            "redis-list",
        ),
    ];
    check_all(SOURCE, cases);
}

#[test]
fn wrong_types_say_what_was_expected_and_found() {
    let cases: &[Case] = &[
        ("recursive=\"yes\"", "3:11", "expected true or false, found a string", ""),
        ("poll_interval=5", "3:15", "expected a duration such as \"5s\", found an integer", "\"5s\""),
        ("rescan=1.5", "3:8", "expected a duration such as \"5s\", found a float", ""),
        ("rescan=2026-11-21", "3:8", "found a date", ""),
        ("backend=true", "3:9", "expected one of auto, inotify, fanotify, poll, found a boolean", ""),
        ("initial=[]", "3:9", "newer_than = \"2d\" }, found a list", ""),
        ("extra_temp_names=\"*.x\"", "3:18", "expected a list, found a string", "write [\"*.x\"]"),
        ("extra_temp_names=[\"*.x\", 7]", "3:26", "expected a string, found an integer", "\"7\""),
        ("reannounce={queue_limit=\"x\"}", "3:25", "expected an integer, found a string", ""),
        ("reannounce={queue_limit=-1}", "3:25", "-1 is no whole number", ""),
        ("[source.s.rule]\nname=\"x\"", "3:1", "expected a list of tables, found a table", "two brackets"),
        ("rule=[1]", "3:7", "expected a table, found an integer", ""),
        ("[[source.s.rule]]\nto=\"local\"", "4:4", "expected a list, found a string", "[\"local\"]"),
        ("[[source.s.rule]]\ncomplete=5", "4:10", "expected a preset such as \"local\", or a table", ""),
        ("[[source.s.rule]]\nname=5", "4:6", "expected a string, found an integer", ""),
        ("[sink]\na=5", "4:3", "expected a table, found an integer", ""),
        ("[sink.a]\ntype=5", "4:6", "expected a type of sink, found an integer", ""),
    ];
    check_all(SOURCE, cases);
    check("source=5", "1:8", "expected a table, found an integer", "");
}

#[test]
fn bad_durations_and_zero_periods() {
    let cases: &[Case] = &[
        ("poll_interval=\"5 parsecs\"", "3:15", "unknown unit \"parsecs\"", ""),
        ("poll_interval=\"5\"", "3:15", "has no unit", ""),
        ("poll_interval=\"soon\"", "3:15", "does not begin with a number", ""),
        ("poll_interval=\"0s\"", "3:15", "`poll_interval` cannot be zero", ""),
        ("poll_full=\"0\"", "3:11", "`poll_full` cannot be zero", ""),
        ("reannounce=\"0\"", "3:12", "cannot be zero", "\"start\""),
        ("rescan=\"${SECRET}\"", "3:8", "\"${SECRET}\" does not give a duration", ""),
        ("[[source.s.rule]]\ncomplete={quiet=\"0s\"}", "4:17", "`quiet` cannot be zero", ""),
        ("[sink.a]\ntype=\"stdout\"\ntimeout=\"0\"", "5:9", "`timeout` cannot be zero", ""),
    ];
    check_all(SOURCE, cases);
}

#[test]
fn what_is_missing_or_does_not_fit_together() {
    let cases: &[Case] = &[
        ("[source.t]", "3:9", "source \"t\" has no `path`", ""),
        ("initial={}", "3:9", "`initial` has no `newer_than`", ""),
        ("[[source.s.rule]]\ninclude=[]", "3:1", "rule 1 of source \"s\" includes nothing", "[\"*\"]"),
        ("[[source.s.rule]]\nto=[]", "3:1", "delivers to no sink", "all sinks"),
        ("[[source.s.rule]]\nto=[\"local\",\"local\"]", "4:13", "\"local\" is named twice", ""),
        ("[[source.s.rule]]\nname=\"a\"\n[[source.s.rule]]\nname=\"a\"", "5:1", "two rules named \"a\"", ""),
        ("[[source.s.rule]]\nname=\"\"", "4:6", "the rule name is empty", ""),
        ("[[source.s.rule]]\ncomplete={}", "4:10", "does not say what must be seen", "preset"),
        ("[[source.s.rule]]\ncomplete={any=[]}", "4:15", "the list is empty", ""),
        (
            "[[source.s.rule]]\ncomplete={any=[\"closed\"],quiet=\"1s\"}",
            "4:10",
            "any and quiet side by side",
            "all = [",
        ),
        (
            "[[source.s.rule]]\ncomplete={preset=\"local\",quiet=\"1s\"}",
            "4:18",
            "has no period of quiet",
            "network, sftp, rsync, measurement-set, dicom-series",
        ),
        (
            "[[source.s.rule]]\ncomplete={quiet=\"1s\",on_deadline=\"hold\"}",
            "4:10",
            "there is no `deadline`",
            "deadline = ",
        ),
        ("[[source.s.rule]]\ncomplete={any=[{quiet=\"1s\",min_age=\"1s\"}]}", "4:16", "exactly one key", ""),
        ("[[source.s.rule]]\ncomplete={any=[{deadline=\"1s\"}]}", "4:17", "`deadline` stands outside", ""),
        (
            "[[source.s.rule]]\ncomplete={any=[\"quiet\"]}",
            "4:16",
            "\"quiet\" needs a duration",
            "{ quiet = \"2s\" }",
        ),
        ("[sink.a]", "3:7", "sink \"a\" has no `type`", "redis-list"),
        ("[sink.a]\ntype=\"jsonl\"", "3:7", "sink \"a\" has no `path`", ""),
        ("[sink.a]\ntype=\"redis-list\"\nkey=\"k\"", "3:7", "has no `url`", "redis://127.0.0.1"),
        ("[sink.a]\ntype=\"redis-list\"\nurl=\"redis://h\"", "3:7", "has no `key`", ""),
        ("[sink.a]\ntype=\"redis-list\"\nurl=\"redis://h\"\nkey=\"\"", "6:5", "key is empty", ""),
        (
            "[sink.a]\ntype=\"redis-list\"\nurl=\"redis://h\"\nurl_file=\"/f\"\nkey=\"k\"",
            "3:7",
            "both `url` and `url_file`",
            "",
        ),
        (
            "[sink.a]\ntype=\"redis-list\"\nurl=\"localhost\"\nkey=\"k\"",
            "5:5",
            "no URL of a Redis server",
            "redis://",
        ),
        ("[sink.a]\ntype=\"redis-list\"\nurl_file=\"/none/x\"\nkey=\"k\"", "5:10", "cannot be read", ""),
        (
            "[sink.a]\ntype=\"redis-list\"\nurl=\"redis://h\"\nkey=\"k\"\nca_file=\"/c\"",
            "3:7",
            "would not be used",
            "rediss://",
        ),
        (
            "[sink.a]\ntype=\"redis-list\"\nurl=\"rediss://h\"\nkey=\"k\"\nclient_key=\"/c\"",
            "3:7",
            "without the other",
            "",
        ),
        ("[sink.a]\ntype=\"stdout\"\nformat=\"template\"", "3:7", "no `template`", "template = "),
        ("[sink.a]\ntype=\"stdout\"\ntemplate=\"x\"", "5:1", "needs format = \"template\"", ""),
    ];
    check_all(SOURCE, cases);
    check("site=\"\"\n[source.s]\npath=\"/d\"", "1:6", "the site name is empty", "");
    check("[source.s]\npath=\"\"", "2:6", "the path is empty", "absolute");
    check("[source.s]\npath=\"~/in\"", "2:6", "`~` is not replaced", "${HOME}");
    check("[source.\"\"]\npath=\"/d\"", "1:9", "the source name is empty", "");
    check("site = \"x\"\n", "1:11", "there is no source", "[source.NAME]");
    check("", "1:1", "there is no source", "[source.NAME]");
    check("[source]\n", "1:9", "there is no source", "[source.NAME]");
}

#[test]
fn more_rules_than_a_source_can_have() {
    let text = format!("{SOURCE}{}", "[[source.s.rule]]\n".repeat(65));
    check(&text, "3:1", "65 rules; at most 64", "");
    good(&format!("{SOURCE}{}", "[[source.s.rule]]\n".repeat(64)));
}

#[test]
fn patterns_that_cannot_be_used() {
    let cases: &[Case] = &[
        (
            "[[source.s.rule]]\ninclude=[\"*\", \"[ab\"]",
            "4:15",
            "\"[ab\" cannot be used: [ is never closed",
            "",
        ),
        ("[[source.s.rule]]\nexclude=[\"re:a(b\"]", "4:10", "unclosed group", ""),
        ("[[source.s.rule]]\nexclude=['py:a(?i)b']", "4:10", "very start", ""),
        ("extra_temp_names=[\"\"]", "3:19", "empty", ""),
        ("[[source.s.rule]]\nexclude=[\"tmp/\"]", "4:10", "ends with /", ""),
    ];
    check_all(SOURCE, cases);
}

#[test]
fn the_environment() {
    let cases: &[Case] = &[
        ("poll_interval=\"${NONE}\"", "3:15", "the environment variable NONE is not set", "${NONE:-default}"),
        ("[[source.s.rule]]\ninclude=[\"${a b}\"]", "4:10", "\"a b\" is no name", "$${"),
        ("[[source.s.rule]]\ninclude=[\"${x\"]", "4:10", "not closed", "$${"),
        ("[sink.a]\ntype=\"redis-list\"\nurl=\"${NONE}\"\nkey=\"k\"", "5:5", "NONE is not set", ""),
    ];
    check_all(SOURCE, cases);
}

#[test]
fn broken_toml() {
    check("[source.s\npath=\"/d\"", "1:10", "", "");
    check("[source.s]\npath=\"/d\"\npath=\"/e\"", "3:1", "duplicate key", "");
    let found = bad("a = \nb = 1\nc = [\n");
    assert!(found.len() >= 2, "all syntax errors: {}", summary(&found));
}

#[test]
fn every_mistake_is_reported_at_once_and_in_order() {
    let found = bad(concat!(
        "sit = \"x\"\n",
        "[source.s]\n",
        "path = 5\n",
        "backend = \"kqueue\"\n",
        "poll_interval = \"soon\"\n",
        "[[source.s.rule]]\n",
        "include = [\"[\", \"ok\", \"{\"]\n",
        "complete = \"nework\"\n",
        "to = [\"a\", \"b\"]\n",
        "[sink.a]\n",
        "type = \"jsonl\"\n",
        "retain = \"1d\"\n",
    ));
    let places: Vec<_> = found.iter().map(|finding| (finding.line, finding.column)).collect();
    assert_eq!(
        places,
        [(1, 1), (3, 8), (4, 11), (5, 17), (7, 12), (7, 23), (8, 12), (9, 12), (10, 7), (12, 1)],
        "{}",
        summary(&found)
    );
}

#[test]
fn a_line_file_inside_a_source_is_an_error_unless_it_is_ignored() {
    let sink = |path: &str| format!("[sink.l]\ntype=\"jsonl\"\npath=\"{path}\"\n");
    let with = |rule: &str, path: &str| format!("{SOURCE}[[source.s.rule]]\n{rule}\n{}", sink(path));
    check(&with("", "/data/out/e.jsonl"), "7:6", "lies in the source \"s\" (c.toml:2)", "exclude");
    check(&with("", "/data/./x/../e.jsonl"), "7:6", "lies in the source", "");
    for (rule, path) in [
        ("", "/database/e.jsonl"),
        ("exclude=[\"*.jsonl\"]", "/data/e.jsonl"),
        ("exclude=[\"out\"]", "/data/out/deep/e.jsonl"),
        ("", "/data/.e.jsonl"),
    ] {
        assert_eq!(good(&with(rule, path)).warnings, [], "{path}");
    }
    // As a member of a dataset it would make each line a change of that.
    check(&with("dataset=\"out\"", "/data/out/deep/.e.jsonl"), "7:6", "lies in the source", "exclude");
    assert_eq!(good(&with("dataset=\"out\"", "/data/e.jsonl")).warnings, []);
    let flat = format!("{SOURCE}recursive=false\n{}", sink("/data/out/e.jsonl"));
    assert_eq!(good(&flat).warnings, []);
}

#[test]
fn what_is_allowed_but_odd_is_a_warning() {
    let warned = |text: &str, place: &str, message: &str| {
        let loaded = good(text);
        let [warning] = loaded.warnings.as_slice() else { panic!("{}", summary(&loaded.warnings)) };
        assert_eq!(warning.severity, Severity::Warning);
        assert_eq!(format!("{}:{}", warning.line, warning.column), place);
        assert!(warning.message.contains(message), "{}", warning.render(false));
    };
    warned("[source.s]\npath=\"in\"", "2:6", "\"in\" is relative");
    warned(
        &format!("{SOURCE}[[source.s.rule]]\nto=[\"a\"]\n[sink.a]\ntype=\"queue\"\n[sink.b]\ntype=\"queue\""),
        "7:7",
        "no rule delivers to the sink \"b\"",
    );
    warned(
        &format!("{SOURCE}[sink.r]\ntype=\"redis-list\"\nurl=\"redis://u:hunter2@h\"\nkey=\"k\""),
        "5:5",
        "the password stands in the configuration file",
    );
    warned(
        &format!(
            "{SOURCE}[sink.o]\ntype=\"stdout\"\nformat=\"template\"\ntemplate=\"{{pth}} {{\\\"a\\\":1}}\""
        ),
        "6:10",
        "{pth} in the template is not replaced",
    );
}
