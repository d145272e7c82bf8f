//! Crate borders: who depends on whom among our crates must be what `ARCHITECTURE.md` says in its
//! block ` ```edges `, one line `crate -> dependency dependency` each.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::workspace::{Package, Workspace};

/// The page that holds the list.
pub(crate) const PAGE: &str = "ARCHITECTURE.md";
/// Crates for building and testing, which nothing that is shipped may depend on.
const TEST_ONLY: &[&str] = &["simulation", "testkit", "xtask"];

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The findings.
pub(crate) fn check(workspace: &Workspace, packages: &[Package]) -> Vec<Finding> {
    let actual = actual(packages);
    let mut findings = test_only(&actual);
    match workspace.read(PAGE) {
        Ok(text) => match stated(&text) {
            Some(stated) => findings.extend(compare(&stated, &actual)),
            None => findings.push(Finding::new(PAGE, "has no block ```edges with the crates' dependencies")),
        },
        Err(error) => findings.push(Finding::new(PAGE, format!("{error:#}"))),
    }
    findings
}

/// The edges for what is shipped: dependencies for tests alone do not count.
fn actual(packages: &[Package]) -> Edges {
    let ours: BTreeSet<&str> = packages.iter().filter(|p| p.is_ours()).map(|p| p.name.as_str()).collect();
    let mut edges = Edges::new();
    for package in packages.iter().filter(|package| package.is_ours()) {
        let to = package.dependencies.iter().filter(|line| !line.dev && ours.contains(line.name.as_str()));
        edges.insert(package.name.clone(), to.map(|line| line.name.clone()).collect());
    }
    edges
}

fn stated(text: &str) -> Option<Edges> {
    let block = text.split_once("```edges\n")?.1.split_once("```")?.0;
    let lines = block.lines().map(|line| line.split('#').next().unwrap_or_default());
    let edges = lines.filter_map(|line| line.split_once("->"));
    Some(
        edges
            .map(|(from, to)| (from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect()))
            .collect(),
    )
}

fn compare(stated: &Edges, actual: &Edges) -> Vec<Finding> {
    let mut findings = Vec::new();
    let empty = BTreeSet::new();
    let crates: BTreeSet<&String> = stated.keys().chain(actual.keys()).collect();
    for name in crates {
        let Some(real) = actual.get(name) else {
            findings.push(Finding::new(PAGE, format!("lists the crate `{name}`, which does not exist")));
            continue;
        };
        if !stated.contains_key(name) && !TEST_ONLY.contains(&name.as_str()) {
            findings.push(Finding::new(PAGE, format!("does not list the crate `{name}`")));
            continue;
        }
        let listed = stated.get(name).unwrap_or(&empty);
        if TEST_ONLY.contains(&name.as_str()) && !stated.contains_key(name) {
            continue;
        }
        for extra in real.difference(listed) {
            findings.push(Finding::new(
                PAGE,
                format!("`{name}` depends on `{extra}`, which the page does not say"),
            ));
        }
        for absent in listed.difference(real) {
            findings.push(Finding::new(
                PAGE,
                format!("says that `{name}` depends on `{absent}`, which it does not"),
            ));
        }
    }
    findings
}

fn test_only(actual: &Edges) -> Vec<Finding> {
    let shipped = actual.iter().filter(|(name, _)| !TEST_ONLY.contains(&name.as_str()));
    let wrong = shipped.flat_map(|(name, to)| {
        let bad = to.iter().filter(|name| TEST_ONLY.contains(&name.as_str()));
        bad.map(move |to| Finding::new(name.as_str(), format!("depends on `{to}`, which is for tests only")))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependencies =
            dependencies.iter().map(|(name, dev)| Dependency { name: (*name).into(), dev: *dev });
        Package {
            name: name.into(),
            version: "0.1.0".into(),
            license: None,
            source: None,
            dependencies: dependencies.collect(),
        }
    }

    fn graph() -> Edges {
        actual(&[
            package("model", &[("blake3", false)]),
            package("settle", &[("model", false), ("testkit", true)]),
            package("testkit", &[("model", false)]),
        ])
    }

    #[test]
    fn the_page_and_the_graph_agree() {
        let page = "x\n```edges\nmodel ->\nsettle -> model # why\n```\ny\n";
        assert_eq!(compare(&stated(page).unwrap(), &graph()), []);
    }

    #[test]
    fn each_difference_is_a_finding() {
        let page = "```edges\nmodel -> settle\nghost ->\n```\n";
        let findings = compare(&stated(page).unwrap(), &graph());
        let texts: Vec<&str> = findings.iter().map(|finding| finding.text.as_str()).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("`ghost`")), "{texts:?}");
        assert!(
            texts.iter().any(|text| text.contains("`model` depends on `settle`, which it does not")),
            "{texts:?}"
        );
        assert!(texts.iter().any(|text| text.contains("does not list the crate `settle`")), "{texts:?}");
    }

    #[test]
    fn nothing_shipped_depends_on_the_test_kit() {
        let edges = actual(&[package("settle", &[("testkit", false)]), package("testkit", &[])]);
        assert_eq!(test_only(&edges).len(), 1);
        assert!(test_only(&graph()).is_empty());
    }
}
