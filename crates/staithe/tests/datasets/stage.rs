//! An installation that is asked about single units: which events there were of a path, and why there is
//! none yet. And the writers of what it watches.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::Stamp;
use serde_json::Value;
use testkit::chance::Chance;
use testkit::{Landing, Scratch, patience, wait_for, wait_until};

use crate::STEP;

/// Between two questions to the running program.
const PAUSE: Duration = Duration::from_millis(30);

/// A rule that is asked last and announces single files after more quiet than any other rule here takes
/// for a wrong event: whatever was to come before, has come when such a file is announced.
const END: &str = r#"
    [[source.inbox.rule]]
    name = "end"
    include = ["end-*"]
    complete = { quiet = "2s" }

    [[source.inbox.rule]]
    name = "mark"
    include = ["mark-*"]
    complete = "local"
"#;

/// A running installation.
pub(crate) struct Stage {
    pub(crate) landing: Landing,
    marks: u32,
}

impl Stage {
    /// Not started yet. `source` goes into the source's table, `rules` follow it.
    pub(crate) fn new(label: &str, source: &str, rules: &str) -> Self {
        Self::with_sinks(label, source, rules, "")
    }

    /// The same with further sinks.
    pub(crate) fn with_sinks(label: &str, source: &str, rules: &str, sinks: &str) -> Self {
        let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory(label));
        landing.configure(&format!(
            r#"
            [source.inbox]
            path = "{{in}}"
            {source}
            {rules}
            {END}
            [sink.lines]
            type = "jsonl"
            path = "{{out}}/events.jsonl"
            {sinks}
            "#
        ));
        Self { landing, marks: 0 }
    }

    /// Started and ready.
    pub(crate) fn start(label: &str, source: &str, rules: &str) -> Self {
        let mut stage = Self::new(label, source, rules);
        stage.landing.start();
        stage
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.landing.root()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file by create, write, close. Says when, by the wall clock: not later than the close.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> SystemTime {
        write(&self.path(name), content.as_ref())
    }

    /// Every event so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        let text = fs::read_to_string(self.landing.out("events.jsonl")).unwrap_or_default();
        // The last line may be in the making.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| Event(serde_json::from_str(line).expect("a line is an event"))).collect()
    }

    /// Every event so far about this path.
    pub(crate) fn of(&self, path: &str) -> Vec<Event> {
        self.events().into_iter().filter(|event| event.path() == path).collect()
    }

    /// Waits until there are so many events about a path, and gives the last. More are a mistake.
    #[track_caller]
    pub(crate) fn wait_event(&self, path: &str, number: usize) -> Event {
        let begun = Instant::now();
        loop {
            let mut events = self.of(path);
            assert!(events.len() <= number, "too many events of {path}: {events:#?}");
            if events.len() == number
                && let Some(last) = events.pop()
            {
                return last;
            }
            let all = || self.events().iter().map(Event::shown).collect::<Vec<_>>();
            assert!(
                begun.elapsed() < patience(STEP),
                "no event {number} of {path}; {}; events: {:#?}",
                self.explain(path),
                all()
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// `explain --json`.
    #[track_caller]
    pub(crate) fn explain(&self, path: &str) -> Value {
        self.landing.explain(path.as_bytes())
    }

    /// Waits until `explain` says so, with words for people; gives the whole answer.
    #[track_caller]
    pub(crate) fn wait_answer(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.explain(path);
            if is_so(&answer) {
                assert!(answer["detail"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
                return answer;
            }
            assert!(begun.elapsed() < patience(STEP), "{path} is not {what}: {answer}");
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until the path waits for this reason; gives the reason's values.
    #[track_caller]
    pub(crate) fn wait_reason(&self, path: &str, reason: &str) -> Value {
        let answer = self.wait_answer(path, reason, |it| it["state"] == "waiting" && it["reason"] == reason);
        assert!(answer["next_check"].is_string(), "{answer}");
        answer["reason_args"].clone()
    }

    /// Waits until the path waits for this reason and these names are what is in its way.
    #[track_caller]
    pub(crate) fn wait_blocked(&self, path: &str, reason: &str, blocking: &[&str]) -> Value {
        let what = format!("{reason} because of {blocking:?}");
        let answer = self.wait_answer(path, &what, |it| {
            let named: Vec<&str> = names(&it["reason_args"]["blocking"]);
            it["state"] == "waiting" && it["reason"] == reason && named == blocking
        });
        answer["reason_args"].clone()
    }

    /// Waits until the path is in this state.
    #[track_caller]
    pub(crate) fn wait_state(&self, path: &str, state: &str) -> Value {
        self.wait_answer(path, state, |it| it["state"] == state)
    }

    /// Waits until everything that was done before has had its consequences.
    #[track_caller]
    pub(crate) fn settle(&mut self) {
        self.mark("end");
    }

    /// Waits until everything that was done before has been heard of. Not for a poller.
    #[track_caller]
    pub(crate) fn hear(&mut self) {
        self.mark("mark");
    }

    /// The same of what was done in this directory. What is done there from then on is heard of at once.
    #[track_caller]
    pub(crate) fn hear_in(&mut self, dir: &str) {
        self.mark(&format!("{dir}/mark"));
    }

    #[track_caller]
    fn mark(&mut self, begin: &str) {
        self.marks += 1;
        let name = format!("{begin}-{}", self.marks);
        self.write(&name, "x");
        self.wait_event(&name, 1);
    }

    /// Fails unless there are exactly so many events about each of these paths, after everything has had its
    /// consequences, and none about any other.
    #[track_caller]
    pub(crate) fn assert_only(&mut self, expected: &[(&str, usize)]) {
        self.settle();
        let events = self.events();
        let shown = || events.iter().map(Event::shown).collect::<Vec<_>>();
        for (path, number) in expected {
            let found = events.iter().filter(|event| event.path() == *path).count();
            assert_eq!(found, *number, "{path} in {:#?}", shown());
        }
        let is_mark = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.starts_with("end-") || name.starts_with("mark-")
        };
        let is_expected =
            |event: &Event| is_mark(event.path()) || expected.iter().any(|(path, _)| *path == event.path());
        assert!(events.iter().all(is_expected), "only {expected:?} in {:#?}", shown());
    }

    /// Waits until the ledger knows that everything announced so far is delivered.
    #[track_caller]
    pub(crate) fn wait_delivered(&self) {
        wait_until(STEP, "all to be delivered", || {
            let counts = &self.landing.status()["counts"];
            ["queued", "delivering", "retrying"].iter().all(|state| counts[state] == 0)
        });
    }

    /// Kills the program without warning and starts it again.
    #[track_caller]
    pub(crate) fn kill_and_start(&mut self) {
        self.landing.kill();
        self.landing.start();
    }

    /// Waits until the file is gone.
    #[track_caller]
    pub(crate) fn wait_absent(&self, name: &str) {
        wait_for(STEP, &format!("{name} to be deleted"), || (!self.path(name).exists()).then_some(()));
    }
}

/// How a poller is told to hurry.
pub(crate) const POLLING: &str = "backend = \"poll\"\npoll_interval = \"200ms\"\npoll_full = \"1s\"";

/// Plays a scenario with each way of noticing, at the same time. The scenario gets what goes into the
/// source's table.
#[track_caller]
pub(crate) fn with_each_backend(scenario: impl Fn(&str) + Sync) {
    let mut sources = vec![r#"backend = "inotify""#, POLLING];
    if rustix::process::geteuid().is_root() {
        sources.push(r#"backend = "fanotify""#);
    } else {
        eprintln!("SKIPPED fanotify: only root may watch a whole file system");
    }
    let scenario = &scenario;
    std::thread::scope(|scope| {
        let running: Vec<_> =
            sources.iter().map(|source| (source, scope.spawn(move || scenario(source)))).collect();
        for (source, scenario) in running {
            if let Err(panic) = scenario.join() {
                eprintln!("it failed with {source}");
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// The names in a list.
pub(crate) fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// One event in the native format.
#[derive(Clone)]
pub(crate) struct Event(Value);

impl fmt::Debug for Event {
    /// Without the members' names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0.clone();
        value["data"]["members"]["listed"] = "…".into();
        write!(f, "{value}")
    }
}

impl Event {
    pub(crate) fn data(&self) -> &Value {
        &self.0["data"]
    }

    pub(crate) fn path(&self) -> &str {
        self.data()["path"].as_str().expect("every event has a path")
    }

    pub(crate) fn id(&self) -> &str {
        self.0["id"].as_str().expect("every event has an id")
    }

    pub(crate) fn type_name(&self) -> &str {
        self.0["type"].as_str().expect("every event has a type")
    }

    pub(crate) fn generation(&self) -> u64 {
        self.data()["generation"].as_u64().expect("it has a generation")
    }

    pub(crate) fn members(&self) -> &Value {
        &self.data()["members"]
    }

    pub(crate) fn signals(&self) -> Vec<&str> {
        names(&self.data()["complete"]["signals"])
    }

    fn shown(&self) -> String {
        format!("{} {} generation {}", self.type_name(), self.path(), self.data()["generation"])
    }

    /// It tells of a complete unit of more than one file, with these members.
    #[track_caller]
    pub(crate) fn is_complete(&self, count: u64, size: u64) -> &Self {
        assert_eq!(self.type_name(), "staithe.dataset.complete", "{self:?}");
        assert_eq!(self.data()["kind"], "dataset", "{self:?}");
        assert_eq!(
            (&self.members()["count"], &self.members()["size"]),
            (&count.into(), &size.into()),
            "{self:?}"
        );
        assert_eq!(self.data()["size"], size, "{self:?}");
        self
    }

    /// It is the first about its path.
    #[track_caller]
    pub(crate) fn is_first(&self) -> &Self {
        assert_eq!((self.generation(), self.data().get("supersedes")), (1, None), "{self:?}");
        self
    }

    /// It takes the place of that one.
    #[track_caller]
    pub(crate) fn follows(&self, before: &Event) -> &Self {
        assert_eq!(self.data()["supersedes"], before.id(), "{self:?}");
        assert_eq!(self.generation(), before.generation() + 1, "{self:?}");
        assert_ne!(self.id(), before.id());
        self
    }

    /// It was made after this.
    #[track_caller]
    pub(crate) fn is_after(&self, moment: SystemTime) -> &Self {
        let made = self.0["time"].as_str().expect("every event has a time");
        let moment = stamp(moment).to_string();
        assert!(sortable(made) >= sortable(&moment), "early: made at {made}, finished at {moment}\n{self:?}");
        self
    }

    /// These signals were what the rule believed.
    #[track_caller]
    pub(crate) fn is_by(&self, signals: &[&str]) -> &Self {
        for signal in signals {
            assert!(self.signals().contains(signal), "{signal} in {self:?}");
        }
        self
    }
}

fn stamp(time: SystemTime) -> Stamp {
    let since = time.duration_since(UNIX_EPOCH).expect("it is after 1970");
    Stamp::new(since.as_secs() as i64, since.subsec_nanos())
}

/// Two of these compare as their times do, however many digits they are written with.
fn sortable(time: &str) -> String {
    let (seconds, fraction) =
        time.trim_end_matches('Z').split_once('.').unwrap_or((time.trim_end_matches('Z'), ""));
    format!("{seconds}.{fraction:0<9}")
}

/// Writes a file by create, write, close, in directories that are made for it.
pub(crate) fn write(path: &Path, content: &[u8]) -> SystemTime {
    fs::create_dir_all(path.parent().expect("a file lies in a directory"))
        .expect("the tree takes directories");
    let mut file = File::create(path).expect("the tree takes files");
    file.write_all(content).expect("files can be written");
    SystemTime::now()
}

/// The content of a member of that number.
pub(crate) fn content(number: usize) -> Vec<u8> {
    format!("member {number} {}", "x".repeat(number % 40)).into_bytes()
}

/// A directory that is being filled.
pub(crate) struct Dataset {
    dir: PathBuf,
    pub(crate) count: u64,
    pub(crate) size: u64,
    /// Not later than the end of the last write.
    pub(crate) finished: SystemTime,
}

impl Dataset {
    pub(crate) fn at(dir: PathBuf) -> Self {
        fs::create_dir_all(&dir).expect("the tree takes directories");
        Self { dir, count: 0, size: 0, finished: SystemTime::now() }
    }

    /// One more member.
    pub(crate) fn member(&mut self, name: &str, content: impl AsRef<[u8]>) -> &mut Self {
        let content = content.as_ref();
        self.finished = write(&self.dir.join(name), content);
        self.count += 1;
        self.size += content.len() as u64;
        self
    }

    /// So many members in directories of up to three levels, in random order.
    pub(crate) fn fill(&mut self, members: usize, chance: &mut Chance) -> &mut Self {
        let mut numbers: Vec<usize> = (0..members).collect();
        chance.shuffle(&mut numbers);
        for number in numbers {
            let name = match number % 3 {
                0 => format!("f{number}.dat"),
                1 => format!("sub{}/f{number}.dat", number % 7),
                _ => format!("sub{}/table{}/f{number}", number % 7, number % 13),
            };
            self.member(&name, content(number));
        }
        self
    }

    /// A member that stays open.
    pub(crate) fn open(&mut self, name: &str) -> File {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a directory"))
            .expect("the tree takes directories");
        self.count += 1;
        File::create(path).expect("the tree takes files")
    }

    /// Appends to an open member.
    pub(crate) fn append(&mut self, file: &mut File, content: &[u8]) {
        file.write_all(content).expect("files can be written");
        self.size += content.len() as u64;
    }

    /// Closes it.
    pub(crate) fn close(&mut self, file: File) {
        self.finished = SystemTime::now();
        drop(file);
    }

    /// Fails unless the event is the first of this dataset as it is, made after the last write.
    #[track_caller]
    pub(crate) fn is_in(&self, event: &Event) {
        event.is_first().is_complete(self.count, self.size).is_after(self.finished);
    }
}
