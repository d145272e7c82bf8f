//! The command line, and the two environment variables that stand in for flags.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use config::{DlmDialect, DlmSink};
use model::text::safe;

use super::argparse::{self, Said, Stopped};
use super::flags::{self, Name, Takes};
use crate::environment::Environment;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, and none excludes another")]
pub struct Args {
    /// `--directory-to-watch`, as typed.
    pub directory: OsString,
    /// `--source-name`: the storage that products are registered on.
    pub source: Option<String>,
    /// `--source-root` of 2.0: the root of that storage.
    pub source_root: Option<OsString>,
    /// `--target-name`: the storage that they are copied to.
    pub target: String,
    /// Whether what is there at the start is registered too.
    pub include_existing: bool,
    /// Base URL of the ingest service.
    pub ingest_url: String,
    /// Base URL of the request service.
    pub request_url: String,
    /// Base URL of the storage service.
    pub storage_url: String,
    /// Base URL of the migration service.
    pub migration_url: String,
    /// `--watcher-hostname`; `None`: the system's.
    pub host: Option<String>,
    /// `--readiness-probe-file`; `None`: no such file is wanted.
    pub readiness_file: Option<PathBuf>,
    /// `--use-status-file`.
    pub use_status_file: bool,
    /// `--reload-status-file`.
    pub reload_status_file: bool,
    /// `--status-file-filename`.
    pub status_file_name: OsString,
    /// `--skip-rclone-access-check-on-register`.
    pub skip_access_check: bool,
    /// `--use-polling-watcher`.
    pub polling: bool,
    /// `--dir-updates-wait-time`, where it was given.
    pub wait_time: Option<Duration>,
    /// `--do-not-perform-actual-ingest-and-migration`: nothing is sent.
    pub dry_run: bool,
    /// `--dlm-compat`.
    pub dialect: DlmDialect,
    /// `--dlm-strict`.
    pub strict: bool,
    /// `--register-only`.
    pub register_only: bool,
    /// `--token-file`: its first line goes with each request.
    pub token_file: Option<PathBuf>,
    /// `--ca-file`: whom to trust.
    pub ca_file: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--socket`: the control socket.
    pub socket: Option<PathBuf>,
    /// What was asked for and has no effect, a sentence each.
    pub without_effect: Vec<String>,
}

/// The name of the status file where nobody names one.
pub(super) const STATUS_FILE: &str = ".directory_watcher_status.run";
/// Longer waits are no better than this one.
const LONGEST_WAIT: Duration = Duration::from_hours(365 * 24);

impl Default for Args {
    fn default() -> Self {
        let sink = DlmSink::default();
        Self {
            directory: OsString::new(),
            source: None,
            source_root: None,
            target: sink.target.unwrap_or_default(),
            include_existing: false,
            ingest_url: sink.ingest_url,
            request_url: sink.request_url,
            storage_url: sink.storage_url,
            migration_url: sink.migration_url,
            host: None,
            readiness_file: Some("/tmp/dlm-client-ready".into()),
            use_status_file: false,
            reload_status_file: false,
            status_file_name: STATUS_FILE.into(),
            skip_access_check: false,
            polling: false,
            wait_time: None,
            dry_run: false,
            dialect: DlmDialect::Main,
            strict: false,
            register_only: false,
            token_file: None,
            ca_file: None,
            state_dir: None,
            socket: None,
            without_effect: Vec::new(),
        }
    }
}

/// What a command line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Go on with these.
    Run(Box<Args>),
    /// Print and end.
    Exit {
        /// For standard output.
        stdout: String,
        /// For standard error.
        stderr: String,
        /// The exit status.
        status: u8,
    },
}

/// Reads the arguments behind the program's name.
#[must_use]
pub fn parse(words: &[OsString], environment: &Environment) -> Parsed {
    match read(words, environment) {
        Ok(args) => Parsed::Run(Box::new(args)),
        Err(Stopped::Help) => Parsed::Exit { stdout: flags::help(), stderr: String::new(), status: 0 },
        Err(Stopped::Error(error)) => refused(&error),
    }
}

/// How the program ends when an argument is wrong.
#[must_use]
pub fn refused(error: &str) -> Parsed {
    let stderr = format!("{}dlm-directory-watcher: error: {error}\n", flags::USAGE);
    Parsed::Exit { stdout: String::new(), stderr, status: 2 }
}

fn read(words: &[OsString], environment: &Environment) -> Result<Args, Stopped> {
    let mut reading = Reading::default();
    let dialect = argparse::asked_dialect(words).unwrap_or(DlmDialect::Main);
    let unknown = argparse::read(words, dialect, &mut |said| reading.take(said))?;
    let (args, has_directory) = reading.finish(environment).map_err(Stopped::Error)?;
    if !has_directory {
        let error = "the following arguments are required: -d/--directory-to-watch";
        return Err(Stopped::Error(error.to_owned()));
    }
    // As an unset variable in a script leaves it; there is nothing to wait for.
    if args.directory.is_empty() {
        return Err(Stopped::Error(
            "argument -d/--directory-to-watch: an empty name is no directory".to_owned(),
        ));
    }
    if unknown.is_empty() {
        return Ok(args);
    }
    let unknown: Vec<String> = unknown.iter().map(|word| safe(word.as_bytes())).collect();
    Err(Stopped::Error(format!("unrecognized arguments: {}", unknown.join(" "))))
}

#[derive(Default)]
struct Reading {
    args: Args,
    has_directory: bool,
    /// `--uid-expiration-days` and `--oid-expiration-days`, checked.
    days: [Option<String>; 2],
    dev_test: bool,
}

impl Reading {
    fn take(&mut self, said: &Said) -> Result<(), String> {
        let args = &mut self.args;
        let value = said.value.as_deref().unwrap_or_default();
        let yes = match said.flag.takes {
            Takes::No => false,
            Takes::Truth => said.value.as_ref().is_none_or(|value| !value.is_empty()),
            Takes::Yes | Takes::Value => true,
        };
        let text = || value.to_string_lossy().into_owned();
        let named = || (!value.is_empty()).then(|| value.to_owned());
        match said.flag.name {
            Name::Help => {}
            Name::Directory => {
                value.clone_into(&mut args.directory);
                self.has_directory = true;
            }
            Name::Source => args.source = (!value.is_empty()).then(text),
            Name::SourceRoot => args.source_root = named(),
            Name::Target => args.target = text(),
            Name::TargetRoot => args.without_effect.push(TARGET_ROOT.to_owned()),
            Name::IncludeExisting => args.include_existing = yes,
            Name::Ingest => args.ingest_url = text(),
            Name::Request => args.request_url = text(),
            Name::Storage => args.storage_url = text(),
            Name::Migration => args.migration_url = text(),
            Name::Host => args.host = Some(text()),
            Name::Readiness => args.readiness_file = named().map(PathBuf::from),
            Name::UidDays => self.days[0] = Some(days("uid", value)?),
            Name::OidDays => self.days[1] = Some(days("oid", value)?),
            Name::UseStatusFile => args.use_status_file = yes,
            Name::ReloadStatusFile => args.reload_status_file = yes,
            Name::StatusFileNamed => value.clone_into(&mut args.status_file_name),
            Name::SkipCheck => args.skip_access_check = yes,
            Name::Polling => args.polling = yes,
            Name::WaitTime => args.wait_time = Some(seconds(value)?),
            Name::DevTest => self.dev_test = yes,
            Name::DryRun => args.dry_run = yes,
            Name::Compat => args.dialect = dialect(value)?,
            Name::Strict => args.strict = yes,
            Name::RegisterOnly => args.register_only = yes,
            Name::TokenFile => args.token_file = named().map(PathBuf::from),
            Name::CaFile => args.ca_file = named().map(PathBuf::from),
            Name::StateDir => args.state_dir = named().map(PathBuf::from),
            Name::Socket => args.socket = named().map(PathBuf::from),
        }
        Ok(())
    }

    /// The variables are looked at where the flag is missing, and only then.
    fn finish(mut self, environment: &Environment) -> Result<(Args, bool), String> {
        for (of, found) in ["uid", "oid"].into_iter().zip(&mut self.days) {
            let variable = format!("{}_EXPIRATION_DAYS", of.to_uppercase());
            if let (None, Some(value)) = (&found, environment.get(&variable)) {
                *found = Some(days(of, OsStr::new(value))?);
            }
            if let Some(value) = found {
                self.args.without_effect.push(format!(
                    "{of} expiration of {value} days: not sent, as in the original; the ingest service refuses a \
                     registration that carries one"
                ));
            }
        }
        if self.dev_test && !self.args.dry_run {
            self.args.without_effect.push("--dev-test-mode alone has no effect".to_owned());
        }
        Ok((self.args, self.has_directory))
    }
}

const TARGET_ROOT: &str =
    "--target-root has no effect: the target storage must exist, and the services know its root";

fn dialect(value: &OsStr) -> Result<DlmDialect, String> {
    argparse::dialect_named(value.as_bytes()).ok_or_else(|| {
        let shown = safe(value.as_bytes());
        format!("argument --dlm-compat: invalid choice: '{shown}' (choose from '2.0', '2.1', 'main')")
    })
}

/// What Python's `int` takes: blanks around it, a sign, single underscores between digits.
fn days(of: &str, value: &OsStr) -> Result<String, String> {
    let text = value.to_string_lossy();
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let good =
        digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if good {
        return Ok(trimmed.to_owned());
    }
    Err(format!("argument --{of}-expiration-days: invalid int value: '{}'", safe(value.as_bytes())))
}

/// Whole or not; less than nothing is nothing.
fn seconds(value: &OsStr) -> Result<Duration, String> {
    let text = value.to_string_lossy();
    match text.trim().parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => {
            Ok(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT))
        }
        _ => Err(format!("argument --dir-updates-wait-time: invalid number: '{}'", safe(value.as_bytes()))),
    }
}

#[cfg(test)]
mod tests;
