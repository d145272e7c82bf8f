//! `staithe init`: a configuration to start from, or an old one translated.

use std::io::Write as _;
use std::path::Path;

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
        (Some(_), _) => {
            return Err(failure(
                Exit::Usage,
                "this version translates directory-observer only; the other programs are not built yet",
            ));
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

fn from_directory_observer(file: &Path) -> anyhow::Result<String> {
    let translation = translate(file, &Environment::of_process())
        .map_err(|error| failure(Exit::Usage, format!("failed to {error}")))?;
    for warning in &translation.warnings {
        log::warning(warning);
    }
    let comments: Vec<String> = translation.comments.iter().map(|comment| format!("# {comment}")).collect();
    Ok(format!("{}\n\n{}", comments.join("\n"), config::to_toml(&translation.plan)))
}
