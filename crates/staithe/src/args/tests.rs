//! The help can be followed: its examples are commands that there are.

use clap::CommandFactory as _;

use super::*;

/// Every command with its subcommands, and the words that call it.
fn commands() -> Vec<(String, clap::Command)> {
    let mut left = vec![(String::new(), Cli::command())];
    let mut all = Vec::new();
    while let Some((called, command)) = left.pop() {
        for below in command.get_subcommands() {
            left.push((format!("{called} {}", below.get_name()), below.clone()));
        }
        all.push((called, command));
    }
    all
}

/// The words of each `staithe …` in the examples, without what a shell or a reader gets.
fn examples(help: &str) -> Vec<Vec<String>> {
    let lines = help.split("Examples:\n").skip(1).flat_map(str::lines);
    let lines = lines.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  "));
    let commands = lines.flat_map(|line| {
        let typed = line.trim_start().split("  ").next().unwrap_or_default();
        typed.split(" | ").flat_map(|part| part.split(" && ")).flat_map(|part| part.split(" || "))
    });
    let own = commands.map(str::trim).filter_map(|command| {
        let command = command.strip_prefix("sudo -u staithe ").unwrap_or(command);
        let command = command.strip_prefix("ssh fileserver ").unwrap_or(command);
        command.starts_with("staithe ").then_some(command)
    });
    own.map(|command| {
        let words = command.split_whitespace().take_while(|word| *word != ">");
        words.map(|word| word.trim_matches('\'').to_owned()).collect()
    })
    .collect()
}

#[test]
fn every_example_is_a_command_line() {
    let mut seen = 0;
    for (called, command) in commands() {
        let Some(help) = command.get_after_help() else { continue };
        for words in examples(&help.to_string()) {
            seen += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("in the help of `staithe{called}`: {words:?}: {error}");
            }
            let bare = words.get(1).is_some_and(|word| word == "rules") && words.len() > 2;
            let named = words.iter().any(|word| word == "-c");
            assert!(!bare || named, "without a configuration there are no rules to ask: {words:?}");
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn every_daily_command_has_examples() {
    let without = ["compat", "completions", "man"];
    for command in Cli::command().get_subcommands().filter(|command| !without.contains(&command.get_name())) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(!examples(&help).is_empty(), "{} has no example", command.get_name());
    }
}

#[test]
fn the_states_that_can_be_listed_are_named() {
    let command = Cli::command();
    let ls = command.find_subcommand("ls").expect("there is ls");
    let help = ls.get_after_help().map(ToString::to_string).unwrap_or_default();
    // A unit is seen only in the counts, and nothing is recorded as superseded.
    let listed = model::State::ALL
        .into_iter()
        .filter(|state| !matches!(state, model::State::Seen | model::State::Superseded));
    for state in listed {
        assert!(help.contains(state.name()), "{state} is not in:\n{help}");
    }
}
