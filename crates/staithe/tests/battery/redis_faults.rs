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
