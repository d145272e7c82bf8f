//! The reference can see: with one guarantee taken away, the random histories find that out.

use std::process::Command;

/// What tells this program that it is such a run.
const WITHOUT: &str = "STAITHE_WITHOUT";
const TEST: &str = "random_histories_lose_nothing_tell_nothing_early_and_repeat_nothing";

/// A guarantee, and how its loss shows.
struct Control(&'static str, &'static str);

/// Each short in CI: what shows within a second or two.
const QUICK: &[Control] = &[
    Control("writer-probe", "early: "),
    Control("last-look", "early: "),
    Control("arming-before-listing", "lost: "),
    Control("walk-new-directories", "lost: "),
    Control("comparing-after-overflows", "lost: "),
    Control("comparing-with-what-is-known", "lost: "),
    Control("go-on-with-the-backlog", "undelivered: "),
    Control("order-of-a-path", "order: "),
];

/// The others.
const FURTHER: &[Control] = &[
    Control("quiet-time", "hasty: "),
    Control("temporary-names", "is temporary and was announced"),
    Control("linked-files", "unsettled: "),
    Control("hear-renames", "lost: "),
    Control("comparing-after-renames", "sum: "),
    Control("record-deliveries", "repeated: "),
    Control("keep-what-a-sink-refuses", "undelivered: "),
];

/// Whether this is a run without something: then nobody reads a shorter history.
pub(crate) fn is_one() -> bool {
    std::env::var_os(WITHOUT).is_some()
}

#[test]
fn each_guarantee_that_is_taken_away_is_missed() {
    if is_one() {
        return;
    }
    let further: &[Control] = if testkit::proof::is_long() { FURTHER } else { &[] };
    for Control(without, says) in QUICK.iter().chain(further) {
        let program = std::env::current_exe().expect("a test has a program");
        let mut command = Command::new(program);
        command.args(["--exact", TEST, "--nocapture"]).env(WITHOUT, without).env("RUST_BACKTRACE", "0");
        // The cases are its own: what was asked of this run may be too few to meet each of them.
        for asked in ["STAITHE_SEED", "STAITHE_CASES", "STAITHE_FIRST"] {
            command.env_remove(asked);
        }
        let output = command.output().expect("it runs again");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "without {without} nothing is missed");
        let line = said.lines().find(|line| line.contains(says));
        let line = line.unwrap_or_else(|| panic!("without {without} another thing is missed:\n{said}"));
        println!("without {without}: {}", line.chars().take(120).collect::<String>());
    }
}
