//! What is printed is read back to the same plan.

use std::path::PathBuf;
use std::time::Duration;

use config::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, JsonlSink, Plan, Push, QueueSink,
    Reannounce, RedisSink, Secret, SinkKind, SinkPlan, SourcePlan, parse_str, to_toml,
};
use settle::{Ask, Clause, Completion, Expr, NameForm, OnDeadline, Pattern, Rule, Rules, temp_names};

#[track_caller]
fn survives(plan: &Plan) -> String {
    let text = to_toml(plan);
    let loaded =
        parse_str("printed.toml", &text, &|_| None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(format!("{:#?}", loaded.plan), format!("{plan:#?}"), "\n{text}");
    assert!(loaded.plan == *plan, "{text}");
    text
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).expect(text)).collect()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn rule(name: &str, completion: Completion) -> Rule {
    Rule {
        name: name.into(),
        include: patterns(&["*", "re:\\.[0-9]{2}$", "it's \\* \"x\"", "${HOME}", "a\u{1}b"]),
        exclude: patterns(&["py:(?i)^.*\\.t$"]),
        completion,
        to: vec!["q".into(), "odd name".into()],
        shape: settle::Shape::default(),
    }
}

fn source(name: &str) -> SourcePlan {
    SourcePlan {
        name: name.into(),
        path: PathBuf::from("/data/\u{e9} \"x\" ${HOME} \\ '"),
        recursive: false,
        backend: Backend::Poll,
        poll_interval: Duration::from_millis(1500),
        poll_full: Some(secs(90)),
        canary: true,
        rescan: None,
        initial: Initial::NewerThan(secs(7200)),
        follow_symlinks: true,
        identity: IdentityRule::NoInode,
        announce: Announce::Arrivals,
        reannounce: Some(Reannounce { every: None, queue_limit: Some(10_000) }),
        gap_events: true,
        streams: Vec::new(),
        rules: Rules { rules: Vec::new(), temp_names: patterns(&["*.mine"]) },
    }
}

fn sink(name: &str, kind: SinkKind, format: Format) -> SinkPlan {
    SinkPlan { name: name.into(), kind, format, max_attempts: 0, timeout: secs(10) }
}

fn redis(url: &str) -> SinkKind {
    SinkKind::RedisList(RedisSink {
        url: Secret::new(url),
        key: b"queue:\xc3\xa9".to_vec(),
        counter: Some(b"n".to_vec()),
        push: Push::Right,
        ca_file: Some("/ca".into()),
        client_cert: Some(("/cert".into(), "/key".into())),
    })
}

fn plan() -> Plan {
    let mut odd = source("odd \u{e9} 'x' \"y\"");
    odd.rules.rules = vec![rule("first", Completion::local()), rule("second", Completion::network(secs(3)))];
    let mut usual = source("usual");
    usual.initial = Initial::Adopt;
    usual.reannounce = Some(Reannounce { every: Some(secs(300)), queue_limit: None });
    usual.rules.temp_names = temp_names::default_patterns();
    usual.rules.temp_names.extend(patterns(&["*.more"]));
    usual.rules.rules = vec![rule("only", Completion::network(settle::presets::NETWORK_QUIET))];
    let lines = SinkKind::Jsonl(JsonlSink { path: "/var/log/x.jsonl".into() });
    Plan {
        site: "obs 1".into(),
        durability: Durability::Power,
        watch_config: true,
        plugin_dir: None,
        sources: vec![odd, usual],
        sinks: vec![
            sink("q", SinkKind::Queue(QueueSink { retain: secs(60) }), Format::CloudEvents),
            sink("odd name", SinkKind::Stdout, Format::Template("{path}\n${x} {\"a\": '{id}'}".into())),
            SinkPlan { max_attempts: 9, timeout: secs(1), ..sink("lines", lines, Format::Flat) },
            sink("redis", redis("rediss://h:6380/1"), Format::Metwork),
            sink("path", SinkKind::Stdout, Format::Path),
        ],
    }
}

#[test]
fn everything_a_plan_can_say_survives() {
    let text = survives(&plan());
    assert!(
        text.contains("# How often polled directories are looked at.\npoll_interval = \"1500ms\""),
        "{text}"
    );
    assert_eq!(text.matches("# How often polled").count(), 1, "said once");
    assert!(text.contains(r"'re:\.[0-9]{2}$'"), "regexes stay readable: {text}");
}

#[test]
fn the_least_plan_survives() {
    let loaded = parse_str("x", "[source.s]\npath = \"/d\"", &|_| None).unwrap();
    let text = survives(&loaded.plan);
    assert!(!text.contains("poll_interval") && !text.contains("durability"), "defaults are left out: {text}");
    survives(&parse_str("x", &config::starter(), &|_| None).unwrap().plan);
}

#[test]
fn every_completion_survives() {
    let clause = |clause| Expr::Clause(clause);
    let quiet = clause(Clause::Quiet(settle::Quiet::For(secs(2))));
    let old = clause(Clause::MinAge(secs(60)));
    let closed = Expr::All(vec![clause(Clause::Closed), clause(Clause::WriterGone)]);
    // Near to `local`, whose own clauses have no words outside of the preset.
    let written = Expr::Any(vec![clause(Clause::RenamedIn), closed]);
    let local = Completion::local().expr;
    let of = |preset, expr, deadline| Completion { preset, deadline, ..Completion::of(expr) };
    let hour = Some((secs(3600), OnDeadline::Hold));
    for completion in [
        of(Some("local"), local.clone(), hour),
        of(Some("local"), Expr::All(vec![local.clone(), old.clone()]), None),
        of(Some("network"), Expr::All(vec![quiet.clone(), old.clone()]), hour),
        of(None, written.clone(), None),
        of(None, quiet.clone(), Some((secs(1), OnDeadline::Deliver))),
        of(None, old.clone(), Some((secs(1), OnDeadline::Alert))),
        of(None, clause(Clause::Appeared), None),
        of(None, clause(Clause::WriterGone), None),
        of(None, Expr::All(vec![quiet.clone(), old.clone()]), None),
        of(None, Expr::Any(vec![clause(Clause::Closed), Expr::All(vec![old, quiet, written])]), None),
    ] {
        let mut plan = plan();
        plan.sources[1].rules.rules[0].completion = completion;
        survives(&plan);
    }
}

#[test]
fn a_preset_that_was_changed_is_printed_as_what_it_became() {
    let printed = |completion: &Completion| config::completion_to_toml(completion);
    let mut done = Completion::preset("done-file").unwrap();
    assert_eq!(printed(&done), "\"done-file\"");
    done.asks = vec![Ask::Lock(NameForm::parse("{name}.lock").unwrap())];
    assert_eq!(printed(&done), "{ all = [{ lock_gone = \"{name}.lock\" }, \"writer_gone\"] }");
    // What has no word is not left out: whoever reads it is told.
    let bare = Completion { preset: None, ..Completion::local() };
    assert!(printed(&bare).contains("no_writer_known"), "{}", printed(&bare));
}

#[test]
fn a_password_is_not_printed_but_asked_for() {
    let mut plan = plan();
    plan.sinks[3].kind = redis("rediss://u:hunter2@h");
    let text = to_toml(&plan);
    assert!(!text.contains("hunter2"));
    assert!(text.contains("url_file = \"/etc/staithe/redis.url\""), "{text}");
}
