//! The broker is away for half a minute.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use testkit::celery::{Run, Site};
use testkit::python::CELERY_NOW;
use testkit::rabbitmq::Rabbit;
use testkit::redis::Redis;
use testkit::{Landing, wait_until};

use crate::arriving;
use crate::rig::{Contents, PATIENCE, assert_each_once, landing, oldest};

const OUTAGE: Duration = Duration::from_secs(30);

/// Folders finish before, during and after; the worker, which looks for the broker by itself, runs each once, in order.
fn is_away(
    broker: &str,
    site: &Site,
    landing: &mut Landing,
    mut stop: impl FnMut(),
    mut start: impl FnMut(),
) {
    let mut order: Vec<Vec<u8>> = Vec::new();
    let mut folders: BTreeMap<Vec<u8>, Contents> = BTreeMap::new();
    let mut next = |landing: &Landing| {
        let (path, contents) = arriving::renamed(landing, format!("ST-{}", order.len()).as_bytes());
        order.push(path.clone());
        folders.insert(path, contents);
    };
    for _ in 0..3 {
        next(landing);
    }
    let _before = site.wait_runs(3);
    landing.wait_idle(3, PATIENCE);
    stop();
    let begun = Instant::now();
    for _ in 0..5 {
        next(landing);
    }
    let sink = || landing.status()["sinks"][0].to_string();
    wait_until(PATIENCE, "the outage to be told", || sink().contains("E-SINK-"));
    let down = sink();
    assert!(!down.contains("guest:guest"), "{down}");
    let rest = OUTAGE.saturating_sub(begun.elapsed());
    // The length of the outage is what is tested here.
    std::thread::sleep(rest);
    assert_eq!(site.runs().len(), 3, "{broker}");
    assert_eq!(landing.status()["counts"]["delivered"], 3);
    start();
    for _ in 0..2 {
        next(landing);
    }
    let runs = site.wait_runs(10);
    landing.wait_idle(10, PATIENCE);
    next(landing);
    let runs_later = site.wait_runs(11);
    assert_eq!(runs_later[..10], runs[..]);
    assert_each_once(&runs_later, &folders);
    let ran: Vec<Vec<u8>> = runs_later.into_iter().map(|run: Run| run.path).collect();
    assert_eq!(ran, order);
}

#[test]
fn redis_is_away_for_30_s() {
    // As a broker is run that must not lose what it has taken.
    let mut redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let url = redis.url();
    let site = Site::new(&url);
    let worker = site.start(&oldest().venv());
    let mut landing = landing(&url, &["default"]);
    landing.start();
    let redis = std::cell::RefCell::new(&mut redis);
    is_away(&url, &site, &mut landing, || redis.borrow_mut().stop(), || redis.borrow_mut().start_again());
    landing.stop();
    worker.stop();
}

#[test]
fn rabbitmq_is_away_for_30_s() {
    let mut rabbit = Rabbit::start();
    let url = rabbit.url();
    let site = Site::new(&url);
    let worker = site.start(&CELERY_NOW.venv());
    let mut landing = landing(&url, &["default"]);
    landing.start();
    let rabbit = std::cell::RefCell::new(&mut rabbit);
    let stop = || {
        // What a worker has run and not acknowledged yet comes again, and rightly so: that is between those two. For the
        // same reason the end is in order: after a power cut the broker knows nothing of the last acknowledgements.
        wait_until(PATIENCE, "all to be acknowledged", || {
            let text = rabbit.borrow().control(&["list_queues", "messages_unacknowledged"]);
            let counts: Vec<u32> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
            !counts.is_empty() && counts.iter().all(|&count| count == 0)
        });
        rabbit.borrow_mut().stop();
    };
    let start = || {
        let _took = rabbit.borrow_mut().start_again();
    };
    is_away(&url, &site, &mut landing, stop, start);
    landing.stop();
    worker.stop();
}
