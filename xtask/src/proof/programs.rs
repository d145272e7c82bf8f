//! The test programs: built with everything else, and where they lie.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::Value;

use super::rows::{Row, Test};
use crate::workspace::Workspace;

/// From package and program to the built program.
pub(super) struct Programs {
    built: HashMap<(String, String), PathBuf>,
    root: PathBuf,
}

impl Programs {
    /// The program of a test and the folder in which cargo would start it.
    pub(super) fn of(&self, test: Test) -> anyhow::Result<(PathBuf, PathBuf)> {
        let key = (test.package.to_owned(), test.program.to_owned());
        let program = self.built.get(&key);
        let program =
            program.with_context(|| format!("cargo has built no {}/{}", test.package, test.program))?;
        Ok((program.clone(), self.root.join("crates").join(test.package)))
    }
}

/// Builds what the rows need, with the features of the whole workspace: a part would be built anew.
pub(super) fn build(workspace: &Workspace, rows: &[&Row]) -> anyhow::Result<Programs> {
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.tests()).map(|test| test.program).collect();
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    for name in names {
        cargo.args(["--test", name]);
    }
    let output = cargo.stderr(Stdio::inherit()).output().context("failed to start cargo")?;
    anyhow::ensure!(output.status.success(), "the test programs do not build");
    let lines = output.stdout.split(|&byte| byte == b'\n');
    let built = lines.filter_map(|line| artifact(&serde_json::from_slice(line).ok()?)).collect();
    Ok(Programs { built, root: workspace.root.clone() })
}

/// Package, program and path of a test program that cargo tells of.
fn artifact(message: &Value) -> Option<((String, String), PathBuf)> {
    let is_test = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "test");
    let manifest = PathBuf::from(message["manifest_path"].as_str()?);
    let package = manifest.parent()?.file_name()?.to_str()?.to_owned();
    let program = message["target"]["name"].as_str()?.to_owned();
    let path = message["executable"].as_str()?;
    is_test.then(|| ((package, program), path.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_program_is_told_from_the_rest() {
        let message = |kind: &str| {
            json!({"manifest_path": "/w/crates/ledger/Cargo.toml", "target": {"name": "it", "kind": [kind]},
                   "executable": "/t/it-1"})
        };
        let (key, path) = artifact(&message("test")).unwrap();
        assert_eq!((key.0.as_str(), key.1.as_str(), path), ("ledger", "it", "/t/it-1".into()));
        assert!(artifact(&message("lib")).is_none());
    }
}
