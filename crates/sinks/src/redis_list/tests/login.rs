//! Ways in: sockets, databases, users, certificates.

use std::os::unix::fs::PermissionsExt;

use config::RedisSink;
use testkit::redis::{Certificates, Redis};

use super::*;

/// `redis://host` becomes `redis://LOGIN@host`.
fn with_login(url: &str, login: &str) -> String {
    url.replacen("://", &format!("://{login}@"), 1)
}

#[tokio::test]
async fn a_unix_socket_and_a_database() {
    let redis = Redis::start();
    let mut sink = sink(&plan(&format!("{}?db=3", redis.unix_url())));
    deliver_all(&mut sink, 1, 2).await;
    assert_eq!(redis.pop_all(KEY).len(), 0);
    redis.run("SELECT 3");
    assert_eq!(redis.pop_all(KEY).len(), 2);
}

#[tokio::test]
async fn a_database_that_is_not_there() {
    let redis = Redis::start();
    let text = misconfigured(&mut sink(&plan(&format!("{}/99", redis.url())))).await;
    assert!(text.starts_with("E-SINK-DATABASE"), "{text}");
}

#[tokio::test]
async fn a_password_missing_wrong_right_and_unasked_for() {
    let redis = Redis::start();
    let text = misconfigured(&mut sink(&plan(&with_login(&redis.url(), ":s3cret")))).await;
    assert!(text.starts_with("E-SINK-NOPASSWORD") && !text.contains("s3cret"), "{text}");
    redis.run("CONFIG SET requirepass s3cret");
    let text = misconfigured(&mut sink(&plan(&redis.url()))).await;
    assert!(text.starts_with("E-SINK-NOAUTH"), "{text}");
    let text = misconfigured(&mut sink(&plan(&with_login(&redis.url(), ":wr0ng")))).await;
    assert!(text.starts_with("E-SINK-WRONGPASS") && !text.contains("wr0ng"), "{text}");
    deliver_all(&mut sink(&plan(&with_login(&redis.url(), ":s3cret"))), 1, 2).await;
    assert_eq!(names(&redis), expected(1, 2));
}

#[tokio::test]
async fn a_user_with_no_more_rights_than_needed() {
    let redis = Redis::start();
    redis.run("ACL SETUSER bob on >p@ss/w ~queue:* +lpush");
    let plan = RedisSink { counter: None, ..plan(&with_login(&redis.url(), "bob:p%40ss%2Fw")) };
    let mut bare = sink(&plan);
    assert_eq!(bare.ping().await, Ok(()));
    deliver_all(&mut bare, 1, 3).await;
    assert!(matches!(bare.backlog().await, Err(Trouble::Misconfigured(_))));

    // The advice in the message is followed word by word, and helps.
    let mut counted = sink(&RedisSink { counter: Some(COUNTER.to_vec()), ..plan });
    let text = misconfigured(&mut counted).await;
    assert!(text.starts_with("E-SINK-NOPERM") && !text.contains("p@ss"), "{text}");
    redis.run(text.split("redis-cli ").nth(1).unwrap());
    assert_eq!(counted.ping().await, Ok(()));
    deliver_all(&mut counted, 4, 2).await;
    assert_eq!(counted.backlog().await, Ok(Some(5)));
    assert_eq!(names(&redis), expected(1, 5));
}

/// Where MULTI is refused and the push is not, nothing may be pushed again and again.
#[tokio::test]
async fn a_user_who_may_not_open_transactions_pushes_nothing() {
    let redis = Redis::start();
    redis.run("ACL SETUSER bob on >pw ~* +@all -multi");
    let login = with_login(&redis.url(), "bob:pw");
    let mut counted = sink(&RedisSink { counter: Some(COUNTER.to_vec()), ..plan(&login) });
    for _ in 0..3 {
        assert!(misconfigured(&mut counted).await.starts_with("E-SINK-NOPERM"));
        assert!(counted.ping().await.is_err());
    }
    assert_eq!(sink(&plan(&login)).ping().await, Ok(()));
    assert_eq!(redis.pop_all(KEY).len(), 0);
}

#[tokio::test]
async fn a_user_without_rights_to_the_key() {
    let redis = Redis::start();
    redis.run("ACL SETUSER bob on >pw ~other:* +@all");
    let mut sink = sink(&plan(&with_login(&redis.url(), "bob:pw")));
    let text = misconfigured(&mut sink).await;
    assert!(
        text.starts_with("E-SINK-NOPERM") && text.contains("bob") && text.contains("queue:stage1"),
        "{text}"
    );
    redis.run("ACL SETUSER bob ~queue:*");
    deliver_all(&mut sink, 1, 1).await;
}

#[tokio::test]
async fn tls_with_a_private_authority() {
    let redis = Redis::start_tls(&[]);
    let authority = Some(redis.certificates().authority());
    let mut private = sink(&RedisSink { ca_file: authority.clone(), ..plan(&redis.tls_url()) });
    deliver_all(&mut private, 1, 600).await;
    assert_eq!(names(&redis), expected(1, 600));

    let by_name = redis.tls_url().replace("127.0.0.1", "localhost");
    deliver_all(&mut sink(&RedisSink { ca_file: authority.clone(), ..plan(&by_name) }), 1, 1).await;

    let stranger = Certificates::new();
    let mut wrong = sink(&RedisSink { ca_file: Some(stranger.authority()), ..plan(&redis.tls_url()) });
    assert!(misconfigured(&mut wrong).await.starts_with("E-SINK-TLS:"));
    // Without a ca_file the system's authorities are asked; they do not know ours.
    let mut system = sink(&plan(&redis.tls_url()));
    assert!(misconfigured(&mut system).await.starts_with("E-SINK-TLS"));
    let mut absent = sink(&RedisSink { ca_file: Some("/nowhere.pem".into()), ..plan(&redis.tls_url()) });
    let text = misconfigured(&mut absent).await;
    assert!(text.starts_with("E-SINK-TLS-FILE") && text.contains("/nowhere.pem"), "{text}");
}

#[tokio::test]
async fn tls_on_the_wrong_port_either_way() {
    let redis = Redis::start_tls(&[]);
    let authority = Some(redis.certificates().authority());
    let plain_port = redis.url().replace("redis://", "rediss://");
    let plan_for_plain = RedisSink { ca_file: authority, ..plan(&plain_port) };
    let mut sink_for_plain =
        RedisList::new(&plan_for_plain, Format::Metwork, Duration::from_millis(500)).unwrap();
    let text = down(&mut sink_for_plain).await;
    assert!(text.contains("TLS handshake") && text.contains("write redis://"), "{text}");
    let tls_port = redis.tls_url().replace("rediss://", "redis://");
    assert!(sink(&plan(&tls_port)).deliver(&batch(1, 1)).await.is_err());
}

#[tokio::test]
async fn tls_with_a_client_certificate() {
    let redis = Redis::start_tls(&["--tls-auth-clients", "yes"]);
    let certificates = redis.certificates();
    let authority = Some(certificates.authority());
    let mut anonymous = sink(&RedisSink { ca_file: authority.clone(), ..plan(&redis.tls_url()) });
    let text = misconfigured(&mut anonymous).await;
    assert!(text.starts_with("E-SINK-TLS:") && text.contains("client_cert"), "{text}");
    let client_cert = Some((certificates.client.certificate(), certificates.client.key()));
    let plan = RedisSink { ca_file: authority, client_cert, ..plan(&redis.tls_url()) };
    deliver_all(&mut sink(&plan), 1, 3).await;
    assert_eq!(names(&redis), expected(1, 3));
}

#[tokio::test]
async fn a_socket_that_is_not_there_yet_heals() {
    let mut redis = Redis::start();
    let mut sink = sink(&plan(&redis.unix_url()));
    redis.stop();
    let _ = std::fs::remove_file(redis.socket());
    assert!(down(&mut sink).await.starts_with("E-SINK-UNREACHABLE"));
    redis.start_again();
    deliver_all(&mut sink, 1, 1).await;
}

#[tokio::test]
async fn a_socket_that_we_may_not_use_is_told_apart() {
    if rustix::process::geteuid().is_root() {
        // The superuser may use every socket: only the wording is checked, in `fault`.
        return;
    }
    let redis = Redis::start();
    std::fs::set_permissions(redis.socket(), PermissionsExt::from_mode(0o000)).unwrap();
    let text = misconfigured(&mut sink(&plan(&redis.unix_url()))).await;
    assert!(text.starts_with("E-SINK-SOCKET-PERM"), "{text}");
}
