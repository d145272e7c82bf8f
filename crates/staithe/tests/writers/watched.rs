//! One tree, watched by one program under several rules at once, a consumer for each.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::proof::Row;
use testkit::{Collector, Judgement, Landing, Receipt, Scratch, Truth, judge};

/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// A rule for everything in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The name of its source and of its sink.
    pub(crate) name: &'static str,
    /// The value of `complete`.
    pub(crate) complete: &'static str,
    /// More keys of the source. Nothing reconciles unless they say so, so that what is announced was
    /// noticed and not found.
    pub(crate) source: &'static str,
    /// More keys of the rule.
    pub(crate) more: &'static str,
}

impl Rule {
    /// A rule about which there is no more to say.
    pub(crate) const fn new(name: &'static str, complete: &'static str) -> Self {
        Self { name, complete, source: "", more: "" }
    }
}

/// The preset for writers on this machine, by each way of being told by the kernel.
pub(crate) fn heard() -> Vec<Rule> {
    let heard = |name, source| Rule { source, ..Rule::new(name, r#""local""#) };
    let mut rules = vec![heard("inotify", r#"backend = "inotify""#)];
    if rustix::process::geteuid().is_root() {
        rules.push(heard("fanotify", r#"backend = "fanotify""#));
    } else {
        println!("SKIPPED fanotify: only root may watch a whole file system");
    }
    rules
}

/// The same preset where nothing is heard.
pub(crate) const POLLED: Rule =
    Rule { source: "backend = \"poll\"\npoll_interval = \"200ms\"", ..Rule::new("polled", r#""local""#) };

/// The tree and those who look at it.
pub(crate) struct Watched {
    landing: Landing,
    receivers: Vec<(Rule, Collector)>,
}

/// What became of a run: the receipts of each rule, and `status` at the end.
pub(crate) struct Seen {
    receipts: Vec<(&'static str, Vec<Receipt>)>,
    status: Value,
}

impl Watched {
    /// Makes the tree and starts the program. `prepare` is called before that.
    pub(crate) fn start(scratch: Scratch, rules: &[Rule], prepare: impl FnOnce(&Landing)) -> Self {
        let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch);
        landing.configure(&rules.iter().map(configuration).collect::<String>());
        prepare(&landing);
        let tail = |rule: &Rule| {
            let file = landing.out(&format!("{}.jsonl", rule.name));
            (*rule, Collector::tail(&file, &landing.root()))
        };
        let receivers = rules.iter().map(tail).collect();
        landing.start();
        Self { landing, receivers }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.landing.root()
    }

    /// Waits until this holds of what the rule's consumer has received. What was received tells more than
    /// that something was missing, so the end of the wait is no failure: the judgement is.
    pub(crate) fn wait_for(&self, rule: &str, deadline: Instant, mut enough: impl FnMut(&[Receipt]) -> bool) {
        let (_, receiver) = self.receivers.iter().find(|(of, _)| of.name == rule).expect("a rule of ours");
        let mut last = usize::MAX;
        let mut holds = || {
            // Copies are made only where there is news.
            let count = receiver.count();
            std::mem::replace(&mut last, count) != count && enough(&receiver.receipts())
        };
        while !holds() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until each consumer has the last version of everything, and then until all is settled.
    pub(crate) fn finish_with(self, truth: &Truth, deadline: Instant) -> Seen {
        for (rule, _) in &self.receivers {
            self.wait_for(rule.name, deadline, |receipts| {
                receipts.len() >= truth.paths() && judge(truth, receipts).lost.is_empty()
            });
        }
        self.finish(0, deadline)
    }

    /// Waits until nothing is on its way any more but so many units that wait, then stops the program.
    pub(crate) fn finish(mut self, still_waiting: u64, deadline: Instant) -> Seen {
        let status = loop {
            let status = self.landing.status();
            let count = |name: &str| status["counts"][name].as_u64().unwrap_or(u64::MAX);
            let moving = ["queued", "delivering", "retrying"].map(count);
            if (count("waiting"), moving) == (still_waiting, [0; 3]) || Instant::now() >= deadline {
                break status;
            }
            std::thread::sleep(LOOK);
        };
        self.landing.stop();
        let receipts = self.receivers.into_iter().map(|(rule, receiver)| (rule.name, receiver.finish()));
        Seen { receipts: receipts.collect(), status }
    }
}

impl Seen {
    /// What a rule's consumer received.
    pub(crate) fn by(&self, rule: &str) -> &[Receipt] {
        let found = self.receipts.iter().find(|(name, _)| *name == rule);
        &found.expect("a rule of ours").1
    }

    /// What is wrong under a rule.
    pub(crate) fn under(&self, rule: &str, truth: &Truth) -> Judgement {
        let judgement = judge(truth, self.by(rule));
        println!("{rule}: {judgement}");
        judgement
    }

    /// The same. The row gets it, with the delays.
    pub(crate) fn judged(&self, rule: &str, truth: &Truth, row: Row) -> (Row, Judgement) {
        let judgement = self.under(rule, truth);
        let row = row.judged(&judgement);
        let row = row.milliseconds(&format!("{rule}: median"), judgement.delay(0.5));
        (row.milliseconds(&format!("{rule}: p99"), judgement.delay(0.99)), judgement)
    }

    /// The end of a core test: under no rule is anything early or lost, and where the kernel tells of closes nothing
    /// comes twice.
    #[track_caller]
    pub(crate) fn is_never_early(&self, rules: &[Rule], truth: &Truth, mut row: Row) {
        let mut judgements = Vec::new();
        row = row.figure("files", truth.paths());
        for rule in rules {
            let (with, judgement) = self.judged(rule.name, truth, row);
            row = with.figure(&format!("{}: early", rule.name), judgement.early.len());
            judgements.push((rule.name, judgement));
        }
        row.print();
        for (rule, judgement) in judgements {
            assert!(judgement.lost.is_empty() && judgement.early.is_empty(), "{rule}: {judgement}");
            // What a poller announces twice it has seen change.
            if rule != POLLED.name {
                judgement.assert_exact();
            }
        }
    }

    /// How many units the program said at the end to be waiting.
    pub(crate) fn waiting(&self) -> u64 {
        self.status["counts"]["waiting"].as_u64().expect("the contract has a count of them")
    }

    /// A number in the row of `status` about a rule's source.
    pub(crate) fn number(&self, rule: &str, name: &str) -> u64 {
        let sources = self.status["sources"].as_array().expect("the contract has a list of sources");
        let row = sources.iter().find(|row| row["name"] == rule);
        row.and_then(|row| row[name].as_u64()).unwrap_or_else(|| panic!("no {name} in {row:?}"))
    }
}

fn configuration(rule: &Rule) -> String {
    let Rule { name, complete, source, more } = rule;
    let rescan = if source.contains("rescan") { "" } else { "rescan = \"0s\"" };
    format!(
        r#"
        [source.{name}]
        path = "{{in}}"
        {rescan}
        {source}

        [[source.{name}.rule]]
        name = "all"
        include = ["*"]
        complete = {complete}
        {more}
        to = ["{name}"]

        [sink.{name}]
        type = "jsonl"
        path = "{{out}}/{name}.jsonl"
        "#
    )
}
