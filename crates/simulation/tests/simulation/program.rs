//! The program under test: a source, the ledger and a lane, without their threads where they have any.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::{Announce, Backend, Format, IdentityRule, Initial, QueueSink, SinkKind, SinkPlan, SourcePlan};
use dispatch::{Backoff, Dispatch, Tempo};
use engine::rehearsal::Rehearsal;
use engine::{Clock, Notice, Observer};
use ledger::{Durability, Ledger, Options, SinkId};
use settle::{Clause, Completion, Expr, Pattern, Quiet, Rule, Rules, Shape};
use tokio::runtime::Runtime;

use crate::peer::Peer;
use crate::script::{Case, RuleSet};

/// Nobody listens.
struct Nobody;

impl dispatch::Observer for Nobody {}

impl Observer for Nobody {
    fn notice(&self, _: &Notice<'_>) {}
}

/// Everything that a kill takes away. The fields are dropped in the order in which they stand.
pub(crate) struct Program {
    pub(crate) source: Rehearsal,
    _dispatch: Dispatch,
    runtime: Runtime,
    pub(crate) ledger: Ledger,
    pub(crate) sink: SinkId,
}

type Failure = Box<dyn std::error::Error>;

impl Program {
    /// Starts on what the state directory holds.
    pub(crate) fn start(
        case: &Case,
        state: Option<&Path>,
        peer: &Peer,
        clock: Clock,
    ) -> Result<Self, Failure> {
        let options = Options {
            state_dir: state.map(Path::to_owned),
            site: "site".into(),
            durability: Durability::Process,
            owner: "a simulation".into(),
        };
        let (ledger, _) = Ledger::open(options)?;
        let sink = ledger.register_sink("peer", "played")?;
        let route = ledger.route(&[sink])?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let sinks: Vec<(SinkId, SinkPlan, Box<dyn sinks::Sink>)> =
            vec![(sink, sink_plan(), Box::new(peer.clone()))];
        let dispatch = Dispatch::start_at(tempo(), runtime.handle(), ledger.clone(), sinks, Arc::new(Nobody));
        let source = Rehearsal::begin(source_plan(case), route, &ledger, clock, Arc::new(Nobody))?;
        Ok(Self { source, _dispatch: dispatch, runtime, ledger, sink })
    }

    /// Lets the lane work for so long, by its own clock.
    pub(crate) fn deliver(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}

/// Without a random share, so that a seed replays.
fn tempo() -> Tempo {
    let fixed = |time| Backoff { floor: time, base: time, cap: time };
    let second = Duration::from_secs(1);
    Tempo {
        event: fixed(second),
        down: fixed(second),
        misconfigured: (second, second),
        ledger: second,
        slow: Duration::from_millis(100),
        grace: second,
    }
}

fn sink_plan() -> SinkPlan {
    SinkPlan {
        name: "peer".into(),
        // The kind does not matter: the sink is given.
        kind: SinkKind::Queue(QueueSink { retain: Duration::from_mins(1) }),
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout: Duration::from_secs(5),
    }
}

fn source_plan(case: &Case) -> SourcePlan {
    SourcePlan {
        name: "in".into(),
        path: "/played".into(),
        recursive: true,
        backend: Backend::Inotify,
        poll_interval: Duration::from_hours(1),
        poll_full: None,
        canary: false,
        rescan: case.rescan.map(Duration::from_secs),
        initial: Initial::Deliver,
        follow_symlinks: false,
        identity: IdentityRule::Inode,
        announce: Announce::Generations,
        reannounce: None,
        gap_events: false,
        streams: Vec::new(),
        rules: rules(case.rules),
    }
}

fn rules(set: RuleSet) -> Rules {
    let pattern = |text| Pattern::parse(text).expect("a pattern");
    let rule = |name: &str, include, completion| Rule {
        name: name.into(),
        include: vec![pattern(include)],
        exclude: Vec::new(),
        completion,
        to: vec!["peer".into()],
        shape: Shape::default(),
    };
    let quiet = Expr::All(vec![
        Expr::Clause(Clause::WriterGone),
        Expr::Clause(Clause::Quiet(Quiet::For(Duration::from_secs(2)))),
    ]);
    let rules = match set {
        RuleSet::Local => vec![rule("all", "*", Completion::local())],
        RuleSet::Sftp => vec![rule("all", "*", Completion::preset("sftp").expect("a preset"))],
        RuleSet::Network => vec![rule("all", "*", Completion::network(Duration::from_secs(10)))],
        RuleSet::Mixed => {
            vec![rule("quiet", "*.dat", Completion::of(quiet)), rule("all", "*", Completion::local())]
        }
    };
    Rules { rules, temp_names: vec![pattern("*.tmp")] }
}
