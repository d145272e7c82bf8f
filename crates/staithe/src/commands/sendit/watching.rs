//! The watcher itself, in the background or in the foreground.

use std::sync::Arc;
use std::time::Duration;

use compat::sendit::Named;
use compat::sendit::plan::{TASKS, task};
use config::{Plan, SinkKind};
use engine::control::{Control, Host};
use engine::engine::Setup;
use engine::{Engine, Observer};
use sinks::Sink;

use super::dry::Dry;
use super::place::Prepared;
use super::talk::Talk;
use crate::args::SenditStart;
use crate::commands::run::tell_of_damage;
use crate::commands::turning::Turning;
use crate::daemon::{self, Standing};
use crate::exit::{Exit, failure};
use crate::log::{self, StderrLog};
use crate::places;
use crate::signals::Waiting;
use crate::supervision;

/// How long a stop waits for what is in a sink's hands.
const GRACE: Duration = Duration::from_secs(3);

pub(super) fn run(prepared: &Prepared, args: &SenditStart, talk: &Talk) -> anyhow::Result<Exit> {
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let signals = Waiting::start()?;
    // Held until everything else has ended.
    let standing = Standing::take_up(&prepared.files)?;
    if daemon::is_inside() {
        let (version, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
        log::info(&format!(
            "staithe {version} starts as process {pid}, pid file {}",
            standing.pid_file().display()
        ));
    }
    prepared.introduce(talk);
    let engine = start(prepared, talk)?;
    let socket = places::socket(args.client.socket.as_deref(), &prepared.place.state_dir);
    // The drop-in does its work whether or not it can be asked about it.
    let control = Control::serve(Arc::clone(&engine), Arc::new(NoReload), &socket);
    if let Err(error) = &control {
        log::warning(&format!("no control socket at {}: {error}", socket.display()));
    }
    serve(&engine, signals);
    supervision::stopping();
    drop(control);
    engine
        .stop(GRACE)
        .map_err(|error| failure(Exit::Failed, format!("failed to close the ledger: {error}")))?;
    Ok(Exit::Done)
}

fn start(prepared: &Prepared, talk: &Talk) -> anyhow::Result<Arc<Engine>> {
    let dry = prepared.options.dry_run;
    let plan = heard(prepared.plan.clone(), *talk, &prepared.place.named);
    let given: Vec<(String, Box<dyn Sink>)> = if dry { dry_sinks(&plan, prepared) } else { Vec::new() };
    let state_dir = &prepared.place.state_dir;
    let (engine, report) = Engine::start(Setup {
        plan,
        // A dry run must not make the next start believe that the folders were queued.
        state_dir: (!dry).then(|| state_dir.clone()),
        owner: format!("staithe compat sendit -c {}", prepared.place.named.path().display()),
        observer: Arc::new(StderrLog::new(talk.least())) as Arc<dyn Observer>,
        given,
    })
    .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    tell_of_damage(&report);
    if !dry && talk.least() == engine::Level::Info {
        let dir = state_dir.display();
        log::info(&format!(
            "the state is kept in {dir}; staithe status --state-dir {dir} tells how it stands"
        ));
    }
    Ok(engine)
}

/// The plan without what nobody wants to read.
fn heard(mut plan: Plan, talk: Talk, named: &Named) -> Plan {
    if let (Named::Settings(_), false) = (named, talk.says_log()) {
        plan.sources.retain(|source| !source.name.ends_with("-log"));
        plan.sinks.retain(|sink| sink.name != "log");
    }
    plan
}

fn dry_sinks(plan: &Plan, prepared: &Prepared) -> Vec<(String, Box<dyn Sink>)> {
    let mut dry: Vec<(String, Box<dyn Sink>)> = Vec::new();
    for sink in &plan.sinks {
        let task = match &sink.kind {
            SinkKind::Celery(celery) => celery.task.clone(),
            SinkKind::Queue(_) if sink.name == TASKS => task(&prepared.options).to_owned(),
            _ => continue,
        };
        dry.push((sink.name.clone(), Box::new(Dry { task })));
    }
    dry
}

/// Runs until a signal says stop. SIGHUP says so, too: the old `stop` sends it.
fn serve(engine: &Arc<Engine>, mut signals: Waiting) {
    let mut turning = Turning::begin(engine);
    while signals.next(turning.patience()).is_none() {
        turning.turn(engine);
    }
}

/// The old program has no reload: a change of its settings means a restart.
struct NoReload;

impl Host for NoReload {
    fn reload(&self) -> Result<serde_json::Value, String> {
        Err("the watcher reads its settings at its start only, as the old program did; restart it".into())
    }
}
