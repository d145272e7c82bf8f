//! `staithe watch`: no configuration, no server.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use config::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, Plan, SinkKind, SinkPlan, SourcePlan,
};
use engine::engine::Setup;
use engine::{Engine, Level, Notice, Observer};
use model::Parcel;
use model::text::safe;
use settle::{Clause, Completion, Expr, Pattern, Quiet, Rule, Rules, Shape, Take, temp_names};
use sinks::{BoxFuture, Outcome, Sink, Trouble};

use super::turning::{ROUND, STARTING};
use crate::args::{BackendArg, WatchArgs};
use crate::exit::{Exit, failure};
use crate::log::{self, StderrLog};
use crate::show;
use crate::signals::{Asked, Bell, Waiting};

/// The name of the one sink.
const OUT: &str = "stdout";

pub(crate) fn run(args: &WatchArgs) -> anyhow::Result<Exit> {
    // Where it cannot be raised, what there is must do.
    let _ = sys::limits::raise_descriptors();
    let mut signals = Waiting::start()?;
    let person = std::io::stdout().is_terminal() && !args.json;
    let observer = Arc::new(WatchLog {
        log: StderrLog::new(if person { Level::Info } else { Level::Warning }),
        end: signals.bell(),
        delivered: AtomicU64::new(0),
    });
    let given: Vec<(String, Box<dyn Sink>)> =
        if person { vec![(OUT.to_owned(), Box::new(Lines { colour: show::colour() }))] } else { Vec::new() };
    let (engine, report) = Engine::start(Setup {
        plan: plan(args)?,
        state_dir: args.state_dir.clone(),
        owner: "staithe watch".into(),
        observer: Arc::clone(&observer) as Arc<dyn Observer>,
        given,
    })
    .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    super::run::tell_of_damage(&report);
    let mut progress = super::run::Progress::start();
    let mut ready = false;
    let mut ledger_trouble = false;
    while signals.next(if ready { ROUND } else { STARTING }) != Some(Asked::Stop) {
        engine.watch_ledger(&mut ledger_trouble);
        if !ready {
            progress.show(&engine);
            if engine.is_ready() {
                ready = true;
                progress.end();
                super::run::say_ready(&engine);
            }
        }
    }
    engine
        .stop(Duration::from_secs(3))
        .map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    if person {
        log::plain(&format!("{} complete", observer.delivered.load(Ordering::Acquire)));
    }
    Ok(Exit::Done)
}

fn plan(args: &WatchArgs) -> anyhow::Result<Plan> {
    let backend = match args.backend {
        BackendArg::Auto => Backend::Auto,
        BackendArg::Inotify => Backend::Inotify,
        BackendArg::Poll => Backend::Poll,
        BackendArg::Fanotify => Backend::Fanotify,
    };
    let mut list = vec![rule(args)?];
    if !args.dataset.is_empty() {
        list.push(dataset_rule(args)?);
    }
    let rules = Rules { rules: list, temp_names: temp_names::default_patterns() };
    let mut sources: Vec<SourcePlan> = Vec::new();
    for directory in &args.directories {
        let name = unused_name(directory, &sources);
        sources.push(source(args, name, directory.clone(), backend, rules.clone()));
    }
    let sink = SinkPlan {
        name: OUT.into(),
        kind: SinkKind::Stdout,
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout: Duration::from_hours(1),
    };
    Ok(Plan {
        site: "local".into(),
        durability: Durability::Process,
        watch_config: false,
        plugin_dir: None,
        sources,
        sinks: vec![sink],
    })
}

fn source(args: &WatchArgs, name: String, path: PathBuf, backend: Backend, rules: Rules) -> SourcePlan {
    SourcePlan {
        name,
        path,
        recursive: !args.no_recursive,
        backend,
        poll_interval: Duration::from_secs(1),
        poll_full: None,
        canary: false,
        rescan: Some(Duration::from_mins(5)),
        initial: if args.existing { Initial::Deliver } else { Initial::Adopt },
        follow_symlinks: false,
        identity: IdentityRule::Auto,
        announce: Announce::Generations,
        reannounce: None,
        gap_events: false,
        streams: Vec::new(),
        rules,
    }
}

fn patterns(texts: &[String]) -> anyhow::Result<Vec<Pattern>> {
    let bad = |text: &String, error| failure(Exit::Usage, format!("the pattern \"{text}\" is bad: {error}"));
    texts.iter().map(|text| Pattern::parse(text).map_err(|error| bad(text, error))).collect()
}

/// Directories as units. Where the directories below are not watched, there are none.
fn dataset_rule(args: &WatchArgs) -> anyhow::Result<Rule> {
    if args.no_recursive {
        let text = "--dataset needs the directories below: leave out --no-recursive";
        return Err(failure(Exit::Usage, text.to_owned()));
    }
    let usual = Completion::preset("measurement-set").unwrap_or_else(Completion::local);
    let completion = match args.settle {
        Some(period) => usual.clone().with_quiet(period).unwrap_or(usual),
        None => usual,
    };
    Ok(Rule {
        name: "datasets".into(),
        include: Vec::new(),
        exclude: patterns(&args.exclude)?,
        completion,
        to: vec![OUT.into()],
        shape: Shape { take: Take::Dataset(patterns(&args.dataset)?), ..Shape::default() },
    })
}

fn rule(args: &WatchArgs) -> anyhow::Result<Rule> {
    let include = if args.include.is_empty() { vec!["*".to_owned()] } else { args.include.clone() };
    let mut completion = Completion::local();
    if let Some(period) = args.settle {
        let both = vec![completion.expr, Expr::Clause(Clause::Quiet(Quiet::For(period)))];
        completion = Completion::of(Expr::All(both));
    }
    Ok(Rule {
        name: "watch".into(),
        include: patterns(&include)?,
        exclude: patterns(&args.exclude)?,
        completion,
        to: vec![OUT.into()],
        shape: Shape::default(),
    })
}

/// A source is called after its directory; ids depend on the name, so it does not depend on where
/// the directory lies.
fn unused_name(directory: &std::path::Path, taken: &[SourcePlan]) -> String {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let last = absolute.file_name().unwrap_or_default().as_encoded_bytes();
    let base = if last.is_empty() { "root".to_owned() } else { safe(last) };
    let used = |name: &str| taken.iter().any(|source| source.name == name);
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !used(name)).unwrap_or(base)
}

/// The usual log, and the end when nobody reads any more.
struct WatchLog {
    log: StderrLog,
    end: Bell,
    delivered: AtomicU64,
}

impl Observer for WatchLog {
    fn notice(&self, notice: &Notice<'_>) {
        self.log.notice(notice);
    }
}

impl dispatch::Observer for WatchLog {
    fn delivered(&self, _sink: &str, parcels: &[Parcel]) {
        self.delivered.fetch_add(parcels.len() as u64, Ordering::AcqRel);
    }

    fn trouble(&self, sink: &str, trouble: &Trouble, retry_in: Duration) {
        if matches!(trouble, Trouble::Closed(_)) {
            self.end.ask(Asked::Stop);
        }
        self.log.trouble(sink, trouble, retry_in);
    }

    fn remark(&self, sink: &str, text: &str) {
        self.log.remark(sink, text);
    }
}

/// One readable line for each file, on a terminal.
struct Lines {
    colour: bool,
}

impl Lines {
    fn line(&self, parcel: &Parcel) -> String {
        let time = parcel.admitted.to_string();
        let clock = time.get(11..19).unwrap_or_default();
        let mut path = parcel.root.to_vec();
        if path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(&parcel.path);
        let (word, colour) = show::happened(parcel.type_name());
        let complete = show::paint(&word, colour, self.colour);
        let newer =
            if parcel.generation > 1 { format!("  generation {}", parcel.generation) } else { String::new() };
        format!("{clock}  {complete}  {}  {}{newer}\n", safe(&path), show::size(parcel.size))
    }
}

impl Sink for Lines {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            use std::io::Write as _;
            let text: String = batch.iter().map(|parcel| self.line(parcel)).collect();
            let written = std::io::stdout().lock().write_all(text.as_bytes());
            written.map_err(|error| Trouble::Closed(error.to_string()))?;
            Ok(vec![Outcome::Delivered; batch.len()])
        })
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }
}
