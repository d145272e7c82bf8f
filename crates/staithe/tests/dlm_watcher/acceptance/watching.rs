//! Scenarios 25 to 29, 42 and 44: what is noticed, and when it counts as complete.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use testkit::wait_until;

use crate::exact::{all, child, copy, reg_file, top};
use crate::stage::{PATIENCE, Stage, Watcher};

/// So that what is said not to come has had its time when this one has come.
const SHORT: &str = "--dir-updates-wait-time=1";

fn modes() -> [&'static [&'static str]; 2] {
    [&[SHORT], &[SHORT, "--use-polling-watcher"]]
}

/// In both modes at the same time.
fn in_both_modes(act: impl Fn(&Stage, &mut Watcher, bool) + Sync) {
    std::thread::scope(|scope| {
        for words in modes() {
            let act = &act;
            scope.spawn(move || {
                let stage = Stage::new();
                let mut watcher = with_old_files(&stage, words);
                act(&stage, &mut watcher, words.len() > 1);
                assert_eq!(watcher.terminate(), Some(0), "{words:?}");
            });
        }
    });
}

/// Of files that were there before the first start nothing is registered.
fn with_old_files(stage: &Stage, words: &[&str]) -> Watcher {
    for name in ["a.dat", "b.dat", "old.dat"] {
        stage.write(name, "0123456789");
    }
    let watcher = stage.start_ready(words);
    // What changes before it was found complete was not there at the start.
    stage.wait_idle();
    watcher
}

/// Waits until a file that is made now has gone through, and with it everything that was there before.
fn pass(stage: &Stage) {
    stage.write("z last", "x");
    stage.wait_steps("z last", &["REG z last", "COPY z last"]);
    stage.wait_idle();
}

/// The entries that something was asked about.
fn asked(stage: &Stage) -> Vec<String> {
    stage.products().into_keys().filter(|name| !name.is_empty() && name != "z last").collect()
}

#[test]
fn s25_hidden_and_left_over_names() {
    in_both_modes(|stage, _, polling| {
        let names = [
            ".hidden_file",
            "backup~",
            "mod.pyc",
            ".x.swp",
            ".DS_Store",
            "flycheck_a",
            ".directory_watcher_status.run",
            "plain",
        ];
        for name in names {
            stage.write(name, "x");
        }
        stage.write(".hidden_dir/in", "x");
        pass(stage);
        let wanted: &[&str] = if polling {
            &[".DS_Store", ".hidden_file", ".x.swp", "backup~", "flycheck_a", "mod.pyc", "plain"]
        } else {
            &[".hidden_file", "plain"]
        };
        assert_eq!(asked(stage), wanted, "polling: {polling}");
        for name in wanted {
            assert_eq!(stage.lines(name), [reg_file(name, 1), copy(name)]);
        }
    });
}

fn append(stage: &Stage, name: &str) {
    let place = stage.watched().join(name);
    let mut file = OpenOptions::new().append(true).open(place).expect("it is there");
    file.write_all(b"more").expect("it takes more");
}

/// What was there before the start, or was registered, and is changed, or goes, is nobody's business; a new name is.
#[test]
fn s26_of_changes_only_a_new_name_counts() {
    in_both_modes(|stage, _, polling| {
        let at = |name: &str| stage.watched().join(name);
        stage.write("new.dat", "x");
        stage.wait_steps("new.dat", &["REG new.dat", "COPY new.dat"]);
        for name in ["a.dat", "new.dat", "old.dat"] {
            append(stage, name);
        }
        fs::rename(at("a.dat"), at("c.dat")).expect("it is there");
        fs::remove_file(at("b.dat")).expect("it is there");
        stage.wait_steps("c.dat", &["REG c.dat", "COPY c.dat"]);
        fs::rename(at("c.dat"), stage.beside().join("c.dat")).expect("both are on one file system");
        pass(stage);
        assert_eq!(asked(stage), ["c.dat", "new.dat"], "polling: {polling}");
        assert_eq!(stage.lines("c.dat"), [reg_file("c.dat", 14), copy("c.dat")]);
        assert_eq!(stage.lines("new.dat"), [reg_file("new.dat", 1), copy("new.dat")]);
    });
}

/// What was asked about a file and a directory that are filled slowly.
struct Filled {
    file: Vec<String>,
    dp: Vec<String>,
    /// When the directory was registered, in seconds since the services were there.
    registered: f64,
}

/// In default mode, and in strict mode, which does as the original.
static SLOW: LazyLock<[Filled; 2]> = LazyLock::new(|| {
    let stages = [Stage::new(), Stage::new()];
    let mut watchers = [stages[0].start_ready(&[]), stages[1].start_ready(&["--dlm-strict"])];
    for stage in &stages {
        fs::create_dir(stage.watched().join("dp")).expect("it is new");
    }
    for second in 0..6 {
        for stage in &stages {
            let place = stage.watched().join("file.dat");
            let mut file = OpenOptions::new().append(true).create(true).open(place).expect("it can be made");
            file.write_all(&[b'x'; 1000]).expect("it takes more");
            let name = if second == 5 { "ska-data-product.yaml".to_owned() } else { format!("f{second}") };
            stage.write(&format!("dp/{name}"), "x: 1\n");
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    stages[0].wait_answered("init_data_item", 5);
    stages[0].wait_steps("file.dat", &["REG file.dat", "COPY file.dat"]);
    stages[1].wait_answered("copy_data_item", 2);
    for watcher in &mut watchers {
        assert_eq!(watcher.terminate(), Some(0));
    }
    stages.each_ref().map(|stage| Filled {
        file: stage.lines("file.dat"),
        dp: stage.lines("dp"),
        registered: stage.products()["dp"][0].seconds,
    })
});

/// The original: registered with 1000 bytes at once; the copy fails, as the file changes under it, and is not repeated
/// [B05].
#[test]
fn s27_a_file_written_in_six_pieces_is_registered_once() {
    let [new, old] = &*SLOW;
    assert_eq!(new.file, [reg_file("file.dat", 6000), copy("file.dat")]);
    let strict = &old.file;
    assert_eq!(strict.len(), 2, "{strict:#?}");
    assert_ne!(strict[0], reg_file("file.dat", 6000), "the control registers a part of it");
}

/// The original registers at mkdir: the copy takes what is there then, later files are never seen, and when the item
/// expires the services purge the directory. In strict mode that is kept: it is the control.
#[test]
fn s28_a_slowly_filled_directory_is_registered_once_with_all_members() {
    let [new, old] = &*SLOW;
    let names = ["dp/f0", "dp/f1", "dp/f2", "dp/f3", "dp/f4"];
    let wanted = all([top("dp", "{\"x\": 1}"), names.map(|name| child(name, 5)).concat()]);
    assert_eq!(new.dp, wanted);
    assert!(new.registered > 10.0, "after six seconds of writing and five of quiet: {}", new.registered);
    let strict = &old.dp;
    let lost =
        names.iter().filter(|name| !strict.iter().any(|line| line.contains(&format!("={name}&")))).count();
    assert!(lost >= 3, "the control loses most of it: {strict:#?}");
    assert!(strict[0].ends_with("do_storage_access_check=true"), "and what describes it: {strict:#?}");
}

/// The original: the temporary name is registered as well, in inotify mode [X18]; in polling mode neither is, when the
/// rename comes a second later [P03].
#[test]
fn s29_a_file_that_is_renamed_is_registered_under_its_last_name() {
    let patient = "--dir-updates-wait-time=3";
    let cases: [(&[&str], u64); 3] = [
        (&[patient], 600),
        (&[patient, "--use-polling-watcher"], 600),
        // A look at the directory lies between.
        (&[patient, "--use-polling-watcher"], 1600),
    ];
    std::thread::scope(|scope| {
        for (words, pause) in cases {
            scope.spawn(move || {
                let stage = Stage::new();
                let mut watcher = stage.start_ready(words);
                stage.write("t.part", "12345");
                std::thread::sleep(Duration::from_millis(pause));
                fs::rename(stage.watched().join("t.part"), stage.watched().join("t.dat"))
                    .expect("it is there");
                pass(&stage);
                assert_eq!(asked(&stage), ["t.dat"], "{words:?} {pause}");
                assert_eq!(stage.lines("t.dat"), [reg_file("t.dat", 5), copy("t.dat")]);
                assert_eq!(watcher.terminate(), Some(0));
            });
        }
    });
}

/// The original: neither, as their inodes are known to its snapshot [X01, X02].
#[test]
fn s42_polling_sees_a_hard_link_and_a_file_with_the_inode_of_another() {
    let stage = Stage::new();
    stage.write("a", "12345");
    stage.write("gone", "1");
    let mut watcher = stage.start_ready(&[SHORT, "--use-polling-watcher"]);
    // What changes before it was found complete was not there at the start, and a link changes its inode.
    stage.wait_idle();
    let at = |name: &str| stage.watched().join(name);
    fs::hard_link(at("a"), at("b")).expect("it is on one file system");
    fs::remove_file(at("gone")).expect("it is there");
    stage.write("come", "22");
    pass(&stage);
    assert_eq!(asked(&stage), ["b", "come"]);
    assert_eq!(stage.lines("b"), [reg_file("b", 5), copy("b")]);
    assert_eq!(stage.lines("come"), [reg_file("come", 2), copy("come")]);
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: alive, and blind from then on [X04, X05].
#[test]
fn s44_the_watched_directory_goes_and_comes_back() {
    in_both_modes(|stage, watcher, polling| {
        fs::remove_dir_all(stage.watched()).expect("it can be removed");
        wait_until(PATIENCE, "the readiness file to go", || !stage.is_ready());
        assert!(watcher.is_running());
        fs::create_dir(stage.watched()).expect("it can be made again");
        // As long as it is empty and was not before, it may be that a file system is not mounted.
        stage.write("f1", "12345");
        stage.wait_steps("f1", &["REG f1", "COPY f1"]);
        stage.wait_ready();
        assert_eq!(stage.lines("f1"), [reg_file("f1", 5), copy("f1")], "polling: {polling}");
    });
}
