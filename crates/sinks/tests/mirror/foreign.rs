//! A directory of the destination that belongs to somebody else. Only root can make one, so only root plays.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use model::Happening;

use crate::rig::{Rig, chmod};

const AS_NOBODY: &str = "STAITHE_TEST_AS_NOBODY";
const NOBODY: u32 = 65534;
const TEST: &str = "foreign::a_directory_of_somebody_else_does_not_hold_up_the_comparison";

#[test]
fn a_directory_of_somebody_else_does_not_hold_up_the_comparison() {
    if let Ok(place) = std::env::var(AS_NOBODY) {
        return compare(PathBuf::from(place));
    }
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let destination = dir.path().join("m");
    fs::create_dir_all(destination.join("d")).unwrap();
    for path in [dir.path(), &destination] {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "--nocapture", TEST]).env(AS_NOBODY, &destination).env("TMPDIR", dir.path());
    again.current_dir(dir.path()).uid(NOBODY).gid(NOBODY);
    assert!(again.status().unwrap().success());
}

fn compare(destination: PathBuf) {
    let mut rig = Rig::with(|plan| {
        plan.destination.clone_from(&destination);
        plan.adopt = true;
    });
    rig.destination = destination;
    for path in ["d/1", "d/2", "z/1", "z/2"] {
        rig.write(path, "text");
    }
    chmod(&rig.there("d"), 0o700);
    let init = rig.happening(Happening::WatchInit, "");
    rig.give([init]);
    assert!(rig.here("z/1").exists() && rig.here("z/2").exists());
    assert!(rig.remarked("\"d/1\" in the destination"), "{:?}", rig.remarks);
}
