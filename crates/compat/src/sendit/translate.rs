//! `init --from sendit FILE`: the plan of a settings module, and what to say about it.

use std::path::Path;

use config::Plan;
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

use super::locate;
use super::plan::{Around, Options, Planned, plan};
use super::python::{ReadError, World};
use super::settings::{Settings, SettingsError};

/// A settings module in native terms.
#[derive(Clone, Debug)]
pub struct Translation {
    /// For `config::to_toml`.
    pub plan: Plan,
    /// What a reader of the result should know, one paragraph each; comments for its head.
    pub comments: Vec<String>,
    /// What is odd in the settings.
    pub warnings: Vec<String>,
}

/// Why settings could not be translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it says cannot be.
    #[error("translate the settings: {0}")]
    Settings(#[from] SettingsError),
}

/// Translates what a module, or a directory of them, says. `path` is absolute.
pub fn translate(path: &Path, world: World<'_>) -> Result<Translation, TranslateError> {
    let names = locate::settings(path, world)?;
    let settings = Settings::of(&names, world.working, None)?;
    let beside = beside(&settings, world.working);
    let around = Around { working: world.working, beside: &beside };
    let Planned { plan, warnings } = plan(&settings, &Options::default(), around)?;
    Ok(Translation { comments: comments(path, &settings), plan, warnings })
}

/// Where files go that the original has no name for: beside the log, or beside the pid file.
#[must_use]
pub fn beside(settings: &Settings, working: &Path) -> std::path::PathBuf {
    let log = settings.log_out.as_deref().or(settings.log_err.as_deref());
    log.unwrap_or(&settings.pid_file).parent().unwrap_or(working).to_owned()
}

fn comments(path: &Path, settings: &Settings) -> Vec<String> {
    let shown = |path: &Path| safe(path.as_os_str().as_bytes());
    let mut comments = vec![
        format!("Translated from {}, with the environment of that moment.", shown(path)),
        format!(
            "As the old watcher ran: staithe run --daemon -c THIS-FILE --pid-file {}{}{}",
            shown(&settings.pid_file),
            settings.log_out.as_deref().map(|log| format!(" --log-out {}", shown(log))).unwrap_or_default(),
            settings.log_err.as_deref().map(|log| format!(" --log-err {}", shown(log))).unwrap_or_default(),
        ),
    ];
    let secret = |url: &str| url.contains('@');
    let broker = match &settings.broker {
        super::broker::Broker::Redis { url, .. } | super::broker::Broker::Amqp { url } => url,
    };
    if secret(broker) || settings.results.as_deref().is_some_and(secret) {
        comments.push(
            "A URL of the settings has a password, which is not printed: write the whole URL into the file that url_file \
             (or results_file) names."
                .to_owned(),
        );
    }
    comments
}
