//! The files that were recorded, as far as the recordings tell what was in them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::replay::{Run, TEN};
use crate::stage::{Stage, fill};

/// What `ska-data-product.yaml` held, to the byte: 154 of them.
pub(super) const METADATA: &str = "execution_block: eb-m001-20191031-12345
interface: http://schema.skao.int/ska-data-product-meta/0.1
context:
  observer: AIV
  date: 2019-10-31
files: []
";
pub(super) const YAML: &str = "ska-data-product.yaml";

/// The names of the scenarios about what is hidden.
pub(super) const HIDDEN: [&str; 8] = [
    ".hidden_file",
    "backup~",
    "mod.pyc",
    ".x.swp",
    ".DS_Store",
    "flycheck_a",
    ".directory_watcher_status.run",
    "plain",
];

/// The directory of most recordings: three files, no metadata.
pub(super) fn three(run: &mut Run) {
    run.stage.move_in("dp", &[("data.bin", TEN), ("weights", TEN), ("third", TEN)]);
}

/// Two files and metadata.
pub(super) fn two_described(run: &mut Run) {
    run.stage.move_in("dp", &[("data.bin", TEN), ("weights", TEN), (YAML, METADATA)]);
}

/// A directory that is described by something that is no metadata, and then a plain file.
pub(super) fn bad_then_good(run: &mut Run, metadata: &str) {
    run.stage.move_in("dp", &[(YAML, metadata), ("data.bin", TEN)]);
    run.says("dp");
    run.create("plain");
    run.copied("plain");
    let dead = run.stage.dead();
    assert_eq!(dead.len(), 1, "{dead:?}");
    let error = dead[0]["error"].as_str().unwrap_or_default();
    assert!(error.contains("dp/ska-data-product.yaml"), "{error}");
}

/// A measurement set of 150 bytes.
pub(super) fn measurement_set(run: &mut Run, name: &str, more: &[(&str, &str)]) {
    let (table, sub) = ("t".repeat(100), "s".repeat(50));
    let files = [&[("table.dat", table.as_str()), ("SUB/table.f0", &sub)], more].concat();
    run.stage.move_in(name, &files);
}

/// What is there before the start in the scenarios about existing entries.
pub(super) fn existing(stage: &Stage) {
    stage.write("old.dat", "12");
    stage.write(".hid", "1");
    stage.write(".hiddir/in", "1");
    stage.write(".directory_watcher_status.run", "[]");
    stage.write("olddir/a", "1");
    stage.write("backup~", "1");
}

/// A directory elsewhere that links lead to.
pub(super) fn elsewhere(stage: &Stage, name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    fill(&stage.scratch.path().join("elsewhere").join(name), files)
}

pub(super) fn link(target: &Path, link: &Path) {
    symlink(target, link).expect("the folder takes links");
}

/// Writes a file in six pieces, a second apart. When it was recorded, it was registered before the second piece.
pub(super) fn slow_file(run: &mut Run) {
    let file = run.watched().join("slow.dat");
    let mut file = fs::File::create(file).expect("the watched directory takes files");
    for at in 0..6 {
        file.write_all(&[b'x'; 1000]).expect("there is room");
        if at == 0 && run.strict {
            run.asked("slow.dat");
        }
        run.pause(if at == 5 { 0.0 } else { 1.0 });
    }
}

/// Makes a directory in place and puts one file a second into it, the metadata last.
pub(super) fn fill_slowly(run: &mut Run) {
    let directory = run.watched().join("dp");
    fs::create_dir(&directory).expect("the watched directory takes folders");
    if run.strict {
        // As it was recorded: its turn comes before the first file.
        run.asked("dp");
    }
    for name in ["f0", "f1", "f2", "f3", "f4", YAML] {
        run.pause(0.9);
        fs::write(directory.join(name), if name == YAML { METADATA } else { TEN }).expect("there is room");
    }
}

/// Removes the watched directory and makes it again.
pub(super) fn replace_root(run: &mut Run) {
    fs::remove_dir(run.watched()).expect("it is empty");
    run.pause(2.0);
    fs::create_dir(run.watched()).expect("it can be made again");
    run.create("f1");
    run.copied("f1");
}
