//! Completions and manual pages, made from the command line's own declaration.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Cli;
use crate::exit::Exit;

pub(crate) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "staithe", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}

pub(crate) fn man(directory: Option<&Path>) -> anyhow::Result<Exit> {
    let command = Cli::command();
    match directory {
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            std::io::stdout().lock().write_all(&page)?;
        }
        Some(directory) => {
            fs::create_dir_all(directory)?;
            clap_mangen::generate_to(command, directory)?;
        }
    }
    Ok(Exit::Done)
}
