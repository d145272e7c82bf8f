//! Asking, and comparing the answers with the truth.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Landing, Process};

use crate::STEP;
use crate::truth::Case;
use crate::world::World;

/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(100);
/// So many questions at a time.
const AT_ONCE: usize = 4;

/// `explain --json` of a path below a source: its exit code, and what it says.
pub(crate) fn explain(landing: &Landing, source: &str, path: &[u8]) -> (Option<i32>, Value) {
    let mut command = landing.command();
    let at = landing.root().join(source).join(std::ffi::OsStr::from_bytes(path));
    command.arg("explain").arg("--json").arg(at);
    let done = Process::finish("explain", &landing.out(""), &mut command, STEP);
    (done.code, done.json())
}

fn mistake(landing: &Landing, case: &Case) -> Option<String> {
    let (code, answer) = explain(landing, case.source, &case.path);
    let mistake = case.mistake(code, &answer)?;
    Some(format!("{}/{}: {mistake}: {answer}", case.source, String::from_utf8_lossy(&case.path)))
}

/// What is wrong with the answers to these, and which of them that are; several are asked for at a time.
fn mistakes<'a>(landing: &Landing, cases: &[&'a Case]) -> Vec<(&'a Case, String)> {
    let ask = |part: &[&'a Case]| -> Vec<(&'a Case, String)> {
        part.iter().filter_map(|case| Some((*case, mistake(landing, case)?))).collect()
    };
    std::thread::scope(|scope| {
        let parts = cases.chunks(cases.len().div_ceil(AT_ONCE).max(1));
        let asked: Vec<_> = parts.map(|part| scope.spawn(move || ask(part))).collect();
        asked.into_iter().flat_map(|part| part.join().expect("it only asks")).collect()
    })
}

#[track_caller]
fn fail(mistakes: &[(&Case, String)], asked: usize) -> ! {
    let texts: Vec<&str> = mistakes.iter().map(|(_, text)| text.as_str()).collect();
    panic!("{} mistakes among {asked} answers:\n{}", mistakes.len(), texts.join("\n"));
}

/// Asks until each path is where it must be.
#[track_caller]
pub(crate) fn wait_for_truth(world: &World, cases: &[Case]) {
    let mut left: Vec<&Case> = cases.iter().collect();
    let mut wrong = Vec::new();
    let begun = Instant::now();
    while !left.is_empty() {
        wrong = mistakes(&world.landing, &left);
        left = wrong.iter().map(|(case, _)| *case).collect();
        if begun.elapsed() > testkit::patience(STEP) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if !left.is_empty() {
        fail(&wrong, cases.len());
    }
}

/// Asks each once; answers how many were asked for.
#[track_caller]
pub(crate) fn assert_truth(world: &World, cases: &[Case]) -> usize {
    let wrong = mistakes(&world.landing, &cases.iter().collect::<Vec<_>>());
    if !wrong.is_empty() {
        fail(&wrong, cases.len());
    }
    cases.len()
}

/// `ls --state S --json`.
fn listed(world: &World, state: &str) -> Vec<Value> {
    let done = world.landing.call(&["ls", "--json", "--state", state]);
    done.assert_code(0);
    done.text().lines().map(|line| serde_json::from_str(line).expect("a line is a unit")).collect()
}

type Listed = BTreeMap<(String, Vec<u8>), Option<String>>;

/// What waits and what is ignored is listed, once each and nothing else, with its reason.
#[track_caller]
pub(crate) fn assert_lists(world: &World, cases: &[Case]) {
    for state in ["waiting", "ignored"] {
        let wanted = cases.iter().filter(|case| case.is(state));
        let wanted: Listed = wanted
            .map(|case| ((case.source.to_owned(), case.listed()), case.reason.map(str::to_owned)))
            .collect();
        let rows = listed(world, state);
        assert_eq!(rows.len(), wanted.len(), "{state}");
        for row in &rows {
            assert_eq!(row["next_check"].is_string(), state == "waiting", "{row}");
        }
        let listed: Listed = rows
            .iter()
            .map(|row| {
                let path = model::text::json_path(row, "path").expect("a row has a path");
                let source = row["source"].as_str().unwrap().to_owned();
                ((source, path), row["reason"].as_str().map(str::to_owned))
            })
            .collect();
        assert_eq!(listed, wanted, "{state}");
    }
}

/// Seen is the sum of the others, and each is what the generator has made.
#[track_caller]
pub(crate) fn assert_counts(world: &World, cases: &[Case]) {
    let status = world.landing.status();
    let counts: HashMap<String, u64> = serde_json::from_value(status["counts"].clone()).expect("numbers");
    let others: u64 = counts.iter().filter(|(name, _)| *name != "seen").map(|(_, count)| count).sum();
    assert_eq!(counts["seen"], others, "{counts:?}");
    let known = |state: &str| cases.iter().filter(|case| case.is(state)).count() as u64;
    for state in ["waiting", "ignored", "gone", "adopted"] {
        assert_eq!(counts[state], known(state), "{state} in {counts:?}");
    }
    let earlier: u64 = cases.iter().map(|case| case.earlier).sum();
    assert_eq!(counts["delivered"], known("delivered") + earlier, "delivered in {counts:?}");
    let held_up: u64 = ["queued", "retrying", "delivering"].iter().map(|state| counts[*state]).sum();
    assert_eq!(held_up, known("queued"), "held up in {counts:?}");
}
