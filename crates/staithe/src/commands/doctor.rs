//! `staithe doctor`: what on this machine stands in the way, each finding with its fix.
//!
//! The reading of the machine (`machine`, `census`, `canary`) is apart from the judging (`limits`,
//! `trees`, `hidden`), which gets numbers and gives findings.

mod canary;
mod census;
mod finding;
mod hidden;
mod limits;
mod machine;
mod memory;
mod patience;
mod trees;

use std::os::unix::ffi::OsStrExt as _;

use config::{Backend, Plan, SourcePlan};
use model::text::safe;
use serde_json::{Value, json};
use sys::filesystem::{self, FileSystem};
use sys::{Dir, Errno, Mount, MountTable, mounts};

use crate::args::DoctorArgs;
use crate::client;
use crate::exit::{Exit, failure};
use crate::{holder, places};
use finding::{Finding, bad, good, note};
use limits::{Fanotify, Need};
use machine::Daemon;
use trees::{Census, End, Region};

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let loaded = args.config.as_ref().map(|config| super::run::load(config)).transpose();
    let plan = loaded.map_err(|text| failure(Exit::Usage, text))?.map(|loaded| loaded.plan);
    let visit = Visit::begin(args);
    let findings = visit.findings(plan.as_ref());
    if args.json {
        let listed: Vec<Value> = findings.iter().map(Finding::value).collect();
        client::print_line(&serde_json::to_vec(&json!({"findings": listed}))?)?;
    } else {
        for line in
            findings.iter().flat_map(|finding| finding.page().lines().map(str::to_owned).collect::<Vec<_>>())
        {
            client::print_line(line.as_bytes())?;
        }
    }
    Ok(if findings.iter().all(|finding| finding.ok) { Exit::Done } else { Exit::Degraded })
}

/// What is known before any source is looked at.
struct Visit {
    canary: bool,
    /// Of the state directory and of the ledger.
    memory: Vec<Finding>,
    uid: u32,
    daemon: Option<Daemon>,
    /// Whether the daemon may mark file systems for fanotify, as far as can be read.
    may_mark: Option<bool>,
    /// How this process sees the mounts.
    own: Vec<Mount>,
    /// How the one who is asked about sees them, and who that is.
    seen: (Vec<Mount>, String),
    /// How the machine sees them, if that may be read.
    host: Option<Vec<Mount>>,
}

impl Visit {
    fn begin(args: &DoctorArgs) -> Self {
        let daemon = Daemon::find(&args.client);
        let own = MountTable::open().and_then(|mut table| table.read()).unwrap_or_default();
        let of_daemon = daemon.and_then(|daemon| Some((mounts::of_process(daemon.pid).ok()?, daemon.name())));
        // Where the table of process 1 may not be read, ours stands for the machine's, if it is not
        // itself the one that is asked about.
        let host = mounts::of_process(1).ok().or_else(|| of_daemon.is_some().then(|| own.clone()));
        let seen = of_daemon.unwrap_or_else(|| (own.clone(), "this process".into()));
        let uid = rustix::process::geteuid().as_raw();
        let (memory, may_mark) = (remembering(args, daemon, uid), machine::may_mark(daemon));
        Self { canary: args.canary, memory, uid, daemon, may_mark, own, seen, host }
    }

    fn findings(&self, plan: Option<&Plan>) -> Vec<Finding> {
        let mut of_sources = Vec::new();
        let mut need = Need::default();
        let mut listening = 0;
        for source in plan.iter().flat_map(|plan| &plan.sources) {
            let census = self.source(source, &mut of_sources);
            need.number += census.watched;
            need.at_least |= census.end != End::Whole;
            listening += u64::from(census.watched > 0);
        }
        let mut findings = self.machine(plan, plan.map(|_| need), listening);
        findings.extend(self.memory.iter().cloned());
        findings.extend(plan.is_none().then(no_plan));
        findings.extend(of_sources);
        findings.extend(plan.iter().flat_map(|plan| sinks(plan)));
        findings
    }

    fn machine(&self, plan: Option<&Plan>, need: Option<Need>, listening: u64) -> Vec<Finding> {
        let (watches, instances) = machine::inotify(self.daemon);
        let asks = |source: &&SourcePlan| source.backend == Backend::Fanotify;
        let wanted = plan.iter().flat_map(|plan| plan.sources.iter().filter(asks));
        let fanotify = Fanotify {
            wanted: wanted.map(|source| source.name.clone()).collect(),
            whose: self.daemon.map_or_else(|| "a daemon started here".into(), Daemon::name),
            capable: self.may_mark,
            groups: sys::limits::max_fanotify_groups(),
            queue: sys::limits::max_fanotify_queue(),
        };
        let mut findings = vec![
            limits::watches(&watches, need),
            limits::instances(&instances, listening),
            limits::queue(sys::limits::max_queued_events()),
            limits::fanotify(&fanotify),
            limits::descriptors(&machine::descriptors(self.daemon)),
        ];
        findings.extend(self.other_user());
        findings.extend(self.host.is_none().then(hidden::not_compared));
        findings
    }

    /// What is said of permissions and limits is said of the user who asks.
    fn other_user(&self) -> Option<Finding> {
        let daemon = self.daemon?;
        let uid = daemon.uid.filter(|uid| *uid != self.uid)?;
        let text = format!(
            "{} runs as uid {uid}, and this is uid {}: what is said of permissions and limits holds for the latter",
            daemon.name(),
            self.uid
        );
        Some(note("W-USER", text, format!("sudo -u '#{uid}' staithe doctor …")))
    }

    /// Looks at one source; gives what its tree needs.
    fn source(&self, plan: &SourcePlan, findings: &mut Vec<Finding>) -> Census {
        let mut add = |finding: Finding| findings.push(finding.of(&plan.name));
        let path = plan.path.as_os_str().as_bytes();
        let (root, filesystem) = match look_at_root(plan) {
            Some(Ok(there)) => there,
            Some(Err(error)) => {
                add(no_root(path, error));
                return Census::default();
            }
            None => {
                let census = Census { end: End::Stuck, ..Census::default() };
                trees::walk(path, &census).into_iter().for_each(&mut add);
                return census;
            }
        };
        let regions = self.regions(&root, filesystem);
        for (_, region) in &regions {
            add(trees::region(region, plan.backend, plan.poll_interval));
        }
        self.hidden(&root).into_iter().for_each(&mut add);
        let heard = |trust| census::is_watched(plan.backend, trust, self.may_mark);
        let fates = regions.iter().map(|(below, region)| (below.clone(), heard(region.trust))).collect();
        let census = census::take(plan, fates);
        trees::walk(&root, &census).into_iter().for_each(&mut add);
        add(trees::permissions(&root, &census, self.uid));
        if self.canary || plan.canary {
            let relies =
                plan.backend != Backend::Poll && regions.first().is_some_and(|(_, root)| root.is_heard());
            fly(plan, &root, relies).into_iter().for_each(&mut add);
        }
        census
    }

    /// The root and the mounts below it, by their paths below it.
    fn regions(&self, root: &[u8], filesystem: FileSystem) -> Vec<(Vec<u8>, Region)> {
        let region = |path: &[u8], mount: &Mount| {
            let (kind, trust) = (mount.kind.clone(), filesystem::by_kind(&mount.kind).trust);
            Region { path: path.to_vec(), kind, trust }
        };
        let own = mounts::holding(&self.own, root).map_or_else(
            || Region { path: root.to_vec(), kind: filesystem.name.to_owned(), trust: filesystem.trust },
            |mount| region(root, mount),
        );
        let below = mounts::below(&self.own, root);
        let below = below.into_iter().map(|(below, mount)| (below, region(&mount.point, mount)));
        std::iter::once((Vec::new(), own)).chain(below).collect()
    }

    /// Whether the daemon sees what the machine sees.
    fn hidden(&self, root: &[u8]) -> Option<Finding> {
        let (seen, whose) = &self.seen;
        let difference = hidden::compare(root, seen, self.host.as_ref()?);
        Some(hidden::judge(difference.as_ref(), root, whose))
    }
}

/// Where the daemon remembers, or one started here would.
fn remembering(args: &DoctorArgs, daemon: Option<Daemon>, uid: u32) -> Vec<Finding> {
    // By the words and the environment that it was started with.
    let of_daemon = daemon.and_then(|daemon| holder::client_of(daemon.pid)?.state_dir);
    let client = &args.client;
    if of_daemon.is_none() && client.socket.is_some() && client.state_dir.is_none() {
        // It answers; where it remembers is not known.
        return daemon.and_then(|daemon| told(args, daemon, "its state directory")).into_iter().collect();
    }
    let dir = of_daemon.unwrap_or_else(|| places::state_dir(client.state_dir.as_deref()));
    let shown = safe(dir.as_os_str().as_bytes());
    let other = daemon.filter(|daemon| daemon.uid.is_some_and(|of_daemon| of_daemon != uid));
    let place = memory::judge(&dir, memory::look(&dir), other.map(Daemon::name).as_deref());
    std::iter::once(place).chain(daemon.and_then(|daemon| told(args, daemon, &shown))).collect()
}

/// What the daemon says of its ledger.
fn told(args: &DoctorArgs, daemon: Daemon, dir: &str) -> Option<Finding> {
    let status = client::call(&args.client, &json!({"cmd": "status"})).ok();
    memory::ledger(status.as_ref(), &daemon.name(), dir)
}

/// Without a configuration there is only the machine to look at.
fn no_plan() -> Finding {
    note(
        "I-CONFIG",
        "without -c no source and no sink was looked at, nor how many watches they need",
        "staithe doctor -c FILE, with the configuration of the daemon",
    )
}

/// Where the root really lies, and on which file system; nothing if there is no answer.
fn look_at_root(plan: &SourcePlan) -> Option<Result<(Vec<u8>, FileSystem), Errno>> {
    let path = plan.path.clone();
    patience::ask(move || {
        let dir = Dir::open_root(&path)?;
        let root = dir.real_path().unwrap_or_else(|| path.as_os_str().as_bytes().to_vec());
        Ok((root, filesystem::of(&dir)))
    })
}

/// Sends a canary; `relies`: the source relies on events at its root.
fn fly(plan: &SourcePlan, root: &[u8], relies: bool) -> Vec<Finding> {
    let path = plan.path.clone();
    match patience::ask(move || canary::fly(&path)) {
        Some(Ok(flight)) => vec![trees::canary(root, &flight, relies), trees::clock(root, &flight)],
        Some(Err(error)) => vec![trees::no_canary(root, &error.to_string())],
        None => vec![trees::no_canary(root, "the file system does not answer")],
    }
}

fn no_root(path: &[u8], error: Errno) -> Finding {
    let path = safe(path);
    match error {
        Errno::ACCESS | Errno::PERM => bad(
            "W-PERM",
            format!(
                "{path} cannot be opened ({error}): nothing of it arrives until permission is given, then all does"
            ),
            "give this user read and search permission on it and search permission on all directories above",
        ),
        _ => bad(
            "E-ROOT",
            format!(
                "{path} cannot be opened ({error}): it is waited for; what is in it arrives when it comes"
            ),
            "make the directory, or mount what belongs there, or correct `path` in the configuration",
        ),
    }
}

fn sinks(plan: &Plan) -> Vec<Finding> {
    let look = |sink: &config::SinkPlan| match engine::probe_sink(sink) {
        None => good("E-SINK", format!("sink {}: {} answers", sink.name, sink.kind.name())),
        Some(warning) => bad(
            "E-SINK",
            format!("{}; its events are kept in the ledger until it takes them", safe(warning.as_bytes())),
            format!("mend what is said, or take sink {} out of the configuration", sink.name),
        ),
    };
    plan.sinks.iter().map(look).collect()
}
