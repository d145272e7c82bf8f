//! Running other programs in the open: what is run is printed first, and its output passes through.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

/// Prints the command line, runs it with our own output streams, and says whether it succeeded.
pub(crate) fn passes(command: &mut Command) -> anyhow::Result<bool> {
    println!("\n$ {}", shown(command));
    let status = command.status().with_context(|| format!("failed to start {}", shown(command)))?;
    Ok(status.success())
}

/// A line each ten seconds from whoever is silent otherwise.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    beats: u64,
}

impl Pulse {
    /// Called often; `word` says what is at work since so long.
    pub(crate) fn beat(&mut self, since: Duration, word: impl FnOnce() -> String) {
        if self.is_due(since) {
            println!("   {} … {} s", word(), self.beats * 10);
        }
    }

    fn is_due(&mut self, since: Duration) -> bool {
        let beats = since.as_secs() / 10;
        std::mem::replace(&mut self.beats, beats) < beats
    }
}

/// Whether a command runs and succeeds, without any output.
pub(crate) fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Where a program lies in `PATH`, or in the folders of system programs that `PATH` of a plain user may lack.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    command.get_args().fold(name, |line, argument| format!("{line} {}", argument.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_beats_once_in_ten_seconds() {
        let mut pulse = Pulse::default();
        let seconds: Vec<u64> = (0..35).filter(|&second| pulse.is_due(Duration::from_secs(second))).collect();
        assert_eq!(seconds, [10, 20, 30]);
    }
}
