use std::path::{Path, PathBuf};

use config::{MirrorSink, Plan, PluginSink, ScribeLog, SinkKind, SinkPlan};
use model::HappeningSet;
use tempfile::TempDir;

use super::*;

/// A folder to work in, with a plugin directory.
struct House {
    dir: TempDir,
    base: PathBuf,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("plugins")).unwrap();
        std::fs::create_dir(base.join("w")).unwrap();
        Self { dir, base }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn planned(&self, watches: &str) -> Planned {
        let rc = Rc::read(format!("[watches]\n{watches}").as_bytes()).unwrap();
        let (path, adapter) = (self.base.join("plugins"), self.base.join("adapter.py"));
        let plugins = Directory { path: &path, adapter: Some(&adapter) };
        let state_dir = self.base.join("state");
        plan(&rc, Around { working: &self.base, plugins, state_dir: Some(&state_dir) })
    }

    /// The plan of a watch of `w` that is expected to be good.
    fn good(&self, keys: &str) -> Plan {
        let planned = self.planned(&format!("[[w]]\n{keys}\n"));
        assert_eq!((&planned.troubles, &planned.warnings), (&vec![], &vec![]), "{keys}");
        planned.plan
    }

    /// The words for a watch of `w` of which one part is bad, and its sink.
    fn bad(&self, keys: &str) -> (String, SinkPlan) {
        let planned = self.planned(&format!("[[w]]\n{keys}\n"));
        let [trouble] = planned.troubles.as_slice() else { panic!("{keys}: {:?}", planned.troubles) };
        let [sink] = planned.plan.sinks.as_slice() else { panic!("{keys}: {:?}", planned.plan.sinks) };
        assert!(planned.plan.sources.is_empty(), "nobody is told, so nothing is watched: {keys}");
        let plugin = plugin(sink);
        let whole = plugin.manifest.as_ref().unwrap_err();
        assert!(whole.starts_with(&trouble.original) && whole.contains("Fix: "), "{whole}");
        (trouble.original.replace(self.base.to_str().unwrap(), "S"), sink.clone())
    }
}

fn plugin(sink: &SinkPlan) -> &PluginSink {
    match &sink.kind {
        SinkKind::Plugin(plugin) => plugin,
        other => panic!("{other:?}"),
    }
}

fn mirror(sink: &SinkPlan) -> &MirrorSink {
    match &sink.kind {
        SinkKind::Mirror(mirror) => mirror,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scribe_is_told_everything_and_nobody_looks_at_the_files() {
    let house = House::new();
    let plan = house.good("plugins = scribe\nscribe_log = logs/w.log");
    let ([source], [sink]) = (plan.sources.as_slice(), plan.sinks.as_slice()) else { panic!("{plan:?}") };
    assert_eq!((source.path.as_path(), source.recursive), (house.base.join("w").as_path(), true));
    assert!(source.name.starts_with("watch-w-") && !source.follow_symlinks);
    assert_eq!(sink.name, format!("{}-scribe", source.name));
    let SinkKind::Scribe(scribe) = &sink.kind else { panic!("{sink:?}") };
    assert_eq!(scribe.log, ScribeLog::File(house.base.join("logs/w.log")));
    let [stream] = source.streams.as_slice() else { panic!("{source:?}") };
    assert_eq!((stream.what, stream.to.as_slice()), (HappeningSet::ALL, &[sink.name.clone()][..]));
    assert!(stream.include[0].matches(b".hidden/x.tmp") && stream.exclude.is_empty());
    assert!(source.rules.rules.iter().all(|rule| rule.to.is_empty()) && source.rules.temp_names.is_empty());
    let stdout = house.good("plugins = scribe\nscribe_log = -");
    assert!(matches!(&stdout.sinks[0].kind, SinkKind::Scribe(scribe) if scribe.log == ScribeLog::Stdout));
}

#[test]
fn a_replica_is_a_mirror_and_takes_what_it_needs() {
    let house = House::new();
    for (name, keys) in [
        ("replica", "replica_destination = m\nreplica_adopt = YES"),
        ("mirror", "mirror_destination = m\nmirror_adopt = 1"),
        ("mirror", "replica_destination = m\nreplica_adopt = true"),
    ] {
        let plan = house.good(&format!("plugins = {name}\n{keys}"));
        let ([source], [sink]) = (plan.sources.as_slice(), plan.sinks.as_slice()) else { panic!("{plan:?}") };
        assert_eq!(sink.name, format!("{}-{name}", source.name));
        let mirror = mirror(sink);
        assert_eq!((mirror.destination.clone(), mirror.adopt), (house.base.join("m"), true));
        let origin = mirror.origin.as_ref().expect("what it mirrors is known");
        assert_eq!((&origin.source, &origin.path), (&source.name, &source.path));
        assert!(origin.still.is_some(), "{origin:?}");
        assert_eq!(source.streams[0].what, MirrorSink::EVENTS);
        assert_eq!(source.rules.rules[0].to, std::slice::from_ref(&sink.name));
    }
    let careful = house.good("plugins = replica\nreplica_destination = m");
    assert!(!mirror(&careful.sinks[0]).adopt);
}

#[test]
fn plugins_side_by_side_each_once_in_any_order() {
    let house = House::new();
    let keys = "scribe_log = -\nreplica_destination = m";
    let plan = house.good(&format!("plugins = scribe, replica, scribe\n{keys}"));
    assert_eq!(plan, house.good(&format!("plugins = replica, scribe\n{keys}")));
    assert_eq!(plan.sinks.len(), 2);
    let [source] = plan.sources.as_slice() else { panic!("{plan:?}") };
    assert_eq!((source.streams.len(), source.rules.rules.len()), (2, 2));
    // The first rule that takes a file decides who is told that it is complete.
    assert_eq!(source.rules.rules[0].to, source.streams[0].to);
}

#[test]
fn plugins_come_from_their_directory() {
    let house = House::new();
    house.write("plugins/counter.py", "class Counter: pass\n");
    house.write("plugins/tally.toml", "command = \"./tally\"\n");
    house.write("plugins/scribe.py", "the old program's own\n");
    house.write("plugins/half.toml", "comm");
    let plan = house.good("plugins = counter, tally, half\ncounter_x = 1\ntally_y = a, b\ncounterz = 2");
    let of = |name: &str| {
        let sink = plan.sinks.iter().find(|sink| sink.name.ends_with(name)).expect(name);
        assert!(plan.sources[0].streams[0].to.contains(&sink.name), "{name}");
        plugin(sink)
    };
    let counter = of("counter");
    assert_eq!((counter.options.as_str(), counter.arrivals), ("{\"counter_x\":\"1\"}", false));
    let manifest = counter.manifest.as_ref().unwrap();
    assert_eq!(manifest.command, Path::new("python3"));
    let word = |name: &str| house.base.join(name).to_str().unwrap().to_owned();
    assert_eq!(manifest.args, [word("adapter.py"), word("plugins/counter.py")]);
    assert_eq!(of("tally").options, "{\"tally_y\":[\"a\",\"b\"]}");
    assert!(of("tally").manifest.is_ok() && of("half").manifest.is_err());
    // What is built in stays what it is, unless somebody writes a manifest in its place.
    let built_in = house.good("plugins = scribe\nscribe_log = -");
    assert!(matches!(built_in.sinks[0].kind, SinkKind::Scribe(_)));
    house.write("plugins/scribe.toml", "command = \"./mine\"\n");
    plugin(&house.good("plugins = scribe\nscribe_log = -").sinks[0]);
}

/// The adapter loads the new one itself: its process goes on, with what the plugin has put into the cache.
#[test]
fn another_adapter_is_another_version_and_another_old_plugin_is_not() {
    let house = House::new();
    let version = || plugin(&house.good("plugins = p").sinks[0]).manifest.clone().unwrap().version;
    house.write("plugins/p.py", "v1");
    let first = version();
    house.write("plugins/p.py", "v2");
    assert_eq!(version(), first);
    house.write("adapter.py", "v2");
    assert_ne!(version(), first);
}

#[test]
fn what_is_wrong_with_a_watch_is_told_in_the_old_words() {
    let house = House::new();
    // There, and still no plugins: by their names.
    house.write("plugins/_x.py", "");
    house.write("x.py", "");
    let no_plugins = "Watch S/w: Missing 'plugins' section in configuration.";
    for keys in ["", "plugins = ", "plugins = ,", "scribe_log = -"] {
        let (words, sink) = house.bad(keys);
        assert_eq!(words, no_plugins, "{keys}");
        assert!(sink.name.starts_with("watch-w-") && !sink.name.ends_with("-watch"), "{}", sink.name);
    }
    for (keys, wanted) in [
        ("plugins = nosuch", "Required plugin 'nosuch' is missing."),
        ("plugins = ../x", "Required plugin '../x' is missing."),
        ("plugins = _x", "Required plugin '_x' is missing."),
        ("plugins = scribe", "Watch: S/w: Plugin 'scribe' reported error: Missing scribe_log directive."),
        (
            "plugins = scribe\nscribe_log = a, b",
            "Watch: S/w: Plugin 'scribe' reported error: scribe_log is a list.",
        ),
        (
            "plugins = scribe\nscribe_log = w/log",
            "Watch: S/w: Plugin 'scribe' reported error: the log is in the watched tree.",
        ),
        (
            "plugins = replica",
            "Watch: S/w: Plugin 'replica' reported error: Missing replica_destination directive.",
        ),
        (
            "plugins = replica\nreplica_destination = w/m",
            "Watch: S/w: Plugin 'replica' reported error: the destination overlaps the watched tree.",
        ),
        (
            "plugins = replica\nreplica_destination = .",
            "Watch: S/w: Plugin 'replica' reported error: the destination overlaps the watched tree.",
        ),
    ] {
        assert_eq!(house.bad(keys).0, wanted, "{keys}");
    }
}

#[test]
fn one_bad_plugin_leaves_the_others_of_its_watch_alone() {
    let house = House::new();
    let planned = house.planned("[[w]]\nplugins = scribe, nosuch\nscribe_log = -\n[[v]]\nplugins = scribe\n");
    let lines: Vec<usize> = planned.troubles.iter().map(|trouble| trouble.line).collect();
    assert_eq!(lines, [3, 5]);
    let [source] = planned.plan.sources.as_slice() else { panic!("{:?}", planned.plan) };
    let scribe = format!("{}-scribe", source.name);
    assert!(source.streams.len() == 1 && source.streams[0].to == [scribe]);
    assert_eq!(planned.plan.sinks.len(), 3, "each failed one is shown");
}

#[test]
fn two_names_of_one_place_are_one_watch_and_the_last_counts() {
    let house = House::new();
    std::os::unix::fs::symlink("w", house.base.join("l")).unwrap();
    let planned = house
        .planned("[[w]]\nplugins = scribe\nscribe_log = a\n[[./l/]]\nplugins = scribe\nscribe_log = b\n");
    assert_eq!(planned.plan.sources.len(), 1);
    let SinkKind::Scribe(scribe) = &planned.plan.sinks[0].kind else { panic!() };
    assert_eq!(scribe.log, ScribeLog::File(house.base.join("b")));
    let [(line, text)] = planned.warnings.as_slice() else { panic!("{:?}", planned.warnings) };
    assert!(*line == 2 && text.starts_with("[[w]] is left out") && text.contains("line 5"), "{text}");
}

#[test]
fn a_single_file_has_a_log_and_no_second_tree() {
    let house = House::new();
    house.write("w/one.cfg", "");
    let keys = "plugins = scribe, replica\nscribe_log = -\nreplica_destination = m\n";
    let planned = house.planned(&format!("[[w/one.cfg]]\n{keys}"));
    let [source] = planned.plan.sources.as_slice() else { panic!("{:?}", planned.plan) };
    assert_eq!(source.path, house.base.join("w/one.cfg"));
    assert!(
        source.name.starts_with("watch-one.cfg-") && source.rules.rules.iter().all(|rule| rule.to.is_empty())
    );
    let [trouble] = planned.troubles.as_slice() else { panic!("{:?}", planned.troubles) };
    assert!(trouble.original.ends_with("the watch is a single file."), "{trouble:?}");
}

#[test]
fn the_state_directory_lies_in_no_watched_tree() {
    let house = House::new();
    let planned = house.planned("[[.]]\nplugins = scribe\nscribe_log = /elsewhere\n");
    let [trouble] = planned.troubles.as_slice() else { panic!("{:?}", planned.troubles) };
    assert!(trouble.explanation.contains("--state-dir") && planned.plan.sources.is_empty());
}
