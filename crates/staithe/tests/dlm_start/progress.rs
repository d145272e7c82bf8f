//! How far a backlog is, in the log.

use std::fs;
use std::time::Duration;

use testkit::wait_until;

use crate::stage::{PATIENCE, Stage, records};

/// So many that they take longer than the first line needs to come, whatever else the machine does.
const PRODUCTS: usize = 700;

/// The double takes 200 ms for each of two answers, eight products are under way: no less than 35 s.
#[test]
fn a_backlog_is_told_of_until_it_is_done() {
    let stage = Stage::new();
    for number in 0..PRODUCTS {
        fs::write(stage.scratch.folder("w").join(format!("f{number}")), "x").expect("it takes a file");
    }
    stage.dlm.set_latency(Duration::from_millis(200));
    let mut watcher = stage.start(&["--include-existing", "--dir-updates-wait-time", "0"]);
    let lines = || -> Vec<String> {
        let all = records(&watcher).into_iter().filter(|record| record.level == "INFO");
        all.map(|record| record.message).filter(|message| message.contains(" products registered")).collect()
    };
    let moving = |line: &String| line.contains(" products/s, about ");
    wait_until(PATIENCE, "a line about the backlog", || lines().iter().any(moving));
    let line = lines().into_iter().find(moving).expect("it was there");
    let numbers: Vec<usize> =
        line.split(|byte: char| !byte.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    let [done, all, share, open, ..] = numbers.as_slice() else { panic!("{line}") };
    assert_eq!((*all, done + open), (PRODUCTS, PRODUCTS), "{line}");
    assert!(*done > 0 && *open > 0 && *share == done * 100 / all, "{line}");
    assert!(line.len() < 100, "on one line of a terminal: {line}");

    stage.dlm.set_latency(Duration::ZERO);
    let end = format!("all of {PRODUCTS} products registered in ");
    wait_until(PATIENCE, "the last line", || lines().last().is_some_and(|line| line.starts_with(&end)));
    watcher.terminate(PATIENCE);
}
