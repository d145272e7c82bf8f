//! Sinks of the SKA DLM services that cannot be used, or not as meant.

use std::fmt::Write as _;

use crate::mistakes::{Case, check, check_all, summary};
use crate::{SOURCE, bad, good};

/// The keys begin in the sixth line.
const SINK: &str = "[sink.d]\ntype='dlm'\nstorage='s'\n";

#[test]
fn keys_and_values() {
    let cases: &[Case] = &[
        ("storag='x'", "6:1", "unknown key `storag` in sink \"d\"", "`storage`"),
        ("ingest='http://h'", "6:1", "unknown key `ingest`", "`ingest_url`"),
        ("hostname='h'", "6:1", "unknown key `hostname`", "`host`"),
        ("dialect='2.2'", "6:9", "unknown dialect \"2.2\"", "main, 2.1, 2.0"),
        ("dialect='mian'", "6:9", "unknown dialect \"mian\"", "did you mean \"main\"?"),
        ("dialect=2.1", "6:9", "expected one of main, 2.1, 2.0, found a float", "\"2.1\""),
        ("strict='yes'", "6:8", "expected true or false, found a string", ""),
        ("parallel=0", "6:10", "`parallel` is not from 1 to 64", "8 is usual"),
        ("parallel=65", "6:10", "`parallel` is not from 1 to 64", ""),
        ("parallel=65544", "6:10", "`parallel` is not from 1 to 64", ""),
        ("parallel=-1", "6:10", "-1 is no whole number", ""),
        ("timeout='0s'", "6:9", "`timeout` cannot be zero", ""),
        ("format='flat'", "6:1", "`format` says nothing here", "remove it"),
        ("template='{path}'", "6:1", "`template` says nothing here", "remove it"),
        ("user=''", "6:6", "`user` is empty", ""),
        ("host=''", "6:6", "`host` is empty", ""),
        ("location=''", "6:10", "`location` is empty", ""),
        ("location_type=''", "6:15", "`location_type` is empty", ""),
        ("country=''", "6:9", "`country` is empty", ""),
        ("city=''", "6:6", "`city` is empty", ""),
        ("facility=''", "6:10", "`facility` is empty", ""),
        ("target=''", "6:8", "`target` is empty", "register_only = true"),
        ("target='t'\nregister_only=true", "6:1", "there is `register_only`", "keep one"),
        ("reload_status_file=true", "6:1", "there is no `status_file`", "status_file = "),
        ("root=''", "6:6", "the path is empty", "absolute"),
        ("root='~/x'", "6:6", "`~` is not replaced", "${HOME}"),
        ("authorized_keys='~/.ssh/authorized_keys'", "6:17", "`~` is not replaced", "${HOME}"),
    ];
    check_all(&format!("{SOURCE}{SINK}"), cases);
    check(&format!("{SOURCE}[sink.d]\ntype='dlm'"), "3:7", "sink \"d\" has no `storage`", "");
    check(&format!("{SOURCE}[sink.d]\ntype='dlm'\nstorage=''"), "5:9", "`storage` is empty", "");
    check(&format!("{SOURCE}[sink.d]\ntype='dml'\nstorage=''"), "4:6", "\"dml\"", "did you mean \"dlm\"?");
}

#[test]
fn urls() {
    let cases: &[Case] = &[
        ("url='gateway:8000'", "6:5", "`url` is no base URL: it has no scheme", "http://host[:port]"),
        ("url='ftp://h'", "6:5", "the scheme is none of http, https", ""),
        ("ingest_url='http://'", "6:12", "`ingest_url` is no base URL: it has no host", ""),
        ("request_url='http://h:0'", "6:13", "the port is no number", ""),
        ("storage_url='http://u:hunter2@h'", "6:13", "it holds a user or a password", "token_file"),
        ("migration_url='http://h/x?y'", "6:15", "it goes on behind its path", ""),
        ("url='http://h#x'", "6:5", "it goes on behind its path", ""),
        ("url='http://h h'", "6:5", "a space", ""),
        ("url=80", "6:5", "expected a string, found an integer", ""),
        ("ca_file='/ca'", "3:7", "the certificates would not be used", "https://"),
    ];
    check_all(&format!("{SOURCE}{SINK}"), cases);
}

#[test]
fn tokens() {
    let cases: &[Case] = &[
        ("token=''", "7:7", "the token is empty", "visible ASCII"),
        ("token='a b'", "7:7", "holds what no header can hold", "visible ASCII"),
        ("token='\u{e9}'", "7:7", "holds what no header can hold", ""),
        ("token=7", "7:7", "expected a string, found an integer", ""),
        ("token='a'\ntoken_file='/f'", "3:7", "both `token` and `token_file`", ""),
        ("token_file='/none/x'", "7:12", "with the token cannot be read", "create it"),
    ];
    check_all(&format!("{SOURCE}{SINK}url='https://h'\n"), cases);
}

#[test]
fn a_token_is_never_shown() {
    for line in [
        "token='hunter2'\nurl='x'",
        "token='hunter2 x'",
        "token=['hunter2']",
        "token=\"hunter2",
        "token=hunter2",
        "tokn='hunter2'",
        "token='${SECRET} x'",
        "token='hunter2'\ntoken_file='/f'",
        "Token='hunter2'",
    ] {
        let found = bad(&format!("{SOURCE}{SINK}{line}"));
        let mut all = String::new();
        for finding in &found {
            let _ = write!(all, "{}{finding:?}", finding.render(true));
        }
        assert!(!all.contains("hunter2"), "{line}\n{all}");
    }
    let loaded = good(&format!("{SOURCE}{SINK}token='hunter2'"));
    assert!(!format!("{loaded:?}").contains("hunter2"));
    assert!(!config::to_toml(&loaded.plan).contains("hunter2"));
}

#[test]
fn sources_without_a_root_in_common() {
    let two = |a: &str, b: &str| format!("[source.a]\npath='{a}'\n[source.b]\npath='{b}'\n{SINK}");
    check(
        &two("/data/in/a", "/data/in/b"),
        "5:7",
        "\"a\" (/data/in/a) and \"b\" (/data/in/b) deliver to the sink \"d\"",
        "add root = \"/data/in\", or make a sink for each",
    );
    check(&two("/data", "/data/b"), "5:7", "has no `root`", "add root = \"/data\"");
    check(&two("/data", "/srv"), "5:7", "has no `root`", "make a sink for each");
    check(
        &format!("{}root='/data'", two("/data/a", "/database")),
        "8:6",
        "the path of the source \"b\" (/database) does not lie in this directory",
        "all sources",
    );
    check(&format!("{SOURCE}{SINK}root='/data/x'"), "6:6", "source \"s\" (/data) does not lie", "");
}

#[test]
fn a_status_file_that_a_source_takes() {
    let with =
        |rule: &str| format!("{SOURCE}[[source.s.rule]]\n{rule}\n{SINK}status_file='/data/x/status.json'");
    check(&with(""), "8:13", "lies in the source \"s\" (c.toml:2), which would take it", "exclude");
    assert_eq!(good(&with("exclude=['status.json']")).warnings, []);
}

#[test]
fn what_is_no_product() {
    let with = |rule: &str| format!("{SOURCE}[[source.s.rule]]\nname='r'\n{rule}\n{SINK}");
    check(
        &with("group='re:(?<key>.)'"),
        "6:7",
        "the rule \"r\" of the source \"s\" (/data) makes groups",
        "other sinks",
    );
    let warned = |text: &str, line: usize, message: &str, help: &str| {
        let warnings = good(text).warnings;
        let [warning] = warnings.as_slice() else { panic!("{text}\n{}", summary(&warnings)) };
        assert_eq!(warning.line, line);
        assert!(warning.message.contains(message), "{}", warning.render(false));
        assert!(warning.help.as_deref().is_some_and(|said| said.contains(help)), "{}", warning.render(false));
    };
    let told = "the sink \"d\" gets no removals and gaps: the services know of products that came";
    warned(&with("removed=true"), 6, told, "other sinks");
    warned(&format!("{SOURCE}gap_events=true\n{SINK}"), 4, told, "other sinks");
    let deadline =
        "dataset='x'\ncomplete={preset='data-product',deadline='1h',on_deadline='announce_incomplete'}";
    warned(&with(deadline), 7, "announces as incomplete would be registered", "on_deadline = \"alert\"");
    warned(&format!("{SOURCE}{SINK}url='http://h/'"), 6, "they would begin with //", "remove the /");
    warned(
        &format!("{SOURCE}{SINK}url='https://h'\ntoken='x'"),
        7,
        "stands in the configuration file",
        "token_file",
    );
    warned(&format!("{SOURCE}{SINK}token='${{SECRET}}'"), 3, "is sent unencrypted", "https://");
}
