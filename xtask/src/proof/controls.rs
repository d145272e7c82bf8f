//! Negative controls: each test once more, without the guarantee that it is there for. It must fail, and for that reason.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use super::programs::Programs;
use super::rows::{Control, Row};
use super::trial::{self, Ended};
use crate::shell::Pulse;

/// So many run at a time: for most of their time they wait for what does not come.
const AT_A_TIME: usize = 6;
/// How long a test waits there for anything.
const PATIENCE: u64 = 20;
/// Within this each has failed, or it hangs.
const LIMIT: Duration = Duration::from_secs(150);

/// What one control has shown.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) row: &'static str,
    pub(super) control: Control,
    pub(super) found: Found,
    pub(super) took: Duration,
}

/// How the test behaved without its guarantee.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It failed and said what it should say.
    Noticed,
    /// It passed: it cannot fail.
    Unnoticed,
    /// It failed and said something else.
    Otherwise,
    /// It did not end.
    Hung,
    /// It passed because this machine does not let it show anything.
    Skipped,
    /// It was not run: it fails with the guarantee as well, and another failure would show nothing.
    NotJudged,
}

impl Verdict {
    pub(super) fn is_good(&self) -> bool {
        matches!(self.found, Found::Noticed | Found::Skipped)
    }
}

/// Runs the controls of these rows, several at a time, but not of those that have `failed` themselves. The verdicts are in
/// the rows' order.
pub(super) fn all(
    rows: &[&'static Row],
    failed: &BTreeSet<&'static str>,
    programs: &Programs,
) -> anyhow::Result<Vec<Verdict>> {
    let pairs = rows.iter().flat_map(|row| row.controls.iter().map(|control| (*row, *control)));
    let queue: Mutex<VecDeque<_>> = Mutex::new(pairs.enumerate().collect());
    let total = lock(&queue).len();
    let verdicts = Mutex::new(Vec::new());
    // By itself: in the loop's head the lock would be held while its body runs, and nothing else would.
    let next = || lock(&queue).pop_front();
    let work = || -> anyhow::Result<()> {
        while let Some((number, (row, control))) = next() {
            let verdict =
                if failed.contains(row.id) { not_judged(row, control) } else { one(row, control, programs)? };
            lock(&verdicts).push((number, verdict));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        let begun = Instant::now();
        let mut pulse = Pulse::default();
        while !workers.iter().all(ScopedJoinHandle::is_finished) {
            std::thread::sleep(trial::LOOK);
            pulse.beat(begun.elapsed(), || {
                format!("{} of {total} controls have ended", lock(&verdicts).len())
            });
        }
        let ended = workers.into_iter().map(|worker| {
            worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a control's thread has panicked")))
        });
        ended.collect::<anyhow::Result<Vec<()>>>()
    })?;
    let mut verdicts = verdicts.into_inner().unwrap_or_else(PoisonError::into_inner);
    verdicts.sort_by_key(|(number, _)| *number);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn one(row: &'static Row, control: Control, programs: &Programs) -> anyhow::Result<Verdict> {
    let environment = [
        ("STAITHE_WITHOUT", control.without.to_owned()),
        ("STAITHE_PATIENCE", PATIENCE.to_string()),
        ("RUST_BACKTRACE", "0".to_owned()),
        // What a crippled program shows is not to get among the figures.
        ("STAITHE_ROWS", "/dev/null".to_owned()),
    ];
    let ended = trial::run(programs, row.test, &environment, LIMIT, |_| {})?;
    let verdict =
        Verdict { row: row.id, control, found: found(&ended, row.id, control.says), took: ended.took };
    println!("{} without {}: {}", row.id, control.without, word(&verdict.found));
    if !verdict.is_good() {
        println!("{}", ended.said);
    }
    Ok(verdict)
}

fn not_judged(row: &'static Row, control: Control) -> Verdict {
    println!("{} without {}: {}", row.id, control.without, word(&Found::NotJudged));
    Verdict { row: row.id, control, found: Found::NotJudged, took: Duration::ZERO }
}

fn found(ended: &Ended, id: &str, says: &str) -> Found {
    match ended.passed {
        None => Found::Hung,
        Some(true) if ended.has_skipped(id) => Found::Skipped,
        Some(true) => Found::Unnoticed,
        Some(false) if ended.said.contains(says) => Found::Noticed,
        Some(false) => Found::Otherwise,
    }
}

fn word(found: &Found) -> &'static str {
    match found {
        Found::Noticed => "noticed",
        Found::Unnoticed => "NOT NOTICED: the test passes without its guarantee",
        Found::Otherwise => "FAILED OTHERWISE: the test does not say what it should",
        Found::Hung => "DID NOT END",
        Found::Skipped => "SKIPPED: this machine does not let the test show anything",
        Found::NotJudged => "not judged: the row fails with it, too",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_for_the_right_reason_counts() {
        let said = "SKIPPED A02: no server\n3 lost".to_owned();
        let ended = |passed| Ended { passed, said: said.clone(), took: Duration::ZERO };
        assert_eq!(found(&ended(Some(false)), "A01", "lost"), Found::Noticed);
        assert_eq!(found(&ended(Some(false)), "A01", "early"), Found::Otherwise);
        assert_eq!(found(&ended(Some(true)), "A01", "lost"), Found::Unnoticed);
        assert_eq!(found(&ended(None), "A01", "lost"), Found::Hung);
        assert_eq!(found(&ended(Some(true)), "A02", "lost"), Found::Skipped);
        assert_eq!(found(&ended(Some(false)), "A02", "early"), Found::Otherwise);
    }
}
