//! From the command line to the plan that the engine runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{
    Announce, Backend, DlmDialect, DlmPlace, DlmSink, Durability, Format, IdentityRule, Initial, Plan,
    QueueSink, Secret, SinkKind, SinkPlan, SourcePlan,
};

use super::args::Args;
use super::rules::{Scene, rules};
use crate::environment::Environment;

/// The one source's name.
pub const SOURCE: &str = "products";
/// The one sink's name.
pub const SINK: &str = "dlm";
/// Where the original lists what it has registered, whatever its flags say.
const STATUS_FILE: &str = "/tmp/dlm_entires.json";
/// How often the original looks in its polling mode.
const POLL: Duration = Duration::from_secs(1);
/// How often the library below its inotify mode does where it is told to poll.
const FORCED_POLL: Duration = Duration::from_millis(300);
/// How often the tree is compared with the ledger: the net below everything else.
const RESCAN: Duration = Duration::from_mins(5);
/// What a dry run would have sent is kept so long.
const DRY: Duration = Duration::from_hours(1);

/// Where and when the program starts.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The variables.
    pub environment: &'a Environment,
    /// The watched directory as an absolute path.
    pub absolute: &'a Path,
    /// The names in it.
    pub existing: &'a [OsString],
    /// What `--token-file` holds.
    pub token: Option<&'a Secret>,
}

/// What the engine is to do, and what a person should know about it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What was asked for and is done otherwise, a sentence each.
    pub warnings: Vec<String>,
}

/// The plan of a command line: one source, one sink.
#[must_use]
pub fn plan(args: &Args, around: Around<'_>) -> Planned {
    let mut warnings = args.without_effect.clone();
    let plan = Plan {
        site: "local".into(),
        durability: Durability::Process,
        watch_config: false,
        plugin_dir: None,
        sources: vec![source(args, around)],
        sinks: vec![sink(args, around, &mut warnings)],
    };
    Planned { plan, warnings }
}

fn source(args: &Args, around: Around<'_>) -> SourcePlan {
    let forced = !args.polling && forces_polling(around.environment);
    SourcePlan {
        name: SOURCE.into(),
        path: PathBuf::from(&args.directory),
        recursive: true,
        backend: if args.polling || forced { Backend::Poll } else { Backend::Auto },
        poll_interval: if forced { FORCED_POLL } else { POLL },
        poll_full: None,
        canary: false,
        rescan: Some(RESCAN),
        initial: if args.include_existing { Initial::Deliver } else { Initial::Adopt },
        // A link is a product like what it leads to, and the watched directory may be one itself.
        follow_symlinks: true,
        identity: IdentityRule::Auto,
        announce: Announce::Generations,
        reannounce: None,
        gap_events: false,
        streams: Vec::new(),
        rules: rules(args, Scene { absolute: around.absolute, existing: around.existing }, SINK),
    }
}

/// As the library reads its variable: any text but these words is a yes.
fn forces_polling(environment: &Environment) -> bool {
    let value = environment.get("WATCHFILES_FORCE_POLLING").unwrap_or_default();
    !value.is_empty() && !["false", "disable", "disabled"].contains(&value.to_lowercase().as_str())
}

fn sink(args: &Args, around: Around<'_>, warnings: &mut Vec<String>) -> SinkPlan {
    let kind = if args.dry_run {
        warnings.push("nothing is sent: what would be registered is only logged".to_owned());
        SinkKind::Queue(QueueSink { retain: DRY })
    } else {
        SinkKind::Dlm(Box::new(dlm(args, around, warnings)))
    };
    SinkPlan {
        name: SINK.into(),
        kind,
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout: DlmSink::TIMEOUT,
    }
}

fn dlm(args: &Args, around: Around<'_>, warnings: &mut Vec<String>) -> DlmSink {
    let (usual, environment) = (DlmSink::default(), around.environment);
    DlmSink {
        ingest_url: args.ingest_url.clone(),
        request_url: args.request_url.clone(),
        storage_url: args.storage_url.clone(),
        migration_url: args.migration_url.clone(),
        storage: args.source.clone(),
        target: (!args.register_only).then(|| args.target.clone()),
        root: Some(root(args, warnings)),
        dialect: args.dialect,
        strict: args.strict,
        access_check: !args.skip_access_check,
        place: place(args, environment),
        authorized_keys: authorized_keys(environment, warnings),
        // The original never asks what became of a copy, and does one thing after the other.
        follow_copies: !args.strict,
        parallel: if args.strict { 1 } else { usual.parallel },
        status_file: status_file(args),
        reload_status_file: args.reload_status_file,
        token: around.token.cloned(),
        ca_file: ca_file(args, warnings),
    }
}

/// Where nothing is encrypted, nobody shows a certificate; and a token can be read on its way.
fn ca_file(args: &Args, warnings: &mut Vec<String>) -> Option<PathBuf> {
    let urls = [&args.ingest_url, &args.request_url, &args.storage_url, &args.migration_url];
    let encrypted = urls.iter().filter(|url| url.starts_with("https://")).count();
    if args.token_file.is_some() && encrypted < urls.len() {
        warnings.push(
            "the token is sent unencrypted: not all of the services' URLs begin with https://".to_owned(),
        );
    }
    let file = args.ca_file.clone()?;
    if encrypted == 0 {
        let file = file.display();
        warnings
            .push(format!("--ca-file {file} has no effect: none of the services' URLs begins with https://"));
        return None;
    }
    Some(file)
}

/// The storage's root: as typed, because a storage that is made gets it byte for byte.
fn root(args: &Args, warnings: &mut Vec<String>) -> PathBuf {
    let watched = PathBuf::from(&args.directory);
    match args.source_root.as_ref().map(PathBuf::from) {
        Some(root) if watched.starts_with(&root) => root,
        Some(root) => {
            warnings.push(format!(
                "--source-root {} has no effect: the watched directory does not lie below it",
                root.display()
            ));
            watched
        }
        None => watched,
    }
}

fn place(args: &Args, environment: &Environment) -> DlmPlace {
    let usual = DlmPlace::default();
    let or = |name: &str, usual: String| environment.get(name).map_or(usual, str::to_owned);
    DlmPlace {
        host: args.host.clone(),
        user: or("USER", usual.user),
        location: or("LOCATION_NAME", usual.location),
        location_type: or("LOCATION_TYPE", usual.location_type),
        country: or("LOCATION_COUNTRY", usual.country),
        city: or("LOCATION_CITY", usual.city),
        facility: or("LOCATION_FACILITY", usual.facility),
    }
}

fn authorized_keys(environment: &Environment, warnings: &mut Vec<String>) -> Option<PathBuf> {
    let home = environment.get("HOME").filter(|home| !home.is_empty());
    if home.is_none() {
        warnings.push(
            "HOME is not set: the services' public key is not written anywhere, so they can only fetch the data if \
             sshd knows it already"
                .to_owned(),
        );
    }
    home.map(|home| Path::new(home).join(".ssh/authorized_keys"))
}

fn status_file(args: &Args) -> Option<PathBuf> {
    match args.dialect {
        DlmDialect::V20 => {
            args.use_status_file.then(|| Path::new(&args.directory).join(&args.status_file_name))
        }
        DlmDialect::V21 | DlmDialect::Main => Some(STATUS_FILE.into()),
    }
}

#[cfg(test)]
mod tests;
