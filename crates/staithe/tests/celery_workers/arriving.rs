//! The ways in which folders come into being.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use testkit::Landing;

use crate::rig::{Contents, bytes, fill, write};

const FILES: [(&str, usize); 3] = [("a.dcm", 70_000), ("b.dcm", 1), ("c.dcm", 0)];
/// Shorter than the quiet time of the rule.
const PAUSE: Duration = Duration::from_millis(400);

/// Fills `in-NAME.tmp` and renames it, as fetch scripts do.
pub(crate) fn renamed(landing: &Landing, name: &[u8]) -> (Vec<u8>, Contents) {
    let temporary = [b"in-", name, b".tmp"].concat();
    let temporary = landing.root().join(OsStr::from_bytes(&temporary));
    fs::create_dir(&temporary).expect("it takes folders");
    let contents = fill(&temporary, &FILES);
    put(&temporary, landing, name, contents)
}

/// Fills a folder outside and moves it in.
pub(crate) fn moved_in(landing: &Landing, name: &[u8]) -> (Vec<u8>, Contents) {
    let outside = landing.out("").join(OsStr::from_bytes(name));
    fs::create_dir(&outside).expect("it takes folders");
    let contents = fill(&outside, &FILES);
    put(&outside, landing, name, contents)
}

fn put(from: &Path, landing: &Landing, name: &[u8], contents: Contents) -> (Vec<u8>, Contents) {
    let place = landing.root().join(OsStr::from_bytes(name));
    fs::rename(from, &place).expect("both are on one file system");
    (bytes(&place), contents)
}

/// Makes the folder at its place and fills it slowly: the first file is empty for a while, the last is kept open.
pub(crate) fn made_in_place(landing: &Landing, name: &[u8]) -> (Vec<u8>, Contents) {
    let place = landing.root().join(OsStr::from_bytes(name));
    fs::create_dir(&place).expect("it takes folders");
    let mut contents = Contents::new();
    for number in 0..4 {
        // This pause is the slowness of the writer, which is what is tested here.
        std::thread::sleep(PAUSE);
        contents.extend([write(&place, format!("{number}.dcm").as_bytes(), 1000 * number)]);
    }
    let mut open = File::create(place.join("last.dcm")).expect("it takes files");
    for _ in 0..4 {
        open.write_all(&[0; 512]).expect("it takes bytes");
        std::thread::sleep(PAUSE);
    }
    contents.insert(b"last.dcm".to_vec(), 4 * 512);
    (bytes(&place), contents)
}

/// A folder whose name, and the name of a file in it, are not UTF-8.
pub(crate) fn odd(landing: &Landing, number: u8) -> (Vec<u8>, Contents) {
    let name = [b"ST-\xff\xfe-", [number].as_slice(), b"\xe9"].concat();
    let outside = landing.out("odd");
    fs::create_dir(&outside).expect("it takes folders");
    let contents = [write(&outside, b"\xff.dcm", 17)].into();
    put(&outside, landing, &name, contents)
}

/// One folder of each kind; the names begin with `ST-` and this word.
pub(crate) fn of_each_kind(landing: &Landing, word: &str) -> BTreeMap<Vec<u8>, Contents> {
    let name = |kind: &str| format!("ST-{word}-{kind}").into_bytes();
    let utf8 = name("\u{e9}\u{6f22}\u{1f600}'\"");
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| made_in_place(landing, &name("slow")));
        let mut all = BTreeMap::from([
            renamed(landing, &name("renamed")),
            moved_in(landing, &name("moved")),
            renamed(landing, &utf8),
            odd(landing, b'1'),
        ]);
        all.extend([slow.join().expect("it is made")]);
        all
    })
}
