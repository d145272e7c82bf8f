//! `staithe run`: the daemon, in the foreground.

mod following;
mod reloading;

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
use crate::exit::{Exit, failure};
use crate::log::{self, StderrLog};
use crate::places;
use crate::signals::{Asked, Waiting};

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
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let signals = Waiting::start()?;
    let first = First::read(&args.config, args.watch_config).map_err(|text| failure(Exit::Usage, text))?;
    for warning in &first.loaded.warnings {
        log::plain(warning.render(false).trim_end());
    }
    let state_dir = places::state_dir(args.client.state_dir.as_deref());
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
    serve(signals, &engine, host.as_ref());
    host.close();
    drop(control);
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    engine
        .stop(GRACE)
        .map_err(|error| failure(Exit::Failed, format!("failed to close the ledger: {error}")))?;
    Ok(Exit::Done)
}

/// Runs until a signal says stop.
fn serve(mut signals: Waiting, engine: &Arc<Engine>, host: &Reloader) {
    let mut progress = Progress::start();
    let (mut ready, mut ledger_trouble, mut rounds) = (false, false, 0u32);
    loop {
        match signals.next(if ready { ROUND } else { Duration::from_millis(5) }) {
            Some(Asked::Stop) => return,
            Some(Asked::Reload) => {
                // What came of it is said there, whoever asked.
                drop(host.reload());
                // Also where nothing else is new: a log that was rotated has another file.
                engine.reopen_sinks();
            }
            None => {}
        }
        engine.watch_ledger(&mut ledger_trouble);
        rounds += 1;
        if rounds.is_multiple_of(PRUNE_ROUNDS) {
            prune(engine);
        }
        if !ready {
            progress.show(engine);
            ready = engine.is_ready();
            if ready {
                progress.end();
                say_ready(engine);
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
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
    let roots: Vec<String> = engine.roots().iter().map(|root| safe(root.as_os_str().as_bytes())).collect();
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

/// A line that tells how far a long first scan is; only on a terminal, only when it takes a while.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template("{spinner} first scan: {msg} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self(bar)
    }

    pub(crate) fn show(&mut self, engine: &Engine) {
        if engine.clock().mono() < SHORT_SCAN {
            return;
        }
        let (done, left) = engine.scan_progress();
        self.0.set_message(format!("{done} directories walked, {left} known and still to walk"));
        self.0.tick();
    }

    pub(crate) fn end(&mut self) {
        self.0.finish_and_clear();
    }
}
