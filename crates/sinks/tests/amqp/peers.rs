//! Peers that say nothing, or nonsense; and that nothing of them stays.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use sinks::Trouble;
use testkit::wait_until;

use crate::rig::{SOON, amqp, batch, down, events, events_with, misconfigured};

const SHORT: Duration = Duration::from_millis(400);

/// How many of our threads serve a connection.
fn serving() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("lapin-io-loop")).count()
}

/// Answers each connection with the same bytes, and then nothing.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                let _ = client.write_all(bytes);
                while client.read(&mut buffer).is_ok_and(|count| count > 0) {}
            });
        }
    });
    address.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn that_never_answer_cost_no_more_than_the_timeout_and_leave_nothing_behind() {
    let hole = answering(b"");
    for _ in 0..20 {
        let start = Instant::now();
        let mut sink = events_with(amqp(&format!("amqp://{hole}"), "q"), SHORT);
        let text = down(&mut *sink).await;
        assert!(text.starts_with("E-SINK-TIMEOUT") && text.contains("answer the login"), "{text}");
        assert!(matches!(sink.ping().await, Err(Trouble::Down(_))));
        assert!(start.elapsed() < SHORT * 2 + Duration::from_secs(5), "{:?}", start.elapsed());
    }
    let text = down(&mut *events_with(amqp(&format!("amqps://{hole}"), "q"), SHORT)).await;
    assert!(text.contains("TLS handshake") && text.contains("write amqp://"), "{text}");
    // Other tests of this program have connections, too, but not forty.
    wait_until(SOON, "the threads to end", || serving() < 20);
}

#[tokio::test]
async fn that_speak_something_else() {
    for nonsense in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"AMQP\x00\x01\x00\x00", b"-ERR\r\n"] {
        let text = misconfigured(&mut *events(&format!("amqp://{}", answering(nonsense)), "q")).await;
        assert!(text.starts_with("E-SINK-PROTOCOL"), "{nonsense:?}: {text}");
    }
}

#[tokio::test]
async fn that_hang_up_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(drop));
    let mut sink = events(&format!("amqp://{address}"), "q");
    assert!(down(&mut *sink).await.starts_with("E-SINK-BROKEN"));
    assert!(sink.deliver(&batch(1, 1)).await.is_err());
}
