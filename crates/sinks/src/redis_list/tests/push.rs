//! What arrives, and how often.

use config::{Format, Push, RedisSink};
use model::Parcel;
use testkit::redis::Redis;
use testkit::resp::Reply;

use super::*;
use crate::samples::parcel;

#[tokio::test]
async fn a_batch_keeps_its_order_at_either_end() {
    let redis = Redis::start();
    let mut left = sink(&plan(&redis.url()));
    deliver_all(&mut left, 1, 300).await;
    deliver_all(&mut left, 301, 1).await;
    assert_eq!(left.backlog().await, Ok(Some(301)));
    assert_eq!(names(&redis), expected(1, 301));

    let mut right = sink(&RedisSink { push: Push::Right, ..plan(&redis.url()) });
    deliver_all(&mut right, 1, 3).await;
    let mut popped = names(&redis);
    popped.reverse();
    assert_eq!(popped, expected(1, 3));
}

#[tokio::test]
async fn values_are_binary_safe() {
    let redis = Redis::start();
    let mut sink = RedisList::new(&plan(&redis.unix_url()), Format::Path, SOON).unwrap();
    let path: Vec<u8> = (1..=255).filter(|&byte| byte != b'/').collect();
    sink.deliver(&[parcel(&path), parcel(b"*1\r\n$4\r\nPING\r\n")]).await.unwrap();
    let expected =
        [[b"/data/stage1/".as_slice(), &path].concat(), b"/data/stage1/*1\r\n$4\r\nPING\r\n".to_vec()];
    assert_eq!(redis.pop_all(KEY), expected);
}

#[tokio::test]
async fn one_call_carries_512_events_or_one_mebibyte() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    assert_eq!(sink.deliver(&batch(1, 2000)).await.unwrap().len(), 512);
    let wide: Vec<Parcel> = (0..100).map(|_| parcel(&vec![b'x'; 100_000])).collect();
    assert_eq!(sink.deliver(&wide).await.unwrap().len(), 10);
    let huge = parcel(&vec![b'x'; 3 << 20]);
    assert_eq!(sink.deliver(&[huge.clone(), huge]).await.unwrap().len(), 1);
    assert_eq!(sink.deliver(&[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_counter_is_the_number_of_pushes() {
    let redis = Redis::start();
    let mut sink = sink(&counting(&redis));
    deliver_all(&mut sink, 1, 700).await;
    assert_eq!(redis.run("GET counter:stage1"), Reply::Bulk(b"700".to_vec()));
    assert_eq!(names(&redis), expected(1, 700));
}

#[tokio::test]
async fn the_counter_does_not_count_what_was_refused() {
    let redis = Redis::start();
    let mut sink = sink(&counting(&redis));
    deliver_all(&mut sink, 1, 5).await;
    redis.run("DEL queue:stage1");
    redis.run("SET queue:stage1 text");
    for _ in 0..3 {
        assert!(misconfigured(&mut sink).await.starts_with("E-SINK-WRONGTYPE"));
    }
    redis.run("DEL queue:stage1");
    deliver_all(&mut sink, 6, 2).await;
    assert_eq!(redis.run("GET counter:stage1"), Reply::Bulk(b"7".to_vec()));
}

#[tokio::test]
async fn a_counter_that_is_no_number_pushes_nothing_twice() {
    let redis = Redis::start();
    let mut sink = sink(&counting(&redis));
    deliver_all(&mut sink, 1, 2).await;
    redis.run("SET counter:stage1 text");
    // It is noticed inside the transaction, when the push is done already.
    deliver_all(&mut sink, 3, 2).await;
    for _ in 0..3 {
        assert!(misconfigured(&mut sink).await.starts_with("E-SINK-COUNTER"));
    }
    redis.run("SET counter:stage1 4");
    deliver_all(&mut sink, 5, 1).await;
    assert_eq!(redis.run("GET counter:stage1"), Reply::Bulk(b"5".to_vec()));
    assert_eq!(names(&redis), expected(1, 5));
}

#[tokio::test]
async fn ping_pushes_and_counts_nothing() {
    let redis = Redis::start();
    assert_eq!(sink(&plan(&redis.url())).ping().await, Ok(()));
    let mut counting = sink(&counting(&redis));
    assert_eq!(counting.ping().await, Ok(()));
    assert_eq!(redis.pop_all(KEY).len(), 0);
    deliver_all(&mut counting, 1, 1).await;
    assert_eq!(redis.run("GET counter:stage1"), Reply::Bulk(b"1".to_vec()));
    redis.run("SET counter:stage1 text");
    redis.run("DEL queue:stage1");
    assert!(matches!(counting.ping().await, Err(Trouble::Misconfigured(_))));
    redis.run("DEL counter:stage1");
    redis.run("SADD queue:stage1 member");
    assert!(matches!(sink(&plan(&redis.url())).ping().await, Err(Trouble::Misconfigured(_))));
}
