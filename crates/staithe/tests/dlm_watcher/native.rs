//! What `staithe init --from dlm-watcher` prints does the same with `staithe run`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Process, wait_until};

use crate::exact::{all, child, copy, reg_file, top};
use crate::stage::{BINARY, PATIENCE, Stage};

impl Stage {
    fn tool(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).env_clear().env("HOME", self.home()).env("USER", "root");
        command.current_dir(self.scratch.path());
        command
    }

    /// The flags of this watcher and `words` as a native configuration, edited.
    pub(crate) fn native(&self, words: &[&str], edit: impl FnOnce(String) -> String) -> PathBuf {
        let mut init = self.tool(&["init", "--from", "dlm-watcher", "-d"]);
        init.arg(self.watched()).args(["-s", "dir-watcher"]).args(self.usual_flags()).args(words);
        let done = Process::finish("init", &self.scratch.path().join("logs"), &mut init, PATIENCE);
        done.assert_code(0);
        let file = self.scratch.path().join("staithe.toml");
        fs::write(&file, edit(done.text())).expect("the folder takes a file");
        let mut check = self.tool(&["check", "-c"]);
        Process::finish("check", &self.scratch.path().join("logs"), check.arg(&file), PATIENCE)
            .assert_code(0);
        file
    }

    pub(crate) fn run_native(&self, file: &Path) -> Command {
        let mut run = self.tool(&["run", "-c"]);
        run.arg(file).arg("--state-dir").arg(self.state_dir());
        run
    }
}

#[test]
fn the_translated_configuration_registers_the_same() {
    let stage = Stage::new();
    stage.write("old.dat", "x");
    let file = stage.native(&["--dir-updates-wait-time=1"], |text| {
        assert!(text.contains("type = \"dlm\"") && text.contains("initial = \"adopt\""), "{text}");
        text
    });
    let mut daemon =
        Process::spawn("daemon", &stage.scratch.path().join("logs"), &mut stage.run_native(&file));
    wait_until(PATIENCE, "it to be ready", || stage.status()["ready"] == true);
    stage.wait_idle();
    stage.move_in("dp", &[("a", "1"), ("sub/b", "22"), ("ska-data-product.yaml", "x: yes\n")]);
    stage.write("file1.dat", "12345");
    stage.write("left~", "x");
    stage.write(".hidden/in", "x");
    stage.wait_steps("file1.dat", &["REG file1.dat", "COPY file1.dat"]);
    stage.wait_idle();
    assert_eq!(stage.lines("file1.dat"), [reg_file("file1.dat", 5), copy("file1.dat")]);
    let wanted = all([
        top("dp", "{\"x\": true}"),
        child("dp/a", 1),
        crate::exact::folder("dp/sub", ""),
        child("dp/sub/b", 2),
    ]);
    assert_eq!(stage.lines("dp"), wanted);
    let asked: Vec<String> = stage.products().into_keys().collect();
    assert_eq!(asked, ["", "dp", "file1.dat"]);
    assert_eq!(stage.opening().len(), 7, "the same start: {:#?}", stage.opening());
    assert_eq!(daemon.terminate(PATIENCE).code(), Some(0));
}

/// The copy ends while the children are still registered, so its result stands among many other steps.
#[test]
fn what_the_sink_remarks_is_told_and_how_a_copy_ended_is_found_among_many_steps() {
    let stage = Stage::new();
    let file = stage.native(&["--dir-updates-wait-time=1"], |text| text);
    let mut daemon =
        Process::spawn("daemon", &stage.scratch.path().join("logs"), &mut stage.run_native(&file));
    wait_until(PATIENCE, "it to be ready", || stage.status()["ready"] == true);
    stage.wait_idle();
    stage.dlm.set_latency(std::time::Duration::from_millis(25));
    let names: Vec<String> = (0..120).map(|child| format!("{child:03}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let beside = crate::stage::fill(&stage.beside().join("dp"), &files);
    std::os::unix::fs::symlink("nowhere", beside.join("broken")).expect("a link");
    fs::rename(&beside, stage.watched().join("dp")).expect("moved in");
    wait_until(PATIENCE, "all rows on the target", || stage.dlm.items_on("dlm-archive").len() == 121);
    let place = stage.watched().join("dp");
    let explain =
        || String::from_utf8(stage.ask(&["explain", place.to_str().expect("a plain name")])).expect("text");
    wait_until(PATIENCE, "the end", || explain().contains("everything is registered"));
    wait_until(PATIENCE, "the copy to be known", || explain().contains("the copy is finished"));
    assert!(explain().contains("further steps"), "{}", explain());
    assert_eq!(daemon.terminate(PATIENCE).code(), Some(0));
    let told = daemon.stderr();
    assert!(told.contains("warning: sink dlm: W-DLM-LEFT: dp/broken is left out"), "{told}");
}
