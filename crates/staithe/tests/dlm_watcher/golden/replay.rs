//! Performs a recorded scenario with the drop-in, and compares.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::dlm::{Dlm, Scenario, golden};
use testkit::wait_until;

use super::change::Change;
use super::product::{Story, parents_first};
use super::sent::{received, recorded};
use crate::stage::{HOST, PATIENCE, SOURCE, Stage, Watcher, by_product, short};

/// Ten bytes: what the recorded files hold unless something else is said.
pub(super) const TEN: &str = "0123456789";

/// In the default mode a product is taken when it has been quiet for so many seconds; the usual five make no difference.
const QUIET: &str = "1";

/// A scenario and what is expected of its replays.
pub(super) struct Replay {
    pub(super) id: &'static str,
    setup: fn(&Stage),
    act: fn(&mut Run),
    /// Whether what is done begins when the program says that it is ready.
    when_ready: bool,
    pub(super) strict: Expected,
    pub(super) default: Expected,
}

/// What a replay gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// What was recorded.
    Recorded,
    /// What was recorded, but for these.
    But(&'static [Change]),
    /// For these reasons other requests: those of each product, in short, in order.
    Instead(&'static [Change], &'static [(&'static str, &'static str)]),
    /// It is not replayed.
    NotReplayed(&'static [Change]),
}

impl Expected {
    pub(super) fn changes(self) -> &'static [Change] {
        match self {
            Expected::Recorded => &[],
            Expected::But(changes) | Expected::Instead(changes, _) | Expected::NotReplayed(changes) => {
                changes
            }
        }
    }
}

impl Replay {
    pub(super) fn of(id: &'static str, act: fn(&mut Run)) -> Self {
        let (strict, default) = (Expected::Recorded, Expected::Recorded);
        Self { id, setup: |_| {}, act, when_ready: true, strict, default }
    }

    pub(super) fn after(mut self, setup: fn(&Stage)) -> Self {
        self.setup = setup;
        self
    }

    /// What is done begins with the start of the program.
    pub(super) fn at_once(mut self) -> Self {
        self.when_ready = false;
        self
    }

    pub(super) fn strict(mut self, expected: Expected) -> Self {
        self.strict = expected;
        self
    }

    pub(super) fn default(mut self, expected: Expected) -> Self {
        self.default = expected;
        self
    }

    pub(super) fn both(self, expected: Expected) -> Self {
        self.strict(expected).default(expected)
    }

    fn scenario(&self) -> &'static Scenario {
        golden().scenario(self.id)
    }

    /// Performs it in one mode; fails with both stories if they differ.
    pub(super) fn perform(&self, strict: bool) {
        let expected = if strict { self.strict } else { self.default };
        if matches!(expected, Expected::NotReplayed(_)) {
            return;
        }
        let stage = Stage::with(Dlm::builder().usual_state().start());
        let scenario = self.scenario();
        if scenario.requests.iter().all(|one| !one.path.ends_with("/init_storage")) {
            stage.dlm.add_storage(SOURCE, stage.watched().to_str().expect("a plain name"), "GAS");
        }
        (self.setup)(&stage);
        let watcher = stage.spawn(&mut command(&stage, scenario, &scenario.args, strict));
        let mut run = Run {
            stage,
            watcher: Some(watcher),
            scenario,
            strict,
            from: 0,
            end: None,
            resumption: 0..0,
            last: true,
        };
        if self.when_ready {
            run.ready();
        }
        let played = catch_unwind(AssertUnwindSafe(|| {
            (self.act)(&mut run);
            run.finish(expected);
        }));
        if let Err(payload) = played {
            eprintln!("{} {}", self.id, run.log());
            resume_unwind(payload);
        }
    }
}

fn command(stage: &Stage, scenario: &Scenario, args: &[String], strict: bool) -> std::process::Command {
    let mut command = stage.bare();
    if !strict {
        command.args(["--dir-updates-wait-time", QUIET]);
    }
    let watched = stage.watched().into_os_string().into_string().expect("a plain name");
    let values = [
        ("$WATCH_DIR", watched),
        ("http://<ingest-service>", stage.dlm.ingest().url()),
        ("http://<request-service>", stage.dlm.request().url()),
        ("http://<storage-service>", stage.dlm.storage().url()),
        ("http://<migration-service>", stage.dlm.migration().url()),
        ("<watcher-host>", HOST.to_owned()),
    ];
    let filled =
        |text: &String| values.iter().fold(text.clone(), |text, (mark, value)| text.replace(mark, value));
    command.args(args.iter().map(filled));
    command.arg("--readiness-probe-file").arg(stage.ready_file()).arg("--state-dir").arg(stage.state_dir());
    if strict {
        command.arg("--dlm-strict");
    }
    if scenario.is_r21() {
        command.args(["--dlm-compat", "2.1"]);
    }
    command.envs(scenario.env.iter().map(|(name, value)| (name, filled(value))));
    command
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Code(i32),
    Signal,
}

impl End {
    fn of(code: Option<i32>) -> Self {
        code.map_or(Self::Signal, Self::Code)
    }
}

/// A scenario under way.
pub(super) struct Run {
    pub(super) stage: Stage,
    watcher: Option<Watcher>,
    scenario: &'static Scenario,
    pub(super) strict: bool,
    /// Requests before this one are not listed in the recording.
    from: usize,
    /// How it ended, once it has.
    end: Option<End>,
    /// The requests until a resumption was ready.
    resumption: Range<usize>,
    /// Whether a last file is to show that everything before it was noticed.
    last: bool,
}

impl Run {
    #[track_caller]
    pub(super) fn ready(&mut self) {
        self.stage.wait_ready();
        if self.scenario.requests_from.as_deref() == Some("first request after readiness") && self.from == 0 {
            self.from = self.stage.dlm.total();
        }
    }

    pub(super) fn watcher(&mut self) -> &mut Watcher {
        self.watcher.as_mut().expect("it was started")
    }

    pub(super) fn watched(&self) -> PathBuf {
        self.stage.watched()
    }

    /// Makes a file of the watched directory with ten bytes.
    pub(super) fn create(&self, name: &str) {
        self.write(name, TEN);
    }

    /// Makes a file of the watched directory. In strict mode it is registered at once, as it is then; so there it appears
    /// with its content, lest a busy machine comes between the two.
    pub(super) fn write(&self, name: &str, content: &str) {
        if !self.strict || name.contains('/') {
            return self.stage.write(name, content);
        }
        let whole = self.stage.beside().join(name);
        fs::write(&whole, content).expect("there is room");
        fs::hard_link(whole, self.watched().join(name)).expect("one file system");
    }

    /// The same for several.
    pub(super) fn create_all(&self, names: &[&str]) {
        for name in names {
            self.create(name);
        }
    }

    /// Does something that the watcher sees at one go.
    pub(super) fn frozen(&mut self, act: impl FnOnce(&Self)) {
        let watcher = self.watcher.take().expect("it was started");
        watcher.while_frozen(|| act(self));
        self.watcher = Some(watcher);
    }

    /// A pause that was part of the recording.
    #[allow(clippy::unused_self, reason = "what is done in a run is said of the run")]
    pub(super) fn pause(&self, seconds: f64) {
        std::thread::sleep(Duration::from_secs_f64(seconds));
    }

    /// Waits until an item was registered and copied.
    #[track_caller]
    pub(super) fn copied(&self, name: &str) {
        let what = format!("the copy of {name}");
        self.stage.dlm.wait_for(PATIENCE, &what, |all| {
            all.iter().any(|one| {
                one.operation() == "copy_data_item"
                    && one.item_name.as_deref() == Some(name)
                    && one.status.is_some()
            })
        });
    }

    /// Waits until something was asked about an item.
    #[track_caller]
    pub(super) fn asked(&self, name: &str) {
        self.stage.dlm.wait_for(PATIENCE, &format!("a request about {name}"), |all| {
            all.iter().any(|one| one.item_name.as_deref() == Some(name))
        });
    }

    /// Waits until the log says something.
    #[track_caller]
    pub(super) fn says(&mut self, part: &str) {
        let watcher = self.watcher();
        wait_until(PATIENCE, &format!("the log to say {part}"), || watcher.says(part));
    }

    /// Ends it, and keeps the exit code.
    #[track_caller]
    pub(super) fn terminate(&mut self) {
        self.end = Some(End::of(self.watcher().terminate()));
    }

    pub(super) fn kill(&mut self) {
        self.watcher().kill();
        self.end = Some(End::Signal);
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(super) fn ends(&mut self) {
        self.end = Some(End::of(self.watcher().process.wait_exit(PATIENCE).code()));
    }

    /// Waits until it ends by itself, or goes on.
    #[track_caller]
    pub(super) fn ends_or_is_ready(&mut self) {
        wait_until(PATIENCE, "the end or readiness", || {
            !self.watcher().is_running() || self.stage.is_ready()
        });
        if !self.watcher().is_running() {
            self.ends();
        }
    }

    /// Starts it again with other arguments.
    #[track_caller]
    pub(super) fn restart(&mut self, more: &[&str]) {
        let args: Vec<String> =
            self.scenario.args.iter().cloned().chain(more.iter().map(|&word| word.to_owned())).collect();
        let command = &mut command(&self.stage, self.scenario, &args, self.strict);
        self.watcher = Some(self.stage.spawn(command));
        self.end = None;
        self.stage.wait_ready();
    }

    /// Starts it again as before, in a scenario whose recording ends before that.
    #[track_caller]
    pub(super) fn resume(&mut self) {
        let from = self.stage.dlm.total();
        fs::remove_file(self.stage.ready_file()).ok();
        self.restart(&[]);
        self.resumption = from..self.stage.dlm.total();
    }

    /// Nothing more is put into the watched directory: nothing that comes last would be noticed.
    pub(super) fn no_last(&mut self) {
        self.last = false;
    }

    /// The last thing that is put into the watched directory: when it is copied, everything before it was noticed. No two
    /// runs share the name, because they all write the original's one status file, which one of them reads.
    fn last_name(&self) -> String {
        let folder = self.stage.scratch.path().file_name().expect("it has a name");
        format!("zz-last-{}", folder.display())
    }

    fn finish(&mut self, expected: Expected) {
        let wanted = self.wanted(expected);
        if self.end.is_none() && self.last {
            let last = self.last_name();
            self.create(&last);
            self.copied(&last);
            self.idle();
        }
        let patience = Instant::now() + Duration::from_secs(20);
        while self.gives(expected) != wanted && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.end.is_none() {
            self.terminate();
        }
        let given = self.gives(expected);
        assert!(given == wanted, "{}", self.difference(&wanted, &given));
        let requests = self.stage.dlm.requests();
        assert!(
            parents_first(&received(&self.stage, &requests, self.strict)),
            "a child before its directory"
        );
        assert!(self.stage.dlm.overlapping().is_empty(), "two registrations of one name at once");
        let recorded = self.scenario.exit_code.and_then(|code| i32::try_from(code).ok());
        let recorded = End::of(recorded.filter(|code| *code >= 0));
        let may_fail = expected.changes().contains(&Change::NotRepeatedAtOnce);
        let otherwise = expected.changes().iter().find_map(|change| change.exit_code()).map(End::Code);
        if !may_fail || self.end != Some(End::Code(1)) {
            assert_eq!(self.end, Some(otherwise.unwrap_or(recorded)), "its end (recorded: {recorded:?})");
        }
    }

    /// Waits until no product is to be handled any more.
    pub(super) fn idle(&self) {
        let open = |status: &Value| {
            let counts = &status["counts"];
            let count = |name: &str| counts[name].as_u64().unwrap_or(1);
            ["waiting", "queued", "delivering", "retrying"].map(count).iter().sum::<u64>()
        };
        wait_until(PATIENCE, "nothing to be left", || open(&self.stage.status()) == 0);
    }

    fn wanted(&self, expected: Expected) -> Vec<String> {
        let changes = expected.changes();
        let mut story = Story::of(&recorded(self.scenario));
        if changes.contains(&Change::BothSpellings) || changes.contains(&Change::ArrangedAgain) {
            story.start = Story::of(&recorded(golden().scenario("A03"))).start;
        } else if changes.contains(&Change::NotRepeatedAtOnce) && self.end == Some(End::Code(1)) {
            story.start.truncate(1);
        }
        if self.scenario.raw["requests_truncated_to"].is_number() {
            let product = story.products.get_mut("dp").expect("it is the product");
            product.complete("c049", (0..60).map(|at| format!("c{at:03}")));
        }
        match expected {
            Expected::Instead(_, products) => {
                let mut lines = story.start;
                for (name, steps) in products {
                    lines.push(format!("— {name}"));
                    lines.extend(steps.split(", ").map(str::to_owned));
                }
                lines
            }
            other => {
                for change in other.changes().iter().filter(|change| change.is_general()) {
                    let before = story.clone();
                    change.apply(&mut story, self.scenario.is_r21());
                    assert!(story != before, "{change:?} changes nothing and must not be listed");
                }
                story.lines()
            }
        }
    }

    fn gives(&self, expected: Expected) -> Vec<String> {
        let mut requests = self.stage.dlm.requests().split_off(self.from);
        let last = self.last_name();
        let was_stopped = expected.changes().contains(&Change::StopsInTime);
        requests.retain(|one| {
            let of_resumption = one.item_name.is_none() && self.resumption.contains(&one.number);
            let of_follower = !self.strict && one.operation() == "get_migration";
            // Whether what was in hand when it was stopped had been done.
            let doubt = one.operation() == "query_data_item" && one.param("uid").is_none();
            let dropped = of_resumption || of_follower || (was_stopped && doubt);
            one.item_name.as_deref() != Some(&last) && !dropped
        });
        if let Expected::But(changes) = expected
            && changes.iter().any(|change| change.repeats())
        {
            requests.truncate(self.wanted(expected).len());
        }
        match expected {
            Expected::Instead(..) => {
                let mut products: BTreeMap<_, _> = by_product(requests);
                let start = products.remove("").unwrap_or_default();
                let mut lines = Story::of(&received(&self.stage, &start, self.strict)).start;
                for (name, requests) in products {
                    lines.push(format!("— {name}"));
                    lines.extend(requests.iter().map(short));
                }
                lines
            }
            _ => Story::of(&received(&self.stage, &requests, self.strict)).lines(),
        }
    }

    fn difference(&self, wanted: &[String], given: &[String]) -> String {
        let mut text = format!("{}\n  wanted:\n", self.scenario.title);
        for line in wanted {
            let _ = writeln!(text, "  {} {line}", if given.contains(line) { " " } else { "-" });
        }
        text.push_str("  received:\n");
        for line in given {
            let _ = writeln!(text, "  {} {line}", if wanted.contains(line) { " " } else { "+" });
        }
        text
    }

    /// The last of the log.
    fn log(&self) -> String {
        let mut text = "log:\n".to_owned();
        let log = self.watcher.as_ref().map(Watcher::records).unwrap_or_default();
        for record in log.iter().skip(log.len().saturating_sub(12)) {
            let _ = writeln!(text, "    {} {}", record.level, record.message);
        }
        text
    }
}
