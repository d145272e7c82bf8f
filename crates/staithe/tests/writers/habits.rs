//! Bad habits of writers, and what each preset makes of them. The table is the documentation.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::process::Command;
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use testkit::Scratch;

use crate::steps::{Steps, compiled};
use crate::trace::Outcome::{Fragment, Nothing, Versions, Waiting, Whole};
use crate::trace::{Outcome, Trace, Trust};
use crate::watched::{Rule, Seen, Watched};
use crate::{TMPFS, ground, is_on, soon};

/// A preset under test.
struct Preset {
    rule: Rule,
    trust: Trust,
}

/// A habit, and what each preset makes of it, in the order of [`PRESETS`].
struct Habit {
    name: &'static str,
    write: fn(&Watched) -> Trace,
    outcomes: [Outcome; PRESETS.len()],
}

/// What `network` has to see quiet here; by default it is ten seconds.
const QUIET: Duration = Duration::from_secs(1);
/// A stop above the quiet time of every preset here, by more than a busy machine adds.
const REST: Duration = Duration::from_millis(2_700);
/// A stop below it.
const BREATH: Duration = Duration::from_millis(80);

const PRESETS: [Preset; 6] = [
    Preset { rule: Rule::new("local", r#""local""#), trust: Trust::closed_and_quiet(Duration::ZERO) },
    Preset {
        rule: Rule {
            source: r#"rescan = "1s""#,
            ..Rule::new("network", r#"{ preset = "network", quiet = "1s" }"#)
        },
        trust: Trust { quiet: QUIET, sees_writers: false, wants_mark: false },
    },
    Preset {
        rule: Rule::new("sftp", r#"{ preset = "sftp", quiet = "1s" }"#),
        trust: Trust::closed_and_quiet(QUIET),
    },
    Preset {
        rule: Rule::new("rsync", r#"{ preset = "rsync", quiet = "1s" }"#),
        trust: Trust::closed_and_quiet(QUIET),
    },
    Preset {
        rule: Rule::new("scanner", r#""scanner""#),
        trust: Trust::closed_and_quiet(Duration::from_secs(5)),
    },
    Preset {
        rule: Rule::new("done-file", r#""done-file""#),
        trust: Trust { quiet: Duration::ZERO, sees_writers: true, wants_mark: true },
    },
];

#[rustfmt::skip]
static HABITS: [Habit; 10] = [
    //                                                  local     network   sftp      rsync     scanner   done-file
    habit("pauses with the file open",     pauses,    [Whole,    Versions, Whole,    Whole,    Whole,    Waiting]),
    habit("opens and appends 20 times",    appends,   [Versions, Versions, Versions, Versions, Whole,    Waiting]),
    habit("patches the header afterwards", patches,   [Versions, Versions, Versions, Versions, Whole,    Waiting]),
    habit("is killed half-way",            killed,    [Fragment, Fragment, Fragment, Fragment, Fragment, Waiting]),
    habit("is killed, but wrote `.part`",  aside,     [Nothing,  Nothing,  Nothing,  Nothing,  Nothing,  Nothing]),
    habit("stores through a mapping",      maps,      [Whole,    Versions, Whole,    Whole,    Whole,    Waiting]),
    habit("is one of two on one file",     two,       [Whole,    Versions, Whole,    Whole,    Whole,    Waiting]),
    habit("leaves the file to a child",    bequeaths, [Whole,    Versions, Whole,    Whole,    Whole,    Waiting]),
    habit("writes and closes",             behaves,   [Whole,    Whole,    Whole,    Whole,    Whole,    Waiting]),
    habit("comes back, then marks it",     marks,     [Versions, Versions, Versions, Versions, Whole,    Whole]),
];

const fn habit(
    name: &'static str,
    write: fn(&Watched) -> Trace,
    outcomes: [Outcome; PRESETS.len()],
) -> Habit {
    Habit { name, write, outcomes }
}

struct Run {
    traces: Vec<(&'static Habit, Trace)>,
    seen: Seen,
}

/// One run for all presets.
static RUN: LazyLock<Run> = LazyLock::new(|| {
    let rules: Vec<Rule> = PRESETS.iter().map(|preset| preset.rule).collect();
    let watched = Watched::start(ground("habits"), &rules, |_| ());
    let traces: Vec<(&Habit, Trace)> = std::thread::scope(|scope| {
        let start = |habit: &'static Habit| (habit, scope.spawn(|| (habit.write)(&watched)));
        let writers: Vec<_> = HABITS.iter().map(start).collect();
        writers.into_iter().map(|(habit, writer)| (habit, writer.join().expect("it wrote"))).collect()
    });
    let deadline = soon();
    for (number, preset) in PRESETS.iter().enumerate() {
        watched.wait_for(preset.rule.name, deadline, |receipts| {
            let is_due = |outcome| !matches!(outcome, Nothing | Waiting);
            let mut due = traces.iter().filter(|(habit, _)| is_due(habit.outcomes[number]));
            due.all(|(_, trace)| trace.is_unseen(preset.trust) || trace.is_through(receipts))
        });
    }
    Run { traces, seen: watched.finish(waiting(), deadline) }
});

/// How many units wait at the end.
fn waiting() -> u64 {
    let outcomes = HABITS.iter().flat_map(|habit| habit.outcomes);
    outcomes.filter(|outcome| *outcome == Waiting).count() as u64
}

/// All rows hold under this preset.
fn check(name: &str) {
    let run = &*RUN;
    let number = PRESETS.iter().position(|preset| preset.rule.name == name).expect("a preset of ours");
    let mut wrong = Vec::new();
    let trust = PRESETS[number].trust;
    for (habit, trace) in &run.traces {
        if trace.is_unseen(trust) {
            eprintln!("SKIPPED {name}: {}: in memory, stores through a mapping change no times", habit.name);
            continue;
        }
        let offences = trace.offences(trust, habit.outcomes[number], run.seen.by(name));
        println!("{name}: {}: {:?} {offences:?}", habit.name, habit.outcomes[number]);
        wrong.extend(offences.into_iter().map(|offence| format!("{}: {offence}", habit.name)));
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    if HABITS.iter().any(|habit| habit.outcomes[number] == Waiting) {
        assert_eq!(run.seen.waiting(), waiting());
    }
}

#[test]
fn each_habit_has_its_outcome_under_local() {
    check("local");
}

#[test]
fn each_habit_has_its_outcome_under_network() {
    check("network");
}

#[test]
fn each_habit_has_its_outcome_under_sftp() {
    check("sftp");
}

#[test]
fn each_habit_has_its_outcome_under_rsync() {
    check("rsync");
}

#[test]
fn each_habit_has_its_outcome_under_scanner() {
    check("scanner");
}

#[test]
fn each_habit_has_its_outcome_under_done_file() {
    check("done-file");
}

fn create(watched: &Watched, name: &str) -> File {
    File::create(watched.root().join(name)).expect("the tree takes files")
}

fn put(file: &mut File, text: &str) {
    file.write_all(text.as_bytes()).expect("there is room");
}

/// Keeps it open, and stops for longer than anybody waits.
fn pauses(watched: &Watched) -> Trace {
    let mut trace = Trace::new("pauses");
    let mut file = trace.step("", true, || create(watched, "pauses"));
    trace.step("one", true, || put(&mut file, "one"));
    sleep(REST);
    trace.step("onetwo", true, || put(&mut file, "two"));
    trace.step("onetwo", false, || drop(file));
    trace
}

/// As a log is written, or by a program that is called again and again; in the middle it rests.
fn appends(watched: &Watched) -> Trace {
    let mut trace = Trace::new("appends");
    let mut content = String::new();
    for number in 0..20 {
        let line = format!("line {number}\n");
        content.push_str(&line);
        trace.step(&content, false, || {
            let open = OpenOptions::new().create(true).append(true).open(watched.root().join("appends"));
            put(&mut open.expect("the tree takes files"), &line);
        });
        sleep(if number == 9 { REST } else { BREATH });
    }
    trace
}

/// Writes everything, then once more opens the file to write a length into its beginning.
fn patches(watched: &Watched) -> Trace {
    let mut trace = Trace::new("patches");
    trace.step("length ? and data", false, || put(&mut create(watched, "patches"), "length ? and data"));
    sleep(REST);
    let open = || OpenOptions::new().write(true).open(watched.root().join("patches"));
    let mut file = trace.step("length ? and data", true, || open().expect("it is there"));
    trace.step("length 4 and data", true, || {
        file.seek(std::io::SeekFrom::Start(7)).expect("it is a file");
        put(&mut file, "4");
    });
    trace.step("length 4 and data", false, || drop(file));
    trace
}

const HALF: &str = "the first half, ";
const REST_OF_IT: &str = "and the second";
const WHOLE: &str = "the first half, and the second";
/// Opens the file, and writes one half a step.
const BY_HALVES: &str =
    r#"exec 3>"$1"; read x; printf %s "$2" >&3; echo done; read x; printf %s "$3" >&3; echo done; read x"#;

/// The kernel closes its file: nobody can tell a dead writer's file from a finished one by looking.
fn killed(watched: &Watched) -> Trace {
    dies(watched, "killed")
}

/// What protects from it: a name that says that the file is not finished.
fn aside(watched: &Watched) -> Trace {
    dies(watched, "killed.part")
}

fn dies(watched: &Watched, name: &'static str) -> Trace {
    let mut trace = Trace::new(name);
    let mut writer = Steps::sh(BY_HALVES, &watched.root().join(name), HALF, REST_OF_IT);
    trace.step(HALF, true, || writer.step());
    sleep(REST);
    trace.step(HALF, false, || writer.kill());
    trace
}

/// Its descriptor is closed before the first byte is stored; the mapping keeps the file open for
/// writing. The kernel tells of no store.
fn maps(watched: &Watched) -> Trace {
    let mut trace = Trace::new("maps");
    let scratch = Scratch::on_disk("mapped");
    let program = compiled(include_str!("mapped.c"), scratch.path(), "mapped");
    let zeros = "\0".repeat(WHOLE.len());
    let mut writer = Steps::start(&mut Command::new(program), &watched.root().join("maps"), HALF, REST_OF_IT);
    let half = format!("{HALF}{}", &zeros[HALF.len()..]);
    trace.is_untold = is_on(&watched.root(), TMPFS);
    trace.step(&half, true, || writer.step());
    sleep(REST);
    trace.step(WHOLE, true, || writer.step());
    // A later store is found by comparing, while the mapping is still there.
    if !trace.is_untold {
        watched.wait_for("network", soon(), |receipts| trace.is_through(receipts));
    }
    trace.step(WHOLE, false, || writer.step());
    trace
}

fn two(watched: &Watched) -> Trace {
    let mut trace = Trace::new("two");
    let mut one = create(watched, "two");
    let mut other = OpenOptions::new().append(true).open(watched.root().join("two")).expect("it is there");
    trace.step(HALF, true, || put(&mut one, HALF));
    drop(one);
    sleep(REST);
    trace.step(WHOLE, true, || put(&mut other, REST_OF_IT));
    trace.step(WHOLE, false, || drop(other));
    trace
}

/// The child has inherited the descriptor and writes on when its parent is gone.
fn bequeaths(watched: &Watched) -> Trace {
    let script = r#"exec 3>"$1" 4<&0; read x; printf %s "$2" >&3
        (read x <&4; printf %s "$3" >&3; echo done; read x <&4; exec 3>&-; echo done) &
        echo done"#;
    let mut trace = Trace::new("bequeaths");
    let mut writer = Steps::sh(script, &watched.root().join("bequeaths"), HALF, REST_OF_IT);
    trace.step(HALF, true, || writer.step());
    writer.wait();
    sleep(REST);
    trace.step(WHOLE, true, || writer.step());
    trace.step(WHOLE, false, || writer.step());
    trace
}

fn behaves(watched: &Watched) -> Trace {
    let mut trace = Trace::new("behaves");
    let mut file = create(watched, "behaves");
    trace.step(WHOLE, true, || put(&mut file, WHOLE));
    trace.step(WHOLE, false, || drop(file));
    trace
}

/// Lets it lie as if it were finished, goes on, and says by a second file when it is.
fn marks(watched: &Watched) -> Trace {
    let mut trace = Trace::new("marks");
    trace.step(HALF, false, || put(&mut create(watched, "marks"), HALF));
    sleep(REST);
    trace.step(WHOLE, false, || {
        let open = OpenOptions::new().append(true).open(watched.root().join("marks"));
        put(&mut open.expect("it is there"), REST_OF_IT);
    });
    sleep(REST);
    trace.mark(WHOLE, || drop(create(watched, "marks.done")));
    trace
}
