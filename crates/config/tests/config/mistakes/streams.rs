//! Event streams, and sinks that live on them, that cannot be used, or not as meant.

use crate::mistakes::{Case, check, check_all, summary};
use crate::{SOURCE, bad, good};

const SCRIBE: &str = "[sink.log]\ntype='scribe'\n";
const QUEUE: &str = "[sink.q]\ntype='queue'\n";
const MIRROR: &str = "[sink.copy]\ntype='mirror'\ndestination='/copy'\n";

/// One warning, and no error.
#[track_caller]
fn warned(text: &str, place: &str, message: &str, help: &str) {
    let warnings = good(text).warnings;
    let [warning] = warnings.as_slice() else { panic!("{text}\n{}", summary(&warnings)) };
    assert_eq!(format!("{}:{}", warning.line, warning.column), place, "{}", warning.render(false));
    assert!(warning.message.contains(message), "{}", warning.render(false));
    assert!(warning.help.as_deref().is_some_and(|said| said.contains(help)), "{}", warning.render(false));
}

/// A source with one rule, whose keys begin in the fourth line.
fn rule(keys: &str, sinks: &str) -> String {
    format!("{SOURCE}[[source.s.rule]]\n{keys}\n{sinks}")
}

#[test]
fn events() {
    let both = &format!("{SCRIBE}{QUEUE}");
    for (keys, place, message, help) in [
        ("events='every'", "4:8", "`events` is \"all\" or a list, not \"every\"", "write \"all\""),
        ("events='create'", "4:8", "`events` is \"all\" or a list", "write [\"create\"]"),
        ("events=true", "4:8", "expected a list, found a boolean", ""),
        ("events=[]", "4:8", "the list of events is empty", "\"all\""),
        ("events=['creat']", "4:9", "unknown event \"creat\"", "did you mean \"create\"?"),
        ("events=['close-write']", "4:9", "unknown event \"close-write\"", "\"close_write\""),
        ("events=['kangaroo']", "4:9", "unknown event", "known: create, open"),
        ("events=['open',1]", "4:16", "expected a string", ""),
        ("arrivals='no'\nevents='all'", "4:10", "expected true or false", ""),
        ("arrivals=false\nto=['q']", "4:1", "it has no `events`", "add events = \"all\""),
        ("dataset='*.ms'\nevents='all'", "5:1", "not of datasets and groups", "second rule"),
        ("group='re:(?<key>.)'\nevents='all'", "5:1", "not of datasets and groups", "second rule"),
        ("events='all'\nto=['q']", "4:1", "none of the rule's sinks takes events", "scribe, plugin, jsonl"),
        ("events='all'\nto=[]", "3:1", "delivers to no sink", ""),
        (
            "to=['q','log']",
            "4:9",
            "the sink \"log\" takes only events, and this rule gives none",
            "add events",
        ),
        (
            "events='all'\narrivals=false\nto=['log','q']",
            "6:11",
            "the sink \"q\" takes no events, and the rule gives nothing else",
            "take it out of `to`, or remove arrivals = false",
        ),
    ] {
        check(&rule(keys, both), place, message, help);
    }
    check(&rule("name='r'", SCRIBE), "3:1", "no sink takes what the rule \"r\" gives", "add events");
    check(&format!("{SOURCE}{SCRIBE}"), "1:9", "no sink takes what the rule \"default\" gives", "add events");
    check(
        &rule("to=['p']", "[sink.p]\ntype='plugin'\nplugin='count'\n"),
        "4:5",
        "the sink \"p\" takes only events",
        "add events",
    );
}

#[test]
fn events_that_say_nothing() {
    let path = "[sink.names]\ntype='stdout'\nformat='path'\n";
    warned(
        &rule("events='all'\nto=['names','log']", &format!("{path}{SCRIBE}")),
        "5:5",
        "the sink \"names\" gets no events: its format cannot tell them from arrivals",
        "\"cloudevents\"",
    );
    let found = bad(&rule("events='all'", path));
    assert!(
        found.iter().any(|found| found.message.contains("none of the rule's sinks")),
        "{}",
        summary(&found)
    );
    warned(&rule("events='all'\nto=['copy']", MIRROR), "4:1", "a mirror asks for what it needs", "remove it");
    for key in ["complete='network'", "removed=true", "late='ignore'"] {
        let value = key.find('=').expect("a value") + 2;
        warned(
            &rule(&format!("events='all'\nto=['log']\n{key}"), SCRIBE),
            &format!("6:{value}"),
            "says nothing: nobody is told of what arrives by this rule",
            "remove it",
        );
    }
    let unused = format!("{SOURCE}{SCRIBE}{QUEUE}");
    warned(&unused, "3:7", "no rule delivers to the sink \"log\"", "add events = \"all\" to a rule");
}

#[test]
fn a_rule_for_events_hides_no_other_and_is_hidden_by_none() {
    let text = "[[source.s.rule]]\nto=['q']\n[[source.s.rule]]\nevents='all'\narrivals=false\nto=['log']\n";
    assert_eq!(good(&format!("{SOURCE}{text}{SCRIBE}{QUEUE}")).warnings, []);
}

/// One rule tells of events alone, and another one behind it of what arrives.
fn events_first(first: &str, second: &str) -> String {
    format!(
        "{SOURCE}[[source.s.rule]]\nname='a'\nevents='all'\n{first}\n[[source.s.rule]]\nname='b'\n{second}\n\
         {SCRIBE}{QUEUE}"
    )
}

#[test]
fn a_silent_rule_before_others_is_told_with_what_it_takes_from_them() {
    let never = "the rule \"b\" is never told of files that the rule \"a\" before it includes as well";
    for (first, second, line, why) in [
        ("arrivals=false\nto=['log']", "to=['q']", 8, "such as \"x\": that one takes them, and tells nobody"),
        ("arrivals=false\nto=['log']", "events='all'", 8, "(arrivals = false)"),
        ("to=['log']", "to=['q']", 7, "(its sinks take only events)"),
        ("to=['log']\ninclude=['*.log']", "to=['q']\ninclude=['run*']", 8, "such as \"run.log\""),
        ("to=['log']\nexclude=['*.csv']", "to=['q']\ninclude=['*.fits','*.csv']", 8, "such as \"x.fits\""),
    ] {
        for message in [never, why] {
            let text = events_first(first, second);
            warned(
                &text,
                &format!("{line}:1"),
                message,
                "move this one above \"a\", which hears of every event",
            );
        }
    }
    for (first, second) in [
        ("to=['log']\ninclude=['*.log']", "to=['q']\ninclude=['*.csv']"),
        ("to=['log']\nexclude=['*.csv']", "to=['q']\ninclude=['*.csv']"),
        ("to=['log']", "dataset='*.ms'\nto=['q']"),
        ("to=['log','q']", "to=['log']\nevents='all'\ninclude=['*.csv']"),
    ] {
        let found = good(&events_first(first, second)).warnings;
        let never: Vec<_> = found.iter().filter(|found| found.message.contains("never told")).collect();
        assert!(never.is_empty(), "{first} {second}: {}", summary(&found));
    }
}

#[test]
fn of_very_many_patterns_some_are_tried() {
    let many = |end: char| {
        let names: Vec<String> = (0..2_000).map(|number| format!("'{number}*.{end}'")).collect();
        names.join(",")
    };
    let (first, second) =
        (format!("to=['log']\ninclude=[{}]", many('a')), format!("include=[{}]", many('b')));
    let begun = std::time::Instant::now();
    assert_eq!(good(&events_first(&first, &format!("to=['q']\n{second}"))).warnings, []);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn scribes() {
    let cases: &[Case] = &[
        ("log=''", "7:5", "the path is empty", "absolute"),
        ("log='~/x'", "7:5", "`~` is not replaced", "${HOME}"),
        ("style='jsn'", "7:7", "unknown style \"jsn\"", "did you mean \"json\"?"),
        ("format='flat'", "7:1", "unknown key `format`", ""),
        ("events='all'", "7:1", "unknown key `events`", "write it under [[source.NAME.rule]]"),
        ("path='/x'", "7:1", "unknown key `path` in sink \"log\"", "known here: type, log, style"),
        ("log='/data/x.log'", "7:5", "which would tell of every line in its event stream", "exclude"),
        ("log='/data/.x.tmp'", "7:5", "which would tell of every line in its event stream", "exclude"),
    ];
    check_all(&rule("events='all'", SCRIBE), cases);
    let excluded = rule("events='all'\nexclude=['logs']", &format!("{SCRIBE}log='/data/logs/x'"));
    assert_eq!(good(&excluded).warnings, []);
    check(
        &rule("events='all'\nto=['log','q']", &format!("{QUEUE}{SCRIBE}log='/data/x'")),
        "10:5",
        "which would take every line for an arrival",
        "exclude",
    );
}

#[test]
fn mirrors_by_themselves() {
    let begin = format!("{SOURCE}[sink.copy]\ntype='mirror'\n");
    let cases: &[Case] = &[
        ("", "3:7", "sink \"copy\" has no `destination`", "add destination ="),
        ("destination=''", "5:13", "the path is empty", ""),
        ("destination=7", "5:13", "expected a string", ""),
        ("destination='~/x'", "5:13", "`~` is not replaced", ""),
        ("destination='/x'\nadopt='yes'", "6:7", "expected true or false", ""),
        ("destination='/x'\nowner=1", "6:7", "expected true or false", ""),
        ("destination='/x'\npair_within=5", "6:13", "expected a duration", "5s"),
        ("destination='/x'\nformat='flat'", "6:1", "unknown key `format`", ""),
        ("destination='/x'\ndestinatoin='/x'", "6:1", "unknown key `destinatoin`", "`destination`"),
        ("destination='/data'", "5:13", "the destination lies in the source \"s\" (/data)", "outside"),
        ("destination='/x/../data/./y/'", "5:13", "the destination lies in the source", "outside"),
        ("destination='/'", "5:13", "the source \"s\" (/data) lies in the destination", "outside"),
    ];
    check_all(&begin, cases);
    assert_eq!(good(&format!("{begin}destination='/database'")).warnings, []);
}

#[test]
fn mirrors_and_their_rules() {
    let named = |keys: &str| rule(&format!("name='r'\n{keys}\nto=['copy']"), MIRROR);
    let groups = "the rule \"r\" makes units of many files, and the mirror \"copy\" takes them one by one";
    check(&named("dataset='*.ms'"), "6:5", groups, "a source of its own");
    check(&named("group='re:(?<key>.)'"), "6:5", groups, "a source of its own");
    check(
        &named("arrivals=false"),
        "5:1",
        "the mirror \"copy\" copies files when they arrived complete",
        "remove this key",
    );
    check(
        &rule("to=['copy','log']\nevents='all'\narrivals=false", &format!("{MIRROR}{SCRIBE}")),
        "6:1",
        "copies files when they arrived complete",
        "remove this key",
    );
    check(
        &rule("name='a'\ninclude=['*.a']\n[[source.s.rule]]\nname='b'", MIRROR),
        "8:7",
        "the rules \"a\" and \"b\" of the source \"s\" (/data) both deliver to the mirror \"copy\"",
        "one rule",
    );
    check(
        &format!("{SOURCE}follow_symlinks=true\n{MIRROR}"),
        "3:17",
        "links are mirrored as links by \"copy\", and this source follows them",
        "second source",
    );
    check(
        &format!("{SOURCE}[source.t]\npath='/t'\n{MIRROR}"),
        "5:7",
        "the mirror \"copy\" has more than one source: \"s\" (/data) and \"t\" (/t)",
        "make a mirror for each",
    );
    check(
        &rule("to=['q']", &format!("{QUEUE}{MIRROR}")),
        "7:7",
        "no rule delivers to the mirror \"copy\"",
        "`to` of a rule",
    );
    let rules = "[[source.s.rule]]\nname='a'\ninclude=['*.a']\nto=['q']\n[[source.s.rule]]\nto=['copy']\n";
    warned(
        &format!("{SOURCE}temp_names=false\n{rules}{QUEUE}{MIRROR}"),
        "12:7",
        "files that the rule \"a\" takes are copied by the mirror \"copy\" only when trees are compared",
        "a source of its own",
    );
}

#[test]
fn mirrors_and_temporary_names() {
    warned(
        &format!("{SOURCE}{MIRROR}{QUEUE}"),
        "3:7",
        "files with temporary names are mirrored only when they are renamed",
        "temp_names = false",
    );
    for key in ["temp_names=true", "extra_temp_names=['*.x']"] {
        let value = key.find('=').expect("a value") + 2;
        warned(
            &format!("{SOURCE}{key}\n{MIRROR}"),
            &format!("3:{value}"),
            "temporary names are mirrored, too, by \"copy\"",
            "`exclude`",
        );
    }
}

#[test]
fn mirrors_among_themselves() {
    let pair = |a: (&str, &str), b: (&str, &str)| {
        format!(
            "[source.a]\npath='{}'\n[[source.a.rule]]\nto=['x']\n[source.b]\npath='{}'\n[[source.b.rule]]\nto=['y']\n\
             [sink.x]\ntype='mirror'\ndestination='{}'\n[sink.y]\ntype='mirror'\ndestination='{}'\n",
            a.0, b.0, a.1, b.1
        )
    };
    let one_tree = "the mirrors \"x\" and \"y\" write into one tree";
    check(
        &pair(("/a", "/c"), ("/b", "/c")),
        "14:13",
        one_tree,
        "a destination that the other does not touch",
    );
    check(&pair(("/a", "/c"), ("/b", "/c/d")), "14:13", one_tree, "");
    check(
        &pair(("/a", "/c/d"), ("/b", "/c")),
        "11:13",
        "the mirrors \"y\" and \"x\" write into one tree",
        "",
    );
    let circle = "the mirrors \"x\", \"y\" mirror one another's destinations in a circle";
    check(&pair(("/a", "/b"), ("/b", "/a")), "11:13", circle, "one way");
    check(&pair(("/a", "/b/c"), ("/b", "/a/d")), "11:13", circle, "");
    check(&pair(("/a/x", "/b"), ("/b/y", "/a")), "11:13", circle, "");
    good(&pair(("/a", "/b"), ("/b", "/c")));
    let file = "[sink.lines]\ntype='jsonl'\npath='/copy/lines'\n";
    check(
        &format!("{SOURCE}{MIRROR}{file}"),
        "8:6",
        "this file lies in the destination of the mirror \"copy\", which deletes what its source does not have",
        "somewhere else",
    );
}

#[test]
fn plugins() {
    let begin = rule("events='all'", "[sink.p]\ntype='plugin'\n");
    let cases: &[Case] = &[
        ("", "5:7", "sink \"p\" has no `plugin`", ""),
        ("plugin=7", "7:8", "expected the name of a plugin", ""),
        ("plugin=''", "7:8", "the plugin's name \"\" is empty", "`plugin_dir`"),
        ("plugin='../x'", "7:8", "holds a slash", ""),
        ("plugin='.x'", "7:8", "begins with a dot or an underscore", ""),
        ("plugin='_x'", "7:8", "begins with a dot or an underscore", ""),
        ("plugin='c'\narrivals=1", "8:10", "expected true or false", ""),
        ("plugin='c'\noptions=1", "8:9", "expected a table", ""),
        ("plugin='c'\noptions={a=2026-11-22}", "8:12", "found a date", "in quotes"),
        ("plugin='c'\noptions={a=[1,inf]}", "8:15", "JSON has no such number", "in quotes"),
        ("plugin='c'\noptions={a=9223372036854775808}", "8:12", "too large", "in quotes"),
        ("plugin='c'\noptions={a='${NONE}'}", "8:12", "the environment variable NONE is not set", ""),
        ("plugin='c'\nformat='flat'", "8:1", "unknown key `format`", ""),
        ("plugin='c'\ncommand='x'", "8:1", "unknown key `command`", "belongs to the plugin's manifest"),
        ("plugin='c'\nevents='all'", "8:1", "unknown key `events`", "belongs to a rule that delivers here"),
        ("plugin='c'\nplugin_dir='/x'", "8:1", "unknown key `plugin_dir`", "belongs to the top of the file"),
    ];
    check_all(&begin, cases);
    let deep = format!("{begin}plugin='c'\noptions={{a={}1{}}}", "[".repeat(20), "]".repeat(20));
    check(&deep, "8:28", "options nest deeper than 16", "");
    for (value, message) in
        [("''", "the path is empty"), ("'~/x'", "`~` is not replaced"), ("7", "expected a directory")]
    {
        check(&format!("plugin_dir={value}\n{SOURCE}"), "1:12", message, "");
    }
}
