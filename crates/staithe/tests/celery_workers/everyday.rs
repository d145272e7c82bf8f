//! Everything works.

use std::collections::BTreeMap;
use std::time::Duration;

use testkit::celery::Site;
use testkit::python::CELERY_NOW;
use testkit::redis::Redis;
use testkit::wait_until;

use crate::arriving;
use crate::rig::{PATIENCE, assert_each_once, landing, oldest, rabbit};

/// Both workers, each with a queue and a sink of its own, run each folder once, when it is whole.
fn both_run_each_folder_once(broker: &str, results: &str) {
    let queues = ["today", "long-ago"];
    let sites = queues.map(|queue| Site::new(broker).queue(queue).results(results));
    let mut workers = [sites[0].launch(&CELERY_NOW.venv()), sites[1].launch(&oldest().venv())];
    // A queue is there when its worker has said so; nobody else makes it.
    workers.iter_mut().for_each(testkit::celery::Worker::wait_ready);
    let mut landing = landing(broker, &queues);
    landing.start();
    let folders = arriving::of_each_kind(&landing, "1");
    for site in &sites {
        let _runs = site.wait_runs(folders.len());
    }
    landing.wait_idle(folders.len() as u64, PATIENCE);
    // What were to come twice has been sent by now, and a queue is first in, first out.
    let last: BTreeMap<_, _> = [arriving::renamed(&landing, b"ST-last")].into();
    let all: BTreeMap<_, _> = folders.into_iter().chain(last).collect();
    for site in &sites {
        assert_each_once(&site.wait_runs(all.len()), &all);
    }
    let taken = |worker: &testkit::celery::Worker| worker.log().matches(" succeeded in ").count();
    for worker in &workers {
        wait_until(PATIENCE, "the worker to be through", || taken(worker) == all.len());
    }
    landing.stop();
}

#[test]
fn on_redis_workers_of_today_and_of_long_ago_run_each_folder_once() {
    let redis = Redis::start();
    both_run_each_folder_once(&redis.url(), &redis.url());
}

#[test]
fn on_rabbitmq_workers_of_today_and_of_long_ago_run_each_folder_once() {
    let redis = Redis::start();
    both_run_each_folder_once(&rabbit().url(), &redis.url());
}

/// The very same bytes, taken from one list and put into those of both workers.
#[test]
fn s19_workers_of_today_and_of_long_ago_run_the_same_message() {
    let redis = Redis::start();
    let mut landing = landing(&redis.url(), &["default"]);
    landing.start();
    let folder = arriving::renamed(&landing, b"ST-1");
    let waiting = || redis.command(&[b"LRANGE", b"default", b"0", b"-1"]).values();
    wait_until(PATIENCE, "the message", || !waiting().is_empty());
    landing.wait_idle(1, Duration::from_secs(30));
    let messages = redis.pop_all(b"default");
    assert_eq!(messages.len(), 1);
    let folders: BTreeMap<_, _> = [folder].into();
    let mut ids = Vec::new();
    for recipe in [CELERY_NOW, oldest()] {
        let site = Site::new(&redis.url());
        let worker = site.start(&recipe.venv());
        redis.command(&[b"LPUSH", b"default", &messages[0]]);
        let runs = site.wait_runs(1);
        assert_each_once(&runs, &folders);
        ids.push(runs[0].id.clone());
        worker.stop();
    }
    assert_eq!(ids[0], ids[1]);
    landing.stop();
}
