//! What the benchmark was asked for.

use std::path::PathBuf;

use anyhow::Context as _;

use super::workload::Workload;
use crate::shell;
use crate::workspace::Workspace;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// These workloads, or all.
    Workloads,
    /// Everything that the goals speak of, in one interleaved run.
    Goals,
    /// Data products.
    Products,
    /// Instructions for each file.
    Instructions,
    /// The programs that ours is compared with, installed.
    Peers,
}

/// The words after `cargo xtask bench`.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// What is to be done.
    pub(crate) wanted: Wanted,
    /// What is measured.
    pub(crate) workloads: Vec<Workload>,
    /// Another build of ours that takes its turns with this one, to compare two states of the code.
    pub(crate) beside: Option<PathBuf>,
    /// So many products that are one file each, and no directories.
    pub(crate) only_files: Option<usize>,
    /// Only these programs, by name; empty: all.
    pub(crate) only: Vec<String>,
    /// How often each program runs each workload.
    pub(crate) runs: usize,
    /// Where the trees are made.
    pub(crate) folder: PathBuf,
    /// A folder on a real disk, for journals.
    pub(crate) disk: PathBuf,
    /// Divides the number of files, for a quick look.
    pub(crate) scale: usize,
    /// Our program, built elsewhere; else it is built first.
    pub(crate) ours: Option<PathBuf>,
    /// Raw figures of an earlier run, instead of a run.
    pub(crate) from: Option<PathBuf>,
    /// Whether what was found is written down.
    pub(crate) write: bool,
}

pub(crate) const USAGE: &str = "\
cargo xtask bench [WORKLOAD…]     some workloads, or all, with all programs
cargo xtask bench goals [--write] all that the goals speak of, in one interleaved run; --write: BENCHMARKS.md
cargo xtask bench dlm [--write]   data products  [--beside PROGRAM] [--files N]
cargo xtask bench instructions [--write]   instructions for each file, by callgrind
cargo xtask bench --install-peers          installs what ours is compared with
  --runs N  --only NAME,NAME  --fs FOLDER  --disk FOLDER  --scale N  --ours PROGRAM  --from RAW_FIGURES";

impl Arguments {
    /// Reads the words.
    pub(crate) fn parse(workspace: &Workspace, words: &[&str]) -> anyhow::Result<Self> {
        let disk = workspace.target()?.join("bench");
        let mut arguments = Self::without_words(disk);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value\n{USAGE}"));
            match *word {
                "--runs" => arguments.runs = value()?.parse().context("--runs wants a number")?,
                "--only" => arguments.only = value()?.split(',').map(str::to_owned).collect(),
                "--fs" => arguments.folder = value()?.into(),
                "--disk" => arguments.disk = value()?.into(),
                "--scale" => arguments.scale = value()?.parse().context("--scale wants a number")?,
                "--beside" => arguments.beside = Some(value()?.into()),
                "--files" => arguments.only_files = Some(value()?.parse().context("--files wants a number")?),
                "--ours" => arguments.ours = Some(value()?.into()),
                "--from" => arguments.from = Some(value()?.into()),
                "--write" => arguments.write = true,
                name => arguments.take(name)?,
            }
        }
        arguments.checked()
    }

    fn without_words(disk: PathBuf) -> Self {
        Self {
            wanted: Wanted::Workloads,
            workloads: Vec::new(),
            beside: None,
            only_files: None,
            only: Vec::new(),
            runs: 3,
            folder: "/dev/shm".into(),
            disk,
            scale: 1,
            ours: None,
            from: None,
            write: false,
        }
    }

    fn take(&mut self, name: &str) -> anyhow::Result<()> {
        let wanted = match name {
            "goals" => Wanted::Goals,
            "dlm" => Wanted::Products,
            "instructions" => Wanted::Instructions,
            "--install-peers" => Wanted::Peers,
            _ => {
                let workload = Workload::named(name).with_context(|| {
                    let names: Vec<_> = Workload::ALL.into_iter().map(Workload::name).collect();
                    format!("{name}?\n{USAGE}\nworkloads: {}", names.join(" "))
                })?;
                self.workloads.push(workload);
                return Ok(());
            }
        };
        anyhow::ensure!(self.wanted == Wanted::Workloads, "one thing at a time\n{USAGE}");
        self.wanted = wanted;
        Ok(())
    }

    fn checked(mut self) -> anyhow::Result<Self> {
        let other = self.wanted != Wanted::Workloads && !self.workloads.is_empty();
        anyhow::ensure!(!other, "workloads are measured by themselves\n{USAGE}");
        // No figure stands on the page without all others of the same run.
        let page = self.write && (self.wanted == Wanted::Workloads || !self.only.is_empty());
        anyhow::ensure!(!page, "--write goes with goals, dlm and instructions, and with all programs");
        let small = self.write && self.wanted == Wanted::Goals && self.scale > 1;
        anyhow::ensure!(!small, "figures of a smaller run have no place on the page");
        anyhow::ensure!(self.runs > 0 && self.scale > 0, "--runs and --scale begin at 1");
        if self.workloads.is_empty() {
            self.workloads = Workload::ALL.to_vec();
        }
        Ok(self)
    }

    /// Our program, built as it is shipped.
    pub(crate) fn program(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        if let Some(ours) = &self.ours {
            return Ok(ours.clone());
        }
        let mut build = workspace.cargo();
        build.args(["build", "--release", "--package", "staithe"]);
        anyhow::ensure!(shell::passes(&mut build)?, "our own program does not build");
        Ok(workspace.target()?.join("release/staithe"))
    }

    /// The number of files of a workload.
    pub(crate) fn files(&self, workload: Workload) -> usize {
        // Whether the kernel's queue overflows depends on the number.
        let scale = if workload == Workload::W1Overflow { 1 } else { self.scale };
        (workload.files() / scale).max(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> anyhow::Result<Arguments> {
        Arguments::parse(&Workspace::locate()?, words)
    }

    #[test]
    fn words_are_understood() {
        let arguments = parse(&["w1", "w6", "--runs", "5", "--only", "a,b"]).unwrap();
        assert_eq!(arguments.workloads, [Workload::W1, Workload::W6]);
        assert_eq!((arguments.runs, arguments.write), (5, false));
        assert_eq!(arguments.only, ["a", "b"]);
        let all = parse(&[]).unwrap();
        assert_eq!((all.workloads.as_slice(), all.wanted), (&Workload::ALL[..], Wanted::Workloads));
        let dlm = parse(&["dlm", "--beside", "/b", "--scale", "10"]).unwrap();
        assert_eq!((dlm.wanted, dlm.beside, dlm.scale), (Wanted::Products, Some("/b".into()), 10));
        let goals = parse(&["goals", "--scale", "20"]).unwrap();
        assert_eq!((goals.wanted, goals.write, goals.files(Workload::W1)), (Wanted::Goals, false, 2_500));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let wrong: [&[&str]; 9] = [
            &["w9"],
            &["--runs"],
            &["--runs", "x"],
            &["--runs", "0"],
            &["dlm", "w1"],
            &["dlm", "goals"],
            &["w1", "--write"],
            &["goals", "--only", "x", "--write"],
            &["goals", "--scale", "20", "--write"],
        ];
        for words in wrong {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
