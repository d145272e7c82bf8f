//! `staithe compat`: the drop-ins.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use compat::directory_observer::args::{Parsed, parse};
use compat::directory_observer::mflog::Settings;
use compat::directory_observer::{
    Args, Environment, Level as MfLevel, Line, Loading, Log, Monitors, load, plan, trouble,
};
use config::{Plan, SinkKind};
use engine::control::{Control, Host};
use engine::engine::Setup;
use engine::{Clock, Engine, Notice, Observer};
use model::{Cause, Parcel};
use sinks::Trouble;
use watch::RootChange;

use crate::exit::{Exit, failure};
use crate::places;
use crate::signals::{Asked, Waiting};

/// The original tries so often to reach Redis at its start, a second apart.
const PINGS: u32 = 10;
/// What is in hand when a stop is asked for gets so long to be pushed.
const GRACE: Duration = Duration::from_secs(2);
/// How often the main thread looks around.
const ROUND: Duration = Duration::from_millis(100);

pub(crate) fn directory_observer(words: Vec<OsString>) -> anyhow::Result<Exit> {
    match parse(words) {
        Parsed::Exit { stdout, stderr, status } => {
            std::io::stdout().lock().write_all(stdout.as_bytes())?;
            std::io::stderr().lock().write_all(stderr.as_bytes())?;
            Ok(Exit::Other(status))
        }
        Parsed::Run(args) => observe(&args),
    }
}

fn observe(args: &Args) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let settings = Settings::of(&environment, args.log.clone())
        .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    let log = Log::open(&settings, std::process::id())
        .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    let log = Arc::new(Talk {
        log,
        clock: Clock::start(),
        queues: HashMap::new(),
        troubles: Mutex::default(),
        quiet: AtomicBool::new(false),
    });
    for line in &settings.notes {
        log.say(line);
    }
    let Loading { lines, outcome } = load(args.config.as_deref(), &environment, &std::env::current_dir()?);
    for line in &lines {
        log.say(line);
    }
    let (file, monitors) = match outcome {
        Ok(loaded) => loaded,
        Err(stop) => {
            if let Some(traceback) = stop.traceback {
                std::io::stderr().lock().write_all(traceback.as_bytes())?;
            }
            return Ok(Exit::Other(stop.status));
        }
    };
    let log = Arc::into_inner(log).ok_or_else(|| failure(Exit::Failed, "failed to share the log"))?;
    run(args, &file, &monitors, log)
}

fn run(args: &Args, file: &Path, monitors: &Monitors, log: Talk) -> anyhow::Result<Exit> {
    let plan = plan(monitors);
    let log = Arc::new(Talk { queues: queues(&plan), ..log });
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let mut signals = Waiting::for_stop_only()?;
    log.say(&Line::StartMonitoring(monitors.inactivity));
    match reach_redis(&plan, &log, &mut signals) {
        Reached::Yes => {}
        Reached::No => return Ok(Exit::Failed),
        Reached::Stopped => return Ok(stopped(&log)),
    }
    let state_dir = places::compat_state_dir(args.state_dir.as_deref(), "directory-observer", file);
    let socket = places::socket(args.socket.as_deref(), &state_dir);
    let (engine, report) = Engine::start(Setup {
        plan,
        state_dir: Some(state_dir),
        owner: format!("staithe compat directory-observer --config {}", file.display()),
        observer: Arc::clone(&log) as Arc<dyn Observer>,
        given: Vec::new(),
    })
    .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    super::run::tell_of_damage(&report);
    // The drop-in does its work whether or not it can be asked about it.
    let control = Control::serve(Arc::clone(&engine), Arc::new(NoReload), &socket);
    if let Err(error) = &control {
        log.say(&Line::Note(MfLevel::Warning, format!("no control socket at {}: {error}", socket.display())));
    }
    let inactive = serve(&mut signals, &engine, monitors.inactivity);
    drop(control);
    if let Some(seconds) = inactive {
        log.say(&Line::Inactive(seconds));
        log.quiet.store(true, Ordering::Release);
    } else {
        log.say(&Line::StopRequest);
    }
    engine
        .stop(GRACE)
        .map_err(|error| failure(Exit::Failed, format!("failed to close the ledger: {error}")))?;
    Ok(if inactive.is_some() { Exit::Done } else { stopped(&log) })
}

fn stopped(log: &Talk) -> Exit {
    log.say(&Line::StopMonitoring);
    Exit::Done
}

/// Runs until it is asked to stop, or until nothing has happened for too long; gives the seconds.
fn serve(signals: &mut Waiting, engine: &Engine, inactivity: Option<u64>) -> Option<u64> {
    let mut ledger_trouble = false;
    let mut started = None;
    loop {
        if signals.next(ROUND) == Some(Asked::Stop) {
            return None;
        }
        engine.watch_ledger(&mut ledger_trouble);
        if started.is_none() && engine.is_ready() {
            started = Some(engine.clock().mono());
        }
        if let (Some(limit), Some(started)) = (inactivity, started) {
            let silent = engine.silent_for().min(engine.clock().mono().saturating_sub(started));
            if silent > Duration::from_secs(limit) {
                return Some(limit);
            }
        }
    }
}

/// What came of trying to reach Redis.
enum Reached {
    Yes,
    No,
    Stopped,
}

/// All lists of a configuration are on one server; any of its sinks can tell whether it is there.
fn reach_redis(plan: &Plan, log: &Talk, signals: &mut Waiting) -> Reached {
    let Some(sink) = plan.sinks.first() else { return Reached::Yes };
    for _ in 0..PINGS {
        if engine::probe_sink(sink).is_none_or(|problem| trouble::answers_ping(&problem)) {
            return Reached::Yes;
        }
        log.say(&Line::CannotPing);
        if signals.next(Duration::from_secs(1)) == Some(Asked::Stop) {
            return Reached::Stopped;
        }
    }
    log.say(&Line::CannotPingExit);
    Reached::No
}

/// The list's key of each sink, by the sink's name.
fn queues(plan: &Plan) -> HashMap<String, Vec<u8>> {
    let key = |sink: &config::SinkPlan| match &sink.kind {
        SinkKind::RedisList(redis) => Some((sink.name.clone(), redis.key.clone())),
        _ => None,
    };
    plan.sinks.iter().filter_map(key).collect()
}

/// Says everything in the old program's words.
struct Talk {
    log: Log,
    clock: Clock,
    queues: HashMap<String, Vec<u8>>,
    /// What each sink that is in trouble said last.
    troubles: Mutex<HashMap<String, String>>,
    /// The original ends without a further word after its inactivity time.
    quiet: AtomicBool,
}

impl Talk {
    fn say(&self, line: &Line) {
        if !self.quiet.load(Ordering::Acquire) {
            self.log.write(self.clock.wall(), line);
        }
    }
}

impl Observer for Talk {
    fn notice(&self, notice: &Notice<'_>) {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        match notice {
            Notice::Watching { path, .. } => self.say(&Line::StartScanning(bytes(path))),
            Notice::RootAbsent { path, .. } => self.say(&Line::NotADirectory(bytes(path))),
            Notice::RootLost { path, change: RootChange::Moved, .. } => {
                self.say(&Line::DirectoryMoved(bytes(path)));
                self.say(&Line::StopScanning(bytes(path)));
            }
            Notice::RootLost { path, .. } => {
                self.say(&Line::DirectoryDeleted(bytes(path)));
                self.say(&Line::LostDirectory(bytes(path)));
            }
            Notice::Stopped { path } => self.say(&Line::StopScanning(bytes(path))),
            Notice::Overflow { .. } => self.say(&Line::QueueOverflowed),
            Notice::ListingCut { path, limit, .. } => {
                self.say(&Line::AbortedPolling { directory: bytes(path), limit: *limit });
            }
            Notice::FirstScan { .. } | Notice::GapClosed { .. } => {}
            other => {
                let level = match other.level() {
                    engine::Level::Info => MfLevel::Info,
                    engine::Level::Warning => MfLevel::Warning,
                    engine::Level::Error => MfLevel::Error,
                };
                self.say(&Line::Note(level, other.text()));
            }
        }
    }
}

impl dispatch::Observer for Talk {
    fn delivered(&self, sink: &str, parcels: &[Parcel]) {
        let queue = self.queues.get(sink).cloned().unwrap_or_default();
        for parcel in parcels {
            self.say(&Line::Added {
                directory: parcel.root.to_vec(),
                name: parcel.path.clone(),
                queue: queue.clone(),
            });
        }
    }

    fn trouble(&self, sink: &str, trouble: &Trouble, _retry_in: Duration) {
        let sentence = trouble.to_string();
        let mut lines = trouble::lines(&sentence);
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.insert(sink.to_owned(), sentence.clone()).as_ref() == Some(&sentence) {
            // What it means and how to mend it was said at the first attempt.
            lines.truncate(lines.len().saturating_sub(1).max(1));
        }
        for line in &lines {
            self.say(line);
        }
    }

    fn recovered(&self, sink: &str) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(sink);
        self.say(&Line::Note(MfLevel::Info, format!("{sink} takes messages again")));
    }

    fn dead(&self, sink: &str, parcel: &Parcel, _error: &str) {
        self.say(&Line::FailedToWrite {
            directory: parcel.root.to_vec(),
            name: parcel.path.clone(),
            queue: self.queues.get(sink).cloned().unwrap_or_default(),
            event: if parcel.cause == Cause::Arrived { "created" } else { "exists" },
        });
    }
}

/// The old program has no reload: a change of its configuration means a restart.
struct NoReload;

impl Host for NoReload {
    fn reload(&self) -> Result<serde_json::Value, String> {
        Err("a drop-in reads its configuration at its start only, as the old program did; restart it".into())
    }
}
