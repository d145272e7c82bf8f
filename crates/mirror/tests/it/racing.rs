//! A directory that is a link every other microsecond.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mirror::{Compare, Content, Pair, What};

use crate::rig::{Rig, chmod, fingerprint, only_times, touch, write};

const SWAPS: u64 = 100_000;
/// Long before this all is done.
const PATIENCE: Duration = Duration::from_secs(100);

/// Exchanges `dir` and `evil`, so often, and as long as the mirror has not done enough; what the mirror removed or replaced is
/// planted anew.
fn swap(root: &Path, canary: &Path, enough: &AtomicBool, swaps: &AtomicU64) {
    let dir = sys::Dir::open_root(root).unwrap();
    while swaps.load(Ordering::Relaxed) < SWAPS || !enough.load(Ordering::Relaxed) {
        if dir.exchange(b"d", &dir, b"evil").is_ok() {
            swaps.fetch_add(1, Ordering::Relaxed);
        } else {
            let _ = symlink(canary, root.join("evil"));
            let _ = fs::create_dir(root.join("d"));
        }
    }
}

/// All that the mirror can do, once.
fn once(pair: &Pair, round: u64) {
    // Each may fail in a race; what counts is what lies outside.
    for path in [&b"d/f"[..], b"d", b"d/sub/g", b"evil/f", b"evil", b"d/sub"] {
        for content in [Content::Always, only_times(pair, path)] {
            let _ = pair.bring(path, content, &|_| true);
        }
    }
    let _ = pair.content_equal(b"d/f", &|_| true);
    let _ = pair.rename(b"d/f", b"d/sub/g");
    let _ = pair.rename(b"d/sub", b"evil/sub");
    let _ = pair.rename(b"evil", b"d");
    for path in [&b"d/sub"[..], b"evil/f", b"d", b"evil"] {
        if round.is_multiple_of(3) {
            let _ = pair.remove(path);
        }
    }
    let mut compare = Compare::whole();
    while !compare.is_done() {
        let walked = compare.step(pair, 3, &mut |found| match found.what {
            What::ExtraThere { .. } => drop(pair.remove(&found.path)),
            _ => drop(pair.bring(&found.path, Content::IfDiffers, &|_| true)),
        });
        if walked.is_err() {
            break;
        }
    }
    let _ = pair.sync();
}

fn plant_canary(rig: &Rig) -> Vec<String> {
    for name in ["f", "sub/g", "sub/f", "d/f", "evil/f"] {
        write(&rig.outside, name, "CANARY");
        chmod(&rig.outside.join(name), 0o606);
        touch(&rig.outside.join(name), (77, 7));
    }
    for name in ["sub", "d", "evil", ""] {
        touch(&rig.outside.join(name), (78, 8));
    }
    fingerprint(&rig.outside)
}

/// Where the canary's content lies in the mirror. Not through links: what was swapped in leads outside.
fn leak(rig: &Rig) -> Option<String> {
    let root = sys::Dir::open_root(&rig.destination).unwrap();
    for way in [&b""[..], b"d", b"d/sub", b"evil", b"evil/sub"] {
        let Ok(dir) = root.open_below(way) else { continue };
        for name in [&b"d"[..], b"f", b"g", b"evil"] {
            let mut content = String::new();
            if let Ok(mut file) = dir.open_regular(name) {
                file.read_to_string(&mut content).unwrap();
            }
            if content.contains("CANARY") {
                return Some(String::from_utf8_lossy(&[way, name].join(&b'/')).into_owned());
            }
        }
    }
    None
}

fn race(attacked: impl Fn(&Rig) -> Vec<PathBuf>) {
    let rig = Rig::new();
    let canary = plant_canary(&rig);
    rig.write("d/f", "mine, and longer than any canary");
    rig.write("d/sub/g", "mine, and longer than any canary");
    symlink(&rig.outside, rig.there("evil")).unwrap();
    let pair = rig.pair();
    crate::rig::equalize(&pair);
    let (enough, roots) = (AtomicBool::new(false), attacked(&rig));
    let counts: Vec<AtomicU64> = roots.iter().map(|_| AtomicU64::new(0)).collect();
    let begun = Instant::now();
    let (mut rounds, mut leaked) = (0, None);
    std::thread::scope(|scope| {
        for (root, count) in roots.iter().zip(&counts) {
            let (enough, outside) = (&enough, &rig.outside);
            scope.spawn(move || swap(root, outside, enough, count));
        }
        while counts.iter().any(|count| count.load(Ordering::Relaxed) < SWAPS) || rounds < 200 {
            once(&pair, rounds);
            rounds += 1;
            leaked = leak(&rig);
            if leaked.is_some() || begun.elapsed() > PATIENCE {
                break;
            }
        }
        enough.store(true, Ordering::Relaxed);
        // A swapper ends only with all its swaps; the deadline frees it.
        for count in &counts {
            count.fetch_add(SWAPS, Ordering::Relaxed);
        }
    });
    assert!(begun.elapsed() < PATIENCE, "{rounds} rounds, {counts:?}");
    assert_eq!(fingerprint(&rig.outside), canary, "after {rounds} rounds, {counts:?}");
    assert_eq!(leaked, None);
}

#[test]
fn a_source_directory_swapped_for_a_link_100_000_times_lets_nothing_in() {
    race(|rig| vec![rig.source.clone()]);
}

#[test]
fn a_destination_directory_swapped_for_a_link_100_000_times_lets_nothing_out() {
    race(|rig| vec![rig.destination.clone()]);
}

#[test]
fn a_file_swapped_for_a_fifo_does_not_block() {
    let rig = Rig::new();
    rig.write("d", "a file");
    let pair = rig.pair();
    crate::rig::equalize(&pair);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, rig.there("evil"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let (enough, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let (send, done) = std::sync::mpsc::channel();
    let (source, outside) = (rig.source.clone(), rig.outside.clone());
    std::thread::spawn(move || {
        std::thread::scope(|scope| {
            scope.spawn(|| swap(&source, &outside, &enough, &swaps));
            let mut copied = 0;
            while swaps.load(Ordering::Relaxed) < SWAPS {
                let brought = pair.bring(b"d", Content::Always, &|_| true);
                copied += u32::from(matches!(brought, Ok(mirror::Brought::Copied { .. })));
                let _ = pair.content_equal(b"d", &|_| true);
            }
            enough.store(true, Ordering::Relaxed);
            send.send(copied).unwrap();
        });
    });
    // Nobody writes to the FIFO: who opens it the wrong way never comes back.
    assert!(done.recv_timeout(PATIENCE).unwrap() > 0);
}

/// A file `d` of one root swapped for a link to a file outside.
fn race_of_files(attacked: impl Fn(&Rig) -> PathBuf, each: impl Fn(&Rig, u64)) {
    let rig = Rig::new();
    let canary = plant_canary(&rig);
    rig.write("d", "mine, and longer than any canary");
    let pair = rig.pair();
    crate::rig::equalize(&pair);
    let (root, outside) = (attacked(&rig), rig.outside.join("f"));
    symlink(&outside, root.join("evil")).unwrap();
    let (enough, swaps, begun) = (AtomicBool::new(false), AtomicU64::new(0), Instant::now());
    let (mut rounds, mut leaked) = (0, None);
    std::thread::scope(|scope| {
        scope.spawn(|| swap(&root, &outside, &enough, &swaps));
        while leaked.is_none()
            && (swaps.load(Ordering::Relaxed) < SWAPS || rounds < 1_000)
            && begun.elapsed() < PATIENCE
        {
            each(&rig, rounds);
            let contents = [Content::Never, only_times(&pair, b"d"), Content::IfDiffers, Content::Always];
            for content in contents {
                let _ = pair.bring(b"d", content, &|_| true);
                // At once: the next copy would cover what leaked.
                leaked = leaked.take().or_else(|| leak(&rig));
            }
            let _ = pair.content_equal(b"d", &|_| true);
            rounds += 1;
        }
        enough.store(true, Ordering::Relaxed);
        swaps.fetch_add(SWAPS, Ordering::Relaxed);
    });
    assert!(begun.elapsed() < PATIENCE, "{rounds} rounds");
    assert_eq!(fingerprint(&rig.outside), canary, "after {rounds} rounds");
    assert_eq!(leaked, None);
}

#[test]
fn a_source_file_swapped_for_a_link_100_000_times_lets_nothing_in() {
    race_of_files(|rig| rig.source.clone(), |_, _| ());
}

#[test]
fn a_destination_file_swapped_for_a_link_100_000_times_lets_nothing_out() {
    // The attributes differ each time, so that each time they are set.
    let attributes = |rig: &Rig, round: u64| {
        chmod(&rig.there("d"), 0o600 | (round % 64) as u32);
        touch(&rig.there("d"), (1_000 + i64::try_from(round / 64).unwrap(), 1));
    };
    race_of_files(|rig| rig.destination.clone(), attributes);
}
