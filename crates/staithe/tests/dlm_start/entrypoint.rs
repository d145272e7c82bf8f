//! The container's entrypoint, with a program in the watcher's place that prints its arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Finished, Process, Scratch, Signal, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

fn packaging() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in crates/");
    root.join("packaging/dlm-watcher")
}

/// Puts a program on the path.
fn program(folder: &Path, name: &str, script: &str) {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("the folder takes a program");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn command(scratch: &Scratch, variables: &[(&str, &str)], words: &[&str]) -> Command {
    let bin = scratch.folder("bin");
    let mut command = Command::new("sh");
    command.arg(packaging().join("entrypoint.sh")).args(words).env_clear();
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    command.envs(variables.iter().copied());
    command
}

/// What the watcher was given, an argument each; variables that matter to it come behind, as `NAME=VALUE`.
fn given(variables: &[(&str, &str)], words: &[&str]) -> Finished {
    let scratch = Scratch::on_disk("entrypoint");
    program(
        &scratch.folder("bin"),
        "dlm-directory-watcher",
        "for word in \"$@\"; do echo \"$word\"; done; env | grep -E '^(USER|LOGLEVEL|LOCATION_|UID_|OID_)' | sort",
    );
    Process::finish("entrypoint", scratch.path(), &mut command(&scratch, variables, words), PATIENCE)
}

fn arguments(variables: &[(&str, &str)], words: &[&str]) -> Vec<String> {
    let done = given(variables, words);
    assert_eq!(done.code, Some(0), "{variables:?}: {}", done.stderr);
    done.text().lines().map(str::to_owned).collect()
}

#[test]
fn every_variable_becomes_its_flag() {
    let flags = [
        ("DIRECTORY_TO_WATCH", "--directory-to-watch"),
        ("SOURCE_NAME", "--source-name"),
        ("SOURCE_ROOT", "--source-root"),
        ("TARGET_NAME", "--target-name"),
        ("INGEST_URL", "--ingest-url"),
        ("REQUEST_URL", "--request-url"),
        ("STORAGE_URL", "--storage-url"),
        ("MIGRATION_URL", "--migration-url"),
        ("WATCHER_HOSTNAME", "--watcher-hostname"),
        ("READINESS_PROBE_FILE", "--readiness-probe-file"),
        ("DIR_UPDATES_WAIT_TIME", "--dir-updates-wait-time"),
        ("STATUS_FILE_FILENAME", "--status-file-filename"),
        ("DLM_COMPAT", "--dlm-compat"),
        ("TOKEN_FILE", "--token-file"),
        ("CA_FILE", "--ca-file"),
    ];
    for (variable, flag) in flags {
        for value in ["x", "-a b", "$HOME *"] {
            assert_eq!(arguments(&[(variable, value)], &[]), [format!("{flag}={value}")], "{variable}");
        }
        assert!(arguments(&[(variable, "")], &[]).is_empty(), "{variable} empty");
    }
    for of in ["UID", "OID"] {
        let variable = format!("{of}_EXPIRATION_DAYS");
        let flag = format!("--{}-expiration-days=7", of.to_lowercase());
        assert_eq!(arguments(&[(&variable, "7")], &[]), [flag, format!("{variable}=7")]);
        assert!(arguments(&[(&variable, "")], &[]).is_empty(), "an empty one would be refused as no number");
    }
}

#[test]
fn switches_are_on_off_or_a_mistake() {
    let switches = [
        ("INCLUDE_EXISTING", "--include-existing"),
        ("SKIP_RCLONE_ACCESS_CHECK_ON_REGISTER", "--skip-rclone-access-check-on-register"),
        ("USE_POLLING_WATCHER", "--use-polling-watcher"),
        ("USE_STATUS_FILE", "--use-status-file"),
        ("RELOAD_STATUS_FILE", "--reload-status-file"),
        ("REGISTER_ONLY", "--register-only"),
        ("DLM_STRICT", "--dlm-strict"),
    ];
    for (variable, flag) in switches {
        for yes in ["true", "True", "1", "yes", "ON"] {
            assert_eq!(arguments(&[(variable, yes)], &[]), [flag], "{variable}={yes}");
        }
        for no in ["false", "False", "0", "no", "off", ""] {
            assert!(arguments(&[(variable, no)], &[]).is_empty(), "{variable}={no}");
        }
        let wrong = given(&[(variable, "perhaps")], &[]);
        assert_eq!(wrong.code, Some(2), "{variable}");
        assert!(wrong.stderr.contains(&format!("{variable} is 'perhaps'")), "{}", wrong.stderr);
    }
}

/// Every flag that is made is one that the watcher takes; the original's entrypoint wrote two that it refuses.
#[test]
fn the_watcher_takes_what_the_entrypoint_writes() {
    let text = fs::read_to_string(packaging().join("entrypoint.sh")).expect("it is there");
    let made =
        text.split_whitespace().map(|word| word.trim_matches('"')).filter(|word| word.starts_with("--"));
    let mut flags: Vec<&str> =
        made.map(|word| word.split('=').next().unwrap_or(word)).filter(|word| word.len() > 2).collect();
    flags.sort_unstable();
    flags.dedup();
    assert_eq!(flags.len(), 24, "{flags:?}");
    let mut help = Command::new(env!("CARGO_BIN_EXE_staithe"));
    let help = help.args(["compat", "dlm-watcher", "--help"]).output().expect("the binary runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for flag in flags {
        let listed = |line: &str| line.split([' ', ',']).any(|word| word == flag);
        assert!(help.lines().any(listed), "{flag} is no flag of the watcher");
    }
}

/// The chart names no variable that nobody reads.
#[test]
fn the_chart_speaks_the_entrypoints_language() {
    let chart = fs::read_to_string(packaging().join("helm/templates/deployment.yaml")).expect("it is there");
    let script = fs::read_to_string(packaging().join("entrypoint.sh")).expect("it is there");
    let names =
        chart.lines().filter_map(|line| line.trim().strip_prefix("- {name: ")?.split_once(", value:"));
    let names: Vec<&str> = names.map(|(name, _)| name).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(script.contains(name), "{name}");
    }
    assert!(chart.contains("readinessProbe:") && chart.contains("strategy: {type: Recreate}"));
}

#[test]
fn empty_variables_of_the_watcher_itself_are_unset() {
    let empty = ["USER", "LOGLEVEL", "LOCATION_NAME", "LOCATION_TYPE", "LOCATION_CITY", "LOCATION_FACILITY"];
    let pairs: Vec<(&str, &str)> = empty.iter().map(|name| (*name, "")).collect();
    assert!(arguments(&pairs, &[]).is_empty());
    assert_eq!(arguments(&[("LOGLEVEL", "DEBUG"), ("USER", "")], &[]), ["LOGLEVEL=DEBUG"]);
}

#[test]
fn arguments_come_last_and_a_command_is_run_instead() {
    let both = arguments(&[("SOURCE_NAME", "a"), ("TARGET_NAME", "t")], &["--source-name", "b c"]);
    assert_eq!(both, ["--target-name=t", "--source-name=a", "--source-name", "b c"]);
    assert_eq!(arguments(&[("SOURCE_NAME", "a")], &["echo", "a command"]), ["a command"]);
}

#[test]
fn nothing_is_chowned_and_no_sshd_is_started_unless_asked_for() {
    let scratch = Scratch::on_disk("entrypoint");
    let (bin, data) = (scratch.folder("bin"), scratch.path().join("data"));
    let log = scratch.path().join("log");
    for name in ["chown", "sshd", "ssh-keygen", "dlm-directory-watcher"] {
        program(&bin, name, &format!("echo {name} \"$@\" >> '{}'", log.display()));
    }
    let data = data.to_str().expect("a plain name");
    let said = |variables: &[(&str, &str)]| {
        let _ = fs::remove_file(&log);
        let done =
            Process::finish("entrypoint", scratch.path(), &mut command(&scratch, variables, &[]), PATIENCE);
        (done.code, fs::read_to_string(&log).unwrap_or_default())
    };
    let watcher = format!("dlm-directory-watcher --directory-to-watch={data}\n");
    assert_eq!(said(&[("DIRECTORY_TO_WATCH", data)]), (Some(0), watcher.clone()));
    let chown = [("DIRECTORY_TO_WATCH", data), ("CHOWN_DIRECTORY_TO_WATCH", "ska-dlm:ska-dlm")];
    assert_eq!(said(&chown), (Some(0), format!("chown -- ska-dlm:ska-dlm {data}\n{watcher}")));
    if rustix::process::geteuid().is_root() {
        let sshd = [("DIRECTORY_TO_WATCH", data), ("START_SSHD", "true")];
        assert_eq!(
            said(&sshd),
            (Some(0), format!("ssh-keygen -A\nsshd \n{watcher}").replace("sshd \n", "sshd\n"))
        );
    }
}

/// A shell in between would keep SIGTERM to itself.
#[test]
fn the_watcher_takes_the_shells_place() {
    let scratch = Scratch::on_disk("entrypoint");
    program(
        &scratch.folder("bin"),
        "dlm-directory-watcher",
        "trap 'echo stopped; exit 0' TERM; echo $$; while :; do sleep 0.05; done",
    );
    let mut process = Process::spawn("entrypoint", scratch.path(), &mut command(&scratch, &[], &["-d", "x"]));
    wait_until(PATIENCE, "the watcher to run", || process.stdout().ends_with(b"\n"));
    let printed = String::from_utf8_lossy(&process.stdout()).trim().to_owned();
    assert_eq!(printed, process.id().to_string());
    process.signal(Signal::TERM);
    assert_eq!(process.wait_exit(PATIENCE).code(), Some(0));
}
