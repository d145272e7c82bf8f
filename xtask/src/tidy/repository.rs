//! Rules about the repository's other files.

use std::path::Path;

use super::{Finding, links};
use crate::workspace::Workspace;

/// The most packages that may go into the program. What only tests need does not count.
/// AMQP costs some forty of them: `lapin` brings a parser, traits over runtimes, and what those are made of.
const SHIPPED_PACKAGES: usize = 255;
/// What the README tells people to type for all tests, and `.ci/run` runs.
const TEST_COMMAND: &str = "cargo xtask test";

/// The findings.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in texts(workspace)? {
        let text = workspace.read(&path)?;
        findings.extend(whitespace(&path, &text));
        if Path::new(&path).extension().is_some_and(|extension| extension == "md") {
            findings.extend(links::check(&workspace.root, &path, &text));
        }
    }
    let shipped = workspace.shipped("staithe")?;
    if shipped > SHIPPED_PACKAGES {
        findings.push(Finding::new(
            "Cargo.lock",
            format!("{shipped} packages go into the program, at most {SHIPPED_PACKAGES} may"),
        ));
    }
    for path in ["README.md", ".ci/run"] {
        if !workspace.read(path)?.lines().any(|line| line.trim() == TEST_COMMAND) {
            findings.push(Finding::new(path, format!("has no line `{TEST_COMMAND}`")));
        }
    }
    Ok(findings)
}

/// The Markdown and TOML files, below the root but not in hidden folders or build results.
fn texts(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut folders = vec![workspace.root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md" || extension == "toml") {
                let below = path.strip_prefix(&workspace.root).unwrap_or(&path);
                found.push(below.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Spaces at line ends, tabs, and a missing or doubled newline at the end.
pub(crate) fn whitespace(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::new(format!("{path}:{}", number + 1), "space at the end of the line"));
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        findings.push(Finding::new(path, "must end with exactly one newline"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::whitespace;

    #[test]
    fn stray_whitespace_is_found() {
        assert!(whitespace("a", "x\ny\n").is_empty());
        assert_eq!(whitespace("a", "x \ny\t\nz\n").len(), 2);
        assert_eq!(whitespace("a", "x").len(), 1);
        assert_eq!(whitespace("a", "x\n\n").len(), 1);
    }
}
