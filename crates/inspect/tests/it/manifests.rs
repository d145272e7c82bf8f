//! Lists of checksums against real files, and lists made by the tools that make them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use inspect::{
    Checked, Extras, Hash, InspectError, ManifestAnswer, ManifestError, ManifestRequest, Pace, Style, parse,
    verify_manifest,
};

use crate::dice::Dice;
use crate::tree::{Tree, start, writing};

fn request(file: &str) -> ManifestRequest<'_> {
    ManifestRequest {
        file: file.into(),
        style: Style::Auto,
        own_line: false,
        extras: Extras::Refuse,
        ignore: &|_| false,
        threads: 2,
        bytes_per_second: None,
    }
}

fn with(
    tree: &Tree,
    request: &ManifestRequest<'_>,
    checked: &mut Checked,
    pace: &dyn Pace,
) -> ManifestAnswer {
    verify_manifest(&tree.place(b"unit"), request, checked, pace, &|| false).unwrap()
}

fn ask(tree: &Tree, file: &str) -> ManifestAnswer {
    with(tree, &request(file), &mut Checked::default(), &|_| ())
}

fn names(few: &inspect::Few) -> Vec<String> {
    few.names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Runs a command in the unit's directory and gives what it writes.
fn shell(tree: &Tree, command: &str) -> Vec<u8> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(tree.path(b"unit")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = start(&mut shell).wait_with_output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A unit with `count` members of various sizes.
fn unit(count: usize) -> Tree {
    let tree = Tree::in_memory();
    for number in 0..count {
        let content = vec![number as u8; number * 3_001];
        tree.write(format!("unit/d{}/{number:03}", number % 7).as_bytes(), &content);
    }
    tree
}

#[test]
fn lists_of_all_real_tools_are_read() {
    let tree = unit(40);
    // What makes these tools escape a name, and what they leave as it is.
    for name in [
        &b"new\nline"[..],
        b"back\\slash",
        b"car\rriage",
        b" led by a space",
        b"two  spaces",
        b"*star",
        b"\xff\xfe",
        b"a) = b",
    ] {
        tree.write(&[b"unit/odd/", name].concat(), name);
    }
    let files = "find . -type f ! -name 'LIST*' -print0 | xargs -0";
    for (tool, hash) in [
        ("md5sum", Hash::Md5),
        ("sha1sum", Hash::Sha1),
        ("sha256sum", Hash::Sha256),
        ("sha512sum", Hash::Sha512),
    ] {
        for flags in ["", "--binary", "--tag"] {
            for style in [Style::Auto, Style::Sums(hash)] {
                let text = shell(&tree, &format!("{files} {tool} {flags}"));
                assert!(text.windows(2).any(|pair| pair == b"\\n"), "nothing was escaped");
                tree.write(b"unit/LIST", &text);
                let request = ManifestRequest { style, ..request("LIST") };
                let answer = with(&tree, &request, &mut Checked::default(), &|_| ());
                assert!(answer.holds() && answer.total == 48, "{tool} {flags} {style:?}: {answer:?}");
                fs::remove_file(tree.path(b"unit/LIST")).unwrap();
            }
        }
    }
    let plain = shell(&tree, "find . ! -path './odd*' ! -name LIST");
    tree.write(b"unit/LIST", &plain);
    let answer = ask(&tree, "LIST");
    assert_eq!((answer.good, answer.total, answer.extra.count), (40 + 7, 40 + 7, 8));
    let sized = shell(&tree, "find . -type f ! -path './odd*' ! -name LIST -printf '%P\\t%s\\r\\n'");
    tree.write(b"unit/LIST", &sized);
    assert_eq!((ask(&tree, "LIST").good, ask(&tree, "LIST").total), (40, 40));
}

#[test]
fn sums_of_blake3_in_both_forms() {
    let tree = Tree::in_memory();
    tree.write(b"unit/empty", b"");
    tree.write(b"unit/abc", b"abc");
    let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    let abc = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    tree.write(b"unit/B3SUMS", format!("{empty}  empty\n{abc}  ./abc\n").as_bytes());
    assert!(ask(&tree, "B3SUMS").holds());
    fs::rename(tree.path(b"unit/B3SUMS"), tree.path(b"unit/list")).unwrap();
    assert_eq!(ask(&tree, "list").wrong.count, 2, "without the name it is taken for SHA-256");
    tree.write(b"unit/list", format!("BLAKE3 (empty) = {empty}\nBLAKE3 (abc) = {abc}\n").as_bytes());
    assert!(ask(&tree, "list").holds());
}

#[test]
fn a_hundred_members_with_one_missing_one_wrong_one_extra_and_then_fixed() {
    let tree = unit(100);
    let list = shell(&tree, "find . -type f | xargs sha256sum");
    tree.write(b"unit/SHA256SUMS", &list);
    assert!(ask(&tree, "SHA256SUMS").holds());

    fs::rename(tree.path(b"unit/d1/001"), tree.path(b"away")).unwrap();
    let right = fs::read(tree.path(b"unit/d2/002")).unwrap();
    tree.write(b"unit/d2/002", &vec![0; right.len()]);
    tree.write(b"unit/d3/more", b"");
    tree.write(b"unit/.done", b"");
    let ignore = |name: &[u8]| name == b".done";
    let request = ManifestRequest { ignore: &ignore, ..request("SHA256SUMS") };
    let mut checked = Checked::default();
    let answer = with(&tree, &request, &mut checked, &|_| ());
    assert!(!answer.holds());
    assert_eq!((answer.total, answer.good), (100, 98));
    assert_eq!(names(&answer.missing), ["d1/001"]);
    assert_eq!(names(&answer.wrong), ["d2/002"]);
    assert_eq!(names(&answer.extra), ["d3/more"]);
    let lenient = ManifestRequest { extras: Extras::Ignore, ..self::request("SHA256SUMS") };
    assert_eq!(with(&tree, &lenient, &mut Checked::default(), &|_| ()).extra.count, 0);

    fs::rename(tree.path(b"away"), tree.path(b"unit/d1/001")).unwrap();
    tree.write(b"unit/d2/002", &right);
    fs::remove_file(tree.path(b"unit/d3/more")).unwrap();
    let read = AtomicU64::new(0);
    let answer = with(&tree, &request, &mut checked, &|bytes| {
        read.fetch_add(bytes, Ordering::Relaxed);
    });
    assert!(answer.holds(), "{answer:?}");
    assert_eq!(read.into_inner(), 3_001 * (1 + 2), "only the two that are new were read");
}

#[test]
fn nothing_is_read_twice_unless_it_changed() {
    let tree = unit(20);
    let list = shell(&tree, "find . -type f | xargs md5sum");
    tree.write(b"unit/x.md5", &list);
    let mut checked = Checked::default();
    let read = AtomicU64::new(0);
    let count = |bytes| {
        read.fetch_add(bytes, Ordering::Relaxed);
    };
    let all: u64 = (0..20).map(|number| number * 3_001).sum();
    assert!(with(&tree, &request("x.md5"), &mut checked, &count).holds());
    assert_eq!(read.swap(0, Ordering::Relaxed), all);
    assert!(with(&tree, &request("x.md5"), &mut checked, &count).holds());
    assert_eq!(read.swap(0, Ordering::Relaxed), 0);
    // The same content under another inode is read again: nobody can know that it is the same.
    let content = fs::read(tree.path(b"unit/d5/005")).unwrap();
    tree.write(b"unit/tmp", &content);
    fs::rename(tree.path(b"unit/tmp"), tree.path(b"unit/d5/005")).unwrap();
    assert!(with(&tree, &request("x.md5"), &mut checked, &count).holds());
    assert_eq!(read.swap(0, Ordering::Relaxed), 5 * 3_001);
    // A line with another sum is another question.
    let wrong = String::from_utf8(list).unwrap().replace("d41d8cd98f00b204e9800998ecf8427e", &"0".repeat(32));
    tree.write(b"unit/x.md5", wrong.as_bytes());
    let answer = with(&tree, &request("x.md5"), &mut checked, &count);
    assert_eq!((names(&answer.wrong), answer.good), (vec!["d0/000".to_owned()], 19));
    assert_eq!(read.into_inner(), 0);
}

#[test]
fn what_has_a_writer_is_not_hashed_and_neither_is_a_list_that_is_being_written() {
    let tree = unit(5);
    tree.write(b"unit/x.md5", &shell(&tree, "find . -type f | xargs md5sum"));
    let writer = OpenOptions::new().append(true).open(tree.path(b"unit/d3/003")).unwrap();
    let answer = ask(&tree, "x.md5");
    assert_eq!((names(&answer.open), answer.good, answer.holds()), (vec!["d3/003".to_owned()], 4, false));
    tree.write(b"unit/list", b"d3/003\nd4/004\t12004\n");
    let lenient = ManifestRequest { extras: Extras::Ignore, ..request("list") };
    let answer = with(&tree, &lenient, &mut Checked::default(), &|_| ());
    assert_eq!((names(&answer.open), answer.good), (vec!["d3/003".to_owned()], 1));
    fs::remove_file(tree.path(b"unit/list")).unwrap();
    drop(writer);
    let list = OpenOptions::new().append(true).open(tree.path(b"unit/x.md5")).unwrap();
    let answer = ask(&tree, "x.md5");
    assert_eq!((names(&answer.open), answer.total, answer.holds()), (vec!["x.md5".to_owned()], 0, false));
    drop(list);
    assert!(ask(&tree, "x.md5").holds());
}

#[test]
fn what_changes_while_it_is_hashed_is_not_believed() {
    let tree = Tree::new();
    let path = tree.path(b"unit/data");
    let opened = || OpenOptions::new().append(true).open(&path).unwrap();
    let append = || writing(|| opened().write_all(b"x").unwrap());
    let touch = || writing(|| opened().set_modified(std::time::UNIX_EPOCH).unwrap());
    let replace = || {
        tree.write(b"unit/new", &vec![7; 1 << 20]);
        fs::rename(tree.path(b"unit/new"), &path).unwrap();
    };
    let held = Mutex::new(None);
    let open = || *held.lock().unwrap() = Some(opened());
    let remove = || fs::remove_file(&path).unwrap();
    let changes: [(&str, &(dyn Fn() + Sync)); 5] =
        [("append", &append), ("touch", &touch), ("replace", &replace), ("open", &open), ("remove", &remove)];
    for (what, change) in changes {
        tree.write(b"unit/data", &vec![7; 1 << 20]);
        tree.write(b"unit/x.md5", &shell(&tree, "md5sum data"));
        let first = AtomicBool::new(true);
        let mut checked = Checked::default();
        let answer = with(&tree, &request("x.md5"), &mut checked, &|_| {
            if first.swap(false, Ordering::Relaxed) {
                change();
            }
        });
        assert_eq!((answer.good, answer.open.count, answer.holds()), (0, 1, false), "{what}: {answer:?}");
        writing(|| held.lock().unwrap().take());
        let after = with(&tree, &request("x.md5"), &mut checked, &|_| ());
        let (wrong, missing) = (u64::from(what == "append"), u64::from(what == "remove"));
        assert_eq!((after.wrong.count, after.missing.count, after.open.count), (wrong, missing, 0), "{what}");
    }
}

#[test]
fn links_lead_nowhere() {
    let tree = Tree::new();
    tree.write(b"outside/data", b"abc");
    tree.write(b"unit/real", b"abc");
    tree.write(b"unit/x.md5", &shell(&tree, "md5sum ../outside/data | sed s,../outside/data,link,; md5sum ../outside/data | sed s,../outside,dir,"));
    std::os::unix::fs::symlink("real", tree.path(b"unit/link")).unwrap();
    std::os::unix::fs::symlink("../outside", tree.path(b"unit/dir")).unwrap();
    let answer = ask(&tree, "x.md5");
    assert_eq!(
        (answer.good, names(&answer.wrong), names(&answer.missing)),
        (0, vec!["link".to_owned()], vec!["dir/data".to_owned()])
    );
    assert_eq!(names(&answer.extra), ["dir", "real"]);
    tree.write(b"unit/list", b"link\ndir\n");
    assert_eq!(ask(&tree, "list").good, 2, "a plain list says that they are there, and so they are");
    std::os::unix::fs::symlink("list", tree.path(b"unit/listlink")).unwrap();
    for file in ["listlink", "../outside/data", "..", "dir/data"] {
        let error =
            verify_manifest(&tree.place(b"unit"), &request(file), &mut Checked::default(), &|_| (), &|| {
                false
            });
        assert!(
            matches!(error, Err(InspectError::Open { .. } | InspectError::Absent { .. })),
            "{file}: {error:?}"
        );
    }
    tree.write(b"unit/list", b"a\n../outside/data\n");
    let error =
        verify_manifest(&tree.place(b"unit"), &request("list"), &mut Checked::default(), &|_| (), &|| false);
    assert_eq!(
        error.unwrap_err().to_string(),
        "use the list `list`: read line 2: the path leads out of the directory"
    );
}

#[test]
fn a_sum_alone_is_the_companion_of_one_file() {
    let tree = Tree::in_memory();
    tree.write(b"unit/image.tar.gz", b"abc");
    let sum = shell(&tree, "md5sum < image.tar.gz");
    tree.write(b"unit/image.tar.gz.md5", &sum);
    assert!(ask(&tree, "image.tar.gz.md5").holds());
    tree.write(b"unit/sum", &sum[..32]);
    let of_file = |path: &[u8]| {
        verify_manifest(&tree.place(path), &request("sum"), &mut Checked::default(), &|_| (), &|| false)
    };
    assert!(of_file(b"unit/image.tar.gz").unwrap().holds());
    assert!(!of_file(b"unit/image.tar.gz.md5").unwrap().holds());
    assert!(matches!(of_file(b"unit"), Err(InspectError::Manifest { .. })), "for which file?");
    assert!(matches!(of_file(b"unit/none"), Err(InspectError::Absent { .. })));
}

#[test]
fn stop_keeps_what_was_done() {
    let tree = unit(30);
    tree.write(b"unit/x.md5", &shell(&tree, "find . -type f | xargs md5sum"));
    let mut checked = Checked::default();
    let read = AtomicU64::new(0);
    let count = |bytes| {
        read.fetch_add(bytes, Ordering::Relaxed);
    };
    let all: u64 = (0..30).map(|number| number * 3_001).sum();
    let enough = || read.load(Ordering::Relaxed) > all / 2;
    let place = tree.place(b"unit");
    let request = ManifestRequest { extras: Extras::Ignore, ..request("x.md5") };
    let stopped = verify_manifest(&place, &request, &mut checked, &count, &enough);
    assert!(matches!(stopped, Err(InspectError::Stopped)), "{stopped:?}");
    let before = read.swap(0, Ordering::Relaxed);
    assert!(with(&tree, &request, &mut checked, &count).holds());
    let after = read.into_inner();
    assert!(before + after < all + 4 * 30 * 3_001, "{before} and {after} of {all}");
}

#[test]
fn threads_work_at_the_same_time_in_blocks_that_suit_the_rate() {
    let tree = Tree::in_memory();
    for number in 0..4 {
        tree.write(format!("unit/{number}").as_bytes(), &vec![1; 1 << 20]);
    }
    tree.write(b"unit/x.md5", &shell(&tree, "md5sum ?"));
    for threads in [0, 1, 4] {
        let inside = Mutex::new(BTreeSet::new());
        let changed = Condvar::new();
        let largest = AtomicU64::new(0);
        let pace = |bytes: u64| {
            largest.fetch_max(bytes, Ordering::Relaxed);
            let mut inside = inside.lock().unwrap();
            inside.insert(format!("{:?}", std::thread::current().id()));
            changed.notify_all();
            // Whoever comes first waits for the others; that they do not come shows below.
            let met =
                changed.wait_timeout_while(inside, Duration::from_secs(10), |inside| inside.len() < threads);
            drop(met.unwrap());
        };
        let rate = Some(1 << 20);
        let request = ManifestRequest { threads, bytes_per_second: rate, ..request("x.md5") };
        assert!(with(&tree, &request, &mut Checked::default(), &pace).holds());
        assert_eq!(inside.into_inner().unwrap().len(), threads.max(1));
        assert!(largest.into_inner() <= (1 << 20) / 10);
    }
}

#[test]
fn an_absent_and_an_empty_list_are_no_agreement() {
    let tree = unit(1);
    let ask = |file| {
        verify_manifest(&tree.place(b"unit"), &request(file), &mut Checked::default(), &|_| (), &|| false)
    };
    assert!(matches!(ask("none"), Err(InspectError::Absent { .. })));
    tree.write(b"unit/list", b"# nothing yet\n");
    assert!(matches!(ask("list"), Err(InspectError::Manifest { error: ManifestError::Empty, .. })));
}

#[test]
fn damaged_lists_never_panic_and_never_lead_out() {
    let tree = unit(12);
    let mut text = shell(
        &tree,
        "find . -type f | xargs sha256sum; find . -type f | xargs md5sum --tag; find . -printf '%P\\t%s\\n'",
    );
    text.extend_from_slice(b"\\d41d8cd98f00b204e9800998ecf8427e  a\\nb\\\\c\n");
    let parts: [&[u8]; 8] = [b"../", b"/", b"/../", b"\\n", b"\\", b"\0", b"\n", b"./"];
    let parsed = Cell::new(0);
    for seed in 0..20_000 {
        let dice = &mut Dice(seed);
        let begin = dice.below(text.len());
        let mut bytes = text[begin..(begin + dice.below(400)).min(text.len())].to_vec();
        for _ in 0..dice.below(5) {
            let at = dice.below(bytes.len() + 1);
            if dice.below(2) == 0 && at < bytes.len() {
                bytes[at] = dice.roll() as u8;
            } else {
                let part = parts[dice.below(parts.len())];
                bytes.splice(at..at, part.iter().copied());
            }
        }
        let style = [Style::Auto, Style::List, Style::Sums(Hash::Sha256)][dice.below(3)];
        let name: &[u8] = [&b"manifest.txt"[..], b"SHA256SUMS"][dice.below(2)];
        for line in parse(name, &bytes, style).into_iter().flatten() {
            parsed.set(parsed.get() + 1);
            let safe = |name: &[u8]| !name.is_empty() && name != b"." && name != b".." && !name.contains(&0);
            let whole = line.path.is_empty() || line.path.split(|&byte| byte == b'/').all(safe);
            assert!(whole, "seed {seed}: {:?}", String::from_utf8_lossy(&line.path));
        }
    }
    assert!(parsed.get() > 10_000, "{} lines: nearly all were refused", parsed.get());
}
