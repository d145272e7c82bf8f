//! Sinks of message brokers: what can be said of them, and that it survives being printed.

use std::time::Duration;

use config::{
    AmqpSink, Argument, CeleryBroker, CelerySink, Format, Plan, Secret, SinkKind, SinkPlan, TaskProtocol,
    parse_str, to_toml,
};

use crate::{SOURCE, good};

fn sink(keys: &str) -> SinkPlan {
    let text = format!("{SOURCE}[sink.c]\n{keys}");
    let loaded = good(&text);
    assert_eq!(loaded.warnings, [], "{text}");
    let [sink] = loaded.plan.sinks.try_into().expect("one sink");
    sink
}

fn celery(keys: &str) -> CelerySink {
    let sink = sink(&format!("type = 'celery'\ntask = 'app.tasks.t'\n{keys}"));
    let SinkKind::Celery(celery) = sink.kind else { panic!("{sink:?}") };
    *celery
}

fn amqp(keys: &str) -> (SinkPlan, AmqpSink) {
    let sink = sink(&format!("type = 'amqp'\n{keys}"));
    let SinkKind::Amqp(amqp) = sink.kind.clone() else { panic!("{sink:?}") };
    (sink, amqp)
}

fn text(text: &str) -> Argument {
    Argument::Text(text.to_owned())
}

/// What the least configuration means.
fn least() -> CelerySink {
    CelerySink {
        broker: CeleryBroker::Redis { url: Secret::new("redis://h"), key_prefix: String::new() },
        task: "app.tasks.t".into(),
        args: Vec::new(),
        kwargs: vec![("dicom_dir".into(), text("{path}"))],
        queue: "celery".into(),
        exchange: None,
        routing_key: None,
        priority: None,
        expires: None,
        delay: None,
        protocol: TaskProtocol::V2,
        results: None,
        ca_file: None,
        client_cert: None,
    }
}

#[test]
fn the_least_has_the_defaults_of_celery_and_sendit() {
    assert_eq!(celery("url = 'redis://h'"), least());
    let sink = sink("type = 'celery'\ntask = 't'\nurl = 'redis://h'\nmax_attempts = 3\ntimeout = '1s'");
    assert_eq!((sink.max_attempts, sink.timeout), (3, Duration::from_secs(1)));
    assert!(!sink.tells_events_apart() && !sink.kind.takes_happenings() && sink.kind.takes_arrivals());
}

#[test]
fn the_scheme_chooses_the_broker() {
    let amqp = |url: &str| CeleryBroker::Amqp { url: Secret::new(url) };
    let redis = |url: &str| CeleryBroker::Redis { url: Secret::new(url), key_prefix: String::new() };
    for url in ["redis://h:1/2", "rediss://h", "redis+unix:///s", "unix:///s?db=1", "REDIS://h"] {
        assert_eq!(celery(&format!("url = '{url}'")).broker, redis(url));
    }
    for url in ["amqp://h", "amqps://h:1//", "AMQP://u@h/v"] {
        assert_eq!(celery(&format!("url = '{url}'")).broker, amqp(url));
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    std::fs::write(&file, "amqp://u:hunter2@h/\n").unwrap();
    let celery = celery(&format!("url_file = '{}'", file.display()));
    assert_eq!(celery.broker, amqp("amqp://u:hunter2@h/"));
    assert!(!format!("{celery:?}").contains("hunter2"));
}

#[test]
fn everything_can_be_said_of_a_redis_broker() {
    let expected = CelerySink {
        broker: CeleryBroker::Redis { url: Secret::new("rediss://redis.example"), key_prefix: "p:".into() },
        queue: "q".into(),
        exchange: Some("e".into()),
        routing_key: Some("r".into()),
        priority: Some(6),
        expires: Some(Duration::from_hours(1)),
        delay: Some(Duration::from_secs(2)),
        protocol: TaskProtocol::V1,
        results: Some(Secret::new("redis://:hunter2@redis.example/1")),
        ca_file: Some("/ca".into()),
        client_cert: Some(("/cert".into(), "/key".into())),
        ..least()
    };
    let said = celery(
        "url = 'rediss://${HOST}'\nkey_prefix = 'p:'\nqueue = 'q'\nexchange = 'e'\nrouting_key = 'r'\npriority = 6\n\
         expires = '1h'\ndelay = '2s'\nprotocol = 1\nresults = 'redis://:${SECRET}@${HOST}/1'\nca_file = '/ca'\n\
         client_cert = '/cert'\nclient_key = '/key'",
    );
    assert_eq!(said, expected);
}

#[test]
fn an_amqp_broker_has_other_limits() {
    let said = celery("url = 'amqps://h'\npriority = 255\nexchange = 'e'\nqueue = 'q'\nca_file = '/ca'");
    assert_eq!((said.priority, said.exchange.as_deref(), said.queue.as_str()), (Some(255), Some("e"), "q"));
    assert_eq!(celery("url = 'amqp://h'\nexchange = ''").exchange, None);
    assert_eq!(celery("url = 'amqp://h'\nrouting_key = 'k'").routing_key.as_deref(), Some("k"));
    let encrypted_results = celery("url = 'amqp://h'\nresults = 'rediss://h'\nca_file = '/ca'");
    assert_eq!(encrypted_results.ca_file, Some("/ca".into()));
}

#[test]
fn arguments() {
    let named = |keys: &str| {
        let celery = celery(&format!("url = 'redis://h'\n{keys}"));
        (celery.args, celery.kwargs)
    };
    let dicom_dir = || vec![("dicom_dir".to_owned(), text("{path}"))];
    assert_eq!(named(""), (vec![], dicom_dir()));
    assert_eq!(named("kwargs = {}"), (vec![], vec![]));
    assert_eq!(named("args = []"), (vec![], vec![]));
    assert_eq!(named("args = ['{path}']"), (vec![text("{path}")], vec![]));
    let values = "args = ['{size}', 1, 0x10, 1.5, true, [], ['a', [2]], {}, { b = 'x', a = '${HOST}{{}}' }]";
    let table = vec![("b".to_owned(), text("x")), ("a".to_owned(), text("redis.example{{}}"))];
    let expected = vec![
        text("{size}"),
        Argument::Integer(1),
        Argument::Integer(16),
        Argument::Float(1.5),
        Argument::Flag(true),
        Argument::List(vec![]),
        Argument::List(vec![text("a"), Argument::List(vec![Argument::Integer(2)])]),
        Argument::Table(vec![]),
        Argument::Table(table),
    ];
    assert_eq!(named(values).0, expected);
    let kwargs = "[sink.c.kwargs]\nzeta = 1\nalpha = '{name}'\n";
    let in_order = vec![("zeta".to_owned(), Argument::Integer(1)), ("alpha".to_owned(), text("{name}"))];
    assert_eq!(named(kwargs).1, in_order, "in the order in which they are written");
    let every: Vec<Argument> = Argument::FIELDS.iter().map(|field| text(&format!("<{{{field}}}>"))).collect();
    let fields: Vec<String> = Argument::FIELDS.iter().map(|field| format!("'<{{{field}}}>'")).collect();
    assert_eq!(named(&format!("args = [{}]", fields.join(","))).0, every);
}

#[test]
fn events_to_an_exchange() {
    let (sink, least) = amqp("url = 'amqp://h'\nrouting_key = 'q'");
    let url = Secret::new("amqp://h");
    let expected =
        AmqpSink { url, exchange: String::new(), routing_key: "q".into(), ca_file: None, client_cert: None };
    assert_eq!((least, sink.format.clone()), (expected, Format::CloudEvents));
    assert!(sink.tells_events_apart());
    let (sink, said) = amqp(
        "url = 'amqps://u:${SECRET}@h/v'\nexchange = 'e'\nrouting_key = '{source}.{rule}.{{x}}'\nformat = 'path'\n\
         ca_file = '/ca'\nclient_cert = '/cert'\nclient_key = '/key'\nmax_attempts = 2\ntimeout = '1s'",
    );
    let expected = AmqpSink {
        url: Secret::new("amqps://u:hunter2@h/v"),
        exchange: "e".into(),
        routing_key: "{source}.{rule}.{{x}}".into(),
        ca_file: Some("/ca".into()),
        client_cert: Some(("/cert".into(), "/key".into())),
    };
    assert_eq!((said, &sink.format, sink.max_attempts), (expected, &Format::Path, 2));
    assert!(!sink.tells_events_apart());
    assert_eq!(amqp("url = 'amqp://h'\nexchange = 'fanout'\nrouting_key = ''").1.routing_key, "");
}

#[track_caller]
fn survives(kind: SinkKind) -> String {
    let mut plan: Plan = good(SOURCE).plan;
    plan.sinks[0].kind = kind;
    let printed = to_toml(&plan);
    let loaded =
        parse_str("printed.toml", &printed, &|_| None).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(loaded.warnings, [], "{printed}");
    assert!(loaded.plan == plan, "{printed}\n{:#?}\n{plan:#?}", loaded.plan);
    printed
}

#[test]
fn what_is_printed_is_read_back() {
    let printed = survives(SinkKind::Celery(Box::new(least())));
    assert!(!printed.contains("kwargs") && printed.contains("queue = \"celery\""), "{printed}");
    let odd = "it's \"{{\" \\ ${HOME} $${path} \u{1} é";
    let deep = Argument::Table(vec![
        ("z z".into(), Argument::List(vec![Argument::Float(-1e300), Argument::Float(2.0)])),
        ("a".into(), Argument::Integer(i64::MIN)),
        (String::new(), Argument::Flag(false)),
    ]);
    let kwargs = vec![("z".into(), text(&odd.replace("{HOME}", "x"))), ("a".into(), deep)];
    for (args, kwargs) in [
        (vec![], vec![]),
        (vec![], kwargs.clone()),
        (vec![Argument::Flag(true)], vec![]),
        (vec![text("{path}"), Argument::Table(vec![])], kwargs),
        (vec![Argument::Integer(1)], CelerySink::usual_kwargs()),
    ] {
        survives(SinkKind::Celery(Box::new(CelerySink { args, kwargs, ..least() })));
    }
    let full = CelerySink {
        broker: CeleryBroker::Redis { url: Secret::new("rediss://u@h/1"), key_prefix: "p ${X}".into() },
        queue: "q'\"".into(),
        exchange: Some("e".into()),
        routing_key: Some("r".into()),
        priority: Some(0),
        expires: Some(Duration::from_mins(90)),
        delay: Some(Duration::from_millis(1500)),
        protocol: TaskProtocol::V1,
        results: Some(Secret::new("redis://h/2")),
        ca_file: Some("/c a".into()),
        client_cert: Some(("/cert".into(), "/key".into())),
        ..least()
    };
    survives(SinkKind::Celery(Box::new(full.clone())));
    let broker = CeleryBroker::Amqp { url: Secret::new("amqps://u@h/v") };
    survives(SinkKind::Celery(Box::new(CelerySink { broker, priority: Some(200), ..full })));
    let url = Secret::new("amqps://h");
    let amqp = |exchange: &str, client_cert| AmqpSink {
        url: url.clone(),
        exchange: exchange.into(),
        routing_key: "{source}".into(),
        ca_file: None,
        client_cert,
    };
    survives(SinkKind::Amqp(amqp("", None)));
    survives(SinkKind::Amqp(amqp("e", Some(("/cert".into(), "/key".into())))));
}

#[test]
fn passwords_are_not_printed() {
    for keys in [
        "type = 'celery'\ntask = 't'\nurl = 'amqp://u:${SECRET}@h'",
        "type = 'celery'\ntask = 't'\nurl = 'redis://:${SECRET}@h'\nresults = 'redis://:${SECRET}@h'",
        "type = 'amqp'\nrouting_key = 'r'\nurl = 'amqps://u:${SECRET}@h'",
    ] {
        let loaded = good(&format!("{SOURCE}[sink.c]\n{keys}"));
        let printed = to_toml(&loaded.plan);
        assert!(!printed.contains("hunter2") && printed.contains("url_file = \"/etc/staithe/c.url\""));
        assert_eq!(
            printed.contains("results_file = \"/etc/staithe/c-results.url\""),
            keys.contains("results")
        );
        assert!(!format!("{loaded:?}").contains("hunter2"));
    }
}

/// What people copy must be right as it stands, also where nothing is set in the environment.
#[test]
fn the_examples_of_the_guide_are_good() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/sinks.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let mut kinds = Vec::new();
    for (block, _) in blocks.filter(|(block, _)| block.contains("\"celery\"") || block.contains("\"amqp\"")) {
        let loaded = parse_str("guide", block, &|_| None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.warnings, [], "{block}");
        kinds.extend(loaded.plan.sinks.iter().map(|sink| sink.kind.name()));
    }
    assert_eq!(kinds, ["celery", "amqp"]);
}
