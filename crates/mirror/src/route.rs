//! Paths below a root.

use crate::fault::{Fault, shown};

/// A path below a root, seen to be one: names with `/` between them, none of them empty, `.` or `..`. Empty: the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route<'a>(&'a [u8]);

impl<'a> Route<'a> {
    /// The roots themselves.
    pub(crate) const ROOT: Self = Self(b"");

    /// Sees whether it is one.
    pub(crate) fn new(path: &'a [u8]) -> Result<Self, Fault> {
        let bad = |why| Err(Fault::BadPath { path: shown(path), why });
        if path.contains(&0) {
            return bad("it has a zero byte");
        }
        for name in path.split(|&byte| byte == b'/') {
            match name {
                b"" if path.is_empty() => {}
                b"" => return bad("it has an empty name"),
                b"." | b".." if !switch::is_off("only-names") => return bad("`.` and `..` are no names"),
                _ => {}
            }
        }
        Ok(Self(path))
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether it is the root.
    pub(crate) fn is_root(self) -> bool {
        self.0.is_empty()
    }

    /// The directory that holds it; the root's is the root.
    pub(crate) fn parent(self) -> Self {
        Self(self.0.iter().rposition(|&byte| byte == b'/').map_or(b"", |at| &self.0[..at]))
    }

    /// The last name.
    pub(crate) fn name(self) -> &'a [u8] {
        self.0.rsplit(|&byte| byte == b'/').next().unwrap_or(b"")
    }

    /// All names.
    pub(crate) fn names(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(|&byte| byte == b'/').filter(|name| !name.is_empty())
    }

    /// The paths of the directories on the way to it and its own, without the root's.
    pub(crate) fn ways(self) -> impl Iterator<Item = &'a [u8]> {
        let path = self.0;
        let ends = (0..path.len()).filter(move |&at| path[at] == b'/');
        ends.chain((!path.is_empty()).then_some(path.len())).map(move |end| &path[..end])
    }

    /// Whether it lies below `other`, or is it.
    pub(crate) fn is_below(self, other: Route<'_>) -> bool {
        other.is_root() || self.0.strip_prefix(other.0).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }
}

/// The path of `name` in the directory `dir`.
pub(crate) fn joined(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_make_a_path() {
        for bad in
            [&b"/a"[..], b"a/", b"a//b", b".", b"..", b"a/../b", b"../a", b"a/.", b"/", b"a\0b", b"./a"]
        {
            assert!(matches!(Route::new(bad), Err(Fault::BadPath { .. })), "{}", shown(bad));
        }
        for good in [&b""[..], b"a", b"...", b"a/.. /b", b"..a/b..", b"\xff\n/ ", b"-rf"] {
            assert!(Route::new(good).is_ok(), "{}", shown(good));
        }
    }

    #[test]
    fn a_path_is_taken_apart() {
        let route = Route::new(b"a/b/c").unwrap();
        assert_eq!((route.parent().bytes(), route.name()), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(route.ways().collect::<Vec<_>>(), [&b"a"[..], b"a/b", b"a/b/c"]);
        assert_eq!(route.names().count(), 3);
        let top = Route::new(b"a").unwrap();
        assert!(top.parent().is_root() && route.is_below(top) && !top.is_below(route));
        assert!(!Route::new(b"ab").unwrap().is_below(top));
        assert_eq!(Route::new(b"").unwrap().ways().count(), 0);
        assert_eq!((joined(b"", b"x"), joined(b"a", b"x")), (b"x".to_vec(), b"a/x".to_vec()));
    }
}
