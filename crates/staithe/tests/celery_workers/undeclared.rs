//! A queue that nobody has declared.

use std::collections::BTreeMap;

use testkit::celery::Site;
use testkit::python::{CELERY_NOW, Recipe};
use testkit::wait_until;

use crate::arriving;
use crate::rig::{PATIENCE, assert_each_once, landing, oldest, rabbit};

/// The messages are kept, that is told, and they go when a worker declares the queue.
fn waits_for_a_worker(queue: &str, recipe: Recipe) {
    let rabbit = rabbit();
    let mut landing = landing(&rabbit.url(), &[queue]);
    landing.start();
    let mut folders =
        BTreeMap::from([arriving::renamed(&landing, b"ST-1"), arriving::moved_in(&landing, b"ST-2")]);
    let sink = || landing.status()["sinks"][0].to_string();
    wait_until(PATIENCE, "the trouble to be told", || sink().contains("E-SINK-") && sink().contains(queue));
    let counts = landing.status()["counts"].clone();
    assert_eq!((&counts["delivered"], &counts["dead"]), (&0.into(), &0.into()), "{counts}");
    assert!(!rabbit.has(queue), "staithe declares nothing");
    let site = Site::new(&rabbit.url()).queue(queue);
    let worker = site.start(&recipe.venv());
    landing.wait_idle(2, PATIENCE);
    // The old worker has been seen to leave a message that came with another one until there was news on its connection.
    folders.extend([arriving::renamed(&landing, b"ST-3")]);
    assert_each_once(&site.wait_runs(3), &folders);
    landing.stop();
    worker.stop();
}

#[test]
fn s20_what_no_queue_takes_is_told_and_kept_until_a_worker_declares_it() {
    waits_for_a_worker("undeclared-today", CELERY_NOW);
}

#[test]
fn s20_the_same_with_a_worker_of_long_ago() {
    waits_for_a_worker("undeclared-long-ago", oldest());
}
