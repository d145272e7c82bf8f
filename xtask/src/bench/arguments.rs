//! What the benchmark was asked for.

use std::path::PathBuf;

use anyhow::Context as _;

use super::workload::Workload;

/// The words after `cargo xtask bench`.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// What is measured.
    pub(crate) workloads: Vec<Workload>,
    /// Data products instead.
    pub(crate) dlm: bool,
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
    /// Divides the number of files, for a quick look.
    pub(crate) scale: usize,
    /// Whether `BENCHMARKS.md` is written.
    pub(crate) write: bool,
}

const USAGE: &str =
    "cargo xtask bench [w1|w2|w4a|w4b|w6]…|dlm [--runs N] [--only NAME,NAME] [--fs FOLDER] [--scale N] [--write]
       with dlm: [--beside PROGRAM] [--files N]";

impl Arguments {
    /// Reads the words.
    pub(crate) fn parse(words: &[&str]) -> anyhow::Result<Self> {
        let mut arguments = Self {
            workloads: Vec::new(),
            dlm: false,
            beside: None,
            only_files: None,
            only: Vec::new(),
            runs: 3,
            folder: "/dev/shm".into(),
            scale: 1,
            write: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value\n{USAGE}"));
            match *word {
                "--runs" => arguments.runs = value()?.parse().context("--runs wants a number")?,
                "--only" => arguments.only = value()?.split(',').map(str::to_owned).collect(),
                "--fs" => arguments.folder = value()?.into(),
                "--scale" => arguments.scale = value()?.parse().context("--scale wants a number")?,
                "--beside" => arguments.beside = Some(value()?.into()),
                "--files" => arguments.only_files = Some(value()?.parse().context("--files wants a number")?),
                "dlm" => arguments.dlm = true,
                "--write" => arguments.write = true,
                name => arguments
                    .workloads
                    .push(Workload::named(name).with_context(|| format!("{name}?\n{USAGE}"))?),
            }
        }
        let other = arguments.dlm && !arguments.workloads.is_empty();
        anyhow::ensure!(!other, "dlm is measured alone: its tables have other columns");
        if arguments.workloads.is_empty() {
            arguments.workloads = Workload::ALL.to_vec();
        }
        anyhow::ensure!(arguments.runs > 0 && arguments.scale > 0, "--runs and --scale begin at 1");
        Ok(arguments)
    }

    /// The number of files of a workload.
    pub(crate) fn files(&self, workload: Workload) -> usize {
        (workload.files() / self.scale).max(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood() {
        let arguments = Arguments::parse(&["w1", "w6", "--runs", "5", "--only", "a,b", "--write"]).unwrap();
        assert_eq!(arguments.workloads, [Workload::W1, Workload::W6]);
        assert_eq!((arguments.runs, arguments.write), (5, true));
        assert_eq!(arguments.only, ["a", "b"]);
        let all = Arguments::parse(&[]).unwrap();
        assert_eq!((all.workloads.as_slice(), all.dlm), (&Workload::ALL[..], false));
        let dlm = Arguments::parse(&["dlm", "--beside", "/b", "--scale", "10"]).unwrap();
        assert_eq!((dlm.dlm, dlm.beside, dlm.scale), (true, Some("/b".into()), 10));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for words in [&["w9"][..], &["--runs"], &["--runs", "x"], &["--runs", "0"], &["dlm", "w1"]] {
            assert!(Arguments::parse(words).is_err(), "{words:?}");
        }
    }
}
