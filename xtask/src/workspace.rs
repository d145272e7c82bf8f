//! The workspace as cargo sees it: where it lies, its crates, and all it depends on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

/// The workspace that this program was built from.
pub(crate) struct Workspace {
    /// The folder with the root `Cargo.toml`.
    pub(crate) root: PathBuf,
}

/// One package of `cargo metadata`.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence expression, if it states one.
    pub(crate) license: Option<String>,
    /// Where it comes from; `None` for our own.
    pub(crate) source: Option<String>,
    /// The names of what it depends on.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a package's dependency tables.
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// Whether it is only for tests.
    pub(crate) dev: bool,
}

impl Workspace {
    /// Finds the root from the place where this crate was compiled.
    pub(crate) fn locate() -> anyhow::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.parent().context("xtask lies in no workspace")?.to_path_buf();
        anyhow::ensure!(
            root.join("Cargo.toml").is_file(),
            "{} is no longer there: run this from the checkout it was built in",
            root.display()
        );
        Ok(Self { root })
    }

    /// A `cargo` command in the root folder, with the cargo that runs us.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        // What the cargo that started us says about our own package. Build scripts ask for it, so that with it
        // some libraries were built anew after each `cargo build` by hand, and the other way round.
        for (name, _) in std::env::vars_os() {
            let about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"];
            if about_us.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes())) {
                command.env_remove(name);
            }
        }
        command
    }

    /// The folder that cargo builds into.
    pub(crate) fn target(&self) -> anyhow::Result<PathBuf> {
        let value = self.metadata(&["--no-deps"])?;
        value["target_directory"].as_str().map(PathBuf::from).context("cargo metadata names no target folder")
    }

    /// The text of a file of the workspace.
    pub(crate) fn read(&self, path: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.root.join(path)).with_context(|| format!("failed to read {path}"))
    }

    /// Every package in the dependency tree for this machine, ours included.
    pub(crate) fn packages(&self) -> anyhow::Result<Vec<Package>> {
        let value = self.metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"])?;
        Ok(used_packages(&value))
    }

    /// How many packages go into the program for this machine, ours included; what only tests need is not
    /// among them.
    pub(crate) fn shipped(&self, program: &str) -> anyhow::Result<usize> {
        let value = self.metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"])?;
        Ok(shipped_packages(&value, program).len())
    }

    fn metadata(&self, words: &[&str]) -> anyhow::Result<Value> {
        let mut command = self.cargo();
        command.args(["metadata", "--format-version", "1"]).args(words);
        let output = command.output().context("failed to run cargo metadata")?;
        anyhow::ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
    }
}

/// The packages that the resolved graph reaches: `packages` alone also lists what other platforms need.
fn used_packages(metadata: &Value) -> Vec<Package> {
    let used: Vec<&str> =
        list(&metadata["resolve"]["nodes"]).filter_map(|node| node["id"].as_str()).collect();
    list(&metadata["packages"])
        .filter(|package| package["id"].as_str().is_some_and(|id| used.contains(&id)))
        .map(Package::from_json)
        .collect()
}

/// What the package of that name depends on, and what that does, without what is only for tests.
fn shipped_packages<'a>(metadata: &'a Value, program: &str) -> BTreeSet<&'a str> {
    let is_program = |package: &&Value| package["name"].as_str() == Some(program);
    let begin = list(&metadata["packages"]).find(is_program).and_then(|package| package["id"].as_str());
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = begin.into_iter().collect();
    while let Some(id) = next.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = list(&metadata["resolve"]["nodes"]).find(|node| node["id"].as_str() == Some(id));
        let ships = |dep: &&Value| list(&dep["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"));
        let deps = node.into_iter().flat_map(|node| list(&node["deps"])).filter(ships);
        next.extend(deps.filter_map(|dep| dep["pkg"].as_str()));
    }
    found
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Package {
    fn from_json(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let dependencies = list(&value["dependencies"])
            .filter_map(|line| {
                let name = line["name"].as_str()?.to_owned();
                Some(Dependency { name, dev: line["kind"].as_str() == Some("dev") })
            })
            .collect();
        Self {
            name: text("name").unwrap_or_default(),
            version: text("version").unwrap_or_default(),
            license: text("license"),
            source: text("source"),
            dependencies,
        }
    }

    /// Whether it is one of ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.source.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_need_does_not_ship() {
        let node = |id: &str, deps: &[(&str, Value)]| {
            let deps: Vec<Value> = deps
                .iter()
                .map(|(to, kind)| serde_json::json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
                .collect();
            serde_json::json!({"id": id, "deps": deps})
        };
        let normal = Value::Null;
        let metadata = serde_json::json!({
            "packages": [{"name": "program", "id": "p"}, {"name": "a", "id": "a"}],
            "resolve": {"nodes": [
                node("p", &[("a", normal.clone()), ("t", "dev".into())]),
                node("a", &[("b", "build".into()), ("p", normal)]),
                node("b", &[]),
                node("t", &[]),
            ]}
        });
        assert_eq!(shipped_packages(&metadata, "program").into_iter().collect::<Vec<_>>(), ["a", "b", "p"]);
    }
}
