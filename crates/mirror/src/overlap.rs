//! Whether one root is or holds the other one. A mirror into its own source would grow for ever, and one of its own
//! destination would be emptied.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sys::mounts::{self, Mount, MountTable};

/// How they overlap, in words; `None`: they do not. Of a destination that is yet to be made, the directory is given in which
/// it will lie (`made` is false): then only the source is asked whether it holds it.
pub(crate) fn between(source: &Path, destination: &Path, made: bool) -> Option<&'static str> {
    let (Ok(source), Ok(destination)) = (fs::canonicalize(source), fs::canonicalize(destination)) else {
        return None;
    };
    let table = MountTable::open().and_then(|mut table| table.read()).unwrap_or_default();
    if made && same(&source, &destination) {
        return Some("they are the same directory");
    }
    if holds(&source, &destination, &table) {
        return Some("the destination lies in the source");
    }
    (made && holds(&destination, &source, &table)).then_some("the source lies in the destination")
}

/// Whether `inner` is `outer` or is reached from it.
fn holds(outer: &Path, inner: &Path, table: &[Mount]) -> bool {
    inner.ancestors().any(|above| same(outer, above)) || holds_by_mounts(outer, inner, table)
}

fn same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// A directory by file system and path inside of it: the same for each mount that leads there.
type Spot = ((u32, u32), Vec<u8>);

/// One directory may be reached by several mounts. So the paths inside the file systems are compared: of the outer root,
/// and of all that is mounted below it, with that of the inner one.
fn holds_by_mounts(outer: &Path, inner: &Path, table: &[Mount]) -> bool {
    let (outer, inner) = (outer.as_os_str().as_bytes(), inner.as_os_str().as_bytes());
    let Some(inside) = spot(inner, table) else { return false };
    let below = mounts::below(table, outer).into_iter().map(|(_, mount)| (mount.device, mount.root.clone()));
    spot(outer, table).into_iter().chain(below).any(|(device, path)| {
        device == inside.0 && Path::new(OsStr::from_bytes(&inside.1)).starts_with(OsStr::from_bytes(&path))
    })
}

fn spot(real: &[u8], table: &[Mount]) -> Option<Spot> {
    let mount = mounts::holding(table, real)?;
    let rest = Path::new(OsStr::from_bytes(real)).strip_prefix(OsStr::from_bytes(&mount.point)).ok()?;
    let path = Path::new(OsStr::from_bytes(&mount.root)).join(rest);
    Some((mount.device, path.into_os_string().into_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_that_lead_into_one_another_are_seen() {
        let table = mounts::parse(
            b"1 0 8:1 / / rw - ext4 a rw\n\
              2 1 8:1 /data/in /mnt/x rw - ext4 a rw\n\
              3 1 8:2 / /other rw - ext4 b rw\n\
              4 1 8:2 /deep /data/usb rw - ext4 b rw\n",
        );
        let held = |outer: &str, inner: &str| holds_by_mounts(outer.as_ref(), inner.as_ref(), &table);
        assert!(held("/data", "/mnt/x"));
        assert!(held("/data", "/mnt/x/y"));
        assert!(!held("/mnt/x", "/data"));
        assert!(held("/mnt/x", "/data/in/deeper"));
        assert!(held("/data", "/other/deep/mirror"));
        assert!(!held("/data", "/other/mirror"));
        assert!(!held("/data", "/database"));
        assert!(held("/", "/other"));
    }
}
