//! `docs/reference`: what the program says about itself, kept in the repository so that it can be
//! read and reviewed there. Generated, never typed by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::workspace::Workspace;
use crate::{Outcome, shell};

const FOLDER: &str = "docs/reference";
/// What is ours in that folder; other pages have a generator and a test of their own.
const OURS: &[&str] = &["completions", "man", "staithe.toml"];

/// One generated file and the words that make the program print it.
const PRINTED: &[(&str, &[&str])] = &[
    ("staithe.toml", &["init"]),
    ("completions/staithe.bash", &["completions", "bash"]),
    ("completions/staithe.fish", &["completions", "fish"]),
    ("completions/_staithe", &["completions", "zsh"]),
];

/// Relative paths and contents.
type Pages = BTreeMap<PathBuf, Vec<u8>>;

/// Builds the program and writes the pages.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<Outcome> {
    anyhow::ensure!(arguments.is_empty(), "`docs` takes no arguments");
    anyhow::ensure!(
        shell::passes(workspace.cargo().args(["build", "--package", "staithe"]))?,
        "the program does not build"
    );
    let (made, kept) = both(workspace)?;
    write(&workspace.root.join(FOLDER), &made, &kept)?;
    println!("{} generated pages, {} of them new or changed", made.len(), differences(&made, &kept).len());
    Ok(Outcome::Passed)
}

/// Whether the pages are what the program, as it was built last, says.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<bool> {
    let (made, kept) = both(workspace)?;
    let differing = differences(&made, &kept);
    for path in &differing {
        println!("docs: {FOLDER}/{} is not what the program says: run cargo xtask docs", path.display());
    }
    println!("{} generated pages, {} differ", made.len(), differing.len());
    Ok(differing.is_empty())
}

/// The pages as the program makes them, and as they are kept.
fn both(workspace: &Workspace) -> anyhow::Result<(Pages, Pages)> {
    let made = generate(&workspace.target()?.join("debug/staithe"))?;
    let folder = workspace.root.join(FOLDER);
    let mut kept = read(&folder, &folder)?;
    kept.retain(|path, _| OURS.iter().any(|ours| path.starts_with(ours)));
    Ok((made, kept))
}

fn generate(program: &Path) -> anyhow::Result<Pages> {
    let mut pages = Pages::new();
    for (name, words) in PRINTED {
        pages.insert(name.into(), output(Command::new(program).args(*words))?);
    }
    let scratch = tempfile::tempdir()?;
    output(Command::new(program).arg("man").arg(scratch.path()))?;
    for (name, text) in read(scratch.path(), scratch.path())? {
        pages.insert(Path::new("man").join(name), text);
    }
    Ok(pages)
}

fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("failed to run {command:?}"))?;
    anyhow::ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Every file below a folder.
fn read(root: &Path, folder: &Path) -> anyhow::Result<Pages> {
    let mut pages = Pages::new();
    if !folder.is_dir() {
        return Ok(pages);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            pages.extend(read(root, &path)?);
        } else {
            pages.insert(path.strip_prefix(root)?.to_path_buf(), fs::read(&path)?);
        }
    }
    Ok(pages)
}

/// The paths that are in one only, or differ.
fn differences(made: &Pages, kept: &Pages) -> Vec<PathBuf> {
    let mut paths: Vec<&PathBuf> = made.keys().chain(kept.keys()).collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().filter(|path| made.get(*path) != kept.get(*path)).cloned().collect()
}

fn write(folder: &Path, made: &Pages, kept: &Pages) -> anyhow::Result<()> {
    for path in kept.keys().filter(|path| !made.contains_key(*path)) {
        fs::remove_file(folder.join(path))?;
    }
    for (path, text) in made {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().context("a page lies in a folder")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(list: &[(&str, &str)]) -> Pages {
        list.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn missing_changed_and_left_over_pages_differ() {
        let made = pages(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let kept = pages(&[("a", "1"), ("b", "x"), ("d", "4")]);
        assert_eq!(differences(&made, &kept), ["b", "c", "d"].map(PathBuf::from));
    }

    #[test]
    fn what_is_written_is_read_back_and_what_is_left_over_goes() {
        let folder = tempfile::tempdir().unwrap();
        let old = pages(&[("x/old", "0")]);
        write(folder.path(), &old, &Pages::new()).unwrap();
        let made = pages(&[("a", "1"), ("x/b", "2")]);
        write(folder.path(), &made, &old).unwrap();
        assert_eq!(read(folder.path(), folder.path()).unwrap(), made);
    }
}
