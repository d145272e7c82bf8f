//! What a dataset of 100 000 members costs.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

use testkit::wait_until;

use crate::STEP;
use crate::stage::Stage;

const MEMBERS: u64 = 100_000;
const FOLDERS: u64 = 100;
/// By how much the program may grow.
const GROWTH: u64 = 20 << 20;
/// So long that their names alone, if they were kept, would be more.
const NAME: usize = 200;

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members", { quiet = "1s" }] }
"#;

/// What the process has in memory.
fn resident(stage: &mut Stage) -> u64 {
    let file = format!("/proc/{}/status", stage.landing.daemon().id());
    let text = fs::read_to_string(file).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number") << 10
}

#[test]
fn a_dataset_of_100_000_members_takes_no_memory() {
    let mut stage = Stage::start("memory", "", RULES);
    // What is made once, is made: a thread that reads, a first event.
    stage.write("small.ms/one", "1");
    stage.wait_event("small.ms", 1);
    let idle = resident(&mut stage);

    let set = stage.path("large.ms");
    for folder in 0..FOLDERS {
        fs::create_dir_all(set.join(folder.to_string())).unwrap();
    }
    let mut straggler = File::create(set.join("straggler")).unwrap();
    let begun = Instant::now();
    let mut most = idle;
    for member in 1..MEMBERS {
        fs::write(set.join(format!("{}/{member:0>NAME$}", member % FOLDERS)), "data").unwrap();
        if member % 2_000 == 0 {
            // What is on its way to be heard holds names, too; that is bounded by other means.
            stage.hear();
            most = most.max(resident(&mut stage));
        }
    }
    let written = begun.elapsed();
    stage.wait_blocked("large.ms", "waiting.members", &["straggler"]);
    straggler.write_all(b"last").unwrap();
    let finished = SystemTime::now();
    drop(straggler);
    let closed = Instant::now();
    wait_until(STEP, "the event", || {
        most = most.max(resident(&mut stage));
        !stage.of("large.ms").is_empty()
    });
    let took = closed.elapsed();
    let event = stage.wait_event("large.ms", 1);
    event.is_first().is_complete(MEMBERS, MEMBERS * 4).is_after(finished);
    assert!(event.members()["more"].as_u64() > Some(MEMBERS - 300), "{event:?}");
    println!(
        "written in {written:?}, announced {took:?} after the last close; {} kB idle, {} kB at most",
        idle >> 10,
        most >> 10
    );
    assert!(most.saturating_sub(idle) < GROWTH, "{idle} bytes idle, {most} at most");
    assert!(took < Duration::from_secs(15), "{took:?}");
    stage.assert_only(&[("small.ms", 1), ("large.ms", 1)]);
}
