//! What the kernel really says. They need `CAP_SYS_ADMIN`; without it each checks that marking is refused.

use super::*;
use crate::{Handle, Links, Writer};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// An event with the names of the directories that the test knows; everybody else's are left out.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    mask: u64,
    at: Option<(String, String)>,
    to: Option<(String, String)>,
}

fn seen(mask: u64, at: (&str, &str)) -> Seen {
    Seen { mask, at: Some((at.0.into(), at.1.into())), to: None }
}

fn renamed(mask: u64, at: (&str, &str), to: (&str, &str)) -> Seen {
    Seen { to: Some((to.0.into(), to.1.into())), ..seen(RENAME | mask, at) }
}

struct Bench {
    group: Fanotify,
    root: tempfile::TempDir,
    known: HashMap<Handle, String>,
}

impl Bench {
    /// A marked file system with a directory of ours, or `None` where we may not mark.
    fn on(place: &str) -> Option<Self> {
        let root = tempfile::tempdir_in(place).unwrap();
        let dir = Dir::open_root(root.path()).unwrap();
        let group = match Fanotify::open().and_then(|group| group.mark(&dir).map(|()| group)) {
            Ok(group) => group,
            Err(error) => {
                assert!(!rustix::process::geteuid().is_root(), "root may mark {place}: {error}");
                assert_eq!(error, Errno::PERM);
                return None;
            }
        };
        let mut bench = Self { group, root, known: HashMap::new() };
        bench.know("");
        Some(bench)
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path)
    }

    fn handle(&self, path: &str) -> Handle {
        Dir::open_root(&self.path(path)).unwrap().handle().unwrap()
    }

    /// Events of the directory `path` are ours from now on.
    fn know(&mut self, path: &str) {
        self.known.insert(self.handle(path), path.to_owned());
    }

    fn make(&mut self, path: &str) {
        fs::create_dir(self.path(path)).unwrap();
        self.know(path);
    }

    /// Everything queued about directories that are known now.
    fn take(&self) -> Vec<Seen> {
        let mut all = Vec::new();
        self.drain(|event| {
            let (at, to) = (self.name(event.at), self.name(event.to));
            if at.is_some() || to.is_some() {
                all.push(Seen { mask: event.mask, at, to });
            }
        });
        all
    }

    fn drain(&self, mut each: impl FnMut(RawEvent<'_>)) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.group.read(&mut buffer).unwrap() {
                0 => return,
                filled => events(&buffer[..filled]).for_each(&mut each),
            }
        }
    }

    fn name(&self, named: Option<Named<'_>>) -> Option<(String, String)> {
        let named = named?;
        let directory = self.known.get(named.directory)?;
        Some((directory.clone(), String::from_utf8(named.name.to_vec()).unwrap()))
    }
}

#[test]
fn a_directory_has_the_handle_that_events_tell() {
    // The disk and memory: their handles and ids are made differently.
    for place in ["/tmp", "/dev/shm"] {
        let Some(mut bench) = Bench::on(place) else { return };
        bench.make("d");
        fs::write(bench.path("d/f"), b"x").unwrap();
        assert_eq!(
            bench.take(),
            [seen(CREATE | ONDIR, ("", "d")), seen(CREATE | CLOSE_WRITE, ("d", "f")),],
            "{place}"
        );
        assert_ne!(bench.handle(""), bench.handle("d"));
    }
}

#[test]
fn the_target_of_an_event_is_what_it_happened_to() {
    let Some(mut bench) = Bench::on("/dev/shm") else { return };
    bench.make("d");
    let mut targets = Vec::new();
    bench.drain(|event| {
        if bench.name(event.at).is_some() {
            targets.push(event.target.map(Handle::from));
        }
    });
    assert_eq!(targets, [bench.group.has_rename().then(|| bench.handle("d"))]);
}

#[test]
fn unread_events_of_one_file_are_one_mask() {
    let Some(bench) = Bench::on("/dev/shm") else { return };
    fs::write(bench.path("f"), b"x").unwrap();
    fs::remove_file(bench.path("f")).unwrap();
    let all = bench.take();
    let [one] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(one.mask & !ATTRIB, CREATE | CLOSE_WRITE | DELETE);
}

#[test]
fn a_file_made_again_under_its_name_is_told_apart() {
    let Some(bench) = Bench::on("/dev/shm") else { return };
    fs::write(bench.path("f"), b"x").unwrap();
    fs::remove_file(bench.path("f")).unwrap();
    fs::write(bench.path("f"), b"y").unwrap();
    let all = bench.take();
    assert_eq!(all.len(), if bench.group.has_rename() { 2 } else { 1 }, "{all:?}");
}

#[test]
fn renames_within_into_and_out_of_a_tree_tell_both_names() {
    let Some(mut bench) = Bench::on("/dev/shm") else { return };
    bench.make("in");
    bench.make("out");
    fs::write(bench.path("in/f"), b"x").unwrap();
    fs::write(bench.path("out/g"), b"x").unwrap();
    bench.take();
    fs::rename(bench.path("in/f"), bench.path("in/f2")).unwrap();
    fs::rename(bench.path("out/g"), bench.path("in/g")).unwrap();
    fs::rename(bench.path("in/g"), bench.path("out/g2")).unwrap();
    assert_eq!(
        bench.take(),
        [
            renamed(0, ("in", "f"), ("in", "f2")),
            renamed(0, ("out", "g"), ("in", "g")),
            renamed(0, ("in", "g"), ("out", "g2")),
        ]
    );
    // Where only one of the directories is known, the other's handle is still there.
    bench.known.retain(|_, path| path == "in");
    fs::rename(bench.path("in/f2"), bench.path("out/f3")).unwrap();
    fs::rename(bench.path("out/f3"), bench.path("in/f4")).unwrap();
    assert_eq!(
        bench.take(),
        [
            Seen { to: None, ..seen(RENAME, ("in", "f2")) },
            Seen { mask: RENAME, at: None, to: Some(("in".into(), "f4".into())) },
        ]
    );
}

#[test]
fn a_populated_directory_keeps_its_handle_when_it_is_renamed() {
    let Some(mut bench) = Bench::on("/dev/shm") else { return };
    bench.make("a");
    bench.make("a/b");
    fs::write(bench.path("a/b/f"), b"x").unwrap();
    bench.take();
    fs::rename(bench.path("a"), bench.path("z")).unwrap();
    fs::write(bench.path("z/b/g"), b"x").unwrap();
    fs::remove_file(bench.path("z/b/f")).unwrap();
    assert_eq!(bench.known[&bench.handle("z")], "a");
    let all = bench.take();
    assert_eq!(all[..2], [renamed(ONDIR, ("", "a"), ("", "z")), seen(CREATE | CLOSE_WRITE, ("a/b", "g")),]);
    assert!(all[2..].iter().any(|seen| seen.mask & DELETE != 0), "{all:?}");
}

#[test]
fn an_exchange_is_two_renames() {
    let Some(bench) = Bench::on("/dev/shm") else { return };
    fs::write(bench.path("a"), b"x").unwrap();
    fs::write(bench.path("b"), b"y").unwrap();
    bench.take();
    let dir = Dir::open_root(bench.root.path()).unwrap();
    rustix::fs::renameat_with(&dir, "a", &dir, "b", rustix::fs::RenameFlags::EXCHANGE).unwrap();
    let all = bench.take();
    assert_eq!(all, [renamed(0, ("", "a"), ("", "b")), renamed(0, ("", "b"), ("", "a"))]);
}

#[test]
fn a_number_of_links_changes_nowhere_and_nothing_is_lost() {
    let Some(bench) = Bench::on("/dev/shm") else { return };
    fs::write(bench.path("f"), b"x").unwrap();
    fs::write(bench.path("over"), b"x").unwrap();
    bench.take();
    fs::hard_link(bench.path("f"), bench.path("g")).unwrap();
    fs::rename(bench.path("over"), bench.path("g")).unwrap();
    fs::remove_file(bench.path("f")).unwrap();
    let (mut placeless, mut placed) = (0, 0);
    bench.drain(|event| {
        assert!(!event.is_lost(), "{event:?}");
        placeless += usize::from(event.at.is_none());
        placed += usize::from(bench.name(event.at).is_some());
    });
    assert_eq!(placed, 3);
    assert!(placeless >= 1);
}

#[test]
fn equal_renames_become_one_and_the_last_is_not_the_truth() {
    let Some(mut bench) = Bench::on("/dev/shm") else { return };
    bench.make("a");
    bench.take();
    for (from, to) in [("a", "b"), ("b", "a"), ("a", "b")] {
        fs::rename(bench.path(from), bench.path(to)).unwrap();
    }
    let told = [renamed(ONDIR, ("", "a"), ("", "b")), renamed(ONDIR, ("", "b"), ("", "a"))];
    assert_eq!(bench.take(), told);
    assert!(bench.known.contains_key(&bench.handle("b")));
}

#[test]
fn a_chain_of_new_directories_is_heard_whole() {
    let Some(mut bench) = Bench::on("/dev/shm") else { return };
    fs::create_dir_all(bench.path("a/b/c")).unwrap();
    fs::write(bench.path("a/b/c/f"), b"x").unwrap();
    // Nobody looked in between; the directories are found out afterwards.
    for path in ["a", "a/b", "a/b/c"] {
        bench.know(path);
    }
    assert_eq!(
        bench.take(),
        [
            seen(CREATE | ONDIR, ("", "a")),
            seen(CREATE | ONDIR, ("a", "b")),
            seen(CREATE | ONDIR, ("a/b", "c")),
            seen(CREATE | CLOSE_WRITE, ("a/b/c", "f")),
        ]
    );
}

#[test]
fn removing_and_changing_are_heard() {
    let Some(mut bench) = Bench::on("/dev/shm") else { return };
    bench.make("d");
    fs::write(bench.path("f"), b"x").unwrap();
    bench.take();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    set(&bench.path("f"), 0o600);
    set(&bench.path("d"), 0o700);
    assert_eq!(bench.take(), [seen(ATTRIB, ("", "f")), seen(ATTRIB | ONDIR, ("d", ""))]);
    fs::hard_link(bench.path("f"), bench.path("g")).unwrap();
    let all = bench.take();
    assert!(all.contains(&seen(CREATE, ("", "g"))), "{all:?}");
    fs::remove_dir(bench.path("d")).unwrap();
    let all = bench.take();
    assert!(all.contains(&seen(DELETE | ONDIR, ("", "d"))), "{all:?}");
}

#[test]
fn a_close_is_queued_before_the_writer_is_gone() {
    let Some(bench) = Bench::on("/dev/shm") else { return };
    let dir = Dir::open_root(bench.root.path()).unwrap();
    fs::write(bench.path("f"), b"x").unwrap();
    for round in 0..2_000 {
        bench.take();
        let file = fs::OpenOptions::new().append(true).open(bench.path("f")).unwrap();
        let closer = std::thread::spawn(move || drop(file));
        while dir.probe_writer(b"f", Links::Refuse) != Writer::Gone {}
        assert_eq!(bench.take(), [seen(CLOSE_WRITE, ("", "f"))], "round {round}");
        closer.join().unwrap();
    }
}

#[test]
fn what_is_unmarked_is_no_longer_heard() {
    let Some(bench) = Bench::on("/dev/shm") else { return };
    let dir = Dir::open_root(bench.root.path()).unwrap();
    bench.group.mark(&dir).unwrap();
    assert_eq!(bench.group.has_mark(&dir), Ok(true));
    assert_eq!(bench.group.has_mark(&dir), Ok(true), "asking changes nothing");
    bench.group.unmark(&dir).unwrap();
    assert_eq!(bench.group.has_mark(&dir), Ok(false));
    fs::write(bench.path("f"), b"x").unwrap();
    assert_eq!(bench.take(), []);
    assert_eq!(bench.group.unmark(&dir), Err(Errno::NOENT));
}

#[test]
fn a_pseudo_file_system_cannot_be_marked() {
    let expected = if rustix::process::geteuid().is_root() { Errno::OPNOTSUPP } else { Errno::PERM };
    let proc = Dir::open_root(Path::new("/proc")).unwrap();
    assert_eq!(Fanotify::open().and_then(|group| group.mark(&proc)), Err(expected));
}

/// Set where the test runs a second time, as root of a user namespace: a file system mounted there.
const INSIDE: &str = "SYS_TEST_USER_NAMESPACE";

#[test]
fn in_a_user_namespace_only_its_own_mounts_can_be_marked() {
    if let Some(place) = std::env::var_os(INSIDE) {
        return inside_a_user_namespace(Path::new(&place));
    }
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs none \"$1\" && exec \"$2\" --exact \"$3\"";
    let done = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .arg("fanotify::tests::in_a_user_namespace_only_its_own_mounts_can_be_marked")
        .env(INSIDE, place.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
}

fn inside_a_user_namespace(place: &Path) {
    let group = Fanotify::open().unwrap();
    assert!(!group.is_unlimited());
    let outside = Dir::open_root(Path::new("/dev/shm")).unwrap();
    assert_eq!(group.mark(&outside), Err(Errno::PERM));
    match group.mark(&Dir::open_root(place).unwrap()) {
        Ok(()) => {
            fs::write(place.join("f"), b"x").unwrap();
            let mut buffer = [0; 4096];
            let filled = group.read(&mut buffer).unwrap();
            let event = events(&buffer[..filled]).next().unwrap();
            assert_eq!(event.at.unwrap().name, b"f");
        }
        // Linux before 6.16.
        Err(error) => assert_eq!(error, Errno::PERM),
    }
}

/// An event as the kernel writes it, with the records given.
fn written(mask: u64, records: &[&[u8]]) -> Vec<u8> {
    let length = 24 + records.iter().map(|record| record.len()).sum::<usize>();
    let mut bytes = (length as u32).to_ne_bytes().to_vec();
    bytes.extend([libc::FANOTIFY_METADATA_VERSION, 0]);
    bytes.extend(24u16.to_ne_bytes());
    bytes.extend(mask.to_ne_bytes());
    bytes.extend((-1i32).to_ne_bytes());
    bytes.extend(7i32.to_ne_bytes());
    for record in records {
        bytes.extend(*record);
    }
    bytes
}

fn record(kind: u8, handle: &[u8], name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend((4 + 8 + 8 + handle.len() as u16 + name.len() as u16).to_ne_bytes());
    bytes.extend([9; 8]);
    bytes.extend((handle.len() as u32).to_ne_bytes());
    bytes.extend(1i32.to_ne_bytes());
    bytes.extend(handle);
    bytes.extend(name);
    bytes
}

#[test]
fn a_broken_tail_is_no_event() {
    let good = written(CREATE, &[&record(2, b"dir.", b"name\0\0\0\0")]);
    assert_eq!(events(&good).count(), 1);
    for cut in 0..good.len() {
        assert_eq!(events(&good[..cut]).count(), 0, "cut at {cut}");
    }
    let twice = [&good[..], &good[..30]].concat();
    assert_eq!(events(&twice).count(), 1);
    assert_eq!(events(&[0; 64]).count(), 0);
    // The layout of another version is not known.
    let mut newer = good.clone();
    newer[4] += 1;
    assert_eq!(events(&newer).count(), 0);
}

#[test]
fn broken_and_unknown_records_leave_the_event() {
    let mut lying = record(2, b"dir.", b"n\0");
    lying[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
    let mut too_long = record(2, b"dir.", b"n\0");
    too_long[2..4].copy_from_slice(&999u16.to_ne_bytes());
    let empty_handle = record(2, b"", b"n\0");
    let nothing = [2, 0, 0, 0].to_vec();
    for odd in [lying, too_long, empty_handle, nothing, record(77, b"dir.", b"n\0")] {
        let bytes = written(CREATE, &[&odd]);
        let all: Vec<_> = events(&bytes).collect();
        assert_eq!(all, [RawEvent { mask: CREATE, at: None, to: None, target: None, bytes: &bytes }]);
        assert!(all[0].is_lost());
    }
}

#[test]
fn an_overflow_has_no_place() {
    let bytes = written(Q_OVERFLOW, &[]);
    let event = events(&bytes).next().unwrap();
    assert_eq!((event.mask, event.at, event.is_lost()), (Q_OVERFLOW, None, true));
    let known = written(CREATE, &[&record(2, b"dir.", b"n\0")]);
    assert!(!events(&known).next().unwrap().is_lost());
    let links = written(ATTRIB, &[&record(1, b"file", b"")]);
    assert!(!events(&links).next().unwrap().is_lost());
}
