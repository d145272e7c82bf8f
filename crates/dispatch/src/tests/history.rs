//! What the ledger tells of the attempts.

use model::Parcel;
use sinks::Outcome;
use tempfile::TempDir;

use super::house::*;
use crate::SinkState;

fn whats(house: &House, seq: u64) -> Vec<String> {
    let history = house.ledger.attempts(house.sinks[0], seq).unwrap();
    history.into_iter().map(|moment| moment.what).collect()
}

#[test]
fn an_event_that_was_refused_tells_how_it_went() {
    let dir = TempDir::new().unwrap();
    let actor = Actor::new(|batch: &[Parcel]| {
        let refused = |parcel: &Parcel| parcel.path == b"poison" && parcel.seq == 1 && parcel.attempt <= 2;
        let answer =
            |parcel| if refused(parcel) { Outcome::Retry("not now".into()) } else { Outcome::Delivered };
        Ok(batch.iter().map(answer).collect())
    });
    let house = House::build(Some(dir.path().to_owned()), &[&actor], 0);
    house.admit(["poison", "a", "poison"]);
    assert!(house.drain(SOON));
    let refused = |number| format!("attempt {number} was refused: not now");
    assert_eq!(whats(&house, 1), [refused(1), refused(2), "attempt 3 was acknowledged".into()]);
    assert_eq!(whats(&house, 2), Vec::<String>::new(), "it went through at once");
    let behind = ["waits behind an earlier event of the same path", "attempt 1 was acknowledged"];
    assert_eq!(whats(&house, 3), behind);
    let record = house.ledger.records(house.source, b"poison").unwrap().remove(0);
    assert_eq!(record.sinks[0].history.len(), 3);
    assert_eq!(record.sinks[0].delivered_at, Some(record.sinks[0].history[2].time));
    house.close();
}

#[test]
fn a_sink_that_is_down_is_no_attempt() {
    let dir = TempDir::new().unwrap();
    let actor = Actor::new(down);
    let house = House::build(Some(dir.path().to_owned()), &[&actor], 3);
    house.admit(paths(5));
    wait("some troubles", || house.notes.read().troubles.len() >= 10);
    house.wait_for_state(SinkState::Retrying);
    actor.play(deliver);
    assert!(house.drain(SOON));
    assert!((1..=5).all(|seq| whats(&house, seq).is_empty()));
    house.close();
}
