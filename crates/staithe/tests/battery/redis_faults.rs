//! Redis is away, refuses, or stands still. Nothing is lost, the other sink does not notice, and
//! the program says what is the matter.

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::redis::Redis;
use testkit::{Collector, Landing, Layout, Manner, Scratch, Truth, Workload, judge, wait_until};

use crate::{IN_FLIGHT, LONG, STEP, landing, pop, sink, tail, to_redis_and_lines};

/// How long a healthy sink may take for a file on a busy machine, and still count as not slowed.
const PROMPT: Duration = Duration::from_secs(5);

/// A daemon with a consumer for each of its two sinks.
struct Setting {
    landing: Landing,
    lines: Collector,
    truth: Truth,
    batches: usize,
}

impl Setting {
    fn start(redis: &Redis) -> Self {
        let mut landing = landing(Scratch::in_memory("redis"));
        landing.configure(&to_redis_and_lines(redis, "timeout = \"1s\""));
        let lines = tail(&landing);
        landing.start();
        Self { landing, lines, truth: Truth::default(), batches: 0 }
    }

    /// Writes some files and waits until the line file has them: that sink must not be slowed.
    fn write_and_see_lines(&mut self) -> Vec<u8> {
        self.batches += 1;
        let mut last = Vec::new();
        for number in 0..50 {
            last = format!("batch{:03}-{number:03}.dat", self.batches).into_bytes();
            self.truth.write(&self.landing.root(), &last, format!("{} {number}", self.batches).as_bytes());
        }
        let begun = Instant::now();
        self.lines.wait_for(self.truth.paths(), PROMPT);
        println!("lines had everything after {:?}", begun.elapsed());
        last
    }

    /// Waits until the sink says what is the matter.
    fn wait_for_error(&self, word: &str) -> Value {
        let mut shown = Value::Null;
        wait_until(STEP, &format!("the sink to speak of {word}"), || {
            shown = sink(&self.landing, "redis");
            shown["last_error"].as_str().is_some_and(|text| text.contains(word))
        });
        assert_ne!(shown["state"], "ok", "{shown}");
        assert!(shown["queued"].as_u64() > Some(0), "{shown}");
        shown
    }

    /// Waits until everything has reached Redis, and that all is said to be well again.
    fn wait_for_health(&self) {
        self.landing.wait_idle(self.truth.paths() as u64, LONG);
        let shown = sink(&self.landing, "redis");
        assert_eq!((&shown["state"], &shown["last_error"]), (&"ok".into(), &Value::Null), "{shown}");
        assert_eq!(self.landing.status()["state"], "ok");
    }

    /// Judges what came out at both ends.
    fn finish(self, redis: &Redis, repeats: usize) {
        let list = pop(redis, &self.landing);
        list.wait_for(self.truth.paths(), LONG);
        judge(&self.truth, &list.finish()).assert_at_least_once(repeats);
        judge(&self.truth, &self.lines.finish()).assert_exact();
    }
}

#[test]
fn redis_stopped_for_30_seconds_under_load() {
    let mut redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let setting = Setting::start(&redis);
    let layout = Layout::Burst { files: 1_000_000, folders: 10 };
    let mut workload = Workload::new(setting.landing.root(), layout, Manner::RenamedIn);
    workload.rate = Some(200);
    let running = workload.start();
    setting.lines.wait_for(100, STEP);

    redis.stop();
    let down = Instant::now();
    setting.lines.wait_for(setting.lines.count() + 100, STEP);
    let shown = sink(&setting.landing, "redis");
    assert_ne!(shown["state"], "ok", "{shown}");
    assert!(shown["last_error"].is_string(), "{shown}");
    assert_ne!(setting.landing.status()["state"], "ok");
    let latest = setting.lines.receipts().pop().expect("some were received");
    let why = setting.landing.explain(&latest.path);
    assert_eq!(why["reason"], "blocked.sink-down", "{why}");
    assert_eq!(why["reason_args"]["sink"], "redis", "{why}");
    wait_until(STEP, "half a minute to pass", || down.elapsed() > Duration::from_secs(30));
    redis.start_again();

    let mut setting = setting;
    setting.truth = running.stop();
    setting.wait_for_health();
    let judgement = judge(&setting.truth, &setting.lines.receipts());
    assert!(judgement.delay(0.99) < PROMPT, "the line file was slowed: {judgement}");
    setting.finish(&redis, IN_FLIGHT);
}

/// One way in which Redis refuses, how to bring it about and how to end it.
struct Refusal {
    begin: &'static [&'static str],
    word: &'static str,
    reason: &'static str,
    end: &'static [&'static str],
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        begin: &["CONFIG SET maxmemory 1"],
        word: "OOM",
        reason: "blocked.sink-down",
        end: &["CONFIG SET maxmemory 0"],
    },
    Refusal {
        // A replica of a server that does not exist; it keeps its data, as the initial copy never begins.
        begin: &["REPLICAOF 127.0.0.1 1"],
        word: "READONLY",
        reason: "blocked.sink-down",
        end: &["REPLICAOF NO ONE"],
    },
    Refusal {
        begin: &["RENAMENX queue:inbox kept", "SET queue:inbox text"],
        word: "WRONGTYPE",
        reason: "blocked.sink-configuration",
        end: &["DEL queue:inbox", "RENAMENX kept queue:inbox"],
    },
    Refusal {
        begin: &["CONFIG SET requirepass secret-of-the-test", "CLIENT KILL TYPE normal SKIPME yes"],
        word: "NOAUTH",
        reason: "blocked.sink-configuration",
        end: &["CONFIG SET requirepass "],
    },
];

#[test]
fn every_refusal_is_named_and_outlived() {
    let redis = Redis::start();
    let mut setting = Setting::start(&redis);
    setting.write_and_see_lines();
    setting.wait_for_health();
    for refusal in REFUSALS {
        for line in refusal.begin {
            redis.run(line);
        }
        let path = setting.write_and_see_lines();
        let shown = setting.wait_for_error(refusal.word);
        assert!(!shown.to_string().contains("secret-of-the-test"), "{shown}");
        let why = setting.landing.explain(&path);
        assert_eq!(why["reason"], refusal.reason, "{}: {why}", refusal.word);
        assert_eq!(why["reason_args"]["sink"], "redis", "{why}");
        for line in refusal.end {
            redis.run(line);
        }
        setting.landing.call(&["resume", "redis"]).assert_code(0);
        setting.wait_for_health();
    }
    setting.finish(&redis, 0);
}

/// The server reads its data back with an artificial pause for each key, and says LOADING meanwhile.
#[test]
fn a_loading_server_is_waited_for() {
    let redis = Redis::start();
    let mut setting = Setting::start(&redis);
    setting.write_and_see_lines();
    setting.wait_for_health();
    redis.run("DEBUG POPULATE 3000 filler");
    redis.run("CONFIG SET key-load-delay 2000");
    redis.run("CONFIG SET loading-process-events-interval-bytes 1024");
    std::thread::scope(|scope| {
        let reload = scope.spawn(|| redis.connect().words("DEBUG RELOAD"));
        let path = setting.write_and_see_lines();
        setting.wait_for_error("LOADING");
        let why = setting.landing.explain(&path);
        assert_eq!(why["reason"], "blocked.sink-down", "{why}");
        let _ = reload.join();
    });
    setting.wait_for_health();
    setting.finish(&redis, 0);
}

/// The connection stands, the server does not answer: only the sink's own timeout ends that.
#[test]
fn a_server_that_hangs_is_not_waited_for_for_ever() {
    let redis = Redis::start();
    let mut setting = Setting::start(&redis);
    setting.write_and_see_lines();
    setting.wait_for_health();
    redis.freeze();
    let path = setting.write_and_see_lines();
    let mut shown = Value::Null;
    wait_until(STEP, "the timeout to be noticed", || {
        shown = sink(&setting.landing, "redis");
        shown["last_error"].is_string()
    });
    assert_eq!(shown["state"], "retrying", "{shown}");
    let why = setting.landing.explain(&path);
    assert_eq!(why["reason"], "blocked.sink-down", "{why}");
    redis.resume();
    setting.wait_for_health();
    // Redis carries out the requests that lay in its socket, so what was in flight may be there again.
    setting.finish(&redis, 4 * IN_FLIGHT);
}

/// A wrong password is told to nobody: not in the log, not by any command.
#[test]
fn a_password_is_never_shown() {
    let redis = Redis::start_with(&["--requirepass", "the-right-one"]);
    let secret = "canary-9e6f";
    let mut landing = landing(Scratch::on_disk("secrets"));
    let address = format!("redis://:{secret}@127.0.0.1:{}", redis.port());
    landing.configure(&to_redis_and_lines(&redis, "").replace(&redis.url(), &address));
    landing.start();
    std::fs::write(landing.root().join("a.dat"), b"x").expect("the tree takes files");
    wait_until(STEP, "the refusal", || sink(&landing, "redis")["last_error"].is_string());
    let shown = sink(&landing, "redis");
    assert_eq!(shown["state"], "failed", "{shown}");
    let config = landing.config();
    let config = config.to_str().expect("a plain name");
    let path = landing.root().join("a.dat");
    let path = path.to_str().expect("a plain name");
    let mut said = landing.daemon().stderr();
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["explain", path],
        &["explain", path, "--json"],
        &["ls", "--json"],
        &["check", "-c", config],
        &["doctor", "-c", config],
    ] {
        let done = landing.call(words);
        said = said + &done.text() + &done.stderr;
    }
    assert!(said.contains("redis"), "{said}");
    assert!(!said.contains(secret), "{said}");
}
