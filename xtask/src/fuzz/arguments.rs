//! What was asked for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};

pub(super) const USAGE: &str = "cargo xtask fuzz [--seconds N] [TARGET…], or cargo xtask fuzz --replay TARGET FILE\n  \
    --seconds N  so long for all targets together, 60 without it\n  \
    --replay     only feeds that file to that target";

/// All targets together take so long in CI.
const SECONDS: u64 = 60;

/// What is to be done, and how long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    /// For all targets together.
    pub(super) seconds: Duration,
    pub(super) wish: Wish,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Says what can be asked for.
    Help,
    Run(Vec<String>),
    /// Feeds one file that was found before.
    Replay {
        target: String,
        file: PathBuf,
    },
}

impl Arguments {
    pub(super) fn parse(words: &[String], known: &[String]) -> anyhow::Result<Self> {
        let mut seconds = SECONDS;
        let mut targets = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seconds" => {
                    let number = words.next().and_then(|word| word.parse().ok());
                    seconds = number.filter(|seconds| *seconds > 0).context(USAGE)?;
                }
                "--replay" => {
                    let (Some(target), Some(file), None) = (words.next(), words.next(), words.next()) else {
                        bail!(USAGE)
                    };
                    let wish = Wish::Replay { target: one_of(known, target)?, file: file.into() };
                    return Ok(Self { seconds: Duration::from_secs(seconds), wish });
                }
                "--help" | "-h" => return Ok(Self { seconds: Duration::ZERO, wish: Wish::Help }),
                target => targets.push(one_of(known, target)?),
            }
        }
        if targets.is_empty() {
            targets = known.to_vec();
        }
        Ok(Self { seconds: Duration::from_secs(seconds), wish: Wish::Run(targets) })
    }
}

fn one_of(known: &[String], word: &str) -> anyhow::Result<String> {
    if known.iter().any(|target| target == word) {
        return Ok(word.to_owned());
    }
    bail!("there is no target {word:?}; there are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Arguments> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words, &["ini".to_owned(), "toml".to_owned()])
    }

    #[test]
    fn without_words_it_is_everything_for_a_minute() {
        let all = parse("").unwrap();
        assert_eq!(all.seconds, Duration::from_mins(1));
        assert_eq!(all.wish, Wish::Run(vec!["ini".into(), "toml".into()]));
    }

    #[test]
    fn a_time_and_some_targets_can_be_given() {
        let some = parse("toml --seconds 600").unwrap();
        assert_eq!(some.seconds, Duration::from_mins(10));
        assert_eq!(some.wish, Wish::Run(vec!["toml".into()]));
        let one = parse("--replay ini found/x").unwrap().wish;
        assert_eq!(one, Wish::Replay { target: "ini".into(), file: "found/x".into() });
        assert_eq!(parse("--help").unwrap().wish, Wish::Help);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["tml", "--seconds", "--seconds 0", "--replay ini", "--replay ini a b", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
