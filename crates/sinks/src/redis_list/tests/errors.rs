//! Every error reply that Redis can be brought to give, live.

use config::RedisSink;
use testkit::redis::Redis;
use testkit::resp::Reply;
use testkit::wait_until;

use super::*;

/// The sink is healthy, then `harm` makes every push fail with `code` as a passing trouble, then
/// `heal` mends it; nothing is lost and nothing twice.
async fn passes(redis: &Redis, sink: &mut RedisList, code: &str, harm: impl Fn(), heal: impl Fn()) {
    deliver_all(sink, 1, 2).await;
    harm();
    for _ in 0..3 {
        let text = down(sink).await;
        assert!(text.starts_with(code), "{text}");
        let Err(Trouble::Down(text)) = sink.ping().await else { panic!("the ping is well") };
        assert!(text.starts_with(code), "{text}");
    }
    heal();
    deliver_all(sink, 3, 2).await;
    assert_eq!(names(redis), expected(1, 4));
}

/// Whether a harmless question is answered with this error code.
fn answers(redis: &Redis, code: &str) -> bool {
    matches!(redis.connect().words("GET x"), Ok(Reply::Error(text)) if text.starts_with(code))
}

#[tokio::test]
async fn oom() {
    let redis = Redis::start();
    for mut sink in [sink(&plan(&redis.url())), sink(&counting(&redis))] {
        let harm = || drop(redis.run("CONFIG SET maxmemory 1"));
        let heal = || drop(redis.run("CONFIG SET maxmemory 0"));
        passes(&redis, &mut sink, "E-SINK-OOM", harm, heal).await;
    }
}

#[tokio::test]
async fn readonly() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    // Port 1 answers nobody: the replica keeps what it has.
    let harm = || drop(redis.run("REPLICAOF 127.0.0.1 1"));
    passes(&redis, &mut sink, "E-SINK-READONLY", harm, || drop(redis.run("REPLICAOF NO ONE"))).await;
}

#[tokio::test]
async fn masterdown() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    let harm = || {
        redis.run("REPLICAOF 127.0.0.1 1");
        redis.run("CONFIG SET replica-read-only no");
        redis.run("CONFIG SET replica-serve-stale-data no");
    };
    passes(&redis, &mut sink, "E-SINK-MASTERDOWN", harm, || drop(redis.run("REPLICAOF NO ONE"))).await;
}

#[tokio::test]
async fn noreplicas() {
    let redis = Redis::start();
    for mut sink in [sink(&plan(&redis.url())), sink(&counting(&redis))] {
        let harm = || drop(redis.run("CONFIG SET min-replicas-to-write 1"));
        let heal = || drop(redis.run("CONFIG SET min-replicas-to-write 0"));
        passes(&redis, &mut sink, "E-SINK-NOREPLICAS", harm, heal).await;
    }
}

#[tokio::test]
async fn misconf() {
    let redis = Redis::start_with(&["--enable-protected-configs", "yes", "--dbfilename", "dump.rdb"]);
    let mut sink = sink(&plan(&redis.url()));
    let folder = testkit::Scratch::on_disk("misconf");
    let gone = folder.folder("gone");
    let harm = || {
        redis.run(&format!("CONFIG SET dir {}", gone.display()));
        std::fs::remove_dir(&gone).unwrap();
        redis.command(&[b"CONFIG", b"SET", b"save", b"3600 1"]);
        redis.run("BGSAVE");
        wait_until(SOON, "the failed save", || {
            let info = redis.run("INFO persistence").values().concat();
            String::from_utf8(info).unwrap().contains("rdb_last_bgsave_status:err")
        });
    };
    let heal = || drop(redis.command(&[b"CONFIG", b"SET", b"save", b""]));
    passes(&redis, &mut sink, "E-SINK-MISCONF", harm, heal).await;
}

#[tokio::test]
async fn busy() {
    let redis = Redis::start_with(&["--busy-reply-threshold", "20"]);
    let mut sink = sink(&plan(&redis.url()));
    let harm = || {
        let mut script = redis.connect();
        std::thread::spawn(move || script.command(&[b"EVAL", b"while true do end", b"0"]));
        wait_until(SOON, "the script to be busy", || answers(&redis, "BUSY"));
    };
    let heal = || {
        redis.run("SCRIPT KILL");
        wait_until(SOON, "the script to end", || !answers(&redis, "BUSY"));
    };
    passes(&redis, &mut sink, "E-SINK-BUSY", harm, heal).await;
}

#[tokio::test]
async fn loading() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    deliver_all(&mut sink, 1, 2).await;
    redis.run("DEBUG POPULATE 2000 filler 10");
    // Loading handles clients between keys only every so many bytes.
    redis.run("CONFIG SET loading-process-events-interval-bytes 1024");
    redis.run("CONFIG SET key-load-delay 500");
    let mut other = redis.connect();
    let reload = std::thread::spawn(move || other.words("DEBUG RELOAD"));
    wait_until(SOON, "the server to load", || answers(&redis, "LOADING"));
    let text = down(&mut sink).await;
    assert!(text.starts_with("E-SINK-LOADING"), "{text}");
    reload.join().unwrap().unwrap();
    deliver_all(&mut sink, 3, 2).await;
    assert_eq!(names(&redis), expected(1, 4));
}

#[tokio::test]
async fn no_more_clients() {
    let redis = Redis::start();
    redis.run("CONFIG SET maxclients 1");
    for login in ["", "bob:pw@"] {
        let url = redis.url().replacen("://", &format!("://{login}"), 1);
        let text = down(&mut sink(&plan(&url))).await;
        // The server may close before the push is read: then the reply is lost and only the end is seen.
        assert!(text.starts_with("E-SINK-CLIENTS") || text.starts_with("E-SINK-BROKEN"), "{text}");
    }
    redis.run("CONFIG SET maxclients 100");
    deliver_all(&mut sink(&plan(&redis.url())), 1, 1).await;
}

#[tokio::test]
async fn wrongtype_waits_for_a_person_and_heals_without_a_restart() {
    let redis = Redis::start();
    redis.run("SET queue:stage1 text");
    for mut sink in [sink(&plan(&redis.url())), sink(&counting(&redis))] {
        let text = misconfigured(&mut sink).await;
        assert!(text.starts_with("E-SINK-WRONGTYPE") && text.contains("queue:stage1"), "{text}");
    }
    redis.run("DEL queue:stage1");
    deliver_all(&mut sink(&plan(&redis.url())), 1, 1).await;
}

#[tokio::test]
async fn a_command_that_was_renamed_away() {
    let redis = Redis::start_with(&["--rename-command", "LPUSH", "secret-lpush"]);
    let text = misconfigured(&mut sink(&plan(&redis.url()))).await;
    assert!(text.starts_with("E-SINK-COMMAND"), "{text}");
}

#[tokio::test]
async fn a_cluster_node() {
    let redis = Redis::start_with(&["--cluster-enabled", "yes"]);
    let text = down(&mut sink(&plan(&redis.url()))).await;
    assert!(text.starts_with("E-SINK-CLUSTERDOWN"), "{text}");
    redis.run("CLUSTER ADDSLOTSRANGE 0 16383");
    let mut plain = sink(&plan(&redis.url()));
    let start = std::time::Instant::now();
    while plain.deliver(&batch(1, 1)).await.is_err() {
        assert!(start.elapsed() < SOON, "the cluster does not come up");
    }
    let text = misconfigured(&mut sink(&counting(&redis))).await;
    assert!(text.starts_with("E-SINK-CROSSSLOT"), "{text}");
    let tagged = RedisSink { key: b"{s}:q".to_vec(), counter: Some(b"{s}:c".to_vec()), ..plan(&redis.url()) };
    deliver_all(&mut sink(&tagged), 1, 2).await;
    assert_eq!(redis.run("GET {s}:c"), Reply::Bulk(b"2".to_vec()));
}
