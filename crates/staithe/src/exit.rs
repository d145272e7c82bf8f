//! Exit codes: part of the contract.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Used or configured wrongly.
    Usage,
    /// The daemon is not reachable.
    NoDaemon,
    /// Nothing was found.
    Nothing,
    /// Something needs an eye.
    Degraded,
    /// A drop-in's own code.
    Other(u8),
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NoDaemon => 3,
            Exit::Nothing => 4,
            Exit::Degraded => 5,
            Exit::Other(code) => code,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Exit::Done,
            1 => Exit::Failed,
            2 => Exit::Usage,
            3 => Exit::NoDaemon,
            4 => Exit::Nothing,
            5 => Exit::Degraded,
            other => Exit::Other(other),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// An error with the exit code that it ends the program with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) text: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// An error that ends the program with `exit`.
pub(crate) fn failure(exit: Exit, text: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Failure { exit, text: text.into() })
}

/// Prints an error for a person and gives the exit code. A reader that went away is no error.
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    let broken_pipe = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if broken_pipe {
        return Exit::Done;
    }
    crate::log::error(&text(error));
    error.downcast_ref::<Failure>().map_or(Exit::Failed, |failure| failure.exit)
}

/// What is said of an error.
pub(crate) fn text(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.text.clone(),
        None => format!("failed to {}", sentence(error)),
    }
}

/// An error with its causes. Some name theirs in their own words; those are not said again.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}
