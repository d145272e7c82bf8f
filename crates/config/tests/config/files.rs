//! One file, or a directory of them.

use std::fs;
use std::path::Path;

use config::{ConfigError, Diagnostic};

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(dir.join(name), text).expect("a writable directory");
    }
}

fn load(path: &Path) -> Result<config::Loaded, ConfigError> {
    config::load(path, &|_| None)
}

fn invalid(path: &Path) -> Vec<Diagnostic> {
    match load(path) {
        Err(ConfigError::Invalid(found)) => found,
        other => panic!("{other:?}"),
    }
}

const SOURCE: &str = "[source.s]\npath = \"/d\"\n";

#[test]
fn one_file() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("c.conf", SOURCE)]);
    assert_eq!(load(&dir.path().join("c.conf")).unwrap().plan.sources.len(), 1);
}

#[test]
fn a_directory_is_read_in_the_order_of_names() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("20-b.toml", "[source.b]\npath = \"/b\"\n"),
            ("10-a.toml", "site = \"x\"\n[source.a]\npath = \"/a\"\n[[source.a.rule]]\nto = [\"q\"]\n"),
            ("30-q.toml", "[sink.q]\ntype = \"queue\"\n"),
            (".hidden.toml", "nonsense"),
            ("README", "nonsense"),
            ("old.toml.bak", "nonsense"),
        ],
    );
    let plan = load(dir.path()).unwrap().plan;
    assert_eq!(plan.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((plan.site.as_str(), plan.sinks[0].name.as_str()), ("x", "q"));
    assert_eq!(plan.sources[1].rules.rules[0].to, ["q"], "sinks of all files are known to all");
}

#[test]
fn files_behind_links_are_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("..data")).unwrap();
    write(&dir.path().join("..data"), &[("c.toml", SOURCE)]);
    std::os::unix::fs::symlink("..data/c.toml", dir.path().join("c.toml")).unwrap();
    assert_eq!(load(dir.path()).unwrap().plan.sources.len(), 1);
}

#[test]
fn what_two_files_set_names_both_places() {
    let dir = tempfile::tempdir().unwrap();
    let both =
        "site = \"x\"\ndurability = \"power\"\n[source.s]\npath = \"/d\"\n[sink.q]\ntype = \"queue\"\n";
    write(dir.path(), &[("a.toml", both), ("b.toml", both)]);
    let found = invalid(dir.path());
    let first = dir.path().join("a.toml").display().to_string();
    let second = dir.path().join("b.toml").display().to_string();
    let expected = [
        (1, 1, format!("`site` is already set in {first}:1")),
        (2, 1, format!("`durability` is already set in {first}:2")),
        (3, 9, format!("the source \"s\" is already there in {first}:3")),
        (5, 7, format!("the sink \"q\" is already there in {first}:5")),
    ];
    let said: Vec<_> = found.iter().map(|f| (f.line, f.column, f.message.clone())).collect();
    assert_eq!(said, expected);
    assert!(found.iter().all(|finding| finding.file == second));
}

/// Also what is missing: its coming changes what the configuration says.
#[test]
fn what_a_configuration_was_read_from_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("no/url");
    let sink = format!("[sink.r]\ntype = 'redis-list'\nkey = 'k'\nurl_file = '{}'\n", secret.display());
    write(dir.path(), &[("a.toml", SOURCE), ("b.toml", &sink), ("c.txt", "")]);
    let reading = config::reading(dir.path(), &|_| None);
    assert_eq!(reading.beside, [secret]);
    assert!(reading.result.is_err());
    assert_eq!(config::files(dir.path()), [dir.path().join("a.toml"), dir.path().join("b.toml")]);
    let one = dir.path().join("a.toml");
    assert_eq!(config::files(&one), std::slice::from_ref(&one));
    assert!(!config::reading(&one, &|_| None).result.unwrap().plan.watch_config);
    let none = dir.path().join("none.toml");
    assert_eq!(config::files(&none), [none]);
}

#[test]
fn what_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let absent = load(&dir.path().join("none.toml")).unwrap_err();
    assert!(matches!(absent, ConfigError::Read { .. }));
    assert!(absent.to_string().contains("none.toml") && absent.diagnostics().is_empty());
    let empty = load(dir.path()).unwrap_err();
    assert!(matches!(empty, ConfigError::Empty { .. }) && empty.to_string().contains("staithe init"));
    write(dir.path(), &[("big.toml", &"#".repeat(5 << 20))]);
    assert!(matches!(load(dir.path()).unwrap_err(), ConfigError::TooLarge { .. }));
}

#[test]
fn bytes_that_are_not_utf8_are_shown_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    fs::write(&path, b"site = \"x\"\n# \xff here\n").unwrap();
    let found = invalid(&path);
    assert_eq!((found[0].line, found[0].column, found.len()), (2, 3, 1));
    assert!(found[0].message.contains("not UTF-8"), "{}", found[0]);
}

#[test]
fn the_name_of_the_file_is_hostile_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a\x1b[31m.toml");
    fs::write(&path, "x = 1").unwrap();
    let error = load(&path).unwrap_err();
    assert!(!error.to_string().contains('\x1b'));
    assert!(error.to_string().contains("a\\x1b[31m.toml:1:1: error: unknown key `x`"), "{error}");
}
