//! Peers that say nothing, go away, or answer nonsense.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use testkit::redis::Redis;

use super::*;

const SHORT: Duration = Duration::from_millis(300);

fn impatient(url: &str) -> RedisList {
    RedisList::new(&plan(url), Format::Metwork, SHORT).unwrap()
}

/// A call must come back with a timeout, within its limit and a moment.
async fn times_out(sink: &mut RedisList) -> String {
    let start = Instant::now();
    let text = down(sink).await;
    let took = start.elapsed();
    assert!(text.starts_with("E-SINK-TIMEOUT"), "{text}");
    assert!(took >= SHORT && took < SHORT + Duration::from_secs(5), "{took:?}");
    text
}

#[tokio::test]
async fn a_peer_that_accepts_and_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    assert!(times_out(&mut impatient(&format!("redis://{address}"))).await.contains("answer a push"));
    assert!(times_out(&mut impatient(&format!("rediss://{address}"))).await.contains("TLS handshake"));
    assert!(times_out(&mut impatient(&format!("redis://:x@{address}"))).await.contains("answer the login"));
    let mut sink = impatient(&format!("redis://{address}"));
    assert!(matches!(sink.backlog().await, Err(Trouble::Down(_))));
    assert!(matches!(sink.ping().await, Err(Trouble::Down(_))));
    drop(listener);
    assert!(down(&mut sink).await.starts_with("E-SINK-UNREACHABLE"));
}

#[tokio::test]
async fn a_host_that_has_no_name() {
    let text = down(&mut sink(&plan("redis://no-such-host.invalid"))).await;
    assert!(text.starts_with("E-SINK-RESOLVE") || text.starts_with("E-SINK-TIMEOUT"), "{text}");
}

#[tokio::test]
async fn a_frozen_server_comes_back() {
    let redis = Redis::start();
    let mut sink = impatient(&redis.url());
    deliver_all(&mut sink, 1, 2).await;
    redis.freeze();
    times_out(&mut sink).await;
    times_out(&mut sink).await;
    redis.resume();
    sink.pusher.timeout = SOON;
    deliver_all(&mut sink, 1, 2).await;
    let names = names(&redis);
    // What the frozen server had in its sockets is pushed when it wakes: those come twice.
    assert!(names.len() >= 4 && names.iter().all(|name| name == "f1" || name == "f2"), "{names:?}");
}

#[tokio::test]
async fn a_server_that_pauses_writes_is_waited_for() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    redis.run("CLIENT PAUSE 700 WRITE");
    deliver_all(&mut sink, 1, 2).await;
    assert_eq!(names(&redis), expected(1, 2));
}

#[tokio::test]
async fn a_restart_between_two_batches_is_no_trouble() {
    let mut redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    deliver_all(&mut sink, 1, 2).await;
    redis.stop();
    redis.start_again();
    deliver_all(&mut sink, 3, 2).await;
    assert_eq!(names(&redis), expected(3, 2));
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_no_trouble() {
    let redis = Redis::start();
    for mut sink in [sink(&plan(&redis.url())), sink(&counting(&redis))] {
        deliver_all(&mut sink, 1, 1).await;
        redis.run("CLIENT KILL TYPE normal SKIPME yes");
        deliver_all(&mut sink, 2, 1).await;
        redis.run("CLIENT KILL TYPE normal SKIPME yes");
        assert_eq!(sink.backlog().await, Ok(Some(2)));
        assert_eq!(names(&redis), expected(1, 2));
    }
}

#[tokio::test]
async fn a_stopped_server_is_down_until_it_is_back() {
    let mut redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    redis.stop();
    for _ in 0..3 {
        assert!(down(&mut sink).await.starts_with("E-SINK-UNREACHABLE"));
    }
    redis.start_again();
    deliver_all(&mut sink, 1, 2).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_sink_usable() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&redis.url()));
    deliver_all(&mut sink, 1, 1).await;
    redis.freeze();
    let gone =
        tokio::time::timeout(Duration::from_millis(50), async { sink.deliver(&batch(2, 1)).await.is_ok() })
            .await;
    assert!(gone.is_err());
    redis.resume();
    deliver_all(&mut sink, 3, 1).await;
    let names = names(&redis);
    assert!(names.starts_with(&["f1".into()]) && names.contains(&"f3".into()), "{names:?}");
}

/// Hands everything through to the server, and back only as long as `replies` is set.
fn lossy_proxy(to: u16, replies: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (from, into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pump(from, into, None));
            let replies = Arc::clone(&replies);
            std::thread::spawn(move || pump(server, client, Some(&replies)));
        }
    });
    port
}

fn pump(mut from: TcpStream, mut to: TcpStream, open: Option<&AtomicBool>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if open.is_none_or(|open| open.load(Ordering::SeqCst)) && to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_reply_that_is_lost_gives_the_same_ids_again() {
    let redis = Redis::start();
    let replies = Arc::new(AtomicBool::new(true));
    let port = lossy_proxy(redis.port(), Arc::clone(&replies));
    let mut sink =
        RedisList::new(&plan(&format!("redis://127.0.0.1:{port}")), Format::CloudEvents, SHORT).unwrap();
    replies.store(false, Ordering::SeqCst);
    times_out(&mut sink).await;
    replies.store(true, Ordering::SeqCst);
    sink.pusher.timeout = SOON;
    deliver_all(&mut sink, 1, 2).await;
    let values = redis.pop_all(KEY);
    assert_eq!(values.len(), 4);
    assert_eq!(values[..2], values[2..]);
}

/// Answers each connection with the same bytes.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                let _ = client.read(&mut buffer);
                let _ = client.write_all(bytes);
                // Until the client has had enough.
                while client.read(&mut buffer).is_ok_and(|count| count > 0) {}
            });
        }
    });
    format!("redis://{address}")
}

#[tokio::test]
async fn a_peer_that_is_no_redis() {
    let text = misconfigured(&mut sink(&plan(&answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")))).await;
    assert!(text.starts_with("E-SINK-PROTOCOL"), "{text}");
    for nonsense in [&b"+OK\r\n"[..], b"$-1\r\n", b"*0\r\n"] {
        let text = misconfigured(&mut sink(&plan(&answering(nonsense)))).await;
        assert!(text.starts_with("E-SINK-PROTOCOL"), "{nonsense:?}: {text}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_secrets_is_not_repeated() {
    let echo = answering(b"-ERR unknown command 'AUTH', with args beginning with: 'bob' 'hunter2'\r\n");
    let text = misconfigured(&mut sink(&plan(&echo.replacen("://", "://bob:hunter2@", 1)))).await;
    assert!(!text.contains("hunter2"), "{text}");
}
