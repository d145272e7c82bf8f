//! The disk with the state directory becomes full while files arrive, and is freed again.

use std::fs;
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, size, skip};
use testkit::{Filesystem, Finished, Landing, Process, Scratch, Volume, wait_until};

use crate::victim::{Shown, Victim};
use crate::{STEP, landing};

/// Room for a store that has just begun. The log of commits alone may take 32 MiB.
const ROOM: u64 = 48 << 20;
/// So soon after the disk is free, all is well again.
const WELL: Duration = Duration::from_secs(30);
/// Between two looks at the status.
const LOOK: Duration = Duration::from_millis(500);

/// Looks at the status until the time is over: it says that something is wrong, each time, and the process is there.
#[track_caller]
fn stays_degraded(victim: &mut Victim, time: Duration) -> usize {
    let (begun, mut looks) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let status = victim.landing.status();
        assert_eq!(status["state"], "degraded", "while the disk is full: {status}");
        assert!(victim.landing.daemon().is_running(), "it ended");
        looks += 1;
        // Looks all the time would keep a core busy.
        std::thread::sleep(LOOK);
    }
    looks
}

/// How many events the ledger has taken in.
fn remembered(victim: &Victim) -> u64 {
    let counts = victim.landing.status()["counts"].clone();
    let states = ["queued", "delivering", "retrying", "delivered", "dead"];
    states.iter().filter_map(|state| counts[*state].as_u64()).sum()
}

#[test]
fn a_full_disk_below_the_state_pauses_the_intake_and_loses_nothing() {
    let volume = match Volume::new(Filesystem::Memory(ROOM)) {
        Ok(volume) => volume,
        Err(why) => return skip("C08", &why),
    };
    let full = Duration::from_secs(size(5, 60) as u64);
    let chance = Chance::from_environment();
    let mut row = Row::new("C08").seed(chance.seed());
    let mut victim = Victim::new("", "");
    victim.landing.keep_state_in(volume.path().join("state"));
    victim.begin(0);
    let running = victim.load(chance.seed()).start();
    wait_until(STEP, "the load to be under way", || remembered(&victim) > 200);

    let filler = volume.fill_up(0);
    let state = |victim: &Victim| victim.landing.status()["state"].clone();
    let noticed =
        wait_until(STEP, "the status to say that the disk is full", || state(&victim) == "degraded");
    let (before, looks) = (remembered(&victim), stays_degraded(&mut victim, full));
    assert_eq!(before, remembered(&victim), "nothing is taken in that cannot be remembered");
    fs::remove_file(filler).expect("it is there");
    let well = wait_until(WELL, "all to be well again", || state(&victim) == "ok");
    let truth = running.stop();
    let freed = Instant::now();
    victim.settle(&truth);
    row = row.milliseconds("full, until it was said", noticed).figure("full s", full.as_secs());
    row = row.figure("looks at the status meanwhile", looks).milliseconds("freed, until all was well", well);
    row = row.milliseconds("to catch up", freed.elapsed());
    let mut shown = Shown::default();
    row = victim.judge(&truth, row, &mut shown);
    row.figure("files", truth.paths()).print();
}

/// Room enough for what the doctor finds enough.
const AMPLE: u64 = 96 << 20;

/// A tree into a line file.
const LINES: &str = r#"
    [source.inbox]
    path = "{in}"

    [[source.inbox.rule]]
    name = "all"
    include = ["*"]
    exclude = ["*.log"]
    complete = "local"
    to = ["lines"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"
"#;

/// An installation whose ledger cannot be written for want of room; `new.dat` came since then.
struct Full {
    landing: Landing,
    filler: std::path::PathBuf,
    // Dropped last.
    volume: Volume,
}

impl Full {
    fn new() -> Option<Self> {
        let volume = Volume::new(Filesystem::Memory(AMPLE))
            .map_err(|why| println!("SKIPPED full disk: {why}"))
            .ok()?;
        let mut landing = landing(Scratch::on_disk("full"));
        landing.keep_state_in(volume.path().join("state"));
        landing.configure(LINES);
        landing.start();
        fs::write(landing.root().join("old.dat"), b"x").expect("the tree takes files");
        landing.wait_idle(1, STEP);
        let filler = volume.fill_up(0);
        let mut number = 0;
        wait_until(STEP, "the disk to be full", || {
            for _ in 0..100 {
                number += 1;
                fs::write(landing.root().join(format!("f{number}")), b"x").expect("the tree takes files");
            }
            landing.status()["state"] == "degraded"
        });
        fs::write(landing.root().join("new.dat"), b"hello").expect("the tree takes files");
        Some(Self { landing, filler, volume })
    }

    fn call(&self, word: &str, name: &str) -> Finished {
        let mut command = self.landing.command();
        command.arg(word).arg(self.landing.root().join(name)).arg("--json");
        Process::finish(word, &self.landing.out(""), &mut command, STEP)
    }

    /// Makes room, and waits until `new.dat` has arrived.
    fn free(&self) {
        fs::remove_file(&self.filler).expect("it is there");
        wait_until(WELL, "the new file", || self.landing.explain(b"new.dat")["state"] == "delivered");
    }

    /// The doctor's only finding with that code.
    #[track_caller]
    fn finding(&self, code: &str) -> serde_json::Value {
        let done = self.landing.call(&["doctor", "--json"]);
        let findings = done.json()["findings"].as_array().expect("findings are a list").clone();
        let mut found = findings.into_iter().filter(|finding| finding["code"] == code);
        let first = found.next().unwrap_or_else(|| panic!("no {code} in {}", done.text()));
        assert!(found.next().is_none(), "{code} twice: {}", done.text());
        first
    }
}

/// Whoever is told that a file is known may delete what he has of it.
#[test]
fn a_producer_is_not_told_that_a_file_is_known_which_cannot_be_stored() {
    let Some(full) = Full::new() else { return };
    // Heard the first time, known to the source the second.
    for _ in 0..2 {
        let done = full.call("notify", "new.dat");
        done.assert_code(1);
        let answer = done.json();
        assert_eq!(answer["outcome"], "unanswered", "{answer}");
        let error = answer["error"].as_str().expect("it says what is wrong");
        let state = full.volume.path().join("state");
        let wanted = format!("delivered when there is room in {}. Call again then", state.display());
        assert!(
            error.contains("the ledger cannot be written at the moment (database or disk is full)"),
            "{error}"
        );
        assert!(error.contains("not yet stored") && error.contains(&wanted), "{error}");
    }
    // What is in the ledger is known, and stays so.
    full.call("notify", "old.dat").assert_code(0);
    full.free();
    let done = full.call("notify", "new.dat");
    done.assert_code(0);
    assert_eq!(done.json()["outcome"], "already", "{done:?}");
}

#[test]
fn a_file_that_waits_only_for_the_ledger_is_told_so() {
    let Some(full) = Full::new() else { return };
    wait_until(STEP, "the reason", || full.call("explain", "new.dat").json()["reason"] == "blocked.ledger");
    let done = full.call("explain", "new.dat");
    done.assert_code(0);
    let answer = done.json();
    assert_eq!((&answer["state"], &answer["rule"]), (&"waiting".into(), &"all".into()), "{answer}");
    assert_eq!(answer["reason_args"]["problem"], "database or disk is full", "{answer}");
    assert!(answer["reason_args"]["sink"].is_null(), "{answer}");
    let detail = answer["detail"].as_str().expect("a sentence");
    let state = full.volume.path().join("state");
    assert!(detail.starts_with("not stored yet: the ledger cannot be written"), "{detail}");
    assert!(detail.contains(&format!("when there is room in {}", state.display())), "{detail}");
    let shown = full.landing.call(&["explain", "in/new.dat"]).text();
    assert!(
        shown.starts_with("new.dat: WAITING (source inbox)\n") && !shown.contains("NEVER SEEN"),
        "{shown}"
    );
    // It is not the ledger that these wait for.
    full.call("explain", "nothing.dat").assert_code(4);
    fs::write(full.landing.root().join("a.log"), b"x").expect("the tree takes files");
    assert_eq!(full.call("explain", "a.log").json()["reason"], "ignored.filter");
    assert_eq!(full.call("explain", "old.dat").json()["state"], "delivered");
    full.free();
}

#[test]
fn the_doctor_sees_a_full_disk_below_the_state_and_asks_the_daemon_for_its_ledger() {
    let Some(full) = Full::new() else { return };
    let disk = full.finding("E-STATE-DIR");
    let state = full.volume.path().join("state").display().to_string();
    assert_eq!(disk["ok"], false, "{disk}");
    assert!(
        disk["text"].as_str().is_some_and(|text| text.contains(&state) && text.contains("free")),
        "{disk}"
    );
    assert!(disk["fix"].as_str().is_some_and(|fix| fix.contains("make room in")), "{disk}");
    let ledger = full.finding("E-LEDGER");
    assert_eq!(ledger["ok"], false, "{ledger}");
    assert!(
        ledger["text"].as_str().is_some_and(|text| text.contains("database or disk is full")),
        "{ledger}"
    );
    full.landing.call(&["doctor"]).assert_code(5);
    full.free();
    for code in ["E-STATE-DIR", "E-LEDGER"] {
        assert_eq!(full.finding(code)["ok"], true, "{}", full.finding(code));
    }
}
