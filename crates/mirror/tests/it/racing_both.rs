//! Directories and files that are links every other moment, in both trees at once, while one thread mirrors and another one
//! hashes.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use inspect::{Checked, Extras, ManifestRequest, Place, Style, verify_manifest};
use mirror::{Compare, Content, Pair};
use rustix::fs::{Mode, OFlags, openat};
use testkit::proof::{Row, is_long, size};

use crate::rig::{Rig, equalize, fingerprint, write};

/// What lies outside, and must neither be changed nor get in.
const CANARY: &str = "CANARY";
/// Its SHA-256, which the list of checksums promises for the source's files: it is true only of what lies outside.
const ITS_SUM: &str = "fe0344af3e43e190840444ba40c096f59418bf9247c6f3bdc8cd35e4b8f59d2e";
/// The list.
const SUMS: &str = "sums";
/// Long enough for some 100 000 swaps.
const CI: Duration = Duration::from_secs(7);
/// Long before this a million are done.
const LONG: Duration = Duration::from_mins(20);

/// Exchanges `d` and `evil`, and `f` and `evil-f`: a directory or a file for a link to one outside. What the mirror has
/// taken away is planted anew.
fn swap(root: &Path, outside: &Path, enough: &AtomicBool, swaps: &AtomicU64) {
    let dir = sys::Dir::open_root(root).unwrap();
    while !enough.load(Ordering::Relaxed) {
        for (name, evil, target) in
            [(&b"d"[..], &b"evil"[..], outside.to_owned()), (b"f", b"evil-f", outside.join("f"))]
        {
            if dir.exchange(name, &dir, evil).is_ok() {
                swaps.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let _ = symlink(target, root.join(crate::rig::path(evil)));
            if name == b"d" {
                let _ = dir.make_dir(name, 0o700);
            } else {
                let _ = File::create_new(root.join("f"));
            }
        }
    }
}

/// Everything that a mirror does, once. Each may fail in a race.
fn mirror_once(pair: &Pair, round: u64) {
    for path in [&b"d/f"[..], b"d", b"d/sub/g", b"evil/f", b"evil", b"f", b"evil-f"] {
        let _ = pair.bring(path, Content::Always, &|_| true);
        let _ = pair.content_equal(path, &|_| true);
    }
    let _ = pair.rename(b"d/f", b"d/sub/g");
    let _ = pair.rename(b"evil", b"d");
    let _ = pair.rename(b"f", b"d/f");
    if round.is_multiple_of(3) {
        for path in [&b"d/sub"[..], b"evil/f", b"d", b"f"] {
            let _ = pair.remove(path);
        }
    }
    let mut compare = Compare::whole();
    while !compare.is_done() {
        let bring = |found: mirror::Difference| drop(pair.bring(&found.path, Content::IfDiffers, &|_| true));
        if compare.step(pair, 5, &mut { bring }).is_err() {
            break;
        }
    }
}

/// How many of the source's files are found to be what only the canary is.
fn hash_once(root: &sys::Dir) -> u64 {
    let request = ManifestRequest {
        file: SUMS.into(),
        style: Style::Auto,
        own_line: false,
        extras: Extras::Ignore,
        ignore: &|_| false,
        threads: 1,
        bytes_per_second: None,
    };
    let place = Place { root, path: b"" };
    let answer = verify_manifest(&place, &request, &mut Checked::default(), &|_| (), &|| false);
    answer.map_or(0, |answer| answer.good)
}

/// Where the canary's content lies in a tree: gone down name by name, never through a link, without the code under test.
fn leak(root: &Path) -> Option<String> {
    let directory = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY;
    let top = rustix::fs::open(root, directory, Mode::empty()).ok()?;
    for way in ["f", "evil-f", "d/f", "d/sub/g", "d/sub/f", "evil/f", "evil/sub/g"] {
        let mut at = top.try_clone().unwrap();
        let (ways, name) = way.rsplit_once('/').unwrap_or(("", way));
        let mut names = ways.split('/').filter(|name| !name.is_empty());
        let is_there =
            names.all(|name| openat(&at, name, directory, Mode::empty()).map(|dir| at = dir).is_ok());
        if !is_there {
            continue;
        }
        let Ok(file) = openat(&at, name, OFlags::NOFOLLOW | OFlags::NONBLOCK, Mode::empty()) else {
            continue;
        };
        let mut text = String::new();
        if File::from(file).read_to_string(&mut text).is_ok() && text.contains(CANARY) {
            return Some(way.to_owned());
        }
    }
    None
}

/// The source's files, the list that tells lies about them, and what the attackers swap with.
fn stage() -> (Rig, Pair) {
    let rig = Rig::new();
    for name in ["f", "sub/g", "sub/f", "d/f", "evil/f"] {
        write(&rig.outside, name, CANARY);
    }
    let files = ["f", "d/f", "d/sub/g"];
    for name in files {
        rig.write(name, "mine, and longer than any canary");
    }
    rig.write(SUMS, &files.map(|name| format!("{ITS_SUM}  {name}\n")).concat());
    let pair = rig.pair();
    equalize(&pair);
    for root in [&rig.source, &rig.destination] {
        symlink(&rig.outside, root.join("evil")).unwrap();
        symlink(rig.outside.join("f"), root.join("evil-f")).unwrap();
    }
    (rig, pair)
}

#[test]
fn what_is_swapped_for_links_in_both_trees_leads_neither_mirroring_nor_hashing_outside() {
    let row = Row::new("H02");
    let (rig, pair) = stage();
    let canary = fingerprint(&rig.outside);
    let (enough, hashed, believed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let swaps = [AtomicU64::new(0), AtomicU64::new(0)];
    let wanted = size(usize::MAX, 1_000_000) as u64;
    let (begun, limit) = (Instant::now(), if is_long() { LONG } else { CI });
    let (mut rounds, mut leaked) = (0, None);
    std::thread::scope(|scope| {
        for (root, swaps) in [&rig.source, &rig.destination].into_iter().zip(&swaps) {
            let (enough, outside) = (&enough, &rig.outside);
            scope.spawn(move || swap(root, outside, enough, swaps));
        }
        scope.spawn(|| {
            let root = sys::Dir::open_root(&rig.source).unwrap();
            while !enough.load(Ordering::Relaxed) {
                believed.fetch_add(hash_once(&root), Ordering::Relaxed);
                hashed.fetch_add(1, Ordering::Relaxed);
            }
        });
        let is_done = || swaps.iter().all(|swaps| swaps.load(Ordering::Relaxed) >= wanted);
        while leaked.is_none() && !is_done() && begun.elapsed() < limit {
            mirror_once(&pair, rounds);
            leaked = leak(&rig.destination);
            rounds += 1;
        }
        enough.store(true, Ordering::Relaxed);
    });
    let [in_source, in_destination] = swaps.map(AtomicU64::into_inner);
    let (now, believed) = (fingerprint(&rig.outside), believed.into_inner());
    // Together: which of them comes first is a matter of luck.
    assert!(
        now == canary && leaked.is_none() && believed == 0,
        "a way out was found within {rounds} rounds, {in_source} and {in_destination} swaps: of {canary:#?} there is now \
         {now:#?}; it got in as {leaked:?}, and {believed} files were hashed that lie outside"
    );
    assert!(in_source.min(in_destination) >= wanted.min(10_000), "{in_source}, {in_destination}");
    let row = row.figure("races in the source", in_source).figure("races in the mirror", in_destination);
    let row = row.figure("rounds of mirroring", rounds).figure("lists hashed", hashed.into_inner());
    row.count("changed outside", 0).print();
}
