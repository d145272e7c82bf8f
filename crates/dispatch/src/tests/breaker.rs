//! Sinks that fail as a whole.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use model::Parcel;
use sinks::{Outcome, Trouble};

use super::house::*;
use crate::SinkState;

#[test]
fn trouble_of_the_sink_is_no_attempt_of_the_event() {
    let actor = Actor::new(down);
    let house = House::of(&actor, 1);
    house.admit(paths(30));
    wait("twenty troubles", || house.notes.read().troubles.len() >= 20);
    assert_eq!(house.status().state, SinkState::Retrying);
    assert_eq!(house.status().last_error.as_deref(), Some("down"));
    actor.play(deliver);
    assert!(house.drain(SOON));
    assert_eq!(actor.paths(), paths(30));
    assert!(actor.stage().offered.iter().all(|(_, attempt)| *attempt == 1));
    let status = house.wait_for_state(SinkState::Ok);
    let notes = house.notes.read();
    assert_eq!((status.last_error, notes.dead.len(), notes.recovered), (None, 0, 1));
    drop(notes);
    house.close();
}

#[test]
fn after_trouble_it_asks_first_and_risks_one_event_only() {
    let actor = Actor::new(down);
    let house = House::of(&actor, 0);
    house.admit(paths(30));
    wait("some probes", || actor.stage().calls >= 5);
    let stage = actor.stage();
    let probes: Vec<u64> = stage.offered.iter().map(|(seq, _)| *seq).skip(10).collect();
    assert!(probes.iter().all(|seq| *seq == 1), "{probes:?}");
    assert!(stage.pings + 1 >= stage.calls, "{} pings, {} calls", stage.pings, stage.calls);
    drop(stage);
    house.close();
}

#[test]
fn a_dead_sink_does_not_slow_the_other() {
    let (dead, hung, well) = (Actor::new(down), Actor::new(deliver), Actor::new(deliver));
    hung.hang();
    let house = House::build(None, &[&dead, &hung, &well], 0);
    let begun = Instant::now();
    house.admit(paths(5000));
    wait("all at the sink that is well", || well.taken() == 5000);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(house.dispatch.status(house.sinks[1]).in_flight, 10);
    assert_eq!(house.dispatch.status(house.sinks[2]).state, SinkState::Ok);
    wait("the ledger to show what is in hand", || {
        house.ledger.sink_counts(house.sinks[1]).unwrap().in_flight == 10
    });
    house.dispatch.stop(Duration::from_millis(10));
}

#[test]
fn what_was_in_hand_when_the_sink_failed_is_queued_again() {
    let actor = Actor::new(down);
    actor.hang();
    let house = House::of(&actor, 0);
    house.admit(paths(30));
    let counts = || house.ledger.sink_counts(house.sinks[0]).unwrap();
    wait("the ledger to show what is in hand", || counts().in_flight == 10 && counts().queued == 20);
    actor.release();
    wait("the ledger to show that nothing is", || counts().in_flight == 0 && counts().queued == 30);
    assert_eq!(house.wait_for_state(SinkState::Retrying).in_flight, 0);
    house.close();
}

#[test]
fn what_a_person_must_heal_heals_without_a_restart() {
    let actor = Actor::new(|_: &[Parcel]| Err(Trouble::Misconfigured("wrong password".into())));
    let house = House::of(&actor, 1);
    house.admit(paths(3));
    let status = house.wait_for_state(SinkState::Failed);
    assert_eq!(status.last_error.as_deref(), Some("wrong password"));
    wait("a second try", || actor.stage().calls >= 2);
    assert!(house.notes.read().troubles[0].1 >= Duration::from_millis(20));
    actor.play(deliver);
    assert!(house.drain(SOON));
    assert_eq!(house.wait_for_state(SinkState::Ok).last_error, None);
    house.close();
}

#[test]
fn a_closed_pipe_is_tried_again_only_when_somebody_says_so() {
    let actor = Actor::new(|_: &[Parcel]| Err(Trouble::Closed("gone".into())));
    let house = House::of(&actor, 0);
    house.admit(paths(3));
    house.wait_for_state(SinkState::Failed);
    assert_eq!(house.notes.read().troubles, [(Trouble::Closed("gone".into()), Duration::MAX)]);
    house.admit(paths(3));
    assert!(!house.drain(Duration::from_millis(100)));
    assert_eq!(actor.stage().calls, 1);
    actor.play(deliver);
    house.dispatch.wake(house.sinks[0]);
    assert!(house.drain(SOON));
    assert_eq!(actor.taken(), 6);
    house.close();
}

#[test]
fn a_sink_that_says_nothing_is_down_and_not_asked_in_a_loop() {
    let actor = Actor::new(|_: &[Parcel]| Ok(Vec::<Outcome>::new()));
    let house = House::of(&actor, 0);
    house.admit(paths(3));
    house.wait_for_state(SinkState::Retrying);
    actor.play(deliver);
    assert!(house.drain(SOON));
    house.close();
}

#[test]
fn questions_about_the_queue_are_answered_or_unknown() {
    let actor = Actor::new(deliver);
    let house = House::of(&actor, 0);
    let ask = |sink| {
        let (sender, receiver) = mpsc::channel();
        house.dispatch.backlog(sink, Box::new(move |length| sender.send(length).unwrap()));
        receiver.recv_timeout(SOON).expect("every question is answered once")
    };
    actor.stage().backlog = Ok(Some(17));
    assert_eq!(ask(house.sinks[0]), Some(17));
    assert_eq!(ask(ledger::SinkId(99)), None);
    actor.stage().backlog = Err(Trouble::Down("no".into()));
    assert_eq!(ask(house.sinks[0]), None);
    // The question found the trouble; another question finds that it is over.
    wait("the sink to be well again", || house.status().state == SinkState::Ok);
    actor.hang();
    house.admit(["x"]);
    wait("the call", || actor.stage().calls == 1);
    let (sender, receiver) = mpsc::channel();
    for _ in 0..100 {
        let sender = sender.clone();
        house.dispatch.backlog(house.sinks[0], Box::new(move |length| sender.send(length).unwrap()));
    }
    actor.release();
    for _ in 0..100 {
        receiver.recv_timeout(SOON).expect("every question is answered once");
    }
    house.dispatch.stop(Duration::ZERO);
    assert_eq!(ask(house.sinks[0]), None);
}
