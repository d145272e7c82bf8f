//! The recorded behaviour of `MetWork`'s `directory_observer`, replayed against the drop-in.
//!
//! `tests/golden/directory_observer.json` holds what the original really did: what ended up in
//! Redis to the byte, its log, its exit status. Each scenario gets a folder, a Redis server and a
//! process of its own. Where we differ on purpose, [`decisions`] says what we do and why.
//!
//! `STAITHE_GOLDEN=E01,N02` replays only these; `STAITHE_GOLDEN=E,N` all that begin so.

mod decisions;
mod log;
mod messages;
mod replay;
mod scenario;
mod shim;
mod stage;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use scenario::{Golden, Scenario};

/// The scenarios mostly wait, so more of them run at once than there are processors.
const AT_ONCE: usize = 8;

#[test]
fn every_recorded_scenario() {
    let row = testkit::proof::Row::new("G06");
    let golden = Golden::load();
    let wanted = std::env::var("STAITHE_GOLDEN").unwrap_or_default();
    let wanted = |id: &str| wanted.split(',').any(|begin| id.starts_with(begin.trim()));
    let mut scenarios: Vec<&Scenario> = golden.scenarios.iter().filter(|one| wanted(&one.id)).collect();
    assert!(!scenarios.is_empty(), "no scenario is called so");
    // The longest first, so that none of them is alone at the end.
    scenarios.sort_by_key(|scenario| std::cmp::Reverse(scenario.least_duration()));
    let row = row.figure("directory_observer's recorded scenarios", scenarios.len());
    let queue = Mutex::new(VecDeque::from(scenarios));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| work(&queue, &failures));
        }
    });
    let failures = failures.into_inner().expect("no thread panicked with it");
    assert!(failures.is_empty(), "{} scenarios differ:\n{}", failures.len(), failures.join("\n"));
    row.figure("of these decided otherwise, with a reason", decisions::DECISIONS.len()).print();
}

fn work(queue: &Mutex<VecDeque<&Scenario>>, failures: &Mutex<Vec<String>>) {
    loop {
        let next = queue.lock().expect("no thread panicked with it").pop_front();
        let Some(scenario) = next else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| replay::replay(scenario)));
        let problem = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(problem)) => problem,
            Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_owned()),
        };
        let text = format!("{} [{}] {}\n  {problem}", scenario.id, scenario.kind, scenario.title);
        failures.lock().expect("no thread panicked with it").push(text);
    }
}

/// Every scenario named in a table exists; a decision about nothing is a mistake.
#[test]
fn every_decision_is_about_a_scenario() {
    let golden = Golden::load();
    for decision in decisions::DECISIONS {
        let scenario = golden.scenarios.iter().find(|one| one.id == decision.id);
        assert!(scenario.is_some(), "there is no scenario {}", decision.id);
        assert!(decision.why.len() > 20, "{} needs a reason", decision.id);
    }
}
