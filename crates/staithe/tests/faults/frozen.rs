//! A file system that stands still: every write to it waits, and so does many a look.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Collector, Filesystem, Process, Scratch, Truth, Volume, judge, wait_until};

use crate::{STEP, landing};

/// For so long nothing moves there.
const FROZEN: Duration = Duration::from_secs(4);
/// Within this a command must have answered meanwhile; starting a process takes some of it on a busy machine.
const ANSWER: Duration = Duration::from_secs(3);

fn plan(frozen: &Path) -> String {
    format!(
        r#"
[source.frozen]
path = "{}"
[[source.frozen.rule]]
name = "all"
include = ["*"]
to = ["frozen"]
[source.near]
path = "{{in}}"
[[source.near.rule]]
name = "all"
include = ["*"]
to = ["near"]
[sink.frozen]
type = "jsonl"
path = "{{out}}/frozen.jsonl"
[sink.near]
type = "jsonl"
path = "{{out}}/near.jsonl"
"#,
        frozen.display()
    )
}

/// Freezes it for a while. The thaw is started before: whoever writes to a frozen file system cannot even be killed.
fn freeze(point: &Path) -> Option<Process> {
    let seconds = FROZEN.as_secs();
    let mut thaw = Command::new("sh");
    thaw.arg("-c").arg(format!("sleep {seconds}; exec fsfreeze --unfreeze \"$0\"")).arg(point);
    let mut thaw = Process::spawn("thaw", &std::env::temp_dir(), &mut thaw);
    let frozen = Command::new("fsfreeze").arg("--freeze").arg(point).stderr(Stdio::null()).status();
    if frozen.is_ok_and(|status| status.success()) {
        return Some(thaw);
    }
    println!("SKIPPED a frozen file system: fsfreeze does not work here");
    thaw.wait_exit(STEP);
    None
}

#[test]
fn a_file_system_that_stands_still_holds_up_itself_and_nobody_else() {
    let volume = match Volume::new(Filesystem::Ext4) {
        Ok(volume) => volume,
        Err(why) => return println!("SKIPPED a frozen file system: {why}"),
    };
    let scratch = Scratch::in_memory("frozen");
    let inbox = volume.path().join("in");
    std::fs::create_dir(&inbox).expect("the volume takes a folder");
    let mut landing = landing(scratch);
    landing.configure(&plan(&inbox));
    landing.start();
    let near = Collector::tail(&landing.out("near.jsonl"), &landing.root());
    let far = Collector::tail(&landing.out("frozen.jsonl"), &inbox);
    let (mut there, mut here) = (Truth::default(), Truth::default());
    there.write(&inbox, b"before", b"before");
    far.wait_for(1, STEP);

    let Some(mut thaw) = freeze(volume.path()) else { return };
    let begun = Instant::now();
    let writer = std::thread::spawn({
        let inbox = inbox.clone();
        move || {
            let mut truth = Truth::default();
            truth.write(&inbox, b"during", b"written as soon as it can be");
            truth
        }
    });
    for number in 0..20 {
        here.write(&landing.root(), format!("near {number}").as_bytes(), b"near");
    }
    near.wait_for(20, STEP);
    let delivered = begun.elapsed();
    let asked = Instant::now();
    let counts = landing.status()["counts"].clone();
    let answered = asked.elapsed();
    assert!(begun.elapsed() < FROZEN, "it thawed before all was asked: nothing is shown");
    assert!(answered < ANSWER, "status took {answered:?}: {counts}");
    println!("frozen: near files after {delivered:?}, status after {answered:?}");

    thaw.wait_exit(STEP);
    there.merge(writer.join().expect("the writer ends after the thaw"));
    far.wait_for(2, STEP);
    wait_until(STEP, "everything to be settled", || landing.status()["counts"]["waiting"] == 0);
    judge(&here, &near.finish()).assert_exact();
    judge(&there, &far.finish()).assert_exact();
}
