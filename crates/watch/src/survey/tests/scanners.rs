//! Scanners on real directories, and the pool that they are.

use super::*;
use crate::backlog::Piece;
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;

const LONG: Duration = Duration::from_secs(20);

struct Rig {
    dir: tempfile::TempDir,
    backlog: Arc<Backlog>,
    survey: Survey,
    ids: Vec<DirId>,
}

impl Rig {
    fn new(follow: bool, threads: usize) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let backlog = Backlog::new();
        let survey = Survey::new(dir.path(), follow, 7, threads, &backlog);
        let mut tree = Tree::new();
        let ids = (0..100).map(|number| tree.add(DirId::ROOT, number.to_string().as_bytes())).collect();
        Self { dir, backlog, survey, ids }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn give(&self, dir: &str, tasks: Vec<Task>) {
        self.survey.give(Job { dir: dir.as_bytes().to_vec(), tasks });
    }

    fn visit(&self, id: usize, name: &str, want: Want) -> Task {
        Task::Visit { id: self.ids[id], name: name.as_bytes().into(), want }
    }

    /// So many answers, in the order in which they came.
    fn answers(&self, count: usize) -> Vec<Answer> {
        let mut answers = Vec::new();
        let begun = Instant::now();
        while answers.len() < count {
            assert!(begun.elapsed() < LONG, "{} of {count} answers", answers.len());
            self.backlog.wait(Duration::from_millis(50));
            for piece in self.backlog.take() {
                let Piece::Survey(answer) = piece else { panic!("{piece:?}") };
                assert_eq!(answer.epoch, 7);
                answers.push(*answer);
            }
        }
        assert_eq!(answers.len(), count);
        answers
    }

    /// What a visit of `name` in the root reports.
    fn reports(&self, name: &str, want: Want) -> Vec<Report> {
        self.give("", vec![self.visit(0, name, want)]);
        self.answers(1).remove(0).reports
    }
}

/// Signature, directories, number of entries.
fn listed(report: &Report) -> (Signature, Vec<&[u8]>, u64) {
    let Report::Listed { signature, below, count, .. } = report else { panic!("{report:?}") };
    let mut below: Vec<&[u8]> = below.iter().map(|name| &**name).collect();
    below.sort_unstable();
    (*signature, below, *count)
}

fn entries(report: &Report) -> BTreeMap<&[u8], &SeenEntry> {
    let Report::Entries { entries, .. } = report else { panic!("{report:?}") };
    entries.iter().map(|entry| (&*entry.name, entry)).collect()
}

fn refused(report: &Report) -> (bool, Errno) {
    let Report::Refused { signature, error, .. } = report else { panic!("{report:?}") };
    (signature.is_some(), *error)
}

#[test]
fn a_listing_tells_files_with_looks_and_names_of_directories() {
    let rig = Rig::new(false, 1);
    for dir in ["d/x", "d/y"] {
        fs::create_dir_all(rig.path(dir)).unwrap();
    }
    fs::write(rig.path("d/f"), b"four").unwrap();
    let reports = rig.reports("d", Want::Listing);
    let [seen, end] = reports.as_slice() else { panic!("{reports:?}") };
    let (signature, below, count) = listed(end);
    assert_eq!((below, count), (vec![&b"x"[..], b"y"], 3));
    let seen = entries(seen);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[&b"f"[..]].look.unwrap().unwrap().size, 4);

    let same = rig.reports("d", Want::IfNot(signature));
    assert!(matches!(same.as_slice(), [Report::Same(ids)] if *ids == [rig.ids[0]]), "{same:?}");
    fs::write(rig.path("d/g"), b"").unwrap();
    assert_eq!(listed(rig.reports("d", Want::IfNot(signature)).last().unwrap()).2, 4);
    // An empty one has no entries to tell.
    assert_eq!(listed(&rig.reports("d/x", Want::Listing)[0]).2, 0);
}

#[test]
fn the_root_is_visited_in_itself() {
    let rig = Rig::new(false, 1);
    fs::create_dir(rig.path("d")).unwrap();
    assert_eq!(listed(&rig.reports(".", Want::Listing)[0]).1, [b"d"]);
}

#[test]
fn a_large_directory_comes_in_parts_and_beyond_a_number_entries_are_only_named() {
    let rig = Rig::new(false, 1);
    let number = LOOKED_AT as usize + 1000;
    fs::create_dir(rig.path("d")).unwrap();
    for file in 0..number {
        fs::write(rig.path(&format!("d/{file}")), b"").unwrap();
    }
    rig.give("", vec![rig.visit(0, "d", Want::Listing)]);
    let answers = rig.answers(number / PART + 1);
    let (mut names, mut looks) = (BTreeSet::new(), 0);
    for report in answers.iter().flat_map(|answer| &answer.reports).filter(|report| !is_end(report)) {
        let part = entries(report);
        assert!(part.len() <= PART);
        for (name, entry) in part {
            assert!(names.insert(name.to_vec()), "told twice");
            assert_eq!(entry.kind, EntryKind::File);
            looks += u64::from(entry.look.is_some());
        }
    }
    assert_eq!((names.len(), looks), (number, LOOKED_AT));
    let last = answers.last().unwrap().reports.last().unwrap();
    assert_eq!(listed(last).2, number as u64, "the end comes last");

    // The next cheap listing tells of what is new and of names that another file has taken.
    fs::write(rig.path("d/new"), b"").unwrap();
    fs::write(rig.path("other"), b"").unwrap();
    fs::rename(rig.path("other"), rig.path("d/7")).unwrap();
    fs::remove_file(rig.path("d/8")).unwrap();
    let again = rig.reports("d", Want::Again);
    let [seen, end] = again.as_slice() else { panic!("{} reports", again.len()) };
    let seen = entries(seen);
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [&b"7"[..], b"new"]);
    assert!(seen.values().all(|entry| entry.look.is_some()));
    assert_eq!(listed(end).2, number as u64);
    // What comes back is new, and a full listing tells of everything.
    fs::write(rig.path("d/8"), b"").unwrap();
    assert_eq!(entries(&rig.reports("d", Want::Again)[0]).len(), 1);
    rig.give("", vec![rig.visit(0, "d", Want::Listing)]);
    assert!(rig.answers(number / PART + 1).len() > 1);
}

fn is_end(report: &Report) -> bool {
    matches!(report, Report::Listed { .. })
}

#[test]
fn links_to_files_are_followed_only_if_so_wanted_and_links_to_directories_never() {
    for follow in [false, true] {
        let rig = Rig::new(follow, 1);
        fs::create_dir(rig.path("d")).unwrap();
        fs::create_dir(rig.path("elsewhere")).unwrap();
        fs::write(rig.path("elsewhere/f"), b"four").unwrap();
        symlink(rig.path("elsewhere/f"), rig.path("d/file")).unwrap();
        symlink(rig.path("elsewhere"), rig.path("d/dir")).unwrap();
        symlink(rig.path("nothing"), rig.path("d/broken")).unwrap();
        let reports = rig.reports("d", Want::Listing);
        assert_eq!(listed(&reports[1]).1, [b""; 0], "no link is a directory");
        let seen = entries(&reports[0]);
        let kind = |name: &[u8]| seen[name].look.unwrap().unwrap().kind();
        assert_eq!(kind(b"file"), if follow { EntryKind::File } else { EntryKind::Symlink });
        assert_eq!((kind(b"dir"), kind(b"broken")), (EntryKind::Symlink, EntryKind::Symlink));
        // Nor is one visited as if it were one.
        assert_eq!(refused(&rig.reports("d/dir", Want::Listing)[0]), (false, Errno::NOTDIR));
    }
}

#[test]
fn single_entries_are_looked_at() {
    let rig = Rig::new(true, 1);
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/f"), b"four").unwrap();
    symlink("f", rig.path("d/link")).unwrap();
    let look = |name: &[u8]| Task::Look { id: rig.ids[3], name: name.into(), asked: Mono::ZERO };
    rig.give("d", vec![look(b"f"), look(b"link"), look(b"gone")]);
    rig.give("away", vec![look(b"f")]);
    let answers = rig.answers(2);
    let looks: Vec<_> = answers
        .iter()
        .flat_map(|answer| &answer.reports)
        .map(|report| entries(report).into_values().next().unwrap().look.unwrap())
        .collect();
    assert_eq!(looks[0].unwrap().size, 4);
    assert_eq!(looks[1].unwrap().inode, looks[0].unwrap().inode);
    // Also when the directory itself is not there, somebody waits for this answer.
    assert_eq!((looks[2].unwrap_err(), looks[3].unwrap_err()), (Errno::NOENT, Errno::NOENT));
}

#[test]
fn what_is_gone_is_refused_and_so_is_everything_in_it() {
    let rig = Rig::new(false, 1);
    assert_eq!(refused(&rig.reports("d", Want::Listing)[0]), (false, Errno::NOENT));
    fs::write(rig.path("f"), b"").unwrap();
    assert_eq!(refused(&rig.reports("f", Want::Listing)[0]), (false, Errno::NOTDIR));
    rig.give("d", vec![rig.visit(1, "x", Want::Listing), rig.visit(2, "y", Want::Listing)]);
    let reports = rig.answers(1).remove(0).reports;
    assert_eq!(reports.len(), 2, "one for each question");
    fs::remove_file(rig.path("f")).unwrap();
    fs::remove_dir(rig.dir.path()).unwrap();
    assert_eq!(refused(&rig.reports(".", Want::Listing)[0]), (false, Errno::NOENT));
    fs::create_dir(rig.dir.path()).unwrap();
}

#[test]
fn tasks_of_a_job_and_jobs_of_one_scanner_are_done_in_order() {
    let rig = Rig::new(false, 1);
    for number in 0..50 {
        fs::create_dir(rig.path(&number.to_string())).unwrap();
    }
    for first in (0..50).step_by(5) {
        rig.give("", (first..first + 5).map(|id| rig.visit(id, &id.to_string(), Want::Listing)).collect());
    }
    let answers = rig.answers(10);
    let order: Vec<DirId> = answers
        .iter()
        .flat_map(|answer| &answer.reports)
        .map(|report| if let Report::Listed { dir, .. } = report { *dir } else { panic!("{report:?}") })
        .collect();
    assert_eq!(order, rig.ids[..50]);
    assert_eq!(rig.survey.shared.lock().running, 1);
}

/// While the backlog is full, whoever has found something waits for room: as if stuck.
struct Full<'a>(&'a Rig);

impl<'a> Full<'a> {
    fn new(rig: &'a Rig) -> Self {
        while !rig.backlog.is_full() {
            rig.backlog.push(Piece::Inotify(vec![0; 8 << 20].into()));
        }
        Full(rig)
    }

    fn until(&self, what: &str, done: impl Fn(&Jobs) -> bool) {
        let begun = Instant::now();
        while !done(&self.0.survey.shared.lock()) {
            assert!(begun.elapsed() < LONG, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn there_are_no_more_scanners_than_wanted_and_no_more_than_needed() {
    let rig = Rig::new(false, 4);
    let full = Full::new(&rig);
    assert_eq!(rig.survey.shared.lock().running, 0);
    for (given, running) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 4)] {
        rig.give("", vec![rig.visit(given, ".", Want::Listing)]);
        full.until("taken", |jobs| jobs.todo.len() == given.saturating_sub(4));
        assert_eq!(rig.survey.shared.lock().running, running, "for {given} jobs");
    }
    drop(rig.backlog.take());
    // Four that waited for room, and the two that nobody had time for.
    assert_eq!(rig.answers(6).len(), 6);
    full.until("idle", |jobs| jobs.idle == 4);
    rig.give("", vec![rig.visit(0, ".", Want::Listing)]);
    assert_eq!(rig.answers(1).len(), 1);
    assert_eq!(rig.survey.shared.lock().running, 4, "those that wait are taken first");
}

#[test]
fn scanners_that_nobody_wants_end_without_being_waited_for() {
    let rig = Rig::new(false, 4);
    let full = Full::new(&rig);
    for id in 0..6 {
        rig.give("", vec![rig.visit(id, ".", Want::Listing)]);
    }
    full.until("four are stuck", |jobs| jobs.todo.len() == 2);
    let shared = Arc::downgrade(&rig.survey.shared);
    let Rig { backlog, survey, .. } = rig;
    let begun = Instant::now();
    drop(survey);
    assert!(begun.elapsed() < Duration::from_millis(500), "dropping waits for those that are stuck");
    // Nobody will ever take what is in the backlog.
    while shared.strong_count() > 0 {
        assert!(begun.elapsed() < LONG, "{} scanners live on", shared.strong_count());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(backlog.take().iter().all(|piece| !matches!(piece, Piece::Survey(_))));
}

/// A unit on a mount that hangs for days is asked for each half minute.
#[test]
fn a_look_that_is_asked_for_again_before_it_is_done_is_done_once() {
    let rig = Rig::new(false, 1);
    let full = Full::new(&rig);
    rig.give("", vec![rig.visit(0, ".", Want::Listing)]);
    full.until("stuck", |jobs| jobs.todo.is_empty());
    let look = |name: &[u8]| vec![Task::Look { id: rig.ids[3], name: name.into(), asked: Mono::ZERO }];
    for _ in 0..1000 {
        rig.give("d", look(b"f"));
    }
    // The directory was renamed.
    rig.give("e", look(b"f"));
    rig.give("d", look(b"g"));
    assert_eq!(rig.survey.shared.lock().todo.len(), 3);
    drop(rig.backlog.take());
    rig.answers(4);
    assert_eq!(rig.survey.shared.lock().looks.len(), 0);
    rig.give("d", look(b"f"));
    rig.answers(1);
}
