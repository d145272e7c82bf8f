//! Sinks of message brokers that cannot be used, or not as meant.

use std::fmt::Write as _;

use crate::mistakes::{Case, check, check_all, summary};
use crate::{SOURCE, bad, good};

/// The keys begin in the seventh line.
const REDIS: &str = "[sink.c]\ntype='celery'\ntask='t'\nurl='redis://h'\n";
const AMQP: &str = "[sink.c]\ntype='celery'\ntask='t'\nurl='amqp://h'\n";
const EVENTS: &str = "[sink.a]\ntype='amqp'\nurl='amqp://h'\n";

#[track_caller]
fn warned(text: &str, place: &str, message: &str, help: &str) {
    let warnings = good(text).warnings;
    let [warning] = warnings.as_slice() else { panic!("{text}\n{}", summary(&warnings)) };
    assert_eq!(format!("{}:{}", warning.line, warning.column), place, "{}", warning.render(false));
    assert!(warning.message.contains(message), "{}", warning.render(false));
    assert!(warning.help.as_deref().is_some_and(|said| said.contains(help)), "{}", warning.render(false));
}

#[test]
fn keys_and_values() {
    let cases: &[Case] = &[
        ("broker='x'", "7:1", "unknown key `broker` in sink \"c\"", "known here: type, url"),
        ("kwarg={}", "7:1", "unknown key `kwarg`", "`kwargs`"),
        ("format='flat'", "7:1", "`format` says nothing here", "`args` and `kwargs`"),
        ("template='{path}'", "7:1", "`template` says nothing here", "remove it"),
        ("events='all'", "7:1", "unknown key `events`", "belongs to a rule"),
        ("queue=''", "7:7", "`queue` is empty", ""),
        ("queue=1", "7:7", "expected a string, found an integer", ""),
        ("exchange=''", "7:10", "`exchange` is empty", "leave it out"),
        ("routing_key=''", "7:13", "`routing_key` is empty", ""),
        ("priority=10", "7:10", "`priority` is not from 0 to 9", "0, 3, 6 and 9"),
        ("priority=-1", "7:10", "-1 is no whole number", ""),
        ("priority='high'", "7:10", "expected an integer", ""),
        ("expires='0s'", "7:9", "`expires` cannot be zero", ""),
        ("expires=60", "7:9", "expected a duration", "\"60s\""),
        ("delay='0s'", "7:7", "`delay` cannot be zero", ""),
        ("expires='1m'\ndelay='60s'", "8:7", "every task would have expired", "publishing"),
        ("protocol=3", "7:10", "`protocol` is neither 1 nor 2", "3.1.25"),
        ("protocol='2'", "7:10", "expected an integer, found a string", ""),
        ("results='amqp://h'", "7:9", "no URL of a Redis server: the scheme is none of redis", "redis://"),
        ("results='redis://h'\nresults_file='/f'", "3:7", "both `results` and `results_file`", ""),
        ("results_file='/none/x'", "7:14", "with the URL cannot be read", "create it"),
        ("ca_file='/ca'", "3:7", "the URL is not rediss://", "write rediss://"),
        ("client_cert='/c'", "3:7", "one of `client_cert` and `client_key`", "name both"),
    ];
    for (text, place, message, help) in cases {
        // A certificate without its key is none that is used, either.
        let url = if text.starts_with("client") { "rediss://h" } else { "redis://h" };
        check(&format!("{SOURCE}{}{text}", REDIS.replace("redis://h", url)), place, message, help);
    }
    let amqp: &[Case] = &[
        ("priority=256", "7:10", "`priority` is not from 0 to 255", ""),
        ("key_prefix='x'", "7:1", "`key_prefix` means nothing for an AMQP broker", "remove it"),
        ("ca_file='/ca'", "3:7", "the URL is not amqps://", "write amqps://"),
    ];
    check_all(&format!("{SOURCE}{AMQP}"), amqp);
    for key in ["queue", "exchange", "routing_key"] {
        let text = |length: usize| format!("{SOURCE}{AMQP}{key}='{}'", "x".repeat(length));
        let place = format!("7:{}", key.len() + 2);
        check(&text(256), &place, &format!("`{key}` is longer than the 255 bytes"), "");
        assert_eq!(good(&text(255)).warnings, []);
    }
}

#[test]
fn what_must_be_there() {
    let celery = |keys: &str| format!("{SOURCE}[sink.c]\ntype='celery'\n{keys}");
    check(&celery("task='t'"), "3:7", "sink \"c\" has no `url`", "add url = \"redis://");
    check(&celery("url='redis://h'"), "3:7", "sink \"c\" has no `task`", "");
    check(&celery("url='redis://h'\ntask=''"), "6:6", "`task` is empty", "");
    check(&celery("task='t'\nurl='amqp://h'\nurl_file='/f'"), "3:7", "both `url` and `url_file`", "");
    check(&celery("task='t'\nurl_file='/none/x'"), "6:10", "with the URL cannot be read", "create it");
    let events = |keys: &str| format!("{SOURCE}[sink.a]\ntype='amqp'\n{keys}");
    check(&events("routing_key='q'"), "3:7", "sink \"a\" has no `url`", "amqp://guest:guest@");
    check(&events("url='amqp://h'"), "3:7", "sink \"a\" has no `routing_key`", "");
    check(&format!("{SOURCE}[sink.c]\ntype='celrey'"), "4:6", "\"celrey\"", "did you mean \"celery\"?");
}

#[test]
fn urls() {
    let cases: &[Case] = &[
        ("http://h", "6:5", "the scheme is none of redis, rediss, redis+unix, amqp, amqps", "amqps://"),
        ("h:5672", "6:5", "it has no scheme", "redis://"),
        ("amqp://", "6:5", "no URL of a broker: it has no host", ""),
        ("amqp://h:0", "6:5", "the port is no number from 1 to 65535", ""),
        ("amqp://u:hunter2/x@h", "6:5", "/ is written %2F", ""),
        ("amqp://u:hun@ter2@h", "6:5", "it is written %40", ""),
        ("amqp://u:hunter2%@h", "6:5", "hexadecimal", ""),
        ("amqp://h/v?heartbeat=hunter2", "6:5", "parameters behind ?", ""),
        ("redis://h/x", "6:5", "the database behind the / is no number", ""),
    ];
    for (url, place, message, help) in cases {
        let text = format!("{SOURCE}[sink.c]\ntype='celery'\ntask='t'\nurl='{url}'");
        check(&text, place, message, help);
        let told: String = bad(&text).iter().map(|finding| finding.render(true)).collect();
        assert!(!told.contains("hunter2") || url.contains('?'), "{told}");
    }
    let events = format!("{SOURCE}[sink.a]\ntype='amqp'\nrouting_key='q'\nurl='redis://h'");
    check(&events, "6:5", "no URL of an AMQP broker: the scheme is none of amqp, amqps", "amqp://[user");
}

#[test]
fn arguments() {
    let cases: &[Case] = &[
        ("args='{path}'", "7:6", "expected a list, found a string", "[\"{path}\"]"),
        ("kwargs=['{path}']", "7:8", "expected a table, found a list", ""),
        ("args=['{pth}']", "7:7", "{pth} is no field", "did you mean {path}?"),
        ("args=['a', ['{SeriesInstanceUid}']]", "7:13", "is no field", "{SeriesInstanceUID}"),
        ("args=['{xyzzy}']", "7:7", "{xyzzy} is no field", "known: path, directory"),
        ("kwargs={a='x{'}", "7:11", "a { is not closed by }", "written twice: {{"),
        ("kwargs={a='x}'}", "7:11", "a } closes nothing", "written twice: }}"),
        ("kwargs={a={b=2026-01-01}}", "7:14", "found a date", "quotes"),
        ("args=[2026-01-01T00:00:00Z]", "7:7", "found a date", "quotes"),
        ("args=[9223372036854775808]", "7:7", "too large", "quotes"),
        ("args=[nan]", "7:7", "JSON has no such number", "quotes"),
        ("kwargs={a=-inf}", "7:11", "JSON has no such number", "quotes"),
        ("kwargs={''=1}", "7:9", "an argument has no name", ""),
        ("args=['${NONE}']", "7:7", "NONE is not set", "set NONE"),
    ];
    check_all(&format!("{SOURCE}{REDIS}"), cases);
    let nested = |depth: usize| format!("{SOURCE}{REDIS}args={}1{}", "[".repeat(depth), "]".repeat(depth));
    check(&nested(17), "7:23", "arguments nest deeper than 16", "");
    assert_eq!(good(&nested(16)).warnings, []);
    let message = "`dicom-dir` is no name of Python";
    warned(&format!("{SOURCE}{REDIS}kwargs={{dicom-dir='{{path}}'}}"), "7:9", message, "**kwargs");
}

/// What came from the environment is not quoted, for it may be secret.
#[test]
fn fields_from_the_environment() {
    let text = "[source.s]\npath='/d'\n[sink.c]\ntype='celery'\ntask='t'\nurl='redis://h'\nargs=['${ARG}']";
    let env = |name: &str| (name == "ARG").then(|| "{hunter2}".to_owned());
    let error = config::parse_str("c.toml", text, &env).unwrap_err().to_string();
    assert!(error.contains("c.toml:7:7") && error.contains("\"${ARG}\" does not give"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn routing_keys_of_events() {
    let cases: &[Case] = &[
        ("routing_key=''", "6:13", "the default exchange routes by nothing else", "name the queue"),
        ("routing_key='{sourc}'", "6:13", "{sourc} is no field", "{source}"),
        ("routing_key='}'", "6:13", "closes nothing", ""),
        ("routing_key='a.{SeriesInstanceUID}'", "6:13", "no file is read for it", "{key}"),
        ("routing_key=['a']", "6:13", "expected a string", ""),
        ("routing_key='q'\nqueue='q'", "7:1", "unknown key `queue`", "known here"),
        ("routing_key='q'\npriority=1", "7:1", "unknown key `priority`", ""),
        ("routing_key='q'\ntemplate='x'", "7:1", "needs format = \"template\"", ""),
        ("routing_key='q'\nclient_key='/k'\nca_file='/ca'", "3:7", "one of `client_cert`", "name both"),
    ];
    for (text, place, message, help) in cases {
        let scheme = if text.contains("client") { "amqps" } else { "amqp" };
        check(
            &format!("{SOURCE}{}{text}", EVENTS.replace("amqp://", &format!("{scheme}://"))),
            place,
            message,
            help,
        );
    }
    let long = |length: usize| format!("{SOURCE}{EVENTS}routing_key='{{{{{}{{id}}'", "x".repeat(length));
    check(&long(255), "6:13", "`routing_key` is longer than the 255 bytes", "");
    assert_eq!(good(&long(254)).warnings, []);
}

#[test]
fn what_can_be_done_but_is_hardly_meant() {
    let text = |keys: &str| format!("{SOURCE}{keys}");
    warned(
        &text(&format!("{REDIS}priority=5")),
        "7:10",
        "Redis has no priority 5: the tasks get 3",
        "0, 3, 6 or 9",
    );
    for step in [0, 3, 6, 9] {
        assert_eq!(good(&text(&format!("{REDIS}priority={step}"))).warnings, []);
    }
    assert_eq!(good(&text(&format!("{AMQP}priority=5"))).warnings, []);
    let queue = "`queue` says nothing here: on the default exchange the routing key names the queue";
    warned(&text(&format!("{AMQP}queue='q'\nrouting_key='k'")), "7:7", queue, "leave out one");
    for fine in ["queue='q'\nrouting_key='q'", "queue='q'\nrouting_key='k'\nexchange='e'", "routing_key='k'"]
    {
        assert_eq!(good(&text(&format!("{AMQP}{fine}"))).warnings, []);
    }
    assert_eq!(good(&text(&format!("{REDIS}queue='q'\nrouting_key='k'"))).warnings, []);
    let no_removals = "the sink \"c\" gets no removals and gaps: a task is for what came";
    warned(&text(&format!("gap_events=true\n{REDIS}")), "4:7", no_removals, "other sinks");
    let removed = format!("[[source.s.rule]]\nremoved=true\n{AMQP}");
    warned(&text(&removed), "5:7", no_removals, "`removed`");
    let groups = "[[source.s.rule]]\ngroup={ dicom = 'series' }\n";
    let no_directory = "announces groups, whose path is no directory";
    warned(&text(&format!("{groups}{REDIS}")), "5:7", no_directory, "{directory}");
    for fine in ["kwargs={ key = '{key}' }", "args=['{key}']", "kwargs={}"] {
        assert_eq!(good(&text(&format!("{groups}{REDIS}{fine}"))).warnings, []);
    }
    let events = format!("[[source.s.rule]]\nevents='all'\nto=['c']\n{REDIS}");
    check(&text(&events), "4:1", "none of the rule's sinks takes events", "");
}

#[test]
fn passwords_are_never_shown() {
    for line in [
        "url='amqp://u:hunter2@h'",
        "url='redis://:hunter2@h'",
        "url='redis://h'\nresults='redis://:hunter2@h'",
    ] {
        let loaded = good(&format!("{SOURCE}[sink.c]\ntype='celery'\ntask='t'\n{line}"));
        let mut all = format!("{loaded:?}{}", config::to_toml(&loaded.plan));
        let [warning] = loaded.warnings.as_slice() else { panic!("{line}: {}", summary(&loaded.warnings)) };
        let _ = write!(all, "{}", warning.render(true));
        assert!(!all.contains("hunter2"), "{line}\n{all}");
        let key = if line.contains("results") { "results_file = " } else { "url_file = " };
        assert!(warning.message.contains("the password stands in the configuration file"));
        assert!(warning.help.as_deref().is_some_and(|help| help.contains(key)), "{}", warning.render(false));
    }
    let url = "type='amqp'\nrouting_key='q'\nurl='amqp://u:hunter2@h'";
    warned(&format!("{SOURCE}[sink.a]\n{url}"), "6:5", "the password stands in", "url_file");
}
