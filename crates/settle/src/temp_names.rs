//! The names of files in the making.

use crate::pattern::Pattern;

/// What programs call a file while they write it, as globs on the last name.
///
/// The first is rsync's `.name.XXXXXX`; the second takes it too, but the first says what it is.
const NAMES: [&str; 14] = [
    ".*.[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]",
    ".*",
    "*.tmp",
    "*.temp",
    "*.t",
    "*.part",
    "*.partial",
    "*.filepart",
    "*.working",
    "*.inprogress",
    "*.crdownload",
    "*.swp",
    "*~",
    "*.lock",
];

/// The default temporary names. They are asked about the last name of plain-file units only:
/// a member of a dataset may be called `table.lock` and be data.
#[must_use]
pub fn default_patterns() -> Vec<Pattern> {
    NAMES.iter().filter_map(|name| Pattern::parse(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_pattern() {
        assert_eq!(default_patterns().len(), NAMES.len());
    }

    #[test]
    fn names_in_the_making_are_told_from_finished_ones() {
        let patterns = default_patterns();
        let first = |name: &[u8]| patterns.iter().find(|pattern| pattern.matches(name)).map(Pattern::text);
        for name in [
            &b".hidden"[..],
            b"a/b.tmp",
            b"b.temp",
            b"b.t",
            b"b.part",
            b"b.partial",
            b"x.filepart",
            b"x.working",
            b"x.inprogress",
            b"x.crdownload",
            b".x.swp",
            b"x.swp",
            b"x~",
            b"x.lock",
            b"d/.tmp",
            b"\xff\xfe.t",
        ] {
            assert!(first(name).is_some(), "{}", name.escape_ascii());
        }
        assert_eq!(first(b"d/.data.bin.aB3xY9"), Some(NAMES[0]));
        assert_eq!(first(b".data"), Some(".*"));
        for name in [&b"a"[..], b"a.txt", b"tmp", b"x.tmpl", b"~x", b".d/file", b"lock", b"x.T", b"\xff"] {
            assert_eq!(first(name), None, "{}", name.escape_ascii());
        }
    }
}
