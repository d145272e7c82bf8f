//! Plugins: what they are told, and their manifests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{ConfigError, Loaded, Plan, PluginManifest, PluginSink, SinkKind, read_manifest, to_toml};

use crate::good;

/// A configuration with the plugin `count` in the directory; `keys` are more of the sink.
fn text(keys: &str) -> String {
    format!(
        "[source.s]\npath='/data'\n[[source.s.rule]]\nevents='all'\n[sink.p]\ntype='plugin'\nplugin='count'\n{keys}\n"
    )
}

fn plugin(plan: &Plan) -> &PluginSink {
    match &plan.sinks[0].kind {
        SinkKind::Plugin(plugin) => plugin,
        other => panic!("{other:?}"),
    }
}

/// What the plugin is told, and that it survives being printed.
#[track_caller]
fn options(keys: &str) -> String {
    let plan = good(&text(keys)).plan;
    let printed = to_toml(&plan);
    let again = good(&printed).plan;
    assert!(again == plan, "{printed}\n{again:#?}");
    plugin(&plan).options.clone()
}

#[test]
fn options_are_json() {
    for (keys, json) in [
        ("", "{}"),
        ("options={}", "{}"),
        ("options={a='x',b=1,c=true,d=[1,'y',false]}", r#"{"a":"x","b":1,"c":true,"d":[1,"y",false]}"#),
        ("options={a=-1_000,b=0xff,c=1.5,d=1e300,e=2.0}", r#"{"a":-1000,"b":255,"c":1.5,"d":1e300,"e":2.0}"#),
        ("options={'a b'={c={}},d=[[],[{}]]}", r#"{"a b":{"c":{}},"d":[[],[{}]]}"#),
        (
            r#"options={a="\"\\ \u0001\u007f \u20ac",b='$${X}'}"#,
            "{\"a\":\"\\\"\\\\ \\u0001\\u007f \u{20ac}\",\"b\":\"${X}\"}",
        ),
        ("options={host='${HOST}'}", r#"{"host":"redis.example"}"#),
        ("[sink.p.options]\na=1\n[sink.p.options.b]\nc=2", r#"{"a":1,"b":{"c":2}}"#),
    ] {
        assert_eq!(options(keys), json, "{keys}");
    }
}

#[test]
fn what_a_plugin_takes() {
    let plan = good(&text("arrivals=true\nmax_attempts=5")).plan;
    assert!(plugin(&plan).arrivals);
    assert_eq!(plan.sinks[0].max_attempts, 5);
    assert_eq!(plan.sources[0].rules.rules[0].to, ["p"], "arrivals too");
    assert!(good(&to_toml(&plan)).plan == plan, "{}", to_toml(&plan));
    let plan = good(&text("")).plan;
    assert!(plan.sources[0].rules.rules[0].to.is_empty(), "{plan:?}");
    assert!(good(&to_toml(&plan)).plan == plan, "{}", to_toml(&plan));
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a writable place");
    fs::write(path, text).expect("a writable directory");
}

fn load(dir: &Path) -> Result<Loaded, ConfigError> {
    config::load(&dir.join("c.toml"), &|_| None)
}

const MANIFEST: &str = "command = './count.py'\nargs = ['-v', 'x']\nenv = { A = '1', B = 'two' }\nmemory = '256MiB'\n\
                        hello_within = '1s'\nack_within = '2s'\nwindow = 8\nline_limit = '64KiB'\n";

#[test]
fn a_manifest_is_found_beside_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("c.toml"), text(""));
    write(&dir.path().join("plugins/count.toml"), MANIFEST);
    let loaded = load(dir.path()).unwrap();
    assert_eq!(loaded.warnings, []);
    let plugins = dir.path().join("plugins");
    assert_eq!(loaded.plan.plugin_dir.as_deref(), Some(plugins.as_path()));
    let manifest = plugin(&loaded.plan).manifest.clone().unwrap();
    let expected = PluginManifest {
        command: plugins.join("count.py"),
        args: vec!["-v".into(), "x".into()],
        env: vec![("A".into(), "1".into()), ("B".into(), "two".into())],
        directory: plugins,
        memory: Some(256 << 20),
        hello_within: Duration::from_secs(1),
        ack_within: Duration::from_secs(2),
        window: 8,
        line_limit: 64 << 10,
        version: manifest.version,
    };
    assert_eq!(manifest, expected);
    assert!(good(&to_toml(&loaded.plan)).plan == loaded.plan, "{}", to_toml(&loaded.plan));
}

#[test]
fn the_directory_of_plugins_is_relative_to_the_file_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("c.toml/a.toml"), "plugin_dir='../mine'\n");
    write(&dir.path().join("c.toml/b.toml"), text(""));
    write(&dir.path().join("mine/count.toml"), "command='sh'");
    let manifest = plugin(&load(dir.path()).unwrap().plan).manifest.clone().unwrap();
    assert_eq!((manifest.command.as_path(), manifest.window), (Path::new("sh"), PluginManifest::WINDOW));
    assert_eq!(
        (manifest.hello_within, manifest.ack_within),
        (Duration::from_secs(5), Duration::from_secs(30))
    );
    assert_eq!((manifest.memory, manifest.line_limit), (None, 1 << 20));
    write(&dir.path().join("c.toml/b.toml"), format!("plugin_dir='/x'\n{}", text("")));
    let error = load(dir.path()).unwrap_err();
    assert!(error.diagnostics()[0].message.contains("`plugin_dir` is already set in"), "{error}");
}

#[test]
fn a_plugin_without_a_manifest_is_a_warning_and_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("c.toml"), text(""));
    let loaded = load(dir.path()).unwrap();
    let path = dir.path().join("plugins/count.toml").display().to_string();
    let [warning] = loaded.warnings.as_slice() else { panic!("{:?}", loaded.warnings) };
    assert_eq!((warning.line, warning.column), (7, 8));
    let said = format!("there is no manifest {path} of the plugin \"count\"");
    assert_eq!(warning.message, format!("the sink will be failed: {said}"));
    assert!(warning.help.as_ref().unwrap().contains("command = "), "{warning}");
    let why = plugin(&loaded.plan).manifest.clone().unwrap_err();
    assert!(why.starts_with(&said) && why.contains("put it there"), "{why}");
    assert!(good(&to_toml(&loaded.plan)).plan == loaded.plan, "it is printed all the same");
}

#[test]
fn who_follows_a_configuration_is_told_of_manifests_and_programs() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("c.toml"), text(""));
    let beside = || config::reading(&dir.path().join("c.toml"), &|_| None).beside;
    let manifest = dir.path().join("plugins/count.toml");
    assert_eq!(beside(), std::slice::from_ref(&manifest), "also while it is missing");
    write(&manifest, "command='./none.py'");
    assert_eq!(beside(), [manifest, dir.path().join("plugins/none.py")]);
}

/// A directory of plugins with this manifest of `count`.
fn with(manifest: impl AsRef<[u8]>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a scratch directory");
    write(&dir.path().join("count.toml"), manifest);
    dir
}

#[test]
fn wrong_manifests_say_where_and_what() {
    let long = "#".repeat(300 * 1024);
    for (manifest, message, help) in [
        ("", "count.toml:1:1 is wrong: the manifest has no `command`", ""),
        ("command='x'\nargs=['a", "count.toml:2:", "half-written"),
        (
            "comand='x'\ncommand='y'",
            "count.toml:1:1 is wrong: unknown key `comand`",
            "did you mean `command`?",
        ),
        ("command=''", "count.toml:1:9 is wrong: `command` is empty", "./count.py"),
        ("command='~/x'", "`~` is not replaced", "${HOME}"),
        ("command=7\nwindow='x'", "expected a program, found an integer, and 1 more", "\"7\""),
        ("command=\"a\\u0000b\"", "a zero byte cannot be given to a program", ""),
        ("command='x'\nargs='a'", "expected a list, found a string", "[\"a\"]"),
        ("command='x'\nargs=[1]", "expected a string, found an integer", "\"1\""),
        ("command='x'\nenv={A=1}", "expected a string, found an integer", "\"1\""),
        ("command='x'\nenv={'A=B'='x'}", "no name of an environment variable", ""),
        ("command='x'\nenv={''='x'}", "no name of an environment variable", ""),
        ("command='x'\nmemory='1KiB'", "no program starts with less than 1 MiB", "64MiB"),
        ("command='x'\nmemory=5", "expected a size", "5B"),
        ("command='x'\nhello_within='0s'", "`hello_within` cannot be zero", ""),
        ("command='x'\nack_within='soon'", "does not begin with a number", ""),
        ("command='x'\nwindow=0", "`window` is not from 1 to 65536", "256"),
        ("command='x'\nwindow=4294967297", "`window` is not from 1 to 65536", "256"),
        ("command='x'\nline_limit='1B'", "`line_limit`, in bytes, is not from 1024", "1MiB"),
        ("command='${STAITHE_SURELY_UNSET}'", "STAITHE_SURELY_UNSET is not set", ":-default"),
        (&long, "is larger than", "no manifest"),
    ] {
        let dir = with(manifest);
        let why = read_manifest(dir.path(), "count").unwrap_err();
        assert!(why.contains(message) && why.contains(help), "{manifest:.60}\n{why}");
    }
    let why = read_manifest(with(b"command='\xff'").path(), "count").unwrap_err();
    assert!(why.contains("is not UTF-8"), "{why}");
}

#[test]
fn what_is_no_manifest() {
    let dir = with("command='sh'");
    fs::create_dir(dir.path().join("dir.toml")).unwrap();
    for (name, message) in [("none", "there is no manifest"), ("dir", "is no regular file")] {
        let why = read_manifest(dir.path(), name).unwrap_err();
        assert!(why.contains(message), "{why}");
    }
    for name in ["", ".count", "_count", "../count", "a\nb"] {
        write(&dir.path().join("_count.toml"), "command='sh'");
        write(&dir.path().join(".count.toml"), "command='sh'");
        let why = read_manifest(dir.path(), name).unwrap_err();
        assert!(why.contains("the plugin's name") && !why.contains('\n'), "{why}");
    }
}

#[test]
fn a_program_beside_its_manifest_is_named_with_a_slash() {
    let dir = with("command='count.py'");
    assert_eq!(read_manifest(dir.path(), "count").unwrap().command, PathBuf::from("count.py"));
    write(&dir.path().join("count.py"), "");
    let why = read_manifest(dir.path(), "count").unwrap_err();
    assert!(why.contains("looked for in PATH") && why.contains("write \"./count.py\""), "{why}");
}

#[test]
fn another_manifest_or_another_program_is_another_version() {
    let dir = with("command='./count.py'");
    let path = |name: &str| dir.path().join(name);
    let version = || read_manifest(dir.path(), "count").unwrap().version;
    let absent = version();
    assert_eq!(version(), absent, "nothing changed");
    write(&path("count.py"), "one");
    let first = version();
    assert_ne!(first, absent, "the program came");
    // Same size, other inode.
    write(&path("new"), "two");
    fs::rename(path("new"), path("count.py")).unwrap();
    let second = version();
    assert_ne!(second, first, "another program");
    write(&path("count.toml"), "command='./count.py' # \n");
    assert_ne!(version(), second, "another manifest");
}

#[test]
fn the_script_of_an_interpreter_is_the_program() {
    let dir = with("command='python3'\nargs=['-u', 'count.py', 'out.log']");
    let path = |name: &str| dir.path().join(name);
    let version = || read_manifest(dir.path(), "count").unwrap().version;
    write(&path("count.py"), "one");
    write(&path("out.log"), "");
    let first = version();
    write(&path("out.log"), "what the plugin writes");
    assert_eq!(version(), first);
    write(&path("v2/count.py"), "two!");
    fs::remove_file(path("count.py")).unwrap();
    symlink("v2/count.py", path("count.py")).unwrap();
    assert_ne!(version(), first, "through a link, too");
}
