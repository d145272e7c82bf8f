use super::*;

fn run(words: &[&str]) -> Parsed {
    run_in(words, &[])
}

fn run_in(words: &[&str], environment: &[(&str, &str)]) -> Parsed {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    parse(&words, &environment.iter().copied().collect())
}

/// With the one flag that is required.
fn args(words: &[&str]) -> Args {
    match run(&[&["-d", "/w"], words].concat()) {
        Parsed::Run(args) => *args,
        Parsed::Exit { stderr, .. } => panic!("{words:?}: {stderr}"),
    }
}

fn error(words: &[&str]) -> String {
    error_in(words, &[])
}

fn error_in(words: &[&str], environment: &[(&str, &str)]) -> String {
    match run_in(words, environment) {
        Parsed::Exit { stderr, stdout, status: 2 } if stdout.is_empty() => {
            assert!(stderr.starts_with("usage: dlm-directory-watcher [-h] [-s SOURCE_NAME] -d "), "{stderr}");
            stderr.lines().last().unwrap().strip_prefix("dlm-directory-watcher: error: ").unwrap().to_owned()
        }
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn the_required_flag_in_all_ways() {
    for words in [
        &["-d", "x/"][..],
        &["-dx/"],
        &["-d=x/"],
        &["--directory-to-watch", "x/"],
        &["--directory_to_watch=x/"],
        &["--dire", "x/"],
        &["-d", "other", "--directory-to-watch=x/"],
    ] {
        let Parsed::Run(args) = run(words) else { panic!("{words:?}") };
        assert_eq!(*args, Args { directory: "x/".into(), ..Args::default() }, "{words:?}");
    }
    let required = "the following arguments are required: -d/--directory-to-watch";
    assert_eq!(error(&[]), required);
    assert_eq!(error(&["-d", ""]), "argument -d/--directory-to-watch: an empty name is no directory");
    assert_eq!(error(&["--nonsense"]), required, "what is required comes before what is unknown");
}

#[test]
fn the_defaults_are_the_originals() {
    let args = args(&[]);
    assert_eq!((args.source.as_deref(), args.target.as_str()), (None, "dlm-archive"));
    assert_eq!(args.ingest_url, "http://dlm_ingest:8001");
    assert_eq!(args.request_url, "http://dlm_request:8002");
    assert_eq!(args.storage_url, "http://dlm_storage:8003");
    assert_eq!(args.migration_url, "http://dlm_migration:8004");
    assert_eq!(args.readiness_file, Some("/tmp/dlm-client-ready".into()));
    assert_eq!((args.wait_time, args.dialect), (None, DlmDialect::Main));
    assert!(!args.include_existing && !args.strict && args.without_effect.is_empty());
}

#[test]
fn values_are_taken_as_they_are() {
    let words = ["-s", "dir-watcher", "-t=second", "--ingest-url", "http://i/", "--request_url=http://r"];
    let more = ["--storage-url", "http://s", "--migration_url", "http://m", "--watcher-hostname", "h"];
    let args = args(&[&words[..], &more].concat());
    assert_eq!((args.source.as_deref(), args.target.as_str()), (Some("dir-watcher"), "second"));
    assert_eq!((args.ingest_url.as_str(), args.request_url.as_str()), ("http://i/", "http://r"));
    assert_eq!((args.storage_url.as_str(), args.migration_url.as_str()), ("http://s", "http://m"));
    assert_eq!(args.host.as_deref(), Some("h"));
}

#[test]
fn an_empty_readiness_file_is_none() {
    assert_eq!(args(&["--readiness-probe-file", ""]).readiness_file, None);
    assert_eq!(args(&["--readiness-probe-file="]).readiness_file, None);
    assert_eq!(args(&["--readiness_probe_file=/r"]).readiness_file, Some("/r".into()));
}

/// O02, O04, O05: any text is a yes; the dashed spelling without a value, which the original refuses, too.
#[test]
fn truth_flags_with_and_without_a_value_in_both_spellings() {
    type Get = fn(&Args) -> bool;
    let flags: [(&str, Get); 4] = [
        ("use-status-file", |args| args.use_status_file),
        ("reload-status-file", |args| args.reload_status_file),
        ("skip-rclone-access-check-on-register", |args| args.skip_access_check),
        ("use-polling-watcher", |args| args.polling),
    ];
    for (dashed, get) in flags {
        assert!(!get(&args(&[])), "{dashed}");
        for flag in [format!("--{dashed}"), format!("--{}", dashed.replace('-', "_"))] {
            let flag = flag.as_str();
            for yes in ["True", "true", "False", "0", "no", " "] {
                assert!(get(&args(&[flag, yes])), "{flag} {yes}");
                assert!(get(&args(&[&format!("{flag}={yes}")])), "{flag}={yes}");
            }
            assert!(!get(&args(&[flag, ""])), "{flag} ''");
            assert!(!get(&args(&[&format!("{flag}=")])), "{flag}=");
            assert!(get(&args(&[flag])), "{flag}");
            let before_another = args(&[flag, "--include-existing", "-s", "n"]);
            assert!(get(&before_another) && before_another.include_existing, "{flag}");
            let no = flag.replacen("--", if flag.contains('_') { "--no_" } else { "--no-" }, 1);
            assert!(!get(&args(&[flag, &no])) && get(&args(&[&no, flag])), "{no}");
        }
    }
}

#[test]
fn the_flags_of_2_0() {
    let words =
        ["--dlm-compat", "2.0", "-n", "src", "-r", "/root", "-i", "http://i", "-m", "http://m", "-t", "tgt"];
    let old = args(&[&words[..], &["--target-root", "/t", "--status-file-filename", "st.json"]].concat());
    assert_eq!((old.source.as_deref(), old.target.as_str()), (Some("src"), "tgt"));
    assert_eq!((old.ingest_url.as_str(), old.migration_url.as_str()), ("http://i", "http://m"));
    assert_eq!((old.source_root, old.dialect), (Some("/root".into()), DlmDialect::V20));
    assert_eq!(old.status_file_name, "st.json");
    assert_eq!(old.without_effect, [TARGET_ROOT]);
    assert!(args(&["--register-contents-of-watch-directory"]).include_existing);
    assert!(!args(&["--include-existing", "--no-register-contents-of-watch-directory"]).include_existing);
    let dry = args(&["--dev-test-mode", "--do-not-perform-actual-ingest-and-migration"]);
    assert!(dry.dry_run && dry.without_effect.is_empty());
    assert_eq!(args(&["--dev-test-mode"]).without_effect, ["--dev-test-mode alone has no effect"]);
}

#[test]
fn a_beginning_that_was_unique_in_its_version_stays_unique() {
    assert_eq!(args(&["--source", "n"]).source.as_deref(), Some("n"));
    assert_eq!(args(&["--sour=n"]).source.as_deref(), Some("n"));
    assert_eq!(args(&["--so", "n"]).source.as_deref(), Some("n"));
    assert_eq!(args(&["--target", "n"]).target, "n");
    assert_eq!(args(&["--rea", "f", "--req", "u"]).request_url, "u");
    assert!(args(&["--reload"]).reload_status_file && args(&["--skip_rc", "1"]).skip_access_check);
    assert!(args(&["--dlm-s", "--register-o"]).strict);
    let in_2_0 = error(&["-d", "w", "--dlm-compat=2.0", "--source", "n"]);
    assert_eq!(in_2_0, "ambiguous option: --source could match --source-name, --source-root");
    let s = "ambiguous option: --s could match --source-name, --storage-url, --skip-rclone-access-check-on-register, \
             --status-file-filename";
    assert_eq!(error(&["-d", "w", "--s", "x"]), s);
    assert_eq!(
        error(&["--d", "w"]),
        "ambiguous option: --d could match --directory-to-watch, --dir-updates-wait-time"
    );
}

#[test]
fn own_flags() {
    let own =
        args(&["--dlm-compat=2.1", "--dlm-strict", "--register_only", "--state-dir", "s", "--socket=k"]);
    assert_eq!((own.dialect, own.strict, own.register_only), (DlmDialect::V21, true, true));
    assert_eq!((own.state_dir, own.socket), (Some("s".into()), Some("k".into())));
    let gateway = args(&["--token_file", "t", "--ca-file=c"]);
    assert_eq!((gateway.token_file, gateway.ca_file), (Some("t".into()), Some("c".into())));
    assert_eq!(args(&["--token-file=", "--ca-file", ""]).token_file, None);
    let wrong = "argument --dlm-compat: invalid choice: '3' (choose from '2.0', '2.1', 'main')";
    assert_eq!(error(&["-d", "w", "--dlm-compat", "3"]), wrong);
}

/// O03, and what its variant with a text gives.
#[test]
fn expirations_are_checked_and_not_used() {
    let both = args(&["--uid-expiration-days", "7", "--oid_expiration_days= 1_000 "]);
    assert_eq!(both.without_effect.len(), 2);
    assert!(both.without_effect[0].starts_with("uid expiration of 7 days: not sent"), "{both:?}");
    assert_eq!(
        error(&["-d", "w", "--uid-expiration-days", "x"]),
        "argument --uid-expiration-days: invalid int value: 'x'"
    );
    for wrong in ["", "1.5", "_1", "1__0", "+", "one"] {
        let said = format!("argument --oid-expiration-days: invalid int value: '{wrong}'");
        assert_eq!(error_in(&["-d", "w"], &[("OID_EXPIRATION_DAYS", wrong)]), said);
    }
    let flag_first = run_in(&["-d", "w", "--oid-expiration-days=-3"], &[("OID_EXPIRATION_DAYS", "x")]);
    assert!(matches!(flag_first, Parsed::Run(_)));
    let from_variable = run_in(&["-d", "w"], &[("UID_EXPIRATION_DAYS", "30")]);
    assert!(matches!(from_variable, Parsed::Run(args) if args.without_effect.len() == 1));
    let before_required = error_in(&[], &[("UID_EXPIRATION_DAYS", "x")]);
    assert_eq!(before_required, "argument --uid-expiration-days: invalid int value: 'x'");
}

/// O06: the flag means what it is called.
#[test]
fn the_wait_time_is_a_number_of_seconds() {
    let wait = |text: &str| args(&["--dir-updates-wait-time", text]).wait_time;
    assert_eq!(wait("10"), Some(Duration::from_secs(10)));
    assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
    assert_eq!(wait("-1"), Some(Duration::ZERO));
    assert_eq!(wait("1e300"), Some(LONGEST_WAIT));
    for wrong in ["", "soon", "nan", "inf"] {
        let said = format!("argument --dir-updates-wait-time: invalid number: '{wrong}'");
        assert_eq!(error(&["-d", "w", "--dir-updates-wait-time", wrong]), said);
    }
}

/// O09 and the like.
#[test]
fn usage_errors() {
    assert_eq!(error(&["-d", "w", "--nonsense", "x", "y"]), "unrecognized arguments: --nonsense x y");
    assert_eq!(error(&["-d", "w", "--include-existing", "True"]), "unrecognized arguments: True");
    assert_eq!(
        error(&["-d", "w", "--include-existing=True"]),
        "argument --include-existing: ignored explicit argument 'True'"
    );
    assert_eq!(
        error(&["-d", "w", "--no-use-polling-watcher=1"]),
        "argument --no-use-polling-watcher: ignored explicit argument '1'"
    );
    assert_eq!(error(&["-d"]), "argument -d/--directory-to-watch: expected one argument");
    assert_eq!(error(&["-d", "-s"]), "argument -d/--directory-to-watch: expected one argument");
    assert_eq!(error(&["-d", "w", "-s", "--ingest-url"]), "argument -s/--source-name: expected one argument");
    assert_eq!(error(&["-d", "w", "--", "-s"]), "unrecognized arguments: -s");
    assert_eq!(error(&["-dw", "-x"]), "unrecognized arguments: -x");
    assert_eq!(error(&["--help=x"]), "argument -h/--help: ignored explicit argument 'x'");
    assert_eq!(args(&["-s", "-1"]).source.as_deref(), Some("-1"), "looks like a number");
}

#[test]
fn help_goes_to_standard_output() {
    for word in ["-h", "--help", "--he", "-hd"] {
        let Parsed::Exit { stdout, stderr, status } = run(&[word, "nonsense"]) else { panic!() };
        assert!(stdout.contains("--directory-to-watch DIR") && stderr.is_empty() && status == 0, "{word}");
    }
}
