//! What was recorded of the original, performed with the drop-in.
//!
//! [`table`] has every recorded scenario. In strict mode the same requests are expected, but for the few differences that
//! are named there; in the default mode the requests but for the improvements, named as well ([`change::Change`] says
//! what each is).

mod change;
mod content;
mod product;
mod replay;
mod sent;
mod table;
mod yaml;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::dlm::golden;

use self::replay::Replay;
use self::table::table;

/// Replays mostly wait, so that many go side by side even on two processors.
const AT_ONCE: usize = 16;

#[test]
fn every_recorded_scenario_has_its_place_in_the_table() {
    let recorded: BTreeSet<&str> = golden().scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    let entries = table();
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!((recorded.len(), entries.len()), (85, 85));
    assert_eq!(ids, recorded);
}

#[test]
fn in_strict_mode_the_requests_are_those_that_were_recorded() {
    let row = testkit::proof::Row::new("G06");
    perform_all(true);
    let requests: usize = golden().scenarios.iter().map(|scenario| scenario.requests.len()).sum();
    let row = row.figure("the SKA watcher's recorded scenarios", golden().scenarios.len());
    row.figure("their requests", requests).print();
}

#[test]
fn by_default_only_the_named_improvements_make_a_difference() {
    perform_all(false);
}

/// Performs all, several at once, and tells of all that failed.
fn perform_all(strict: bool) {
    let only = std::env::var("STAITHE_SCENARIOS").unwrap_or_default();
    let only: Vec<&str> = only.split(',').filter(|id| !id.is_empty()).collect();
    let mut entries = table();
    // Those that take long begin first.
    let took = |entry: &Replay| golden().scenario(entry.id).requests.last().map_or(0.0, |last| last.t);
    entries.sort_by(|one, other| took(other).total_cmp(&took(one)));
    entries.retain(|entry| only.is_empty() || only.contains(&entry.id));
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(text) = failure(entry, strict) {
                        failed.lock().expect("nobody panics with it").push(format!("{}: {text}", entry.id));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("nobody panics with it");
    failed.sort_unstable();
    assert!(failed.is_empty(), "{} of {} differ:\n{}", failed.len(), entries.len(), failed.join("\n\n"));
}

fn failure(entry: &Replay, strict: bool) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(|| entry.perform(strict))).err()?;
    let text = payload.downcast::<String>().map(|text| *text);
    Some(text.unwrap_or_else(|payload| {
        (*payload).downcast_ref::<&str>().map_or_else(|| "it panicked".to_owned(), |text| (*text).to_owned())
    }))
}
