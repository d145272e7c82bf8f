//! Order, refusals, dead letters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use model::Parcel;
use sinks::Outcome;

use super::house::*;
use crate::SinkState;

/// Refuses events of this path until each was tried `tries` times, and takes the others.
fn refusing(path: &'static str, tries: u32) -> impl FnMut(&[Parcel]) -> Answer {
    move |batch| {
        let refuse = |parcel: &Parcel| parcel.path == path.as_bytes() && parcel.attempt <= tries;
        let answer =
            |parcel| if refuse(parcel) { Outcome::Retry("not now".into()) } else { Outcome::Delivered };
        Ok(batch.iter().map(answer).collect())
    }
}

#[test]
fn a_backlog_leaves_in_the_order_of_admission() {
    let (one, two) = (Actor::new(deliver), Actor::new(deliver).limit(7).whole());
    let house = House::build(None, &[&one, &two], 0);
    for chunk in paths(1000).chunks(33) {
        house.admit(chunk);
    }
    wait("all at both", || one.taken() == 1000 && two.taken() == 1000);
    assert_eq!((one.paths(), two.paths()), (paths(1000), paths(1000)));
    assert!(one.stage().largest <= 10 && two.stage().largest <= 7);
    wait("the ledger to know", || house.drain(SOON));
    let counts = house.ledger.sink_counts(house.sinks[0]).unwrap();
    assert_eq!((counts.delivered, counts.queued, counts.in_flight), (1000, 0, 0));
    assert_eq!(house.notes.read().delivered.len(), 2000);
    assert_eq!(house.status(), crate::SinkStatus { prepared: true, ..crate::SinkStatus::idle() });
    house.close();
}

#[test]
fn generations_of_a_path_stay_in_order_and_others_overtake() {
    let actor = Actor::new(refusing("hot", 3));
    let house = House::of(&actor, 0);
    let mixed: Vec<String> = paths(40).into_iter().flat_map(|path| [path, "hot".into()]).collect();
    house.admit(&mixed);
    wait("all", || actor.taken() == 80);
    let stage = actor.stage();
    let mut last: HashMap<&str, u64> = HashMap::new();
    for taken in &stage.taken {
        let before = last.insert(&taken.path, taken.seq);
        assert!(before.is_none_or(|before| before < taken.seq), "{} came after {before:?}", taken.seq);
    }
    let first_hot = stage.taken.iter().position(|taken| taken.path == "hot").unwrap();
    assert!(first_hot > 5, "others wait for the refused one");
    // Each was refused three times, and none was offered while an earlier one waited.
    for (seq, path) in (1..).zip(&mixed) {
        let attempts: Vec<u32> =
            stage.offered.iter().filter(|(offered, _)| *offered == seq).map(|(_, n)| *n).collect();
        assert_eq!(attempts, if path == "hot" { vec![1, 2, 3, 4] } else { vec![1] });
    }
    drop(stage);
    house.close();
}

#[test]
fn a_poison_event_blocks_nobody_else() {
    let actor = Actor::new(refusing("poison", u32::MAX));
    let house = House::of(&actor, 0);
    house.admit(["poison"]);
    house.admit(paths(500));
    house.admit(["poison"]);
    wait("the others", || actor.taken() == 500);
    wait("both to wait", || house.status().parked == 2);
    assert_eq!(house.status().state, SinkState::Ok);
    wait("the ledger to know", || {
        let counts = house.ledger.sink_counts(house.sinks[0]).unwrap();
        (counts.retrying, counts.queued) == (2, 0)
    });
    assert!(!house.drain(std::time::Duration::ZERO));
    house.close();
}

#[test]
fn an_event_is_dead_after_its_last_attempt() {
    let actor = Actor::new(refusing("poison", u32::MAX));
    let house = House::of(&actor, 3);
    house.admit(["poison", "a", "poison"]);
    wait("two letters", || house.notes.read().dead.len() == 2);
    assert!(house.drain(SOON));
    assert_eq!(house.notes.read().dead, [(1, "not now".to_owned()), (3, "not now".to_owned())]);
    let mut letters = house.ledger.dead(None).unwrap();
    letters.sort_by_key(|letter| letter.parcel.seq);
    let shape: Vec<_> = letters.iter().map(|row| (row.parcel.seq, row.attempts, row.rejected)).collect();
    assert_eq!(shape, [(1, 3, false), (3, 3, false)]);
    assert_eq!(actor.paths(), ["a"]);
    house.close();
}

#[test]
fn a_rejected_event_is_dead_whatever_max_attempts_says() {
    let actor = Actor::new(|batch: &[Parcel]| {
        let answer = |parcel: &Parcel| {
            if parcel.path == b"bad" { Outcome::Rejected("never".into()) } else { Outcome::Delivered }
        };
        Ok(batch.iter().map(answer).collect())
    });
    let house = House::of(&actor, 0);
    house.admit(["a", "bad", "b", "bad"]);
    assert!(house.drain(SOON));
    assert_eq!(actor.paths(), ["a", "b"]);
    let letters = house.ledger.dead(None).unwrap();
    assert!(
        letters.len() == 2
            && letters.iter().all(|row| row.rejected && row.attempts == 1 && row.error == "never")
    );
    house.close();
}

#[test]
fn a_sink_may_take_only_the_beginning_of_a_batch() {
    let actor = Actor::new(|batch: &[Parcel]| Ok(vec![Outcome::Delivered; batch.len().min(3)])).whole();
    let house = House::of(&actor, 0);
    house.admit(paths(100));
    assert!(house.drain(SOON));
    assert_eq!(actor.paths(), paths(100));
    house.close();
}

#[test]
fn a_sink_that_takes_whole_batches_gets_generations_together() {
    let actor = Actor::new(deliver).whole();
    actor.hang();
    let house = House::of(&actor, 0);
    house.admit(["x"]);
    wait("the first call", || actor.stage().calls == 1);
    house.admit(["x"; 9]);
    actor.release();
    assert!(house.drain(SOON));
    assert!(actor.stage().calls < 10);
    assert_eq!(actor.seqs(), (1..=10).collect::<Vec<_>>());
    house.close();
}

#[test]
fn what_is_under_way_or_put_off_is_no_attempt_and_holds_up_nobody() {
    let mut calls = 0;
    let actor = Actor::new(move |batch: &[Parcel]| {
        let answer = |parcel: &Parcel| match &parcel.path[..] {
            b"long" if calls < 3 => {
                calls += 1;
                Outcome::Underway(format!("{calls} of 3"))
            }
            b"odd" => Outcome::PutOff(SOON * 10, "not known whose fault".into()),
            _ => Outcome::Delivered,
        };
        Ok(batch.iter().map(answer).collect())
    });
    // With one attempt allowed, an attempt would be a dead letter.
    let house = House::of(&actor, 1);
    house.admit(["long", "odd"]);
    house.admit(paths(100));
    wait("all but the one put off", || actor.taken() == 101);
    wait("the ledger to know", || house.ledger.sink_counts(house.sinks[0]).unwrap().delivered == 101);
    let counts = house.ledger.sink_counts(house.sinks[0]).unwrap();
    assert_eq!((counts.retrying, counts.dead, counts.delivered), (1, 0, 101));
    let offered = |seq| actor.stage().offered.iter().filter(|(offered, _)| *offered == seq).count();
    assert_eq!((offered(1), offered(2)), (4, 1));
    assert!(actor.stage().offered.iter().all(|(_, attempt)| *attempt == 1));
    house.close();
}

#[test]
fn a_sink_in_trouble_is_not_well_because_one_event_was_put_off() {
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let lengths_seen = Arc::clone(&lengths);
    let actor = Actor::new(move |batch: &[Parcel]| {
        let mut lengths = lengths_seen.lock().unwrap();
        lengths.push(batch.len());
        match lengths.len() {
            1 => Err(sinks::Trouble::Down("cut off".into())),
            2 => Ok(vec![Outcome::PutOff(SOON * 10, "cut off".into())]),
            _ => Ok(vec![Outcome::Delivered; batch.len()]),
        }
    });
    let house = House::of(&actor, 0);
    house.admit(["odd", "good", "better"]);
    wait("the others", || actor.taken() == 2);
    // Until one was taken it was tried with one event at a time.
    assert_eq!(lengths.lock().unwrap()[1..3], [1, 1]);
    house.close();
}
