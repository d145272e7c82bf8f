//! What is right in itself, but stands elsewhere or is written a little differently: the help is the line to write.

use config::Severity;

use crate::mistakes::{check, summary};
use crate::{SOURCE, bad, good};

/// A rule whose lines begin in the fourth.
fn rule(text: &str) -> String {
    format!("{SOURCE}[[source.s.rule]]\n{text}")
}

/// What is found, which is one error and no second one that follows from it.
#[track_caller]
fn only_error(text: &str) -> config::Diagnostic {
    let found = bad(text);
    let [error] = found.as_slice() else { panic!("one finding expected for\n{text}\n{}", summary(&found)) };
    assert_eq!(error.severity, Severity::Error);
    error.clone()
}

#[test]
fn a_companion_has_its_own_braces() {
    let cases = [
        (
            r#"{ marker = "{name}.done", after = "delete" }"#,
            r#"marker = { name = "{name}.done", after = "delete" }"#,
        ),
        (
            r#"{ all = ["closed", { marker = "{name}.done", after = "delete" }] }"#,
            r#"marker = { name = "{name}.done", after = "delete" }"#,
        ),
        (
            r#"{ manifest = "{name}.md5", rate = "10MiB" }"#,
            r#"manifest = { file = "{name}.md5", rate = "10MiB" }"#,
        ),
        (
            r#"{ metadata = "{stem}.yaml", key = "a.b" }"#,
            r#"metadata = { file = "{stem}.yaml", key = "a.b" }"#,
        ),
    ];
    for (written, instead) in cases {
        let error = only_error(&rule(&format!("complete = {written}")));
        assert_eq!(
            error.help.as_deref(),
            Some(format!("write {instead}").as_str()),
            "{}",
            error.render(false)
        );
        good(&rule(&format!("complete = {{ {instead} }}")));
    }
    let error = only_error(&rule("complete = { quiet = \"5s\", after = \"delete\" }"));
    assert_eq!(error.message, "`after` belongs to `marker`");
}

#[test]
fn a_bare_list_is_written_out() {
    let error = only_error(&rule("complete = [\"closed\", \"writer_gone\"]"));
    let help = error.help.as_deref().unwrap_or_default();
    assert!(help.contains("write { all = [\"closed\", \"writer_gone\"] }"), "{help}");
    let error = only_error(&rule("complete = [\"closed\", { quiet = \"5s\" }]"));
    assert!(error.help.as_deref().is_some_and(|help| help.contains("{ all = [\"closed\", …] }")), "{error}");
}

#[test]
fn what_belongs_in_complete_is_told_with_what_stands_there() {
    let cases = [
        ("deadline = \"1h\"", "complete = { preset = \"local\", deadline = \"1h\" }"),
        (
            "complete = \"network\"\ndeadline = \"1h\"",
            "complete = { preset = \"network\", deadline = \"1h\" }",
        ),
        ("complete = \"local\"\nmin_age = \"1m\"", "complete = { preset = \"local\", min_age = \"1m\" }"),
        ("quiet = \"5s\"", "complete = { quiet = \"5s\" }"),
        (
            "dataset = '*.ms'\ndeadline = \"1h\"",
            "complete = { preset = \"measurement-set\", deadline = \"1h\" }",
        ),
        (
            "group = 're:^(?<key>[^_]+)_'\ndeadline = \"1h\"",
            "complete = { all = [\"members\", { quiet = \"10s\" }], deadline = \"1h\" }",
        ),
        (
            "group = { dicom = 'series' }\ndeadline = \"1h\"",
            "complete = { preset = \"dicom-series\", deadline = \"1h\" }",
        ),
    ];
    for (written, instead) in cases {
        let error = only_error(&rule(written));
        assert!(error.message.ends_with("belongs in `complete`"), "{}", error.message);
        assert_eq!(error.help.as_deref(), Some(format!("write {instead}").as_str()));
        let take = written.lines().filter(|line| line.starts_with("dataset") || line.starts_with("group"));
        good(&rule(&format!("{}\n{instead}", take.collect::<String>())));
    }
    let error = only_error(&rule("complete = { quiet = \"5s\" }\ndeadline = \"1h\""));
    assert_eq!(
        error.help.as_deref(),
        Some("write it within the braces: complete = { …, deadline = \"1h\" }")
    );
}

#[test]
fn a_key_of_another_table_is_sent_there() {
    check(&rule("temp_names = false"), "4:1", "`temp_names`", "above its first [[source.NAME.rule]]");
    check(&rule("recursive = false"), "4:1", "`recursive`", "belongs to the source");
    check(&format!("{SOURCE}include = ['*.csv']"), "3:1", "`include`", "under [[source.NAME.rule]]");
    check(&format!("{SOURCE}quiet = \"5s\""), "3:1", "`quiet`", "complete = { quiet = … }");
    check(&rule("complete = { quiet = \"5s\", exclude = ['x'] }"), "4:28", "`exclude`", "beside `complete`");
    check(
        &rule("complete = { quiet = \"5s\", temp_names = false }"),
        "4:28",
        "`temp_names`",
        "belongs to the source",
    );
    check(&format!("{SOURCE}name = \"x\""), "3:1", "`name`", "known here");
}

#[test]
fn a_spelt_out_unit_is_one_error_with_the_short_one() {
    for (written, instead) in [("1 minute", "1m"), ("30 seconds", "30s"), ("2 Hours", "2h")] {
        let error = only_error(&rule(&format!("complete = {{ min_age = \"{written}\" }}")));
        assert_eq!(error.help.as_deref(), Some(format!("write \"{instead}\"").as_str()), "{error}");
        let error =
            only_error(&rule(&format!("complete = {{ preset = \"local\", min_age = \"{written}\" }}")));
        assert!(error.message.contains("unknown unit"), "{error}");
        good(&rule(&format!("complete = {{ min_age = \"{instead}\" }}")));
    }
}

#[track_caller]
fn warned(text: &str) -> Vec<(String, String, String)> {
    let warnings = good(text).warnings.into_iter();
    let said = warnings.map(|found| {
        (format!("{}:{}", found.line, found.column), found.message, found.help.unwrap_or_default())
    });
    said.collect()
}

#[test]
fn a_pattern_that_begins_with_the_source_is_a_warning() {
    for (rule_text, place, instead) in [
        ("include = ['/data/*.fits']", "4:12", "*.fits"),
        ("include = ['*.csv', '/data/a/*.fits']", "4:21", "a/*.fits"),
        ("exclude = ['/data/*.log']", "4:12", "*.log"),
        ("dataset = '/data/*.ms'", "4:11", "*.ms"),
        ("dataset = ['/data/*.ms']", "4:12", "*.ms"),
    ] {
        let found = warned(&rule(rule_text));
        let [(at, message, help)] = found.as_slice() else { panic!("{rule_text}: {found:?}") };
        assert_eq!((at.as_str(), message.contains("the source's own path")), (place, true), "{message}");
        assert_eq!(help, &format!("patterns are relative to the source: write \"{instead}\""));
    }
    for other in ["'/datas/*.fits'", "'/x/data/*.fits'", "'data/*.fits'", "'/data'", "'/*.fits'"] {
        assert_eq!(warned(&rule(&format!("include = [{other}]"))), [], "{other}");
    }
    let by_name =
        "[source.s]\npath = \"/srv/${HOST}/in/\"\n[[source.s.rule]]\ninclude = [\"/srv/${HOST}/in/*.x\"]";
    assert!(warned(by_name)[0].2.ends_with("write \"*.x\""));
    assert_eq!(warned("[source.s]\npath='/'\n[[source.s.rule]]\ninclude=['/a/*.x']"), []);
}

#[test]
fn a_rule_that_earlier_ones_leave_nothing_is_a_warning() {
    let two = |first: &str, second: &str| {
        warned(&format!(
            "{SOURCE}[[source.s.rule]]\nname='a'\n{first}\n[[source.s.rule]]\nname='b'\n{second}"
        ))
    };
    for (first, second) in [
        ("include=['*']", "include=['*.csv']"),
        ("", "include=['*.csv', 'x/*.fits']"),
        ("include=['*.csv','*.fits']", "include=['*.fits']"),
        ("include=['*.csv']", "include=['*.csv']\nexclude=['x*']"),
        ("include=['*']", "group='re:^(?<key>[^_]+)_'"),
        ("", ""),
    ] {
        let found = two(first, second);
        let [(at, message, help)] = found.as_slice() else { panic!("{first} {second}: {found:?}") };
        assert!(at.starts_with("6:"), "{at}");
        assert!(message.contains("the rule \"b\" never takes a file"), "{message}");
        assert!(help.ends_with("move this one above \"a\""), "{help}");
    }
    for (first, second) in [
        ("include=['*']\nexclude=['*.log']", "include=['*.log']"),
        ("include=['*.csv']", "include=['*.csv', '*.fits']"),
        ("include=['*']", "dataset='*.ms'"),
        ("dataset='*.ms'", "include=['*.ms']"),
        ("include=['*_*']\ngroup='re:^(?<key>[^_]+)_'", "include=['*_*']"),
        ("include=['*.csv']", ""),
    ] {
        assert_eq!(two(first, second), [], "{first} {second}");
    }
}
