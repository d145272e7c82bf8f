//! Surveys against what the standard library says, and against trees that mean harm.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use inspect::{InspectError, LISTED, Survey, SurveyRequest, survey};
use model::Stamp;

use crate::dice::Dice;
use crate::tree::{Tree, start, writing};

fn plain(tree: &Tree, path: &[u8]) -> Survey {
    survey(&tree.place(path), &SurveyRequest::default(), &|| false).unwrap()
}

fn probing(tree: &Tree, path: &[u8]) -> Survey {
    survey(&tree.place(path), &SurveyRequest { probe: true, ..SurveyRequest::default() }, &|| false).unwrap()
}

/// The members by name with what the standard library says of them.
fn naive(dir: &Path, prefix: &[u8], found: &mut BTreeMap<Vec<u8>, fs::Metadata>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let mut name = prefix.to_vec();
        name.extend_from_slice(entry.file_name().as_bytes());
        let look = fs::symlink_metadata(entry.path()).unwrap();
        if look.is_dir() {
            name.push(b'/');
            naive(&entry.path(), &name, found);
        } else {
            found.insert(name, look);
        }
    }
}

fn expected(dir: &Path) -> Survey {
    let mut found = BTreeMap::new();
    naive(dir, b"", &mut found);
    let newest = |time: &dyn Fn(&fs::Metadata) -> Stamp| found.values().map(time).max().unwrap_or_default();
    Survey {
        count: found.len() as u64,
        size: found.values().filter(|look| look.is_file()).map(fs::Metadata::len).sum(),
        newest_mtime: newest(&|look| Stamp::new(look.mtime(), look.mtime_nsec() as u32)),
        newest_ctime: newest(&|look| Stamp::new(look.ctime(), look.ctime_nsec() as u32)),
        listed: found.keys().take(LISTED).map(|name| name.clone().into()).collect(),
        ..Survey::default()
    }
}

/// A random tree: files, empty directories, links, a FIFO now and then, names of any bytes.
fn grow(dice: &mut Dice, dir: &Path, depth: usize) {
    fs::create_dir_all(dir).unwrap();
    for number in 0..dice.below(12) {
        let mut name = vec![b'a' + dice.below(26) as u8, 0x80 | dice.below(64) as u8];
        name.extend_from_slice(number.to_string().as_bytes());
        let path = dir.join(std::ffi::OsStr::from_bytes(&name));
        match dice.below(10) {
            0..=2 if depth > 0 => grow(dice, &path, depth - 1),
            3 => symlink(if dice.below(2) == 0 { "/etc" } else { "nowhere" }, &path).unwrap(),
            4 => {
                let status = start(Command::new("mkfifo").arg(&path)).wait().unwrap();
                assert!(status.success());
            }
            _ => fs::write(&path, vec![b'x'; dice.below(5_000)]).unwrap(),
        }
    }
}

#[test]
fn random_trees_are_counted_as_the_standard_library_counts_them() {
    for seed in 0..60 {
        let tree = Tree::in_memory();
        let top = tree.path(b"unit");
        grow(&mut Dice(seed), &top, 4);
        let mut expected = expected(&top);
        let found = probing(&tree, b"unit");
        expected.fold = found.fold;
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(plain(&tree, b"unit").fold, found.fold, "seed {seed}");
    }
}

#[test]
fn every_change_but_none_else_moves_the_fold() {
    let tree = Tree::new();
    tree.write(b"unit/a/one", b"1");
    tree.write(b"unit/b/two", b"22");
    symlink("one", tree.path(b"unit/a/link")).unwrap();
    let mut seen = vec![plain(&tree, b"unit").fold];
    assert_eq!(plain(&tree, b"unit").fold, seen[0], "a second survey of the same tree");
    let mut changed = |what: &str, tree: &Tree| {
        let fold = plain(tree, b"unit").fold;
        assert!(!seen.contains(&fold), "{what} went unseen");
        seen.push(fold);
    };
    tree.write(b"unit/b/three", b"3");
    changed("a new file", &tree);
    fs::rename(tree.path(b"unit/b/three"), tree.path(b"unit/b/3")).unwrap();
    changed("a rename", &tree);
    fs::rename(tree.path(b"unit/b/3"), tree.path(b"unit/a/3")).unwrap();
    changed("a move", &tree);
    fs::create_dir(tree.path(b"unit/empty")).unwrap();
    changed("an empty directory", &tree);
    let file = OpenOptions::new().write(true).open(tree.path(b"unit/b/two")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    changed("a time", &tree);
    file.set_len(1).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    changed("a size", &tree);
    fs::remove_file(tree.path(b"unit/a/link")).unwrap();
    symlink("two", tree.path(b"unit/a/link")).unwrap();
    changed("a link's target", &tree);
}

#[test]
fn the_inode_counts_only_when_asked_for() {
    let tree = Tree::new();
    tree.write(b"unit/a", b"same");
    let ask = |with_inode| {
        let request = SurveyRequest { with_inode, ..SurveyRequest::default() };
        survey(&tree.place(b"unit"), &request, &|| false).unwrap().fold
    };
    let (with, without) = (ask(true), ask(false));
    let time = fs::metadata(tree.path(b"unit/a")).unwrap().modified().unwrap();
    tree.write(b"other", b"same");
    File::options().write(true).open(tree.path(b"other")).unwrap().set_modified(time).unwrap();
    fs::rename(tree.path(b"other"), tree.path(b"unit/a")).unwrap();
    assert_eq!(ask(false), without);
    assert_ne!(ask(true), with);
}

#[test]
fn an_open_member_is_named_and_asked_first_the_next_time() {
    let tree = Tree::new();
    for number in 0..40 {
        tree.write(format!("unit/d/{number:02}").as_bytes(), b"x");
    }
    let writers: Vec<File> = (10..30)
        .map(|number| {
            OpenOptions::new().append(true).open(tree.path(format!("unit/d/{number}").as_bytes())).unwrap()
        })
        .collect();
    let found = probing(&tree, b"unit");
    assert_eq!((found.count, found.open.count, found.open.names.len()), (40, 20, 16));
    assert_eq!(&*found.open.names[0], b"d/10");
    assert!(!found.stopped_early && !found.writers_unknown);

    let request = || SurveyRequest { ask_first: found.open.names.clone(), ..SurveyRequest::default() };
    let asked = survey(&tree.place(b"unit"), &request(), &|| panic!("read on")).unwrap();
    assert!(asked.stopped_early);
    assert_eq!((asked.open.count, asked.count, asked.listed.len()), (16, 0, 0));

    writing(|| drop(writers));
    let after = survey(&tree.place(b"unit"), &request(), &|| false).unwrap();
    assert_eq!((after.stopped_early, after.count, after.open.count), (false, 40, 0));
}

#[test]
fn who_is_asked_first_cannot_lead_out_of_the_unit() {
    let tree = Tree::new();
    tree.write(b"unit/a", b"x");
    tree.write(b"outside", b"x");
    symlink("../outside", tree.path(b"unit/link")).unwrap();
    let _writer = OpenOptions::new().append(true).open(tree.path(b"outside")).unwrap();
    let names: [&[u8]; 6] = [b"../outside", b"link", b"", b"..", b"gone/x", b"a/b"];
    let ask_first = names.iter().map(|name| (*name).into()).collect();
    let request = SurveyRequest { ask_first, probe: true, ..SurveyRequest::default() };
    let found = survey(&tree.place(b"unit"), &request, &|| false).unwrap();
    assert_eq!((found.stopped_early, found.count, found.open.count), (false, 2, 0));
}

#[test]
fn what_is_ignored_is_no_member_with_all_that_is_in_it() {
    let tree = Tree::new();
    tree.write(b"unit/data", b"x");
    let before = plain(&tree, b"unit");
    tree.write(b"unit/.done", b"x");
    tree.write(b"unit/tmp/part", b"x");
    let ignore = |name: &[u8]| name == b".done" || name == b"tmp";
    let request = SurveyRequest { ignore: &ignore, ..SurveyRequest::default() };
    assert_eq!(survey(&tree.place(b"unit"), &request, &|| false).unwrap(), before);
}

#[test]
fn a_file_is_a_unit_of_one_and_a_link_is_not_followed() {
    let tree = Tree::new();
    tree.write(b"dir/file", b"12345");
    let writer = OpenOptions::new().append(true).open(tree.path(b"dir/file")).unwrap();
    let found = probing(&tree, b"dir/file");
    assert_eq!((found.count, found.size, found.open.count, &*found.listed[0]), (1, 5, 1, &b""[..]));
    writing(|| drop(writer));
    symlink("dir", tree.path(b"link")).unwrap();
    let found = plain(&tree, b"link");
    assert_eq!((found.count, found.size), (1, 0));
    let through = survey(&tree.place(b"link/file"), &SurveyRequest::default(), &|| false);
    assert!(matches!(through, Err(InspectError::Open { .. })), "{through:?}");
}

#[test]
fn what_is_not_there_is_absent_and_what_is_empty_has_no_times() {
    let tree = Tree::new();
    let absent = survey(&tree.place(b"no/such"), &SurveyRequest::default(), &|| false).unwrap_err();
    assert!(matches!(absent, InspectError::Absent { .. }));
    assert_eq!(absent.to_string(), "find `no/such`");
    assert_eq!(plain(&tree, b""), Survey::default());
}

#[test]
fn stop_ends_a_survey() {
    let tree = Tree::new();
    for number in 0..2_000 {
        tree.write(format!("unit/{number}").as_bytes(), b"");
    }
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    let stopped = survey(&tree.place(b"unit"), &SurveyRequest::default(), &stop);
    assert!(matches!(stopped, Err(InspectError::Stopped)));
    assert_eq!(asked.get(), 3, "asked again after a yes, or too rarely");
}

/// Runs the test `name` of this binary as another user; false where that cannot be done.
fn as_nobody(tree: &Tree, name: &str) -> bool {
    // The binary may lie where nobody may look: it is handed over as an open descriptor's path.
    let binary = tree.path(b"it");
    writing(|| fs::copy(std::env::current_exe().unwrap(), &binary)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
    command.args(["--exact", name, "--nocapture"]).env("SURVEY_TREE", tree.path(b"unit"));
    start(&mut command).wait().unwrap().success()
}

#[test]
fn what_cannot_be_read_is_counted_and_named() {
    if let Some(unit) = std::env::var_os("SURVEY_TREE") {
        let root = sys::Dir::open_root(Path::new(&unit)).unwrap();
        let request = SurveyRequest { probe: true, ..SurveyRequest::default() };
        let found = survey(&inspect::Place { root: &root, path: b"" }, &request, &|| false).unwrap();
        assert_eq!((found.count, found.unreadable.count), (1, 2));
        assert_eq!(found.unreadable.names, [b"closed".to_vec().into(), b"listed/in it".to_vec().into()]);
        assert!(found.writers_unknown, "a file of another user");
        return;
    }
    let tree = Tree::new();
    tree.write(b"unit/closed/in it", b"x");
    tree.write(b"unit/listed/in it", b"x");
    tree.write(b"unit/open", b"x");
    let mode = |path: &[u8], mode| {
        fs::set_permissions(tree.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(b"", 0o755);
    mode(b"unit/closed", 0o700);
    mode(b"unit/listed", 0o744);
    // Only root can become somebody else, and root may read everything: elsewhere there is nothing to see.
    if fs::metadata(tree.path(b"unit")).unwrap().uid() == 0 {
        assert!(as_nobody(&tree, "surveys::what_cannot_be_read_is_counted_and_named"));
    }
}

#[test]
fn a_tree_deeper_than_a_path_may_be_is_walked_with_few_descriptors() {
    const DEEP: usize = 4_000;
    const MEMBERS: u64 = 4_000 + 40 + 1;
    let tree = Tree::in_memory();
    fs::create_dir(tree.path(b"unit")).unwrap();
    // A directory with a file beside each directory, a file beside each hundredth, and one at the very end.
    let script = format!(
        "import os\nos.chdir({:?})\nfor i in range({DEEP}):\n os.mkdir('d'); os.mkdir(f'e{{i}}'); open(f'e{{i}}/x', 'w').close()\n \
         if i % 100 == 0: open('f', 'w').close()\n os.chdir('d')\nopen('last', 'w').close()\n",
        tree.path(b"unit")
    );
    assert!(start(Command::new("python3").args(["-c", &script])).wait().unwrap().success());
    let most = Cell::new(0);
    let watch = || {
        most.set(most.get().max(fs::read_dir("/proc/self/fd").unwrap().count()));
        false
    };
    let before = fs::read_dir("/proc/self/fd").unwrap().count();
    let small = std::thread::scope(|scope| {
        // A stack that a recursive walk would not fit into.
        let walk = || {
            survey(&tree.place(b"unit"), &SurveyRequest { probe: true, ..SurveyRequest::default() }, &|| {
                false
            })
        };
        std::thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, walk).unwrap().join().unwrap()
    });
    assert_eq!(small.unwrap().count, MEMBERS);
    let found = survey(&tree.place(b"unit"), &SurveyRequest::default(), &watch).unwrap();
    assert_eq!((found.count, found.unreadable.count), (MEMBERS, 0));
    // Other tests of this process have theirs open meanwhile.
    assert!(most.get() < before + 1_000, "{} descriptors", most.get());
    let longest = found.listed.iter().map(|name| name.len()).max();
    assert!(longest > Some(4_096), "{longest:?}: no name was longer than a path may be");
    assert!(start(Command::new("rm").arg("-rf").arg(tree.path(b"unit"))).wait().unwrap().success());
}

#[test]
fn nobody_who_waits_at_a_fifo_is_woken() {
    let tree = Tree::in_memory();
    fs::create_dir(tree.path(b"unit")).unwrap();
    assert!(start(Command::new("mkfifo").arg(tree.path(b"unit/fifo"))).wait().unwrap().success());
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3>unit/fifo; : >woken"]).current_dir(tree.path(b""));
    let mut writer = start(&mut command);
    // It waits for a reader in the kernel; what that function is called depends on the kernel.
    let place = format!("/proc/{}/wchan", writer.id());
    let waits = || fs::read_to_string(&place).is_ok_and(|at| at.contains("partner") || at.contains("fifo"));
    let deadline = Instant::now() + Duration::from_secs(5);
    while !waits() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let ask_first = vec![b"fifo".to_vec().into()];
    let request = SurveyRequest { ask_first, probe: true, ..SurveyRequest::default() };
    for _ in 0..100 {
        assert_eq!(survey(&tree.place(b"unit"), &request, &|| false).unwrap().count, 1);
    }
    // Whoever was woken is done soon; that nobody was shows only in that nothing comes of it.
    let deadline = Instant::now() + Duration::from_millis(300);
    while Instant::now() < deadline {
        assert!(writer.try_wait().unwrap().is_none(), "the writer was woken");
        std::thread::yield_now();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
}
