//! Ways in: users, virtual hosts, certificates.

use std::time::Duration;

use config::AmqpSink;
use testkit::redis::Certificates;

use crate::rig::{SOON, amqp, batch, deliver_all, down, events, events_with, misconfigured, server};

fn with_login(url: &str, login: &str) -> String {
    url.replace("guest:guest", login)
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_repeated() {
    let rabbit = server().read().await;
    for login in ["guest:hunter2", "nobody:hunter2", "guest"] {
        let text = misconfigured(&mut *events(&with_login(&rabbit.url(), login), "q")).await;
        assert!(text.starts_with("E-SINK-LOGIN") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn virtual_hosts_are_found_missed_and_forbidden() {
    let rabbit = server().read().await;
    let text = misconfigured(&mut *events(&format!("{}/no%2Fsuch", rabbit.url()), "q")).await;
    assert!(text.starts_with("E-SINK-VHOST") && text.contains("has no vhost no/such"), "{text}");
    let stranger = with_login(&rabbit.url(), "stranger:p%40ss%2Fw");
    let text = misconfigured(&mut *events(&stranger, "q")).await;
    assert!(text.starts_with("E-SINK-VHOST") && text.contains("stranger into the vhost /"), "{text}");
    // There is no such queue in it: we are in.
    let outcomes = events(&format!("{}/a%2Fb", rabbit.url()), "q").deliver(&batch(1, 1)).await.unwrap();
    assert!(format!("{outcomes:?}").contains("in the vhost a/b"), "{outcomes:?}");
    for url in [format!("{}/", rabbit.url()), format!("{}//", rabbit.url()), format!("{}/%2f", rabbit.url())]
    {
        assert_eq!(events(&url, "q").ping().await, Ok(()));
    }
}

#[tokio::test]
async fn tls_with_a_private_authority() {
    let rabbit = server().read().await;
    rabbit.declare("login-tls");
    let ca_file = Some(rabbit.certificates().authority());
    let trusting = || AmqpSink { ca_file: ca_file.clone(), ..amqp(&rabbit.tls_url(), "login-tls") };
    deliver_all(&mut *events_with(trusting(), SOON), &batch(1, 600)).await;
    assert_eq!(rabbit.take_all("login-tls").len(), 600);

    let client = &rabbit.certificates().client;
    let client_cert = Some((client.certificate(), client.key()));
    deliver_all(&mut *events_with(AmqpSink { client_cert, ..trusting() }, SOON), &batch(1, 1)).await;

    let stranger = Certificates::new();
    let wrong = AmqpSink { ca_file: Some(stranger.authority()), ..trusting() };
    assert!(misconfigured(&mut *events_with(wrong, SOON)).await.starts_with("E-SINK-TLS:"));
    // Without a ca_file the system's authorities are asked; they do not know ours.
    let system = AmqpSink { ca_file: None, ..trusting() };
    assert!(misconfigured(&mut *events_with(system, SOON)).await.starts_with("E-SINK-TLS"));
    let absent = AmqpSink { ca_file: Some("/nowhere.pem".into()), ..trusting() };
    let text = misconfigured(&mut *events_with(absent, SOON)).await;
    assert!(text.starts_with("E-SINK-TLS-FILE") && text.contains("/nowhere.pem"), "{text}");
    // A certificate from elsewhere is refused after the handshake is over for us.
    let foreign = Some((stranger.client.certificate(), stranger.client.key()));
    let text = misconfigured(&mut *events_with(AmqpSink { client_cert: foreign, ..trusting() }, SOON)).await;
    assert!(text.starts_with("E-SINK-TLS:") && text.contains("client_cert"), "{text}");
}

#[tokio::test]
async fn tls_on_the_wrong_port_either_way() {
    let rabbit = server().read().await;
    let ca_file = Some(rabbit.certificates().authority());
    let sink = AmqpSink { ca_file, ..amqp(&rabbit.url().replace("amqp:", "amqps:"), "q") };
    let text = misconfigured(&mut *events_with(sink, SOON)).await;
    assert!(text.starts_with("E-SINK-TLS:") && text.contains("use amqp://"), "{text}");
    let sink = amqp(&rabbit.tls_url().replace("amqps:", "amqp:"), "q");
    let mut sink = events_with(sink, Duration::from_secs(2));
    let trouble = sink.deliver(&batch(1, 1)).await.unwrap_err().to_string();
    assert!(trouble.contains("amqps://") || trouble.contains("E-SINK-BROKEN"), "{trouble}");
}

#[tokio::test]
async fn files_for_tls_without_tls_are_an_error() {
    let plan = config::SinkPlan {
        name: "pacs".into(),
        kind: config::SinkKind::Amqp(AmqpSink { ca_file: Some("/ca.pem".into()), ..amqp("amqp://h", "q") }),
        format: config::Format::CloudEvents,
        max_attempts: 0,
        timeout: SOON,
    };
    let built = sinks::build(&plan, &sinks::Hands::in_memory());
    assert!(built.err().unwrap().to_string().contains("amqps://"));
}

#[tokio::test]
async fn nobody_there() {
    let port = testkit::free_port();
    let text = down(&mut *events(&format!("amqp://127.0.0.1:{port}"), "q")).await;
    assert!(text.starts_with("E-SINK-UNREACHABLE"), "{text}");
    let text = down(&mut *events("amqp://no-such-host.invalid", "q")).await;
    assert!(text.starts_with("E-SINK-RESOLVE") || text.starts_with("E-SINK-TIMEOUT"), "{text}");
}
