//! The disk with the state directory becomes full while files arrive, and is freed again.

use std::fs;
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, size, skip};
use testkit::{Filesystem, Volume, wait_until};

use crate::STEP;
use crate::victim::{Shown, Victim};

/// Room for a store that has just begun. The log of commits alone may take 32 MiB.
const ROOM: u64 = 48 << 20;
/// So soon after the disk is free, all is well again.
const WELL: Duration = Duration::from_secs(30);
/// Between two looks at the status.
const LOOK: Duration = Duration::from_millis(500);

/// Looks at the status until the time is over: it says that something is wrong, each time, and the process is there.
#[track_caller]
fn stays_degraded(victim: &mut Victim, time: Duration) -> usize {
    let (begun, mut looks) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let status = victim.landing.status();
        assert_eq!(status["state"], "degraded", "while the disk is full: {status}");
        assert!(victim.landing.daemon().is_running(), "it ended");
        looks += 1;
        // Looks all the time would keep a core busy.
        std::thread::sleep(LOOK);
    }
    looks
}

/// How many events the ledger has taken in.
fn remembered(victim: &Victim) -> u64 {
    let counts = victim.landing.status()["counts"].clone();
    let states = ["queued", "delivering", "retrying", "delivered", "dead"];
    states.iter().filter_map(|state| counts[*state].as_u64()).sum()
}

#[test]
fn a_full_disk_below_the_state_pauses_the_intake_and_loses_nothing() {
    let volume = match Volume::new(Filesystem::Memory(ROOM)) {
        Ok(volume) => volume,
        Err(why) => return skip("C08", &why),
    };
    let full = Duration::from_secs(size(5, 60) as u64);
    let chance = Chance::from_environment();
    let mut row = Row::new("C08").seed(chance.seed());
    let mut victim = Victim::new("", "");
    victim.landing.keep_state_in(volume.path().join("state"));
    victim.begin(0);
    let running = victim.load(chance.seed()).start();
    wait_until(STEP, "the load to be under way", || remembered(&victim) > 200);

    let filler = volume.fill_up(0);
    let state = |victim: &Victim| victim.landing.status()["state"].clone();
    let noticed =
        wait_until(STEP, "the status to say that the disk is full", || state(&victim) == "degraded");
    let (before, looks) = (remembered(&victim), stays_degraded(&mut victim, full));
    assert_eq!(before, remembered(&victim), "nothing is taken in that cannot be remembered");
    fs::remove_file(filler).expect("it is there");
    let well = wait_until(WELL, "all to be well again", || state(&victim) == "ok");
    let truth = running.stop();
    let freed = Instant::now();
    victim.settle(&truth);
    row = row.milliseconds("full, until it was said", noticed).figure("full s", full.as_secs());
    row = row.figure("looks at the status meanwhile", looks).milliseconds("freed, until all was well", well);
    row = row.milliseconds("to catch up", freed.elapsed());
    let mut shown = Shown::default();
    row = victim.judge(&truth, row, &mut shown);
    row.figure("files", truth.paths()).print();
}
