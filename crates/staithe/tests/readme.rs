//! The README's commands, executed exactly as they stand there, in a fresh clone.
//!
//! Each block marked `sh` must be known here, so that nobody can write a command into the README
//! which no test runs. `cargo xtask test` is the one that is not run from here (it would run
//! itself); `.ci/run` does that, and `cargo xtask tidy` compares the two texts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::{Process, Scratch, wait_until};

const STEP: Duration = Duration::from_mins(1);
/// A release build of everything, on two cores that others use as well.
const BUILD: Duration = Duration::from_mins(15);

/// The code blocks of one language in a Markdown text.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mark = format!("```{language}\n");
    text.split(&mark)
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders below the root").to_path_buf()
}

/// The target folder that this test was built into, so that the clone need not build everything anew.
fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_staithe"));
    program.ancestors().nth(2).expect("target/profile/staithe").to_path_buf()
}

/// A clone of this checkout as it is now, changes that are not committed included.
struct Checkout {
    scratch: Scratch,
}

impl Checkout {
    fn new() -> Self {
        let checkout = Self { scratch: Scratch::on_disk("readme") };
        checkout.git(&["clone", "--quiet", "--shared"], &[&workspace(), &checkout.path()]);
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(workspace())
            .output()
            .expect("git is installed");
        for name in listed.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            copy(
                Path::new(std::str::from_utf8(name).expect("our own files have plain names")),
                &checkout.path(),
            );
        }
        std::os::unix::fs::symlink(target(), checkout.path().join("target"))
            .expect("a fresh clone has no target");
        checkout
    }

    fn git(&self, words: &[&str], paths: &[&Path]) {
        let done =
            Process::finish("git", self.scratch.path(), Command::new("git").args(words).args(paths), STEP);
        done.assert_code(0);
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().join("staithe")
    }

    /// A shell that runs a block, with a home of its own and a target folder in the usual place.
    fn shell(&self, block: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euc", block]).current_dir(self.path());
        command.env_remove("CARGO_TARGET_DIR").env_remove("STAITHE_SOCKET");
        command.env("STAITHE_STATE_DIR", self.scratch.path().join("state"));
        command
    }

    fn start(&self, block: &str) -> Process {
        // One program per block runs on; as the shell's successor it gets our signals itself.
        let (before, last) = block.trim_end().rsplit_once('\n').unwrap_or(("", block.trim_end()));
        Process::spawn("block", self.scratch.path(), &mut self.shell(&format!("{before}\nexec {last}")))
    }

    fn run(&self, block: &str) -> testkit::Finished {
        Process::finish("block", self.scratch.path(), &mut self.shell(block), STEP)
    }
}

/// Copies one file of the checkout into the clone; one that was removed here is removed there.
fn copy(name: &Path, clone: &Path) {
    let (from, to) = (workspace().join(name), clone.join(name));
    if !from.exists() {
        let _ = std::fs::remove_file(to);
        return;
    }
    std::fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("the clone takes folders");
    std::fs::copy(&from, &to).unwrap_or_else(|error| panic!("failed to copy {}: {error}", name.display()));
}

#[test]
fn the_readme_does_what_it_says() {
    let checkout = Checkout::new();
    let readme = std::fs::read_to_string(checkout.path().join("README.md")).expect("there is a README");
    let sh = blocks(&readme, "sh");
    let [watch, put, run, ask, test] = sh.as_slice() else {
        panic!("the README has {} blocks of commands, this test knows five: {sh:#?}", sh.len());
    };
    assert_eq!(test, "cargo xtask test\n");

    let mut watching = checkout.start(watch);
    watching.wait_for_line("ready", BUILD);
    checkout.run(put).assert_code(0);
    wait_until(STEP, "the arrival to be shown", || {
        String::from_utf8_lossy(&watching.stdout()).contains("README.md")
    });
    watching.kill();

    let config = blocks(&readme, "toml");
    std::fs::write(checkout.path().join("staithe.toml"), &config[0]).expect("the clone takes a file");
    let mut running = checkout.start(run);
    running.wait_for_line("ready", STEP);
    wait_until(STEP, "the line file to have the file that was there", || {
        let lines = std::fs::read_to_string(checkout.path().join("events.jsonl")).unwrap_or_default();
        lines.lines().any(|line| line.contains("README.md"))
    });
    ask_and_check(&checkout, ask);
    what_is_shipped_has_no_switches();
}

/// Builds for tests can do without a guarantee (`switch`); the README's build must not even know the variable.
fn what_is_shipped_has_no_switches() {
    let holds = |program: &Path, name: &str| {
        let bytes = std::fs::read(program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        bytes.windows(name.len()).any(|window| window == name.as_bytes())
    };
    let shipped = target().join("release/staithe");
    assert!(!holds(&shipped, "STAITHE_WITHOUT"), "{} has switches", shipped.display());
    assert!(holds(&shipped, "STAITHE_STATE_DIR"), "variables are not found in it at all");
    assert!(holds(Path::new(env!("CARGO_BIN_EXE_staithe")), "STAITHE_WITHOUT"), "nor in builds for tests");
}

fn ask_and_check(checkout: &Checkout, block: &str) {
    let answer = checkout.run(block);
    answer.assert_code(0);
    let text = answer.text();
    for word in ["inbox", "lines", "delivered", "README.md"] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
    let event = text.lines().last().expect("consume prints the event last");
    let event: Value = serde_json::from_str(event).unwrap_or_else(|error| panic!("{error}: {event}"));
    assert_eq!(event["data"]["path"], "README.md");
}
