//! Which settings a command is about, and what they become.

use std::path::{Component, Path, PathBuf};

use compat::Environment;
use compat::sendit::voice::Kind;
use compat::sendit::{
    Around, Named, Options, Planned, Settings, SettingsError, World, locate, plan, translate, usual,
};
use config::Plan;
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

use super::talk::Talk;
use crate::args::{SenditPlace, SenditStart};
use crate::daemon::{self, Files};
use crate::exit::{Exit, failure};
use crate::places;

/// The settings that are meant, and where their daemon is.
pub(super) struct Place {
    pub(super) named: Named,
    pub(super) state_dir: PathBuf,
    working: PathBuf,
    pid_file: Option<PathBuf>,
}

impl Place {
    pub(super) fn of(args: &SenditPlace, state_dir: Option<&Path>) -> anyhow::Result<Self> {
        let working = std::env::current_dir()?;
        let module = std::env::var("DJANGO_SETTINGS_MODULE").ok();
        let config = args.config.clone().unwrap_or_else(|| usual(&working, module.as_deref()));
        let config = working.join(config);
        if !config.exists() {
            let text = format!(
                "{} does not exist. Fix: name the settings with -c, a Django module or a TOML file",
                config.display()
            );
            return Err(failure(Exit::Failed, text));
        }
        let state_dir = self::state_dir(&config, state_dir);
        let pid_file = args.pid_file.as_ref().map(|file| working.join(file));
        Ok(Self { named: Named::of(config), state_dir, working, pid_file })
    }

    /// Where the pid file is, whatever else is wrong with the settings.
    pub(super) fn pid_file(&self) -> anyhow::Result<daemon::Place> {
        let path = match (&self.pid_file, &self.named) {
            (Some(path), _) => path.clone(),
            (None, Named::Native(_)) => self.state_dir.join("watcher.pid"),
            (None, Named::Settings(path)) => {
                let names = self.names(path)?;
                Settings::pid_file(&names, &self.working).map_err(|error| told(&error))?
            }
        };
        Ok(daemon::Place::or_temporary(path))
    }

    fn names(&self, path: &Path) -> anyhow::Result<compat::sendit::python::Names> {
        let environment = Environment::of_process();
        let world = World { environment: &environment, working: &self.working };
        locate::settings(path, world).map_err(|error| failure(Exit::Failed, format!("failed to {error}")))
    }
}

/// Where what is known of folders lies. `config` is absolute.
pub(super) fn state_dir(config: &Path, given: Option<&Path>) -> PathBuf {
    let state_dir = places::compat_state_dir(given, "sendit", &identity(config));
    std::path::absolute(&state_dir).unwrap_or(state_dir)
}

/// The same for every way to write a path: what is known of folders lies in a directory that is named by it. Links stay
/// what they are, for a project may be reached by one that leads elsewhere after each update.
fn identity(config: &Path) -> PathBuf {
    let mut identity = PathBuf::new();
    for part in config.components() {
        match part {
            Component::ParentDir => drop(identity.pop()),
            part => identity.push(part),
        }
    }
    // A package is its directory.
    if identity.ends_with("__init__.py") {
        identity.pop();
    }
    identity
}

/// In the original's words, as Django shows them.
fn told(error: &SettingsError) -> anyhow::Error {
    failure(Exit::Failed, format!("CommandError: {error}"))
}

/// Everything that a start needs.
pub(super) struct Prepared {
    pub(super) place: Place,
    pub(super) plan: Plan,
    pub(super) files: Files,
    pub(super) options: Options,
    warnings: Vec<String>,
    /// Path and processor of each watch.
    watches: Vec<(PathBuf, String)>,
}

impl Prepared {
    pub(super) fn of(place: Place, args: &SenditStart) -> anyhow::Result<Self> {
        let pid_file = place.pid_file()?;
        let mut prepared = match &place.named {
            Named::Native(path) => Self::native(&path.clone(), place, pid_file, args)?,
            Named::Settings(path) => Self::settings(&path.clone(), place, pid_file, args)?,
        };
        let log = |given: &Option<PathBuf>, usual: Option<daemon::Place>| {
            let given = given.as_ref().map(|file| prepared.place.working.join(file));
            given.map(daemon::Place::or_temporary).or(usual)
        };
        let log_out = log(&args.log_out, prepared.files.log_out.clone());
        let log_err = log(&args.log_err, prepared.files.log_err.clone());
        prepared.files.log_out = log_out;
        prepared.files.log_err = log_err;
        prepared.loops()?;
        Ok(prepared)
    }

    /// A log in a directory whose events it tells would be its own news for ever, however the two are written.
    fn loops(&self) -> anyhow::Result<()> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let told_of = self.plan.sources.iter().filter(|source| !source.streams.is_empty());
        let dirs: Vec<PathBuf> = told_of.map(|source| real(&source.path)).collect();
        let logs = [&self.files.log_out, &self.files.log_err].into_iter().flatten();
        let within = |log: &&daemon::Place| log.path.parent().is_some_and(|dir| dirs.contains(&real(dir)));
        match logs.into_iter().find(within) {
            Some(log) if matches!(self.place.named, Named::Settings(_)) => {
                Err(told(&SettingsError::Loop(safe(log.path.as_os_str().as_bytes()))))
            }
            _ => Ok(()),
        }
    }

    fn settings(
        path: &Path,
        place: Place,
        pid_file: daemon::Place,
        args: &SenditStart,
    ) -> anyhow::Result<Self> {
        let names = place.names(path)?;
        let can_be_watched = |path: &Path| std::fs::read_dir(path).is_ok();
        let settings =
            Settings::of(&names, &place.working, Some(&can_be_watched)).map_err(|error| told(&error))?;
        let options = options(args);
        let beside = translate::beside(&settings, &place.working);
        let around = Around { working: &place.working, beside: &beside };
        let Planned { plan, warnings } = plan(&settings, &options, around).map_err(|error| told(&error))?;
        let watches = settings.watches.iter();
        let watches = watches.map(|watch| (watch.path.clone(), watch.processor.class())).collect();
        let log = |file: Option<PathBuf>| file.map(daemon::Place::or_temporary);
        let files = Files { pid_file, log_out: log(settings.log_out), log_err: log(settings.log_err) };
        Ok(Self { place, plan, files, options, warnings, watches })
    }

    /// A native configuration is run as it is.
    fn native(
        path: &Path,
        place: Place,
        pid_file: daemon::Place,
        args: &SenditStart,
    ) -> anyhow::Result<Self> {
        let loaded = crate::commands::run::load(path).map_err(|text| failure(Exit::Usage, text))?;
        let log = |name: &str| Some(daemon::Place::or_temporary(place.state_dir.join(name)));
        let files = Files { pid_file, log_out: log("watcher.out"), log_err: log("watcher.err") };
        let mut warnings: Vec<String> =
            loaded.warnings.iter().map(|warning| warning.render(false).trim_end().to_owned()).collect();
        let options = options(args);
        let same = Options { dry_run: options.dry_run, ..Options::default() };
        if options != same {
            warnings.push(
                "--quiet, --strict, --existing, --task, --broker and --queue are about Django settings; a native \
                 configuration says these things itself"
                    .to_owned(),
            );
        }
        let watches = loaded.plan.sources.iter();
        let watches =
            watches.map(|source| (source.path.clone(), format!("source {}", source.name))).collect();
        Ok(Self { place, plan: loaded.plan, files, options, warnings, watches })
    }

    /// What the old watcher says before it goes into the background.
    pub(super) fn introduce(&self, talk: &Talk) {
        for warning in &self.warnings {
            talk.say(Kind::Warning, warning);
        }
        for (path, class) in &self.watches {
            talk.say(Kind::Debug, &format!("Adding watch on {}, processed by {class}", path.display()));
        }
    }

    /// Where the pid file will be. The log of the daemon has no such lines.
    pub(super) fn name_pid_file(&self, talk: &Talk) {
        talk.say(Kind::Info, &format!("pid file set to {}", self.files.pid_file.path.display()));
    }
}

fn options(args: &SenditStart) -> Options {
    Options {
        quiet: args.quiet,
        strict: args.strict,
        existing: args.existing,
        dry_run: args.dry_run,
        task: args.task.clone(),
        broker: args.broker.clone(),
        queue: args.queue.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_the_same_however_their_path_is_written() {
        for path in ["/p/sub/../s/watcher.py", "/p/./s//watcher.py", "/../p/s/watcher.py"] {
            assert_eq!(identity(Path::new(path)), Path::new("/p/s/watcher.py"), "{path}");
        }
        assert_eq!(identity(Path::new("/p/s/__init__.py")), identity(Path::new("/p/s/")));
    }
}
