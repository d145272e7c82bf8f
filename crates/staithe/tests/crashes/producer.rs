//! A producer who is told that its files are remembered, and a consumer who is told that events are gone.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use testkit::Landing;

/// The rule and the sink for what it hands over.
pub(crate) const RULES: &str = r#"
    [sink.kept]
    type = "queue"

    [[source.inbox.rule]]
    name = "told"
    include = ["told/*"]
    complete = "local"
    to = ["kept"]
"#;

/// The states of a unit that is remembered.
const REMEMBERED: [&str; 4] = ["queued", "delivering", "retrying", "delivered"];

/// What it was promised so far.
pub(crate) struct Producer {
    folder: PathBuf,
    /// The program's command line up to its first word.
    template: Command,
    written: usize,
    /// Files of which the program said that it remembers them. They are gone: no scan finds them.
    promised: HashSet<String>,
    /// Events that were taken, and the acknowledgement was confirmed.
    taken: HashSet<String>,
    /// Events that were taken, and nobody confirmed that: they may be gone or there.
    perhaps: HashSet<String>,
    /// There is something of each kind.
    has_both: Arc<AtomicBool>,
}

/// What a call of the program gave.
struct Answer {
    good: bool,
    text: String,
}

impl Producer {
    pub(crate) fn new(landing: &Landing) -> Self {
        let folder = landing.root().join("told");
        fs::create_dir(&folder).expect("the tree takes folders");
        let (promised, taken, perhaps) = (HashSet::new(), HashSet::new(), HashSet::new());
        let has_both = Arc::default();
        Self { folder, template: landing.command(), written: 0, promised, taken, perhaps, has_both }
    }

    /// Hands files over, and takes an event for every other one, until it is told to stop.
    pub(crate) fn work(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            self.hand_over();
            if self.written.is_multiple_of(2) {
                self.consume(1);
            }
            self.has_both.fetch_or(!(self.promised.is_empty() || self.taken.is_empty()), Ordering::AcqRel);
        }
    }

    /// Says while it works whether it was promised something, and something was taken for good.
    pub(crate) fn has_both(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_both)
    }

    fn call(&self, words: &[&str]) -> Answer {
        let mut command = Command::new(self.template.get_program());
        let set = self.template.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.env_clear().envs(set).args(words);
        let output = command.output().expect("the program starts");
        Answer { good: output.status.success(), text: String::from_utf8_lossy(&output.stdout).into_owned() }
    }

    fn hand_over(&mut self) {
        let name = format!("n{:05}", self.written);
        self.written += 1;
        let path = self.folder.join(&name);
        fs::write(&path, &name).expect("the tree takes files");
        let shown = path.to_str().expect("a plain path");
        let answer = self.call(&["notify", "--json", shown]);
        if !answer.good {
            return;
        }
        let answer: Value = serde_json::from_str(&answer.text).expect("JSON");
        if REMEMBERED.iter().any(|state| answer["state"] == *state) {
            fs::remove_file(&path).expect("it is there");
            self.promised.insert(format!("told/{name}"));
        }
    }

    /// Takes events; gives the paths of those that it took for good.
    fn consume(&mut self, most: usize) -> Vec<String> {
        let answer = self.call(&["consume", "--json", "--max", &most.to_string()]);
        let path = |line: &str| {
            let event: Value = serde_json::from_str(line).expect("an event");
            event["data"]["path"].as_str().expect("a plain path").to_owned()
        };
        let paths: Vec<String> = answer.text.lines().map(path).collect();
        let again: Vec<&String> = paths.iter().filter(|path| self.taken.contains(*path)).collect();
        assert!(again.is_empty(), "a promise was not kept: consumed for good and there again: {again:?}");
        let which = if answer.good { &mut self.taken } else { &mut self.perhaps };
        which.extend(paths.iter().cloned());
        paths
    }

    /// Takes what is left. Fails unless every promise was kept; says how many were made, and how many events were
    /// consumed before.
    #[track_caller]
    pub(crate) fn settle(mut self) -> (usize, usize) {
        let consumed = self.taken.len();
        while !self.consume(1_000).is_empty() {}
        let kept = |path: &&String| self.taken.contains(*path) || self.perhaps.contains(*path);
        let lost: Vec<&String> = self.promised.iter().filter(|path| !kept(path)).collect();
        assert!(lost.is_empty(), "a promise was not kept: the producer's files are lost: {lost:?}");
        (self.promised.len(), consumed)
    }
}
