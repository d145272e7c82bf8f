//! What is mirrored, and how.

use settle::Pattern;
use sys::EntryKind;

use crate::answers::LeftOut;
use crate::route::Route;

/// How two trees are kept equal.
#[derive(Clone, Debug)]
pub struct Options {
    /// The mirror's name. It stands in the destination's marker, and a destination that belongs to another mirror is refused.
    pub name: String,
    /// Whether a destination that holds something already, and no marker of this mirror, may be taken over.
    pub adopt: bool,
    /// Whether owner and group are kept, and with them setuid and setgid bits. Needs privilege.
    pub owner: bool,
    /// A path of anything but a directory must match one of these; none: everything does.
    pub include: Vec<Pattern>,
    /// And none of these, nor lie below a directory that does. A directory is left out when it matches.
    pub exclude: Vec<Pattern>,
    /// Whether the directories below are mirrored, too.
    pub recursive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            adopt: false,
            owner: false,
            include: Vec::new(),
            exclude: Vec::new(),
            recursive: true,
        }
    }
}

/// The name of the marker in the destination's root.
pub(crate) const MARKER: &[u8] = b".staithe-mirror";
/// What the name of a temporary file or directory of ours begins with.
pub(crate) const TEMP_PREFIX: &[u8] = b".staithe-mirror-";
/// And ends with.
pub(crate) const TEMP_SUFFIX: &[u8] = b".tmp";
/// What `mkfs` makes in each root of ext2, ext3 and ext4. It is of the file system, not of the tree.
const LOST_AND_FOUND: &[u8] = b"lost+found";

/// Whether a name is that of a temporary file or directory of ours.
pub(crate) fn is_temp(name: &[u8]) -> bool {
    name.len() > TEMP_PREFIX.len() + TEMP_SUFFIX.len()
        && name.starts_with(TEMP_PREFIX)
        && name.ends_with(TEMP_SUFFIX)
}

/// Whether a path below a root is one of ours (or the file system's), whatever lies there.
pub(crate) fn is_ours(route: Route<'_>) -> bool {
    let first = route.names().next().unwrap_or(b"");
    first == MARKER || first == LOST_AND_FOUND || route.names().any(is_temp)
}

impl Options {
    /// Whether a path is left out, whatever lies there.
    pub(crate) fn leave_out(&self, route: Route<'_>) -> Option<LeftOut> {
        if is_ours(route) {
            return Some(LeftOut::OurName);
        }
        if !self.recursive && !route.parent().is_root() {
            return Some(LeftOut::Deeper);
        }
        let excluded = |way: &[u8]| self.exclude.iter().any(|pattern| pattern.matches(way));
        (!self.exclude.is_empty() && route.ways().any(excluded)).then_some(LeftOut::Pattern)
    }

    /// Whether a path that [`Options::leave_out`] does not leave out is left out for what lies there.
    pub(crate) fn leave_out_kind(&self, route: Route<'_>, kind: EntryKind) -> Option<LeftOut> {
        if kind == EntryKind::Directory {
            return (!self.recursive && !route.is_root()).then_some(LeftOut::Deeper);
        }
        let included = self.include.is_empty() || self.include.iter().any(|one| one.matches(route.bytes()));
        (!included).then_some(LeftOut::Pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(options: &Options, path: &[u8], kind: EntryKind) -> Option<LeftOut> {
        let route = Route::new(path).unwrap();
        options.leave_out(route).or_else(|| options.leave_out_kind(route, kind))
    }

    #[test]
    fn patterns_depth_and_our_names_leave_out() {
        let pattern = |text: &str| Pattern::parse(text).unwrap();
        let mut options =
            Options { include: vec![pattern("*.dat")], exclude: vec![pattern("old")], ..Options::default() };
        let (file, dir) = (EntryKind::File, EntryKind::Directory);
        assert_eq!(out(&options, b"a/b.dat", file), None);
        assert_eq!(out(&options, b"a", dir), None);
        assert_eq!(out(&options, b"a/b.txt", file), Some(LeftOut::Pattern));
        assert_eq!(out(&options, b"a/old/b.dat", file), Some(LeftOut::Pattern));
        assert_eq!(out(&options, b".staithe-mirror", file), Some(LeftOut::OurName));
        assert_eq!(out(&options, b"a/.staithe-mirror.dat", file), None);
        assert_eq!(out(&options, b"a/.staithe-mirror-1.tmp/b.dat", file), Some(LeftOut::OurName));
        assert_eq!(out(&options, b"lost+found/b.dat", file), Some(LeftOut::OurName));
        options.recursive = false;
        assert_eq!(out(&options, b"b.dat", file), None);
        assert_eq!(out(&options, b"a", dir), Some(LeftOut::Deeper));
        assert_eq!(out(&options, b"a/b.dat", file), Some(LeftOut::Deeper));
        assert_eq!(out(&options, b"", dir), None);
    }
}
