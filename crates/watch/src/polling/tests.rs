//! What scanners' answers do to the tree.

use std::fs;
use std::sync::Weak;
use std::time::{Duration, Instant};

use super::*;
use crate::survey::{Answer, SeenEntry};
use crate::tree::Tree;
use sys::EntryKind;

const SECOND: Duration = Duration::from_secs(1);

struct Rig {
    dir: tempfile::TempDir,
    backlog: Arc<Backlog>,
    polling: Polling,
    ground: Ground,
}

fn signature(number: u64) -> Signature {
    let look = sys::Look {
        mode: 0o040_755,
        size: 0,
        mtime: (1, 0),
        ctime: (1, 0),
        inode: number,
        device: 1,
        links: 2,
    };
    Signature::from(&look)
}

fn names(names: &[&str]) -> Vec<Box<[u8]>> {
    names.iter().map(|name| name.as_bytes().into()).collect()
}

fn show(tree: &Tree, hint: Hint<'_>) -> String {
    let path = |dir| tree.path(dir).map_or("nowhere".to_owned(), |path| String::from_utf8(path).unwrap());
    match hint {
        Hint::Directory(dir) => format!("walk {}", path(dir)),
        Hint::DirectoryGone => "gone".to_owned(),
        Hint::Listed { dir, below } => format!("listed {} {}", path(dir), below.len()),
        Hint::Refused { dir, error } => format!("refused {} {:?}", path(dir), error.kind()),
        Hint::Seen { dir, name, .. } => format!("seen {}/{}", path(dir), String::from_utf8_lossy(name)),
        other => format!("{other:?}"),
    }
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let backlog = Backlog::new();
        let pace = Pace { interval: SECOND, full: None };
        let polling = Polling::new(dir.path(), false, pace, &backlog);
        Self { dir, backlog, polling, ground: Ground::new(true) }
    }

    /// A directory that is polled, in the tree only.
    fn known(&mut self, parent: DirId, name: &str) -> DirId {
        let dir = self.ground.tree.add(parent, name.as_bytes());
        self.polling.take_on(dir, RegionId::ROOT, false, None);
        dir
    }

    fn fold(&mut self, report: Report) -> Vec<String> {
        let epoch = self.polling.epoch;
        self.fold_of(epoch, report)
    }

    fn fold_of(&mut self, epoch: u32, report: Report) -> Vec<String> {
        let answer = Answer { epoch, reports: vec![report], alive: Weak::new() };
        self.fold_piece(&Piece::Survey(Box::new(answer)))
    }

    fn fold_piece(&mut self, piece: &Piece) -> Vec<String> {
        let mut hints = Vec::new();
        self.polling.fold(&mut self.ground, piece, &mut |tree, hint| hints.push(show(tree, hint)));
        hints
    }

    fn listed(&mut self, dir: DirId, below: &[&str]) -> Vec<String> {
        let report = Report::Listed { dir, signature: signature(1), below: names(below), count: 9 };
        self.fold(report)
    }

    fn refused(&mut self, dir: DirId, place: &str, error: Errno) -> Vec<String> {
        let place = place.as_bytes().to_vec();
        self.fold(Report::Refused { dir, place, signature: None, error })
    }

    /// Real answers, in the order in which they came, until there were so many.
    fn answers(&mut self, count: usize) -> Vec<Vec<String>> {
        let mut answers = Vec::new();
        let begun = Instant::now();
        while answers.len() < count {
            assert!(begun.elapsed() < 20 * SECOND, "not in time: {answers:?}");
            self.backlog.wait(Duration::from_millis(50));
            for piece in self.backlog.take() {
                answers.push(self.fold_piece(&piece));
            }
        }
        assert_eq!(answers.len(), count, "{answers:?}");
        answers
    }

    fn at(&mut self, now: Mono) {
        self.polling.set_now(now);
    }

    fn asks(&mut self, now: Mono) -> Vec<(DirId, Want)> {
        self.polling.places.get_mut(&RegionId::ROOT).unwrap().book.asks(now)
    }
}

#[test]
fn a_listing_tells_which_directories_are_new_and_which_are_gone() {
    let mut rig = Rig::new();
    let (stays, goes) = (rig.known(DirId::ROOT, "stays"), rig.known(DirId::ROOT, "goes"));
    let below = rig.known(goes, "below");
    let heard = rig.ground.tree.add(DirId::ROOT, b"heard");
    rig.ground.tree.bind(heard, 5);
    // Of `heard` the events tell: it may have been renamed to there after this listing.
    let hints = rig.listed(DirId::ROOT, &["stays", "new"]);
    assert_eq!(hints, ["gone", "walk new", "listed  2"]);
    assert_eq!(rig.ground.tree.path(heard).unwrap(), b"heard");
    assert_eq!(rig.ground.tree.at(b"stays"), Some(stays));
    assert_eq!((rig.ground.tree.path(goes), rig.ground.tree.path(below)), (None, None));
    let removed: Vec<DirId> = rig.ground.take_removed().into_iter().map(|(dir, _)| dir).collect();
    assert_eq!(removed, [goes, below], "each backend is to be told");
    // Nothing is new any more.
    assert_eq!(rig.listed(DirId::ROOT, &["stays", "new"]), ["listed  2"]);
}

#[test]
fn in_a_flat_source_directories_are_nobodys_business() {
    let mut rig = Rig::new();
    rig.ground.recursive = false;
    assert_eq!(rig.listed(DirId::ROOT, &["d"]), ["listed  1"]);
    assert_eq!(rig.ground.tree.len(), 1);
}

#[test]
fn answers_about_an_earlier_root_mean_nothing() {
    let mut rig = Rig::new();
    let old = rig.polling.epoch;
    rig.polling.forget();
    let report =
        || Report::Listed { dir: DirId::ROOT, signature: signature(1), below: names(&["d"]), count: 1 };
    assert_eq!(rig.fold_of(old, report()), [""; 0]);
    assert_eq!(rig.ground.tree.len(), 1);
    assert_eq!(rig.fold_of(old + 1, report()), ["walk d", "listed  1"]);
}

#[test]
fn an_answer_that_comes_late_makes_nothing_known() {
    let mut rig = Rig::new();
    let d = rig.known(DirId::ROOT, "d");
    rig.ground.drop_dir(d);
    // The walk that sent the scanner there learns of it nevertheless.
    assert_eq!(rig.listed(d, &["below"]), ["listed nowhere 1"]);
    assert_eq!(rig.refused(d, "d", Errno::NOENT), ["refused nowhere NotFound"]);
    assert_eq!(rig.ground.tree.len(), 1, "there is no node that hangs nowhere");
}

#[test]
fn a_directory_that_is_not_there_is_forgotten_unless_others_know_better() {
    let mut rig = Rig::new();
    let d = rig.known(DirId::ROOT, "d");
    let below = rig.known(d, "below");
    assert_eq!(rig.refused(below, "d/below", Errno::ACCESS), ["refused d/below PermissionDenied"]);
    assert_eq!(
        rig.refused(DirId::ROOT, "", Errno::NOENT),
        ["refused  NotFound"],
        "others look after the root"
    );
    rig.ground.tree.bind(d, 5);
    assert_eq!(rig.refused(d, "d", Errno::NOENT), ["refused d NotFound"], "events tell of it");
    // `d` was renamed while the scanner was on its way to `d/below`.
    rig.ground.tree.detach(d);
    rig.ground.tree.attach(d, DirId::ROOT, b"e");
    assert_eq!(rig.refused(below, "d/below", Errno::NOENT), ["refused e/below NotFound"]);
    assert_eq!(rig.ground.tree.at(b"e/below"), Some(below));
    assert_eq!(rig.refused(below, "e/below", Errno::NOTDIR), ["gone", "refused nowhere NotADirectory"]);
    assert_eq!(rig.ground.tree.at(b"e/below"), None);
}

/// Only a change of permissions changes the times, too.
#[test]
fn what_failed_for_a_passing_reason_is_listed_the_next_time() {
    for (error, again) in
        [(Errno::MFILE, true), (Errno::IO, true), (Errno::STALE, true), (Errno::ACCESS, false)]
    {
        let mut rig = Rig::new();
        let d = rig.known(DirId::ROOT, "d");
        // It is known and trusted, and changes.
        for now in 1..10 {
            rig.at(now * SECOND);
            if !rig.asks(now * SECOND).is_empty() {
                rig.fold(Report::Listed { dir: d, signature: signature(1), below: Vec::new(), count: 0 });
            }
        }
        for now in 10..20 {
            rig.at(now * SECOND);
            if !rig.asks(now * SECOND).is_empty() {
                let (place, signature) = (b"d".to_vec(), Some(signature(2)));
                rig.fold(Report::Refused { dir: d, place, signature, error });
            }
        }
        let lists = rig.asks(20 * SECOND) != [(d, Want::IfNot(signature(2)))];
        assert_eq!(lists, again, "{error}");
    }
}

#[test]
fn entries_are_seen_in_order() {
    let mut rig = Rig::new();
    let d = rig.known(DirId::ROOT, "d");
    let entry = |name: &[u8]| SeenEntry { name: name.into(), kind: EntryKind::File, look: None, asked: None };
    let entries = vec![entry(b"b"), entry(b"a")];
    assert_eq!(rig.fold(Report::Entries { dir: d, entries }), ["seen d/b", "seen d/a"]);
}

#[test]
fn a_directory_is_polled_in_one_region() {
    let mut rig = Rig::new();
    let d = rig.known(DirId::ROOT, "d");
    assert_eq!(rig.polling.len(), 1);
    rig.polling.take_on(d, other_region(), true, None);
    assert_eq!((rig.polling.len(), rig.polling.places.len()), (1, 2));
    assert!(rig.polling.has(d) && !rig.polling.places[&RegionId::ROOT].book.has(d));
    // Its mount is gone, and its scanners with it.
    rig.polling.retain(|region| region == RegionId::ROOT);
    assert_eq!((rig.polling.len(), rig.polling.places.len()), (0, 1));
    rig.polling.take_on(d, RegionId::ROOT, false, None);
    rig.polling.let_go(d);
    assert!(!rig.polling.has(d) && rig.polling.next().is_none());
}

/// Any but the root's.
fn other_region() -> RegionId {
    let mut regions = crate::region::Regions::new(crate::region::Wanted::Auto);
    regions.begin(&Dir::open_root(Path::new("/")).unwrap());
    regions.at(b"proc")
}

#[test]
fn questions_are_put_together_only_where_a_stat_is_fast() {
    for (slow, jobs) in [(false, 2), (true, 6)] {
        let mut rig = Rig::new();
        fs::create_dir_all(rig.dir.path().join("d/e")).unwrap();
        for name in ["a", "b", "c"] {
            fs::create_dir(rig.dir.path().join(name)).unwrap();
        }
        let region = other_region();
        let mut dirs = vec![DirId::ROOT];
        dirs.extend(["a", "b", "c", "d"].map(|name| rig.ground.tree.add(DirId::ROOT, name.as_bytes())));
        dirs.push(rig.ground.tree.add(dirs[4], b"e"));
        for dir in &dirs {
            rig.ground.tree.set_region(*dir, region);
            rig.polling.take_on(*dir, region, slow, None);
        }
        rig.at(SECOND);
        rig.polling.ask(&rig.ground);
        // By parent: the root with those in it, and what lies in `d`.
        let mut hints = rig.answers(jobs).concat();
        hints.sort_unstable();
        let all = ["listed  4", "listed a 0", "listed b 0", "listed c 0", "listed d 1", "listed d/e 0"];
        assert_eq!(hints, all);
        assert_eq!(rig.polling.places[&region].book.overdue(100 * SECOND).count(), 0, "all are answered");
    }
}

#[test]
fn what_hangs_nowhere_is_not_asked_for_and_not_waited_for() {
    let mut rig = Rig::new();
    let d = rig.known(DirId::ROOT, "d");
    let below = rig.known(d, "below");
    rig.ground.tree.detach(d);
    rig.at(SECOND);
    rig.polling.ask(&rig.ground);
    assert_eq!(rig.polling.next(), Some(2 * SECOND), "the pass is over");
    rig.at(100 * SECOND);
    rig.polling.ask(&rig.ground);
    assert_eq!(rig.polling.stuck(), []);
    rig.at(200 * SECOND);
    rig.ground.tree.attach(d, DirId::ROOT, b"e");
    rig.polling.ask(&rig.ground);
    assert_eq!(rig.asks(200 * SECOND), [], "{below:?} and {d:?} are on their way");
}

#[test]
fn a_walk_can_send_scanners_out_of_turn() {
    let mut rig = Rig::new();
    fs::create_dir_all(rig.dir.path().join("d/below")).unwrap();
    fs::write(rig.dir.path().join("d/f"), b"x").unwrap();
    let d = rig.ground.tree.add(DirId::ROOT, b"d");
    rig.polling.visit(&rig.ground, d);
    assert_eq!(rig.answers(1).concat(), ["seen d/f", "walk d/below", "listed d 1"]);
    rig.polling.look(&rig.ground, d, names(&["f", "gone"]));
    let mut hints = rig.answers(2).concat();
    hints.sort_unstable();
    assert_eq!(hints, ["seen d/f", "seen d/gone"]);
    assert!(rig.polling.has(d), "and it is polled from then on");
}
