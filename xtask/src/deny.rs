//! What we may depend on. `deny.toml` is the one list; cargo-deny checks it in full where it is
//! installed, and the part that matters most (licences, sources, duplicates) is checked here anyway,
//! because installing cargo-deny costs minutes that a test run does not have.

use std::collections::BTreeMap;

use anyhow::Context as _;
use toml::Table;

use crate::workspace::{Package, Workspace};
use crate::{Outcome, shell, spdx};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The part of `deny.toml` that is checked here.
struct Policy {
    /// Licence identifiers.
    allowed: Vec<String>,
    /// Packages that may occur in several versions.
    may_repeat: Vec<String>,
}

/// Checks the dependencies.
pub(crate) fn run(workspace: &Workspace, _arguments: &[String]) -> anyhow::Result<Outcome> {
    let policy = Policy::parse(&workspace.read("deny.toml")?)?;
    let packages = workspace.packages()?;
    let findings = check(&policy, &packages);
    for finding in &findings {
        println!("deny: {finding}");
    }
    println!("{} packages, {} findings", packages.len(), findings.len());
    let full = cargo_deny(workspace)?;
    Ok(if findings.is_empty() && full { Outcome::Passed } else { Outcome::Failed })
}

/// The real cargo-deny, where there is one.
fn cargo_deny(workspace: &Workspace) -> anyhow::Result<bool> {
    if shell::find("cargo-deny").is_none() {
        println!(
            "cargo-deny is not installed, so advisories were not checked: cargo install --locked cargo-deny"
        );
        return Ok(true);
    }
    shell::passes(workspace.cargo().args(["deny", "--all-features", "check"]))
}

impl Policy {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse().context("deny.toml is no TOML")?;
        let allowed = strings(table.get("licenses").and_then(|part| part.get("allow")));
        anyhow::ensure!(!allowed.is_empty(), "deny.toml allows no licence");
        let skipped = table.get("bans").and_then(|part| part.get("skip")).and_then(toml::Value::as_array);
        let may_repeat = skipped.into_iter().flatten().filter_map(|entry| entry.get("crate")?.as_str());
        let may_repeat =
            may_repeat.map(|name| name.split(['@', ':']).next().unwrap_or(name).to_owned()).collect();
        Ok(Self { allowed, may_repeat })
    }
}

fn strings(value: Option<&toml::Value>) -> Vec<String> {
    let items = value.and_then(toml::Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn check(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        match &package.license {
            Some(license) if spdx::permits(license, &policy.allowed) => {}
            Some(license) => findings.push(format!("{name}: licence `{license}` is not in deny.toml")),
            None => findings.push(format!("{name}: states no licence")),
        }
        if package.source.as_deref().is_some_and(|source| source != CRATES_IO) {
            findings.push(format!("{name}: comes from {}", package.source.as_deref().unwrap_or_default()));
        }
        versions.entry(&package.name).or_default().push(&package.version);
    }
    for (name, found) in versions {
        if found.len() > 1 && !policy.may_repeat.iter().any(|known| known == name) {
            findings.push(format!("{name}: in {} versions ({})", found.len(), found.join(", ")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: Option<&str>, source: Option<&str>) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
            dependencies: Vec::new(),
        }
    }

    fn policy() -> Policy {
        let text =
            "[licenses]\nallow = [\"MIT\"]\n[bans]\nskip = [{ crate = \"twice@1.0\", reason = \"x\" }]\n";
        Policy::parse(text).unwrap()
    }

    #[test]
    fn good_packages_pass() {
        let packages = [
            package("ours", "0.1.0", Some("MIT"), None),
            package("a", "1.0.0", Some("MIT"), Some(CRATES_IO)),
        ];
        assert_eq!(check(&policy(), &packages), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_offence_is_found() {
        let packages = [
            package("a", "1.0.0", Some("GPL-3.0"), Some(CRATES_IO)),
            package("b", "1.0.0", None, Some(CRATES_IO)),
            package("c", "1.0.0", Some("MIT"), Some("git+https://example.invalid/c")),
            package("d", "1.0.0", Some("MIT"), Some(CRATES_IO)),
            package("d", "2.0.0", Some("MIT"), Some(CRATES_IO)),
            package("twice", "1.0.0", Some("MIT"), Some(CRATES_IO)),
            package("twice", "2.0.0", Some("MIT"), Some(CRATES_IO)),
        ];
        let findings = check(&policy(), &packages);
        assert_eq!(findings.len(), 4, "{findings:#?}");
        for (finding, word) in findings.iter().zip(["GPL-3.0", "no licence", "example.invalid", "2 versions"])
        {
            assert!(finding.contains(word), "{finding}");
        }
    }

    #[test]
    fn a_policy_without_licences_is_an_error() {
        assert!(Policy::parse("[licenses]\nallow = []\n").is_err());
    }
}
