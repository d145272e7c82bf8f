//! Passwords that the program is given and never gives away: H07 of the reliability battery.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use testkit::proof::Row;
use testkit::redis::Redis;
use testkit::{Finished, Landing, Process, Scratch, wait_until};

use crate::STEP;
use crate::rig::sink;

/// The password, which nothing else contains.
const SECRET: &str = "canary-9e6f41c7";
/// The sinks below that talk to a server; each has the secret by another way.
const SINKS: [&str; 5] = ["text", "file", "variable", "echo", "broker"];

/// One source; sinks with a password that stands in the configuration, in a file, in the environment. `echo` is a server
/// that repeats what it was told.
fn plan(redis: &Redis, echo: &Redis) -> String {
    let (port, echo) = (redis.port(), echo.port());
    format!(
        r#"
        [source.inbox]
        path = "{{in}}"

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        complete = "local"
        to = ["text", "file", "variable", "echo", "broker"]

        [sink.text]
        type = "redis-list"
        url = "redis://:{SECRET}@127.0.0.1:{port}"
        key = "k"

        [sink.file]
        type = "redis-list"
        url_file = "{{out}}/url"
        key = "k"

        [sink.variable]
        type = "redis-list"
        url = "redis://someone:${{PASSWORD}}@127.0.0.1:{port}"
        key = "k"

        [sink.echo]
        type = "redis-list"
        url = "redis://:{SECRET}@127.0.0.1:{echo}"
        key = "k"

        [sink.broker]
        type = "amqp"
        url = "amqp://someone:{SECRET}@127.0.0.1:{port}/"
        exchange = ""
        timeout = "1s"
        routing_key = "k"
        "#
    )
}

/// Ways to get a sink's address wrong, with the secret in it.
const MISTAKES: &[&str] = &[
    r#"url = "redis://:SECRET@h:99999""#,
    r#"url = "redis://:two SECRET words@h""#,
    r#"url = "redis://:SECRET@h"#,
    r#"url = "redis://:quo\"SECRET@h:x""#,
    r#"url = 'redis://:quo"SECRET@h:x'"#,
    "url = redis://:SECRET@h",
    r#"url = "someone:SECRET@h:6379""#,
    r#"url = "redis:/:SECRET@h""#,
    r#"url = "redis+unix:///socket?pass=SECRET&db=x""#,
    r#"url = "amqp://someone:SECRET@h:x/v""#,
    r#"url = "${NO_SUCH_VARIABLE}://:SECRET@h""#,
    r#"url = ["redis://:SECRET@h"]"#,
    r#"url_file = "redis://:SECRET@h""#,
    r#"urll = "redis://:SECRET@h""#,
    r#"password = "SECRET""#,
    r#"token = "SECRET""#,
    r#"{ password = "SECRET" }"#,
];

/// Everything that was said, by place.
#[derive(Default)]
struct Said(BTreeMap<String, Vec<u8>>);

impl Said {
    fn add(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.0.entry(place.into()).or_default().extend(text.into());
    }

    fn add_call(&mut self, place: &str, done: Finished) {
        let place = format!("{place} (exit code {:?})", done.code);
        self.add(place.clone(), done.stdout);
        self.add(place, done.stderr);
    }

    /// Each file below a directory, but those that hold the secret by themselves.
    fn add_files(&mut self, folder: &Path, but: &[&Path]) {
        for entry in fs::read_dir(folder).expect("a directory of the test's own").flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.add_files(&path, but);
            } else if !but.contains(&path.as_path()) {
                self.add(path.display().to_string(), fs::read(&path).unwrap_or_default());
            }
        }
    }

    /// The places in which the secret stands.
    fn hits(&self) -> Vec<&str> {
        let has = |text: &[u8]| text.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        self.0.iter().filter(|(_, text)| has(text)).map(|(place, _)| place.as_str()).collect()
    }
}

/// Runs a command that finds the variable in its environment, as the daemon does.
fn call(landing: &Landing, words: &[&str]) -> Finished {
    let mut command = landing.command();
    Process::finish("said", &landing.out(""), command.args(words).env("PASSWORD", SECRET), STEP)
}

/// What each command of a running installation says, and what is known about its process.
fn ask_everything(landing: &mut Landing, said: &mut Said) {
    let (config, path) = (landing.config(), landing.root().join("a.dat"));
    let (config, path) = (config.to_str().expect("a plain name"), path.to_str().expect("a plain name"));
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["explain", path],
        &["explain", path, "--json"],
        &["ls"],
        &["ls", "--json"],
        &["rules", "-c", config, path],
        &["dead", "list", "--json"],
        &["check", "-c", config],
        &["doctor", "-c", config],
        &["doctor", "-c", config, "--json"],
        &["reload"],
    ] {
        said.add_call(&words.join(" "), call(landing, words));
    }
    let id = landing.daemon().id();
    for name in ["cmdline", "comm"] {
        said.add(name, fs::read(format!("/proc/{id}/{name}")).expect("the daemon runs"));
    }
}

/// What is said of a configuration that is wrong, by `check`, by a start and by a reload of one that runs.
fn make_mistakes(landing: &Landing, said: &mut Said) {
    let good = fs::read_to_string(landing.config()).expect("the configuration is there");
    let config = landing.config();
    let config = config.to_str().expect("a plain name");
    for (number, mistake) in MISTAKES.iter().enumerate() {
        let wrong = format!(
            "{good}\n[sink.wrong]\ntype = \"redis-list\"\nkey = \"k\"\n{}\n",
            mistake.replace("SECRET", SECRET)
        );
        fs::write(config, wrong).expect("the configuration can be changed");
        let mut ways = vec![vec!["check", "-c", config]];
        if number < 3 {
            // All three say what the first one says.
            ways.extend([vec!["run", "-c", config], vec!["reload"]]);
        }
        for words in ways {
            let done = call(landing, &words);
            assert_ne!(done.code, Some(0), "{mistake} is taken by {words:?}");
            said.add_call(&format!("{mistake}: {}", words[0]), done);
        }
    }
    fs::write(config, good).expect("and changed back");
}

#[test]
fn a_password_is_shown_nowhere() {
    let row = Row::new("H07");
    let redis = Redis::start_with(&["--requirepass", "the-right-one"]);
    let echo = Redis::start_with(&["--rename-command", "AUTH", ""]);
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("secrets"));
    landing.configure(&plan(&redis, &echo));
    let url = landing.out("url");
    fs::write(&url, format!("redis://:{SECRET}@127.0.0.1:{}\n", redis.port())).expect("a file");
    let variable = format!("PASSWORD={SECRET}");
    landing.start_by(&["env", &variable, "RUST_LOG=trace", "RUST_BACKTRACE=full"]);
    fs::write(landing.root().join("a.dat"), b"x").expect("the tree takes files");
    for name in SINKS {
        wait_until(STEP, "the refusal", || sink(&landing, name)["last_error"].is_string());
    }
    let echoed = sink(&landing, "echo")["last_error"].clone();
    assert!(echoed.as_str().is_some_and(|text| text.contains("unknown command")), "{echoed}");

    let mut said = Said::default();
    ask_everything(&mut landing, &mut said);
    make_mistakes(&landing, &mut said);
    landing.stop();
    // The ledger, the daemon's output, what else it has left.
    let config = landing.config();
    said.add_files(&landing.state_dir(), &[]);
    said.add_files(&landing.out(""), &[&url, &config]);
    let hits = said.hits();
    row.count("hits", hits.len())
        .figure("places looked at", said.0.len())
        .figure("bytes looked at", said.0.values().map(Vec::len).sum::<usize>())
        .figure("mistyped addresses", MISTAKES.len())
        .print();
    assert_eq!(hits, [""; 0], "the password is shown in these places");
}
