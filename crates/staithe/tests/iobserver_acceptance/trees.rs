//! Two trees, compared as somebody would who does not trust us.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::stage::{PATIENCE, Stage};

/// What belongs to the mirror itself.
const MARKER: &str = ".staithe-mirror";

type Listing = BTreeMap<String, String>;

/// Waits until the copy has exactly what the source has: names, kinds, contents, modes and times.
#[track_caller]
pub(crate) fn wait_equal(stage: &Stage, source: &str, copy: &str) {
    let begun = Instant::now();
    loop {
        let (wanted, there) = (listing(&stage.at(source)), listing(&stage.at(copy)));
        if wanted == there {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{copy} is not {source}:\n{}", difference(&wanted, &there));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a path of the scratch folder is there, or is not.
#[track_caller]
pub(crate) fn wait_there(stage: &Stage, path: &str, there: bool) -> Duration {
    let what = format!("{path} to be {}", if there { "there" } else { "gone" });
    testkit::wait_until(PATIENCE, &what, || stage.at(path).symlink_metadata().is_ok() == there)
}

pub(crate) fn look(stage: &Stage, path: &str) -> fs::Metadata {
    let looked = stage.at(path).symlink_metadata();
    looked.unwrap_or_else(|error| panic!("failed to look at {path}: {error}"))
}

fn difference(wanted: &Listing, there: &Listing) -> String {
    let lines = |one: &Listing, other: &Listing, sign: &str| -> Vec<String> {
        let differing = one.iter().filter(|(name, what)| other.get(*name) != Some(what));
        differing.map(|(name, what)| format!("{sign} {name}: {what}")).take(20).collect()
    };
    [lines(wanted, there, "-"), lines(there, wanted, "+")].concat().join("\n")
}

fn listing(root: &Path) -> Listing {
    let mut listing = Listing::new();
    describe(root, ".", &mut listing);
    listing
}

/// Things that vanish meanwhile are left out: the next listing is the one that counts.
fn describe(path: &Path, name: &str, listing: &mut Listing) {
    let Ok(meta) = path.symlink_metadata() else { return };
    let content = if meta.is_symlink() {
        format!("link to {:?}", fs::read_link(path).ok())
    } else if meta.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let entry_name = entry.file_name().to_string_lossy().into_owned();
            if entry_name != MARKER {
                describe(&entry.path(), &format!("{name}/{entry_name}"), listing);
            }
        }
        "directory".to_owned()
    } else {
        format!("file {:?}", fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok())
    };
    // A link has no mode of its own.
    let mode = if meta.is_symlink() { 0 } else { meta.mode() & 0o7777 };
    listing.insert(name.to_owned(), format!("{mode:o} {}.{:09} {content}", meta.mtime(), meta.mtime_nsec()));
}
