//! Another plan while streams run.

use std::fs;
use std::time::{Duration, Instant};

use config::Backend;
use model::Happening;
use settle::{Completion, Rule, Shape};

use crate::rig::{Rig, counts, line_of, patterns, set, source, wish, without_barriers};

/// A rule by which all files arrive.
fn files_to_other() -> Rule {
    Rule {
        name: "files".into(),
        include: patterns(&["*"]),
        exclude: Vec::new(),
        completion: Completion::local(),
        to: vec!["other".into()],
        shape: Shape::default(),
    }
}

#[test]
fn one_source_goes_another_comes_and_the_third_loses_nothing() {
    const FILES: usize = 10_000;
    let mut rig = Rig::start(|dir| {
        for name in ["w1", "w2", "w3"] {
            fs::create_dir(dir.join(name)).unwrap();
        }
        let tree = |name: &str, to| source(name, &dir.join(name), vec![wish(&[to])]);
        vec![tree("w1", "log"), tree("w2", "other")]
    });
    rig.barrier("log", &rig.path("w1"));
    let w1 = rig.path("w1");
    let writing = std::thread::spawn(move || {
        (0..FILES).for_each(|number| drop(fs::File::create(w1.join(format!("f{number}"))).unwrap()));
    });
    rig.until("a few", || rig.lines("log").len() > 100);
    rig.plan.sources.pop();
    let w3 = source("w3", &rig.path("w3"), vec![wish(&["third"])]);
    rig.plan.sources.push(w3);
    rig.plan.sinks.retain(|sink| sink.name != "other");
    rig.add_sink("third");
    let begun = Instant::now();
    rig.reload();
    rig.until("the end of one", || rig.lines("other").last() == Some(&line_of("watch_dead", "")));
    rig.until("the beginning of another", || rig.lines("third") == [line_of("watch_init", "")]);
    let took = begun.elapsed();
    writing.join().unwrap();
    rig.until("all", || {
        counts(&rig.lines("log"), "create").keys().filter(|path| path.starts_with('f')).count() == FILES
    });
    let created = counts(&rig.lines("log"), "create");
    assert!(created.values().all(|count| *count == 1));
    let words: Vec<String> = rig.lines("log").into_iter().map(|(what, _)| what).collect();
    assert_eq!(words.iter().filter(|what| what.starts_with("watch") || *what == "overflow").count(), 1);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_sink_that_is_added_hears_of_the_beginning_and_the_others_hear_nothing() {
    let mut rig = Rig::one();
    rig.barrier("log", &rig.path("w"));
    rig.plan.sources[0].streams = vec![wish(&["log", "other"])];
    rig.reload();
    rig.until("the beginning", || rig.lines("other") == [line_of("watch_init", "")]);
    rig.barrier("other", &rig.path("w"));
    rig.barrier("log", &rig.path("w"));
    assert_eq!(without_barriers(rig.lines("log")), [line_of("watch_init", "")]);
    rig.plan.sources[0].streams = vec![wish(&["log"])];
    rig.reload();
    rig.until("its end", || rig.lines("other").last() == Some(&line_of("watch_dead", "")));
    rig.reload();
    rig.barrier("log", &rig.path("w"));
    assert_eq!(without_barriers(rig.lines("log")), [line_of("watch_init", "")]);
}

#[test]
fn whoever_is_told_something_else_hears_of_that() {
    let mut rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w")).unwrap();
        vec![source("w", &dir.join("w"), vec![wish(&["log"]), wish(&["other"])])]
    });
    rig.barrier("log", &rig.path("w"));
    rig.plan.sources[0].streams[1].what = set(&[Happening::Create, Happening::CloseWrite, Happening::Delete]);
    rig.reload();
    rig.until("the word", || rig.lines("other").contains(&line_of("watch_reconfig", "")));
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.until("the new", || rig.lines("other").contains(&line_of("close_write", "a")));
    rig.barrier("log", &rig.path("w"));
    let told = [line_of("watch_init", ""), line_of("create", "a")];
    assert_eq!(without_barriers(rig.lines("log")), told);
}

/// A sink that takes files is added to a watch that only told, and goes again: the stream runs through.
#[test]
fn looking_for_files_begins_and_ends_beside_the_stream() {
    let mut rig = Rig::one();
    rig.barrier("log", &rig.path("w"));
    let only_told = rig.plan.sources[0].clone();
    rig.plan.sources[0].rules.rules = vec![files_to_other()];
    rig.reload();
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.until("the arrival", || rig.events("other").iter().any(|event| event["data"]["path"] == "a"));
    assert_eq!(rig.source("w")["arrivals"], true);
    rig.plan.sources[0] = only_told;
    rig.reload();
    rig.until("the change", || rig.source("w")["arrivals"] == false && rig.source("w")["state"] == "ok");
    fs::write(rig.path("w/b"), b"x").unwrap();
    rig.barrier("log", &rig.path("w"));
    let told = [line_of("watch_init", ""), line_of("create", "a"), line_of("create", "b")];
    assert_eq!(without_barriers(rig.lines("log")), told);
    assert!(!rig.events("other").iter().any(|event| event["data"]["path"] == "b"));
    assert!(rig.engine().is_ready());
}

#[test]
fn a_stream_that_is_asked_for_no_more_ends_and_files_still_arrive() {
    let mut rig = Rig::one();
    rig.barrier("log", &rig.path("w"));
    rig.plan.sources[0].streams.clear();
    rig.plan.sources[0].rules.rules = vec![Rule {
        name: "files".into(),
        include: patterns(&["*"]),
        exclude: Vec::new(),
        completion: Completion::local(),
        to: vec!["other".into()],
        shape: Shape::default(),
    }];
    rig.reload();
    rig.until("the end", || rig.lines("log").last() == Some(&line_of("watch_dead", "")));
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.until("the arrival", || rig.events("other").iter().any(|event| event["data"]["path"] == "a"));
    assert!(rig.source("w")["stream"].is_null());
}

/// A mirror with another destination compares, a plugin with other options knows. Nobody hears of the reload itself:
/// what is looked at for it is not opened.
#[test]
fn a_sink_that_is_another_one_hears_of_that() {
    let mut rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w")).unwrap();
        vec![source("w", &dir.join("w"), vec![wish(&["log"]), wish(&["other"])])]
    });
    rig.plan.sources[0].streams[0].what = model::HappeningSet::ALL;
    rig.reload();
    rig.until("the word", || rig.lines("log").contains(&line_of("watch_reconfig", "")));
    let changed = rig.plan.sinks.iter_mut().find(|sink| sink.name == "other").unwrap();
    changed.timeout = Duration::from_secs(11);
    rig.reload();
    rig.until("the other word", || rig.lines("other").contains(&line_of("watch_reconfig", "")));
    rig.barrier("log", &rig.path("w"));
    let told: Vec<_> = rig.lines("log").into_iter().take(3).map(|(what, _)| what).collect();
    assert_eq!(told, ["watch_init", "watch_reconfig", "create"]);
}

/// How arrivals are noticed and told apart is nothing to a stream, and how deep it listens it takes over.
#[test]
fn a_source_that_is_noticed_otherwise_loses_nothing_of_its_stream() {
    let mut rig = Rig::one();
    for round in 0..6 {
        for number in 0..50 {
            drop(fs::File::create(rig.path(&format!("w/r{round}f{number}"))).unwrap());
        }
        let source = &mut rig.plan.sources[0];
        match round % 3 {
            0 => source.backend = if round == 0 { Backend::Inotify } else { Backend::Auto },
            1 => source.follow_symlinks = !source.follow_symlinks,
            _ => source.recursive = !source.recursive,
        }
        rig.reload();
    }
    rig.barrier("log", &rig.path("w"));
    let lines = rig.lines("log");
    assert!(!lines.contains(&line_of("watch_dead", "")), "it went on");
    assert_eq!(counts(&lines, "create").keys().filter(|path| path.starts_with('r')).count(), 300);
    assert_eq!(rig.stream("w")["state"], "ok");
}

#[test]
fn files_are_looked_for_anew_and_the_stream_goes_on() {
    let mut rig = Rig::one();
    rig.plan.sources[0].rules.rules = vec![files_to_other()];
    rig.reload();
    let arrives = |rig: &Rig, name: &str| {
        fs::write(rig.path("w").join(name), b"x").unwrap();
        rig.until(name, || rig.events("other").iter().any(|event| event["data"]["path"] == name));
    };
    arrives(&rig, "a");
    rig.plan.sources[0].backend = Backend::Inotify;
    rig.reload();
    arrives(&rig, "b");
    rig.barrier("log", &rig.path("w"));
    let told = [line_of("watch_init", ""), line_of("create", "a"), line_of("create", "b")];
    assert_eq!(without_barriers(rig.lines("log")), told);
    rig.until("it to be ready", || rig.engine().is_ready() && rig.source("w")["arrivals"] == true);
    assert_eq!(rig.events("other").iter().filter(|event| event["data"]["path"] == "a").count(), 1);
}
