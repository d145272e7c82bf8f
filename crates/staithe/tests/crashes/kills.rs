//! `kill -9` at any instant.

use std::time::Duration;

use testkit::chance::Chance;
use testkit::proof::{Row, is_long, size};

use crate::victim::{CRASHES_EACH, Shown, Victim};

#[test]
fn kills_at_random_under_load_lose_nothing() {
    let kills = size(20, 1_000);
    let longest = Duration::from_millis(if is_long() { 2_000 } else { 600 });
    let mut chance = Chance::from_environment();
    let (mut row, mut shown) = (Row::new("C01").seed(chance.seed()).figure("kills", kills), Shown::default());
    for first in (0..kills).step_by(CRASHES_EACH) {
        let mut victim = Victim::new("", "");
        let running = victim.load(chance.draw()).start();
        for round in first..kills.min(first + CRASHES_EACH) {
            victim.begin(round);
            // A random instant is what is tested here; nothing is waited for.
            std::thread::sleep(chance.up_to(longest));
            victim.landing.kill();
            victim.end();
            victim.check();
        }
        victim.landing.start();
        let truth = running.stop();
        victim.settle(&truth);
        row = victim.judge(&truth, row, &mut shown);
    }
    shown.row(row).print();
}
