//! Dead letters by the thousand, offered again: D11 of the reliability battery. The replay is killed in the middle, it is
//! paused in the middle, and the one who asked for it is killed while he asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use testkit::proof::{Row, size};
use testkit::{Landing, Process, Scratch, wait_until};

use crate::rig::sink;
use crate::{LONG, STEP};

/// So many events the plugin is sent ahead of its answers: what a kill may repeat.
const WINDOW: usize = 64;

const MANIFEST: &str = "command = \"python3\"\nargs = [\"letters.py\"]\nwindow = 64\nack_within = \"1h\"\n";

/// Refuses for good while the file `allowed` says nothing; else takes so many, and then waits for the number to grow.
const PLUGIN: &str = r#"
import json, sys, time

def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()

def allowed():
    return int(open("allowed").read() or 0)

taken = len(open("taken").readlines())
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "hello":
        say(type="hello", protocol=1, name="letters", version="1")
    elif message["type"] == "event" and not allowed():
        say(type="error", seq=message["seq"], message="no", permanent=True)
    elif message["type"] == "event":
        while taken >= allowed():
            time.sleep(0.01)
        with open("taken", "a") as log:
            log.write(message["path"] + "\n")
        taken += 1
        say(type="ack", seq=message["seq"])
"#;

/// The daemon with a plugin that does as it is told.
struct Office {
    landing: Landing,
    letters: usize,
}

impl Office {
    /// Everything that was written is a dead letter.
    fn open(letters: usize) -> Self {
        let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("letters"));
        landing.configure(
            r#"
            [source.inbox]
            path = "{in}"

            [[source.inbox.rule]]
            name = "all"
            include = ["*"]
            complete = "local"
            to = ["letters"]

            [sink.letters]
            type = "plugin"
            plugin = "letters"
            arrivals = true
            "#,
        );
        fs::create_dir(landing.out("plugins")).expect("a new directory");
        let files = [("allowed", ""), ("taken", ""), ("letters.py", PLUGIN), ("letters.toml", MANIFEST)];
        for (name, text) in files {
            fs::write(landing.out("plugins").join(name), text).expect("a plugin is two files");
        }
        landing.start();
        for number in 0..letters {
            fs::write(landing.root().join(name(number)), name(number)).expect("the tree takes files");
        }
        let office = Self { landing, letters };
        wait_until(LONG, &format!("{letters} dead letters"), || {
            sink(&office.landing, "letters")["dead"] == office.letters
        });
        office
    }

    /// From now on so many are taken in all.
    fn allow(&self, count: usize) {
        let new = self.landing.out("plugins/allowed.new");
        fs::write(&new, count.to_string()).expect("the directory takes files");
        fs::rename(new, self.landing.out("plugins/allowed")).expect("and renames them");
    }

    /// How often each was taken.
    fn taken(&self) -> BTreeMap<String, usize> {
        let text = fs::read_to_string(self.landing.out("plugins/taken")).expect("the plugin's log is there");
        let mut taken = BTreeMap::new();
        for line in text.lines() {
            *taken.entry(line.to_owned()).or_insert(0) += 1;
        }
        taken
    }

    fn wait_taken(&self, count: usize) {
        let what = format!("{count} letters to be taken");
        wait_until(LONG, &what, || self.taken().values().sum::<usize>() >= count);
    }

    /// What `dead list` lists.
    fn listed(&self) -> BTreeSet<String> {
        let done = self.landing.call(&["dead", "list", "--json"]);
        let letters = done.text();
        let letters = letters.lines().map(|line| serde_json::from_str(line).expect("a letter is JSON"));
        letters
            .map(|letter: serde_json::Value| letter["path"].as_str().expect("a plain path").to_owned())
            .collect()
    }

    /// Each letter was taken or is still on the list. Whoever is taken while this looks is on the list that was read.
    fn assert_kept(&self, when: &str) {
        let (listed, taken) = (self.listed(), self.taken());
        let kept = |number: &usize| listed.contains(&name(*number)) || taken.contains_key(&name(*number));
        let lost = (0..self.letters).filter(|number| !kept(number)).count();
        assert_eq!(lost, 0, "{when}: letters that are neither taken nor on the list");
    }

    /// Waits until nothing is in hand any more: what was taken is no longer on the list.
    fn wait_until_still(&self) {
        wait_until(STEP, "the pause", || {
            let (listed, taken) = (self.listed(), self.taken());
            sink(&self.landing, "letters")["state"] == "paused"
                && !taken.keys().any(|name| listed.contains(name))
        });
    }

    /// How many were taken more than once.
    fn twice(&self) -> usize {
        self.taken().values().filter(|count| **count > 1).count()
    }
}

fn name(number: usize) -> String {
    format!("letter{number:06}")
}

#[test]
fn a_replay_that_is_killed_and_paused_loses_and_repeats_nothing() {
    let row = Row::new("D11");
    let mut office = Office::open(size(1_000, 10_000));
    let part = office.letters / 4;
    office.allow(part);

    // One who asks and is gone before he has an answer has asked or has not.
    let landing = &office.landing;
    let mut asking = Process::spawn("asking", &landing.out(""), landing.command().args(["dead", "retry"]));
    asking.kill();
    landing.call(&["dead", "retry"]).assert_code(0);
    office.assert_kept("asked for");

    office.wait_taken(part);
    office.landing.kill();
    office.landing.start();
    office.assert_kept("killed");
    office.allow(2 * part);
    office.wait_taken(2 * part);
    let by_the_kill = office.twice();
    assert!(
        by_the_kill <= WINDOW,
        "{by_the_kill} letters were taken twice, and {WINDOW} were in hand at the kill"
    );

    office.landing.call(&["pause", "letters"]).assert_code(0);
    office.allow(3 * part);
    office.wait_until_still();
    office.assert_kept("paused");
    office.landing.stop();
    office.landing.start();
    office.assert_kept("stopped");
    let paused = office.listed().len();

    let begun = Instant::now();
    office.allow(usize::MAX >> 1);
    office.landing.call(&["resume", "letters"]).assert_code(0);
    wait_until(LONG, "the list to be empty", || office.listed().is_empty());
    let rest = begun.elapsed();
    office.assert_kept("in the end");
    let (taken, twice) = (office.taken(), office.twice());
    row.count("lost", office.letters - taken.len())
        .count("repeated", twice)
        .figure("letters", office.letters)
        .figure("repeated by the kill", by_the_kill)
        .figure("on the list while paused", paused)
        .figure("replayed per s", paused as f64 / rest.as_secs_f64())
        .print();
    assert!(twice <= WINDOW, "{twice} letters were taken twice, and {WINDOW} were in hand");
    assert!(paused > 0, "there was nothing left to be paused");
}
