//! A file system that stands still: whoever writes to it waits until it goes on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::proof::{Row, skip};
use testkit::{Collector, Filesystem, Landing, Process, Scratch, Truth, Volume, judge, wait_until};

use crate::{STEP, landing};

/// For so long nothing moves there. The source on it is caught within half of it.
const FROZEN: Duration = Duration::from_secs(9);
/// Within this a command must have answered meanwhile; starting a process takes some of it on a busy machine.
const ANSWER: Duration = Duration::from_secs(3);
/// Files that arrive elsewhere meanwhile.
const NEAR: usize = 20;

/// A marker is deleted when its unit is delivered: that is a write, so the source's thread will stand still.
const PLAN: &str = r#"
[source.frozen]
path = "{volume}"
[[source.frozen.rule]]
name = "marked"
include = ["*.dat"]
complete = { all = ["writer_gone", { marker = { name = "{name}.done", after = "delete" } }] }
to = ["frozen"]
[source.near]
path = "{in}"
[[source.near.rule]]
name = "all"
include = ["*"]
to = ["near"]
[sink.frozen]
type = "jsonl"
path = "{out}/frozen.jsonl"
[sink.near]
type = "jsonl"
path = "{out}/near.jsonl"
"#;

/// Freezes it for a while, if that can be done here. The thaw is started before: whoever writes to a frozen file system
/// cannot even be killed.
fn freeze(point: &Path) -> Option<Process> {
    let seconds = FROZEN.as_secs();
    let mut thaw = Command::new("sh");
    thaw.arg("-c").arg(format!("sleep {seconds}; exec fsfreeze --unfreeze \"$0\"")).arg(point);
    let mut thaw = Process::spawn("thaw", &std::env::temp_dir(), &mut thaw);
    let frozen = Command::new("fsfreeze").arg("--freeze").arg(point).stderr(Stdio::null()).status();
    if frozen.is_ok_and(|status| status.success()) {
        return Some(thaw);
    }
    thaw.wait_exit(STEP);
    None
}

/// A file and its marker.
fn mark(inbox: &Path, name: &str, truth: &mut Truth) {
    truth.write(inbox, name.as_bytes(), b"data");
    fs::write(inbox.join(format!("{name}.done")), b"").expect("the volume takes a marker");
}

/// Whether a thread of that name waits in the kernel for something that cannot be interrupted.
fn is_caught(process: u32, name: &str) -> bool {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    stats.into_iter().any(|stat| {
        let (front, rest) = stat.rsplit_once(')').unwrap_or_default();
        front.ends_with(&format!("({name}")) && rest.trim_start().starts_with('D')
    })
}

fn call(landing: &Landing, words: &[&str]) {
    landing.call(words).assert_code(0);
}

#[test]
fn a_file_system_that_stands_still_holds_up_itself_and_nobody_else() {
    let row = Row::new("E08");
    let volume = match Volume::new(Filesystem::Ext4) {
        Ok(volume) => volume,
        Err(why) => return skip("E08", &why),
    };
    let inbox = volume.path().join("in");
    fs::create_dir(&inbox).expect("the volume takes a folder");
    let mut landing = landing(Scratch::in_memory("frozen"));
    landing.configure(&PLAN.replace("{volume}", inbox.to_str().expect("a plain name")));
    landing.start();
    let near = Collector::tail(&landing.out("near.jsonl"), &landing.root());
    let far = Collector::tail(&landing.out("frozen.jsonl"), &inbox);
    let (mut there, mut here) = (Truth::default(), Truth::default());
    // It is delivered when the file system stands still already, and then its marker is to go.
    call(&landing, &["pause", "frozen"]);
    mark(&inbox, "before.dat", &mut there);
    wait_until(STEP, "the unit to be queued", || landing.status()["counts"]["queued"] == 1);

    let Some(mut thaw) = freeze(volume.path()) else { return skip("E08", "fsfreeze does not work") };
    let begun = Instant::now();
    call(&landing, &["resume", "frozen"]);
    far.wait_for(1, STEP);
    let process = landing.daemon().id();
    wait_until(FROZEN, "the source to be caught", || is_caught(process, "src-frozen"));
    let writer = std::thread::spawn({
        let inbox = inbox.clone();
        move || {
            let mut truth = Truth::default();
            mark(&inbox, "during.dat", &mut truth);
            truth
        }
    });
    let caught = Instant::now();
    for number in 0..NEAR {
        here.write(&landing.root(), format!("near {number}").as_bytes(), b"near");
    }
    near.wait_for(NEAR, STEP);
    let delivered = caught.elapsed();
    assert!(
        thaw.is_running(),
        "files elsewhere came when it went on, after {delivered:?}: they waited for it"
    );
    let asked = Instant::now();
    let counts = landing.status()["counts"].clone();
    let answered = asked.elapsed();
    assert!(begun.elapsed() < FROZEN && answered < ANSWER, "status took {answered:?}: {counts}");

    thaw.wait_exit(STEP);
    there.merge(writer.join().expect("the writer ends after the thaw"));
    far.wait_for(2, STEP);
    let markers = || ["before", "during"].iter().any(|name| inbox.join(format!("{name}.dat.done")).exists());
    wait_until(STEP, "the markers to be deleted", || !markers());
    wait_until(STEP, "everything to be settled", || landing.status()["counts"]["waiting"] == 0);
    let (here, there) = (judge(&here, &near.finish()), judge(&there, &far.finish()));
    here.assert_exact();
    there.assert_exact();
    let row = row.judged(&here).judged(&there).milliseconds("files elsewhere", delivered);
    row.milliseconds("status", answered).print();
}
