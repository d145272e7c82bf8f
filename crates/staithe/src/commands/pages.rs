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
    let mut command = Cli::command();
    command.build();
    match directory {
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            std::io::stdout().lock().write_all(&page)?;
        }
        Some(directory) => {
            fs::create_dir_all(directory)?;
            write_pages(directory, &command, "staithe")?;
        }
    }
    Ok(Exit::Done)
}

fn write_pages(directory: &Path, command: &clap::Command, name: &str) -> anyhow::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone().name(name.to_owned())).render(&mut page)?;
    fs::write(directory.join(format!("{name}.1")), page)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        write_pages(directory, below, &format!("{name}-{}", below.get_name()))?;
    }
    Ok(())
}
