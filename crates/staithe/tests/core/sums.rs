//! What `status` counts: the same as the writers and the consumer do, at each moment in which nothing moves, and never less than
//! before, whatever was killed or overflowed meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use testkit::chance::Chance;
use testkit::proof::{self, Row, size, skip};
use testkit::{Landing, Layout, Manner, Scratch, Workload, wait_until};

use crate::{LONG, STEP, landing};

const CONFIG: &str = r#"
    [source.inbox]
    path = "{in}"

    [[source.inbox.rule]]
    name = "all"
    include = ["*"]
    complete = "local"
    to = ["lines", "parked"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"

    [sink.parked]
    type = "jsonl"
    path = "{out}/parked.jsonl"
"#;

/// Six times what kernels come with. Some administrators set a million.
const LARGEST_QUEUE: usize = 100_000;
/// What may never be less than before.
const GROWING: [&str; 6] = ["seen", "delivered", "dead", "gone", "superseded", "adopted"];

/// One look at the numbers.
#[derive(Clone, Debug, Default)]
struct Numbers {
    counts: BTreeMap<String, u64>,
    /// What each sink has delivered, and what is on its way to it.
    sinks: BTreeMap<String, [u64; 2]>,
}

impl Numbers {
    fn of(status: &Value) -> Self {
        let counts = serde_json::from_value(status["counts"].clone()).expect("counts are numbers");
        let number = |sink: &Value, name: &str| sink[name].as_u64().expect("a number");
        let sinks = status["sinks"].as_array().expect("a list of sinks").iter().map(|sink| {
            let waiting = number(sink, "queued") + number(sink, "retrying") + number(sink, "dead");
            (sink["name"].as_str().unwrap().to_owned(), [number(sink, "delivered"), waiting])
        });
        Self { counts, sinks: sinks.collect() }
    }

    fn get(&self, name: &str) -> u64 {
        self.counts[name]
    }

    /// Of each look: all others make what was seen.
    fn assert_sum(&self) {
        let others: u64 =
            self.counts.iter().filter(|(name, _)| *name != "seen").map(|(_, count)| count).sum();
        assert_eq!(self.get("seen"), others, "the sum law: {:?}", self.counts);
    }

    /// What is final stays counted, also by another process.
    fn assert_no_less_than(&self, before: &Self) {
        for name in GROWING.iter().skip(1) {
            let (now, then) = (self.get(name), before.counts.get(*name).copied().unwrap_or_default());
            assert!(now >= then, "{name} went back from {then} to {now}");
        }
        for (name, [then, _]) in &before.sinks {
            let [now, _] = self.sinks[name];
            assert!(now >= *then, "what {name} delivered went back from {then} to {now}");
        }
    }
}

/// What the test knows by itself.
#[derive(Default)]
struct Known {
    complete: u64,
    ignored: u64,
    /// Complete, and held back by a paused sink.
    held: u64,
}

/// Nothing moves: every number is what was really done.
#[track_caller]
fn assert_truth(landing: &Landing, known: &Known) -> Numbers {
    let status = landing.status();
    let now = Numbers::of(&status);
    now.assert_sum();
    assert_eq!(now.get("seen"), known.complete + known.ignored, "what was written and seen: {now:?}");
    assert_eq!(now.get("ignored"), known.ignored, "what is ignored: {now:?}");
    assert_eq!(now.get("delivered"), known.complete - known.held, "what was delivered: {now:?}");
    assert_eq!(now.get("queued") + now.get("delivering"), known.held, "what is held back: {now:?}");
    let lines =
        fs::read(landing.out("events.jsonl")).unwrap_or_default().split(|&byte| byte == b'\n').count() - 1;
    assert!(lines as u64 >= known.complete, "{lines} lines");
    assert_eq!(now.sinks["lines"], [known.complete, 0], "the sink's own numbers");
    assert_eq!(now.sinks["parked"], [known.complete - known.held, known.held], "the sink's own numbers");
    now
}

/// Asks for the numbers all the time, also while nobody is there to answer; each look is at least what the one before was.
struct Sampler {
    program: PathBuf,
    state: PathBuf,
}

impl Sampler {
    fn look(&self) -> Option<Numbers> {
        let mut command = Command::new(&self.program);
        command.env_clear().env("STAITHE_STATE_DIR", &self.state).envs(proof::without());
        let done = command.args(["status", "--json"]).output().expect("the program starts");
        // A client whose daemon is killed in mid-answer has no answer.
        let status: Value = serde_json::from_slice(&done.stdout).ok()?;
        status["counts"].is_object().then(|| Numbers::of(&status))
    }

    fn run(&self, enough: &AtomicBool) -> usize {
        let (mut before, mut looks) = (Numbers::default(), 0);
        while !enough.load(Ordering::Relaxed) {
            if let Some(now) = self.look() {
                now.assert_sum();
                now.assert_no_less_than(&before);
                (before, looks) = (now, looks + 1);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        looks
    }
}

fn written(landing: &Landing, label: &'static str, round: usize, files: usize) -> Workload {
    let root = landing.root().join(format!("{label}{round}"));
    fs::create_dir_all(&root).unwrap();
    let mut workload = Workload::new(root, Layout::Unpack { files, per_folder: 25 }, Manner::Written);
    workload.label = label;
    workload
}

/// The kernel's queue overflows while the daemon stands still.
fn overflow(landing: &mut Landing, known: &mut Known) {
    let queue: usize =
        fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    if queue > LARGEST_QUEUE {
        return skip("G04", &format!("fs.inotify.max_queued_events is {queue}: nobody overflows that"));
    }
    let layout = Layout::Burst { files: queue / 2 + 500, folders: 100 };
    let root = landing.root().join("burst");
    fs::create_dir(&root).unwrap();
    layout.prepare(&root);
    wait_for_watches(landing, 100);
    landing.daemon().freeze();
    known.complete += Workload::new(root, layout, Manner::Written).run().paths() as u64;
    landing.daemon().resume();
    landing.wait_idle(known.complete + known.ignored, LONG);
    let status = landing.status();
    assert!(status["sources"][0]["overflows"].as_u64() >= Some(1), "there was no overflow: {status}");
}

fn wait_for_watches(landing: &Landing, least: u64) {
    wait_until(STEP, "the new directories to be watched", || {
        landing.status()["sources"][0]["watches"].as_u64() > Some(least)
    });
}

/// What one sink has and the other one does not take is held back, until the next start.
fn held_back(landing: &mut Landing, known: &mut Known) {
    landing.call(&["pause", "parked"]).assert_code(0);
    known.held = written(landing, "held", 0, 200).run().paths() as u64;
    known.complete += known.held;
    let held = |landing: &Landing, known: &Known| {
        let now = Numbers::of(&landing.status());
        now.sinks["lines"] == [known.complete, 0] && now.sinks["parked"][1] == known.held
    };
    wait_until(STEP, "one sink to have them all", || held(landing, known));
    assert_truth(landing, known);
    // A pause is an order to the running program: the next one delivers.
    landing.kill();
    landing.start();
    known.held = 0;
    landing.wait_idle(known.complete + known.ignored, LONG);
    assert_truth(landing, known);
}

#[test]
fn what_is_counted_is_what_was_done_through_overflows_and_kills() {
    let mut chance = Chance::from_environment();
    let row = Row::new("G04").seed(chance.seed());
    let mut landing = landing(Scratch::in_memory("sums"));
    landing.configure(CONFIG);
    let mut known = Known { ignored: 50, ..Known::default() };
    for number in 0..known.ignored {
        fs::write(landing.root().join(format!("{number}.part")), b"x").unwrap();
    }
    landing.start();
    wait_until(STEP, "the 50 ignored names to be counted", || {
        Numbers::of(&landing.status()).get("seen") == known.ignored
    });
    let sampler = Sampler { program: env!("CARGO_BIN_EXE_staithe").into(), state: landing.state_dir() };
    let enough = AtomicBool::new(false);
    let rounds = size(4, 100);
    let (mut quiescent, mut looks) = (0, 0);
    std::thread::scope(|scope| {
        let sampling = scope.spawn(|| sampler.run(&enough));
        // The sampler has to end also where an assertion fails, or the scope waits for it.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            overflow(&mut landing, &mut known);
            assert_truth(&landing, &known);
            for round in 0..rounds {
                let writing = written(&landing, "kills", round, 400).start();
                std::thread::sleep(chance.up_to(Duration::from_millis(300)));
                landing.kill();
                landing.start();
                known.complete += writing.join().paths() as u64;
                landing.wait_idle(known.complete + known.ignored, LONG);
                assert_truth(&landing, &known);
                quiescent += 1;
            }
            held_back(&mut landing, &mut known);
            quiescent += 3;
        }));
        enough.store(true, Ordering::Relaxed);
        looks = sampling.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    let row = row.figure("units", known.complete).figure("kills", rounds + 1).figure("looks", looks);
    row.figure("moments at rest", quiescent).count("lost", 0).print();
}
