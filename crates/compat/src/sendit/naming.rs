//! What the sources are called, and which entries are one.

use std::path::{Path, PathBuf};

use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

use super::settings::Watch;

/// So much of a directory's own name stands in the name of its sources.
const SHOWN: usize = 24;
/// So many hex digits tell directories of one name apart.
const DIGITS: usize = 8;

/// The name of a directory's sources. What is known of folders is kept under it, so it comes from the path alone: with
/// the entry's number, another entry in front would hand one directory's past to the next.
pub(super) fn name(path: &Path) -> String {
    let own = path.file_name().unwrap_or_default().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let shown: String =
        own.iter().filter(|byte| plain(byte)).take(SHOWN).map(|byte| char::from(*byte)).collect();
    let shown = if shown.is_empty() { "root" } else { &shown };
    // Without slashes that say nothing.
    let whole: PathBuf = path.components().collect();
    let hash = blake3::hash(whole.as_os_str().as_bytes()).to_hex();
    format!("{shown}-{}", &hash[..DIGITS])
}

/// Entries of one directory and one processor are one with all of their events: two would queue each folder twice. The
/// paths are absolute afterwards.
pub(super) fn merged(watches: &[Watch], working: &Path, warnings: &mut Vec<String>) -> Vec<Watch> {
    let mut merged: Vec<Watch> = Vec::with_capacity(watches.len());
    for watch in watches {
        let watch = Watch { path: working.join(&watch.path), ..watch.clone() };
        let same = |known: &&mut Watch| known.path == watch.path && known.processor == watch.processor;
        let Some(known) = merged.iter_mut().find(same) else {
            merged.push(watch);
            continue;
        };
        known.mask |= watch.mask;
        warnings.push(format!(
            "{}: it is there twice with the same processor, and is watched once, for the events of both",
            safe(watch.path.as_os_str().as_bytes())
        ));
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_the_path_and_nothing_else() {
        assert_eq!(name(Path::new("/data")), name(Path::new("//data/./")));
        assert!(name(Path::new("/data")).starts_with("data-"));
        assert!(name(Path::new("/")).starts_with("root-"));
        assert!(name(Path::new("/a/b.ä c")).starts_with("bc-"));
        assert_ne!(name(Path::new("/a/in")), name(Path::new("/b/in")));
        assert_ne!(name(Path::new("/a-b")), name(Path::new("/a/b")));
    }
}
