//! `staithe compat dlm-watcher`: in the place of the SKA's `dlm-directory-watcher`.

mod probe;
mod progress;
mod talk;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use compat::Environment;
use compat::dlm_watcher::{
    Args, Around, Level, Log, Parsed, Planned, Translation, least_level, parse, plan, read_token, refused,
    translate,
};
use config::{Plan, Secret};
use engine::control::{Control, Host};
use engine::engine::Setup;
use engine::{Clock, Engine, Observer};

use self::probe::{Probe, Readiness};
use self::progress::Progress;
use self::talk::Talk;
use crate::exit::{Exit, failure, sentence};
use crate::places;
use crate::signals::{Asked, Waiting};

/// What is in hand when a stop is asked for gets so long to be answered; the rest goes on at the next start.
const GRACE: Duration = Duration::from_secs(3);
/// How often the main thread looks around.
const ROUND: Duration = Duration::from_millis(100);

pub(crate) fn run(words: &[OsString]) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    match parse(words, &environment) {
        Parsed::Run(args) => match args.token_file.as_deref().map(read_token).transpose() {
            Ok(token) => watch(&args, &environment, token.as_ref()),
            Err(error) => leave(&refused(&error)),
        },
        exit @ Parsed::Exit { .. } => leave(&exit),
    }
}

fn leave(parsed: &Parsed) -> anyhow::Result<Exit> {
    let Parsed::Exit { stdout, stderr, status } = parsed else { return Ok(Exit::Done) };
    std::io::stdout().lock().write_all(stdout.as_bytes())?;
    std::io::stderr().lock().write_all(stderr.as_bytes())?;
    Ok(Exit::Other(*status))
}

/// `init --from dlm-watcher`: what the flags mean, as native configuration.
pub(crate) fn translated(words: &[OsString]) -> anyhow::Result<Translation> {
    let environment = Environment::of_process();
    match parse(words, &environment) {
        Parsed::Exit { stderr, .. } => {
            let last =
                stderr.lines().last().unwrap_or("say which flags: staithe init --from dlm-watcher -d DIR …");
            Err(failure(Exit::Usage, last.to_owned()))
        }
        Parsed::Run(args) => {
            let absolute = absolute(&args);
            let (existing, _) = existing(&args);
            let (absolute, existing) = (&*absolute, &*existing);
            let around = Around { environment: &environment, absolute, existing, token: None };
            Ok(translate(&args, around))
        }
    }
}

fn watch(args: &Args, environment: &Environment, token: Option<&Secret>) -> anyhow::Result<Exit> {
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let (least, odd) = least_level(environment, args.dialect);
    let log = Log::new(least, Box::new(std::io::stdout()));
    let talk = Arc::new(Talk::new(log, Clock::start()));
    let signals = Waiting::start()?;
    let mut probe = Probe::new(args.readiness_file.clone());
    if let Some(error) = probe.set(false) {
        talk.say(Level::Warning, "probe", &error);
    }
    for text in odd.iter().chain(make_directory(args).iter()) {
        talk.say(Level::Warning, "start", text);
    }
    let (existing, trouble) = existing(args);
    let around = Around { environment, absolute: &absolute(args), existing: &existing, token };
    let Planned { plan, warnings } = plan(args, around);
    for text in trouble.iter().chain(&warnings) {
        talk.say(Level::Warning, "start", text);
    }
    if args.source.is_none() {
        talk.say(Level::Warning, "start", NO_SOURCE);
    }
    talk.say(Level::Info, "start", &introduction(args));
    let ended = run_plan(args, plan, &talk, signals, &mut probe);
    if let Some(error) = probe.set(false) {
        talk.say(Level::Warning, "probe", &error);
    }
    match ended {
        Ok(exit) => Ok(exit),
        Err(error) => {
            talk.say(Level::Critical, "start", &format!("failed to {}", sentence(&error)));
            Ok(Exit::Failed)
        }
    }
}

fn run_plan(
    args: &Args,
    plan: Plan,
    talk: &Arc<Talk>,
    signals: Waiting,
    probe: &mut Probe,
) -> anyhow::Result<Exit> {
    // With and without a slash at its end it is the same directory.
    let watched: PathBuf = Path::new(&args.directory).components().collect();
    let state_dir = places::compat_state_dir(args.state_dir.as_deref(), "dlm-watcher", &watched);
    let socket = places::socket(args.socket.as_deref(), &state_dir);
    let kept = format!(
        "the state is kept in {0}; staithe status --state-dir {0} tells how it stands",
        state_dir.display()
    );
    let (engine, report) = Engine::start(Setup {
        plan,
        state_dir: Some(state_dir),
        owner: format!("staithe compat dlm-watcher -d {}", Path::new(&args.directory).display()),
        observer: Arc::clone(talk) as Arc<dyn Observer>,
        given: Vec::new(),
    })?;
    talk.damage(&report);
    talk.say(Level::Info, "start", &kept);
    // The drop-in does its work whether or not it can be asked about it.
    let control = Control::serve(Arc::clone(&engine), Arc::new(NoReload), &socket);
    if let Err(error) = &control {
        talk.say(Level::Warning, "start", &format!("no control socket at {}: {error}", socket.display()));
    }
    let exit = Watcher { args, talk, probe, engine: &engine }.serve(signals);
    drop(control);
    // Whoever asks must not be sent to something that ends.
    if let Some(error) = probe.set(false) {
        talk.say(Level::Warning, "probe", &error);
    }
    talk.say(Level::Info, "stop", "stopping; what is not done goes on at the next start");
    engine.stop(GRACE)?;
    Ok(exit)
}

struct Watcher<'a> {
    args: &'a Args,
    talk: &'a Talk,
    probe: &'a mut Probe,
    engine: &'a Engine,
}

impl Watcher<'_> {
    /// Runs until it is asked to stop; in strict mode also until its start fails.
    fn serve(mut self, mut signals: Waiting) -> Exit {
        let (mut ledger_trouble, mut was_ready) = (false, false);
        let mut progress = Progress::default();
        loop {
            match signals.next(ROUND) {
                Some(Asked::Stop) => return Exit::Done,
                Some(Asked::Reload) => self.talk.say(Level::Warning, "watch", NO_RELOAD),
                None => {}
            }
            self.engine.watch_ledger(&mut ledger_trouble);
            // Asked before the state is read: a trouble of later than the start must not count as one of it.
            let in_trouble = self.talk.sink_was_in_trouble();
            let Some(readiness) = Readiness::of(self.engine) else { continue };
            if self.args.strict && in_trouble && !readiness.prepared {
                self.talk.say(
                    Level::Critical,
                    "watch",
                    "the start-up requests failed, and --dlm-strict ends here",
                );
                return Exit::Failed;
            }
            let ready = readiness.is_ready(self.args.strict && self.args.include_existing && !was_ready);
            if ready != was_ready {
                was_ready = ready;
                self.changed(ready, readiness.adopted);
            }
            let now = self.engine.clock().mono();
            if let Some(text) = progress.at(now, readiness.delivered, readiness.open) {
                self.talk.say(Level::Info, "watch", &text);
            }
        }
    }

    fn changed(&mut self, ready: bool, adopted: u64) {
        if ready && self.args.include_existing && adopted > 0 {
            self.talk.say(
                Level::Warning,
                "watch",
                &format!(
                    "{adopted} products were there at the first start, which was without --include-existing; they are \
                     still not registered. Fix: start once with another --state-dir, where nothing is known; the \
                     services tell of each product that they have already"
                ),
            );
        }
        let text = if ready {
            "ready"
        } else {
            "not ready: the watched directory is not there, or it is empty where products were known (a mount that is missing?)"
        };
        self.talk.say(if ready { Level::Info } else { Level::Warning }, "watch", text);
        if let Some(error) = self.probe.set(ready) {
            self.talk.say(Level::Warning, "probe", &error);
        }
    }
}

/// As the original: it is made with its parents, and where that fails it is waited for.
fn make_directory(args: &Args) -> Option<String> {
    let directory = Path::new(&args.directory);
    let error = std::fs::create_dir_all(directory).err()?;
    let why = match error.kind() {
        ErrorKind::AlreadyExists => "something else has that name".to_owned(),
        _ => error.to_string(),
    };
    Some(format!("cannot make the directory {}: {why}; it is waited for", directory.display()))
}

fn absolute(args: &Args) -> PathBuf {
    std::path::absolute(&args.directory).unwrap_or_else(|_| PathBuf::from(&args.directory))
}

/// The names in the watched directory, where they matter.
fn existing(args: &Args) -> (Vec<OsString>, Option<String>) {
    if !args.include_existing {
        return (Vec::new(), None);
    }
    let listing = std::fs::read_dir(&args.directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>());
    match listing {
        Ok(names) => (names, None),
        Err(error) => {
            let directory = Path::new(&args.directory).display();
            (Vec::new(), Some(format!("cannot list {directory}: {error}; what is hidden in it is left out")))
        }
    }
}

fn introduction(args: &Args) -> String {
    let copied = if args.register_only { "not copied" } else { args.target.as_str() };
    format!(
        "watching {} for data products: source storage {}, target storage {copied}, ingest {}, request {}, storage \
         {}, migration {}, requests as {}{}{}",
        Path::new(&args.directory).display(),
        args.source.as_deref().unwrap_or("none"),
        args.ingest_url,
        args.request_url,
        args.storage_url,
        args.migration_url,
        match args.dialect {
            config::DlmDialect::V20 => "2.0",
            config::DlmDialect::V21 => "2.1",
            config::DlmDialect::Main => "main",
        },
        if args.strict { ", strict" } else { "" },
        if args.polling { ", polling" } else { "" },
    )
}

const NO_SOURCE: &str = "no source storage is named, so nothing can be registered: every product becomes a dead letter. Fix: give --source-name";

const NO_RELOAD: &str = "a drop-in reads its flags at its start only, as the old program did; restart it";

/// The old program has no reload.
struct NoReload;

impl Host for NoReload {
    fn reload(&self) -> Result<serde_json::Value, String> {
        Err(NO_RELOAD.into())
    }
}
