//! Links between the pages: what a page points at is there.

use std::path::Path;

use super::Finding;

/// The links of the page `path` (below `root`) that lead to no file.
pub(crate) fn check(root: &Path, path: &str, text: &str) -> Vec<Finding> {
    let folder = root.join(path).parent().map(Path::to_owned).unwrap_or_default();
    let missing = links(text).into_iter().filter(|(_, target)| !folder.join(target).exists());
    missing
        .map(|(line, target)| {
            Finding::new(format!("{path}:{line}"), format!("links to {target}, which is not there"))
        })
        .collect()
}

/// Line and file of each link to another file; what stands between fences is no link.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (number, line) in text.lines().enumerate() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            continue;
        }
        for (_, rest) in line.match_indices("](").map(|(at, begin)| line.split_at(at + begin.len())) {
            let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') {
                found.push((number + 1, target));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_are_found() {
        let text = "[a](b.md) and [c](../d.md#part), [e](https://f) [g](#h)\n```\n[i](j.md)\n```\n[k](l)\n";
        assert_eq!(links(text), [(1, "b.md"), (1, "../d.md"), (5, "l")]);
    }

    #[test]
    fn one_that_leads_nowhere_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("docs")).unwrap();
        std::fs::write(scratch.path().join("README.md"), "").unwrap();
        let text = "[up](../README.md)\n[away](proof.md)\n";
        let findings = check(scratch.path(), "docs/a.md", text);
        assert_eq!(findings, [Finding::new("docs/a.md:2", "links to proof.md, which is not there")]);
    }
}
