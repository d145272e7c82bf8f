//! Each command is one module; this one only chooses.

mod check;
mod compat;
mod consume;
mod contents;
mod dead;
mod dlm_watcher;
mod doctor;
mod explain;
mod init;
mod iobserver;
mod ls;
mod mirror;
mod notify;
mod pages;
mod quiet;
mod rules;
mod run;
mod sendit;
mod simple;
mod status;
mod stop;
mod store;
mod tail;
mod turning;
mod watch;

use std::ffi::OsString;

use clap::Parser as _;

use crate::args::{Cli, Command, CompatCommand};
use crate::exit::Exit;

/// Runs what the command line asks for.
pub(crate) fn dispatch(words: &[OsString]) -> anyhow::Result<Exit> {
    let words = crate::names::as_called(words);
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            error.print()?;
            return Ok(exit);
        }
    };
    match cli.command {
        Command::Watch(args) => watch::run(&args),
        Command::Quiet(args) => quiet::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Stop(args) => stop::stop(&args),
        Command::Restart(args) => stop::restart(&args),
        Command::Check(args) => check::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Ls(args) => ls::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Notify(args) => notify::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::Consume(args) => consume::run(&args),
        Command::Ack(args) => consume::ack(&args),
        Command::Dead(args) => dead::run(&args),
        Command::Rescan(args) => simple::rescan(&args),
        Command::Reload(client) => simple::reload(&client),
        Command::Pause(args) => simple::switch(&args, "pause"),
        Command::Resume(args) => simple::switch(&args, "resume"),
        Command::Doctor(args) => doctor::run(&args),
        Command::Mirror(args) => mirror::run(&args),
        Command::Store(args) => store::run(&args),
        Command::Compat(CompatCommand::DirectoryObserver { words }) => compat::directory_observer(words),
        Command::Compat(CompatCommand::DlmWatcher { words }) => dlm_watcher::run(&words),
        Command::Compat(CompatCommand::Iobserver(args)) => iobserver::run(&args),
        Command::Compat(CompatCommand::Sendit(command)) => sendit::run(&command),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { directory } => pages::man(directory.as_deref()),
    }
}
