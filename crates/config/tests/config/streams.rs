//! Event streams, and the sinks that live on them.

use std::path::Path;
use std::time::Duration;

use config::{
    MirrorOrigin, MirrorSink, Plan, ScribeLog, ScribeSink, ScribeStyle, SinkKind, SinkPlan, SourcePlan,
    StreamPlan, to_toml,
};
use model::{Happening, HappeningSet};
use settle::{Pattern, temp_names};

use crate::{SOURCE, good};

fn plan(text: &str) -> Plan {
    let loaded = good(text);
    assert_eq!(loaded.warnings, [], "{text}");
    loaded.plan
}

/// What is printed of the plan gives the same plan, and nothing to say.
#[track_caller]
fn survives(plan: &Plan) -> String {
    let text = to_toml(plan);
    let loaded = good(&text);
    assert_eq!(format!("{:#?}", loaded.plan), format!("{plan:#?}"), "\n{text}");
    assert!(loaded.plan == *plan, "{text}");
    text
}

const SINKS: &str =
    "[sink.log]\ntype='scribe'\n[sink.lines]\ntype='jsonl'\npath='/var/l'\n[sink.q]\ntype='queue'\n";

const OTHER: &str = "[source.t]\npath='/t'\n";

/// A source with one rule, and a scribe, a file and a queue; another source, so that each of them is used.
fn source(rule: &str) -> SourcePlan {
    let mut plan = plan(&format!("{SOURCE}[[source.s.rule]]\nname='r'\n{rule}\n{OTHER}{SINKS}"));
    survives(&plan);
    plan.sources.remove(0)
}

/// The rule's own sinks, and each of its streams with its sinks.
fn told(source: &SourcePlan) -> (Vec<&str>, Vec<(HappeningSet, Vec<&str>)>) {
    fn texts(names: &[String]) -> Vec<&str> {
        names.iter().map(String::as_str).collect()
    }
    let streams = source.streams.iter().map(|stream| (stream.what, texts(&stream.to))).collect();
    (texts(&source.rules.rules[0].to), streams)
}

fn set(names: &[Happening]) -> HappeningSet {
    names.iter().copied().fold(HappeningSet::EMPTY, HappeningSet::with)
}

#[test]
fn each_sink_is_told_what_it_takes() {
    let all = HappeningSet::ALL;
    let two = set(&[Happening::Create, Happening::CloseWrite]);
    for (rule, to, streams) in [
        ("events='all'", vec!["lines", "q"], vec![(all, vec!["log", "lines"])]),
        ("events='all'\narrivals=false\nto=['log','lines']", vec![], vec![(all, vec!["log", "lines"])]),
        ("events=['create','close_write']\nto=['log']", vec![], vec![(two, vec!["log"])]),
        ("events='all'\nto=['q','log','lines']", vec!["q", "lines"], vec![(all, vec!["log", "lines"])]),
        ("events='all'\narrivals=true\nto=['log','q']", vec!["q"], vec![(all, vec!["log"])]),
    ] {
        assert_eq!(told(&source(rule)), (to, streams), "{rule}");
    }
}

#[test]
fn without_events_there_are_no_streams_and_nobody_who_takes_only_those() {
    let text = format!("{SOURCE}[[source.s.rule]]\nevents='all'\n[source.t]\npath='/t'\n{SINKS}");
    let plan = plan(&text);
    assert_eq!((told(&plan.sources[1]), plan.sources[1].streams.len()), ((vec!["lines", "q"], vec![]), 0));
}

#[test]
fn a_stream_has_the_patterns_of_its_rule() {
    let source = source("events=['delete']\ninclude=['*.a']\nexclude=['old']\nto=['log']");
    let pattern = |text| vec![Pattern::parse(text).unwrap()];
    let (rule, what, to) = ("r".into(), set(&[Happening::Delete]), vec!["log".into()]);
    let expected = StreamPlan { rule, what, include: pattern("*.a"), exclude: pattern("old"), to };
    assert_eq!(source.streams, [expected]);
    assert!(source.rules.rules[0].to.is_empty(), "it takes paths and tells nobody");
}

#[test]
fn every_happening_can_be_named() {
    let names: Vec<String> = Happening::ALL.iter().map(|what| format!("'{}'", what.name())).collect();
    let source = source(&format!("events=[{}]\nto=['log']", names.join(",")));
    assert_eq!(source.streams[0].what, HappeningSet::ALL);
}

fn sink(keys: &str) -> SinkPlan {
    let text = format!("{SOURCE}[[source.s.rule]]\nevents='all'\nto=['x']\n[sink.x]\n{keys}");
    let mut plan = plan(&text);
    survives(&plan);
    plan.sinks.remove(0)
}

#[test]
fn scribes() {
    let scribe = |keys: &str| match sink(&format!("type='scribe'\n{keys}")).kind {
        SinkKind::Scribe(scribe) => scribe,
        other => panic!("{other:?}"),
    };
    let stdout = ScribeSink { log: ScribeLog::Stdout, style: ScribeStyle::Text };
    assert_eq!(scribe(""), stdout);
    assert_eq!(scribe("log='-'\nstyle='text'"), stdout);
    let file = ScribeSink { log: ScribeLog::File("/var/log/w".into()), style: ScribeStyle::Json };
    assert_eq!(scribe("log='/var/log/w'\nstyle='json'"), file);
    let common = sink("type='scribe'\nmax_attempts=3\ntimeout='1s'");
    assert_eq!((common.max_attempts, common.timeout), (3, Duration::from_secs(1)));
}

/// Two scribes may write into one file.
#[test]
fn scribes_may_share_a_file() {
    let scribe = |name: &str| format!("[sink.{name}]\ntype='scribe'\nlog='/var/log/w'\n");
    plan(&format!("{SOURCE}[[source.s.rule]]\nevents='all'\n{}{}", scribe("a"), scribe("b")));
}

const MIRROR: &str = "[sink.copy]\ntype='mirror'\ndestination='/copy'\n";

fn mirror(plan: &Plan) -> MirrorSink {
    match &plan.sinks[0].kind {
        SinkKind::Mirror(mirror) => MirrorSink::clone(mirror),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_least_mirror() {
    let plan = plan(&format!("{SOURCE}{MIRROR}"));
    survives(&plan);
    let mirror = mirror(&plan);
    assert_eq!(mirror.destination, Path::new("/copy"));
    assert!(!mirror.adopt && !mirror.owner);
    assert_eq!(mirror.pair_within, Duration::from_millis(500));
    let origin = MirrorOrigin {
        source: "s".into(),
        path: "/data".into(),
        recursive: true,
        include: vec![Pattern::parse("*").unwrap()],
        exclude: vec![],
        still: Some(Duration::from_secs(2)),
    };
    assert_eq!(mirror.origin, Some(origin));
    assert_eq!(told(&plan.sources[0]), (vec!["copy"], vec![(MirrorSink::EVENTS, vec!["copy"])]));
    assert!(plan.sources[0].rules.temp_names.is_empty(), "a mirror leaves nothing out");
}

#[test]
fn a_mirror_and_its_rule() {
    let rule = "recursive=false\n[[source.s.rule]]\ninclude=['*.a']\nexclude=['b']\ncomplete='network'\n";
    let keys = "adopt=true\nowner=true\npair_within='2s'\nmax_attempts=4\ntimeout='1m'";
    let plan = plan(&format!("{SOURCE}{rule}{MIRROR}{keys}"));
    survives(&plan);
    let mirror = mirror(&plan);
    assert!(mirror.adopt && mirror.owner);
    assert_eq!(mirror.pair_within, Duration::from_secs(2));
    assert_eq!((plan.sinks[0].max_attempts, plan.sinks[0].timeout), (4, Duration::from_mins(1)));
    let origin = mirror.origin.unwrap();
    assert!(!origin.recursive);
    assert_eq!((origin.include[0].text(), origin.exclude[0].text()), ("*.a", "b"));
    assert_eq!(origin.still, Some(settle::presets::NETWORK_QUIET + Duration::from_secs(2)));
}

#[test]
fn a_mirror_has_a_stream_of_its_own() {
    let rule = "[[source.s.rule]]\nevents=['open']\nto=['copy','log']\n";
    let plan = plan(&format!("{SOURCE}{rule}{MIRROR}[sink.log]\ntype='scribe'\n"));
    survives(&plan);
    let streams = vec![(set(&[Happening::Open]), vec!["log"]), (MirrorSink::EVENTS, vec!["copy"])];
    assert_eq!(told(&plan.sources[0]), (vec!["copy"], streams));
    assert!(plan.sources[0].rules.temp_names.is_empty(), "a scribe is told of no arrivals");
}

#[test]
fn who_shares_a_source_with_a_mirror_keeps_its_temporary_names() {
    let loaded = good(&format!("{SOURCE}{MIRROR}[sink.q]\ntype='queue'\n"));
    assert_eq!(loaded.plan.sources[0].rules.temp_names, temp_names::default_patterns());
    let apart = plan(&format!("{SOURCE}temp_names=false\n{MIRROR}[sink.q]\ntype='queue'\n"));
    survives(&apart);
    assert_eq!(told(&apart.sources[0]).0, ["copy", "q"]);
}

/// Where nobody is named, a mirror is not meant by a rule that announces nothing.
#[test]
fn a_rule_for_events_leaves_mirrors_alone() {
    let rules = "[[source.s.rule]]\nto=['copy']\n[source.t]\npath='/t'\n[[source.t.rule]]\nevents='all'\narrivals=false\n";
    let plan = plan(&format!("{SOURCE}{rules}{MIRROR}[sink.log]\ntype='scribe'\n"));
    survives(&plan);
    assert_eq!(told(&plan.sources[1]), (vec![], vec![(HappeningSet::ALL, vec!["log"])]));
}

/// One mirror after the other in one direction is no circle.
#[test]
fn mirrors_in_a_row() {
    let text = "[source.a]\npath='/a'\n[[source.a.rule]]\nto=['b']\n[source.b]\npath='/b'\n[[source.b.rule]]\nto=['c']\n\
                [source.c]\npath='/c/x'\n[[source.c.rule]]\nto=['d']\n[sink.b]\ntype='mirror'\ndestination='/b'\n\
                [sink.c]\ntype='mirror'\ndestination='/c'\n[sink.d]\ntype='mirror'\ndestination='/d'\n";
    survives(&plan(text));
}

/// Plans that drop-ins make say some things that cannot be written in one rule; what they mean is kept.
#[test]
fn a_stream_for_a_mirror_and_others_is_taken_apart() {
    let mut plan = plan(&format!(
        "{SOURCE}[[source.s.rule]]\nevents='all'\nto=['copy','log']\n{MIRROR}[sink.log]\ntype='scribe'\n"
    ));
    let apart = plan.clone();
    let both = StreamPlan { to: vec!["log".into(), "copy".into()], ..plan.sources[0].streams[0].clone() };
    plan.sources[0].streams = vec![both];
    let read = good(&to_toml(&plan)).plan;
    assert_eq!(told(&read.sources[0]), told(&apart.sources[0]));
}

/// What the guide shows can be used as it stands there.
#[test]
fn the_guides_samples_are_good() {
    let page = include_str!("../../../../docs/guide/sinks.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let whole: Vec<&str> =
        blocks.map(|(block, _)| block).filter(|block| block.contains("[source.")).collect();
    assert!(whole.len() >= 2, "{whole:?}");
    for block in whole {
        plan(block);
    }
}
