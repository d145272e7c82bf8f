//! A ledger whose disk spoils what is on its way.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ledger::Health;

use super::house::*;
use crate::SinkState;

/// The event of that path says another one from now on: one bit on the disk, behind everybody's back.
fn spoil(dir: &Path, path: &str) {
    let file = dir.join("ledger.db");
    let (bytes, said) = (std::fs::read(&file).unwrap(), format!("\"subject\":\"{path}\""));
    let at =
        bytes.windows(said.len()).rposition(|window| window == said.as_bytes()).unwrap() + said.len() - 2;
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
}

#[test]
fn what_is_spoiled_on_the_disk_is_not_sent_and_the_status_says_why_and_what_helps() {
    let dir = tempfile::tempdir().unwrap();
    let state = || Some(dir.path().join("state"));
    let actor = Actor::new(down).limit(1);
    let house = House::build(state(), &[&actor], 0);
    house.admit(paths(60));
    house.ledger.flush().unwrap();
    house.close();
    // What was admitted before is read from the disk, two events ahead.
    let house = House::build(state(), &[&actor], 0);
    house.wait_for_state(SinkState::Retrying);
    spoil(&state().unwrap(), "f40");
    actor.play(deliver);
    wait("all before it", || actor.taken() == 40);
    wait("the status", || house.status().last_error.is_some());
    let status = house.status();
    let error = status.last_error.unwrap();
    assert!(error.starts_with("E-LEDGER: the ledger is damaged") && error.contains("event 41"), "{error}");
    assert!(error.contains("restart staithe") && status.state == SinkState::Retrying, "{error}");
    assert!(matches!(house.ledger.health(), Health::Damaged(what) if what.contains("event 41")));
    house.close();
    assert_eq!(actor.paths(), paths(40), "and nothing behind it");
    let house = House::build(state(), &[&actor], 0);
    wait("the rest", || actor.taken() == 60);
    assert_eq!((actor.paths(), house.ledger.health()), (paths(60), Health::Ok));
    house.close();
}
