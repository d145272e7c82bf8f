//! Made-up events of a made-up file system: what may be merged, late, or nobody else's business.

use super::*;
use sys::fanotify::{ATTRIB, CLOSE_WRITE, CREATE, DELETE, MOVED_FROM, MOVED_TO, ONDIR, Q_OVERFLOW, RENAME};

const FID: u8 = 1;
const DFID_NAME: u8 = 2;
const OLD_DFID_NAME: u8 = 10;
const NEW_DFID_NAME: u8 = 12;

/// The handle of the object with this number: file system, length, type, bytes.
fn handle(number: u32) -> Vec<u8> {
    let mut bytes = vec![7; 8];
    for word in [4, 1, number] {
        bytes.extend_from_slice(&u32::to_ne_bytes(word));
    }
    bytes
}

fn record(kind: u8, number: u32, name: Option<&[u8]>) -> Vec<u8> {
    let mut body = handle(number);
    if let Some(name) = name {
        body.extend_from_slice(name);
        body.push(0);
    }
    body.resize(body.len().next_multiple_of(4), 0);
    let mut bytes = vec![kind, 0];
    bytes.extend_from_slice(&(body.len() as u16 + 4).to_ne_bytes());
    bytes.extend(body);
    bytes
}

fn raw(mask: u64, records: &[Vec<u8>]) -> Vec<u8> {
    let records = records.concat();
    let mut bytes = (24 + records.len() as u32).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&[3, 0]);
    bytes.extend_from_slice(&24u16.to_ne_bytes());
    bytes.extend_from_slice(&mask.to_ne_bytes());
    bytes.extend_from_slice(&(-1i32).to_ne_bytes());
    bytes.extend_from_slice(&0i32.to_ne_bytes());
    bytes.extend(records);
    bytes
}

/// Something happened to `target`, the entry `name` of the directory `dir`.
fn event(mask: u64, dir: u32, name: &[u8], target: u32) -> Vec<u8> {
    raw(mask, &[record(DFID_NAME, dir, Some(name)), record(FID, target, None)])
}

fn rename(mask: u64, from: (u32, &[u8]), to: (u32, &[u8]), target: u32) -> Vec<u8> {
    let (old, new) = (record(OLD_DFID_NAME, from.0, Some(from.1)), record(NEW_DFID_NAME, to.0, Some(to.1)));
    raw(RENAME | mask, &[old, new, record(FID, target, None)])
}

/// The root has the handle 1.
struct Rig {
    ours: Ours,
    ground: Ground,
    hints: Vec<String>,
}

impl Rig {
    fn new() -> Self {
        let mut rig = Self { ours: Ours::default(), ground: Ground::new(true), hints: Vec::new() };
        rig.arm(DirId::ROOT, 1);
        rig
    }

    fn arm(&mut self, dir: DirId, number: u32) {
        self.ours.add(&mut self.ground, Handle::from(&*handle(number)), dir);
    }

    /// A directory that a walk has found and armed.
    fn found(&mut self, parent: DirId, name: &[u8], number: u32) -> DirId {
        let dir = self.ground.tree.add(parent, name);
        self.arm(dir, number);
        dir
    }

    /// Goes the way of all events: what is not ours is dropped first.
    fn fold(&mut self, events: &[Vec<u8>]) -> Vec<String> {
        let kept = self.ours.keep(&events.concat());
        let hints = &mut self.hints;
        self.ours.fold(&mut self.ground, &kept, &mut |tree, hint| hints.push(show(tree, hint)));
        std::mem::take(hints)
    }

    fn path(&self, dir: DirId) -> Option<String> {
        self.ground.tree.path(dir).map(|path| String::from_utf8(path).unwrap())
    }

    fn at(&self, path: &str) -> Option<DirId> {
        self.ground.tree.at(path.as_bytes())
    }
}

fn show(tree: &crate::tree::Tree, hint: Hint<'_>) -> String {
    let path = |dir| tree.path(dir).map_or("nowhere".to_owned(), |path| String::from_utf8(path).unwrap());
    match hint {
        Hint::Entry { dir, name, what } => {
            format!("{what:?} {}/{}", path(dir), String::from_utf8_lossy(name))
        }
        Hint::Directory(dir) => format!("walk {}", path(dir)),
        Hint::DirectoryGone => "gone".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_mask_is_a_set_and_a_removal_has_the_last_word() {
    let mut rig = Rig::new();
    rig.found(DirId::ROOT, b"d", 2);
    let merged = event(DELETE | CREATE | CLOSE_WRITE | ATTRIB, 2, b"f", 50);
    assert_eq!(rig.fold(&[merged]), ["Created d/f", "Closed d/f", "Attrib d/f", "Deleted d/f"]);
    // Before Linux 5.17.
    let merged = event(MOVED_FROM | MOVED_TO | CLOSE_WRITE, 2, b"g", 51);
    assert_eq!(rig.fold(&[merged]), ["MovedIn d/g", "Closed d/g", "MovedOut d/g"]);
}

#[test]
fn a_renamed_file_is_told_under_the_names_that_are_ours() {
    let mut rig = Rig::new();
    rig.found(DirId::ROOT, b"d", 2);
    assert_eq!(rig.fold(&[rename(0, (1, b"f"), (2, b"g"), 50)]), ["MovedOut /f", "MovedIn d/g"]);
    assert_eq!(rig.fold(&[rename(0, (99, b"f"), (2, b"g"), 50)]), ["MovedIn d/g"]);
    assert_eq!(rig.fold(&[rename(0, (2, b"g"), (99, b"f"), 50)]), ["MovedOut d/g"]);
}

#[test]
fn foreign_events_are_dropped_before_anybody_thinks() {
    let mut rig = Rig::new();
    let d = rig.found(DirId::ROOT, b"d", 2);
    let foreign = [
        event(CREATE | CLOSE_WRITE, 99, b"f", 50),
        event(CREATE | ONDIR, 99, b"x", 98),
        rename(ONDIR, (98, b"a"), (99, b"b"), 97),
        // Only about the number of links; the event that tells the name comes, too.
        raw(ATTRIB, &[record(FID, 50, None)]),
    ];
    assert_eq!(rig.ours.keep(&foreign.concat()), [0; 0]);
    let own = event(CREATE, 2, b"f", 50);
    let mixed = [foreign[0].clone(), own.clone(), foreign[2].clone()].concat();
    assert_eq!(rig.ours.keep(&mixed), own);
    // A directory that has left is foreign as soon as it is forgotten, and silent before.
    rig.ground.drop_dir(d);
    assert_eq!(rig.fold(&[event(CREATE, 2, b"f", 50), event(CREATE | ONDIR, 2, b"x", 3)]), [""; 0]);
    rig.ours.purge(&rig.ground);
    assert_eq!(rig.ours.keep(&own), [0; 0]);
    assert_eq!(rig.ground.tree.len(), 1);
}

#[test]
fn what_was_lost_is_kept_and_told() {
    let mut rig = Rig::new();
    let nowhere = raw(CREATE, &[record(FID, 50, None)]);
    assert_eq!(rig.fold(&[raw(Q_OVERFLOW, &[]), nowhere]), ["Overflow", "Overflow"]);
}

#[test]
fn a_directory_that_comes_is_walked_unless_a_listing_was_faster() {
    let mut rig = Rig::new();
    assert_eq!(rig.fold(&[event(CREATE | ONDIR, 1, b"d", 2)]), ["walk d"]);
    let d = rig.at("d").unwrap();
    rig.arm(d, 2);
    assert_eq!(rig.fold(&[event(CREATE | ONDIR, 1, b"d", 2)]), [""; 0]);
    // Not readable yet.
    assert_eq!(rig.fold(&[event(CREATE | ONDIR, 1, b"e", 3)]), ["walk e"]);
    assert_eq!(rig.fold(&[event(ATTRIB | ONDIR, 1, b"e", 3)]), ["walk e"]);
    assert_eq!(rig.fold(&[event(ATTRIB | ONDIR, 1, b"d", 2)]), [""; 0]);
}

#[test]
fn a_directory_made_and_removed_in_one_mask_is_looked_for() {
    let mut rig = Rig::new();
    // Without a target one of the name may have come after the one that went.
    let merged = raw(CREATE | DELETE | ONDIR, &[record(DFID_NAME, 1, Some(b"d"))]);
    let before = rig.found(DirId::ROOT, b"d", 2);
    assert_eq!(rig.fold(&[merged]), ["walk d"]);
    assert_ne!(rig.at("d"), Some(before), "the old one is gone with all below it");
}

#[test]
fn a_removal_that_comes_late_spares_the_successor() {
    let mut rig = Rig::new();
    let d = rig.found(DirId::ROOT, b"d", 2);
    let below = rig.found(d, b"below", 3);
    // It was removed and made again, and a walk was there before these events were read.
    rig.arm(d, 4);
    let late = [event(DELETE | ONDIR, 2, b"below", 3), event(DELETE | ONDIR, 1, b"d", 2)];
    assert_eq!(rig.fold(&late), [""; 0]);
    assert_eq!((rig.at("d"), rig.at("d/below")), (Some(d), Some(below)));
    assert_eq!(rig.fold(&[event(CREATE | ONDIR, 1, b"d", 4)]), [""; 0]);
    assert_eq!(rig.fold(&[event(CREATE, 4, b"f", 50)]), ["Created d/f"], "it is the successor's");
    assert_eq!(rig.fold(&[event(CREATE, 2, b"f", 50)]), [""; 0], "and not the predecessor's");
    // The successor goes as well.
    assert_eq!(rig.fold(&[event(DELETE | ONDIR, 1, b"d", 4)]), [""; 0]);
    assert_eq!(rig.at("d"), None);
    assert_eq!(rig.ground.departed[&d].0, b"d", "hints that were given before may speak of it");
}

#[test]
fn a_removed_directory_that_could_never_be_opened_is_forgotten() {
    let mut rig = Rig::new();
    assert_eq!(rig.fold(&[event(CREATE | ONDIR, 1, b"closed", 2)]), ["walk closed"]);
    rig.fold(&[event(DELETE | ONDIR, 1, b"closed", 2)]);
    assert_eq!(rig.at("closed"), None);
}

#[test]
fn a_renamed_directory_takes_everything_along() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let b = rig.found(a, b"b", 3);
    let z = rig.found(DirId::ROOT, b"z", 4);
    assert_eq!(rig.fold(&[rename(ONDIR, (1, b"a"), (4, b"y"), 2)]), ["gone", "walk z/y"]);
    assert_eq!((rig.path(b), rig.at("a")), (Some("z/y/b".into()), None));
    assert_eq!(rig.fold(&[event(CREATE, 3, b"f", 50)]), ["Created z/y/b/f"]);
    assert!(rig.ground.tree.is_watched(a) && rig.ground.tree.is_watched(z));
}

#[test]
fn renames_over_the_border_of_the_tree() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let below = rig.found(a, b"below", 3);
    assert_eq!(rig.fold(&[rename(ONDIR, (1, b"a"), (99, b"a"), 2)]), ["gone"]);
    assert_eq!((rig.path(a), rig.path(below)), (None, None));
    let removed: Vec<DirId> = rig.ground.take_removed().into_iter().map(|(dir, _)| dir).collect();
    assert_eq!(removed.len(), 2);
    // Back again: nobody knows what happened meanwhile.
    assert_eq!(rig.fold(&[rename(ONDIR, (99, b"a"), (1, b"a2"), 2)]), ["walk a2"]);
    assert_ne!(rig.at("a2"), Some(a));
    // To a directory that was not listed yet: it will be, with what has come.
    let new = rig.ground.tree.add(DirId::ROOT, b"new");
    let c = rig.found(DirId::ROOT, b"c", 5);
    assert_eq!(rig.fold(&[rename(ONDIR, (1, b"c"), (6, b"c"), 5)]), ["gone"]);
    assert_eq!((rig.path(c), rig.ground.tree.children(new).count()), (None, 0));
}

#[test]
fn a_directory_renamed_over_another_takes_its_place() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let b = rig.found(DirId::ROOT, b"b", 3);
    assert_eq!(rig.fold(&[rename(ONDIR, (1, b"a"), (1, b"b"), 2)]), ["gone", "walk b"]);
    assert_eq!((rig.at("b"), rig.path(b), rig.ground.tree.len()), (Some(a), None, 2));
    // One that nobody knew.
    assert_eq!(rig.fold(&[rename(ONDIR, (99, b"x"), (1, b"b"), 7)]), ["walk b"]);
}

/// Each is told as if the other was not there.
#[test]
fn two_directories_that_are_exchanged_both_have_a_place() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let b = rig.found(DirId::ROOT, b"b", 3);
    rig.found(b, b"below", 4);
    let hints = rig.fold(&[rename(ONDIR, (1, b"a"), (1, b"b"), 2), rename(ONDIR, (1, b"b"), (1, b"a"), 3)]);
    assert_eq!(rig.at("b"), Some(a), "{hints:?}");
    assert!(rig.at("a").is_some_and(|dir| dir != a), "{hints:?}");
    assert!(["walk a", "walk b"].iter().all(|walk| hints.iter().any(|hint| hint == walk)), "{hints:?}");
}

/// Three renames, `a` to `b`, back, and to `b` again, are told as two: it lies at `b`, and the last
/// event says `a`. So whoever hears of a rename compares everything soon.
#[test]
fn equal_renames_that_became_one_are_seen_by_a_comparison() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let there_and_back = [rename(ONDIR, (1, b"a"), (1, b"b"), 2), rename(ONDIR, (1, b"b"), (1, b"a"), 2)];
    let hints = rig.fold(&there_and_back);
    assert_eq!(hints, ["gone", "walk b", "gone", "walk a"]);
    // The walk finds nothing at `a`; the comparison, that it lies at `b` with the same handle.
    rig.ground.drop_dir(a);
    let b = rig.found(DirId::ROOT, b"b", 2);
    assert_eq!(rig.fold(&[event(CREATE, 2, b"f", 50)]), ["Created b/f"]);
    assert_eq!(rig.ground.tree.len(), 2);
    // Before the first is dropped, the second has the handle already.
    let again = rig.found(DirId::ROOT, b"c", 2);
    rig.ground.drop_dir(b);
    rig.ours.purge(&rig.ground);
    assert_eq!(rig.fold(&[rename(ONDIR, (1, b"c"), (1, b"d"), 2)]), ["gone", "walk d"]);
    assert_eq!(rig.path(again).as_deref(), Some("d"));
}

/// `x` was made as `a` and renamed to `b`; then `y` was made as `a`, and a walk came before the events.
#[test]
fn a_late_rename_does_not_take_the_successor_along() {
    let mut rig = Rig::new();
    let successor = rig.found(DirId::ROOT, b"a", 3);
    let hints = rig.fold(&[
        event(CREATE | ONDIR, 1, b"a", 2),
        rename(ONDIR, (1, b"a"), (1, b"b"), 2),
        event(CREATE | ONDIR, 1, b"a", 3),
    ]);
    assert_eq!(hints, ["walk b"]);
    assert_eq!(rig.at("a"), Some(successor));
}

/// `a/b` became `b` unheard, then `a` became `b/a`.
#[test]
fn a_rename_that_was_missed_makes_no_circle() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let b = rig.found(a, b"b", 3);
    let hints = rig.fold(&[rename(ONDIR, (1, b"a"), (3, b"a"), 2)]);
    assert_eq!(hints.last().map(String::as_str), Some("Overflow"), "everything is compared");
    assert_eq!((rig.path(a), rig.path(b)), (None, None));
}

#[test]
fn without_rename_events_a_directory_that_moves_goes_and_comes() {
    let mut rig = Rig::new();
    let a = rig.found(DirId::ROOT, b"a", 2);
    let from = raw(MOVED_FROM | ONDIR, &[record(DFID_NAME, 1, Some(b"a"))]);
    let to = raw(MOVED_TO | ONDIR, &[record(DFID_NAME, 1, Some(b"b"))]);
    assert_eq!(rig.fold(&[from, to]), ["gone", "walk b"]);
    assert!(rig.path(a).is_none() && rig.at("b").is_some());
    // There and back in one mask.
    let both = raw(MOVED_FROM | MOVED_TO | ONDIR, &[record(DFID_NAME, 1, Some(b"b"))]);
    assert_eq!(rig.fold(&[both]).last().map(String::as_str), Some("walk b"));
}

#[test]
fn a_flat_source_hears_of_no_directory() {
    let mut rig = Rig::new();
    rig.ground.recursive = false;
    assert_eq!(rig.fold(&[event(CREATE | ONDIR, 1, b"d", 2), event(CREATE, 1, b"f", 50)]), ["Created /f"]);
}

#[test]
fn of_a_directory_that_was_replaced_only_its_own_handle_is_kept() {
    let mut rig = Rig::new();
    let d = rig.found(DirId::ROOT, b"d", 2);
    for number in 3..100 {
        rig.arm(d, number);
    }
    rig.ours.purge(&rig.ground);
    assert_eq!(rig.ours.read().len(), 2, "the root's and its own");
    assert_eq!(rig.ours.get(&handle(99)), Some(d));
}

#[test]
fn handles_of_directories_that_come_and_go_are_not_kept_until_a_scan() {
    let mut rig = Rig::new();
    let stays = rig.found(DirId::ROOT, b"stays", 2);
    for number in 3..10_000 {
        let dir = rig.found(DirId::ROOT, b"d", number);
        rig.ground.drop_dir(dir);
    }
    assert!(rig.ours.read().len() < 2 * SLACK, "{}", rig.ours.read().len());
    assert_eq!(rig.ours.get(&handle(2)), Some(stays));
}

/// Before Linux 5.17. The one that is covered raises no event.
#[test]
fn without_rename_events_a_directory_that_comes_over_another_is_walked() {
    let mut rig = Rig::new();
    rig.found(DirId::ROOT, b"d", 2);
    let moved = raw(MOVED_TO | ONDIR, &[record(DFID_NAME, 1, Some(b"d"))]);
    assert_eq!(rig.fold(&[moved]), ["walk d"]);
}
