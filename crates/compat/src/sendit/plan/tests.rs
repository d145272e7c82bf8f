use super::*;
use crate::environment::Environment;
use crate::sendit::python::{World, read_text};

fn settings_with(text: &str, exists: Option<&dyn Fn(&Path) -> bool>) -> Result<Settings, SettingsError> {
    let environment = Environment::default();
    let world = World { environment: &environment, working: Path::new("/here") };
    let names = read_text(Path::new("/srv/sendit/settings/watcher.py"), text, world).expect("it is Python");
    Settings::of(&names, world.working, exists)
}

fn settings(text: &str) -> Settings {
    settings_with(text, None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn planned(text: &str, options: &Options) -> Planned {
    let around = Around { working: Path::new("/here"), beside: Path::new("/srv/logs") };
    plan(&settings(text), options, around).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A list of watches, each with its mask and its processor.
fn watching(entries: &[(&str, &str, &str)]) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(path, mask, class)| {
            format!("({path:?}, {mask}, 'sendit.apps.watcher.event_processors.{class}')")
        })
        .collect();
    format!("from pyinotify import *\nINOTIFIER_WATCH_PATHS = [{}]\n", entries.join(", "))
}

fn usual() -> String {
    watching(&[("/data", "ALL_EVENTS", "DicomCelery")])
}

fn celery(planned: &Planned) -> &CelerySink {
    match &planned.plan.sinks[0].kind {
        SinkKind::Celery(celery) => celery,
        kind => panic!("{}", kind.name()),
    }
}

#[test]
fn dicom_celery_becomes_tasks_and_a_log() {
    let planned = planned(&usual(), &Options::default());
    assert_eq!(planned.warnings, Vec::<String>::new());
    let [tasks, log] = &planned.plan.sources[..] else { panic!("{:?}", planned.plan.sources) };
    assert_eq!(
        (&tasks.name, tasks.recursive, tasks.follow_symlinks),
        (&name(Path::new("/data")), true, true)
    );
    assert_eq!(tasks.initial, Initial::Adopt);
    let rule = &tasks.rules.rules[0];
    assert_eq!((rule.to.clone(), rule.shape.late), (vec!["tasks".to_owned()], settle::Late::Ignore));
    assert_eq!(config::completion_to_toml(&rule.completion), "{ preset = \"data-product\", quiet = \"2s\" }");
    assert_eq!((&log.name, log.recursive), (&format!("{}-log", tasks.name), false));
    let what: Vec<&str> = log.streams[0].what.iter().map(Happening::name).collect();
    assert_eq!(what, ["create", "modify", "close_write", "moved_to", "move_self"]);
    let celery = celery(&planned);
    assert_eq!((celery.task.as_str(), celery.queue.as_str()), (TASK, "default"));
    assert_eq!(celery.kwargs, [("dicom_dir".to_owned(), Argument::Text("{path}".into()))]);
    assert!(celery.args.is_empty() && celery.exchange.is_none() && celery.results.is_none());
    let wanted = CeleryBroker::Redis { url: Secret::new("redis://redis:6379/0"), key_prefix: String::new() };
    assert_eq!(celery.broker, wanted);
}

#[test]
fn settings_and_options_say_where_tasks_go() {
    let text = usual()
        + "BROKER_URL = 'redis://:pw@r/1'\nCELERY_DEFAULT_QUEUE = 'q'\nCELERY_RESULT_BACKEND = 'redis://r/2'\n\
           BROKER_TRANSPORT_OPTIONS = {'global_keyprefix': 'p:'}\n";
    let of_module = planned(&text, &Options::default());
    let wanted = CeleryBroker::Redis { url: Secret::new("redis://:pw@r/1"), key_prefix: "p:".into() };
    assert_eq!(celery(&of_module).broker, wanted);
    assert_eq!(
        (celery(&of_module).queue.as_str(), celery(&of_module).results.as_ref().map(Secret::expose)),
        ("q", Some("redis://r/2"))
    );
    let (broker, queue, task) = (Some("amqp://h//".into()), Some("other".into()), Some("t".into()));
    let by_hand = planned(&text, &Options { broker, queue, task, existing: true, ..Options::default() });
    assert_eq!(celery(&by_hand).broker, CeleryBroker::Amqp { url: Secret::new("amqp://h") });
    assert_eq!((celery(&by_hand).queue.as_str(), celery(&by_hand).task.as_str()), ("other", "t"));
    assert_eq!((celery(&by_hand).results.clone(), by_hand.plan.sources[0].initial), (None, Initial::Deliver));
    let django = planned(
        &(usual()
            + "CELERY_BROKER_URL = 'amqp://'\nCELERY_RESULT_BACKEND = 'djcelery.backends.database:DatabaseBackend'\n"),
        &Options::default(),
    );
    assert_eq!(celery(&django).broker, CeleryBroker::Amqp { url: Secret::new("amqp://localhost") });
    assert_eq!(celery(&django).results, None);
    let strict = planned(&usual(), &Options { strict: true, ..Options::default() });
    assert_eq!(
        strict.plan.sources[0].rules.rules[0].completion,
        settle::Completion::of(settle::Expr::Clause(settle::Clause::Appeared))
    );
    let dry = planned(&usual(), &Options { dry_run: true, ..Options::default() });
    assert_eq!(dry.plan.sinks[0].kind.name(), "queue");
}

#[test]
fn each_processor_becomes_what_it_is_for() {
    let text = watching(&[
        ("/a", "IN_CREATE | IN_DELETE", "AllEventsPrinter"),
        ("/b", "ALL_EVENTS", "AllEventsSignaler"),
        ("/c", "ALL_EVENTS", "CreateSignaler"),
        ("/d", "ALL_EVENTS", "CreateViaChunksSignaler"),
        ("e", "IN_DELETE", "DicomCelery"),
        ("/f", "IN_MOVED_TO | IN_ONESHOT", "DicomCelery"),
    ]);
    let planned = planned(&text, &Options::default());
    let called = |path: &str, of: &str| format!("{}{of}", name(Path::new(path)));
    let sources: Vec<(String, &Path)> =
        planned.plan.sources.iter().map(|source| (source.name.clone(), source.path.as_path())).collect();
    let wanted = [
        ("/a", "-printed"),
        ("/b", "-events"),
        ("/c", "-created"),
        ("/d", "-chunks"),
        ("/f", ""),
        ("/f", "-log"),
    ];
    assert_eq!(sources, wanted.map(|(path, of)| (called(path, of), Path::new(path))));
    let sinks: Vec<(&str, &str)> =
        planned.plan.sinks.iter().map(|sink| (sink.name.as_str(), sink.kind.name())).collect();
    assert_eq!(
        sinks,
        [
            ("tasks", "celery"),
            ("printed", "scribe"),
            (&called("/b", "-events-signals"), "jsonl"),
            (&called("/c", "-created-signals"), "jsonl"),
            (&called("/d", "-chunks-signals"), "jsonl"),
            ("log", "scribe")
        ]
    );
    let what = |number: usize| planned.plan.sources[number].streams[0].what.iter().count();
    assert_eq!((what(0), what(1), what(2), what(5)), (2, 12, 1, 1));
    let warnings = planned.warnings.join("\n");
    for part in [
        "/b: there are no Django signals here: what would be sent is written to /srv/logs/b-",
        "/here/e: its mask has neither IN_CREATE nor IN_MOVED_TO",
        "/here/e: its mask has no event",
        "/f: IN_ONESHOT in its mask",
        "/f: its mask has IN_MOVED_TO but not IN_CREATE",
    ] {
        assert!(warnings.contains(part), "{part}:\n{warnings}");
    }
}

/// What is known of folders is kept under a source's name.
#[test]
fn another_entry_in_front_changes_no_name() {
    let (one, other) = (("/a", "ALL_EVENTS", "DicomCelery"), ("/b", "ALL_EVENTS", "DicomCelery"));
    let names = |entries: &[(&str, &str, &str)]| -> Vec<(PathBuf, String)> {
        let planned = planned(&watching(entries), &Options::default());
        let sources = planned.plan.sources.into_iter();
        sources.map(|source| (source.path, source.name)).collect()
    };
    assert_eq!(names(&[other, one])[2..], names(&[one])[..]);
}

#[test]
fn a_directory_that_is_there_twice_queues_a_folder_once() {
    let text = watching(&[
        ("/a", "IN_CREATE", "DicomCelery"),
        ("/a/", "IN_MOVED_TO", "DicomCelery"),
        ("/a", "IN_CREATE", "AllEventsPrinter"),
        ("/a", "IN_CREATE", "AllEventsSignaler"),
        ("/a", "IN_CREATE", "CreateSignaler"),
    ]);
    let planned = planned(&text, &Options::default());
    let mut names: Vec<&str> = planned.plan.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(planned.plan.sources[1].streams[0].what.iter().count(), 2, "the events of both");
    assert!(planned.warnings.iter().any(|text| text.starts_with("/a/: it is there twice")), "{planned:?}");
    assert!(!planned.warnings.iter().any(|text| text.contains("but not")), "{planned:?}");
    assert_eq!(names.len(), 5, "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 5, "none is another's: {names:?}");
}

#[test]
fn what_is_wrong_is_said_in_the_old_words() {
    let class = "'sendit.apps.watcher.event_processors.DicomCelery'";
    let nothing = "Missing/empty settings/watcher.py INOTIFY_WATCH_PATHS";
    for (text, wanted) in [
        (String::new(), nothing),
        ("INOTIFIER_WATCH_PATHS = None".into(), nothing),
        ("INOTIFIER_WATCH_PATHS = ()".into(), nothing),
        (
            "INOTIFIER_WATCH_PATHS = 'a'".into(),
            "setting INOTIFIER_WATCH_PATHS should be an iterable of 3-tuples of the form [ (\"/path1/\", <pyinotify event mask>, <processor cls>), ]: it is \"a\"",
        ),
        ("INOTIFIER_WATCH_PATHS = [('/a', 1)]".into(), "entry 1 has 2 items"),
        ("INOTIFIER_WATCH_PATHS = ('/a', 1, 'b')".into(), "entry 1 is \"/a\""),
        (format!("INOTIFIER_WATCH_PATHS = [('/a', 'x', {class})]"), "the mask of entry 1 is \"x\""),
        (format!("INOTIFIER_WATCH_PATHS = [('/a', -1, {class})]"), "the mask of entry 1 is -1"),
        (format!("INOTIFIER_WATCH_PATHS = [(3, 1, {class})]"), "the path of entry 1 is 3"),
        (
            "INOTIFIER_WATCH_PATHS = [('/a', 1, 'my.mod.Mine')]".into(),
            "Cannot import event processor module: my.mod: nothing here runs Python",
        ),
        (
            "INOTIFIER_WATCH_PATHS = [('/missing', 1, 'my.mod.Mine')]".into(),
            "/missing does not exist or you have insufficient permission",
        ),
        (
            "INOTIFIER_WATCH_PATHS = paths(1)".into(),
            "INOTIFIER_WATCH_PATHS is not known: /srv/sendit/settings/watcher.py:1:25: the name paths has no value here. Fix: write the value out",
        ),
        (format!("INOTIFIER_WATCH_PATHS = [('/a', m, {class})]"), ":1:33: the name m has no value"),
        (usual() + "BASE_DIR = f()", "BASE_DIR is not known"),
        (
            usual() + "BROKER_TRANSPORT_OPTIONS = {'global_keyprefix': f()}",
            "global_keyprefix in BROKER_TRANSPORT_OPTIONS is not known",
        ),
        (usual() + "BROKER_URL = 'redis://:secret@h' + 3", "BROKER_URL is not known"),
        (usual() + "import conf\nBROKER_URL = 'redis://:secret@' + conf.HOST", "BROKER_URL is not known"),
        (usual() + "BROKER_URL = 3", "BROKER_URL is 3, which is not what it should be"),
        (usual() + "BROKER_URL = 'sqs://user:secret@'", "BROKER_URL: nothing here talks to such a broker"),
        (usual() + "INOTIFIER_DAEMON_STDOUT = [1]", "INOTIFIER_DAEMON_STDOUT is a list"),
    ] {
        let exists = |path: &Path| path != Path::new("/missing");
        let error = settings_with(&text, Some(&exists)).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}:\n{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn what_may_send_tasks_past_the_workers_is_said() {
    let text = usual()
        + "BROKER_TRANSPORT_OPTIONS = {}\nBROKER_TRANSPORT_OPTIONS['global_keyprefix'] = 'p:'\nCELERY_ROUTES = {'a': {'queue': 'b'}}\n";
    let warnings = planned(&text, &Options::default()).warnings.join("\n");
    assert!(warnings.contains("BROKER_TRANSPORT_OPTIONS is not known, so nothing"), "{warnings}");
    assert!(warnings.contains("CELERY_ROUTES is not looked at"), "{warnings}");
}

#[test]
fn logs_and_pid_file_are_where_they_were() {
    let text = usual()
        + "import os\nBASE_DIR = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))\nLOG_DIR = os.path.join(BASE_DIR,'logs')\nINOTIFIER_DAEMON_STDOUT = os.path.join(LOG_DIR,'watcher.out')\n";
    let read = settings(&text);
    assert_eq!(read.pid_file, Path::new("/srv/sendit/watcher.pid"));
    assert_eq!(
        (read.log_out.as_deref(), read.log_err),
        (Some(Path::new("/srv/sendit/logs/watcher.out")), None)
    );
    assert_eq!(settings(&usual()).pid_file, std::env::temp_dir().join("watcher.pid"));
    let looped = settings(&(usual() + "INOTIFIER_DAEMON_STDERR = '/data/watcher.err'\n"));
    let around = Around { working: Path::new("/here"), beside: Path::new("/srv/logs") };
    let error = plan(&looped, &Options::default(), around).unwrap_err().to_string();
    assert!(error.contains("/data/watcher.err lies in a watched directory"), "{error}");
}

#[test]
fn what_is_planned_can_be_written_down_and_read_again() {
    let text = watching(&[
        ("/a", "ALL_EVENTS", "DicomCelery"),
        ("/b", "IN_CREATE", "AllEventsPrinter"),
        ("/c", "ALL_EVENTS", "CreateSignaler"),
        ("/d", "ALL_EVENTS", "CreateViaChunksSignaler"),
    ]);
    for options in [Options::default(), Options { strict: true, existing: true, ..Options::default() }] {
        let mut planned = planned(&text, &options);
        let written = config::to_toml(&planned.plan);
        let read = config::parse_str("t", &written, &|_| None)
            .unwrap_or_else(|error| panic!("{written}\n{error:?}"));
        planned.plan.watch_config = read.plan.watch_config;
        assert_eq!(read.plan, planned.plan, "{written}");
        assert!(read.warnings.is_empty(), "{:?}\n{written}", read.warnings);
    }
}
