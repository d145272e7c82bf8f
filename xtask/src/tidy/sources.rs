//! Our Rust files, read once for all rules.

use std::ops::Range;
use std::path::Path;

use anyhow::Context as _;

use super::blank::{blank, words};

/// One Rust file.
pub(crate) struct Source {
    /// Its path below the root, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
    /// Its text with comments and literals blanked.
    pub(crate) code: String,
    /// The byte ranges of inline test modules.
    pub(crate) tests: Vec<Range<usize>>,
}

impl Source {
    /// A source from a text.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let code = blank(&text);
        let tests = test_modules(&code);
        Self { path: path.into(), text, code, tests }
    }

    /// Whether the whole file is test code: an integration test, a test module of its own, or the test kit.
    pub(crate) fn is_test(&self) -> bool {
        let folder = |name: &str| self.path.split('/').any(|part| part == name);
        folder("tests") || folder("testkit") || folder("benches") || self.path.ends_with("/tests.rs")
    }

    /// Whether the byte at this offset is test code.
    pub(crate) fn in_test(&self, offset: usize) -> bool {
        self.is_test() || self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The crate that the file belongs to.
    pub(crate) fn krate(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            Some(first) => first,
            None => "",
        }
    }

    /// The line number, from 1, of a byte offset.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// The file's last name.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Every Rust file of the workspace's crates, in path order.
pub(crate) fn load(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["bench", "crates", "xtask"] {
        collect(root, &root.join(folder), &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, out: &mut Vec<Source>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(root, &path, out)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            out.push(Source::new(path.strip_prefix(root).unwrap_or(&path).to_string_lossy(), text));
        }
    }
    Ok(())
}

/// The ranges of `#[cfg(test)] mod name { … }`, from `mod` to the closing brace.
fn test_modules(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let Some((begin, "mod")) = words(&code[at..]).nth(2).map(|(offset, word)| (at + offset, word)) else {
            continue;
        };
        if let Some(body) = body(code, begin) {
            ranges.push(begin..body.end);
        }
    }
    ranges
}

/// The braces of the item that begins at `begin`; `None` when it ends with `;` before any brace.
pub(crate) fn body(code: &str, begin: usize) -> Option<Range<usize>> {
    let bytes = code.as_bytes();
    let mut round = 0i32;
    let mut at = begin;
    loop {
        match bytes.get(at)? {
            b'(' | b'[' => round += 1,
            b')' | b']' => round -= 1,
            b';' if round == 0 => return None,
            b'{' if round == 0 => break,
            _ => {}
        }
        at += 1;
    }
    let open = at;
    let mut depth = 0i32;
    for (offset, byte) in bytes[open..].iter().enumerate() {
        depth += i32::from(*byte == b'{') - i32::from(*byte == b'}');
        if depth == 0 {
            return Some(open..open + offset + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn inline_test_modules_are_found() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { if x {} }\n}\nfn c() {}\n";
        let source = Source::new("crates/x/src/a.rs", text);
        assert_eq!(source.tests.len(), 1);
        assert!(!source.in_test(text.find("fn a").unwrap()));
        assert!(source.in_test(text.find("fn b").unwrap()));
        assert!(!source.in_test(text.find("fn c").unwrap()));
        assert_eq!(source.line_of(text.find("fn c").unwrap()), 6);
        assert_eq!(source.krate(), "x");
    }

    #[test]
    fn a_test_module_elsewhere_has_no_range() {
        assert!(Source::new("crates/x/src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n").tests.is_empty());
        assert!(Source::new("crates/x/src/a/tests.rs", "fn a() {}").is_test());
    }
}
