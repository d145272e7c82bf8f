//! What a settings module says about the watcher, and what is wrong with it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use model::text::safe;

use super::broker::{self, Broker};
use super::processor::Processor;
use super::python::{Names, Unknown, Value};

/// The name of the list of watches.
const WATCH_PATHS: &str = "INOTIFIER_WATCH_PATHS";
/// What to do about a value that is not known.
const FIX: &str =
    "Fix: write the value out, or translate the rest (staithe init --from sendit) and go on with TOML";

/// The settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is watched, in order.
    pub watches: Vec<Watch>,
    /// The log of standard output; `None`: nowhere.
    pub log_out: Option<PathBuf>,
    /// The log of standard error; `None`: nowhere.
    pub log_err: Option<PathBuf>,
    /// Where the pid file is.
    pub pid_file: PathBuf,
    /// Where tasks go.
    pub broker: Broker,
    /// Which queue they go to.
    pub queue: String,
    /// Where workers write results, if that is known here.
    pub results: Option<String>,
    /// What is odd, a sentence each.
    pub warnings: Vec<String>,
}

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The directory, as it is written.
    pub path: PathBuf,
    /// Which events.
    pub mask: u32,
    /// Who is told.
    pub processor: Processor,
}

/// Why there is nothing to start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Nothing is watched.
    #[error("Missing/empty settings/watcher.py INOTIFY_WATCH_PATHS")]
    Nothing,
    /// An entry is not what one is.
    #[error(
        "setting INOTIFIER_WATCH_PATHS should be an iterable of 3-tuples of the form [ (\"/path1/\", <pyinotify event \
         mask>, <processor cls>), ]: {0}"
    )]
    Shape(String),
    /// A processor that there is not.
    #[error("Cannot import event processor module: {module}: {why}")]
    Processor {
        /// The name before its last dot.
        module: String,
        /// What that means here.
        why: String,
    },
    /// A directory that is not there.
    #[error("{0} does not exist or you have insufficient permission")]
    Path(String),
    /// A setting whose value is not known.
    #[error("{setting} is not known: {}: {}. {FIX}", .unknown.place, .unknown.why)]
    Unknown {
        /// Its name.
        setting: String,
        /// Where and why.
        unknown: Unknown,
    },
    /// A setting that is something else.
    #[error("{0} is {1}, which is not what it should be. {FIX}")]
    Kind(String, String),
    /// Something that is written by the watcher lies in what it watches.
    #[error(
        "{0} lies in a watched directory: each line would be an event that makes the next line. Fix: name a file elsewhere"
    )]
    Loop(String),
    /// A broker that nothing here talks to.
    #[error("{0}")]
    Broker(String),
}

impl Settings {
    /// What the names say. `exists` tells whether a directory can be watched; where it is not asked, nothing is said.
    pub fn of(
        names: &Names,
        working: &Path,
        exists: Option<&dyn Fn(&Path) -> bool>,
    ) -> Result<Self, SettingsError> {
        let mut warnings: Vec<String> =
            names.warnings.iter().map(|(place, text)| format!("{place}: {text}")).collect();
        let watches = watches(names, working, exists)?;
        let queue = text(names, &["CELERY_DEFAULT_QUEUE", "CELERY_TASK_DEFAULT_QUEUE"])?;
        let (name, url) = first(names, &["BROKER_URL", "CELERY_BROKER_URL"])
            .map_or(("BROKER_URL", None), |(name, value)| (name, Some(value)));
        let url = url.map(|value| as_text(name, value)).transpose()?;
        let broker = Broker::of(url.as_deref().unwrap_or(broker::USUAL), &prefix(names, &mut warnings)?)
            .map_err(|why| SettingsError::Broker(format!("{name}: {why}")))?;
        let pid_file = Self::pid_file(names, working)?;
        routes(names, &mut warnings);
        Ok(Self {
            log_out: path(names, "INOTIFIER_DAEMON_STDOUT", working)?,
            log_err: path(names, "INOTIFIER_DAEMON_STDERR", working)?,
            pid_file,
            results: results(names, &mut warnings),
            watches,
            broker,
            queue: queue.unwrap_or_else(|| QUEUE.to_owned()),
            warnings,
        })
    }
}

impl Settings {
    /// Where the pid file is, whatever else the settings say.
    pub fn pid_file(names: &Names, working: &Path) -> Result<PathBuf, SettingsError> {
        Ok(path(names, "BASE_DIR", working)?.unwrap_or_else(std::env::temp_dir).join("watcher.pid"))
    }
}

/// The queue where nothing is said.
pub const QUEUE: &str = "default";

fn watches(
    names: &Names,
    working: &Path,
    exists: Option<&dyn Fn(&Path) -> bool>,
) -> Result<Vec<Watch>, SettingsError> {
    let value = known(WATCH_PATHS, names.get(WATCH_PATHS).unwrap_or(&Value::None))?;
    if matches!(value, Value::None) {
        return Err(SettingsError::Nothing);
    }
    let entries = value.items().ok_or_else(|| SettingsError::Shape(format!("it is {}", value.shown())))?;
    if entries.is_empty() {
        return Err(SettingsError::Nothing);
    }
    let parts: Result<Vec<&[Value]>, SettingsError> = entries.iter().enumerate().map(three).collect();
    parts?.into_iter().enumerate().map(|(number, parts)| watch(number + 1, parts, working, exists)).collect()
}

fn three((number, entry): (usize, &Value)) -> Result<&[Value], SettingsError> {
    let entry = known(WATCH_PATHS, entry)?;
    match entry.items() {
        Some(parts) if parts.len() == 3 => Ok(parts),
        Some(parts) => Err(SettingsError::Shape(format!("entry {} has {} items", number + 1, parts.len()))),
        None => Err(SettingsError::Shape(format!("entry {} is {}", number + 1, entry.shown()))),
    }
}

fn watch(
    number: usize,
    parts: &[Value],
    working: &Path,
    exists: Option<&dyn Fn(&Path) -> bool>,
) -> Result<Watch, SettingsError> {
    let path = known(WATCH_PATHS, &parts[0])?;
    let Some(path) = path.as_path().filter(|path| !path.is_empty() && !path.contains(&0)) else {
        return Err(SettingsError::Shape(format!("the path of entry {number} is {}", path.shown())));
    };
    let path = PathBuf::from(OsStr::from_bytes(path));
    if exists.is_some_and(|exists| !exists(&working.join(&path))) {
        return Err(SettingsError::Path(safe(path.as_os_str().as_bytes())));
    }
    let mask = match known(WATCH_PATHS, &parts[1])? {
        Value::Integer(mask) => u32::try_from(*mask).ok(),
        _ => None,
    };
    let Some(mask) = mask else {
        let text = format!("the mask of entry {number} is {}", parts[1].shown());
        return Err(SettingsError::Shape(text));
    };
    let class = match known(WATCH_PATHS, &parts[2])? {
        Value::Text(class) => String::from_utf8_lossy(class).into_owned(),
        // The class itself, imported.
        Value::Named(class) => class.clone(),
        other => {
            let text = format!("the processor of entry {number} is {}", other.shown());
            return Err(SettingsError::Shape(text));
        }
    };
    let processor = Processor::of_class(&class)?;
    Ok(Watch { path, mask, processor })
}

fn known<'a>(setting: &str, value: &'a Value) -> Result<&'a Value, SettingsError> {
    match value {
        Value::Unknown(unknown) => {
            Err(SettingsError::Unknown { setting: setting.to_owned(), unknown: (**unknown).clone() })
        }
        value => Ok(value),
    }
}

/// The first of several names that is said, and not as `None`.
fn first<'a>(names: &'a Names, of: &[&'static str]) -> Option<(&'static str, &'a Value)> {
    let said = |name: &&'static str| Some((*name, names.get(name)?));
    of.iter().filter_map(said).find(|(_, value)| !matches!(value, Value::None))
}

fn as_text(name: &str, value: &Value) -> Result<String, SettingsError> {
    match known(name, value)? {
        Value::Text(text) if !text.is_empty() => {
            let text = String::from_utf8(text.clone());
            text.map_err(|_| SettingsError::Kind(name.to_owned(), "not UTF-8".to_owned()))
        }
        // A password may stand in it.
        Value::Text(_) => Err(SettingsError::Kind(name.to_owned(), "empty".to_owned())),
        other => Err(SettingsError::Kind(name.to_owned(), other.shown())),
    }
}

fn text(names: &Names, of: &[&'static str]) -> Result<Option<String>, SettingsError> {
    first(names, of).map(|(name, value)| as_text(name, value)).transpose()
}

fn path(names: &Names, name: &'static str, working: &Path) -> Result<Option<PathBuf>, SettingsError> {
    let Some((_, value)) = first(names, &[name]) else { return Ok(None) };
    match known(name, value)?.as_path() {
        Some(path) if !path.is_empty() && !path.contains(&0) => {
            Ok(Some(working.join(OsStr::from_bytes(path))))
        }
        _ => Err(SettingsError::Kind(name.to_owned(), value.shown())),
    }
}

/// What the workers' `global_keyprefix` is. With another than theirs, no worker would see a task.
fn prefix(names: &Names, warnings: &mut Vec<String>) -> Result<String, SettingsError> {
    let options = first(names, &["BROKER_TRANSPORT_OPTIONS", "CELERY_BROKER_TRANSPORT_OPTIONS"]);
    let Some((name, options)) = options else { return Ok(String::new()) };
    if let Value::Unknown(unknown) = options {
        let (place, why) = (&unknown.place, &unknown.why);
        warnings.push(format!(
            "{place}: {name} is not known, so nothing is put in front of the keys: {why}. If the workers have a \
             global_keyprefix, write it out, or go on with TOML (staithe init --from sendit, key_prefix)"
        ));
    }
    match options.entry("global_keyprefix") {
        None | Some(Value::None) => Ok(String::new()),
        Some(Value::Text(prefix)) if prefix.is_empty() => Ok(String::new()),
        Some(prefix) => as_text(&format!("global_keyprefix in {name}"), prefix),
    }
}

/// What may send the workers' tasks elsewhere and is not looked at.
fn routes(names: &Names, warnings: &mut Vec<String>) {
    let routes = first(names, &["CELERY_ROUTES", "CELERY_TASK_ROUTES"]);
    if let Some((name, _)) = routes.filter(|(_, value)| value.truth() != Some(false)) {
        warnings.push(format!(
            "{name} is not looked at: tasks go to the default queue. Fix: if it sends {} elsewhere, name that with --queue",
            super::plan::TASK
        ));
    }
}

/// Results are looked at where that is possible; nobody is held up because it is not.
fn results(names: &Names, warnings: &mut Vec<String>) -> Option<String> {
    let (name, value) = first(names, &["CELERY_RESULT_BACKEND"])?;
    let text = match value {
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Unknown(unknown) => {
            warnings.push(format!(
                "{}: {name} is not known, so results are not shown: {}",
                unknown.place, unknown.why
            ));
            return None;
        }
        _ => return None,
    };
    match Broker::of(&text, "") {
        Ok(Broker::Redis { url, .. }) => Some(url),
        // A database or a cache: nothing here reads it.
        _ => None,
    }
}
