//! Directories that are one item: what they weigh.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The sum of the sizes of all files below `top`, and what could not be looked at. Links to files count with
/// what they lead to, links to directories do not count.
pub(super) fn weigh(top: &Path) -> (u64, Vec<PathBuf>) {
    let (mut size, mut unread) = (0_u64, Vec::new());
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        match weigh_one(&directory, &mut waiting) {
            Ok(sum) => size = size.saturating_add(sum),
            // What went away has no size.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => unread.push(directory),
        }
    }
    unread.sort_unstable();
    (size, unread)
}

/// The sizes of the files in one directory; its directories join those that wait.
fn weigh_one(directory: &Path, waiting: &mut Vec<PathBuf>) -> io::Result<u64> {
    let mut size = 0_u64;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            waiting.push(entry.path());
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(found) if found.is_file() => size = size.saturating_add(found.len()),
            // Sockets, links to directories, links that lead nowhere.
            _ => {}
        }
    }
    Ok(size)
}
