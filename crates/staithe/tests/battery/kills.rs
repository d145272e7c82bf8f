//! `kill -9`, and what is in hand or arrives around it. Kills at random instants: `tests/crashes`.

use std::time::Duration;

use testkit::chance::Chance;
use testkit::redis::Redis;
use testkit::{Layout, Manner, Scratch, Truth, Workload, judge, wait_until};

use crate::{LONG, STEP, landing, pop, sink, tail, to_redis_and_lines};

#[test]
fn files_that_arrived_while_it_was_down_are_delivered_once() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("down"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    let list = pop(&redis, &landing);
    let mut truth = Truth::default();
    let write = |landing: &testkit::Landing, label: &'static str| {
        let layout = Layout::Unpack { files: 500, per_folder: 50 };
        let mut workload = Workload::new(landing.root(), layout, Manner::Written);
        workload.label = label;
        workload.run()
    };
    truth.merge(write(&landing, "before"));
    for (up, down) in [("up-one", "down-one"), ("up-two", "down-two")] {
        landing.start();
        truth.merge(write(&landing, up));
        list.wait_for(truth.paths(), LONG);
        landing.wait_idle(truth.paths() as u64, LONG);
        landing.kill();
        truth.merge(write(&landing, down));
    }
    landing.start();
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
}

/// What a sink was offered and has not taken is not taken to be delivered.
#[test]
fn what_was_in_hand_at_a_kill_is_delivered_afterwards() {
    let mut redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("in-hand"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    landing.start();
    redis.stop();
    let layout = Layout::Burst { files: 500, folders: 5 };
    layout.prepare(&landing.root());
    let lines = tail(&landing);
    let truth = Workload::new(landing.root(), layout, Manner::Written).run();
    lines.wait_for(truth.paths(), LONG);
    wait_until(STEP, "the sink to be in trouble", || sink(&landing, "redis")["state"] == "retrying");
    landing.kill();
    redis.start_again();
    let list = pop(&redis, &landing);
    landing.start();
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
}

#[test]
fn an_orderly_stop_under_load_repeats_nothing() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("stops"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    let list = pop(&redis, &landing);
    let layout = Layout::Unpack { files: 1_000_000, per_folder: 25 };
    let mut workload = Workload::new(landing.root(), layout, Manner::RenamedIn);
    workload.rate = Some(1_500);
    let running = workload.start();
    let mut chance = Chance::from_environment();
    for _ in 0..5 {
        landing.start();
        std::thread::sleep(chance.up_to(Duration::from_millis(400)));
        landing.stop();
    }
    landing.start();
    let truth = running.stop();
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
}
