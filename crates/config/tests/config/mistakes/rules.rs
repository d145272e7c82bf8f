//! Mistakes in what a rule takes and in when it is complete.

use std::fmt::Write as _;

use crate::mistakes::{Case, check, check_all, summary};
use crate::{SOURCE, bad, good};

/// A rule of that kind, whose `complete` is in the fifth line.
fn complete(take: &str, value: &str) -> String {
    format!("{SOURCE}[[source.s.rule]]\n{take}\ncomplete={value}")
}

const FILE: &str = "include=['*']";
const DATASET: &str = "dataset='*.ms'";
const NAMES: &str = "group='re:^(?<key>[^_]+)_'";
const DICOM: &str = "group={dicom='series'}";

/// What stands for `complete`, the column, a part of the message, a part of the help.
type Value = (&'static str, usize, &'static str, &'static str);

#[track_caller]
fn check_values(take: &str, values: &[Value]) {
    for (value, column, message, help) in values {
        check(&complete(take, value), &format!("5:{}", column + 9), message, help);
    }
}

#[test]
fn what_a_rule_takes() {
    let cases: &[Case] = &[
        (
            "dataset='*.ms'\ninclude=['x']",
            "5:1",
            "`include` says nothing in a rule for datasets",
            "`exclude` names",
        ),
        ("dataset='*.ms'\ngroup='re:(?<key>.)'", "5:1", "datasets or groups, not both", "two rules"),
        ("dataset=[]", "4:9", "the list is empty", "dataset = \"*.ms\""),
        ("dataset='[ab'", "4:9", "[ is never closed", ""),
        ("dataset=['*.ms', 're:(']", "4:18", "unclosed group", ""),
        (
            "dataset=5",
            "4:9",
            "expected a pattern such as \"*.ms\", or a list of patterns, found an integer",
            "\"5\"",
        ),
        (
            "dataset=true",
            "4:9",
            "expected a pattern such as \"*.ms\", or a list of patterns, found a boolean",
            "",
        ),
        ("dataset=[5]", "4:10", "expected a string, found an integer", "\"5\""),
        ("datasets='*.ms'", "4:1", "unknown key `datasets`", "`dataset`"),
        ("group='*.fits'", "4:7", "\"*.fits\" cannot be used: a group needs a regular expression", "(?<key>"),
        ("group='re:(.*)'", "4:7", "the expression captures no `key`", "the group named `key`"),
        ("group='re:(?<key>'", "4:7", "unclosed group", "(?<key>"),
        ("group='re:(?<key>\\w{1000}{1000})'", "4:7", "the group pattern", "(?<key>"),
        ("group='re:(?<key>.)(?<key>.)'", "4:7", "duplicate capture group name", ""),
        ("group=7", "4:7", "expected \"re:(?<key>…)\" or { dicom = \"series\" }, found an integer", "\"7\""),
        ("group={}", "4:7", "`group` has no `dicom`", ""),
        ("group={dicom='serie'}", "4:14", "unknown DICOM key \"serie\"", "\"series\""),
        ("group={dicom=1}", "4:14", "expected one of series, study, found an integer", ""),
        ("removed='yes'", "4:9", "expected true or false, found a string", ""),
        ("late='ignored'", "4:6", "unknown late \"ignored\"", "\"ignore\""),
        ("of='rule-1'", "4:1", "`of` is for datasets and groups", "group = "),
        ("dataset='x'\nlate='ignored'", "5:6", "unknown late \"ignored\"", "\"ignore\""),
        ("dataset='x'\nlate=1", "5:6", "expected one of generation, ignore, found an integer", ""),
    ];
    check_all(&format!("{SOURCE}[[source.s.rule]]\n"), cases);
    let found = bad(&format!("{SOURCE}[[source.s.rule]]\ngroup={{dicon='series'}}"));
    assert!(summary(&found).contains("did you mean `dicom`?"), "{}", summary(&found));
    check(
        &format!("{SOURCE}recursive=false\n[[source.s.rule]]\nname='ms'\ndataset='*.ms'"),
        "3:11",
        "the datasets of the rule \"ms\" lie in directories below",
        "leave `recursive` out",
    );
    check(&format!("{SOURCE}gap_events=1"), "3:12", "expected true or false, found an integer", "");
}

#[test]
fn units_that_lie_in_others() {
    let rule = |name: &str, take: &str, of: &str| {
        let of = if of.is_empty() { String::new() } else { format!("of='{of}'") };
        format!("[[source.s.rule]]\nname='{name}'\n{take}\n{of}\n")
    };
    let text = |rules: &[String]| format!("{SOURCE}{}", rules.concat());
    let outer = rule("study", DATASET, "");
    // Of the second rule, `of` stands in line 10, of the third in line 14.
    let second = |take: &str, of: &str| text(&[outer.clone(), rule("series", take, of)]);
    good(&second(DATASET, "study"));
    check(
        &second(DATASET, "studdy"),
        "10:4",
        "source \"s\" has no rule \"studdy\"",
        "did you mean \"study\"?",
    );
    check(&second(DATASET, "kangaroo"), "10:4", "no rule \"kangaroo\"", "there are: study");
    check(&second(DATASET, "series"), "10:4", "cannot lie in themselves", "outer units");
    check(&second(NAMES, "study"), "10:4", "datasets lie in datasets, and groups in groups", "both `group`");
    let files = text(&[rule("study", FILE, ""), rule("series", DATASET, "study")]);
    check(&files, "10:4", "the units of that rule are files", "`dataset` or `group`");
    let alone = text(&[rule("study", FILE, ""), rule("series", DATASET, "x")]);
    check(&alone, "10:4", "no rule \"x\"", "no other rule of the source has `dataset` or `group`");
    check(&second(DATASET, "\\u001b"), "10:4", "no rule", "there are");
    check(
        &text(&[rule("a", DATASET, "b"), rule("b", DATASET, "c"), rule("c", DATASET, "a")]),
        "6:4",
        "would lie in themselves, by way of \"b\", then \"c\", then \"a\"",
        "outermost",
    );
    // Who leads into a circle is not in it.
    check(
        &text(&[rule("a", DATASET, "b"), rule("b", DATASET, "c"), rule("c", DATASET, "b")]),
        "10:4",
        "by way of \"c\", then \"b\"",
        "",
    );
    check(
        &format!("{SOURCE}[[source.s.rule]]\n{DATASET}\nof=1"),
        "5:4",
        "expected the name of a rule",
        "\"1\"",
    );
}

#[test]
fn presets_that_do_not_fit() {
    check_values(
        FILE,
        &[
            (
                "'measurement-set'",
                1,
                "the preset \"measurement-set\" is for datasets and groups",
                "dataset = ",
            ),
            ("{preset='dicom-series'}", 9, "\"dicom-series\" is for datasets and groups", "dataset = "),
            ("'closed'", 1, "\"closed\" is a signal and no preset", "{ all = [\"closed\"] }"),
            ("{preset='scanner',quiet='1s'}", 9, "no period of quiet", "network, sftp"),
            ("{preset='done-file',quiet='1s'}", 9, "no period of quiet", "{ all = [ … ] }"),
            ("{preset='network',quiet='0s'}", 25, "`quiet` cannot be zero", ""),
            (
                "{preset='network',quiet={least='1s',most='2s'}}",
                25,
                "expected a duration such as \"5s\", found a table",
                "",
            ),
            ("{preset='network',marker='x'}", 1, "preset and marker side by side", "all = ["),
            ("{preset='network',quiet='1s',marker='x'}", 1, "preset and quiet and marker side by side", ""),
        ],
    );
    for preset in ["local", "sftp", "rsync"] {
        let value = format!("'{preset}'");
        for take in [NAMES, DICOM] {
            let text = complete(take, &value);
            check(&text, "5:10", "a group is never renamed", "{ all = [\"members\", { quiet = \"10s\" }] }");
        }
        if preset == "local" {
            check(&complete(DATASET, &value), "5:10", "between two of its files", "\"measurement-set\"");
        } else {
            good(&complete(DATASET, &value));
        }
    }
}

#[test]
fn clauses_that_do_not_fit() {
    check_values(
        FILE,
        &[
            ("{all=['members']}", 7, "\"members\" is for datasets and groups", "\"writer_gone\""),
            ("{count=3}", 2, "`count` is for groups: a file has no members", "group = "),
            ("{any=[{count=3}]}", 8, "`count` is for groups: a file has no members", ""),
            (
                "{quiet='1s',deadline='1h',on_deadline='announce_incomplete'}",
                39,
                "only datasets and groups are announced as incomplete",
                "\"deliver\"",
            ),
        ],
    );
    check_values(DATASET, &[("{all=[{count=3}]}", 8, "`count` is for groups", "manifest = \"SHA256SUMS\"")]);
    for take in [NAMES, DICOM] {
        check_values(
            take,
            &[
                ("{manifest='x'}", 2, "`manifest` is for files and datasets", "count = 12"),
                (
                    "{any=['members','renamed_in']}",
                    17,
                    "\"renamed_in\" cannot hold for a group",
                    "\"members\"",
                ),
                ("{count='captured'}", 8, "nothing is captured", "(?<total>"),
            ],
        );
    }
    check_values(NAMES, &[("{count='header'}", 8, "only groups by DICOM headers", "{ dicom = \"series\" }")]);
}

#[test]
fn clauses_that_are_written_wrong() {
    check_values(
        NAMES,
        &[
            ("{count=0}", 8, "`count` cannot be zero", "how many members"),
            ("{count=-1}", 8, "-1 is no whole number", ""),
            ("{count='capture'}", 8, "unknown count \"capture\"", "\"captured\""),
            ("{count=1.5}", 8, "expected a number, \"captured\" or \"header\", found a float", ""),
            ("{all=['count']}", 7, "\"count\" needs a number", "{ count = 12 }"),
        ],
    );
    check_values(
        DATASET,
        &[
            ("{all=['marker']}", 7, "\"marker\" needs a file name", "{ marker = \"{name}.done\" }"),
            ("{all=['manifest']}", 7, "\"manifest\" needs a file name", "SHA256SUMS"),
            ("{all=['metadata']}", 7, "\"metadata\" needs a file name", "meta.yaml"),
            ("{all=['lock_gone']}", 7, "\"lock_gone\" needs a file name", "{name}.lock"),
            ("{all=['member']}", 7, "unknown signal \"member\"", "\"members\""),
            ("{members=true}", 2, "`members` has no value", "{ all = [\"members\"] }"),
            ("{all=[{announce=true}]}", 8, "`announce` has no value", "\"announce\""),
            ("{marker='x',quiet='1s'}", 1, "quiet and marker side by side", "{ all = [ … ] }"),
            ("{all=[{marker='x',quiet='1s'}]}", 7, "exactly one key", ""),
            ("{markr='x'}", 2, "unknown key `markr`", "`marker`"),
        ],
    );
}

#[test]
fn names_of_companions_that_cannot_be_used() {
    check_values(
        DATASET,
        &[
            ("{marker=''}", 9, "the name \"\" cannot be used: the name is empty", "beside it"),
            ("{marker='../x'}", 9, "must stay below its directory", "lie inside of the dataset"),
            ("{lock_gone='/x'}", 12, "must stay below its directory", ""),
            ("{manifest='a//b'}", 11, "must stay below its directory", ""),
            ("{metadata='{nam}.x'}", 11, "only {name} and {stem}", ""),
            ("{marker='{name}'}", 9, "the name is the unit's own", ""),
            ("{marker='{name}/x'}", 9, "lies beside the unit", ""),
            ("{marker=5}", 9, "expected a file name such as \"{name}.done\", found an integer", "\"5\""),
            ("{lock_gone={name='x'}}", 12, "expected a file name", ""),
        ],
    );
    check_values(
        FILE,
        &[
            ("{marker='meta/x'}", 9, "only in datasets a name may lead into a directory", "{stem}.ok"),
            ("{marker='{stem}'}", 9, "the name is the unit's own", "{stem}.ok"),
        ],
    );
    check_values(NAMES, &[("{lock_gone='a/x'}", 12, "only in datasets", "all in its directory")]);
}

#[test]
fn tables_of_companions_that_are_written_wrong() {
    check_values(
        DATASET,
        &[
            ("{marker={}}", 9, "`marker` has no `name`", ""),
            ("{marker={name='x',after='delet'}}", 25, "unknown after \"delet\"", "\"delete\""),
            ("{marker={name='x',aftr='keep'}}", 19, "unknown key `aftr` in `marker`", "`after`"),
            ("{marker={name=''}}", 15, "the name is empty", ""),
            ("{manifest={}}", 11, "`manifest` has no `file`", ""),
            ("{manifest={file='x',style='sha265'}}", 27, "unknown style \"sha265\"", "\"sha256\""),
            ("{manifest={file='x',extras='no'}}", 28, "unknown extras \"no\"", "ignore, refuse"),
            (
                "{manifest={file='x',rate=5}}",
                26,
                "expected a size such as \"64MiB\", found an integer",
                "\"5MiB\"",
            ),
            ("{manifest={file='x',rate='fast'}}", 26, "does not begin with a number", ""),
            ("{manifest={file='x',rate='5MiB/s'}}", 26, "unknown unit \"MiB/s\"", ""),
            ("{manifest={file='x',rate='${SECRET}'}}", 26, "\"${SECRET}\" does not give a size", ""),
            ("{manifest={file='x',rate='0B'}}", 26, "`rate` cannot be zero", "as fast as it goes"),
            ("{manifest={file='x',rates='1B'}}", 21, "unknown key `rates` in `manifest`", "`rate`"),
            ("{metadata={}}", 11, "`metadata` has no `file`", ""),
            ("{metadata={file='x',key=''}}", 25, "the key \"\" cannot be used: a part is empty", "dots"),
            ("{metadata={file='x',key='a..b'}}", 25, "a part is empty", "product.state"),
            ("{metadata={file='x',key=1}}", 25, "expected a string, found an integer", ""),
            ("{metadata={file='x',keys='a'}}", 21, "unknown key `keys` in `metadata`", "`key`"),
        ],
    );
}

#[test]
fn adaptive_quiet_that_is_written_wrong() {
    check_values(
        FILE,
        &[
            ("{quiet={least='2s'}}", 8, "`quiet` has no `most`", ""),
            ("{quiet={most='2s'}}", 8, "`quiet` has no `least`", ""),
            ("{quiet={least='3s',most='2s'}}", 25, "`most` is shorter than `least`", "between"),
            ("{quiet={least='0s',most='2s'}}", 15, "`least` cannot be zero", ""),
            ("{quiet={least='1s',most='2s',factor=0}}", 37, "`factor` is not from 1 to 100", "3 is usual"),
            ("{quiet={least='1s',most='2s',factor=101}}", 37, "`factor` is not from 1 to 100", ""),
            ("{quiet={least='1s',most='2s',factor=4294967297}}", 37, "`factor` is not from 1 to 100", ""),
            ("{quiet={least='1s',most='2s',factor='3'}}", 37, "expected an integer, found a string", ""),
            (
                "{all=[{quiet={least='1s',most='2s',fact=3}}]}",
                36,
                "unknown key `fact` in `quiet`",
                "`factor`",
            ),
            (
                "{quiet={least=1,most='2s'}}",
                15,
                "expected a duration such as \"5s\", found an integer",
                "\"1s\"",
            ),
        ],
    );
}

#[test]
fn more_companions_than_a_rule_can_ask_for() {
    let markers = |count: usize| {
        let mut list = String::new();
        for number in 0..count {
            let _ = writeln!(list, "{{marker='{{name}}.{number}'}},");
        }
        complete(FILE, &format!("{{all=[\n{list}]}}"))
    };
    let found = good(&markers(32));
    assert_eq!(found.plan.sources[0].rules.rules[0].completion.asks.len(), 32);
    // The thirty-third stands in the thirty-third line of the list, which begins in line 6.
    check(&markers(33), "38:2", "32 companions at most", "one manifest");
    check(&markers(400), "38:2", "32 companions at most", "one manifest");
}

#[test]
fn a_marker_of_everything_that_is_deleted_is_a_warning() {
    let delete =
        |take: &str, name: &str| complete(take, &format!("{{marker={{name='{name}',after='delete'}}}}"));
    for take in [FILE, NAMES] {
        let warnings = good(&delete(take, "_SUCCESS")).warnings;
        assert_eq!(warnings.len(), 1, "{}", summary(&warnings));
        assert!(warnings[0].message.contains("once the first is delivered"), "{}", summary(&warnings));
        assert_eq!((warnings[0].line, warnings[0].column), (5, 41));
        assert_eq!(good(&delete(take, "{name}.done")).warnings, []);
    }
    assert_eq!(good(&delete(DATASET, "_SUCCESS")).warnings, []);
}

#[test]
fn a_sink_that_cannot_tell_removals_is_a_warning() {
    let with = |format: &str, rule: &str, source: &str| {
        good(&format!(
            "[source.s]\npath='/in'\n{source}\n[[source.s.rule]]\n{rule}\n[sink.q]\ntype='stdout'\nformat={format}\n"
        ))
    };
    let template = "'template'\ntemplate='{path}'";
    for format in ["'path'", template] {
        for (rule, source) in [("removed = true", ""), ("", "gap_events = true")] {
            let warnings = with(format, rule, source).warnings;
            assert_eq!(warnings.len(), 1, "{format} {rule}{source}: {}", summary(&warnings));
            assert!(warnings[0].message.contains("no removals and gaps"), "{}", summary(&warnings));
        }
        assert_eq!(with(format, "", "").warnings, []);
    }
    for format in ["'flat'", "'cloudevents'", "'template'\ntemplate='{type} {path}'"] {
        assert_eq!(with(format, "removed = true", "gap_events = true").warnings, [], "{format}");
    }
}

#[test]
fn groups_that_may_share_a_key_are_a_warning() {
    let with = |rules: &str| good(&format!("[source.s]\npath='/in'\n{rules}")).warnings;
    let rule = |name: &str, more: &str| {
        format!(
            "[[source.s.rule]]\nname='{name}'\ninclude=['*.{name}']\n{more}\ngroup='re:(?<key>[^_]+)_.*'\n"
        )
    };
    let two = with(&format!("{}{}", rule("tif", ""), rule("log", "")));
    assert_eq!(two.len(), 1, "{}", summary(&two));
    assert!(two[0].message.contains("\"tif\" and \"log\""), "{}", summary(&two));
    assert_eq!(with(&format!("{}{}", rule("tif", ""), rule("log", "of='tif'"))), []);
    assert_eq!(with(&rule("tif", "")), []);
}
