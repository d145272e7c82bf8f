//! Random histories of a watched tree against the program's own code, and a naive reference that knows the truth.
//!
//! What runs is the program: the source's loop with its watcher (tree of directories, folding of inotify's events,
//! walks), the dirty set, what is known, the rules, the ledger (in memory; in every fourth case on disk, with kills,
//! power cuts and restarts), and the sink's lane (cursor, order, back-off, breaker). Played are the file system, the
//! queue of its events, both clocks, and the sink's peer ([`world`], [`peer`]). Operations fall between any two calls
//! that the source makes, so the races that a kernel shows once in a million are ordinary here.
//!
//! At each admission: it was complete at some moment of that turn (early = 0), it is news, its generation grows, and
//! its id is its own. At each delivery: it comes again only where nobody was told that it had arrived, and in order.
//! When all is quiet: every file was announced with the content that it has and was delivered (lost = 0), nothing
//! waits, and each path has a verdict.
//!
//! Not here: polling and fanotify (a fake tree and the conformance suite have them), datasets and groups (`settle`'s
//! property test), mounts, symbolic links, the threads themselves, and what a crash does inside the ledger (`every_io`).
//!
//! A run plays the cases 0 to 2 999. `STAITHE_CASES=…` asks for more of them, `STAITHE_FIRST=…` for later ones;
//! `STAITHE_SEED=… cargo test -p simulation --test simulation` replays one.

mod controls;
mod found;
mod judge;
mod peer;
mod program;
mod run;
mod script;
mod shrink;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use judge::Tally;
use run::Run;
use script::Case;

const CASES: u64 = 3_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one case; the report of its failure says everything, shortly.
fn check(seed: u64) -> Result<Tally, String> {
    let case = Case::random(seed);
    let tally = std::cell::Cell::new(Tally::default());
    let Err(error) = shrink::outcome_with(&case, &case.steps, &tally) else { return Ok(tally.get()) };
    if controls::is_one() {
        return Err(error);
    }
    let (steps, error) = shrink::shrink(&case, error);
    let log = shrink::log_of(&case, &steps);
    let Case { manners, rules, rescan, durable, batch, .. } = &case;
    let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    Err(format!(
        "{error}\n  {rules:?}, rescan {rescan:?}, durable {durable}, batches of {batch}, {manners:?}\n  steps:\n    {}\n  \
         what happened:\n    {}\n  replay: STAITHE_SEED={seed} cargo test -p simulation --test simulation",
        steps.join("\n    "),
        log.join("\n    "),
    ))
}

/// Cases from `first` on, on all processors; the failure of the lowest seed.
fn check_all(first: u64, cases: u64) -> Result<Tally, String> {
    let next = AtomicU64::new(first);
    let work = || {
        let mut sum = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + cases {
                return Ok(sum);
            }
            match check(seed) {
                Ok(tally) => sum.add(&tally),
                Err(report) => {
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    return Err((seed, report));
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let ends: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker ends in order")).collect()
    });
    let mut sum = Tally::default();
    let mut failures = Vec::new();
    for end in ends {
        match end {
            Ok(tally) => sum.add(&tally),
            Err(failure) => failures.push(failure),
        }
    }
    failures.sort();
    failures.into_iter().next().map_or(Ok(sum), |(_, report)| Err(report))
}

#[test]
fn random_histories_lose_nothing_tell_nothing_early_and_repeat_nothing() {
    let begun = std::time::Instant::now();
    if let Some(seed) = number("STAITHE_SEED") {
        match check(seed) {
            Ok(tally) => println!("seed {seed}: {tally:?}"),
            Err(report) => panic!("{report}"),
        }
        return;
    }
    let cases = number("STAITHE_CASES").unwrap_or(CASES);
    match check_all(number("STAITHE_FIRST").unwrap_or(0), cases) {
        Ok(tally) => {
            println!("{cases} cases in {:.1} s: {tally:?}", begun.elapsed().as_secs_f64());
            // A test in which nothing happens would see little; a few cases need not have everything in them.
            let Tally { announced, repeated, crashes, overflows, .. } = tally;
            let enough = announced > cases
                && repeated > cases / 100
                && crashes > cases / 10
                && overflows > cases / 100;
            assert!(enough || cases < CASES, "too little happens in {cases} cases: {tally:?}");
        }
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn a_seed_replays() {
    for seed in 0..25 {
        let case = Case::random(seed);
        let [one, two] = [(); 2].map(|()| {
            let mut run = Run::new(&case, true).expect("it begins");
            let end = run.whole(&case.steps);
            (end, run.log())
        });
        assert_eq!(one, two, "seed {seed}");
    }
}
