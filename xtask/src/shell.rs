//! Running other programs in the open: what is run is printed first, and its output passes through.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

/// Prints the command line, runs it with our own output streams, and says whether it succeeded.
pub(crate) fn passes(command: &mut Command) -> anyhow::Result<bool> {
    println!("\n$ {}", shown(command));
    let status = command.status().with_context(|| format!("failed to start {}", shown(command)))?;
    Ok(status.success())
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
