//! The power is cut: the state directory lies on a file system that forgets what was not synced.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, is_long, size, skip};
use testkit::{Filesystem, Volume, patience};

use crate::STEP;
use crate::producer::{self, Producer};
use crate::victim::{CRASHES_EACH, Shown, Victim};

/// Between two looks at whether there are promises.
const LOOK: Duration = Duration::from_millis(2);

/// What all installations together have shown.
#[derive(Default)]
struct Promises {
    cuts: usize,
    promised: usize,
    taken: usize,
}

/// Cuts the power of one installation again and again, a random while after each start.
fn cut_again_and_again(
    victim: &mut Victim,
    volume: &mut Volume,
    cuts: usize,
    chance: &mut Chance,
) -> Producer {
    let longest = Duration::from_millis(if is_long() { 2_000 } else { 1_000 });
    let mut producer = Producer::new(&victim.landing);
    let has_promises = producer.has_both();
    for round in 0..cuts {
        victim.begin(round);
        let (stop, begun) = (AtomicBool::new(false), Instant::now());
        std::thread::scope(|scope| {
            scope.spawn(|| producer.work(&stop));
            // A cut before any promise shows nothing. No failure here: the producer would never be told to stop.
            while !has_promises.load(Ordering::Acquire) && round == 0 && begun.elapsed() < patience(STEP) {
                std::thread::sleep(LOOK);
            }
            // A random instant is what is tested here; nothing is waited for.
            std::thread::sleep(chance.up_to(longest));
            volume.cut_power();
            victim.landing.kill();
            stop.store(true, Ordering::Release);
        });
        victim.end();
        volume.reboot();
    }
    victim.landing.start();
    producer
}

/// One installation with its state directory there.
fn installation(
    volume: &mut Volume,
    cuts: usize,
    chance: &mut Chance,
    row: Row,
    shown: &mut Shown,
    promises: &mut Promises,
) -> Row {
    let mut victim = Victim::new("durability = \"power\"", producer::RULES);
    victim.landing.keep_state_in(volume.path().join("state"));
    let running = victim.load(chance.draw()).start();
    let producer = cut_again_and_again(&mut victim, volume, cuts, chance);
    let truth = running.stop();
    victim.settle(&truth);
    let (kept, taken) = producer.settle();
    promises.promised += kept;
    promises.taken += taken;
    promises.cuts += cuts;
    victim.judge(&truth, row, shown)
}

#[test]
fn power_cuts_under_load_lose_nothing_that_was_acknowledged() {
    let each = size(2, 100);
    let mut chance = Chance::from_environment();
    let mut row = Row::new("C04").seed(chance.seed());
    let (mut shown, mut promises) = (Shown::default(), Promises::default());
    for filesystem in [Filesystem::Ext4, Filesystem::Xfs] {
        for first in (0..each).step_by(CRASHES_EACH) {
            let mut volume = match Volume::new(filesystem) {
                Ok(volume) => volume,
                Err(why) => {
                    println!("SKIPPED C04 on {}: {why}", filesystem.name());
                    break;
                }
            };
            let cuts = CRASHES_EACH.min(each - first);
            row = installation(&mut volume, cuts, &mut chance, row, &mut shown, &mut promises);
        }
    }
    if promises.cuts == 0 {
        return skip("C04", "no file system whose power can be cut");
    }
    let least = if is_long() { 100 } else { 0 };
    assert!(promises.promised.min(promises.taken) > least, "hardly anybody was promised anything");
    row = row.figure("power cuts", promises.cuts);
    row = row.figure("promised to producers", promises.promised).figure("consumed for good", promises.taken);
    shown.row(row).print();
}
