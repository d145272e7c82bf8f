//! Scenarios 1 to 5, 35, 39 and 45: start-up requests, and flags that change requests.

use serde_json::json;
use testkit::dlm::Dlm;
use testkit::wait_until;

use crate::exact::{all, copy, init_on, qry, reg, reg_child, top};
use crate::stage::{PATIENCE, Stage};

/// The remote that the services' rclone is told.
fn sftp(user: &str) -> String {
    format!(
        r#"{{"name": "dir-watcher", "type": "sftp", "parameters": {{"host": "here", "key_file": "/root/.ssh/id_rsa", "shell_type": "unix", "type": "sftp", "user": "{user}"}}}}"#
    )
}

fn init_storage(stage: &Stage, location: &str, name: &str) -> String {
    format!(
        "POST /storage/init_storage?storage_name=dir-watcher&storage_type=filesystem&root_directory={}\
         &storage_interface=posix&location_id={location}&location_name={name}&storage_phase=GAS",
        stage.watched().display()
    )
}

fn first_start(stage: &Stage, location: &str) -> Vec<String> {
    vec![
        "GET /storage/query_location?location_name=SKA-DEV".into(),
        "GET /storage/get_ssh_public_key".into(),
        "GET /storage/query_storage?storage_name=dir-watcher".into(),
        init_storage(stage, location, "SKA-DEV"),
        "GET /storage/get_storage_config?storage_id=<@dir-watcher>".into(),
        format!(
            "POST /storage/create_storage_config?storage_id=<@dir-watcher>&storage_name=dir-watcher&config_type=rclone {}",
            sftp("root")
        ),
        "GET /storage/query_storage?storage_name=dlm-archive".into(),
    ]
}

/// Of a double that knows the target, and the location's id.
fn knowing() -> (Stage, String) {
    let dlm = Dlm::start();
    let location = dlm.add_location("SKA-DEV");
    dlm.add_storage("dlm-archive", "/dlm-archive", "SOLID");
    (Stage::with(dlm), location)
}

#[test]
fn s01_a_first_start_makes_the_source_storage() {
    let (stage, location) = knowing();
    let mut watcher = stage.start_ready(&[]);
    assert_eq!(stage.opening(), first_start(&stage, &location));
    assert_eq!(watcher.terminate(), Some(0));
    let keys = std::fs::read_to_string(stage.home().join(".ssh/authorized_keys")).expect("the key was added");
    assert!(keys.starts_with("\nssh-") && keys.ends_with('\n'), "{keys}");
}

#[test]
fn s02_a_second_start_configures_the_storage_that_is_there() {
    let (stage, location) = knowing();
    let mut watcher = stage.start_ready(&[]);
    assert_eq!(watcher.terminate(), Some(0));
    let keys = || std::fs::read_to_string(stage.home().join(".ssh/authorized_keys")).expect("it is there");
    let (first, before) = (stage.opening(), keys());
    assert_eq!(first, first_start(&stage, &location));
    let mut watcher = stage.start_ready(&[]);
    let second = stage.opening().split_off(first.len());
    let mut wanted = first_start(&stage, &location);
    wanted.remove(3);
    wanted[4] = format!("POST /storage/rclone_config {}", sftp("root"));
    assert_eq!(second, wanted);
    // The original adds the key at each start.
    assert_eq!(keys(), before);
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: exit 1 when the target storage is not known [A04].
#[test]
fn s03_an_empty_database_gets_a_location_and_the_target_is_waited_for() {
    let stage = Stage::with(Dlm::start());
    let mut watcher = stage.start(&[]);
    let asked = "GET /storage/query_storage?storage_name=dlm-archive";
    let count = || stage.opening().iter().filter(|line| *line == asked).count();
    wait_until(PATIENCE, "the target to be asked for again", || count() >= 2);
    assert!(!stage.is_ready() && watcher.is_running());
    let location = "POST /storage/init_location?location_name=SKA-DEV&location_type=local-dev&location_country=AU\
                    &location_city=Perth&location_facility=local";
    let lines = stage.opening();
    assert_eq!(
        (lines[0].as_str(), lines[1].as_str()),
        ("GET /storage/query_location?location_name=SKA-DEV", location)
    );
    assert_eq!(lines.iter().filter(|line| *line == location).count(), 1, "{lines:#?}");
    stage.move_in("early", &[]);
    stage.dlm.add_storage("dlm-archive", "/dlm-archive", "SOLID");
    stage.wait_ready();
    stage.wait_steps("early", &["REG early", "COPY early"]);
    let made = stage.dlm.requests_at("init_storage").len();
    assert_eq!((made, stage.dlm.locations().len(), watcher.terminate()), (1, 1, Some(0)));
}

/// The original: four attempts, then exit 1 [A05].
#[test]
fn s04_a_storage_service_that_refuses_is_waited_for() {
    let stage = Stage::new();
    stage.dlm.storage().stop();
    let mut watcher = stage.start(&[]);
    wait_until(PATIENCE, "the refusal in the log", || watcher.says("E-DLM-UNREACHED"));
    assert!(!stage.is_ready() && watcher.is_running());
    assert_eq!(stage.dlm.total(), 0);
    stage.dlm.storage().start();
    stage.wait_ready();
    assert_eq!(stage.dlm.count("init_storage"), 1);
    assert_eq!(watcher.terminate(), Some(0));
}

#[test]
fn s05_the_environment_says_where_and_who() {
    let stage = Stage::with(Dlm::start());
    let mut command = stage.command(&[]);
    command.env("LOCATION_NAME", "SKA-low").env("LOCATION_TYPE", "low-operations").env("USER", "someone");
    command.env("LOCATION_CITY", "Geraldton").env("LOCATION_FACILITY", "SRC");
    let mut watcher = stage.spawn(&mut command);
    stage.dlm.wait_until(PATIENCE, "the configuration", |dlm| dlm.answered("create_storage_config") == 1);
    let lines = stage.opening();
    assert_eq!(
        lines[..2],
        [
            "GET /storage/query_location?location_name=SKA-low",
            "POST /storage/init_location?location_name=SKA-low&location_type=low-operations&location_country=AU\
             &location_city=Geraldton&location_facility=SRC"
        ]
    );
    let made = stage.dlm.requests_at("init_storage");
    assert_eq!(made[0].param("location_name"), Some("SKA-low"));
    let location = made[0].param("location_id").expect("a storage is somewhere").to_owned();
    assert!(lines.contains(&init_storage(&stage, &location, "SKA-low")), "{lines:#?}");
    let configured = stage.dlm.requests_at("create_storage_config");
    assert_eq!(configured[0].text(), sftp("someone"));
    assert_eq!(watcher.terminate(), Some(0));
}

/// Every text but an empty one is a yes, also `False`; and the replacement takes both spellings, with and without a
/// value. (The original's own entrypoint writes a form that the original refuses.)
#[test]
fn s35_the_access_check_is_left_out_in_every_spelling() {
    let forms: [(&[&str], &str); 6] = [
        (&["--skip_rclone_access_check_on_register", "True"], "false"),
        (&["--skip_rclone_access_check_on_register", "False"], "false"),
        (&["--skip-rclone-access-check-on-register"], "false"),
        (&["--skip-rclone-access-check-on-register=True"], "false"),
        (&["--skip_rclone_access_check_on_register="], "true"),
        (&[], "true"),
    ];
    std::thread::scope(|scope| {
        for (words, check) in forms {
            scope.spawn(move || {
                let stage = Stage::new();
                let mut watcher = stage.start_ready(words);
                stage.move_in("dp", &[("a", "1")]);
                stage.wait_steps("dp", &["REG dp", "COPY dp", "REG dp/a", "QRY dp/a", "INIT dp/a"]);
                for sent in stage.dlm.requests_at("register_data_item") {
                    assert_eq!(sent.param("do_storage_access_check"), Some(check), "{words:?}");
                }
                assert_eq!(watcher.terminate(), Some(0));
            });
        }
    });
}

#[test]
fn s39_another_target_has_its_own_name_phase_and_no_expiration() {
    let stage = Stage::new();
    stage.dlm.add_storage("second", "/second", "LIQUID");
    let mut watcher = stage.start_ready(&["--target-name", "second"]);
    stage.move_in("dp", &[("a", "1"), ("b", "22"), ("c", "333")]);
    stage.wait_answered("init_data_item", 3);
    let row = |name: &str, size: usize| {
        vec![
            reg_child(name, size),
            qry(name),
            init_on(name, "file", &size.to_string(), ("second", "LIQUID"), "null"),
        ]
    };
    let mut dp = top("dp", "");
    dp[1] = dp[1].replace("destination_name=dlm-archive", "destination_name=second");
    assert_eq!(stage.lines("dp"), all([dp, row("dp/a", 1), row("dp/b", 2), row("dp/c", 3)]));
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original copies the first child a second time; that is kept for `--dlm-strict`.
#[test]
fn s45_as_client_2_1_the_target_row_is_a_second_registration() {
    const YAML: &str = "execution_block: eb-1\n";
    let on_source = |name: &str| reg(name, "file", "", "");
    let on_target = |name: &str| {
        format!(
            "POST /ingest/register_data_item?item_name={name}&uri={name}&item_type=file&storage_name=dlm-archive\
             &do_storage_access_check=false"
        )
    };
    let files = [("data.bin", "12345"), ("weights", "1"), ("ska-data-product.yaml", YAML)];
    std::thread::scope(|scope| {
        for strict in [false, true] {
            scope.spawn(move || {
                let stage = Stage::new();
                let words: &[&str] = if strict { &["--dlm-strict"] } else { &[] };
                let mut watcher = stage.start_ready(&[&["--dlm-compat", "2.1"], words].concat());
                assert!(stage.opening().iter().all(|line| !line.ends_with("storage_name=dlm-archive")));
                stage.move_in("dp", &files);
                stage.wait_answered("register_data_item", if strict { 4 } else { 5 });
                let mut lines = stage.lines("dp");
                let body = json!({"execution_block": "eb-1"}).to_string().replace(':', ": ");
                let mut wanted = top("dp", &body);
                if strict {
                    // Which of the two comes first is up to the directory.
                    let first = if lines[2].contains("weights") { "dp/weights" } else { "dp/data.bin" };
                    let other = if first == "dp/weights" { "dp/data.bin" } else { "dp/weights" };
                    wanted.extend([on_source(first), copy(first), on_source(other), on_target(other)]);
                } else {
                    for name in ["dp/data.bin", "dp/weights"] {
                        wanted.extend([on_source(name), on_target(name)]);
                    }
                }
                lines.retain(|line| !line.contains("/get_migration"));
                assert_eq!(lines, wanted, "strict: {strict}");
                assert_eq!(watcher.terminate(), Some(0));
            });
        }
    });
}
