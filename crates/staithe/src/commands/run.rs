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

use super::turning::Turning;
use crate::args::RunArgs;
use crate::daemon::{self, Files, Launch, Standing};
use crate::exit::{Exit, failure};
use crate::log::{self, StderrLog};
use crate::places;
use crate::signals::{Asked, Waiting};
use crate::supervision;

/// How long a stop waits for what is in a sink's hands.
const GRACE: Duration = Duration::from_secs(3);
/// A first scan that is through within this time needs no progress line.
const SHORT_SCAN: Duration = Duration::from_millis(500);

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
        observer: Arc::new(StderrLog::new(Level::Info)),
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
    let mut turning = Turning::begin(engine);
    loop {
        match signals.next(turning.patience()) {
            Some(Asked::Stop) => return,
            Some(Asked::Reload) => {
                supervision::reloading();
                // First: what is said from now on belongs into the new log.
                standing.inspect(|standing| standing.reopen_logs());
                // What came of it is said there, whoever asked.
                let done = host.reload();
                // Also where nothing else is new: a log that was rotated has another file.
                engine.reopen_sinks();
                if turning.is_ready() {
                    supervision::reloaded(engine, done.is_ok());
                }
            }
            None => {}
        }
        turning.turn(engine);
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
            "the ledger was damaged ({}); it was put aside into {}. {}; files whose records are lost are announced again \
             with the same ids. Nothing needs to be done for the data: look after the disk, and delete the directory when \
             nobody wants to examine it",
            damaged.damage,
            damaged.dir.display(),
            saved(damaged)
        ));
    }
}

/// What came of a damaged ledger.
pub(crate) fn saved(damaged: &ledger::Quarantine) -> String {
    let put_right = match damaged.mended {
        0 => String::new(),
        1 => ", and a flipped bit was put right in 1 row".to_owned(),
        rows => format!(", and flipped bits were put right in {rows} rows"),
    };
    format!("{} records were saved and {} lost{put_right}", damaged.salvaged, damaged.lost)
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
