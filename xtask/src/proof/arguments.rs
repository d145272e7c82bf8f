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

/// The words of the command.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// Rows by name; none means all.
    names: Vec<String>,
    pub(super) scope: Scope,
    /// The numbers of the battery's description instead of those for CI.
    pub(super) long: bool,
    /// Write the page.
    pub(super) write: bool,
    /// Only say which rows there are.
    pub(super) list: bool,
}

const USE: &str = "cargo xtask proof [ROW…] [--rows | --controls] [--long] [--write] [--list]\n  \
    --rows      the tests alone\n  --controls  only show that each fails without its guarantee\n  \
    --long      the full numbers of the battery (hours)\n  --write     write docs/proof.md\n  \
    --list      which rows there are";

impl Arguments {
    pub(super) fn read(words: &[String]) -> anyhow::Result<Self> {
        let mut read = Self::default();
        for word in words {
            match word.as_str() {
                "--rows" => read.limit(Scope::Rows)?,
                "--controls" => read.limit(Scope::Controls)?,
                "--long" => read.long = true,
                "--write" => read.write = true,
                "--list" => read.list = true,
                name if rows::all().any(|row| row.id == name) => read.names.push(name.to_owned()),
                other => anyhow::bail!("there is no row or flag `{other}`\n{USE}"),
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
        let wanted = |row: &&Row| self.names.is_empty() || self.names.iter().any(|name| name == row.id);
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
        assert_eq!(read(&["B01"]).unwrap().chosen().len(), 1);
        assert!(read(&["Z99"]).unwrap_err().to_string().contains("Z99"));
        assert!(read(&["--rows", "--controls"]).is_err());
    }
}
