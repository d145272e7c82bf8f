//! What `cargo xtask proof` was asked for.

use super::rows::{self, Row};

/// What is run of each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scope {
    #[default]
    Both,
    /// The tests alone, without their controls.
    Rows,
    /// The controls alone.
    Controls,
}

/// What can be asked about the command itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// What can be asked for.
    Help,
    /// Which rows there are.
    List,
}

/// The words of the command.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// Rows by name; none means all.
    names: Vec<&'static str>,
    pub(super) scope: Scope,
    /// The numbers of the battery's description instead of those for CI.
    pub(super) long: bool,
    /// Write the page.
    pub(super) write: bool,
    /// Run nothing, and say only this.
    pub(super) question: Option<Question>,
}

pub(super) const USE: &str = "cargo xtask proof [ROW…] [--rows | --controls] [--long] [--write] [--list]\n  \
    --rows      the tests alone\n  --controls  only show that each fails without its guarantee\n  \
    --long      the full numbers of the battery (hours)\n  --write     write docs/proof.md\n  \
    --list      which rows there are\n\
    STAITHE_SEED=N cargo xtask proof A01 --rows repeats the random part of a run that has printed N";

impl Arguments {
    pub(super) fn read(words: &[String]) -> anyhow::Result<Self> {
        let mut read = Self::default();
        for word in words {
            match word.as_str() {
                "--rows" => read.limit(Scope::Rows)?,
                "--controls" => read.limit(Scope::Controls)?,
                "--long" => read.long = true,
                "--write" => read.write = true,
                "--list" => read.question = Some(Question::List),
                "--help" | "-h" => read.question = Some(Question::Help),
                other => match rows::all().find(|row| row.id.eq_ignore_ascii_case(other)) {
                    Some(row) => read.names.push(row.id),
                    None => anyhow::bail!("there is no row or flag `{other}`\n{USE}"),
                },
            }
        }
        Ok(read)
    }

    fn limit(&mut self, scope: Scope) -> anyhow::Result<()> {
        anyhow::ensure!(self.scope == Scope::Both, "`--rows` and `--controls` exclude each other");
        self.scope = scope;
        Ok(())
    }

    /// The rows that are asked for, in their order.
    pub(super) fn chosen(&self) -> Vec<&'static Row> {
        let wanted = |row: &&Row| self.names.is_empty() || self.names.contains(&row.id);
        rows::all().filter(wanted).collect()
    }

    /// Whether everything is run: only then may the page be written.
    pub(super) fn is_whole(&self) -> bool {
        self.names.is_empty() && self.scope == Scope::Both
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> anyhow::Result<Arguments> {
        Arguments::read(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_means_everything() {
        let arguments = read(&[]).unwrap();
        assert!(arguments.is_whole());
        assert_eq!(arguments.chosen().len(), rows::all().count());
    }

    #[test]
    fn rows_are_named_and_what_is_none_is_refused() {
        for name in ["B01", "b01"] {
            let chosen: Vec<_> = read(&[name]).unwrap().chosen().iter().map(|row| row.id).collect();
            assert_eq!(chosen, ["B01"]);
        }
        assert_eq!(read(&["--help"]).unwrap().question, Some(Question::Help));
        assert!(read(&["Z99"]).unwrap_err().to_string().contains("Z99"));
        assert!(read(&["--rows", "--controls"]).is_err());
    }
}
