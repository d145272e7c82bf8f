//! `staithe run`: the daemon, in the foreground or in the background.

mod following;
mod reloading;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::control::{Control, Host};
use engine::engine::Setup;
use engine::{Engine, Level};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

pub(crate) use reloading::load;
use reloading::{First, Reloader};

use crate::args::RunArgs;
use crate::daemon::{self, Files, Launch, Standing};
use crate::exit::{Exit, failure};
use crate::log::{self, StderrLog};
use crate::places;
use crate::signals::{Asked, Waiting};
use crate::supervision::{self, Supervisor};

/// How long a stop waits for what is in a sink's hands.
const GRACE: Duration = Duration::from_secs(3);
/// How often the daemon looks around.
const ROUND: Duration = Duration::from_millis(200);
/// A first scan that is through within this time needs no progress line.
const SHORT_SCAN: Duration = Duration::from_millis(500);
/// How often old rows are cleared away.
const PRUNE_ROUNDS: u32 = 5 * 60 * 5;
/// How long rows of files that are gone are kept.
const HISTORY: Duration = Duration::from_hours(30 * 24);

pub(crate) fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let state_dir = places::state_dir(args.client.state_dir.as_deref());
    let files = args.daemon.files(&state_dir);
    match &files {
        Some(files) if args.daemon.daemon && !daemon::is_inside() => background(files, &state_dir),
        _ => here(args, files.as_ref(), state_dir),
    }
}

/// Starts it in the background; what goes wrong there is told here.
fn background(files: &Files, state_dir: &Path) -> anyhow::Result<Exit> {
    // Its pid file and its logs may be in there. Where it cannot be made the daemon says why.
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(state_dir);
    let pid = daemon::launch(&Launch { argv: daemon::own_words(), files: files.clone() })?;
    log::plain(&format!(
        "ready in the background: process {pid}, pid file {}",
        files.pid_file.path.display()
    ));
    Ok(Exit::Done)
}

fn here(args: &RunArgs, files: Option<&Files>, state_dir: PathBuf) -> anyhow::Result<Exit> {
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let signals = Waiting::start()?;
    // Held until everything else has ended.
    let standing = files.map(Standing::take_up).transpose()?;
    if let Some(standing) = standing.as_ref().filter(|_| daemon::is_inside()) {
        let (version, pid_file) = (env!("CARGO_PKG_VERSION"), standing.pid_file().display());
        log::info(&format!(
            "staithe {version} starts as process {}, pid file {pid_file}",
            std::process::id()
        ));
    }
    let first = First::read(&args.config, args.watch_config).map_err(|text| failure(Exit::Usage, text))?;
    for warning in &first.loaded.warnings {
        log::plain(warning.render(false).trim_end());
    }
    let socket = places::socket(args.client.socket.as_deref(), &state_dir);
    let (engine, report) = Engine::start(Setup {
        plan: first.loaded.plan.clone(),
        state_dir: Some(state_dir),
        owner: format!("staithe run -c {}", args.config.display()),
        observer: Arc::new(StderrLog { least: Level::Info }),
        given: Vec::new(),
    })
    .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    tell_of_damage(&report);
    let host = first
        .follow(&engine)
        .map_err(|error| failure(Exit::Failed, format!("failed to follow the configuration: {error}")))?;
    let control = Control::serve(Arc::clone(&engine), Arc::clone(&host) as Arc<dyn Host>, &socket).map_err(
        |error| {
            failure(Exit::Failed, format!("failed to serve the control socket {}: {error}", socket.display()))
        },
    )?;
    serve(signals, &engine, host.as_ref(), standing.as_ref());
    supervision::stopping();
    host.close();
    drop(control);
    engine
        .stop(GRACE)
        .map_err(|error| failure(Exit::Failed, format!("failed to close the ledger: {error}")))?;
    Ok(Exit::Done)
}

/// Runs until a signal says stop.
fn serve(mut signals: Waiting, engine: &Arc<Engine>, host: &Reloader, standing: Option<&Standing>) {
    let mut progress = Progress::start();
    let mut supervisor = Supervisor::find(engine);
    let (mut ready, mut ledger_trouble, mut rounds) = (false, false, 0u32);
    loop {
        match signals.next(if ready { ROUND } else { Duration::from_millis(5) }) {
            Some(Asked::Stop) => return,
            Some(Asked::Reload) => {
                supervision::reloading();
                // First: what is said from now on belongs into the new log.
                standing.inspect(|standing| standing.reopen_logs());
                // What came of it is said there, whoever asked.
                let done = host.reload();
                // Also where nothing else is new: a log that was rotated has another file.
                engine.reopen_sinks();
                if ready {
                    supervision::reloaded(engine, done.is_ok());
                }
            }
            None => {}
        }
        engine.watch_ledger(&mut ledger_trouble);
        supervisor.turn(engine);
        rounds += 1;
        if rounds.is_multiple_of(PRUNE_ROUNDS) {
            prune(engine);
        }
        if !ready {
            progress.show(engine);
            supervisor.starting(engine, &Progress::text(engine));
            ready = engine.is_ready();
            if ready {
                progress.end();
                say_ready(engine);
                supervision::ready(engine);
                daemon::ready();
            }
        }
    }
}

fn prune(engine: &Engine) {
    let retain = engine
        .plan()
        .sinks
        .iter()
        .filter_map(|sink| match &sink.kind {
            config::SinkKind::Queue(queue) => Some(queue.retain),
            _ => None,
        })
        .min();
    let retain = retain.unwrap_or(Duration::from_hours(7 * 24));
    if let Err(error) = engine.ledger().prune(engine.clock().wall(), retain, HISTORY) {
        log::warning(&format!("failed to clear old rows away: {error}"));
    }
}

/// The line that scripts wait for.
pub(crate) fn say_ready(engine: &Engine) {
    let mut roots: Vec<String> = Vec::new();
    for root in engine.roots() {
        let root = safe(root.as_os_str().as_bytes());
        // Two sources may watch one directory.
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    log::plain(&format!("ready {}", roots.join(" ")));
}

/// Damage that was put aside at the start must not go unnoticed.
pub(crate) fn tell_of_damage(report: &ledger::OpenReport) {
    if let Some(damaged) = &report.quarantined {
        log::error(&format!(
            "the ledger was damaged ({}); it was put aside into {}. {} records were saved and {} lost; files whose \
             records are lost are announced again with the same ids",
            damaged.damage,
            damaged.dir.display(),
            damaged.salvaged,
            damaged.lost
        ));
    }
}

/// A line that tells how far a long first scan is; only on a terminal, only when it takes a while. Who waits for a daemon
/// is told the same.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When it was told last.
    told: Duration,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, told: Duration::ZERO }
    }

    pub(crate) fn show(&mut self, engine: &Engine) {
        let now = engine.clock().mono();
        if now < SHORT_SCAN {
            return;
        }
        let text = Self::text(engine);
        if now >= self.told + daemon::PROGRESS {
            self.told = now;
            daemon::progress(&text);
        }
        self.bar.set_message(text);
        self.bar.tick();
    }

    /// How far it is.
    pub(crate) fn text(engine: &Engine) -> String {
        let (done, left) = engine.scan_progress();
        format!("first scan: {done} directories walked, {left} known and still to walk")
    }

    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}
