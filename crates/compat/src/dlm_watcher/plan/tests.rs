use super::*;

fn planned(args: &Args, environment: &[(&str, &str)]) -> Planned {
    let environment: Environment = environment.iter().copied().collect();
    plan(args, Around { environment: &environment, absolute: Path::new("/w"), existing: &[], token: None })
}

fn watched() -> Args {
    Args { directory: "w/".into(), source: Some("dir-watcher".into()), ..Args::default() }
}

fn dlm_of(args: &Args, environment: &[(&str, &str)]) -> DlmSink {
    let mut environment = environment.to_vec();
    environment.push(("HOME", "/root"));
    let planned = planned(args, &environment);
    let [sink] = planned.plan.sinks.as_slice() else { panic!() };
    assert_eq!((sink.timeout, sink.max_attempts), (Duration::from_mins(1), 0));
    let SinkKind::Dlm(dlm) = &sink.kind else { panic!("{sink:?}") };
    (**dlm).clone()
}

#[test]
fn one_source_and_one_sink() {
    let Planned { plan, warnings } = planned(&watched(), &[("HOME", "/h")]);
    let [source] = plan.sources.as_slice() else { panic!() };
    assert_eq!((source.name.as_str(), source.path.as_os_str()), ("products", "w/".as_ref()));
    assert!(source.recursive && source.follow_symlinks && source.rules.temp_names.is_empty());
    assert_eq!((source.initial, source.announce), (Initial::Adopt, Announce::Generations));
    assert_eq!((source.backend, warnings.len()), (Backend::Auto, 0));
    let existing = planned(&Args { include_existing: true, ..watched() }, &[("HOME", "/h")]);
    assert_eq!(existing.plan.sources[0].initial, Initial::Deliver);
}

/// A12, A13: the storage's root is what was typed.
#[test]
fn the_sink_has_what_was_typed() {
    let args = Args {
        target: "second".into(),
        ingest_url: "http://i/".into(),
        host: Some("h".into()),
        skip_access_check: true,
        ..watched()
    };
    let dlm = dlm_of(&args, &[]);
    assert_eq!(dlm.root.unwrap().as_os_str(), "w/");
    assert_eq!((dlm.storage.as_deref(), dlm.target.as_deref()), (Some("dir-watcher"), Some("second")));
    assert_eq!((dlm.ingest_url.as_str(), dlm.request_url.as_str()), ("http://i/", "http://dlm_request:8002"));
    assert!(!dlm.access_check && dlm.follow_copies && !dlm.reload_status_file);
    assert_eq!(dlm.place, DlmPlace { host: Some("h".into()), ..DlmPlace::default() });
    assert_eq!(dlm.authorized_keys, Some("/root/.ssh/authorized_keys".into()));
    assert_eq!(dlm_of(&Args { register_only: true, ..watched() }, &[]).target, None);
}

/// X09.
#[test]
fn the_place_comes_from_the_environment() {
    let environment = [
        ("USER", "someone"),
        ("LOCATION_NAME", "SKA-low"),
        ("LOCATION_TYPE", "low-operations"),
        ("LOCATION_COUNTRY", "ZA"),
        ("LOCATION_CITY", "Geraldton"),
        ("LOCATION_FACILITY", ""),
        ("WATCHER_HOSTNAME", "ignored: the flag has a default"),
        ("SOURCE_NAME", "ignored"),
    ];
    let dlm = dlm_of(&watched(), &environment);
    let place = DlmPlace {
        host: None,
        user: "someone".into(),
        location: "SKA-low".into(),
        location_type: "low-operations".into(),
        country: "ZA".into(),
        city: "Geraldton".into(),
        facility: String::new(),
    };
    assert_eq!((dlm.place, dlm.storage.as_deref()), (place, Some("dir-watcher")));
}

#[test]
fn strict_does_one_thing_after_the_other() {
    let dlm = dlm_of(&Args { strict: true, ..watched() }, &[]);
    assert_eq!((dlm.strict, dlm.follow_copies, dlm.parallel), (true, false, 1));
}

#[test]
fn polling_in_two_ways() {
    let polls = |args: &Args, value: &str| {
        let planned = planned(args, &[("WATCHFILES_FORCE_POLLING", value)]);
        let source = &planned.plan.sources[0];
        (source.backend, source.poll_interval)
    };
    let args = Args { polling: true, ..watched() };
    assert_eq!(polls(&args, ""), (Backend::Poll, Duration::from_secs(1)));
    assert_eq!(polls(&args, "1"), (Backend::Poll, Duration::from_secs(1)));
    for yes in ["1", "true", "0", "no"] {
        assert_eq!(polls(&watched(), yes), (Backend::Poll, Duration::from_millis(300)), "{yes}");
    }
    for no in ["", "false", "Disable", "DISABLED"] {
        assert_eq!(polls(&watched(), no).0, Backend::Auto, "{no}");
    }
    let forced = planned(&watched(), &[("WATCHFILES_FORCE_POLLING", "1")]);
    let names = |plan: &Plan| plan.sources[0].rules.rules[1].exclude.len();
    assert_eq!(names(&forced.plan), names(&planned(&watched(), &[]).plan), "the library's filter stays");
}

#[test]
fn the_status_file() {
    let at = |args: &Args| dlm_of(args, &[]).status_file;
    assert_eq!(at(&watched()), Some("/tmp/dlm_entires.json".into()));
    let named = Args { use_status_file: true, status_file_name: "s".into(), ..watched() };
    assert_eq!(at(&named), Some("/tmp/dlm_entires.json".into()), "no effect in newer versions [O07]");
    let old = Args { dialect: DlmDialect::V20, ..named };
    assert_eq!(at(&old), Some("w/s".into()));
    assert_eq!(at(&Args { use_status_file: false, ..old }), None);
    assert!(dlm_of(&Args { reload_status_file: true, ..watched() }, &[]).reload_status_file);
}

#[test]
fn a_root_above_the_watched_directory() {
    let with = |directory: &str, root: &str| {
        let args = Args { directory: directory.into(), source_root: Some(root.into()), ..watched() };
        let planned = planned(&args, &[("HOME", "/h")]);
        (dlm_of(&args, &[]).root.unwrap(), planned.warnings.len())
    };
    assert_eq!(with("/data/w", "/data"), ("/data".into(), 0));
    assert_eq!(with("/data/w", "/data/w/"), ("/data/w/".into(), 0));
    assert_eq!(with("/data/w", "/elsewhere"), ("/data/w".into(), 1));
}

#[test]
fn what_has_no_effect_is_said() {
    let said = planned(&Args { without_effect: vec!["x".into()], dry_run: true, ..watched() }, &[]);
    assert_eq!(said.warnings[0], "x");
    assert!(said.warnings[1].starts_with("nothing is sent") && said.warnings.len() == 2);
    assert!(matches!(said.plan.sinks[0].kind, SinkKind::Queue(_)));
    let homeless = planned(&watched(), &[]);
    assert!(homeless.warnings[0].starts_with("HOME is not set"), "{:?}", homeless.warnings);
}

#[test]
fn a_gateway_gets_its_token_and_its_certificates_are_read() {
    let secret = Secret::new("hunter2");
    let environment: Environment = [("HOME", "/h")].into_iter().collect();
    let planned = |args: &Args| {
        let (absolute, existing) = (Path::new("/w"), &[][..]);
        plan(args, Around { environment: &environment, absolute, existing, token: Some(&secret) })
    };
    let https = || "https://gateway".to_owned();
    let given = Args { token_file: Some("/t".into()), ca_file: Some("/ca".into()), ..watched() };
    let all = Args {
        ingest_url: https(),
        request_url: https(),
        storage_url: https(),
        migration_url: https(),
        ..given.clone()
    };
    let one = Args { ingest_url: https(), ..given.clone() };
    for (args, ca_file, warnings) in [(all, true, 0), (one, true, 1), (given, false, 2)] {
        let planned = planned(&args);
        let SinkKind::Dlm(dlm) = &planned.plan.sinks[0].kind else { panic!("{planned:?}") };
        assert_eq!(dlm.token.as_ref(), Some(&secret));
        assert_eq!(dlm.ca_file.is_some(), ca_file);
        assert_eq!(planned.warnings.len(), warnings, "{:?}", planned.warnings);
        assert!(!format!("{planned:?}").contains("hunter2"));
    }
}
