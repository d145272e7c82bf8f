//! Two trees side by side.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How one entry looks: type and mode, time of change, content or target.
type Facts = (u32, i64, i64, Vec<u8>);

/// Everything in a tree but the mirror's marker.
fn snapshot(root: &Path) -> std::io::Result<BTreeMap<PathBuf, Facts>> {
    let mut all = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(path) = todo.pop() {
        let look = fs::symlink_metadata(&path)?;
        let content = if look.is_dir() {
            for entry in fs::read_dir(&path)? {
                todo.push(entry?.path());
            }
            Vec::new()
        } else if look.is_symlink() {
            fs::read_link(&path)?.as_os_str().as_bytes().to_vec()
        } else {
            fs::read(&path)?
        };
        if path.file_name().is_none_or(|name| name != ".staithe-mirror") {
            let below = path.strip_prefix(root).expect("it was found there").to_owned();
            all.insert(below, (look.mode(), look.mtime(), look.mtime_nsec(), content));
        }
    }
    Ok(all)
}

/// What is different, one line for each path.
fn differences(one: &Path, other: &Path, no_directory_times: bool) -> std::io::Result<Vec<String>> {
    let (mut one, mut other) = (snapshot(one)?, snapshot(other)?);
    if no_directory_times {
        for facts in
            one.values_mut().chain(other.values_mut()).filter(|facts| facts.0 & 0o170_000 == 0o040_000)
        {
            (facts.1, facts.2) = (0, 0);
        }
    }
    let paths: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differ = paths.into_iter().filter(|path| one.get(*path) != other.get(*path));
    Ok(differ
        .map(|path| {
            let (was, is) = (brief(one.get(path)), brief(other.get(path)));
            format!("{}: {was:?}, mirrored {is:?}", path.display())
        })
        .collect())
}

fn brief(facts: Option<&Facts>) -> Option<(String, i64, i64, String)> {
    facts.map(|(mode, sec, nsec, text)| {
        let text = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        (
            format!("{mode:o}"),
            *sec,
            *nsec,
            format!("{} bytes, {text}", facts.map_or(0, |facts| facts.3.len())),
        )
    })
}

/// Waits until both trees are equal; says in the end what is not.
pub(crate) fn wait_equal(one: &Path, other: &Path, patience: Duration) -> Result<(), String> {
    wait_equal_but(one, other, patience, false)
}

/// The same, perhaps without the times of directories: what came and went between two looks of a poller has changed
/// them, and nothing tells of that.
pub(crate) fn wait_equal_but(
    one: &Path,
    other: &Path,
    patience: Duration,
    no_directory_times: bool,
) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let found = differences(one, other, no_directory_times);
        match found {
            Ok(found) if found.is_empty() => return Ok(()),
            Ok(found) if begun.elapsed() > patience => {
                return Err(format!(
                    "{} differences\n{}",
                    found.len(),
                    found[..found.len().min(20)].join("\n")
                ));
            }
            Err(error) if begun.elapsed() > patience => return Err(error.to_string()),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
