//! Every key that can be set, and what holds where it is not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, Plan, Push, Reannounce, SinkKind, SinkPlan,
    SourcePlan,
};
use settle::{Ask, Clause, Completion, Expr, OnDeadline, Rule, Selection, Take, temp_names};

use crate::{SOURCE, good};

fn plan(text: &str) -> Plan {
    let loaded = good(text);
    assert_eq!(loaded.warnings, [], "{text}");
    loaded.plan
}

fn source(keys: &str) -> SourcePlan {
    plan(&format!("{SOURCE}{keys}")).sources.remove(0)
}

fn rule(keys: &str) -> Rule {
    source(&format!("[[source.s.rule]]\n{keys}")).rules.rules.remove(0)
}

fn complete(value: &str) -> Completion {
    rule(&format!("complete = {value}")).completion
}

fn sink(keys: &str) -> SinkPlan {
    let mut plan = plan(&format!("{SOURCE}[sink.x]\n{keys}"));
    assert_eq!(plan.sinks.len(), 1);
    plan.sinks.remove(0)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn the_least_configuration_has_every_default() {
    let plan = plan(SOURCE);
    assert_eq!((plan.site.as_str(), plan.durability), ("local", Durability::Process));
    let [source] = plan.sources.as_slice() else { panic!("{plan:?}") };
    assert_eq!((source.name.as_str(), source.path.as_path()), ("s", Path::new("/data")));
    assert!(source.recursive && !source.follow_symlinks);
    assert_eq!((source.backend, source.poll_interval, source.poll_full), (Backend::Auto, secs(1), None));
    assert_eq!((source.rescan, source.initial), (Some(secs(300)), Initial::Deliver));
    assert_eq!((source.identity, source.announce), (IdentityRule::Auto, Announce::Generations));
    assert_eq!(source.reannounce, None);
    assert_eq!(source.rules.temp_names, temp_names::default_patterns());
    let [rule] = source.rules.rules.as_slice() else { panic!("{:?}", source.rules) };
    assert_eq!((rule.name.as_str(), rule.to.as_slice()), ("default", ["local".to_owned()].as_slice()));
    assert_eq!(rule.completion, Completion::local());
    assert!(matches!(source.rules.select(b"a/b", settle::RuleMask::EMPTY), Selection::Taken(0)));
    let [sink] = plan.sinks.as_slice() else { panic!("{:?}", plan.sinks) };
    assert_eq!(sink.name, "local");
    assert!(matches!(&sink.kind, SinkKind::Queue(queue) if queue.retain == secs(7 * 86_400)));
    assert_eq!((&sink.format, sink.max_attempts, sink.timeout), (&Format::CloudEvents, 0, secs(10)));
}

#[test]
fn the_top_of_the_file() {
    let plan = plan(&format!("site = \"obs1\"\ndurability = \"power\"\n{SOURCE}"));
    assert_eq!((plan.site.as_str(), plan.durability), ("obs1", Durability::Power));
}

#[test]
fn how_a_source_is_watched() {
    let source = source(
        "recursive = false\nbackend = \"poll\"\npoll_interval = \"2s\"\npoll_full = \"1m\"\nrescan = \"0\"\n\
         follow_symlinks = true\nidentity = \"no-inode\"\nannounce = \"arrivals\"\n",
    );
    assert!(!source.recursive && source.follow_symlinks);
    assert_eq!((source.backend, source.poll_interval), (Backend::Poll, secs(2)));
    assert_eq!((source.poll_full, source.rescan), (Some(secs(60)), None));
    assert_eq!((source.identity, source.announce), (IdentityRule::NoInode, Announce::Arrivals));
    assert_eq!(self::source("backend = \"inotify\"").backend, Backend::Inotify);
    assert_eq!(self::source("identity = \"inode\"").identity, IdentityRule::Inode);
    assert_eq!(self::source("rescan = \"90s\"").rescan, Some(secs(90)));
}

#[test]
fn what_happens_to_old_files() {
    assert_eq!(source("initial = \"deliver\"").initial, Initial::Deliver);
    assert_eq!(source("initial = \"adopt\"").initial, Initial::Adopt);
    assert_eq!(source("initial = { newer_than = \"2d\" }").initial, Initial::NewerThan(secs(172_800)));
}

#[test]
fn announcing_again() {
    let again = |every, queue_limit| Some(Reannounce { every, queue_limit });
    assert_eq!(source("reannounce = \"5m\"").reannounce, again(Some(secs(300)), None));
    assert_eq!(source("reannounce = \"start\"").reannounce, again(None, None));
    assert_eq!(source("reannounce = { queue_limit = 7 }").reannounce, again(None, Some(7)));
    assert_eq!(
        source("reannounce = { every = \"1m\", queue_limit = 0 }").reannounce,
        again(Some(secs(60)), None)
    );
    assert_eq!(source("reannounce = { every = \"start\" }").reannounce, again(None, None));
}

#[test]
fn temporary_names_can_be_added_and_turned_off() {
    let more = source("extra_temp_names = [\"*.incomplete\"]").rules;
    assert_eq!(more.temp_names.len(), temp_names::default_patterns().len() + 1);
    let none = source("temp_names = false").rules;
    assert_eq!(none.temp_names, []);
    let own = source("temp_names = false\nextra_temp_names = [\"*.x\"]").rules;
    assert_eq!(own.temp_names.iter().map(settle::Pattern::text).collect::<Vec<_>>(), ["*.x"]);
}

#[test]
fn the_example_of_the_contract() {
    let plan = plan(concat!(
        "site = \"obs1\"\n[source.stage1]\npath = \"/data/stage1\"\nrecursive = true\nbackend = \"auto\"\n",
        "poll_interval = \"1s\"\nrescan = \"5m\"\ninitial = \"deliver\"\nfollow_symlinks = false\n",
        "[[source.stage1.rule]]\nname = \"bulletins\"\ninclude = [\"*\"]\nexclude = [\"*.t\", \"re:.*\\\\.[0-9]{2}$\"]\n",
        "complete = { any = [\"renamed_in\", { all = [\"closed\", \"writer_gone\"] }], min_age = \"0s\", ",
        "deadline = \"1h\", on_deadline = \"alert\" }\nto = [\"met\"]\n",
        "[[source.stage1.rule]]\nname = \"measurement-sets\"\ndataset = \"*.ms\"\n",
        "complete = { all = [{ quiet = \"60s\" }, { marker = \"ska-data-product.yaml\" }] }\n",
        "to = [\"met\", \"local\", \"lines\"]\n",
        "[sink.met]\ntype = \"redis-list\"\nurl = \"redis://127.0.0.1:6379/0\"\nkey = \"queue:stage1\"\n",
        "counter = \"counter:stage1\"\nformat = \"metwork\"\nmax_attempts = 0\ntimeout = \"10s\"\n",
        "[sink.local]\ntype = \"queue\"\nretain = \"7d\"\n",
        "[sink.lines]\ntype = \"jsonl\"\npath = \"/var/log/staithe/events.jsonl\"\n",
    ));
    let rules = &plan.sources[0].rules.rules;
    let clause = |clause| Expr::Clause(clause);
    let closed = Expr::All(vec![clause(Clause::Closed), clause(Clause::WriterGone)]);
    assert_eq!(rules[0].completion.expr, Expr::Any(vec![clause(Clause::RenamedIn), closed]));
    assert_eq!(rules[0].completion.deadline, Some((secs(3600), OnDeadline::Alert)));
    assert_eq!((rules[1].name.as_str(), rules[1].to.len()), ("measurement-sets", 3));
    let Take::Dataset(patterns) = &rules[1].shape.take else { panic!("{:?}", rules[1].shape) };
    assert_eq!(patterns.iter().map(settle::Pattern::text).collect::<Vec<_>>(), ["*.ms"]);
    let quiet = clause(Clause::Quiet(settle::Quiet::For(secs(60))));
    assert_eq!(rules[1].completion.expr, Expr::All(vec![quiet, clause(Clause::Ask(0))]));
    let [Ask::Marker(marker)] = rules[1].completion.asks.as_slice() else { panic!("{:?}", rules[1]) };
    assert_eq!((marker.form.text(), marker.form.is_beside()), ("ska-data-product.yaml", false));
    assert_eq!(
        plan.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>(),
        ["met", "local", "lines"]
    );
}

#[test]
fn a_rule_says_what_it_takes() {
    let rule =
        rule("name = \"csv\"\ninclude = [\"*.csv\", 're:\\d']\nexclude = [\"skip\"]\nto = [\"local\"]\n");
    assert_eq!(rule.name, "csv");
    assert_eq!(rule.include.iter().map(settle::Pattern::text).collect::<Vec<_>>(), ["*.csv", "re:\\d"]);
    assert_eq!(rule.exclude[0].text(), "skip");
    assert_eq!(self::rule("").name, "rule-1");
}

#[test]
fn completeness() {
    let quiet = |n| Expr::Clause(Clause::Quiet(settle::Quiet::For(secs(n))));
    let old = |n| Expr::Clause(Clause::MinAge(secs(n)));
    assert_eq!(complete("\"local\""), Completion::local());
    assert_eq!(complete("\"network\""), Completion::preset("network").unwrap());
    assert_eq!(complete("{ preset = \"network\", quiet = \"30s\" }"), Completion::network(secs(30)));
    assert_eq!(complete("{ quiet = \"2s\" }").expr, quiet(2));
    assert_eq!(complete("{ min_age = \"2s\" }").expr, old(2));
    assert_eq!(complete("{ all = [\"appeared\"] }").expr, Expr::Clause(Clause::Appeared));
    assert_eq!(complete("{ quiet = \"2s\", min_age = \"1m\" }").expr, Expr::All(vec![quiet(2), old(60)]));
    assert_eq!(
        complete("{ any = [\"closed\", { all = [{ quiet = \"2s\" }, { min_age = \"1m\" }] }] }").expr,
        Expr::Any(vec![Expr::Clause(Clause::Closed), Expr::All(vec![quiet(2), old(60)])]),
    );
    assert_eq!(
        complete("{ preset = \"local\", deadline = \"1h\" }").deadline,
        Some((secs(3600), OnDeadline::Alert))
    );
    for (word, then) in
        [("alert", OnDeadline::Alert), ("deliver", OnDeadline::Deliver), ("hold", OnDeadline::Hold)]
    {
        let value = format!("{{ preset = \"local\", deadline = \"1h\", on_deadline = \"{word}\" }}");
        assert_eq!(complete(&value).deadline, Some((secs(3600), then)));
    }
}

#[test]
fn sinks_of_every_type() {
    assert!(
        matches!(sink("type = \"queue\"\nretain = \"1d\"").kind, SinkKind::Queue(q) if q.retain == secs(86_400))
    );
    let out = sink("type = \"stdout\"\nformat = \"path\"\nmax_attempts = 3\ntimeout = \"1s\"");
    assert!(matches!(out.kind, SinkKind::Stdout));
    assert_eq!((out.format, out.max_attempts, out.timeout), (Format::Path, 3, secs(1)));
    let lines = sink("type = \"jsonl\"\npath = \"/var/log/x.jsonl\"\nformat = \"flat\"");
    assert!(matches!(lines.kind, SinkKind::Jsonl(jsonl) if jsonl.path == Path::new("/var/log/x.jsonl")));
    assert_eq!(lines.format, Format::Flat);
    let own = sink("type = \"stdout\"\nformat = \"template\"\ntemplate = \"{path} {\\\"size\\\": 1}\"");
    assert_eq!(own.format, Format::Template("{path} {\"size\": 1}".into()));
}

#[test]
fn a_redis_list() {
    let SinkKind::RedisList(least) = sink("type = \"redis-list\"\nurl = \"redis://h\"\nkey = \"k\"").kind
    else {
        panic!("another kind");
    };
    assert_eq!((least.url.expose(), least.key.as_slice(), least.push), ("redis://h", &b"k"[..], Push::Left));
    assert_eq!((least.counter, least.ca_file, least.client_cert), (None, None, None));
    let full = sink(
        "type = \"redis-list\"\nurl = \"rediss://u:${SECRET}@${HOST}:6380/1\"\nkey = \"k\"\ncounter = \"n\"\n\
         push = \"right\"\nca_file = \"/ca\"\nclient_cert = \"/cert\"\nclient_key = \"/key\"\nformat = \"metwork\"",
    );
    let SinkKind::RedisList(redis) = full.kind else { panic!("another kind") };
    assert_eq!(redis.url.expose(), "rediss://u:hunter2@redis.example:6380/1");
    assert_eq!((redis.counter.as_deref(), redis.push), (Some(&b"n"[..]), Push::Right));
    assert_eq!(redis.ca_file, Some(PathBuf::from("/ca")));
    assert_eq!(redis.client_cert, Some((PathBuf::from("/cert"), PathBuf::from("/key"))));
    assert_eq!(full.format, Format::Metwork);
}

#[test]
fn the_url_can_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    std::fs::write(&file, "redis://:hunter2@h:1/0\n").unwrap();
    let text = format!("type = \"redis-list\"\nurl_file = \"{}\"\nkey = \"k\"", file.display());
    let SinkKind::RedisList(redis) = sink(&text).kind else { panic!("another kind") };
    assert_eq!(redis.url.expose(), "redis://:hunter2@h:1/0");
    assert!(!format!("{redis:?}").contains("hunter2"));
}

#[test]
fn rules_without_targets_tell_all_sinks() {
    let plan = plan(&format!(
        "{SOURCE}[[source.s.rule]]\n[sink.b]\ntype = \"queue\"\n[sink.a]\ntype = \"stdout\"\n"
    ));
    assert_eq!(plan.sources[0].rules.rules[0].to, ["b", "a"], "in the order of the file");
}

#[test]
fn sources_keep_the_order_of_the_file() {
    let plan =
        plan("[source.b]\npath = \"/b\"\n[source.a]\npath = \"/a\"\n[source.\"c d\"]\npath = \"/b\"\n");
    assert_eq!(plan.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["b", "a", "c d"]);
}

#[test]
fn the_environment_is_read() {
    let plan = plan(
        "site = \"${HOST}-${NONE:-x}\"\n[source.s]\npath = \"/${HOST}\"\n[[source.s.rule]]\ninclude = [\"$${HOST}\"]\n",
    );
    assert_eq!(plan.site, "redis.example-x");
    assert_eq!(plan.sources[0].path, Path::new("/redis.example"));
    assert_eq!(plan.sources[0].rules.rules[0].include[0].text(), "${HOST}");
}
