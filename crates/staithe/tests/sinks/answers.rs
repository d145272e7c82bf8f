//! Everything that a Redis server can answer instead of taking an event: D01 of the reliability battery.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use testkit::proof::{Row, is_long};
use testkit::redis::Redis;
use testkit::resp::Reply;
use testkit::{Collector, Landing, Receipt, judge};

use crate::rig::{catch_up, landing, length, lines, list, load, pass, sink, wait_for_error};
use crate::{IN_FLIGHT, LONG};

/// Files in a second.
const RATE: u32 = 500;
/// What one call may take: less than the server pauses in one of the faults.
const TIMEOUT: &str = "timeout = \"1s\"\nmax_attempts = 3";

/// One answer, how to have the server give it, and how to end that.
struct Answer {
    /// What the sink must say of it.
    word: &'static str,
    begin: &'static [&'static str],
    end: &'static [&'static str],
    kind: Kind,
}

/// What the answer means for the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Time heals it.
    Passes,
    /// The same, and it cuts a connection: what was on it may be there twice.
    Cuts,
    /// A person must heal it.
    Stays,
    /// The same, and it cuts a connection.
    StaysAndCuts,
}

impl Kind {
    fn stays(self) -> bool {
        matches!(self, Kind::Stays | Kind::StaysAndCuts)
    }

    /// How many events may be there twice.
    fn repeats(self) -> usize {
        if matches!(self, Kind::Cuts | Kind::StaysAndCuts) { IN_FLIGHT } else { 0 }
    }
}

const fn answer(
    word: &'static str,
    kind: Kind,
    begin: &'static [&'static str],
    end: &'static [&'static str],
) -> Answer {
    Answer { word, begin, end, kind }
}

/// The twelve. BUSY and LOADING need a [`helping_hand`] besides.
const ANSWERS: &[Answer] = &[
    answer("OOM", Kind::Passes, &["CONFIG SET maxmemory 1"], &["CONFIG SET maxmemory 0"]),
    // A replica of a server that does not exist keeps its data, as the first copy never begins.
    answer("READONLY", Kind::Passes, &["REPLICAOF 127.0.0.1 1"], &["REPLICAOF NO ONE"]),
    answer(
        "MASTERDOWN",
        Kind::Passes,
        // One that takes writes, or it would answer READONLY first.
        &[
            "CONFIG SET replica-serve-stale-data no",
            "CONFIG SET replica-read-only no",
            "REPLICAOF 127.0.0.1 1",
        ],
        &["REPLICAOF NO ONE", "CONFIG SET replica-serve-stale-data yes", "CONFIG SET replica-read-only yes"],
    ),
    answer(
        "NOREPLICAS",
        Kind::Passes,
        &["CONFIG SET min-replicas-to-write 1"],
        &["CONFIG SET min-replicas-to-write 0"],
    ),
    answer(
        "MISCONF",
        Kind::Passes,
        // No file can be renamed to that.
        &["CONFIG SET dbfilename .", "BGSAVE"],
        &["CONFIG SET dbfilename dump.rdb", "BGSAVE"],
    ),
    answer("BUSY", Kind::Passes, &["CONFIG SET busy-reply-threshold 50"], &["SCRIPT KILL"]),
    answer(
        "LOADING",
        Kind::Passes,
        &["CONFIG SET loading-process-events-interval-bytes 1024"],
        &["CONFIG SET key-load-delay 0"],
    ),
    // Longer than the sink's patience: the connection is given up with a push on it.
    answer("did not answer a push", Kind::Cuts, &["CLIENT PAUSE 3600000 WRITE"], &["CLIENT UNPAUSE"]),
    answer(
        "max number of clients",
        Kind::Cuts,
        &["CONFIG SET maxclients 1", "CLIENT KILL TYPE normal SKIPME yes"],
        &["CONFIG SET maxclients 10000"],
    ),
    answer(
        "WRONGTYPE",
        Kind::Stays,
        &["RENAMENX queue:inbox kept", "SET queue:inbox text"],
        &["DEL queue:inbox", "RENAMENX kept queue:inbox"],
    ),
    answer("NOPERM", Kind::Stays, &["ACL SETUSER default -lpush"], &["ACL SETUSER default +lpush"]),
    answer(
        "NOAUTH",
        Kind::StaysAndCuts,
        &["CONFIG SET requirepass secret-of-the-test", "CLIENT KILL TYPE normal SKIPME yes"],
        &["CONFIG SET requirepass "],
    ),
];

/// How long each is given.
fn fault() -> Duration {
    if is_long() { Duration::from_secs(20) } else { Duration::from_millis(500) }
}

/// Those that last as long as a command does that nobody can wait for; one that is over too soon is said again.
fn helping_hand(redis: &Redis, word: &str, over: &AtomicBool) {
    let run = |line: &[&[u8]]| drop(redis.connect().command(line));
    match word {
        "BUSY" => run(&[b"EVAL", b"while true do end", b"0"]),
        "LOADING" => {
            while !over.load(Ordering::Acquire) {
                run(&[b"DEBUG", b"RELOAD"]);
            }
        }
        _ => {}
    }
}

/// Also where an assertion fails the helping hand is told that it is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Has the server give this answer for a while, and measures how long it takes until all is well again.
fn suffer(answer: &Answer, redis: &Redis, landing: &Landing, lines: &Collector) -> Duration {
    let Answer { word, begin, end, kind } = answer;
    run_all(redis, begin);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let hand: ScopedJoinHandle<'_, ()> = scope.spawn(|| helping_hand(redis, word, &over));
        let until_then = Over(&over);
        let began = Instant::now();
        let shown = wait_for_error(landing, "redis", word);
        let (state, told) = (if kind.stays() { "failed" } else { "retrying" }, began.elapsed());
        assert_eq!(shown["state"], state, "{word}: the sink does not say that it is {state}: {shown}");
        assert!(!shown.to_string().contains("secret-of-the-test"), "{shown}");
        assert_explained(answer, landing, lines);
        pass(fault().saturating_sub(told));
        drop(until_then);
        run_all(redis, end);
        hand.join().expect("the command came to an end");
    });
    let ended = Instant::now();
    if kind.stays() && !is_long() {
        // It would try again by itself within half a minute.
        landing.call(&["resume", "redis"]).assert_code(0);
    }
    catch_up(redis, lines);
    ended.elapsed()
}

/// What has just arrived waits for this sink, and `explain` knows why.
fn assert_explained(answer: &Answer, landing: &Landing, lines: &Collector) {
    let count = lines.count();
    lines.wait_for(count + 1, crate::STEP);
    let latest = lines.receipts_from(count).pop().expect("one more");
    let why = landing.explain(&latest.path);
    let reason = if answer.kind.stays() { "blocked.sink-configuration" } else { "blocked.sink-down" };
    assert_eq!((&why["reason"], &why["reason_args"]["sink"]), (&reason.into(), &"redis".into()), "{why}");
}

#[track_caller]
fn run_all(redis: &Redis, lines: &[&str]) {
    for line in lines {
        // A script that is killed and a server that loads its data answer when they are at it.
        testkit::wait_until(crate::STEP, &format!("`{line}` to be taken"), || {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            match redis.command(&words) {
                Reply::Error(text) if text.starts_with("NOTBUSY") || text.starts_with("LOADING") => false,
                Reply::Error(text) => panic!("`{line}` gave {text}"),
                _ => true,
            }
        });
    }
}

/// Between two marks nothing is there twice but what a cut connection explains, and nobody's attempts were burnt.
fn judge_each(receipts: &[Receipt], marks: &[usize]) -> usize {
    let (mut seen, mut worst) = (std::collections::HashSet::new(), 0);
    let mut begin = 0;
    for (answer, end) in ANSWERS.iter().zip(marks) {
        let again = receipts[begin..*end].iter().filter(|receipt| !seen.insert(&receipt.id)).count();
        assert!(again <= answer.kind.repeats(), "{}: {again} events are there twice", answer.word);
        (begin, worst) = (*end, worst.max(again));
    }
    let burnt = receipts.iter().filter(|receipt| receipt.attempt != 1).count();
    assert_eq!(burnt, 0, "events whose attempts were counted");
    worst
}

#[test]
fn each_of_twelve_answers_is_named_and_outlived() {
    let mut row = Row::new("D01");
    // Only a server that is to save refuses when it cannot.
    let redis = Redis::start_with(&["--save", "3600 1"]);
    redis.run("DEBUG POPULATE 3000 filler");
    redis.run(&format!("CONFIG SET key-load-delay {}", fault().as_micros() / 3_000));
    let mut landing = landing(&redis.url(), TIMEOUT);
    landing.start();
    let lines = lines(&landing);
    let load = load(&landing, RATE);
    lines.wait_for(100, LONG);
    let mut marks = Vec::new();
    for answer in ANSWERS {
        let caught_up = suffer(answer, &redis, &landing, &lines);
        println!("{}: caught up after {caught_up:?}", answer.word);
        row = row.milliseconds(&format!("C after {}", answer.word), caught_up);
        marks.push(length(&redis));
    }
    let truth = load.stop();
    landing.wait_idle(truth.paths() as u64, LONG);
    let shown = sink(&landing, "redis");
    assert_eq!((&shown["state"], &shown["dead"]), (&"ok".into(), &0.into()), "{shown}");
    let receipts = list(&redis, &landing).finish();
    let judgement = judge(&truth, &receipts);
    row = row.judged(&judgement).figure("most repeated by one cut", judge_each(&receipts, &marks));
    let beside = judge(&truth, &lines.finish());
    row.milliseconds("p99 of the sink beside", beside.delay(0.99)).print();
    judgement.assert_at_least_once(IN_FLIGHT * 3);
    beside.assert_exact();
}
