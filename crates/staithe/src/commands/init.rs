//! `staithe init`: a configuration to start from, or an old one translated.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use compat::directory_observer::{Environment, translate};

use crate::args::{InitArgs, OldProgram};
use crate::exit::{Exit, failure};
use crate::log;

pub(crate) fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    let text = match (args.from, args.old.first()) {
        (None, _) => config::starter(),
        (Some(OldProgram::DirectoryObserver), Some(file)) => from_directory_observer(file)?,
        (Some(OldProgram::DirectoryObserver), None) => {
            return Err(failure(Exit::Usage, "say which file: staithe init --from directory-observer FILE"));
        }
        (Some(OldProgram::DlmWatcher), _) => from_dlm_watcher(&args.old)?,
        (Some(OldProgram::Iobserver), Some(file)) => {
            let translation = super::iobserver::translated(file)?;
            page(&translation.warnings, &translation.comments, &translation.plan)
        }
        (Some(OldProgram::Iobserver), None) => {
            return Err(failure(Exit::Usage, "say which file: staithe init --from iobserver FILE"));
        }
        (Some(OldProgram::Sendit), Some(file)) => {
            let translation = super::sendit::translated(file)?;
            page(&translation.warnings, &translation.comments, &translation.plan)
        }
        (Some(OldProgram::Sendit), None) => {
            return Err(failure(Exit::Usage, "say which settings: staithe init --from sendit FILE|DIR"));
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

fn from_directory_observer(file: &Path) -> anyhow::Result<String> {
    let translation = translate(file, &Environment::of_process())
        .map_err(|error| failure(Exit::Usage, format!("failed to {error}")))?;
    Ok(page(&translation.warnings, &translation.comments, &translation.plan))
}

fn from_dlm_watcher(words: &[PathBuf]) -> anyhow::Result<String> {
    let words: Vec<_> = words.iter().map(|word| word.as_os_str().to_owned()).collect();
    let translation = super::dlm_watcher::translated(&words)?;
    Ok(page(&translation.warnings, &translation.comments, &translation.plan))
}

/// The configuration with what to know about it at its head; what is odd goes to standard error.
fn page(warnings: &[String], comments: &[String], plan: &config::Plan) -> String {
    for warning in warnings {
        log::warning(warning);
    }
    let comments: Vec<String> = comments.iter().map(|comment| format!("# {comment}")).collect();
    format!("{}\n\n{}", comments.join("\n"), config::to_toml(plan))
}
