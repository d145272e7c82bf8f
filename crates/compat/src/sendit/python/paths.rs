//! What `os.path` and `pathlib` make of paths, which are bytes here.

/// `os.path.join`: what begins with a slash begins anew.
pub(super) fn join(one: &[u8], other: &[u8]) -> Vec<u8> {
    if other.starts_with(b"/") || one.is_empty() {
        return other.to_vec();
    }
    let slash: &[u8] = if one.ends_with(b"/") { b"" } else { b"/" };
    [one, slash, other].concat()
}

/// `os.path.dirname`.
pub(super) fn dirname(path: &[u8]) -> Vec<u8> {
    let head = &path[..path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)];
    let end = head.iter().rposition(|byte| *byte != b'/').map_or(head.len(), |last| last + 1);
    head[..end].to_vec()
}

/// `os.path.basename`.
pub(super) fn basename(path: &[u8]) -> Vec<u8> {
    path[path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)..].to_vec()
}

/// `os.path.normpath`.
pub(super) fn normal(path: &[u8]) -> Vec<u8> {
    let root: &[u8] = match path {
        [b'/', b'/', b'/', ..] => b"/",
        [b'/', b'/', ..] => b"//",
        [b'/', ..] => b"/",
        _ => b"",
    };
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => {
                names.pop();
            }
            b".." if !root.is_empty() => {}
            name => names.push(name),
        }
    }
    let normal = [root, &names.join(&b'/')].concat();
    if normal.is_empty() { b".".to_vec() } else { normal }
}

/// A path as `pathlib` writes it: without empty names and single dots.
pub(super) fn plain(path: &[u8]) -> Vec<u8> {
    let root: &[u8] = if path.starts_with(b"/") { b"/" } else { b"" };
    let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".");
    let plain = [root, &names.collect::<Vec<_>>().join(&b'/')].concat();
    if plain.is_empty() { b".".to_vec() } else { plain }
}

/// An attribute of a `pathlib` path that is a path.
pub(super) fn attribute(path: &[u8], name: &str) -> Option<Vec<u8>> {
    if name != "parent" {
        return None;
    }
    let parent = dirname(path);
    Some(if parent.is_empty() { b".".to_vec() } else { parent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_python_makes_of_them() {
        for (one, other, wanted) in
            [("/a", "b", "/a/b"), ("/a/", "b", "/a/b"), ("a", "/b", "/b"), ("", "b", "b"), ("a", "", "a/")]
        {
            assert_eq!(join(one.as_bytes(), other.as_bytes()), wanted.as_bytes());
        }
        for (path, wanted) in
            [("/a/b", "/a"), ("/a", "/"), ("a", ""), ("/a/b/", "/a/b"), ("/a//b", "/a"), ("//a", "//")]
        {
            assert_eq!(dirname(path.as_bytes()), wanted.as_bytes(), "{path}");
        }
        for (path, wanted) in [
            ("/a/../b", "/b"),
            ("/..", "/"),
            ("a/..", "."),
            ("../a", "../a"),
            ("", "."),
            ("//a/./b//", "//a/b"),
            ("///a", "/a"),
            ("a/../..", ".."),
        ] {
            assert_eq!(normal(path.as_bytes()), wanted.as_bytes(), "{path}");
        }
        assert_eq!(plain(b"/a/./b//c/.."), b"/a/b/c/..");
        assert_eq!((plain(b""), plain(b"/")), (b".".to_vec(), b"/".to_vec()));
        assert_eq!(basename(b"/a/b"), b"b");
        assert_eq!(attribute(b"a", "parent"), Some(b".".to_vec()));
        assert_eq!(attribute(b"/", "parent"), Some(b"/".to_vec()));
    }
}
