//! `kill -9` of staithe.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use testkit::celery::Site;
use testkit::chance::Chance;
use testkit::proxy::Proxy;
use testkit::python::CELERY_NOW;
use testkit::rabbitmq::Rabbit;
use testkit::redis::Redis;
use testkit::wait_until;

use crate::arriving;
use crate::rig::{Contents, PATIENCE, assert_whole, bytes, landing, rabbit};

const FOLDERS: usize = 1000;

/// The broker has the message, staithe does not know it, and dies: the task comes again, under the same id.
fn between_publish_and_mark(proxy: &Proxy, staithes: &str, workers: &str, queue: &str) {
    let site = Site::new(workers).queue(queue);
    let worker = site.start(&CELERY_NOW.venv());
    let mut landing = landing(staithes, &[queue]);
    landing.start();
    let mut folders: BTreeMap<_, _> = [arriving::renamed(&landing, b"ST-1")].into();
    landing.wait_idle(1, PATIENCE);
    proxy.hold_answers();
    folders.extend([arriving::renamed(&landing, b"ST-2")]);
    let runs = site.wait_runs(2);
    assert_eq!(landing.status()["counts"]["delivered"], 1, "staithe must not know of the second");
    landing.kill();
    proxy.let_through();
    landing.start();
    let runs_again = site.wait_runs(3);
    landing.wait_idle(2, PATIENCE);
    assert_eq!(runs_again[..2], runs[..]);
    assert_eq!((&runs_again[2].id, &runs_again[2].path), (&runs[1].id, &runs[1].path));
    folders.extend([arriving::renamed(&landing, b"ST-3")]);
    let all = site.wait_runs(4);
    assert_whole(&all, &folders);
    assert_eq!(all.len(), 4);
    landing.stop();
    worker.stop();
}

#[test]
fn between_publish_and_mark_on_redis() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port());
    between_publish_and_mark(&proxy, &format!("redis://127.0.0.1:{}", proxy.port()), &redis.url(), "default");
}

#[test]
fn between_publish_and_mark_on_rabbitmq() {
    let rabbit: &Rabbit = rabbit();
    let proxy = Proxy::before(rabbit.port());
    let url = rabbit.url();
    let through = url.replace(&format!(":{}", rabbit.port()), &format!(":{}", proxy.port()));
    assert_ne!(through, url);
    between_publish_and_mark(&proxy, &through, &url, "killed");
}

/// A thousand renames, and kills at random instants all the while.
#[test]
fn s18_kills_during_a_burst_of_1000_renames_repeat_only_the_same_task() {
    let redis = Redis::start();
    let site = Site::new(&redis.url());
    let worker = site.start(&CELERY_NOW.venv());
    let mut landing = landing(&redis.url(), &["default"]);
    let root = landing.root();
    let mut folders: BTreeMap<Vec<u8>, Contents> = BTreeMap::new();
    for number in 0..FOLDERS {
        let folder = root.join(format!("in-{number}.tmp"));
        fs::create_dir(&folder).expect("it takes folders");
        let contents = crate::rig::fill(&folder, &[("a.dcm", number)]);
        folders.insert(bytes(&root.join(format!("ST-{number}"))), contents);
    }
    landing.start();
    let mut chance = Chance::from_environment();
    std::thread::scope(|scope| {
        let renaming = scope.spawn(|| {
            for number in 0..FOLDERS {
                let (from, to) = (format!("in-{number}.tmp"), format!("ST-{number}"));
                fs::rename(root.join(from), root.join(to)).expect("one folder");
                std::thread::sleep(Duration::from_millis(4));
            }
        });
        while !renaming.is_finished() {
            // A random instant is what is tested here; nothing is waited for.
            std::thread::sleep(chance.up_to(Duration::from_millis(400)));
            landing.kill();
            landing.start();
        }
    });
    let distinct = || site.runs().into_iter().map(|run| run.path).collect::<BTreeSet<_>>().len();
    wait_until(PATIENCE, "a task for each folder", || distinct() == FOLDERS);
    landing.wait_idle(FOLDERS as u64, PATIENCE);
    let last = arriving::renamed(&landing, b"ST-last");
    let wanted = last.0.clone();
    folders.extend([last]);
    wait_until(PATIENCE, "the last one", || site.runs().iter().any(|run| run.path == wanted));
    assert_whole(&site.runs(), &folders);
    landing.stop();
    worker.stop();
}
