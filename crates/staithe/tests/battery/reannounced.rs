//! A consumer stops, or loses what it had. What still lies there comes again, and its list does not
//! grow beyond the limit.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use testkit::redis::Redis;
use testkit::resp::Reply;
use testkit::{Scratch, wait_until};

use crate::{KEY, STEP, landing};

const FILES: usize = 30;
const LIMIT: i64 = 20;
/// More than ten turns.
const SEVERAL_TURNS: Duration = Duration::from_secs(3);

fn configuration(redis: &Redis) -> String {
    format!(
        r#"
        [source.inbox]
        path = "{{in}}"
        reannounce = {{ every = "200ms", queue_limit = {LIMIT} }}

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        to = ["redis"]

        [sink.redis]
        type = "redis-list"
        url = "{}"
        key = "{KEY}"
        format = "path"
        "#,
        redis.url()
    )
}

fn length(redis: &Redis) -> i64 {
    match redis.run(&format!("LLEN {KEY}")) {
        Reply::Integer(length) => length,
        other => panic!("{other:?}"),
    }
}

/// The longest that the list is during several turns.
fn longest(redis: &Redis) -> i64 {
    let begun = Instant::now();
    let mut longest = 0;
    while begun.elapsed() < SEVERAL_TURNS {
        longest = longest.max(length(redis));
        std::thread::sleep(Duration::from_millis(5));
    }
    longest
}

#[test]
fn a_list_that_nobody_reads_stays_within_the_limit_and_one_that_was_deleted_fills_again() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("reannounced"));
    landing.configure(&configuration(&redis));
    for number in 0..FILES {
        std::fs::write(landing.root().join(format!("f{number:02}")), b"x").unwrap();
    }
    landing.start();
    wait_until(STEP, "each file once", || length(&redis) == FILES as i64);
    assert_eq!(longest(&redis), FILES as i64, "nothing is added to a list beyond its limit");
    let mut again = BTreeSet::new();
    for round in 0..2 {
        again.extend(redis.pop_all(KEY.as_bytes()));
        if round == 0 {
            assert_eq!(again.len(), FILES);
            again.clear();
        }
        wait_until(STEP, "the list to fill again", || length(&redis) == LIMIT);
        assert_eq!(longest(&redis), LIMIT, "up to the limit and no further");
    }
    again.extend(redis.pop_all(KEY.as_bytes()));
    assert_eq!(again.len(), FILES, "every file had its turn: {again:?}");
}
