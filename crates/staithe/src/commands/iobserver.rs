//! `staithe compat iobserver`: in the place of `iobserver`.

mod adapter;
mod place;
mod reloading;
mod talk;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compat::bounded;
use compat::iobserver::rc::SIZE_LIMIT;
use compat::iobserver::{Planned, Rc, Translation, translate};
use engine::control::{Control, Host};
use engine::engine::Setup;
use engine::{Clock, Engine, Observer};

use self::place::Place;
use self::reloading::Reloader;
use self::talk::Talk;
use super::run::{say_ready, tell_of_damage};
use crate::args::IobserverArgs;
use crate::exit::{Exit, failure};
use crate::log;
use crate::signals::{Asked, Waiting};

/// How long a stop waits for what is in a sink's hands.
const GRACE: Duration = Duration::from_secs(3);
/// How often the main thread looks around.
const ROUND: Duration = Duration::from_millis(100);
/// How often old rows are cleared away.
const PRUNE_ROUNDS: u32 = 10 * 60 * 5;
/// How long rows of files that are gone are kept.
const HISTORY: Duration = Duration::from_hours(30 * 24);

pub(crate) fn run(args: &IobserverArgs) -> anyhow::Result<Exit> {
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let signals = Waiting::start()?;
    let place = Place::of(args)?;
    let files = place.files();
    let (rc, planned) = match place.read_again() {
        Ok(read) => read,
        Err(error) => {
            talk::tell_bad_file(&error, &place.shown());
            return Ok(Exit::Usage);
        }
    };
    let talk = Arc::new(Talk::default());
    talk::tell(&planned, &[], &place.shown());
    talk.expect(&rc, &planned, &place);
    match start(&place, &planned, &talk) {
        Ok(engine) => {
            let reloader = Arc::new(Reloader::new(place, files, (rc, planned.troubles), &engine, talk));
            Ok(serve(args, &engine, &reloader, signals))
        }
        Err(error) => {
            log::plain(&format!("Observer died!\nError was: failed to {error}"));
            Ok(Exit::Failed)
        }
    }
}

fn start(
    place: &Place,
    planned: &Planned,
    talk: &Arc<Talk>,
) -> Result<Arc<Engine>, engine::engine::EngineError> {
    let (engine, report) = Engine::start(Setup {
        plan: planned.plan.clone(),
        state_dir: Some(place.state_dir.clone()),
        owner: format!("staithe compat iobserver {}", place.file.display()),
        observer: Arc::clone(talk) as Arc<dyn Observer>,
        given: Vec::new(),
    })?;
    tell_of_damage(&report);
    let dir = place.state_dir.display();
    log::info(&format!("the state is kept in {dir}; staithe status --state-dir {dir} tells how it stands"));
    Ok(engine)
}

fn serve(args: &IobserverArgs, engine: &Arc<Engine>, reloader: &Arc<Reloader>, signals: Waiting) -> Exit {
    let socket = crate::places::socket(args.client.socket.as_deref(), reloader.state_dir());
    // The drop-in does its work whether or not it can be asked about it.
    let control = Control::serve(Arc::clone(engine), Arc::clone(reloader) as Arc<dyn Host>, &socket);
    if let Err(error) = &control {
        log::warning(&format!("no control socket at {}: {error}", socket.display()));
    }
    say("iObserver started. Press ^C to terminate...");
    look_around(engine, reloader, signals);
    say("Terminating...");
    drop(control);
    match engine.stop(GRACE) {
        Ok(()) => Exit::Done,
        Err(error) => {
            log::plain(&format!("Error: failed to close the ledger: {error}"));
            Exit::Failed
        }
    }
}

/// Runs until a signal says stop.
fn look_around(engine: &Arc<Engine>, reloader: &Reloader, mut signals: Waiting) {
    let (mut ready, mut ledger_trouble, mut rounds) = (false, false, 0u32);
    let clock = Clock::start();
    loop {
        match signals.next(ROUND) {
            Some(Asked::Stop) => return,
            Some(Asked::Reload) => {
                // What came of it is said there, whoever asked.
                drop(reloader.reload());
                engine.reopen_sinks();
            }
            None => reloader.look(clock.mono()),
        }
        engine.watch_ledger(&mut ledger_trouble);
        rounds += 1;
        if rounds.is_multiple_of(PRUNE_ROUNDS)
            && let Err(error) = engine.ledger().prune(engine.clock().wall(), HISTORY, HISTORY)
        {
            log::warning(&format!("failed to clear old rows away: {error}"));
        }
        if !ready && engine.is_ready() {
            ready = true;
            say_ready(engine);
        }
    }
}

/// One of the old program's lines. Whoever closed standard output wants none.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush());
}

/// `init --from iobserver`: what the file means, as native configuration.
pub(crate) fn translated(file: &std::path::Path) -> anyhow::Result<Translation> {
    let usage = |text: String| failure(Exit::Usage, format!("failed to {text}"));
    let bytes = bounded::read(file, SIZE_LIMIT as u64)
        .map_err(|error| usage(format!("read {}: {error}", file.display())))?;
    let working = std::env::current_dir()?;
    let plugins = place::beside(file, &working);
    translate(file, &bytes, &working, &plugins).map_err(|error| usage(error.to_string()))
}

/// A configuration and what it became.
type Read = (Rc, Planned);

/// The files of a list, compared by content.
type Files = super::contents::Contents<Box<dyn Fn() -> Vec<PathBuf> + Send + Sync>>;
