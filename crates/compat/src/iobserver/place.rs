//! Where a watch is: the place behind its name, and names made of it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// The name of a source or sink shows so much of a path's last name.
const SHOWN: usize = 40;

/// What a path leads to: absolute, without links as far as it exists. What does not exist yet is taken as it is
/// written.
#[must_use]
pub fn real(path: &Path, working: &Path) -> PathBuf {
    let path = working.join(path);
    let mut done = std::path::absolute("/").unwrap_or_default();
    let mut missing = false;
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                done.push(name);
                if let (false, Ok(found)) = (missing, done.canonicalize()) {
                    done = found;
                } else {
                    missing = true;
                }
            }
            Component::ParentDir => {
                done.pop();
                missing = missing && !done.exists();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    done
}

/// A path as one of the configuration's values.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Whether one lies in the other, or both are the same.
#[must_use]
pub fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// A watch's name, the same at each start: what it has in the ledger belongs to it.
#[must_use]
pub fn name_of(real: &Path) -> String {
    let last = real.file_name().map_or(&b"root"[..], OsStr::as_bytes);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let last: String =
        last.iter().take(SHOWN).map(|byte| if plain(byte) { char::from(*byte) } else { '_' }).collect();
    let hash = blake3::hash(real.as_os_str().as_bytes()).to_hex();
    format!("watch-{last}-{}", &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_their_place_as_far_as_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("a/b")).unwrap();
        std::os::unix::fs::symlink("a/b", base.join("l")).unwrap();
        for (path, wanted) in [
            ("l", "a/b"),
            ("l/x/y", "a/b/x/y"),
            ("l/..", "a"),
            ("./a//b/", "a/b"),
            ("n/../a", "a"),
            ("n/./m", "n/m"),
        ] {
            assert_eq!(real(Path::new(path), &base), base.join(wanted), "{path}");
        }
        assert_eq!(real(&base.join("l"), Path::new("/elsewhere")), base.join("a/b"));
    }

    #[test]
    fn a_name_shows_the_last_name_and_is_of_one_path_only() {
        // Frozen: the name is part of ids and of what the ledger knows.
        assert_eq!(name_of(Path::new("/data/in")), "watch-in-9c0140ce");
        assert!(name_of(Path::new("/")).starts_with("watch-root-"));
        let odd = name_of(of_bytes(b"/x/a b\xff\n"));
        assert!(odd.starts_with("watch-a_b__-"), "{odd}");
        assert_ne!(name_of(Path::new("/a/in")), name_of(Path::new("/b/in")));
    }

    #[test]
    fn trees_overlap_by_whole_names() {
        assert!(overlap(Path::new("/a"), Path::new("/a/b")) && overlap(Path::new("/a/b"), Path::new("/a")));
        assert!(overlap(Path::new("/a"), Path::new("/a")) && !overlap(Path::new("/a"), Path::new("/ab")));
    }
}
