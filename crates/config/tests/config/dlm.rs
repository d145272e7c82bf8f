//! A sink of the SKA DLM services: what can be said of it, and that it survives being printed.

use std::path::Path;
use std::time::Duration;

use config::{DlmDialect, DlmPlace, DlmSink, Format, Plan, Secret, SinkKind, SinkPlan, parse_str, to_toml};

use crate::{SOURCE, good};

fn sink(keys: &str) -> (SinkPlan, DlmSink) {
    let text = format!("{SOURCE}[sink.d]\ntype = 'dlm'\nstorage = 'watcher'\n{keys}");
    let loaded = good(&text);
    assert_eq!(loaded.warnings, [], "{text}");
    let [sink] = loaded.plan.sinks.try_into().expect("one sink");
    let SinkKind::Dlm(dlm) = sink.kind.clone() else { panic!("{sink:?}") };
    (sink, *dlm)
}

fn dlm(keys: &str) -> DlmSink {
    sink(keys).1
}

#[test]
fn the_least_has_the_originals_defaults() {
    let (sink, dlm) = sink("");
    assert_eq!((sink.max_attempts, sink.timeout, sink.kind.name()), (0, Duration::from_mins(1), "dlm"));
    let storage = Some("watcher".into());
    assert_eq!(dlm, DlmSink { storage, root: dlm.root.clone(), ..DlmSink::default() });
    let urls = [&dlm.ingest_url, &dlm.request_url, &dlm.storage_url, &dlm.migration_url];
    let originals = [("ingest", 8001), ("request", 8002), ("storage", 8003), ("migration", 8004)];
    assert_eq!(urls, originals.map(|(name, port)| format!("http://dlm_{name}:{port}")).each_ref());
    assert_eq!(dlm.target.as_deref(), Some("dlm-archive"));
    assert_eq!((dlm.authorized_keys, dlm.status_file, dlm.token), (None, None, None));
    assert_eq!((dlm.dialect, dlm.parallel), (DlmDialect::Main, 8));
    assert!(dlm.access_check && dlm.follow_copies && !dlm.strict && !dlm.reload_status_file);
    let place = ["ska-dlm", "SKA-DEV", "local-dev", "AU", "Perth", "local"].map(str::to_owned);
    let [user, location, location_type, country, city, facility] = place;
    let place = DlmPlace { host: None, user, location, location_type, country, city, facility };
    assert_eq!(dlm.place, place);
}

#[test]
fn everything_can_be_said() {
    let (sink, dlm) = sink(
        "ingest_url = 'https://i/a'\nrequest_url = 'https://r'\nstorage_url = 'https://s:1'\n\
         migration_url = 'https://[::1]:4'\ntarget = 'second'\nroot = '/data'\ndialect = '2.1'\nstrict = true\n\
         access_check = false\nhost = '${HOST}'\nuser = 'u'\nlocation = 'l'\nlocation_type = 't'\ncountry = 'c'\n\
         city = 'x'\nfacility = 'f'\nauthorized_keys = '/k'\nfollow_copies = false\nparallel = 64\n\
         status_file = '/run/status.json'\nreload_status_file = true\ntoken = '${SECRET}'\nca_file = '/ca'\n\
         max_attempts = 3\ntimeout = '5s'\n",
    );
    assert_eq!((sink.max_attempts, sink.timeout), (3, Duration::from_secs(5)));
    let [host, user, location, location_type, country, city, facility] =
        ["redis.example", "u", "l", "t", "c", "x", "f"].map(str::to_owned);
    let expected = DlmSink {
        ingest_url: "https://i/a".into(),
        request_url: "https://r".into(),
        storage_url: "https://s:1".into(),
        migration_url: "https://[::1]:4".into(),
        storage: Some("watcher".into()),
        target: Some("second".into()),
        root: Some("/data".into()),
        dialect: DlmDialect::V21,
        strict: true,
        access_check: false,
        place: DlmPlace { host: Some(host), user, location, location_type, country, city, facility },
        authorized_keys: Some("/k".into()),
        follow_copies: false,
        parallel: 64,
        status_file: Some("/run/status.json".into()),
        reload_status_file: true,
        token: Some(Secret::new("hunter2")),
        ca_file: Some("/ca".into()),
    };
    assert_eq!(dlm, expected);
}

#[test]
fn one_gateway_stands_for_the_services_that_are_not_named() {
    let dlm = self::dlm("url = 'https://gateway.example/dlm'\nrequest_url = 'http://r'");
    let gateway = "https://gateway.example/dlm";
    let urls = [&dlm.ingest_url, &dlm.request_url, &dlm.storage_url, &dlm.migration_url];
    assert_eq!(urls, [gateway, "http://r", gateway, gateway]);
}

#[test]
fn registration_only() {
    assert_eq!(dlm("register_only = true").target, None);
    assert_eq!(dlm("register_only = false").target.as_deref(), Some("dlm-archive"));
    assert_eq!(dlm("register_only = false\ntarget = 't'").target.as_deref(), Some("t"));
}

#[test]
fn the_token_can_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "hunter2\n").unwrap();
    let dlm = self::dlm(&format!("url = 'https://g'\ntoken_file = '{}'", file.display()));
    assert_eq!(dlm.token.as_ref().map(Secret::expose), Some("hunter2"));
    assert!(!format!("{dlm:?}").contains("hunter2"));
}

#[test]
fn the_root_is_kept_byte_for_byte() {
    let root = dlm("root = '/./data/'").root.unwrap();
    assert_eq!(root.as_os_str(), "/./data/");
}

/// The services make a storage with it, so it must be known before the first product comes.
#[test]
fn without_a_root_it_is_the_path_of_the_source_that_delivers() {
    let root = |text: &str| {
        let sink = good(&format!("{text}[sink.d]\ntype = 'dlm'\nstorage = 's'\n")).plan.sinks.pop();
        let SinkKind::Dlm(dlm) = sink.expect("one sink").kind else { panic!("no dlm sink") };
        dlm.root
    };
    assert_eq!(root("[source.a]\npath = '/data/a'\n"), Some("/data/a".into()));
    let other = "[source.a]\npath = '/srv'\n[[source.a.rule]]\nto = ['q']\n[sink.q]\ntype = 'queue'\n[source.b]\n\
                 path = '/data/b'\n[[source.b.rule]]\nto = ['d']\n";
    assert_eq!(root(other), Some("/data/b".into()));
}

#[test]
fn a_sink_takes_products_and_nothing_else() {
    let (sink, _) = sink("");
    assert!(sink.format.tells_events_apart() && !sink.tells_events_apart());
    let plain = SinkPlan { kind: SinkKind::Stdout, ..sink };
    assert!(plain.tells_events_apart());
    assert!(!SinkPlan { format: Format::Path, ..plain }.tells_events_apart());
}

/// Sources at or below the root, or of one path.
#[test]
fn sources_that_have_a_root_in_common() {
    let sources = |a: &str, b: &str| format!("[source.a]\npath = '{a}'\n[source.b]\npath = '{b}'\n");
    let sink = "[sink.d]\ntype = 'dlm'\nstorage = 's'\n";
    for (a, b, root) in [
        ("/data", "/data", ""),
        ("/data", "/data/.", ""),
        ("/data", "/data/", "root = '/data'"),
        ("/data", "/data/x/../y", "root = '/data/'"),
        ("/data/a", "/srv", "root = '/'"),
        ("/data/a", "/data/b", "root = '/none/../data'"),
    ] {
        assert_eq!(good(&format!("{}{sink}{root}", sources(a, b))).warnings, [], "{a} {b} {root}");
    }
    // One that does not deliver there may lie anywhere.
    let other = "[[source.b.rule]]\nto = ['q']\n[sink.q]\ntype = 'queue'\n";
    assert_eq!(good(&format!("{}{other}{sink}", sources("/data", "/srv"))).warnings, []);
}

#[track_caller]
fn survives(plan: &Plan) -> String {
    let text = to_toml(plan);
    let loaded =
        parse_str("printed.toml", &text, &|_| None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(format!("{:#?}", loaded.plan), format!("{plan:#?}"), "\n{text}");
    assert!(loaded.plan == *plan, "{text}");
    text
}

fn plan(dlm: DlmSink) -> Plan {
    let mut plan = good(&format!("{SOURCE}[sink.d]\ntype = 'dlm'\nstorage = 's'")).plan;
    let root = dlm.root.clone().or_else(|| Some(plan.sources[0].path.clone()));
    plan.sinks[0].kind = SinkKind::Dlm(Box::new(DlmSink { root, ..dlm }));
    plan
}

#[test]
fn the_least_is_printed_in_few_words() {
    let text = survives(&plan(DlmSink { storage: Some("s".into()), ..DlmSink::default() }));
    let (_, sink) = text.split_once("[sink.d]\n").expect("the sink");
    let keys: Vec<&str> = sink.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(keys, ["type = \"dlm\"", "storage = \"s\"", "root = \"/data\""]);
}

/// A failing number is a sink that fails each time.
#[test]
fn every_sink_survives() {
    for seed in 0..500u64 {
        let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
        let mut often = || {
            bits = bits.rotate_left(7).wrapping_mul(0x2545_f491_4f6c_dd1d);
            bits >> 40 & 1 == 1
        };
        let text = ["x", "\u{e9} ${HOME} \"q\" 'a' \\"];
        let mut some = |usual: &str| match (often(), often()) {
            (true, _) => usual.to_owned(),
            (false, long) => text[usize::from(long)].to_owned(),
        };
        let usual = DlmSink::default();
        let place = DlmPlace {
            host: Some(some("h")).filter(|_| seed % 3 > 0),
            user: some(&usual.place.user),
            location: some(&usual.place.location),
            location_type: some(&usual.place.location_type),
            country: some(&usual.place.country),
            city: some(&usual.place.city),
            facility: some(&usual.place.facility),
        };
        let (storage, target) = (some("s"), some("dlm-archive"));
        let mut url = |usual: String| if often() { usual } else { "https://g/p/".to_owned() };
        let mut dlm = DlmSink {
            ingest_url: url(usual.ingest_url),
            request_url: url(usual.request_url),
            storage_url: url(usual.storage_url),
            migration_url: "https://g/p/".into(),
            storage: Some(storage),
            target: Some(target).filter(|_| often()),
            root: often().then(|| Path::new("/data/").to_owned()),
            dialect: [DlmDialect::Main, DlmDialect::V20, DlmDialect::V21][(seed % 3) as usize],
            strict: often(),
            access_check: often(),
            place,
            authorized_keys: often().then(|| "/home/\u{e9}/.ssh/authorized_keys".into()),
            follow_copies: often(),
            parallel: if often() { 8 } else { 1 + (seed % 64) as u16 },
            status_file: often().then(|| "/tmp/dlm_entires.json".into()),
            reload_status_file: false,
            token: None,
            ca_file: often().then(|| "/ca".into()),
        };
        dlm.reload_status_file = dlm.status_file.is_some() && often();
        let mut plan = plan(dlm);
        if often() {
            plan.sinks[0].timeout = Duration::from_secs(10);
            plan.sinks[0].max_attempts = 5;
        }
        survives(&plan);
    }
}

#[test]
fn what_cannot_be_printed_is_asked_for() {
    let with = |token: Option<Secret>, storage: Option<String>| {
        let ingest_url = "https://g".to_owned();
        to_toml(&plan(DlmSink { ingest_url, token, storage, ..DlmSink::default() }))
    };
    let text = with(Some(Secret::new("hunter2")), Some("s".into()));
    assert!(!text.contains("hunter2") && text.contains("token_file = \"/etc/staithe/d.token\""), "{text}");
    let text = with(None, None);
    let found = crate::bad(&text);
    assert!(text.contains("No storage was named") && found.len() == 1, "{text}\n{found:?}");
    assert!(found[0].message.contains("`storage` is empty"), "{}", found[0]);
}
